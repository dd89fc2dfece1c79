//! The platform under test, once as one process and once as nine.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use mesh::{Mesh, Role, Token};
use serde_json::Value;

use super::{
    client::Client,
    process::{Environment, Program, Shared},
    servers,
};

/// The cash desk's key, shared with Payme.
pub(crate) const PAYME_KEY: &str = "journey-kassa-key-of-36-characters-1";
/// The service's secret, shared with Click.
pub(crate) const CLICK_SECRET: &str = "journey-click-secret";
/// The service's number at Click.
pub(crate) const CLICK_SERVICE: &str = "77001";
/// The one origin whose pages may call the API.
pub(crate) const ORIGIN: &str = "https://shop.example.uz";

/// How many processes it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `ultramarket demo`.
    One,
    /// `ultramarket serve <role>`, nine times.
    Nine,
}

/// A platform with the demo catalogue that runs until the tests are over.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) mode: Mode,
    pub(crate) gateway: String,
    /// Roles and their URLs.
    pub(crate) roles: BTreeMap<Role, String>,
    /// Where the gateway's metrics are.
    pub(crate) ops: String,
    pub(crate) accounts: Value,
    /// The providers' stand-ins: only in the demo.
    pub(crate) sandboxes: Value,
    folder: PathBuf,
    _programs: Vec<Shared>,
}

/// Runs a journey on the one runtime that all tests share.
pub(crate) fn run<F: Future>(journey: F) -> F::Output {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    });
    RUNTIME.block_on(journey)
}

/// The platform as one process.
pub(crate) fn one_process() -> Option<&'static Platform> {
    static ONE: LazyLock<Platform> = LazyLock::new(|| Platform::demo(&Environment::new()));
    Some(&ONE)
}

/// The platform as nine processes.
pub(crate) fn nine_processes() -> Option<&'static Platform> {
    static NINE: LazyLock<Platform> = LazyLock::new(|| Platform::split(&Environment::new()));
    Some(&NINE)
}

/// The platform as one process on real servers; none when they are not there.
pub(crate) fn one_process_on_servers() -> Option<&'static Platform> {
    static ONE: LazyLock<Option<Platform>> =
        LazyLock::new(|| servers::of_a_demo().map(|stores| Platform::demo(&stores)));
    ONE.as_ref()
}

/// The platform as nine processes on real servers; none when they are not there.
pub(crate) fn nine_processes_on_servers() -> Option<&'static Platform> {
    static NINE: LazyLock<Option<Platform>> =
        LazyLock::new(|| servers::of_a_demo().map(|stores| Platform::split(&stores)));
    NINE.as_ref()
}

/// What every process of these tests is told.
pub(crate) fn environment() -> Environment {
    [
        ("UM_GATEWAY__RATE_LIMIT__ENABLED", "false"),
        ("UM_GATEWAY__CORS_ORIGINS", ORIGIN),
        ("UM_TELEMETRY__LEVEL", "warn"),
        ("UM_PAYMENT__PAYME__MERCHANT_ID", "65f0c0ffee65f0c0ffee6500"),
        ("UM_PAYMENT__PAYME__KEY", PAYME_KEY),
        ("UM_PAYMENT__CLICK__SERVICE_ID", CLICK_SERVICE),
        ("UM_PAYMENT__CLICK__MERCHANT_ID", "77002"),
        ("UM_PAYMENT__CLICK__SECRET_KEY", CLICK_SECRET),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

fn with(stores: &Environment) -> Environment {
    let mut all = environment();
    all.extend(stores.clone());
    all
}

/// A fresh folder that its owner removes.
fn fresh_folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("um-{name}-{}", ids::RequestId::new()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

const DEMO: [&str; 5] = ["demo", "--json", "--port-base", "0", "--data-dir"];

impl Platform {
    fn demo(stores: &Environment) -> Self {
        let folder = fresh_folder("one");
        let arguments = [&DEMO[..], &[folder.to_str().unwrap()]].concat();
        let program = Shared::start(&folder, &arguments, &with(stores));
        let ready = program.said();
        let roles = ready["roles"].as_object().unwrap();
        let url = |(role, url): (&String, &Value)| {
            (role.parse().unwrap(), url.as_str().unwrap().to_owned())
        };
        Self {
            mode: Mode::One,
            gateway: ready["gateway"].as_str().unwrap().to_owned(),
            roles: roles.iter().map(url).collect(),
            ops: ready["ops"].as_str().unwrap().to_owned(),
            accounts: ready["accounts"].clone(),
            sandboxes: ready["sandboxes"].clone(),
            folder,
            _programs: vec![program],
        }
    }

    fn split(stores: &Environment) -> Self {
        let folder = fresh_folder("nine");
        // Demo data are the demo's to write.
        let arguments = [&DEMO[..], &[folder.to_str().unwrap()]].concat();
        let demo = Program::start(&folder, &arguments, &with(stores));
        let accounts = demo.ready()["accounts"].clone();
        assert!(demo.terminate().success(), "the demo ends in order");

        let mut free = free_ports(10).into_iter();
        let roles: BTreeMap<Role, String> = Role::ALL
            .into_iter()
            .map(|role| (role, format!("http://127.0.0.1:{}", free.next().unwrap())))
            .collect();
        let ops = format!("127.0.0.1:{}", free.next().unwrap());
        let gateway = roles[&Role::Gateway].clone();
        let mut common = with(stores);
        common.insert("UM_DATA_DIR".to_owned(), folder.display().to_string());
        common.insert("UM_GATEWAY__OPS_LISTEN".to_owned(), ops.clone());
        common.insert("UM_GATEWAY__PUBLIC_URL".to_owned(), gateway.clone());
        for (role, url) in &roles {
            let name = role.as_str().to_uppercase();
            common.insert(format!("UM_PEERS__{name}"), url.clone());
            let listen = url.trim_start_matches("http://").to_owned();
            common.insert(format!("UM_{name}__LISTEN"), listen);
        }
        let starting: Vec<_> = Role::ALL
            .iter()
            .map(|role| Shared::begin(&folder, &["serve", role.as_str(), "--json"], &common))
            .collect();
        let programs = starting.into_iter().map(super::process::Starting::ready).collect();
        let ops = format!("http://{ops}");
        Self {
            mode: Mode::Nine,
            gateway,
            roles,
            ops,
            accounts,
            sandboxes: Value::Null,
            folder,
            _programs: programs,
        }
    }

    /// Somebody without credentials.
    pub(crate) fn guest(&self) -> Client {
        Client::new(&self.gateway)
    }

    /// The secret of internal calls.
    pub(crate) fn token(&self) -> String {
        mesh_token(&self.folder)
    }

    /// The services themselves, as one of them calls the others.
    pub(crate) fn mesh(&self) -> Mesh {
        Mesh::new(&[], &self.roles, Token::new(self.token())).unwrap()
    }
}

fn mesh_token(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("mesh.token")).unwrap().trim().to_owned()
}

/// Ports that were free together a moment ago.
pub(crate) fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}
