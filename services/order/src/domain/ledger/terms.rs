//! What the platform takes of a sale.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// What was agreed with a merchant when a line was sold: later changes of plan or table do not touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// The platform's part of the price, in hundredths of a percent.
    pub commission: u32,
    /// VAT on that part, in percent of it.
    pub vat_percent: u32,
    /// Days after the delivery in which it may be brought back: as long the merchant's money waits.
    pub hold_days: u32,
}

impl Agreement {
    /// The commission on a price and the VAT on that commission, each rounded half up to the tiyin.
    pub fn commission(&self, price: i64) -> (i64, i64) {
        let commission = part(price, self.commission, 10_000);
        (commission, part(commission, self.vat_percent, 100))
    }

    /// How long after the delivery it may be brought back, and the merchant's money waits.
    pub fn hold(&self) -> Duration {
        Duration::from_hours(u64::from(self.hold_days) * 24)
    }
}

fn part(sum: i64, share: u32, whole: i128) -> i64 {
    let part = (i128::from(sum) * i128::from(share) * 2 + whole).div_euclid(whole * 2);
    i64::try_from(part).unwrap_or(i64::MAX)
}

/// The platform's terms: the `[order.commission]` table of the configuration. Rates in hundredths of a percent of the price.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commissions {
    /// For whoever has none of the plans.
    pub default: u32,
    /// By the merchant's plan.
    #[serde(default)]
    pub plans: BTreeMap<String, u32>,
    /// By category, whatever the plan; it holds for what is below the category too, unless that stands here itself.
    #[serde(default)]
    pub categories: BTreeMap<String, u32>,
    /// VAT on the commission, in percent of it.
    pub vat_percent: u32,
    /// Days after the delivery in which goods may be brought back: `order.return_days`.
    #[serde(skip)]
    pub hold_days: u32,
}

impl Commissions {
    /// What holds for a merchant on a plan and goods in these categories, from the root down.
    pub fn agree(&self, plan: &str, categories: &[String]) -> Agreement {
        let nearest = categories.iter().rev().find_map(|slug| self.categories.get(slug));
        let rate = nearest.or_else(|| self.plans.get(plan)).unwrap_or(&self.default);
        Agreement {
            commission: (*rate).min(10_000),
            vat_percent: self.vat_percent.min(100),
            hold_days: self.hold_days,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Commissions {
        let table = |rates: &[(&str, u32)]| {
            rates.iter().map(|(name, rate)| ((*name).to_owned(), *rate)).collect()
        };
        Commissions {
            default: 1000,
            plans: table(&[("basic", 1200), ("enterprise", 700)]),
            categories: table(&[("electronics", 500), ("phones", 300)]),
            vat_percent: 12,
            hold_days: 10,
        }
    }

    #[test]
    fn the_nearest_category_comes_before_the_plan_and_that_before_the_rest() {
        let rate = |plan, path: &str| {
            let path: Vec<String> = path.split('/').map(str::to_owned).collect();
            terms().agree(plan, &path).commission
        };
        assert_eq!(rate("basic", "electronics/phones"), 300);
        assert_eq!(rate("basic", "electronics/tvs"), 500);
        assert_eq!(rate("basic", "home/pots"), 1200);
        assert_eq!(rate("enterprise", ""), 700);
        assert_eq!(rate("", ""), 1000);
    }

    #[test]
    fn vat_is_charged_on_the_commission() {
        let agreement = terms().agree("basic", &[]);
        assert_eq!(agreement.commission(1_000_000), (120_000, 14_400));
        assert_eq!(agreement.commission(0), (0, 0));
        assert_eq!(agreement.commission(4), (0, 0), "half a tiyin and more is one");
        assert_eq!(agreement.commission(5), (1, 0));
    }
}
