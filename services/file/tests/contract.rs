//! What every store of files promises, whichever it is.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use bytes::Bytes;
use file::{
    domain::{Bucket, Digest, File, Form, FormName, Owner, Picture},
    store::{self, FileStore, Keys},
};
use ids::{FileId, MerchantId, UserId};
use testkit::Folder;

#[path = "contract/away.rs"]
mod away;
#[path = "support/place.rs"]
mod place;
#[path = "contract/server.rs"]
mod server;

use place::Place;

fn record(seed: u8, owner: Owner) -> File {
    File {
        id: FileId::new(),
        bucket: Bucket::Products,
        owner,
        digest: Digest::new(&[seed; 32]),
        name: "чойнак.jpg".to_owned(),
        size: 4321,
        picture: Some(Picture {
            width: 600,
            height: 400,
            large: FormName::Main,
            medium: FormName::Medium,
            small: FormName::Small,
        }),
        created_at: testkit::START,
    }
}

fn merchant() -> Owner {
    Owner::Merchant(MerchantId::new())
}

async fn what_is_recorded_is_read(store: &dyn FileStore) {
    let picture = record(1, merchant());
    let document =
        File { bucket: Bucket::Documents, picture: None, ..record(2, Owner::User(UserId::new())) };
    for file in [picture, document] {
        assert_eq!(store.add(file.clone()).await.unwrap(), file);
        assert_eq!(store.batch(&[file.id]).await.unwrap(), [file]);
    }
}

async fn the_same_content_of_an_owner_is_one_file(store: &dyn FileStore) {
    let owner = merchant();
    let first = store.add(record(1, owner)).await.unwrap();
    assert_eq!(store.add(record(1, owner)).await.unwrap().id, first.id);
    let same = store.find_same(Bucket::Products, &first.digest, owner).await.unwrap();
    assert_eq!(same.unwrap(), first);

    let other = store.add(record(1, merchant())).await.unwrap();
    assert_ne!(other.id, first.id, "another owner has a file of their own");
    let elsewhere = File { bucket: Bucket::Documents, ..record(1, owner) };
    assert_ne!(store.add(elsewhere).await.unwrap().id, first.id);
    assert!(store.find_same(Bucket::Avatars, &first.digest, owner).await.unwrap().is_none());
}

