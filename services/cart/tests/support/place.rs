//! A part of the Redis of `UM_TEST_REDIS` for one test alone.

use redis::{Client, Commands as _, RedisResult};
use testkit::Door;
use url::Url;

/// Keys with a prefix of their own; gone when it is dropped.
pub(crate) struct Place {
    server: Url,
    pub(crate) prefix: String,
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

    /// The store behind a door, and its address there.
    pub(crate) async fn behind_a_door(&self) -> (Door, String) {
        let (host, port) = (self.server.host_str().unwrap(), self.server.port().unwrap_or(6379));
        let door = Door::new(&format!("{host}:{port}")).await;
        let mut address = Url::parse(&self.address()).unwrap();
        address.set_host(Some("127.0.0.1")).unwrap();
        address.set_port(Some(door.address.port())).unwrap();
        (door, address.into())
    }

    /// A connection that looks behind the store.
    pub(crate) fn connection(&self) -> RedisResult<redis::Connection> {
        Client::open(self.server.as_str())?.get_connection()
    }

    fn clear(&self) -> RedisResult<()> {
        let mut connection = self.connection()?;
        let keys = connection.scan_match(format!("{}*", self.prefix))?;
        let keys: Vec<String> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() { Ok(()) } else { connection.unlink(keys) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that fails because the server went away says so itself.
        drop(self.clear());
    }
}
