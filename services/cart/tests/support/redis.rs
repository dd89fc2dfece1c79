//! A part of the Redis of `UM_TEST_REDIS` for one test alone.

use redis::{Client, Commands as _};
use testkit::Door;
use url::Url;

/// Keys with a prefix of their own; gone when it is dropped.
pub(crate) struct Place {
    server: Url,
    prefix: String,
}

impl Place {
    /// None when there is no server to test against.
    pub(crate) fn create() -> Option<Self> {
        let server = Url::parse(&testkit::real_store("redis")?).unwrap();
        let prefix = format!("um:test:{}:", ids::RequestId::new());
        Some(Self { server, prefix })
    }

    /// The address of the store.
    pub(crate) fn address(&self) -> String {
        let mut address = self.server.clone();
        address.query_pairs_mut().append_pair("prefix", &self.prefix);
        address.into()
    }

    /// A key of the store, in full.
    #[allow(dead_code, reason = "not every test looks at keys")]
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A connection that looks behind the store.
    pub(crate) fn connection(&self) -> redis::Connection {
        Client::open(self.server.as_str()).unwrap().get_connection().unwrap()
    }

    /// The store behind a door.
    #[allow(dead_code, reason = "not every test shuts one")]
    pub(crate) async fn behind_a_door(&self) -> (Door, String) {
        let (host, port) = (self.server.host_str().unwrap(), self.server.port().unwrap_or(6379));
        let door = Door::new(&format!("{host}:{port}")).await;
        let mut address = Url::parse(&self.address()).unwrap();
        address.set_host(Some("127.0.0.1")).unwrap();
        address.set_port(Some(door.address.port())).unwrap();
        (door, address.into())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut connection = self.connection();
        let keys: Vec<String> = connection
            .scan_match(format!("{}*", self.prefix))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        if !keys.is_empty() {
            let _: () = connection.unlink(keys).unwrap();
        }
    }
}
