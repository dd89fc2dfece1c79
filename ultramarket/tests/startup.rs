//! Starting, refusing to start, and ending: one clear line and an exit code that says which kind of mistake it was.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test fails by panicking, and other tests use more of the support"
)]

use std::{
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use mesh::Role;
use testkit::Folder;

#[path = "journeys/support.rs"]
mod support;

use support::{
    client::Client,
    platform::run,
    process::{self, Ended, Environment, Program},
    shop,
};

/// The configuration is wrong.
const USAGE: i32 = 64;
/// Something that is needed cannot be had.
const CANNOT_CREATE: i32 = 73;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The program ended with this code and one line on standard error that holds all of these.
#[track_caller]
fn refused(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, code, "{ended:?}");
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "one line: {}", ended.stderr);
    for part in parts {
        assert!(ended.stderr.contains(part), "{part:?} is not in {:?}", ended.stderr);
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

const SERVE: [&str; 5] = ["serve", "--json", "--port-base", "0", "--data-dir"];

fn serve(folder: &Folder) -> Vec<&str> {
    [&SERVE[..], &[folder.path().to_str().unwrap()]].concat()
}

#[test]
fn a_taken_port_is_named_with_its_key() {
    let folder = Folder::new("startup");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for role in [Role::Gateway, Role::Order] {
        let name = format!("UM_{}__LISTEN", role.as_str().to_uppercase());
        let environment = environment(&[
            (&name, &address),
            ("UM_DATA_DIR", "data"),
            ("UM_GATEWAY__OPS_LISTEN", "127.0.0.1:0"),
        ]);
        let ended = process::run(folder.path(), &["serve", role.as_str()], &environment);
        refused(&ended, CANNOT_CREATE, &[&address, &name]);
        assert!(!folder.path().join("data").exists(), "sockets come before any other work");
    }
    let environment =
        environment(&[("UM_GATEWAY__OPS_LISTEN", &address), ("UM_GATEWAY__LISTEN", "127.0.0.1:0")]);
    let ended = process::run(folder.path(), &["serve", "gateway"], &environment);
    refused(&ended, CANNOT_CREATE, &[&address, "UM_GATEWAY__OPS_LISTEN"]);
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let folder = Folder::new("startup");
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    // A file where a folder is needed stops everybody, the superuser included.
    let below = file.join("data");
    let path = below.to_str().unwrap();
    for command in ["serve", "demo"] {
        let arguments = [command, "--port-base", "0", "--data-dir", path];
        let ended = process::run(folder.path(), &arguments, &Environment::new());
        let last = ended.stderr.trim_end().lines().last().unwrap_or_default();
        assert_eq!(ended.code, CANNOT_CREATE, "{ended:?}");
        assert!(last.contains(path) && last.contains("UM_DATA_DIR"), "{command}: {last}");
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}

#[test]
fn a_store_that_is_no_store_is_named() {
    let folder = Folder::new("startup");
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("order.db"), "this is no database at all, only some text").unwrap();
    let arguments = ["serve", "order", "--port-base", "0", "--data-dir", data.to_str().unwrap()];
    let ended = process::run(folder.path(), &arguments, &Environment::new());
    refused(&ended, CANNOT_CREATE, &["order"]);
    let text = std::fs::read_to_string(data.join("order.db")).unwrap();
    assert!(text.starts_with("this is no database"), "what is there is left alone");
    let unknown = environment(&[("UM_CART__STORE", "papyrus://library")]);
    let arguments = ["serve", "cart", "--port-base", "0", "--data-dir", data.to_str().unwrap()];
    let ended = process::run(folder.path(), &arguments, &unknown);
    refused(&ended, CANNOT_CREATE, &["cart.store"]);
}

#[test]
fn unknown_keys_are_refused_with_a_hint() {
    let folder = Folder::new("startup");
    let arguments = serve(&folder);
    let wrong = environment(&[("UM_ORDER__RESERVATION_MINUTS", "5")]);
    let ended = process::run(folder.path(), &arguments, &wrong);
    refused(&ended, USAGE, &["reservation_minuts", "reservation_minutes"]);
    let wrong = environment(&[("UM_ORDR__LISTEN", "127.0.0.1:1")]);
    refused(&process::run(folder.path(), &arguments, &wrong), USAGE, &["ordr", "order"]);
    let wrong = environment(&[("UM_CART__GUEST_CART_DAYS", "many")]);
    refused(&process::run(folder.path(), &arguments, &wrong), USAGE, &["UM_CART__GUEST_CART_DAYS"]);
    let wrong = environment(&[("UM_PEERS__ORDERS", "http://127.0.0.1:1")]);
    refused(&process::run(folder.path(), &arguments, &wrong), USAGE, &["orders"]);

    std::fs::write(folder.path().join("ultramarket.toml"), "[gateway]\nlissten = \"x\"\n").unwrap();
    let ended = process::run(folder.path(), &arguments, &Environment::new());
    refused(&ended, USAGE, &["gateway.lissten", "listen"]);
    std::fs::write(folder.path().join("ultramarket.toml"), "[gateway\n").unwrap();
    let ended = process::run(folder.path(), &arguments, &Environment::new());
    assert_eq!(ended.code, USAGE, "{ended:?}");
    std::fs::remove_file(folder.path().join("ultramarket.toml")).unwrap();
    let named = [&arguments[..], &["--config", "elsewhere.toml"]].concat();
    refused(&process::run(folder.path(), &named, &Environment::new()), USAGE, &["elsewhere.toml"]);
    let ended = process::run(folder.path(), &["serve", "orders"], &Environment::new());
    assert_eq!(ended.code, USAGE, "{ended:?}");
    assert!(ended.stderr.contains("orders") && ended.stderr.contains("order"), "{ended:?}");
}

#[test]
fn the_printed_configuration_hides_secrets() {
    let folder = Folder::new("startup");
    let secrets = [
        ("UM_MESH__TOKEN", "mesh-hidden-1234567890"),
        ("UM_PAYMENT__PAYME__KEY", "payme-hidden-1234567890"),
        ("UM_PAYMENT__PAYME__TEST_KEY", "test-hidden-1234567890"),
        ("UM_PAYMENT__CLICK__SECRET_KEY", "click-hidden-1234567890"),
        ("UM_PAYMENT__UZCARD__CONSUMER_SECRET", "uzcard-hidden-1234567890"),
        ("UM_PAYMENT__UZCARD__API_KEY", "atmos-hidden-1234567890"),
        ("UM_PAYMENT__STRIPE__SECRET_KEY", "stripe-hidden-1234567890"),
        ("UM_PAYMENT__STRIPE__WEBHOOK_SECRET", "hook-hidden-1234567890"),
    ];
    let mut all = environment(&secrets);
    all.insert("UM_ORDER__LISTEN".to_owned(), "127.0.0.1:4005".to_owned());
    let ended = process::run(folder.path(), &["config"], &all);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    assert!(!ended.stdout.contains("hidden"), "{}", ended.stdout);
    assert_eq!(ended.stdout.matches("***").count(), secrets.len(), "{}", ended.stdout);
    assert!(ended.stdout.contains("127.0.0.1:4005"), "what is no secret is shown");
    assert!(ended.stdout.contains("[order.delivery]"));
    // What is printed can be read again.
    std::fs::write(folder.path().join("ultramarket.toml"), &ended.stdout).unwrap();
    let again = process::run(folder.path(), &["config"], &Environment::new());
    assert_eq!(again.stdout, ended.stdout);
}

#[test]
fn production_refuses_what_loses_data_or_is_known() {
    let folder = Folder::new("startup");
    let arguments = serve(&folder);
    let mut production = environment(&[("UM_PROFILE", "production")]);
    refused(&process::run(folder.path(), &arguments, &production), USAGE, &["mesh.token"]);
    production.insert("UM_MESH__TOKEN".to_owned(), "short".to_owned());
    refused(&process::run(folder.path(), &arguments, &production), USAGE, &["mesh.token"]);
    production.insert("UM_MESH__TOKEN".to_owned(), "0123456789abcdef0123456789abcdef".to_owned());
    let ended = process::run(folder.path(), &arguments, &production);
    refused(&ended, USAGE, &["UM_GATEWAY__PUBLIC_URL"]);
    production.insert("UM_GATEWAY__PUBLIC_URL".to_owned(), "https://shop.example.uz".to_owned());
    refused(&process::run(folder.path(), &arguments, &production), USAGE, &["secure_cookies"]);
    production.insert("UM_GATEWAY__SECURE_COOKIES".to_owned(), "true".to_owned());
    let ended = process::run(folder.path(), &["demo", "--port-base", "0"], &production);
    refused(&ended, USAGE, &["demo"]);
}

#[test]
fn a_platform_starts_takes_an_admin_and_drains() {
    let folder = Folder::new("startup");
    let data = folder.path().to_str().unwrap();
    let create = |password: &str| {
        let arguments = ["admin", "create", "--login", "boshliq@example.uz", "--data-dir", data];
        process::run_with_input(folder.path(), &arguments, &Environment::new(), password)
    };
    refused(&create("short"), USAGE, &["8"]);
    let first = create("birinchi-parol-2026\n");
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.stdout.contains("boshliq@example.uz") && !first.stdout.contains("parol"));
    let again = create("birinchi-parol-2026\n");
    assert_eq!((again.code, &again.stdout), (0, &first.stdout), "idempotent: the same account");

    let quiet = environment(&[("UM_TELEMETRY__LEVEL", "warn")]);
    let platform = Program::start(folder.path(), &serve(&folder), &quiet);
    let ready = platform.ready().clone();
    assert_eq!(ready["ready"], true);
    assert!(ready.get("accounts").is_none() && ready.get("sandboxes").is_none());
    assert_eq!(ready["roles"].as_object().unwrap().len(), 9);
    let guest = Client::new(ready["gateway"].as_str().unwrap());
    run(async move {
        let admin = shop::login(&guest, "boshliq@example.uz", "birinchi-parol-2026").await;
        let users = admin.get("/v1/admin/users").await.expect(200);
        assert_eq!(users["data"].as_array().unwrap().len(), 1);
        assert_eq!(guest.get("/").await.status, 200, "an empty shop is a shop");
        let products = guest.get("/v1/store/products").await.expect(200);
        assert_eq!(products["data"], serde_json::json!([]));
    });
    let ended = platform.terminate();
    assert_eq!(ended.code(), Some(0), "{ended}");
    let log = std::fs::read_to_string(folder.path().join("stderr.log")).unwrap();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
}

