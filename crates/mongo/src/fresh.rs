//! A database of its own for a test.

use ids::EventId;
use mongodb::{Client, Database, options::ConnectionString};

/// An empty database; gone when it is dropped.
#[derive(Debug)]
pub struct FreshDatabase {
    server: String,
    name: String,
    /// `mongodb://` address of the database.
    pub address: String,
}

impl FreshDatabase {
    /// Names one on a server; it comes to be with its first document.
    ///
    /// # Panics
    /// When the address cannot be used.
    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    pub fn on(server: &str) -> Self {
        ConnectionString::parse(server).unwrap();
        let name = format!("um_test_{:032x}", EventId::new().as_u128());
        let (scheme, rest) = server.split_once("://").unwrap();
        let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
        let hosts = place.split('/').next().unwrap();
        // A test server on a busy machine is slow at times, and then it does not matter.
        let patience = "timeoutMS=30000";
        let options =
            if options.is_empty() { patience.to_owned() } else { format!("{options}&{patience}") };
        let address = format!("{scheme}://{hosts}/{name}?{options}");
        Self { server: server.to_owned(), name, address }
    }

    /// To look into it past the store.
    ///
    /// # Panics
    /// When the address cannot be used.
    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    pub async fn look(&self) -> Database {
        Client::with_uri_str(&self.server).await.unwrap().database(&self.name)
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let remove = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    let client = Client::with_uri_str(server).await?;
                    client.database(&name).drop().await
                })
            } else {
                Ok(())
            }
        };
        // A runtime cannot wait inside another.
        drop(std::thread::spawn(remove).join());
    }
}
