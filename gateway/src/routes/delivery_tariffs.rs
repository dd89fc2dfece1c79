//! What delivery of the goods of single merchants costs.

use axum::{
    Json,
    extract::{Path, State},
};
use fault::{Fault, Field};
use ids::kind;
use proto::{order as pb, value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body::Body,
    params::named,
    problem::Problem,
    reply::{Answer, Money, MoneyInput},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(own)).routes(routes!(read, set))
}

/// Prices by zone and weight. No zones: what delivery costs everybody.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryTariff {
    /// The first that names the region holds; one without regions holds everywhere.
    zones: Vec<DeliveryZone>,
}

/// Regions with the same prices.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryZone {
    /// SOATO codes; none: all.
    regions: Vec<String>,
    /// To a door; null: the platform's price.
    courier: Option<DeliveryRate>,
    /// To a post office; null: the platform's price.
    post: Option<DeliveryRate>,
    /// The merchant's goods worth this much are delivered free; null: never.
    free_from: Option<Money>,
}

/// A price that grows with the weight.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryRate {
    base: Money,
    /// Grams that `base` is for.
    included_grams: i64,
    /// For each kilogram that is begun above them.
    per_kg: Money,
}

impl From<Option<pb::DeliveryTariff>> for DeliveryTariff {
    fn from(tariff: Option<pb::DeliveryTariff>) -> Self {
        let rate = |rate: pb::DeliveryRate| DeliveryRate {
            base: Money::uzs(rate.base),
            included_grams: rate.included_grams,
            per_kg: Money::uzs(rate.per_kg),
        };
        let zone = |zone: pb::DeliveryZone| DeliveryZone {
            regions: zone.regions,
            courier: zone.courier.map(rate),
            post: zone.post.map(rate),
            free_from: zone.free_from.map(Money::uzs),
        };
        Self { zones: tariff.unwrap_or_default().zones.into_iter().map(zone).collect() }
    }
}

/// A tariff to be set; no zones take it away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetDeliveryTariff {
    zones: Vec<DeliveryZoneInput>,
}

/// Regions with the same prices.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryZoneInput {
    #[serde(default)]
    regions: Vec<String>,
    courier: Option<DeliveryRateInput>,
    post: Option<DeliveryRateInput>,
    free_from: Option<MoneyInput>,
}

/// A price that grows with the weight.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryRateInput {
    base: MoneyInput,
    #[serde(default)]
    included_grams: i64,
    /// Absent: the weight changes nothing.
    per_kg: Option<MoneyInput>,
}

impl SetDeliveryTariff {
    fn tariff(self) -> Result<pb::DeliveryTariff, Problem> {
        let zones = self.zones.into_iter().map(DeliveryZoneInput::zone);
        Ok(pb::DeliveryTariff { zones: zones.collect::<Result<_, _>>()? })
    }
}

impl DeliveryZoneInput {
    fn zone(self) -> Result<pb::DeliveryZone, Problem> {
        Ok(pb::DeliveryZone {
            regions: self.regions,
            courier: self.courier.map(DeliveryRateInput::rate).transpose()?,
            post: self.post.map(DeliveryRateInput::rate).transpose()?,
            free_from: self.free_from.map(|sum| tiyin(sum, "free_from")).transpose()?,
        })
    }
}

impl DeliveryRateInput {
    fn rate(self) -> Result<pb::DeliveryRate, Problem> {
        Ok(pb::DeliveryRate {
            base: tiyin(self.base, "base")?,
            included_grams: self.included_grams,
            per_kg: self.per_kg.map(|sum| tiyin(sum, "per_kg")).transpose()?.unwrap_or(0),
        })
    }
}

/// Delivery is priced in soʻm.
fn tiyin(sum: MoneyInput, field: &'static str) -> Result<i64, Problem> {
    let sum = value::Money::from(sum);
    if sum.currency == money::Currency::Uzs.code() {
        return Ok(sum.amount);
    }
    let field = Field::new(field, "CURRENCY", "expected the currency UZS");
    Err(Problem(Fault::invalid(vec![field])))
}

/// What delivery of the merchant's goods costs.
#[utoipa::path(get, path = "/v1/merchant/delivery", tag = "merchant catalogue", responses((status = 200, body = DeliveryTariff)))]
async fn own(State(app): State<App>) -> Answer<DeliveryTariff> {
    let request = pb::GetDeliveryTariffRequest::default();
    let answer = app.mesh.order().get_delivery_tariff(request).await?.into_inner();
    Ok(Json(answer.tariff.into()))
}

/// What delivery of a merchant's goods costs.
#[utoipa::path(get, path = "/v1/admin/merchants/{id}/delivery", tag = "admin", responses((status = 200, body = DeliveryTariff)))]
async fn read(State(app): State<App>, Path(id): Path<String>) -> Answer<DeliveryTariff> {
    let merchant_id = named::<kind::Merchant>(id, "MERCHANT")?;
    let request = pb::GetDeliveryTariffRequest { merchant_id };
    let answer = app.mesh.order().get_delivery_tariff(request).await?.into_inner();
    Ok(Json(answer.tariff.into()))
}

/// Sets what delivery of a merchant's goods costs; what was ordered stays as it was.
#[utoipa::path(put, path = "/v1/admin/merchants/{id}/delivery", tag = "admin", request_body = SetDeliveryTariff, responses((status = 200, body = DeliveryTariff)))]
async fn set(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<SetDeliveryTariff>,
) -> Answer<DeliveryTariff> {
    let merchant_id = named::<kind::Merchant>(id, "MERCHANT")?;
    let request = pb::SetDeliveryTariffRequest { merchant_id, tariff: Some(body.tariff()?) };
    let answer = app.mesh.order().set_delivery_tariff(request).await?.into_inner();
    Ok(Json(answer.tariff.into()))
}
