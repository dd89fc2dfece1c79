//! What can be done with the catalogue.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use clock::Clock;
use fault::Fault;
use ids::{CategoryId, MerchantId};
use mesh::{Caller, Kind, StaffRole};
use moka::future::Cache;
use outbox::Relay;
use tokio::sync::Notify;

use crate::{
    domain::{CategoryRef, OfferDraft, Product, Status, Tree},
    error::Error,
    store::ProductStore,
};

mod categories;
mod events;
mod import;
mod products;
mod reviews;

pub(crate) use products::Filter;
pub(crate) use reviews::NewReview;

/// How long what was counted or read of the tree may be shown: bounds what another process changed.
const FRESH: Duration = Duration::from_secs(5);
/// Tries of a change that others keep overtaking.
const TRIES: usize = 8;

/// The catalogue. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Catalogue {
    store: Arc<dyn ProductStore>,
    clock: Clock,
    relay: Relay,
    tree: Cache<(), Arc<Tree>>,
    counts: Cache<(), Arc<BTreeMap<CategoryId, u64>>>,
    imports: Arc<Notify>,
}

/// A product after a change, and what its merchant asks for it.
pub(crate) struct Saved {
    pub(crate) product: Product,
    pub(crate) category: CategoryRef,
    pub(crate) offers: Vec<OfferDraft>,
}

impl Catalogue {
    pub(crate) fn new(store: Arc<dyn ProductStore>, clock: Clock, relay: Relay) -> Self {
        let tree = Cache::builder().max_capacity(1).time_to_live(FRESH).build();
        let counts = Cache::builder().max_capacity(1).time_to_live(FRESH).build();
        Self { store, clock, relay, tree, counts, imports: Arc::default() }
    }

    /// Tells everybody who waits that products have changed.
    async fn changed(&self) {
        self.relay.wake();
        self.counts.invalidate(&()).await;
    }

    /// The tree, read anew when it does not know what is asked for.
    async fn tree_with(&self, knows: impl Fn(&Tree) -> bool + Send) -> Result<Arc<Tree>, Error> {
        let tree = self.tree().await?;
        if knows(&tree) {
            return Ok(tree);
        }
        self.tree.invalidate(&()).await;
        self.tree().await
    }

    async fn tree(&self) -> Result<Arc<Tree>, Error> {
        let read = async {
            let list = self.store.categories().await?;
            Ok::<_, Fault>(Arc::new(Tree::new(list)))
        };
        self.tree.try_get_with((), read).await.map_err(|fault| Arc::unwrap_or_clone(fault).into())
    }

    /// A tree that knows the categories of these products.
    pub(crate) async fn tree_of(&self, products: &[Product]) -> Result<Arc<Tree>, Error> {
        let known = |tree: &Tree| products.iter().all(|it| tree.get(it.category).is_some());
        self.tree_with(known).await
    }
}

/// The merchant that the caller may write products for. A service names it.
fn writer(caller: &Caller, named: &str) -> Result<MerchantId, Error> {
    if caller.is_service() {
        let unknown = || Error::field("merchant_id", "INVALID", "a service names the merchant");
        return named.parse().map_err(|_| unknown());
    }
    caller.require_scope("products:write")?;
    Ok(caller.require_merchant(StaffRole::Operator)?)
}

/// The merchant whose products the caller may read in any status.
fn reader(caller: &Caller) -> Result<MerchantId, Error> {
    caller.require_scope("products:read")?;
    Ok(caller.require_merchant(StaffRole::Viewer)?)
}

fn may_see(caller: &Caller, product: &Product) -> bool {
    product.status == Status::Active
        || caller.is_service()
        || caller.is_admin()
        || (caller.kind != Kind::Guest && reader(caller).is_ok_and(|it| it == product.merchant))
}
