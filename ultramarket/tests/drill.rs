//! The drill: people buy and pay, a backup is taken, everything is destroyed and put back. What was acknowledged before the backup began is
//! there, nothing contradicts itself, and people buy on.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "a test fails by panicking and says what it saw, and other tests use more of the support"
)]

use testkit::Folder;

#[path = "drill/account.rs"]
mod account;
#[path = "drill/interrupted.rs"]
mod interrupted;
#[path = "drill/market.rs"]
mod market;
#[path = "drill/money.rs"]
mod money;
#[path = "drill/opening.rs"]
mod opening;
#[path = "journeys/support.rs"]
mod support;

use market::Market;
use support::{
    client::Client,
    platform,
    process::{self, Ended, Environment, Program},
    servers,
    shop::text,
};

/// A platform of which nothing outlives the test but the backup.
struct Site {
    folder: Folder,
    stores: Environment,
}

impl Site {
    fn new(stores: Environment) -> Self {
        Self { folder: Folder::new("drill"), stores }
    }

    fn data(&self) -> String {
        self.folder.path().join("data").to_str().unwrap().to_owned()
    }

    fn environment(&self) -> Environment {
        let mut all = platform::environment();
        all.extend(self.stores.clone());
        // What is delivered is a merchant's at once.
        all.insert("UM_ORDER__RETURN_DAYS".to_owned(), "0".to_owned());
        all
    }

    fn start(&self, command: &str) -> Program {
        let data = self.data();
        let arguments = [command, "--json", "--port-base", "0", "--data-dir", &data];
        Program::start(self.folder.path(), &arguments, &self.environment())
    }

    /// A command to be run somewhere else.
    fn later(&self, arguments: &[&str]) -> impl FnOnce() -> Ended + Send + use<> {
        let data = self.data();
        // Other platforms of this machine have nothing to do with it.
        let arguments = [arguments, &["--port-base", "0", "--data-dir", &data]].concat();
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let (folder, environment) = (self.folder.path().to_owned(), self.environment());
        move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            process::run(&folder, &arguments, &environment)
        }
    }

    /// The address of the orders' store.
    fn orders(&self) -> String {
        let embedded = || format!("sqlite:{}/order.db", self.data());
        self.stores.get("UM_ORDER__STORE").cloned().unwrap_or_else(embedded)
    }

    fn make_admin(&self) {
        let (login, password) = opening::ADMIN;
        let arguments = ["admin", "create", "--login", login, "--data-dir", &self.data()];
        let folder = self.folder.path();
        let made = process::run_with_input(folder, &arguments, &self.environment(), password);
        assert_eq!(made.code, 0, "{made:?}");
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.later(arguments)()
    }

    #[track_caller]
    fn told(&self, arguments: &[&str]) -> serde_json::Value {
        told(&self.run(arguments))
    }
}

/// The last line of a command that went well, as JSON.
#[track_caller]
fn told(ended: &Ended) -> serde_json::Value {
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap()
}

fn gateway(program: &Program) -> String {
    text(&program.ready()["gateway"]).to_owned()
}

/// How the platform comes to have something to sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    Demo,
    /// As little as it takes: the server that stands in for MongoDB in tests is too slow for a whole demo on a busy machine.
    EmptyGround,
}

