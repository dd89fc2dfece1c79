//! The one authority for sums: what lines and their delivery cost.

use ids::OfferId;
use money::{Currency, Money, MoneyError};
use serde::Deserialize;

use super::{
    Address, Adjustment, Delivery, Method, Totals,
    discounts::{self, Applied, DeliveryDiscount, Offered},
    offer::Offer,
    promotion::RefusedCode,
    tariff,
};

/// VAT on delivery, in percent.
const DELIVERY_VAT: u32 = 12;
/// SOATO code of the city of Tashkent.
const CAPITAL: &str = "1726";

/// What delivery costs, in tiyin.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// To a door in the capital.
    pub courier_capital: i64,
    /// To a door elsewhere.
    pub courier_regions: i64,
    /// To a post office.
    pub post: i64,
    /// Goods worth this much are delivered free; 0 for never.
    pub free_from: i64,
}

/// A way of delivery and its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct DeliveryOption {
    pub method: Method,
    pub price: Money,
    pub min_days: u32,
    pub max_days: u32,
}

/// So many pieces of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Line {
    pub offer: OfferId,
    pub quantity: u32,
}

/// A line with its price.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Priced {
    pub line: Line,
    /// None: no such offer.
    pub offer: Option<Offer>,
    /// What one of so many pieces costs.
    pub unit_price: Money,
    /// What promotions take off.
    pub discount: Money,
    /// Where that comes from; it adds up to it.
    pub adjustments: Vec<Adjustment>,
    /// What is to be paid.
    pub total: Money,
    /// It is on sale and there is enough of it.
    pub available: bool,
}

/// Lines and what they cost together. Lines that cannot be bought count nothing.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Quote {
    pub lines: Vec<Priced>,
    pub totals: Totals,
    /// Promotions that apply, the first served first.
    pub applied: Vec<Applied>,
    /// Codes that take nothing off.
    pub refused: Vec<RefusedCode>,
    /// What is taken off the price of the delivery; `totals.delivery` is what is left of it.
    pub delivery: Vec<DeliveryDiscount>,
}

impl Tariff {
    pub(super) fn price(&self, method: Method, region: &str, goods: Money) -> Money {
        if method == Method::Pickup || (self.free_from > 0 && goods.amount >= self.free_from) {
            return Money::zero(goods.currency);
        }
        Money::uzs(match method {
            Method::Courier if region.is_empty() || region == CAPITAL => self.courier_capital,
            Method::Courier => self.courier_regions,
            Method::Post => self.post,
            Method::Pickup => 0,
        })
    }

    /// The ways of delivery of these lines to a region, and what is to be paid for each.
    pub fn options(
        &self,
        region: &str,
        lines: &[Line],
        offers: &[Offer],
        offered: &Offered,
    ) -> Result<[DeliveryOption; 3], MoneyError> {
        let near = region.is_empty() || region == CAPITAL;
        let option = |method, (min_days, max_days)| {
            let address = Address { region: region.to_owned(), ..Address::default() };
            let delivery = Delivery { method, address };
            let quote = quote(lines, offers.to_vec(), Some(&delivery), self, offered)?;
            // Nothing to deliver yet: the full price.
            let price = if quote.totals.items.amount == 0 {
                self.price(method, region, Money::zero(Currency::Uzs))
            } else {
                quote.totals.delivery
            };
            Ok(DeliveryOption { method, price, min_days, max_days })
        };
        Ok([
            option(Method::Courier, if near { (1, 2) } else { (2, 5) })?,
            option(Method::Pickup, (1, 2))?,
            option(Method::Post, (3, 7))?,
        ])
    }
}

/// Prices lines. `offers` holds those that exist, in any order.
pub fn quote(
    lines: &[Line],
    offers: Vec<Offer>,
    delivery: Option<&Delivery>,
    tariff: &Tariff,
    offered: &Offered,
) -> Result<Quote, MoneyError> {
    let mut offers: std::collections::HashMap<OfferId, Offer> =
        offers.into_iter().map(|offer| (offer.id, offer)).collect();
    let mut priced = Vec::with_capacity(lines.len());
    for line in lines {
        let offer = offers.remove(&line.offer);
        let zero = Money::zero(Currency::Uzs);
        let unit_price = offer.as_ref().map_or(zero, |offer| offer.unit_price(line.quantity));
        let total = match &offer {
            Some(offer) if offer.on_sale => unit_price.times(i64::from(line.quantity))?,
            _ => zero,
        };
        let available = offer
            .as_ref()
            .is_some_and(|offer| offer.on_sale && offer.sellable() >= i64::from(line.quantity));
        let (line, discount, adjustments) = (*line, zero, Vec::new());
        priced.push(Priced { line, offer, unit_price, discount, adjustments, total, available });
    }
    let items = Money::total(priced.iter().map(|line| line.total), Currency::Uzs)?;
    // By what the goods cost without promotions: a code does not make the delivery dearer.
    let shares = tariff::shares(&priced, delivery, tariff)?;
    let delivery = shares.iter().map(|(_, share)| Money::uzs(*share));
    let delivery = Money::total(delivery, Currency::Uzs)?;
    let outcome = discounts::apply(&mut priced, shares, offered)?;
    let totals = totals(&priced, items, delivery, &outcome.delivery)?;
    let discounts::Outcome { applied, refused, delivery } = outcome;
    Ok(Quote { lines: priced, totals, applied, refused, delivery })
}

