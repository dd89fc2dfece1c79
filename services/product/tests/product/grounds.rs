//! What the service runs on.

use mongo::FreshDatabase;
use testkit::{Folder, WIRINGS, Wiring};

/// A wiring and a store, which goes with it.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) wiring: Wiring,
    store: Store,
}

#[derive(Debug)]
enum Store {
    Embedded(Folder),
    Production(FreshDatabase),
}

/// Both wirings on the embedded store, and the production store when it is there.
pub(crate) fn grounds() -> Vec<Ground> {
    let embedded = WIRINGS.into_iter().map(Ground::embedded);
    let production = testkit::real_store("mongodb").map(|server| Ground {
        wiring: Wiring::Local,
        store: Store::Production(FreshDatabase::on(&server)),
    });
    embedded.chain(production).collect()
}

impl Ground {
    pub(crate) fn embedded(wiring: Wiring) -> Self {
        Self { wiring, store: Store::Embedded(Folder::new("product")) }
    }

    /// Its address, up to date.
    pub(crate) async fn store(&self) -> String {
        let store = match &self.store {
            Store::Embedded(folder) => {
                format!("sqlite:{}", folder.path().join("product.db").display())
            }
            Store::Production(fresh) => fresh.address.clone(),
        };
        let listen = "127.0.0.1:0".parse().unwrap();
        product::migrate(&product::Config { listen, store: store.clone() }).await.unwrap();
        store
    }
}
