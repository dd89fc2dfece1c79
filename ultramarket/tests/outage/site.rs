//! The platform of this test, and people on it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use mesh::Role;
use serde_json::{Value, json};
use testkit::Folder;

use crate::{
    asked::{BACK, wish, within},
    market::Journal,
    opening::{self, Opened},
    servers::Servers,
    support::{
        client::Client,
        platform::{self, Mode},
        process::{self, Environment, Program},
        shop::{self, Bought, Cart, Goods, Person, text},
    },
};

/// The secret of internal calls.
const TOKEN: &str = "the-secret-of-an-outage-of-40-characters";

/// A platform on real servers.
pub(crate) struct Site {
    // Processes end before their servers do.
    programs: Vec<Program>,
    folder: Folder,
    environment: Environment,
    pub(crate) guest: Client,
    pub(crate) roles: BTreeMap<String, String>,
    pub(crate) opened: Opened,
    pub(crate) admin: Client,
    pub(crate) merchant: Client,
    pub(crate) shopper: Person,
    /// What was acknowledged: orders with what must be true of them at the end.
    kept: Mutex<Vec<(Bought, &'static str)>>,
    journal: Mutex<Journal>,
    pub(crate) servers: Servers,
}

impl Site {
    /// Prepares the stores, starts the platform and opens a market on it.
    pub(crate) fn open(mode: Mode, servers: Servers) -> Self {
        let folder = Folder::new("outage");
        let mut environment = platform::environment();
        environment.extend(servers.addresses());
        environment.insert("UM_MESH__TOKEN".to_owned(), TOKEN.to_owned());
        // Every page is worked out anew: what is shown is what works.
        environment.insert("UM_GATEWAY__CACHE_MS".to_owned(), "0".to_owned());
        let data = folder.path().join("data");
        environment.insert("UM_DATA_DIR".to_owned(), data.display().to_string());
        let migrated = process::run(folder.path(), &["migrate"], &environment);
        assert_eq!(migrated.code, 0, "{migrated:?}");
        let (login, password) = opening::ADMIN;
        let create = ["admin", "create", "--login", login];
        let made = process::run_with_input(folder.path(), &create, &environment, password);
        assert_eq!(made.code, 0, "{made:?}");
        let programs = match mode {
            Mode::One => vec![serve(&folder, &[], &environment)],
            Mode::Nine => nine(&folder, &environment),
        };
        let told =
            programs.iter().flat_map(|program| program.ready()["roles"].as_object().unwrap());
        let roles: BTreeMap<String, String> =
            told.map(|(role, url)| (role.clone(), text(url).to_owned())).collect();
        assert_eq!(roles.len(), 9);
        let guest = Client::new(&roles["gateway"]);
        let (opened, admin, merchant, shopper) = platform::run(async {
            let opened = opening::on_empty_ground(&guest).await;
            let admin = opened.admin.sign_in(&guest).await;
            let merchant = opened.stalls[0].owner.sign_in(&guest).await;
            (opened, admin, merchant, shop::register(&guest).await)
        });
        Self {
            programs,
            folder,
            environment,
            guest,
            roles,
            opened,
            admin,
            merchant,
            shopper,
            kept: Mutex::default(),
            journal: Mutex::default(),
            servers,
        }
    }

    /// These are still the processes that were started first, and they end as they should.
    pub(crate) fn end_in_order(&mut self) {
        for program in self.programs.drain(..) {
            assert!(program.terminate().success());
        }
    }

    pub(crate) fn goods(&self) -> &Goods {
        &self.opened.stalls[0].goods
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap()
    }

    pub(crate) fn kept(&self) -> MutexGuard<'_, Vec<(Bought, &'static str)>> {
        self.kept.lock().unwrap()
    }

    /// At the end this order must be there and have this status.
    pub(crate) fn keep(&self, bought: &Bought, status: &'static str) {
        self.kept().retain(|(known, _)| known.id != bought.id);
        self.kept().push((bought.clone(), status));
    }

    /// Everything from an empty cart to an order.
    pub(crate) async fn buy(&self) -> Result<Bought, String> {
        let opened = wish(self.guest.post("/v1/store/carts", json!({})).await, 201)?;
        let (id, token) = (text(&opened["id"]).to_owned(), text(&opened["token"]).to_owned());
        let client = self.guest.with("x-cart-token", &token);
        let cart = Cart { id, token, client };
        let item = json!({ "offer_id": self.goods().offer, "quantity": 1 });
        wish(cart.client.post(&cart.path("/items"), item).await, 200)?;
        wish(cart.client.put(&cart.path("/delivery"), shop::delivery()).await, 200)?;
        self.complete(&cart).await
    }

    /// A cart with something in it that only has to be completed.
    pub(crate) async fn filled_cart(&self) -> Cart {
        let cart = Cart::open(&self.guest).await;
        cart.add(self.goods(), 1).await;
        cart.deliver().await;
        cart
    }

