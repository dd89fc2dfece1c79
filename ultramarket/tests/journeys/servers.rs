//! Real servers as stores, each platform in databases of its own.

use testkit::{FreshDatabase, real_store};

use super::process::Environment;

/// Addresses for a whole demo. Product and notification stay on their embedded stores: the server for tests that speaks MongoDB's
/// protocol shows how the adapters behave, one use case at a time, and comes to a stand under the loading of a demo. `deployment` and
/// `drill` run platforms on it.
pub(crate) fn of_a_demo() -> Option<Environment> {
    let mut stores = stores()?;
    stores.retain(|name, _| {
        !["UM_PRODUCT__STORE", "UM_NOTIFICATION__STORE"].contains(&name.as_str())
    });
    Some(stores)
}

/// Addresses of fresh stores; none unless every server is there. They go with the servers: `scripts/stores down`.
pub(crate) fn stores() -> Option<Environment> {
    let ours = format!("{:032x}", ids::EventId::new().as_u128());
    let short = ours.get(20..)?.to_owned();
    let mut stores = Environment::new();
    let mut put = |role: &str, address: String| {
        stores.insert(format!("UM_{role}__STORE"), address);
    };
    let mongodb = real_store("mongodb")?;
    for (role, name) in [("PRODUCT", "product"), ("NOTIFICATION", "notification")] {
        // The server for tests proves behaviour, not speed.
        let database = with_path(&mongodb, &format!("um_journey_{short}_{name}"));
        put(role, with_pair(&database, "timeoutMS", "30000"));
    }
    let redis = real_store("redis")?;
    put("CART", with_pair(&redis, "prefix", &format!("um:{ours}:cart:")));
    put("SEARCH", with_path(&real_store("elasticsearch")?, &format!("um-{ours}")));
    put("FILE", with_pair(&real_store("s3")?, "prefix", &format!("um-{short}-")));
    for role in ["AUTH", "ORDER", "PAYMENT"] {
        put(role, database()?);
    }
    Some(stores)
}

/// Addresses of fresh databases for the roles that keep money and stock, the rest embedded; none when PostgreSQL is not there.
pub(crate) fn databases() -> Option<Environment> {
    let address = |role| Some((format!("UM_{role}__STORE"), database()?));
    ["AUTH", "ORDER", "PAYMENT"].into_iter().map(address).collect()
}

/// A database that outlives the test: the processes use it to the very end.
fn database() -> Option<String> {
    // A runtime cannot wait inside another.
    let made = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(FreshDatabase::create())
    });
    let fresh = made.join().unwrap()?;
    let address = fresh.address.clone();
    std::mem::forget(fresh);
    Some(address)
}

fn with_path(server: &str, path: &str) -> String {
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(path);
    url.into()
}

fn with_pair(server: &str, key: &str, value: &str) -> String {
    let mut url = url::Url::parse(server).unwrap();
    url.query_pairs_mut().append_pair(key, value);
    url.into()
}
