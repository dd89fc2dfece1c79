use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _, time::Duration};

use testkit::Folder;

use super::*;
use crate::{Copied, FORMAT, remove_if_there};

fn at_second(second: u64) -> Timestamp {
    testkit::START.plus(Duration::from_secs(second))
}

/// A backup of two files, without its name yet.
fn written(shelf: &Shelf, now: Timestamp) -> (Draft, Manifest) {
    let draft = shelf.begin(now).unwrap();
    let mut part = draft.part("order").unwrap();
    let mut sheet = part.sheet("orders.copy").unwrap();
    sheet.put(b"one\ntwo\n").unwrap();
    part.keep(sheet).unwrap();
    let place = part.place("deep/down/there.db").unwrap();
    fs::write(place, b"somebody else's").unwrap();
    part.adopt("deep/down/there.db").unwrap();
    part.count("orders", 2);
    let store = part.into_store("postgres", 3, Copied::Cut);
    let manifest = Manifest {
        format: FORMAT,
        program: "1.2.3".to_owned(),
        taken_at: now,
        held_ms: 7,
        stores: BTreeMap::from([("order".to_owned(), store)]),
    };
    (draft, manifest)
}

fn taken(shelf: &Shelf, now: Timestamp) -> PathBuf {
    let (draft, manifest) = written(shelf, now);
    draft.finish(&manifest).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_backup_is_named_read_and_private() {
    let home = Folder::new("shelf");
    let shelf = Shelf::open(&home.path().join("backups")).unwrap();
    let backup = taken(&shelf, testkit::START);
    assert_eq!(backup.file_name().unwrap(), "20261121T093000.000Z");
    let manifest = verify(&backup).unwrap();
    assert_eq!((manifest.taken_at, manifest.held_ms), (testkit::START, 7));
    assert_eq!((manifest.size(), manifest.files().count()), (8 + 15, 2));
    assert_eq!(manifest.stores["order"].counts["orders"], 2);
    for folder in ["", "order", "order/deep/down"] {
        assert_eq!(mode(&backup.join(folder)), 0o700, "{folder}");
    }
    for file in
        ["manifest.json", "manifest.sha256", "order/orders.copy", "order/deep/down/there.db"]
    {
        assert_eq!(mode(&backup.join(file)), 0o600, "{file}");
    }
    assert_eq!(complete(&home.path().join("backups")).unwrap(), [backup]);
}

#[test]
fn one_byte_is_noticed_wherever_it_is() {
    let home = Folder::new("shelf");
    let shelf = Shelf::open(home.path()).unwrap();
    let backup = taken(&shelf, testkit::START);
    for file in
        ["order/orders.copy", "order/deep/down/there.db", "manifest.json", "manifest.sha256"]
    {
        let place = backup.join(file);
        let whole = fs::read(&place).unwrap();
        for position in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[position] ^= 1;
            fs::write(&place, flipped).unwrap();
            assert!(verify(&backup).is_err(), "{file} at {position}");
        }
        fs::write(&place, &whole).unwrap();
        verify(&backup).unwrap();
    }
    let extra = backup.join("order/extra");
    fs::write(&extra, "x").unwrap();
    assert!(verify(&backup).unwrap_err().to_string().contains("order/extra does not belong"));
    remove_if_there(&extra).unwrap();
    fs::remove_file(backup.join("order/orders.copy")).unwrap();
    assert!(verify(&backup).unwrap_err().to_string().contains("order/orders.copy is missing"));
}

#[test]
fn what_was_cut_off_is_no_backup() {
    let home = Folder::new("shelf");
    let shelf = Shelf::open(home.path()).unwrap();
    let first = taken(&shelf, at_second(0));
    // As after a kill: nothing is cleaned up.
    let (draft, manifest) = written(&shelf, at_second(1));
    let cut_off = draft.root.clone();
    manifest.write(&cut_off).unwrap();
    std::mem::forget(draft);
    fs::create_dir(home.path().join("20261121T093005.000Z")).unwrap();
    assert_eq!(complete(home.path()).unwrap(), std::slice::from_ref(&first));
    assert_eq!(shelf.retain(7).unwrap(), std::slice::from_ref(&cut_off));
    assert!(!cut_off.exists() && first.exists());

    let (draft, _) = written(&shelf, at_second(2));
    let dropped = draft.root.clone();
    drop(draft);
    assert!(!dropped.exists(), "one that failed leaves nothing");
}

#[test]
fn the_newest_are_kept() {
    let home = Folder::new("shelf");
    let shelf = Shelf::open(home.path()).unwrap();
    let all: Vec<PathBuf> = (0..5).map(|second| taken(&shelf, at_second(second))).collect();
    fs::write(home.path().join("notes.txt"), "not ours").unwrap();
    fs::create_dir(home.path().join("other")).unwrap();
    assert_eq!(shelf.retain(3).unwrap(), all[..2]);
    assert_eq!(complete(home.path()).unwrap(), all[2..]);
    assert_eq!(shelf.retain(0).unwrap(), all[2..4], "the last one is never removed");
    assert!(home.path().join("notes.txt").exists() && home.path().join("other").exists());
}

#[test]
fn one_process_at_a_time() {
    let home = Folder::new("shelf");
    let shelf = Shelf::open(home.path()).unwrap();
    assert!(matches!(Shelf::open(home.path()), Err(Error::Busy(_))));
    drop(shelf);
    Shelf::open(home.path()).unwrap();
}

#[test]
fn a_newer_format_is_refused_and_said_so() {
    let home = Folder::new("shelf");
    let shelf = Shelf::open(home.path()).unwrap();
    let (draft, manifest) = written(&shelf, testkit::START);
    let newer = Manifest { format: FORMAT + 1, ..manifest };
    let refused = draft.finish(&newer).unwrap_err();
    assert!(matches!(refused, Error::Newer { format: 2, .. }), "{refused}");
}
