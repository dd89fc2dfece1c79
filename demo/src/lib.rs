//! A shop with something in it: the demo catalogue, its merchants, and accounts to try it with.
//!
//! [`load`] writes everything through the services themselves, as a merchant and the platform owner would; nothing goes around
//! their rules. Loading again adds what is missing, so that a load that was cut off is finished by the next.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use mesh::{Context, Mesh};
use proto::product as pb;

mod accounts;
pub mod catalogue;
mod merchants;
mod patience;
mod shelf;

pub use accounts::{Account, Accounts};
use catalogue::Catalogue;
use patience::patiently;

/// Things written at once.
const PARALLEL: usize = 8;

/// Fills an empty platform; tells `progress` how far it is.
pub async fn load(mesh: &Mesh, progress: impl Fn(&str) + Sync) -> anyhow::Result<Accounts> {
    Context::service("demo").scope(fill(mesh, progress)).await
}

async fn fill(mesh: &Mesh, progress: impl Fn(&str) + Sync) -> anyhow::Result<Accounts> {
    let accounts = Accounts::new();
    let catalogue = Catalogue::read()?;
    if products(mesh).await? >= catalogue.products.len() {
        progress("the catalogue is there already");
        return Ok(accounts);
    }
    let people = accounts::create(mesh, &accounts);
    let sellers = merchants::create(mesh, &catalogue, &accounts);
    let categories = shelf::put_categories(mesh, &catalogue);
    let (people, sellers, categories) = futures::join!(people, sellers, categories);
    people.context("demo accounts")?;
    categories.context("demo categories")?;
    let sellers = sellers.context("demo merchants")?;
    progress(&format!("{} merchants, {} categories", sellers.len(), catalogue.categories.len()));

    let (done, total) = (AtomicUsize::new(0), catalogue.products.len());
    stream::iter(&catalogue.products)
        .map(|product| async {
            shelf::put_product(mesh, product, &sellers)
                .await
                .with_context(|| format!("demo product {}", product.key))?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(26) {
                progress(&format!("{done} of {total} products"));
            }
            anyhow::Ok(())
        })
        .buffer_unordered(PARALLEL)
        .try_collect::<Vec<()>>()
        .await?;
    progress("waiting for the search index");
    indexed(mesh, total).await;
    Ok(accounts)
}

/// How many there are on show.
async fn products(mesh: &Mesh) -> anyhow::Result<usize> {
    let request = pb::ListProductsRequest {
        page: Some(proto::value::PageRequest { limit: 1, count: true, ..Default::default() }),
        ..Default::default()
    };
    let found = patiently(async || mesh.product().list_products(request.clone()).await).await?;
    let count = found.page.and_then(|page| page.count).unwrap_or(0);
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Search follows by events; a moment later it knows everything. Not worth failing for.
async fn indexed(mesh: &Mesh, total: usize) {
    let total = u64::try_from(total).unwrap_or(u64::MAX);
    for _ in 0..100 {
        let request = proto::search::SearchRequest {
            page: Some(proto::value::PageRequest { limit: 1, count: true, ..Default::default() }),
            ..Default::default()
        };
        let found = mesh.search().search(request).await;
        let count =
            found.ok().and_then(|found| found.into_inner().page).and_then(|page| page.count);
        if count.is_some_and(|count| count >= total) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    tracing::warn!("search does not show the whole demo catalogue yet");
}
