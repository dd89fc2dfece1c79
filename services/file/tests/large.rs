//! Objects that are copied and put back take little memory, however large they are. In a process of its own, whose memory is looked at.
#![expect(
    clippy::unwrap_used,
    dead_code,
    reason = "a test fails by panicking, and other tests use more of the support"
)]

use archive::{Copied, FORMAT, Manifest, Shelf};
use aws_sdk_s3::primitives::ByteStream;
use file::{
    domain::Bucket,
    store::{Keys, backup},
};
use testkit::Folder;

#[path = "support/place.rs"]
mod place;

use place::Place;

/// Bytes of an object: more than go in one part.
const SIZE: usize = 40 * 1024 * 1024;
const OBJECTS: u8 = 5;
/// What a copy may take at most: far less than the objects.
const ALLOWED: u64 = 60 * 1024 * 1024;

/// The memory of this process at most since the last look, and from now on anew.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    kilobytes * 1024
}

fn content(seed: u8) -> Vec<u8> {
    (0..SIZE).map(|place| seed.wrapping_mul(31) ^ (place % 251).to_le_bytes()[0]).collect()
}

#[tokio::test]
async fn large_objects_pass_through() {
    let (Some(one), Some(two)) = (Place::create().await, Place::create().await) else { return };
    let client = one.client();
    for seed in 0..OBJECTS {
        let put = client.put_object().bucket(one.bucket(Bucket::Products)).key(format!("o/{seed}"));
        let put = put.content_type("image/jpeg").body(ByteStream::from(content(seed)));
        put.send().await.unwrap();
    }
    let home = Folder::new("large");
    let shelf = Shelf::open(home.path()).unwrap();
    let draft = shelf.begin(testkit::START).unwrap();
    let mut part = draft.part("file").unwrap();
    let keys = Keys::default();
    peak();
    let before = peak();

    backup::copy(&one.address(), &keys, &mut part).await.unwrap();
    let copied = peak() - before;
    let stores = [("file".to_owned(), part.into_store("s3", 0, Copied::Live))].into();
    let (program, taken_at) = ("test".to_owned(), testkit::START);
    let manifest = Manifest { format: FORMAT, program, taken_at, held_ms: 0, stores };
    let copy = draft.finish(&manifest).unwrap();
    let before = peak();
    backup::load(&two.address(), &keys, &copy.join("file")).await.unwrap();
    let loaded = peak().saturating_sub(before);
    assert!(
        copied < ALLOWED && loaded < ALLOWED,
        "copied with {copied} bytes, loaded with {loaded}"
    );

    for seed in 0..OBJECTS {
        let get = client.get_object().bucket(two.bucket(Bucket::Products)).key(format!("o/{seed}"));
        let got = get.send().await.unwrap();
        assert_eq!(got.content_type(), Some("image/jpeg"));
        assert!(got.body.collect().await.unwrap().into_bytes() == content(seed), "{seed}");
    }
}