    /// Makes an order of a cart.
    pub(crate) async fn complete(&self, cart: &Cart) -> Result<Bought, String> {
        let key = format!("key-{}", cart.id);
        let answer = wish(cart.complete(&key, json!({ "payment_provider": "payme" })).await, 201)?;
        let order = &answer["order"];
        let bought = Bought {
            id: text(&order["id"]).to_owned(),
            number: text(&order["number"]).to_owned(),
            total: shop::amount(&order["totals"]["total"]),
            client: cart.client.with("x-order-token", text(&answer["order_token"])),
            answer,
        };
        self.keep(&bought, "awaiting_payment");
        Ok(bought)
    }

    /// What a role says of itself.
    pub(crate) async fn ready(&self, role: &str) -> (u16, Value) {
        ready(&self.guest, &self.roles[role]).await
    }

    /// Waits until these roles, and only these, say that they are not ready, and which check it is.
    pub(crate) async fn not_ready(&self, roles: &[&str], passed_over: &[&str]) {
        for role in roles {
            within(BACK, &format!("{role} is not ready"), async || {
                let (status, body) = self.ready(role).await;
                let checks = body["checks"].as_array().cloned().unwrap_or_default();
                let named = checks.iter().any(|check| check["ok"] == false);
                let told = status == 503 && body["role"] == *role && named;
                if told { Ok(()) } else { Err(format!("{status} {body}")) }
            })
            .await;
        }
        for role in self
            .roles
            .keys()
            .filter(|role| !roles.contains(&role.as_str()) && !passed_over.contains(&role.as_str()))
        {
            let (status, body) = self.ready(role).await;
            assert_eq!(status, 200, "{role} does not need it: {body}");
        }
    }

    /// Starts one role on its own, while its store is away.
    pub(crate) async fn waiting(&self, role: &'static str) -> Waiting {
        let mut environment = self.environment.clone();
        for (peer, url) in self.roles.iter().filter(|(peer, _)| *peer != "gateway") {
            environment.insert(format!("UM_PEERS__{}", peer.to_uppercase()), url.clone());
        }
        let folder = Folder::new("outage-waiting");
        let program = tokio::task::block_in_place(|| serve(&folder, &[role], &environment));
        let url = text(&program.ready()["roles"][role]).to_owned();
        let waiting = Waiting { program, role, url, client: self.guest.clone(), _folder: folder };
        assert_eq!(ready(&waiting.client, &waiting.url).await.0, 503, "{role} waits");
        let live = waiting.client.get(&format!("{}/health/live", waiting.url)).await;
        assert_eq!(live.status, 200, "{role} lives");
        waiting
    }
}

async fn ready(client: &Client, url: &str) -> (u16, Value) {
    let answer = client.get(&format!("{url}/health/ready")).await;
    (answer.status, answer.json())
}

fn serve(folder: &Folder, roles: &[&str], environment: &Environment) -> Program {
    let data = folder.path().join("data");
    let flags = ["--json", "--port-base", "0", "--data-dir", data.to_str().unwrap()];
    let arguments = [&["serve"], roles, &flags].concat();
    Program::start(folder.path(), &arguments, environment)
}

/// Each role as a process, all at once.
fn nine(folder: &Folder, environment: &Environment) -> Vec<Program> {
    let mut environment = environment.clone();
    let ports = platform::free_ports(10);
    let mut put = |name: String, value: String| environment.insert(name, value);
    for (role, port) in Role::ALL.into_iter().zip(&ports) {
        let name = role.as_str().to_uppercase();
        put(format!("UM_{name}__LISTEN"), format!("127.0.0.1:{port}"));
        put(format!("UM_PEERS__{name}"), format!("http://127.0.0.1:{port}"));
    }
    put("UM_GATEWAY__OPS_LISTEN".to_owned(), format!("127.0.0.1:{}", ports[9]));
    let start = |role: Role| {
        let own = folder.path().join(role.as_str());
        std::fs::create_dir(&own).unwrap();
        Program::start(&own, &["serve", role.as_str(), "--json"], &environment)
    };
    std::thread::scope(|scope| {
        let starting = Role::ALL.map(|role| scope.spawn(move || start(role)));
        starting.into_iter().map(|program| program.join().unwrap()).collect()
    })
}

/// A role that was started while its store was away.
pub(crate) struct Waiting {
    program: Program,
    role: &'static str,
    url: String,
    client: Client,
    _folder: Folder,
}

impl Waiting {
    /// Its store accepts connections: it becomes ready by itself, and is the process that was started.
    pub(crate) async fn becomes_ready(self) {
        let what = format!("{}, which was started without its store, is ready", self.role);
        within(BACK, &what, async || {
            let (status, body) = ready(&self.client, &self.url).await;
            if status == 200 { Ok(()) } else { Err(format!("{status} {body}")) }
        })
        .await;
        let ended = tokio::task::spawn_blocking(move || self.program.terminate()).await.unwrap();
        assert!(ended.success(), "{} ends in order", self.role);
    }
}
