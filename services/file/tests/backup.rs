//! Copies of files, in a folder and in a server that speaks S3, and backups sent to a bucket.
#![expect(
    clippy::unwrap_used,
    dead_code,
    reason = "a test fails by panicking, and other tests use more of the support"
)]

use std::{collections::BTreeMap, path::PathBuf};

use archive::{Copied, FORMAT, Manifest, Shelf};
use bytes::Bytes;
use file::{
    domain::{Bucket, Digest, File, Form, Owner},
    store::{self, FileStore, Keys, backup},
};
use ids::{FileId, MerchantId, UserId};
use testkit::Folder;

#[path = "support/place.rs"]
mod place;

use place::Place;

fn keys() -> Keys {
    Keys::default()
}

fn record(seed: u8, bucket: Bucket) -> File {
    let owner = match bucket {
        Bucket::Documents => Owner::User(UserId::new()),
        _ => Owner::Merchant(MerchantId::new()),
    };
    File {
        id: FileId::new(),
        bucket,
        owner,
        digest: Digest::new(&[seed; 32]),
        name: "чойнак.jpg".to_owned(),
        size: 3,
        picture: None,
        created_at: testkit::START,
    }
}

/// Adds some files.
async fn fill(store: &dyn FileStore) -> Vec<File> {
    let mut files = Vec::new();
    for (seed, bucket) in (1..).zip([Bucket::Products, Bucket::Documents, Bucket::Products]) {
        let file = record(seed, bucket);
        let content = Bytes::from(vec![seed; 100_000]);
        store.put_blobs(vec![(file.path(Form::Main), content)]).await.unwrap();
        files.push(store.add(file).await.unwrap());
    }
    files
}

async fn check(store: &dyn FileStore, files: &[File]) {
    for (seed, file) in (1..).zip(files) {
        assert_eq!(store.batch(&[file.id]).await.unwrap(), std::slice::from_ref(file));
        let blob = store.get_blob(&file.path(Form::Main)).await.unwrap().unwrap();
        assert_eq!(blob, vec![seed; 100_000]);
        let same = store.find_same(file.bucket, &file.digest, file.owner).await.unwrap();
        assert_eq!(same.unwrap().id, file.id);
    }
}

/// A backup of the files behind an address.
async fn back_up(address: &str, folder: &Folder) -> (PathBuf, Manifest) {
    let shelf = Shelf::open(folder.path()).unwrap();
    let draft = shelf.begin(testkit::START).unwrap();
    let mut part = draft.part("file").unwrap();
    if let Some(records) = backup::records(address).unwrap() {
        let source = sqlite::backup::Source::open(&records).unwrap();
        source.snapshot().unwrap();
        source.copy(&mut part, backup::RECORDS).unwrap();
    }
    backup::copy(address, &keys(), &mut part).await.unwrap();
    let stores = BTreeMap::from([("file".to_owned(), part.into_store("file", 1, Copied::Live))]);
    let (program, taken_at) = ("test".to_owned(), testkit::START);
    let manifest = Manifest { format: FORMAT, program, taken_at, held_ms: 0, stores };
    (draft.finish(&manifest).unwrap(), manifest)
}

#[tokio::test]
async fn a_folder_is_copied_and_put_back() {
    let home = Folder::new("backup");
    let (one, two) = ("one", "two");
    let address = |name: &str| format!("file:{}", home.path().join(name).display());
    let store = store::open(&address(one), &keys()).await.unwrap();
    let files = fill(store.as_ref()).await;
    let shelf = Folder::new("shelf");
    let (copy, manifest) = back_up(&address(one), &shelf).await;
    assert_eq!(manifest.stores["file"].counts["blobs"], 3);
    assert!(backup::is_filled(&address(one), &keys()).await.unwrap());
    store.close().await;
    backup::clear(&address(one), &keys()).await.unwrap();
    assert!(!backup::is_filled(&address(one), &keys()).await.unwrap());

    backup::load(&address(two), &keys(), &copy.join("file")).await.unwrap();
    let records = backup::records(&address(two)).unwrap().unwrap();
    sqlite::backup::restore(&records, &copy.join("file").join(backup::RECORDS)).unwrap();
    let store = store::open(&address(two), &keys()).await.unwrap();
    check(store.as_ref(), &files).await;
    store.close().await;
}

