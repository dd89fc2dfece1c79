//! The order service, as this one needs it.

use std::time::Duration;

use mesh::{Context, Link};
use proto::{
    order::{Offer, OfferDraft, PutOffersRequest, order_service_client::OrderServiceClient},
    product as pb, value,
};

use crate::domain::{self, Product};

/// How long a merchant waits for the order service before the event has to do.
const PATIENCE: Duration = Duration::from_secs(3);

/// What its merchant asks for a product, one for each variant.
pub(super) fn drafts(product: &Product, offers: &[domain::OfferDraft]) -> Vec<OfferDraft> {
    let sum = |sum: money::Money| value::Money {
        amount: sum.amount,
        currency: sum.currency.code().to_owned(),
    };
    let draft = |offer: &domain::OfferDraft| OfferDraft {
        merchant_id: product.merchant.to_string(),
        product_id: product.id.to_string(),
        variant_id: offer.variant.to_string(),
        sku: offer.sku.clone(),
        options: offer.options.clone(),
        price: offer.terms.as_ref().map(|terms| sum(terms.price)),
        compare_at_price: offer.terms.as_ref().and_then(|terms| terms.compare_at_price).map(sum),
        stock: offer.terms.as_ref().map(|terms| terms.stock),
    };
    offers.iter().map(draft).collect()
}

/// Puts offers; none when the order service is away.
pub(super) async fn put(
    orders: &OrderServiceClient<Link>,
    product: pb::Product,
    offers: Vec<OfferDraft>,
) -> Vec<Offer> {
    let id = product.id.clone();
    let request = PutOffersRequest { product: Some(product), offers };
    let context = Context::current().as_service("product").within(PATIENCE);
    match context.scope(orders.clone().put_offers(request)).await {
        Ok(answer) => answer.into_inner().offers,
        Err(status) => {
            tracing::warn!(product = id, %status, "offers will follow by event");
            Vec::new()
        }
    }
}
