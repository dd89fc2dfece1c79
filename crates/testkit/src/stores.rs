//! Real servers for contract suites: `scripts/stores up` starts them and prints their addresses.

use ids::EventId;
use sqlx::{Connection as _, PgConnection};

/// The address of a real server, from `UM_TEST_<NAME>`; without one the caller has nothing to test and returns.
///
/// # Panics
/// When there is none although `UM_TEST_REQUIRE` (names with commas between, or `all`) says that this server must be there.
#[expect(
    clippy::disallowed_methods,
    reason = "where the servers are is told to tests by the environment"
)]
#[expect(
    clippy::print_stdout,
    reason = "whoever reads the output of a test should see that it was skipped"
)]
pub fn real_store(name: &str) -> Option<String> {
    let variable = format!("UM_TEST_{}", name.to_uppercase());
    if let Ok(address) = std::env::var(&variable).map(|address| address.trim().to_owned())
        && !address.is_empty()
    {
        return Some(address);
    }
    let required = std::env::var("UM_TEST_REQUIRE").unwrap_or_default();
    let required = required.split(',').map(str::trim).any(|one| one == name || one == "all");
    assert!(!required, "{name} is required, but {variable} is not set: see scripts/stores");
    println!("skipped: {name} ({variable} is not set)");
    None
}

/// An empty PostgreSQL database of its own; gone when it is dropped.
#[derive(Debug)]
pub struct FreshDatabase {
    server: String,
    name: String,
    /// `postgres://` address of the database.
    pub address: String,
}

impl FreshDatabase {
    /// Makes one on the server of `UM_TEST_POSTGRES`; none when there is no server to test against.
    ///
    /// # Panics
    /// When the server refuses.
    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    pub async fn create() -> Option<Self> {
        let server = real_store("postgres")?;
        let name = format!("um_test_{:032x}", EventId::new().as_u128());
        run(&server, format!("create database {name}")).await;
        let mut address = url::Url::parse(&server).unwrap();
        address.set_path(&name);
        // Many tests at once share a server.
        address.query_pairs_mut().append_pair("pool", "8");
        Some(Self { server, name, address: address.into() })
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let remove = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime
                    .block_on(run(&server, format!("drop database if exists {name} with (force)")));
            }
        };
        // A runtime cannot wait inside another.
        drop(std::thread::spawn(remove).join());
    }
}

#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
async fn run(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}