#[tokio::test]
async fn buckets_are_copied_and_put_back() {
    let Some(one) = Place::create().await else { return };
    let Some(two) = Place::create().await else { return };
    assert!(!backup::is_filled(&one.address(), &keys()).await.unwrap());
    let store = store::open(&one.address(), &keys()).await.unwrap();
    let files = fill(store.as_ref()).await;
    let shelf = Folder::new("shelf");
    let (copy, manifest) = back_up(&one.address(), &shelf).await;
    assert_eq!(manifest.stores["file"].counts["products"], 2);
    // The bytes of a document, and two records of each file.
    assert_eq!(manifest.stores["file"].counts["documents"], 7);

    let other = store::open(&two.address(), &keys()).await.unwrap();
    fill(other.as_ref()).await;
    assert!(backup::is_filled(&two.address(), &keys()).await.unwrap());
    backup::clear(&two.address(), &keys()).await.unwrap();
    assert!(!backup::is_filled(&two.address(), &keys()).await.unwrap());
    backup::load(&two.address(), &keys(), &copy.join("file")).await.unwrap();
    check(other.as_ref(), &files).await;
    let path = files[0].path(Form::Main).to_string();
    let key = path.split_once('/').unwrap().1.to_owned();
    for place in [&one, &two] {
        let head = place.client().head_object().bucket(place.bucket(Bucket::Products)).key(&key);
        let head = head.send().await.unwrap();
        assert!(
            head.content_type().is_some() && head.cache_control().unwrap().contains("immutable")
        );
    }
}

#[tokio::test]
async fn a_backup_is_sent_to_a_bucket() {
    let Some(place) = Place::create().await else { return };
    let home = Folder::new("backup");
    let address = format!("file:{}", home.path().join("one").display());
    let store = store::open(&address, &keys()).await.unwrap();
    fill(store.as_ref()).await;
    store.close().await;
    // Larger than one part.
    let large = vec![7; 40 * 1024 * 1024];
    std::fs::write(home.path().join("one/blobs/large"), &large).unwrap();
    let shelf = Folder::new("shelf");
    let (copy, manifest) = back_up(&address, &shelf).await;

    let mut target = url::Url::parse(&place.address()).unwrap();
    let bucket = place.bucket(Bucket::Documents);
    target.set_path(&format!("/{bucket}/um/nightly"));
    let pairs: Vec<(String, String)> = target.query_pairs().into_owned().collect();
    target.set_query(None);
    let pairs = pairs.into_iter().filter(|(name, _)| name != "prefix");
    target.query_pairs_mut().extend_pairs(pairs);
    let sent = backup::upload(target.as_str(), &keys(), &copy).await.unwrap();
    let name = copy.file_name().unwrap().to_str().unwrap();
    assert!(sent.ends_with(&format!("/{bucket}/um/nightly/{name}")), "{sent}");
    assert!(!sent.contains('@'), "no keys are told");
    let client = place.client();
    let mut paths: Vec<String> = manifest.files().map(|file| file.path.clone()).collect();
    paths.extend(["manifest.json", "manifest.sha256"].map(str::to_owned));
    for path in paths {
        let key = format!("um/nightly/{name}/{path}");
        let got = client.get_object().bucket(&bucket).key(&key).send().await.unwrap();
        let bytes = got.body.collect().await.unwrap().into_bytes();
        assert!(bytes == std::fs::read(copy.join(&path)).unwrap(), "{path}");
    }
    let mut there = target.clone();
    there.set_path(&format!("/{bucket}/um/nightly/{name}"));
    let other = Folder::new("shelf");
    let shelf = Shelf::open(other.path()).unwrap();
    let shelf = &shelf;
    let fetch = |address: String| async move {
        let bring =
            |folder: PathBuf| async move { backup::fetch(&address, &keys(), &folder).await };
        shelf.adopt(name, bring).await
    };
    let fetched = fetch(there.clone().into()).await.unwrap();
    assert_eq!(archive::verify(&fetched).unwrap(), manifest);
    std::fs::remove_dir_all(&fetched).unwrap();
    let key = format!("um/nightly/{name}/file/files.db");
    client.put_object().bucket(&bucket).key(&key).body(b"x".to_vec().into()).send().await.unwrap();
    let refused = fetch(there.into()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("file/files.db has 1 bytes"), "{refused:#}");
    assert!(archive::complete(other.path()).unwrap().is_empty());

    let mut nowhere = target.clone();
    nowhere.set_path("/um-no-such-bucket/x");
    let refused = backup::upload(nowhere.as_str(), &keys(), &copy).await.unwrap_err();
    assert!(format!("{refused:#}").contains("um-no-such-bucket"), "{refused:#}");
}
