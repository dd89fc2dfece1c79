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
    routes::{
        promotions::{Maybe, maybe},
        store::products::PriceTier,
    },
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
    /// Pieces that may be sold before they are there: `stock` is then below zero.
    backorder_limit: i64,
    /// At so many pieces or fewer the merchant is told.
    low_stock_at: Option<i64>,
    /// Lower prices of larger quantities, by quantity.
    price_tiers: Vec<PriceTier>,
    /// Of one piece; 0 where that is not known.
    weight_grams: i64,
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
            backorder_limit: offer.backorder_limit,
            low_stock_at: offer.low_stock_at,
            price_tiers: offer.price_tiers.into_iter().map(PriceTier::from).collect(),
            weight_grams: offer.weight_grams,
            active: offer.active,
        }
    }
}

/// From so many pieces on, each costs so much.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceTierInput {
    /// 2 at least.
    from: u32,
    price: MoneyInput,
}

/// What to change of an offer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeOffer {
    price: Option<MoneyInput>,
    compare_at_price: Option<MoneyInput>,
    stock: Option<i64>,
    active: Option<bool>,
    /// Pieces that may be sold before they are there; 0: none.
    backorder_limit: Option<i64>,
    /// At so many pieces or fewer the merchant is told; null: it is not.
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<i64>)]
    low_stock_at: Maybe<i64>,
    /// At most 10, each of a larger quantity and a lower price than the one before it; an empty list takes them away.
    price_tiers: Option<Vec<PriceTierInput>>,
    /// Of one piece.
    weight_grams: Option<i64>,
}

impl ChangeOffer {
    fn of(self, id: String) -> pb::OfferUpdate {
        let tier = |tier: PriceTierInput| pb::PriceTier {
            from_quantity: tier.from,
            price: Some(tier.price.into()),
        };
        let tiers = |tiers: Vec<PriceTierInput>| pb::PriceTiers {
            tiers: tiers.into_iter().map(tier).collect(),
        };
        pb::OfferUpdate {
            id,
            price: self.price.map(Into::into),
            stock: self.stock,
            active: self.active,
            compare_at_price: self.compare_at_price.map(Into::into),
            backorder_limit: self.backorder_limit,
            low_stock: self.low_stock_at.map(|at| pb::LowStock { at }),
            price_tiers: self.price_tiers.map(tiers),
            weight_grams: self.weight_grams,
        }
    }
}

/// Changes price, stock, the rules for them, or sale of an offer.
#[utoipa::path(patch, path = "/v1/merchant/offers/{id}", tag = "merchant catalogue", request_body = ChangeOffer, responses((status = 200, body = OwnOffer)))]
async fn update(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<ChangeOffer>,
) -> Answer<OwnOffer> {
    let change = body.of(named::<kind::Offer>(id, "OFFER")?);
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
    backorder_limit: Option<i64>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<i64>)]
    low_stock_at: Maybe<i64>,
    price_tiers: Option<Vec<PriceTierInput>>,
    weight_grams: Option<i64>,
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
    let change = |offer: ChangeOneOffer| {
        let ChangeOneOffer {
            id,
            price,
            compare_at_price,
            stock,
            active,
            backorder_limit,
            low_stock_at,
            price_tiers,
            weight_grams,
        } = offer;
        let change = ChangeOffer {
            price,
            compare_at_price,
            stock,
            active,
            backorder_limit,
            low_stock_at,
            price_tiers,
            weight_grams,
        };
        change.of(id)
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
