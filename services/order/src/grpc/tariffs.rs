//! What delivery costs for the goods of single merchants, on the wire.

use proto::order as pb;

use crate::domain::tariff::{MerchantTariff, Rate, Zone};

/// No zones: no tariff.
pub(super) fn decode(tariff: pb::DeliveryTariff) -> Option<MerchantTariff> {
    let rate = |rate: pb::DeliveryRate| Rate {
        base: rate.base,
        included: rate.included_grams,
        per_kg: rate.per_kg,
    };
    let zone = |zone: pb::DeliveryZone| Zone {
        regions: zone.regions,
        courier: zone.courier.map(rate),
        post: zone.post.map(rate),
        free_from: zone.free_from,
    };
    let zones: Vec<Zone> = tariff.zones.into_iter().map(zone).collect();
    (!zones.is_empty()).then_some(MerchantTariff { zones })
}

pub(super) fn encode(tariff: Option<MerchantTariff>) -> pb::DeliveryTariff {
    let rate = |rate: Rate| pb::DeliveryRate {
        base: rate.base,
        included_grams: rate.included,
        per_kg: rate.per_kg,
    };
    let zone = |zone: Zone| pb::DeliveryZone {
        regions: zone.regions,
        courier: zone.courier.map(rate),
        post: zone.post.map(rate),
        free_from: zone.free_from,
    };
    let zones = tariff.map(|tariff| tariff.zones).unwrap_or_default();
    pb::DeliveryTariff { zones: zones.into_iter().map(zone).collect() }
}