fn totals(
    lines: &[Priced],
    items: Money,
    delivery: Money,
    off_delivery: &[DeliveryDiscount],
) -> Result<Totals, MoneyError> {
    let off = Money::total(off_delivery.iter().map(|it| it.adjustment.amount), Currency::Uzs)?;
    let delivery = delivery.minus(off)?;
    let discount = Money::total(lines.iter().map(|line| line.discount), Currency::Uzs)?;
    let mut tax = delivery.vat_included(DELIVERY_VAT)?;
    for line in lines {
        let percent = line.offer.as_ref().map_or(0, |offer| offer.fiscal.vat_percent);
        tax = tax.plus(line.total.vat_included(percent)?)?;
    }
    Ok(Totals {
        items,
        discount,
        delivery,
        tax_included: tax,
        total: items.minus(discount)?.plus(delivery)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Address, testing, tiers::Tier};

    const TARIFF: Tariff = Tariff {
        courier_capital: 2_500_000,
        courier_regions: 4_000_000,
        post: 3_000_000,
        free_from: 100_000_000,
    };

    fn courier(region: &str) -> Delivery {
        let address = Address { region: region.to_owned(), ..Address::default() };
        Delivery { method: Method::Courier, address }
    }

    #[test]
    fn delivery_depends_on_place_and_value() {
        let goods = Money::uzs(1_000_000);
        let options = |region: &str, goods: Money| {
            let offer = testing::offer(goods.amount, 1);
            let line = Line { offer: offer.id, quantity: 1 };
            TARIFF.options(region, &[line], &[offer], &Offered::default()).unwrap()
        };
        let price = |region: &str, goods| options(region, goods)[0].price.amount;
        assert_eq!(price("1726", goods), 2_500_000);
        assert_eq!(price("1718", goods), 4_000_000);
        assert_eq!(price("1718", Money::uzs(100_000_000)), 0);
        assert_eq!(options("1718", goods)[1].price.amount, 0, "pickup is free");
        let nothing = TARIFF.options("1718", &[], &[], &Offered::default()).unwrap();
        assert_eq!(nothing[0].price.amount, 4_000_000, "before anything is chosen");
    }

    #[test]
    fn what_cannot_be_bought_counts_nothing() {
        let offer = testing::offer(500_000, 1);
        let off_sale = Offer { on_sale: false, ..testing::offer(700_000, 9) };
        let lines = [
            Line { offer: offer.id, quantity: 2 },
            Line { offer: off_sale.id, quantity: 1 },
            Line { offer: OfferId::new(), quantity: 1 },
        ];
        let none = Offered::default();
        let quote =
            quote(&lines, vec![offer, off_sale], Some(&courier("1726")), &TARIFF, &none).unwrap();
        let available: Vec<bool> = quote.lines.iter().map(|line| line.available).collect();
        assert_eq!(available, [false, false, false], "two of one piece are too many");
        assert_eq!(quote.totals.items.amount, 1_000_000, "a sold-out line still shows its price");
        assert_eq!(quote.totals.total.amount, 1_000_000 + 2_500_000);
    }

    #[test]
    fn larger_quantities_cost_what_their_tier_says() {
        let tiers = vec![Tier { from: 3, price: 90 }, Tier { from: 5, price: 70 }];
        let offer = Offer { tiers, ..testing::offer(100, 50) };
        let sums = [1u32, 2, 3, 4, 5, 6].map(|quantity| {
            let lines = [Line { offer: offer.id, quantity }];
            let none = Offered::default();
            let quote = quote(&lines, vec![offer.clone()], None, &TARIFF, &none).unwrap();
            assert_eq!(
                quote.lines[0].unit_price.times(i64::from(quantity)),
                Ok(quote.totals.total)
            );
            quote.totals.total.amount
        });
        assert_eq!(sums, [100, 200, 270, 360, 350, 420]);
    }

    #[test]
    fn what_is_not_there_yet_is_sold_up_to_the_limit() {
        let offer = |available| Offer { backorder_limit: 3, ..testing::offer(100, available) };
        for (there, wanted, sold, later) in [
            (2, 2, true, 0),
            (2, 5, true, 3),
            (2, 6, false, 4),
            (-2, 1, true, 1),
            (-3, 1, false, 1),
        ] {
            let offer = offer(there);
            let lines = [Line { offer: offer.id, quantity: wanted }];
            assert_eq!(offer.backordered(wanted), later, "{there} {wanted}");
            let quote = quote(&lines, vec![offer], None, &TARIFF, &Offered::default()).unwrap();
            assert_eq!(quote.lines[0].available, sold, "{there} {wanted}");
        }
    }

    proptest! {
        #[test]
        fn totals_add_up(rows in prop::collection::vec((1i64..10_000_000_000, 1u32..=999, 0u32..=15), 0..50)) {
            let mut offers = Vec::new();
            let mut lines = Vec::new();
            for (price, quantity, vat) in rows {
                let mut offer = testing::offer(price, 1000);
                offer.fiscal.vat_percent = vat;
                lines.push(Line { offer: offer.id, quantity });
                offers.push(offer);
            }
            let quote = quote(&lines, offers, Some(&courier("1718")), &TARIFF, &Offered::default()).unwrap();
            let totals = quote.totals;
            let sum: i64 = quote.lines.iter().map(|line| line.total.amount).sum();
            prop_assert_eq!(totals.items.amount, sum);
            prop_assert_eq!(totals.total.amount, totals.items.amount - totals.discount.amount + totals.delivery.amount);
            prop_assert!(totals.tax_included.amount <= totals.total.amount);
        }
    }
}