/// The whole of it: from one set of stores to another.
fn drill(opening: Opening, from: Environment, to: Environment) {
    let shelf = Folder::new("shelf");
    let backups = shelf.path().to_str().unwrap();
    let site = Site::new(from);
    let program = match opening {
        Opening::Demo => site.start("demo"),
        Opening::EmptyGround => {
            let migrated = site.run(&["migrate"]);
            assert_eq!(migrated.code, 0, "{migrated:?}");
            site.make_admin();
            site.start("serve")
        }
    };
    let guest = Client::new(gateway(&program));
    let (market, opened, kept, taken) = platform::run(async {
        let mut opened = match opening {
            Opening::Demo => opening::in_the_demo(&guest, &program.ready()["accounts"]).await,
            Opening::EmptyGround => opening::on_empty_ground(&guest).await,
        };
        let kept = money::Kept::make(&guest, &mut opened, &site.orders()).await;
        let goods = opened.stalls.iter().map(|stall| stall.goods.clone()).collect();
        let market = Market::open(&guest, goods);
        let taken = async {
            market.has_sold(20).await;
            let before = market.journal();
            let take = site.later(&["backup", "--to", backups, "--json"]);
            // On a thread of its own: people go on.
            let told = told(&tokio::task::spawn_blocking(take).await.unwrap());
            let after = market.journal();
            // Some more, that will be lost.
            market.has_sold(after.len() + 5).await;
            market.close();
            (before, after, told)
        };
        let (taken, ()) = futures::join!(taken, market.run());
        (market, opened, kept, taken)
    });
    let (before, after, told) = taken;
    let held = told["held_ms"].as_u64().unwrap();
    println!(
        "{} orders before, {} during the backup, {} in all, {} delays; writers were held for {held} ms; {told}",
        before.len(),
        after.len() - before.len(),
        market.journal().len(),
        market.delays()
    );
    assert!(held < 2_000, "{told}");
    assert_eq!(market.refusals(), [""; 0], "nobody was refused because of the backup");
    let backup = text(&told["backup"]).to_owned();

    // One on which the platform runs is not overwritten, whatever is asked for.
    let refused = site.run(&["restore", &backup, "--replace"]);
    assert_eq!(refused.code, 73, "{refused:?}");
    assert!(refused.stderr.contains("the platform runs"), "{refused:?}");
    program.kill();
    drop(site);

    let site = Site::new(to);
    let verified = site.told(&["backup", "verify", &backup, "--json"]);
    assert_eq!(verified["taken_at"], told["taken_at"]);
    site.told(&["restore", &backup, "--json"]);
    let refused = site.run(&["restore", &backup]);
    assert_eq!(refused.code, 73, "{refused:?}");
    assert!(refused.stderr.contains("--replace"), "{refused:?}");
    // Again over what is there now.
    site.told(&["restore", &backup, "--replace", "--json"]);

    let program = site.start("serve");
    platform::run(async {
        let restored = account::Restored {
            guest: Client::new(gateway(&program)),
            roles: program.ready()["roles"].clone(),
            opened,
        };
        restored.check(&before, &market.journal()).await;
        kept.check(&restored.guest, &restored.opened).await;
        restored.buy(&market.journal()).await;
    });
    assert!(program.terminate().success(), "it ends in order");
}

#[test]
fn embedded_stores_come_back() {
    drill(Opening::Demo, Environment::new(), Environment::new());
}

#[test]
fn servers_come_back() {
    let stores = || {
        let mut stores = servers::stores()?;
        let replays = stores["UM_CART__STORE"].replace("cart", "replay");
        stores.entry("UM_GATEWAY__STORE".to_owned()).or_insert(replays);
        Some(stores)
    };
    if let (Some(from), Some(to)) = (stores(), stores()) {
        drill(Opening::EmptyGround, from, to);
    }
}

#[test]
fn a_changed_byte_or_a_foreign_engine_is_refused() {
    let site = Site::new(Environment::new());
    let shelf = Folder::new("shelf");
    let backups = shelf.path().to_str().unwrap();
    let empty = site.run(&["backup", "--to", backups]);
    assert_eq!(empty.code, 73, "{empty:?}");
    assert!(empty.stderr.contains("there is no database"), "{empty:?}");

    let program = site.start("serve");
    assert!(program.terminate().success());
    let told = site.told(&["backup", "--to", backups, "--json"]);
    let backup = text(&told["backup"]).to_owned();
    let figures = std::fs::read_to_string(shelf.path().join("backup.prom")).unwrap();
    assert!(figures.contains("ultramarket_backup_last_attempt_failed 0"), "{figures}");
    assert!(figures.contains("ultramarket_backup_last_success_timestamp_seconds 1"), "{figures}");
    let order = std::path::Path::new(&backup).join("order/database.db");
    let whole = std::fs::read(&order).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    std::fs::write(&order, &changed).unwrap();
    for arguments in [&["backup", "verify", &backup][..], &["restore", &backup, "--replace"]] {
        let refused = site.run(arguments);
        assert_eq!(refused.code, 70, "{refused:?}");
        assert!(refused.stderr.contains("order/database.db has another SHA-256"), "{refused:?}");
    }
    std::fs::write(&order, &whole).unwrap();

    let redis =
        Environment::from([("UM_CART__STORE".to_owned(), "redis://127.0.0.1:1".to_owned())]);
    let other = Site::new(redis);
    let refused = other.run(&["restore", &backup]);
    assert_eq!(refused.code, 64, "{refused:?}");
    assert!(refused.stderr.contains("cart: the backup is of SQLite"), "{refused:?}");
    assert!(!other.folder.path().join("data").exists(), "nothing was touched");

    for _ in 0..3 {
        site.told(&["backup", "--to", backups, "--keep", "2", "--json"]);
    }
    let complete = archive::complete(shelf.path()).unwrap();
    assert_eq!(complete.len(), 2);
    assert!(!complete.contains(&backup.into()), "the oldest went");
    let failed = Site::new(Environment::new()).run(&["backup", "--to", backups]);
    assert_eq!(failed.code, 73, "{failed:?}");
    assert_eq!(archive::complete(shelf.path()).unwrap(), complete, "a failure costs no backup");
    let figures = std::fs::read_to_string(shelf.path().join("backup.prom")).unwrap();
    assert!(figures.contains("ultramarket_backup_last_attempt_failed 1"), "{figures}");
    assert!(figures.contains("last_success_timestamp_seconds"), "{figures}");
}
