//! Events that were set aside: an operator sees them, repairs the cause, and sends them again.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test fails by panicking, and other tests use more of the support"
)]

use std::collections::BTreeMap;

use ids::{MerchantId, ProductId, VariantId};
use mesh::Role;
use money::Money;
use order::{
    domain::{
        Fiscal, Text,
        offer::{Snapshot, Terms},
    },
    store::{self, Merchant},
};
use serde_json::Value;
use testkit::{Folder, FreshDatabase};

#[path = "journeys/support.rs"]
mod support;

use support::{
    platform::run,
    process::{self, Ended, Environment, Program},
};

/// The command line is wrong.
const USAGE: i32 = 64;
/// It could not be done.
const SOFTWARE: i32 = 70;
/// A store that is needed cannot be had.
const CANNOT_CREATE: i32 = 73;

/// Puts a product on sale, which product and search are told, and sets both events aside; their ids.
async fn set_aside(address: &str) -> Vec<String> {
    store::migrate(address).await.unwrap();
    let store = store::open(address, order::encode_event).await.unwrap();
    let (merchant, now) = (MerchantId::new(), clock::Clock::system().now());
    let known = Merchant {
        id: merchant,
        name: "Hunar".to_owned(),
        tin: "1".to_owned(),
        active: true,
        plan: "basic".to_owned(),
        version: 1,
    };
    store.put_merchant(known, now).await.unwrap();
    let variant = VariantId::new();
    let product = Snapshot {
        product: ProductId::new(),
        title: Text { uz: "Choynak".to_owned(), ..Text::default() },
        fiscal: Fiscal { vat_percent: 12, ..Fiscal::default() },
        picture_url: String::new(),
        categories: None,
        on_show: true,
        version: 1,
        variants: vec![(variant, "SKU".to_owned(), BTreeMap::new())],
    };
    let terms = Terms {
        merchant,
        variant,
        sku: "SKU".to_owned(),
        options: BTreeMap::new(),
        price: Some(Money::uzs(100)),
        compare_at: None,
        stock: Some(1),
    };
    store.put_offers(product, vec![terms], now).await.unwrap();
    let (outbox, mut events) = (store.outbox(), Vec::new());
    let told = [Role::Product, Role::Search];
    for (_, parcels) in outbox.claim_each(&told, now, 9).await.unwrap() {
        for parcel in parcels {
            outbox.fail(parcel.row, "NOT_LIKED".to_owned(), None).await.unwrap();
            events.push(parcel.event);
        }
    }
    store.close().await;
    events.sort();
    events.dedup();
    events
}

/// How much waits, and how much was set aside.
async fn backlog(address: &str) -> (i64, i64) {
    let store = store::open(address, order::encode_event).await.unwrap();
    let backlog = store.outbox().backlog().await.unwrap();
    store.close().await;
    (backlog.pending, backlog.parked)
}

/// The command line on one configuration.
struct Terminal {
    folder: Folder,
    environment: Environment,
}

impl Terminal {
    fn new() -> Self {
        Self { folder: Folder::new("events"), environment: Environment::new() }
    }

    fn say(&self, arguments: &[&str]) -> Ended {
        let data = ["--data-dir", self.folder.path().to_str().unwrap()];
        process::run(self.folder.path(), &[arguments, &data[..]].concat(), &self.environment)
    }

