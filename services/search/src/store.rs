//! The port to the index.

use std::sync::Arc;

use async_trait::async_trait;
use fault::Fault;
use futures::stream::BoxStream;

use crate::domain::{Change, Hits, Rebuild, Search, Similar, Suggestion, Typed};

mod answers;
mod elastic;
mod progress;
mod tantivy;

pub use progress::Progress;

/// An engine that finds products. It is given tokens that are ready (see [`crate::text`]) and analyses nothing itself.
#[async_trait]
pub trait SearchIndex: Send + Sync + 'static {
    /// Takes over news; what is older than what is known is ignored. When it returns, all of it is durable and can be found.
    async fn apply(&self, changes: Vec<Change>) -> Result<(), Fault>;
    /// Builds the index anew from the pages of a catalogue, merged with news that arrive meanwhile, and swaps it in at once; searches
    /// see the old one until then. Products that the pages lack are gone afterwards. When a page fails, everything stays as it
    /// was. Returns how many products can be found. `REBUILD_RUNNING` while another runs. Tells `progress` when it has begun and
    /// what it has taken over; its end is for the caller to tell.
    async fn rebuild(
        &self,
        pages: BoxStream<'_, Result<Vec<Change>, Fault>>,
        progress: &Progress,
    ) -> Result<u64, Fault>;
    /// What the index itself knows of rebuilds: of the one that another process runs, else of the one that made it. What this process
    /// runs, it has been told already.
    async fn rebuilt(&self) -> Result<Option<Rebuild>, Fault>;
    /// Whether it holds a whole catalogue: a rebuild has ended since the index was made.
    async fn is_complete(&self) -> Result<bool, Fault>;

    /// A page of results, with facets when asked for. Each facet is counted without the filter on itself.
    async fn search(&self, search: &Search) -> Result<Hits, Fault>;
    /// Words of titles, brands and categories whose keys are at most `distance` edits from `key`: nearest and then most
    /// frequent first, at most 8 keys, each in every way it is written.
    async fn similar(&self, key: &str, distance: usize) -> Result<Vec<Similar>, Fault>;
    /// Completions: brands and categories first, then products by popularity.
    async fn suggest(&self, typed: &Typed) -> Result<Vec<Suggestion>, Fault>;
    /// Products that can be found.
    async fn count(&self) -> Result<u64, Fault>;

    /// Whether the index answers.
    async fn ping(&self) -> Result<(), Fault>;
    /// Writes what is pending and lets go.
    async fn close(&self);
}

/// Opens the index behind an address. A server need not answer yet: every call fails with UNAVAILABLE until it does.
pub async fn open(address: &str) -> anyhow::Result<Arc<dyn SearchIndex>> {
    match address.split_once(':') {
        Some(("tantivy", folder)) if !folder.is_empty() => {
            Ok(Arc::new(tantivy::TantivyIndex::open(folder.into()).await?))
        }
        Some(("http" | "https", _)) => Ok(Arc::new(elastic::ElasticIndex::open(address)?)),
        _ => Err(expected()),
    }
}

/// Makes what an address needs before the service runs: of a server the index and its alias, unless they are there. Safe to run again
/// and in parallel. A folder needs nothing.
pub async fn migrate(address: &str) -> anyhow::Result<()> {
    match address.split_once(':') {
        Some(("tantivy", folder)) if !folder.is_empty() => Ok(()),
        Some(("http" | "https", _)) => {
            let migrated = elastic::ElasticIndex::open(address)?.migrate().await;
            migrated.map_err(|fault| {
                anyhow::anyhow!("search.store: {}{}", fault.message, cause(&fault))
            })
        }
        _ => Err(expected()),
    }
}

/// Throws away what stands behind an address: it is built again from the catalogue, by itself, once the service runs.
pub async fn forget(address: &str) -> anyhow::Result<()> {
    match address.split_once(':') {
        Some(("tantivy", folder)) if !folder.is_empty() => match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        },
        Some(("http" | "https", _)) => {
            let forgotten = elastic::ElasticIndex::open(address)?.forget().await;
            forgotten.map_err(|fault| {
                anyhow::anyhow!("search.store: {}{}", fault.message, cause(&fault))
            })
        }
        _ => Err(expected()),
    }
}

fn expected() -> anyhow::Error {
    anyhow::anyhow!(
        "search.store: expected tantivy:<folder> or http(s)://<host>:<port>/<index prefix>"
    )
}

fn cause(fault: &Fault) -> String {
    let causes = fault.causes();
    if causes.is_empty() { causes } else { format!(": {causes}") }
}
