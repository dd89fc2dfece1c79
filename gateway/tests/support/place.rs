//! A part of the Redis of `UM_TEST_REDIS` for one test alone.

use redis::{Client, Commands as _, RedisResult};
use testkit::Door;

/// Keys with a prefix of their own; gone when it is dropped.
pub(crate) struct Place {
    server: String,
    prefix: String,
}

impl Place {
    /// None when there is no server to test against.
    pub(crate) fn create() -> Option<Self> {
        let server = testkit::real_store("redis")?.trim_end_matches('/').to_owned();
        Some(Self { server, prefix: format!("um:test:{}:", ids::RequestId::new()) })
    }

    /// The address of the store.
    pub(crate) fn address(&self) -> String {
        format!("{}?prefix={}", self.server, self.prefix)
    }

    /// The store behind a door, and its address there.
    pub(crate) async fn behind_a_door(&self) -> (Door, String) {
        let (_, rest) = self.server.split_once("://").unwrap();
        let (user, place) = rest.rsplit_once('@').map_or(("", rest), |(user, place)| (user, place));
        let (host, database) = place.split_once('/').unwrap_or((place, ""));
        let door = Door::new(host).await;
        let user = if user.is_empty() { String::new() } else { format!("{user}@") };
        let address = door.address;
        (door, format!("redis://{user}{address}/{database}?prefix={}", self.prefix))
    }

    /// What is there, found behind the store.
    pub(crate) fn keys(&self) -> Vec<Vec<u8>> {
        self.look().unwrap()
    }

    fn look(&self) -> RedisResult<Vec<Vec<u8>>> {
        let mut connection = Client::open(self.server.as_str())?.get_connection()?;
        let keys = connection.scan_match(format!("{}*", self.prefix))?;
        keys.collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that fails because the server went away says so itself.
        let Ok(keys) = self.look() else { return };
        if let Ok(mut connection) =
            Client::open(self.server.as_str()).and_then(|client| client.get_connection())
            && !keys.is_empty()
        {
            let _: RedisResult<()> = connection.unlink(keys);
        }
    }
}