    fn parked(&self) -> Value {
        let ended = self.say(&["events", "parked", "--json"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
        assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// What both stores promise; one of the two is left set aside.
    fn see_and_send_one(&self, events: &[String]) {
        let [event] = events else { panic!("{events:?}") };
        let listed = self.say(&["events", "parked", "order"]);
        assert_eq!((listed.code, listed.stdout.lines().count()), (0, 2), "{listed:?}");
        for subscriber in ["product", "search"] {
            let line = format!("order -> {subscriber}  {event}  offers.changed of prod_");
            assert!(listed.stdout.contains(&line), "{}", listed.stdout);
        }
        assert!(listed.stdout.contains("1 tries, "), "{}", listed.stdout);
        assert!(listed.stdout.contains(" old: NOT_LIKED"), "{}", listed.stdout);

        let found = self.parked();
        assert_eq!((&found["count"], found["events"].as_array().unwrap().len()), (&2.into(), 2));
        let one = &found["events"][0];
        for (key, wanted) in
            [("role", "order"), ("id", event), ("type", "offers.changed"), ("error", "NOT_LIKED")]
        {
            assert_eq!(one[key], wanted, "{one}");
        }
        assert_eq!(one["tries"], 1);
        assert!(one["age_seconds"].as_u64().unwrap() < 600, "{one}");

        let unknown = "evt_01jd8x0m2qf4v8r6t3k5w7y9za";
        let ended = self.say(&["events", "replay", "order", "--id", unknown]);
        assert_eq!(ended.code, SOFTWARE, "{ended:?}");
        assert!(ended.stderr.contains(unknown), "{ended:?}");
        assert_eq!(self.parked()["count"], 2);
        let ended = self.say(&["events", "replay", "order", "--id", event]);
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "order: 2 sent again\n"));
        assert_eq!(self.parked()["count"], 0);
        let nothing = self.say(&["events", "parked"]);
        assert_eq!(nothing.stdout, "nothing was set aside\n");
        let ended = self.say(&["events", "replay", "order", "--all", "--json"]);
        let said: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(said, serde_json::json!({ "role": "order", "replayed": 0 }));
    }
}

#[test]
fn what_was_set_aside_is_sent_again_beside_a_platform_that_runs() {
    let terminal = Terminal::new();
    let address = format!("sqlite:{}", terminal.folder.path().join("order.db").display());
    let nothing = terminal.say(&["events", "parked"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (0, "nothing was set aside\n"));
    assert!(!terminal.folder.path().join("order.db").exists(), "looking makes nothing");

    let events = run(set_aside(&address));
    terminal.see_and_send_one(&events);
    assert_eq!(run(backlog(&address)), (2, 0));

    // What was sent again has not left yet: it is set aside with the others.
    assert_eq!(run(set_aside(&address)).len(), 2);
    let folder = terminal.folder.path();
    let arguments = ["serve", "--json", "--port-base", "0", "--data-dir", folder.to_str().unwrap()];
    let platform = Program::start(folder, &arguments, &Environment::new());
    assert_eq!(terminal.parked()["count"], 4);
    let ended = terminal.say(&["events", "replay", "order", "--all"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "order: 4 sent again\n"));
    run(testkit::patiently("everything is delivered", || async {
        backlog(&address).await == (0, 0)
    }));
    assert_eq!(terminal.parked()["count"], 0);
    assert_eq!(platform.terminate().code(), Some(0));
}

#[test]
fn what_was_set_aside_on_a_server_is_sent_again() {
    let Some(database) = run(FreshDatabase::create()) else { return };
    let mut terminal = Terminal::new();
    terminal.environment.insert("UM_ORDER__STORE".to_owned(), database.address.clone());
    let events = run(set_aside(&database.address));
    terminal.see_and_send_one(&events);
    assert_eq!(run(backlog(&database.address)), (2, 0));
}

#[test]
fn a_wrong_question_is_told_what_would_be_right() {
    let terminal = Terminal::new();
    for (arguments, part) in [
        (&["events", "replay", "order"][..], "--all"),
        (&["events", "replay", "order", "--all", "--id", "evt_01jd8x0m2qf4v8r6t3k5w7y9za"], "--id"),
        (&["events", "replay", "order", "--id", "ord_1"], "evt_"),
        (&["events", "replay", "search", "--all"], "payment"),
        (&["events", "parked", "gateway"], "payment"),
        (&["events", "parked", "orders"], "order"),
    ] {
        let ended = terminal.say(arguments);
        assert_eq!(ended.code, USAGE, "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(part), "{arguments:?}: {ended:?}");
    }
    let ended = terminal.say(&["events", "replay", "order", "--all"]);
    assert_eq!(ended.code, SOFTWARE, "{ended:?}");
    let mut away = Terminal::new();
    let address = "postgres://um@127.0.0.1:9/order".to_owned();
    away.environment.insert("UM_ORDER__STORE".to_owned(), address);
    let ended = away.say(&["events", "parked", "order"]);
    assert_eq!(ended.code, CANNOT_CREATE, "{ended:?}");
    assert!(ended.stderr.contains("order"), "{ended:?}");
}
