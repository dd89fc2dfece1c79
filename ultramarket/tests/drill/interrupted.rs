//! Restores that are killed between two stores, and restores beside a platform that runs.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use testkit::{Folder, FreshDatabase, real_store};

use crate::{
    Site,
    support::{
        process::{self, Environment},
        shop::text,
    },
};

/// What is needed for it cannot be had.
const CANNOT_CREATE: i32 = 73;

/// A backup of a platform that has ended.
fn backed_up(site: &Site, shelf: &Folder) -> String {
    let program = site.start("serve");
    assert!(program.terminate().success());
    let told = site.told(&["backup", "--to", shelf.path().to_str().unwrap(), "--json"]);
    text(&told["backup"]).to_owned()
}

/// Begins to put a backup back and is killed when all stores but the last two are there: search has a server that takes the connection and never
/// says anything.
fn cut_off(site: &Site, backup: &str) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let mut environment = site.environment();
    let search = format!("http://{}/um", silent.local_addr().unwrap());
    environment.insert("UM_SEARCH__STORE".to_owned(), search);
    let arguments = ["restore", backup, "--port-base", "0", "--data-dir", &site.data()];
    let said = process::run_and_kill(site.folder.path(), &arguments, &environment, || {
        let began = Instant::now();
        while silent.accept().is_err() {
            assert!(began.elapsed() < Duration::from_mins(1), "it never came to search");
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    assert!(said.contains("  file: ") && !said.contains("  search: "), "{said}");
}

#[track_caller]
fn is_refused(site: &Site, arguments: &[&str], parts: &[&str]) {
    let refused = site.run(arguments);
    assert_eq!(refused.code, CANNOT_CREATE, "{arguments:?}: {refused:?}");
    for part in parts {
        assert!(refused.stderr.contains(part), "{arguments:?}: {part} is not in {refused:?}");
    }
}

#[test]
fn a_restore_that_was_cut_off_is_noticed_and_done_again() {
    let shelf = Folder::new("shelf");
    let old = Site::new(Environment::new());
    let (first, second) = (backed_up(&old, &shelf), backed_up(&old, &shelf));
    let site = Site::new(Environment::new());
    cut_off(&site, &first);

    let another = Folder::new("shelf");
    let to = another.path().to_str().unwrap();
    for arguments in
        [&["serve"][..], &["serve", "order"], &["demo"], &["migrate"], &["backup", "--to", to]]
    {
        is_refused(&site, arguments, &["ultramarket restore", &first, "RESTORING"]);
    }
    assert!(archive::complete(another.path()).unwrap().is_empty());
    let data = site.data();
    let admin = ["admin", "create", "--login", "boshliq@example.uz", "--data-dir", &data];
    let environment = site.environment();
    let refused = process::run_with_input(site.folder.path(), &admin, &environment, "uzun parol 1");
    assert_eq!(refused.code, CANNOT_CREATE, "{refused:?}");
    // Another backup is another wish.
    is_refused(&site, &["restore", &second], &["--replace"]);

    cut_off(&site, &first);
    site.told(&["restore", &first, "--json"]);
    assert!(!site.folder.path().join("data/RESTORING").exists());
    assert!(site.start("serve").terminate().success());
    // Now they are somebody's data again.
    is_refused(&site, &["restore", &first], &["--replace"]);
}

/// A database of one test; it outlives what is done in it.
fn database() -> Option<(FreshDatabase, String)> {
    real_store("postgres")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fresh = runtime.block_on(FreshDatabase::create())?;
    let address = fresh.address.clone();
    Some((fresh, address))
}

#[test]
fn on_another_machine_the_database_tells_of_it() {
    let (Some((_one, from)), Some((_two, to))) = (database(), database()) else { return };
    let order =
        |address: &str| Environment::from([("UM_ORDER__STORE".to_owned(), address.to_owned())]);
    let shelf = Folder::new("shelf");
    let old = Site::new(order(&from));
    assert_eq!(old.run(&["migrate"]).code, 0);
    let backup = backed_up(&old, &shelf);
    cut_off(&Site::new(order(&to)), &backup);

    let elsewhere = Site::new(order(&to));
    assert_eq!(elsewhere.run(&["migrate"]).code, 0, "tables do no harm");
    is_refused(&elsewhere, &["serve", "order"], &["order", "ultramarket restore", &backup]);
    elsewhere.told(&["restore", &backup, "--json"]);
    assert!(elsewhere.start("serve").terminate().success());
}

#[test]
fn a_platform_that_answers_is_not_restored_under() {
    let shelf = Folder::new("shelf");
    let running = Site::new(Environment::new());
    let program = running.start("serve");
    let told = running.told(&["backup", "--to", shelf.path().to_str().unwrap(), "--json"]);
    let backup = text(&told["backup"]).to_owned();
    // Somebody who answers, but not as a role does.
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let strange = format!("http://{}", stranger.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in stranger.incoming() {
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"status\":\"ok\"}";
            drop(std::io::Write::write_all(&mut connection.unwrap(), answer));
        }
    });
    let product = text(&program.ready()["roles"]["product"]).to_owned();
    let peers = Environment::from([
        ("UM_PEERS__PRODUCT".to_owned(), product.clone()),
        ("UM_PEERS__SEARCH".to_owned(), strange),
    ]);
    let site = Site::new(peers);
    is_refused(&site, &["restore", &backup], &["the platform runs, product answers", &product]);
    assert!(!site.folder.path().join("data").exists(), "nothing was touched");
    program.kill();
    site.told(&["restore", &backup, "--json"]);
}