async fn of_many_that_add_the_same_one_wins(store: &dyn FileStore) {
    let owner = merchant();
    let adds = (0..20).map(|_| store.add(record(7, owner)));
    let added = futures::future::join_all(adds).await;
    let mut ids: Vec<FileId> = added.into_iter().map(|file| file.unwrap().id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(store.batch(&ids).await.unwrap().len(), 1);
}

async fn a_batch_keeps_the_order_asked(store: &dyn FileStore) {
    let mut ids = Vec::new();
    for seed in 0..5 {
        ids.push(store.add(record(seed, merchant())).await.unwrap().id);
    }
    ids.reverse();
    ids.insert(2, FileId::new());
    let found: Vec<FileId> = store.batch(&ids).await.unwrap().iter().map(|file| file.id).collect();
    ids.remove(2);
    assert_eq!(found, ids);
    assert!(store.batch(&[]).await.unwrap().is_empty());
}

async fn bytes_are_kept_as_they_were_first_written(store: &dyn FileStore) {
    let file = record(9, merchant());
    let (main, small) = (file.path(Form::Main), file.path(Form::Small));
    assert_eq!(store.get_blob(&main).await.unwrap(), None);
    let content = Bytes::from_static(b"\0\xff main");
    let blobs = vec![(main.clone(), content.clone()), (small.clone(), Bytes::from_static(b"s"))];
    store.put_blobs(blobs).await.unwrap();
    store.put_blobs(vec![(main.clone(), Bytes::from_static(b"other"))]).await.unwrap();
    assert_eq!(store.get_blob(&main).await.unwrap(), Some(content));
    assert_eq!(store.get_blob(&small).await.unwrap().unwrap(), "s");
}

async fn concurrent_writes_of_the_same_bytes_all_succeed(store: &dyn FileStore) {
    let path = record(3, merchant()).path(Form::Large);
    let content = Bytes::from(vec![3; 100_000]);
    let puts = (0..20).map(|_| store.put_blobs(vec![(path.clone(), content.clone())]));
    for put in futures::future::join_all(puts).await {
        put.unwrap();
    }
    assert_eq!(store.get_blob(&path).await.unwrap(), Some(content));
}

async fn adding_a_file_again_changes_nothing(store: &dyn FileStore) {
    let file = store.add(record(4, merchant())).await.unwrap();
    let renamed = File { name: "other.jpg".to_owned(), ..file.clone() };
    assert_eq!(store.add(renamed).await.unwrap(), file);
    assert_eq!(store.batch(&[file.id]).await.unwrap(), [file]);
}

async fn large_documents_are_kept_whole(store: &dyn FileStore) {
    let file = File { bucket: Bucket::Documents, picture: None, ..record(5, merchant()) };
    let path = file.path(Form::Pdf);
    let content: Vec<u8> = (0u32..2_900_000).flat_map(u32::to_le_bytes).collect();
    let content = Bytes::from(content);
    store.put_blobs(vec![(path.clone(), content.clone())]).await.unwrap();
    assert!(store.get_blob(&path).await.unwrap().unwrap() == content);
    let other = Bytes::from(vec![0; content.len()]);
    store.put_blobs(vec![(path.clone(), other)]).await.unwrap();
    assert!(store.get_blob(&path).await.unwrap().unwrap() == content, "as it was first written");
}

/// Lists every promise once for an adapter.
macro_rules! contract {
    ($adapter:ident, $open:path) => {
        mod $adapter {
            contract!(@each $open,
                what_is_recorded_is_read,
                the_same_content_of_an_owner_is_one_file,
                of_many_that_add_the_same_one_wins,
                a_batch_keeps_the_order_asked,
                bytes_are_kept_as_they_were_first_written,
                concurrent_writes_of_the_same_bytes_all_succeed,
                adding_a_file_again_changes_nothing,
                large_documents_are_kept_whole,
            );
        }
    };
    (@each $open:path, $($promise:ident,)+) => {
        $(
            #[tokio::test]
            async fn $promise() {
                // The place goes after the store.
                let Some((_place, store)) = $open().await else { return };
                super::$promise(store.as_ref()).await;
                store.ping().await.unwrap();
                store.close().await;
            }
        )+
    };
}

async fn folder(folder: &std::path::Path) -> Arc<dyn FileStore> {
    let address = format!("file:{}", folder.display());
    store::migrate(&address, &Keys::default()).await.unwrap();
    store::open(&address, &Keys::default()).await.unwrap()
}

async fn embedded_store() -> Option<(Folder, Arc<dyn FileStore>)> {
    let place = Folder::new("file");
    let store = folder(place.path()).await;
    Some((place, store))
}

async fn s3_store() -> Option<(Place, Arc<dyn FileStore>)> {
    let place = Place::create().await?;
    let store = store::open(&place.address(), &Keys::default()).await.unwrap();
    Some((place, store))
}

contract!(embedded, super::embedded_store);
contract!(s3, super::s3_store);

#[tokio::test]
async fn what_a_crash_left_half_written_goes_at_the_next_start() {
    let place = Folder::new("file");
    let store = folder(place.path()).await;
    let file = record(1, merchant());
    store.put_blobs(vec![(file.path(Form::Main), Bytes::from_static(b"kept"))]).await.unwrap();
    store.close().await;
    let draft = place.path().join("incoming/half");
    std::fs::write(&draft, "half").unwrap();

    let store = folder(place.path()).await;
    assert!(!draft.exists());
    assert_eq!(store.get_blob(&file.path(Form::Main)).await.unwrap().unwrap(), "kept");
    store.close().await;
}

#[tokio::test]
async fn an_unknown_scheme_is_refused_with_the_key() {
    for address in ["s3://files", "s3:", "sqlite:files.db", "file:", "file://"] {
        let error = store::open(address, &Keys::default()).await.err().unwrap();
        assert!(format!("{error:#}").contains("file.store"), "{error:#}");
        let error = store::migrate(address, &Keys::default()).await.unwrap_err();
        assert!(format!("{error:#}").contains("file.store"), "{error:#}");
    }
}
