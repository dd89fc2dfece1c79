//! Nine processes of which each can be killed, frozen, ended and started again, on lines and with clocks of their own if that is wished.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use mesh::Role;
use testkit::Folder;

use crate::{
    opening,
    proxy::{Exchange, Line, Weather},
    support::{
        client::Client,
        platform,
        process::{self, Ended, Environment, Program},
        shop,
    },
};

/// What is around the processes beside their stores.
#[derive(Debug, Default)]
pub(crate) struct Around {
    /// Between a gateway and the roles, between roles, and before PostgreSQL there are lines whose weather can be made.
    pub(crate) lines: bool,
    /// The library that shows each process a clock of its own.
    pub(crate) clocks: Option<String>,
    /// Where the embedded stores are; else in a folder of the cluster.
    pub(crate) data: Option<PathBuf>,
    /// More of the configuration, for all.
    pub(crate) more: Environment,
}

pub(crate) struct Cluster {
    programs: BTreeMap<Role, Program>,
    folder: Folder,
    environment: Environment,
    /// What is different for each of them.
    own: BTreeMap<Role, Environment>,
    urls: BTreeMap<Role, String>,
    lines: BTreeMap<String, Line>,
    exchange: Option<Exchange>,
}

impl Cluster {
    /// An empty platform with its administrator, on these stores.
    pub(crate) fn start(stores: Environment) -> Self {
        Self::start_in(stores, Around::default())
    }

    /// The same with something around it.
    pub(crate) fn start_in(stores: Environment, around: Around) -> Self {
        let folder = Folder::new("faults");
        let mut free = platform::free_ports(10).into_iter();
        let mut environment = platform::environment();
        environment.extend(stores);
        environment.extend(around.more);
        let mut put = |name: String, value: String| environment.insert(name, value);
        let mut urls = BTreeMap::new();
        for role in Role::ALL {
            let (name, port) = (role.as_str().to_uppercase(), free.next().unwrap());
            put(format!("UM_PEERS__{name}"), format!("http://127.0.0.1:{port}"));
            put(format!("UM_{name}__LISTEN"), format!("127.0.0.1:{port}"));
            urls.insert(role, format!("http://127.0.0.1:{port}"));
        }
        let ops = format!("127.0.0.1:{}", free.next().unwrap());
        put("UM_GATEWAY__OPS_LISTEN".to_owned(), ops);
        put("UM_GATEWAY__PUBLIC_URL".to_owned(), urls[&Role::Gateway].clone());
        let data = around.data.unwrap_or_else(|| folder.path().join("data"));
        put("UM_DATA_DIR".to_owned(), data.to_str().unwrap().to_owned());

        let migrated = process::run(folder.path(), &["migrate"], &environment);
        assert_eq!(migrated.code, 0, "{migrated:?}");
        let (login, password) = opening::ADMIN;
        let create = ["admin", "create", "--login", login];
        let made = process::run_with_input(folder.path(), &create, &environment, password);
        assert_eq!(made.code, 0, "{made:?}");
        let mut cluster = Self {
            programs: BTreeMap::new(),
            folder,
            environment,
            own: BTreeMap::new(),
            urls,
            lines: BTreeMap::new(),
            exchange: None,
        };
        if around.lines {
            cluster.put_up_lines();
        }
        if let Some(library) = &around.clocks {
            cluster.give_clocks(library);
        }
        cluster.begin_all();
        cluster
    }

    /// Starts all that do not run.
    fn begin_all(&mut self) {
        let begun = &*self;
        let missing = Role::ALL.into_iter().filter(|role| !begun.programs.contains_key(role));
        let programs: Vec<_> = std::thread::scope(|threads| {
            let begin = |role| (role, threads.spawn(move || begun.begin(role)));
            let begun: Vec<_> = missing.map(begin).collect();
            begun.into_iter().map(|(role, thread)| (role, thread.join().unwrap())).collect()
        });
        self.programs.extend(programs);
    }

    /// A line from the gateway to each role, one from the other roles to each, and one from a role to its PostgreSQL.
    fn put_up_lines(&mut self) {
        let exchange = Exchange::open();
        for role in Role::SERVICES {
            let port = port_of(&self.urls[&role]);
            for (from, callers) in
                [("gateway", &[Role::Gateway][..]), ("roles", &Role::SERVICES[..])]
            {
                let line = exchange.line(port);
                let (name, url) = (role.as_str().to_uppercase(), line.port);
                for caller in callers.iter().filter(|caller| **caller != role) {
                    let own = self.own.entry(*caller).or_default();
                    own.insert(format!("UM_PEERS__{name}"), format!("http://127.0.0.1:{url}"));
                }
                self.lines.insert(format!("{from} to {role}"), line);
            }
            let key = format!("UM_{}__STORE", role.as_str().to_uppercase());
            let store = self.environment.get(&key).filter(|store| store.starts_with("postgres:"));
            if let Some(store) = store {
                let mut url = url::Url::parse(store).unwrap();
                let line = exchange.line(url.port().unwrap());
                url.set_port(Some(line.port)).unwrap();
                self.own.entry(role).or_default().insert(key, url.into());
                self.lines.insert(format!("{role} to PostgreSQL"), line);
            }
        }
        self.exchange = Some(exchange);
    }

