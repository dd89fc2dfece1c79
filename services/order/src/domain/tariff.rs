//! What the delivery of a merchant's goods costs where the platform's one price for everything does not do: by zone and by weight.
//!
//! A merchant without a tariff, and a way or a region that its tariff does not name, is delivered at the platform's price; the goods
//! of all such merchants of a cart travel for one such price together.

use ids::MerchantId;
use money::{Money, MoneyError, allocate};
use serde::{Deserialize, Serialize};

use super::{
    Delivery, Method,
    pricing::{Priced, Tariff},
};

/// The prices of one merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantTariff {
    /// The first that names the region holds; one that names none holds everywhere.
    pub zones: Vec<Zone>,
}

/// Regions with the same prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zone {
    /// SOATO codes, four digits; none: all.
    pub regions: Vec<String>,
    /// To a door; none: the platform's price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub courier: Option<Rate>,
    /// To a post office; none: the platform's price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<Rate>,
    /// Goods of the merchant worth this much, in tiyin, are delivered free; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_from: Option<i64>,
}

/// A price that grows with the weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Tiyin, for so many grams as are included.
    pub base: i64,
    /// Grams.
    pub included: i64,
    /// Tiyin for each kilogram that is begun above them.
    pub per_kg: i64,
}

/// Zones of a tariff at most.
pub const MOST: usize = 50;
/// Of one piece, grams.
pub const MAX_WEIGHT: i64 = 1_000_000;
const MAX_PRICE: i64 = 100_000_000_000;

impl Rate {
    /// What so many grams cost.
    fn price(&self, grams: i64) -> Result<i64, MoneyError> {
        let above = grams.saturating_sub(self.included).max(0);
        let begun = above / 1000 + i64::from(above % 1000 > 0);
        let more = begun.checked_mul(self.per_kg).ok_or(MoneyError::Overflow)?;
        self.base.checked_add(more).ok_or(MoneyError::Overflow)
    }

    fn is_possible(&self) -> bool {
        let price = 0..=MAX_PRICE;
        price.contains(&self.base) && price.contains(&self.per_kg) && self.included >= 0
    }
}

impl MerchantTariff {
    /// What is wrong with it: the place, and why.
    pub fn check(&self) -> Result<(), (String, &'static str)> {
        if self.zones.len() > MOST {
            return Err(("zones".to_owned(), "at most 50 zones"));
        }
        for (index, zone) in self.zones.iter().enumerate() {
            let at = |member: &str| format!("zones[{index}].{member}");
            let code =
                |code: &String| code.len() == 4 && code.bytes().all(|it| it.is_ascii_digit());
            if zone.regions.len() > MOST || !zone.regions.iter().all(code) {
                return Err((at("regions"), "at most 50 SOATO codes of regions, four digits each"));
            }
            for (name, rate) in [("courier", &zone.courier), ("post", &zone.post)] {
                if rate.is_some_and(|rate| !rate.is_possible()) {
                    return Err((at(name), "no less than 0, and no price above 1000000000 soʻm"));
                }
            }
            if zone.free_from.is_some_and(|least| least <= 0) {
                return Err((at("free_from"), "above zero"));
            }
        }
        Ok(())
    }

    /// None: the platform's price holds.
    fn price(
        &self,
        delivery: &Delivery,
        goods: i64,
        grams: i64,
    ) -> Result<Option<i64>, MoneyError> {
        let region = &delivery.address.region;
        let covers = |zone: &&Zone| zone.regions.is_empty() || zone.regions.contains(region);
        let Some(zone) = self.zones.iter().find(covers) else { return Ok(None) };
        let rate = match delivery.method {
            Method::Courier => zone.courier,
            Method::Post => zone.post,
            Method::Pickup => None,
        };
        match rate {
            Some(_) if zone.free_from.is_some_and(|least| goods >= least) => Ok(Some(0)),
            rate => rate.map(|rate| rate.price(grams)).transpose(),
        }
    }
}

/// What is delivered for one merchant.
struct Parcel<'l> {
    merchant: MerchantId,
    tariff: Option<&'l MerchantTariff>,
    goods: Money,
    grams: i64,
}

/// What each merchant's goods add to the price of the delivery, in the order of their first lines. Lines that cannot be bought are
/// not delivered. Nothing chosen: nothing costs anything.
pub(super) fn shares(
    lines: &[Priced],
    delivery: Option<&Delivery>,
    platform: &Tariff,
) -> Result<Vec<(MerchantId, i64)>, MoneyError> {
    let parcels = parcels(lines)?;
    let Some(delivery) = delivery else {
        return Ok(parcels.into_iter().map(|parcel| (parcel.merchant, 0)).collect());
    };
    let own = |parcel: &Parcel<'_>| match parcel.tariff {
        Some(tariff) => tariff.price(delivery, parcel.goods.amount, parcel.grams),
        None => Ok(None),
    };
    let own: Vec<Option<i64>> = parcels.iter().map(own).collect::<Result<_, _>>()?;
    let together = parcels.iter().zip(&own).filter(|(_, own)| own.is_none());
    let together: Vec<Money> = together.map(|(parcel, _)| parcel.goods).collect();
    let mut rest = Vec::new().into_iter();
    if let Some(first) = together.first() {
        let goods = Money::total(together.iter().copied(), first.currency)?;
        let price = platform.price(delivery.method, &delivery.address.region, goods);
        rest = allocate(price.amount, &vec![1; together.len()]).into_iter();
    }
    let share = |(parcel, own): (&Parcel<'_>, Option<i64>)| {
        (parcel.merchant, own.or_else(|| rest.next()).unwrap_or(0))
    };
    Ok(parcels.iter().zip(own).map(share).collect())
}

fn parcels(lines: &[Priced]) -> Result<Vec<Parcel<'_>>, MoneyError> {
    let mut parcels: Vec<Parcel<'_>> = Vec::new();
    for line in lines.iter().filter(|line| line.total.amount > 0) {
        let Some(offer) = &line.offer else { continue };
        let grams = offer.weight.checked_mul(i64::from(line.line.quantity));
        let grams = grams.ok_or(MoneyError::Overflow)?;
        match parcels.iter_mut().find(|parcel| parcel.merchant == offer.merchant) {
            Some(parcel) => {
                parcel.goods = parcel.goods.plus(line.total)?;
                parcel.grams = parcel.grams.checked_add(grams).ok_or(MoneyError::Overflow)?;
            }
            None => parcels.push(Parcel {
                merchant: offer.merchant,
                tariff: offer.delivery.as_ref(),
                goods: line.total,
                grams,
            }),
        }
    }
    Ok(parcels)
}

#[cfg(test)]
mod tests;
