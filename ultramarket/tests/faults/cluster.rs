//! Nine processes of which each can be killed, frozen and started again.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use mesh::Role;
use testkit::Folder;

use crate::{
    opening,
    support::{
        client::Client,
        platform,
        process::{self, Environment, Program},
        shop,
    },
};

pub(crate) struct Cluster {
    folder: Folder,
    environment: Environment,
    programs: BTreeMap<Role, Program>,
    urls: BTreeMap<Role, String>,
}

impl Cluster {
    /// An empty platform with its administrator, on these stores.
    pub(crate) fn start(stores: Environment) -> Self {
        let folder = Folder::new("faults");
        let mut free = platform::free_ports(10).into_iter();
        let mut environment = platform::environment();
        environment.extend(stores);
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
        put("UM_DATA_DIR".to_owned(), folder.path().join("data").to_str().unwrap().to_owned());

        let migrated = process::run(folder.path(), &["migrate"], &environment);
        assert_eq!(migrated.code, 0, "{migrated:?}");
        let (login, password) = opening::ADMIN;
        let create = ["admin", "create", "--login", login];
        let made = process::run_with_input(folder.path(), &create, &environment, password);
        assert_eq!(made.code, 0, "{made:?}");
        let mut cluster = Self { folder, environment, programs: BTreeMap::new(), urls };
        let begun = &cluster;
        cluster.programs = std::thread::scope(|threads| {
            let begin = |role| (role, threads.spawn(move || begun.begin(role)));
            let begun: Vec<_> = Role::ALL.into_iter().map(begin).collect();
            begun.into_iter().map(|(role, thread)| (role, thread.join().unwrap())).collect()
        });
        cluster
    }

    fn begin(&self, role: Role) -> Program {
        let logs = self.folder.path().join(role.as_str());
        std::fs::create_dir_all(&logs).unwrap();
        Program::start(&logs, &["serve", role.as_str(), "--json"], &self.environment)
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

    /// Kills a role and starts it again; how long it took until it was ready.
    pub(crate) fn kill(&mut self, role: Role) -> Duration {
        self.programs.remove(&role).unwrap().kill();
        let program = self.begin(role);
        let took = program.took();
        self.programs.insert(role, program);
        took
    }

    /// Freezes a role for a while.
    pub(crate) fn freeze(&self, role: Role, time: Duration) {
        let program = &self.programs[&role];
        program.freeze();
        std::thread::sleep(time);
        program.thaw();
    }

    /// Waits until each role says that it is ready; how long that took.
    pub(crate) async fn is_ready(&self) -> Duration {
        let (began, guest) = (Instant::now(), self.guest());
        for (role, url) in &self.urls {
            // The gateway's own port speaks of the whole platform.
            let path = format!("{url}/health/ready");
            shop::eventually(&format!("{role} is ready"), async || {
                let answer = guest.try_send(reqwest::Method::GET, &path, None, Vec::new());
                (answer.await.ok()?.status == 200).then_some(())
            })
            .await;
        }
        began.elapsed()
    }
}