#[test]
fn a_demo_that_was_cut_off_is_finished_by_the_next() {
    let folder = Folder::new("startup");
    let data = folder.path().join("data");
    let arguments = ["demo", "--json", "--port-base", "0", "--data-dir", data.to_str().unwrap()];
    let quiet = environment(&[("UM_TELEMETRY__LEVEL", "warn")]);
    let some_pictures = || {
        let loading = Instant::now();
        while files(&data) < 60 {
            assert!(loading.elapsed() < Duration::from_mins(1), "nothing is loaded");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let said = process::run_and_kill(folder.path(), &arguments, &quiet, some_pictures);
    assert_eq!(said, "", "it was not ready yet");
    let demo = Program::start(folder.path(), &arguments, &quiet);
    let gateway = demo.ready()["gateway"].as_str().unwrap().to_owned();
    let owner = demo.ready()["accounts"]["merchant"].clone();
    run(async move {
        let guest = Client::new(&gateway);
        let products = guest.get("/v1/store/products?limit=1&count=exact").await.expect(200);
        assert_eq!(products["meta"]["count"], 104);
        let login = |name: &str| owner[name].as_str().unwrap().to_owned();
        let merchant = shop::login(&guest, &login("login"), &login("password")).await;
        merchant.get("/v1/merchant/products").await.expect(200);
    });
}

/// Files under a folder.
fn files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}