    /// A clock for each role, which is right at first.
    fn give_clocks(&mut self, library: &str) {
        for role in Role::ALL {
            let own = self.own.entry(role).or_default();
            let file = self.folder.path().join(format!("{role}.clock"));
            std::fs::write(&file, "+0").unwrap();
            for (name, value) in [
                ("LD_PRELOAD", library),
                ("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap()),
                ("FAKETIME_NO_CACHE", "1"),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                ("FAKETIME_DISABLE_SHM", "1"),
                ("NO_FAKE_STAT", "1"),
            ] {
                own.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    fn begin(&self, role: Role) -> Program {
        let logs = self.folder.path().join(role.as_str());
        std::fs::create_dir_all(&logs).unwrap();
        let mut environment = self.environment.clone();
        environment.extend(self.own.get(&role).cloned().unwrap_or_default());
        Program::start(&logs, &["serve", role.as_str(), "--json"], &environment)
    }

    /// Somebody without credentials.
    pub(crate) fn guest(&self) -> Client {
        Client::new(&self.urls[&Role::Gateway])
    }

    /// Where each role is, as a program says it when it is ready.
    pub(crate) fn roles(&self) -> serde_json::Value {
        let url = |(role, url): (&Role, &String)| (role.as_str().to_owned(), url.clone().into());
        serde_json::Value::Object(self.urls.iter().map(url).collect())
    }

    /// The address of a role.
    pub(crate) fn url(&self, role: Role) -> &str {
        &self.urls[&role]
    }

    /// The secret of internal calls.
    pub(crate) fn secret(&self) -> String {
        let file = PathBuf::from(&self.environment["UM_DATA_DIR"]).join("mesh.token");
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    /// A command on the same configuration.
    pub(crate) fn say(&self, arguments: &[&str]) -> Ended {
        process::run(self.folder.path(), arguments, &self.environment)
    }

    /// What a role wrote into its log since it was started last.
    pub(crate) fn log(&self, role: Role) -> String {
        let file = self.folder.path().join(role.as_str()).join("stderr.log");
        std::fs::read_to_string(file).unwrap_or_default()
    }

    /// The role finds somebody else where it looks for another one, from its next start on.
    pub(crate) fn lead_astray(&mut self, role: Role, peer: Role, url: &str) {
        let name = format!("UM_PEERS__{}", peer.as_str().to_uppercase());
        self.own.entry(role).or_default().insert(name, url.to_owned());
    }

    /// Kills a role and starts it again; how long it took until it was ready.
    pub(crate) fn kill(&mut self, role: Role) -> Duration {
        self.programs.remove(&role).unwrap().kill();
        self.start_again(role)
    }

    fn start_again(&mut self, role: Role) -> Duration {
        let program = self.begin(role);
        let took = program.took();
        self.programs.insert(role, program);
        took
    }

    /// Asks a role to end, and starts it again; how long it took to end and to be ready.
    pub(crate) fn restart(&mut self, role: Role) -> (Duration, Duration) {
        let began = Instant::now();
        let ended = self.programs.remove(&role).unwrap().terminate();
        let drained = began.elapsed();
        assert!(ended.success(), "{role} ends in order: {ended}");
        (drained, self.start_again(role))
    }

    /// Ends a role without a warning; it stays away.
    pub(crate) fn take_away(&mut self, role: Role) {
        self.programs.remove(&role).unwrap().kill();
    }

    /// Starts what was taken away.
    pub(crate) fn bring_back(&mut self) {
        self.begin_all();
    }

    /// Freezes a role for a while.
    pub(crate) async fn freeze(&self, role: Role, time: Duration) {
        let program = &self.programs[&role];
        program.freeze();
        tokio::time::sleep(time).await;
        program.thaw();
    }

    /// The names of the lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.keys().cloned().collect()
    }

    pub(crate) fn line(&self, name: &str) -> &Line {
        &self.lines[name]
    }

    /// Every line is clear from now on.
    pub(crate) fn clear_up(&self) {
        for line in self.lines.values() {
            line.set(Weather::Clear);
        }
    }

    /// The clock of a role is wrong by so many seconds from now on.
    pub(crate) fn set_clock(&self, role: Role, wrong_by: i64) {
        let file = self.folder.path().join(format!("{role}.clock"));
        let next = file.with_extension("next");
        std::fs::write(&next, format!("{wrong_by:+}")).unwrap();
        std::fs::rename(&next, &file).unwrap();
    }

    /// Waits until each role says that it is ready; how long that took.
    pub(crate) async fn is_ready(&self) -> Duration {
        let began = Instant::now();
        for role in Role::ALL {
            self.answers(role).await;
        }
        began.elapsed()
    }

    /// Waits until a role says that it is ready.
    pub(crate) async fn answers(&self, role: Role) {
        let (guest, path) = (self.guest(), format!("{}/health/ready", self.urls[&role]));
        shop::eventually(&format!("{role} is ready"), async || {
            let answer = guest.try_send(reqwest::Method::GET, &path, None, Vec::new());
            (answer.await.ok()?.status == 200).then_some(())
        })
        .await;
    }
}

fn port_of(url: &str) -> u16 {
    url::Url::parse(url).unwrap().port().unwrap()
}
