//! Prices and stock.

use axum::{
    Json,
    extract::{Path, State},
};
use fault::{Code, Fault, Field};
use ids::kind;
use proto::order as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body::Body,
    params::named,
    problem::Problem,
    reply::{Answer, List, Money, MoneyInput, some},
};

/// Offers changed at once at most.
const BULK: usize = 1000;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(update)).routes(routes!(update_many))
}

/// The merchant's own terms for a variant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnOffer {
    id: String,
    product_id: String,
    variant_id: String,
    sku: String,
    price: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    compare_at_price: Option<Money>,
    /// Pieces that can be sold now.
    stock: i64,
    /// Pieces held for orders.
    reserved: i64,
    in_stock: bool,
    active: bool,
}

impl From<pb::Offer> for OwnOffer {
    fn from(offer: pb::Offer) -> Self {
        Self {
            id: offer.id,
            product_id: offer.product_id,
            variant_id: offer.variant_id,
            sku: offer.sku,
            price: Money::of(offer.price),
            compare_at_price: offer.compare_at_price.map(Money::from),
            stock: offer.available,
            reserved: offer.reserved,
            in_stock: offer.available > 0,
            active: offer.active,
        }
    }
}

/// What to change of an offer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeOffer {
    price: Option<MoneyInput>,
    compare_at_price: Option<MoneyInput>,
    stock: Option<i64>,
    active: Option<bool>,
}

/// Changes price, stock or sale of an offer.
#[utoipa::path(patch, path = "/v1/merchant/offers/{id}", tag = "merchant catalogue", request_body = ChangeOffer, responses((status = 200, body = OwnOffer)))]
async fn update(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<ChangeOffer>,
) -> Answer<OwnOffer> {
    let change = pb::OfferUpdate {
        id: named::<kind::Offer>(id, "OFFER")?,
        price: body.price.map(Into::into),
        stock: body.stock,
        active: body.active,
        compare_at_price: body.compare_at_price.map(Into::into),
    };
    let request = pb::UpdateOffersRequest { offers: vec![change] };
    let answer = app.mesh.order().update_offers(request).await?.into_inner();
    let result = answer.results.into_iter().next().unwrap_or_default();
    match result.offer {
        Some(offer) => Ok(Json(offer.into())),
        None => Err(refused(&result.error).into()),
    }
}

/// Why one offer was not changed.
fn refused(reason: &str) -> Fault {
    if reason.is_empty() || reason.ends_with("NOT_FOUND") {
        return Fault::not_found("OFFER");
    }
    Fault::new(Code::Invalid, reason.to_owned(), "the offer cannot be changed so")
}

/// Many changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeOffers {
    offers: Vec<ChangeOneOffer>,
}

/// One of many changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeOneOffer {
    id: String,
    price: Option<MoneyInput>,
    compare_at_price: Option<MoneyInput>,
    stock: Option<i64>,
    active: Option<bool>,
}

/// What became of one of many changes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Outcome {
    id: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Changes many offers; each succeeds or fails by itself.
#[utoipa::path(post, path = "/v1/merchant/offers/bulk", tag = "merchant catalogue", request_body = ChangeOffers, responses((status = 200, body = List<Outcome>)))]
async fn update_many(
    State(app): State<App>,
    Body(body): Body<ChangeOffers>,
) -> Answer<List<Outcome>> {
    if body.offers.is_empty() || body.offers.len() > BULK {
        let field = Field::new("offers", "OUT_OF_RANGE", format!("expected 1 to {BULK}"));
        return Err(Problem(Fault::invalid(vec![field])));
    }
    let change = |offer: ChangeOneOffer| pb::OfferUpdate {
        id: offer.id,
        price: offer.price.map(Into::into),
        stock: offer.stock,
        active: offer.active,
        compare_at_price: offer.compare_at_price.map(Into::into),
    };
    let offers = body.offers.into_iter().map(change).collect();
    let request = pb::UpdateOffersRequest { offers };
    let answer = app.mesh.order().update_offers(request).await?.into_inner();
    Ok(List::all(answer.results, |result| Outcome {
        ok: result.offer.is_some(),
        id: result.id,
        error: some(result.error),
    }))
}
