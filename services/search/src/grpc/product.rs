//! The catalogue, read from the product service.

use fault::Fault;
use futures::stream::{self, BoxStream, StreamExt as _};
use mesh::{Context, Link};
use proto::product::{self as products, product_service_client::ProductServiceClient};

use super::convert;
use crate::service::{Catalogue, Page};

/// Products asked for in one call.
const PAGE: u32 = 100;

/// The product service as a catalogue.
pub(crate) struct Products(ProductServiceClient<Link>);

impl Products {
    pub(crate) fn new(client: ProductServiceClient<Link>) -> Self {
        Self(client)
    }
}

impl Catalogue for Products {
    fn pages(&self) -> BoxStream<'_, Result<Page, Fault>> {
        // The place where the next page begins; none after the last.
        stream::try_unfold(Some(String::new()), move |after| async move {
            let Some(after) = after else { return Ok(None) };
            // Counted once: later the number would be another.
            let count = after.is_empty();
            let page = proto::value::PageRequest { limit: PAGE, after, count };
            let request = products::ListProductsRequest {
                page: Some(page),
                filter: None,
                sort: products::ProductSort::Newest.into(),
            };
            let mut client = self.0.clone();
            let answer =
                Context::service("search").scope(client.list_products(request)).await?.into_inner();
            let changes = answer
                .products
                .into_iter()
                .filter_map(|product| convert::product(product).ok())
                .collect();
            let info = answer.page.unwrap_or_default();
            let next = (!info.next.is_empty()).then_some(info.next);
            Ok(Some((Page { changes, total: info.count }, next)))
        })
        .boxed()
    }
}
