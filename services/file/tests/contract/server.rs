//! What others than the store see in the server of files.

use std::time::Duration;

use bytes::Bytes;
use file::{
    domain::{Bucket, File, Form},
    store::{self, Keys},
};
use testkit::{Folder, eventually};

use crate::{folder, merchant, place::Place, record, s3_store};

#[tokio::test]
async fn buckets_are_made_once_however_many_make_them() {
    let Some(place) = Place::empty() else { return };
    let (address, keys) = (place.address(), Keys::default());
    let migrate = || store::migrate(&address, &keys);
    let (one, two, three) = tokio::join!(migrate(), migrate(), migrate());
    for outcome in [one, two, three, migrate().await] {
        outcome.unwrap();
    }
    let store = store::open(&address, &keys).await.unwrap();
    let file = store.add(record(1, merchant())).await.unwrap();
    migrate().await.unwrap();
    assert_eq!(store.batch(&[file.id]).await.unwrap(), [file]);
}

#[tokio::test]
async fn everybody_reads_what_is_public_and_keeps_it() {
    let Some((place, store)) = s3_store().await else { return };
    for bucket in [Bucket::Products, Bucket::Avatars] {
        let path = File { bucket, ..record(1, merchant()) }.path(Form::Main);
        store.put_blobs(vec![(path.clone(), Bytes::from_static(b"jpeg"))]).await.unwrap();
        let (_, key) =
            path.to_string().split_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let (head, body) = place.fetch(&format!("/{}/{key}", place.bucket(bucket))).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("content-type: image/jpeg"), "{head}");
        assert!(head.contains("cache-control: public, max-age=31536000, immutable"), "{head}");
        assert_eq!(body, b"jpeg");
        let (head, _) = place.fetch(&format!("/{}/", place.bucket(bucket))).await;
        assert!(head.starts_with("http/1.1 403"), "nobody lists: {head}");
    }
}

#[tokio::test]
async fn nobody_reads_documents_and_records_without_keys() {
    let Some((place, store)) = s3_store().await else { return };
    let file = File { bucket: Bucket::Documents, picture: None, ..record(2, merchant()) };
    let content = Bytes::from_static(b"%PDF-1.7");
    store.put_blobs(vec![(file.path(Form::Pdf), content)]).await.unwrap();
    store.add(file).await.unwrap();
    let home = place.bucket(Bucket::Documents);
    let objects = place.client().list_objects_v2().bucket(&home).send().await.unwrap();
    let keys: Vec<&str> = objects.contents().iter().filter_map(|object| object.key()).collect();
    for beginning in ["02/", "records/id/file_", "records/once/documents/"] {
        assert!(keys.iter().any(|key| key.starts_with(beginning)), "{beginning} in {keys:?}");
    }
    for key in keys {
        let (head, _) = place.fetch(&format!("/{home}/{key}")).await;
        assert!(head.starts_with("http/1.1 403"), "{key}: {head}");
    }
    for public in [Bucket::Products, Bucket::Avatars] {
        let objects = place.client().list_objects_v2().bucket(place.bucket(public)).send().await;
        assert!(objects.unwrap().contents().is_empty(), "records are not where everybody reads");
    }
}

#[tokio::test]
async fn a_link_opens_one_document_for_a_while() {
    let Some(place) = Place::create().await else { return };
    let address = format!("{}&public=http://{}", place.address(), place.host());
    let store = store::open(&address, &Keys::default()).await.unwrap();
    let file = File { bucket: Bucket::Documents, picture: None, ..record(2, merchant()) };
    let path = file.path(Form::Pdf);
    let content = Bytes::from_static(b"%PDF-1.7 certificate");
    store.put_blobs(vec![(path.clone(), content.clone())]).await.unwrap();
    let link = async |life| {
        let link = store.link(&path, Duration::from_secs(life)).await.unwrap().unwrap();
        link.strip_prefix(&format!("http://{}", place.host())).unwrap().to_owned()
    };
    let good = link(60).await;
    let (head, body) = place.fetch(&good).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-disposition: attachment"), "{head}");
    assert!(head.contains("cache-control: private"), "{head}");
    assert_eq!(body, content);
    let other = good.replacen("02/", "03/", 1);
    assert!(place.fetch(&other).await.0.starts_with("http/1.1 403"), "it is for one object");
    let short = link(1).await;
    eventually("it ends", || async { place.fetch(&short).await.0.starts_with("http/1.1 403") })
        .await;
}

#[tokio::test]
async fn a_store_that_others_do_not_reach_gives_out_no_links() {
    let (place, path) = (Folder::new("file"), record(2, merchant()).path(Form::Main));
    let store = folder(place.path()).await;
    assert_eq!(store.link(&path, Duration::from_mins(1)).await.unwrap(), None);
    let Some((_place, store)) = s3_store().await else { return };
    assert_eq!(store.link(&path, Duration::from_mins(1)).await.unwrap(), None);
}

#[tokio::test]
async fn large_ones_go_in_parts_and_all_have_checksums() {
    let Some((place, store)) = s3_store().await else { return };
    let file = File { bucket: Bucket::Documents, picture: None, ..record(5, merchant()) };
    let path = file.path(Form::Pdf);
    let small = file.path(Form::Small);
    let content = Bytes::from(vec![7; 11_000_000]);
    let blobs = vec![(path.clone(), content), (small, Bytes::from_static(b"small"))];
    // The second time nothing is written, and nothing is left of the attempt.
    for _ in 0..2 {
        store.put_blobs(blobs.clone()).await.unwrap();
    }
    let (client, home) = (place.client(), place.bucket(Bucket::Documents));
    for (path, parts) in [(&blobs[0].0, true), (&blobs[1].0, false)] {
        let key = path.to_string().split_once('/').unwrap().1.to_owned();
        let head = client.head_object().bucket(&home).key(&key);
        let head = head.checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled);
        let head = head.send().await.unwrap();
        assert!(head.checksum_crc64_nvme().is_some());
        assert_eq!(head.e_tag().unwrap().contains('-'), parts);
        let left = client.list_multipart_uploads().bucket(&home).prefix(&key).send().await.unwrap();
        assert!(left.uploads().is_empty());
    }
}

#[tokio::test]
async fn several_processes_share_the_buckets() {
    let Some((place, first)) = s3_store().await else { return };
    // This one has its keys from the configuration.
    let mut address = url::Url::parse(&place.address()).unwrap();
    address.set_username("").unwrap();
    address.set_password(None).unwrap();
    let second = store::open(address.as_str(), &place.keys()).await.unwrap();
    let owner = merchant();
    let adds = (0..20).map(|turn| {
        let store = if turn % 2 == 0 { &first } else { &second };
        store.add(record(7, owner))
    });
    let files = futures::future::join_all(adds).await;
    let file = files[0].as_ref().unwrap();
    assert!(files.iter().all(|other| other.as_ref().unwrap() == file));
    for store in [&first, &second] {
        assert_eq!(store.batch(&[file.id]).await.unwrap(), std::slice::from_ref(file));
    }
    let home = place.bucket(Bucket::Documents);
    let records = place.client().list_objects_v2().bucket(home).prefix("records/id/").send().await;
    assert_eq!(records.unwrap().contents().len(), 1, "those that came too late are gone");
}
