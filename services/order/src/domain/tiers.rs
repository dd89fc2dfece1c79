//! Lower prices of larger quantities: from so many pieces of an offer on, each costs so much.

use serde::{Deserialize, Serialize};

/// From so many pieces on, each costs so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Two at least: one piece costs the offer's price.
    pub from: u32,
    /// Of one piece, in tiyin of the offer's currency.
    pub price: i64,
}

/// Tiers of an offer at most.
pub const MOST: usize = 10;
/// Where the last one begins at most.
const HIGHEST: u32 = 1_000_000;

/// Whether the tiers are possible at this price: each begins later and costs less than the one before it.
pub fn possible(tiers: &[Tier], price: i64) -> bool {
    let mut before = Tier { from: 1, price };
    let mut falls = |tier: &Tier| {
        let fits = tier.from > before.from
            && tier.from <= HIGHEST
            && tier.price < before.price
            && tier.price > 0;
        before = *tier;
        fits
    };
    tiers.len() <= MOST && tiers.iter().all(&mut falls)
}

/// The tiers that are cheaper than the price: a price that has come down to a tier's ends the tier.
#[must_use]
pub fn below(mut tiers: Vec<Tier>, price: i64) -> Vec<Tier> {
    tiers.retain(|tier| tier.price < price);
    tiers
}

/// What one of so many pieces costs.
pub fn unit_price(tiers: &[Tier], price: i64, quantity: u32) -> i64 {
    let reached = tiers.iter().filter(|tier| tier.from <= quantity);
    reached.map(|tier| tier.price).fold(price, i64::min)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIERS: [Tier; 2] = [Tier { from: 5, price: 90 }, Tier { from: 10, price: 70 }];

    #[test]
    fn a_tier_holds_from_its_first_piece_on() {
        let price = |quantity| unit_price(&TIERS, 100, quantity);
        assert_eq!([1, 4, 5, 9, 10, 999].map(price), [100, 100, 90, 90, 70, 70]);
        assert_eq!(below(TIERS.to_vec(), 80), TIERS[1..]);
        assert_eq!(unit_price(&below(TIERS.to_vec(), 60), 60, 10), 60);
    }

    #[test]
    fn tiers_rise_and_their_prices_fall() {
        let tier = |from, price| Tier { from, price };
        assert!(possible(&[], 100) && possible(&TIERS, 91) && possible(&[tier(2, 1)], 2));
        for wrong in [
            vec![tier(1, 90)],
            vec![tier(5, 100)],
            vec![tier(5, 0)],
            vec![tier(5, -1)],
            vec![tier(5, 90), tier(5, 80)],
            vec![tier(5, 90), tier(6, 90)],
            vec![tier(6, 90), tier(5, 80)],
            vec![tier(HIGHEST + 1, 90)],
            (0..11).map(|nth| tier(nth + 2, 50 - i64::from(nth))).collect(),
        ] {
            assert!(!possible(&wrong, 100), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn more_pieces_never_cost_more_each(
            steps in prop::collection::vec((1u32..50, 1i64..50), 0..MOST), few in 1u32..600, more in 0u32..600,
        ) {
            let (mut from, mut price, mut tiers) = (1, 1000, Vec::new());
            for (later, less) in steps {
                (from, price) = (from + later, price - less);
                tiers.push(Tier { from, price });
            }
            prop_assert!(possible(&tiers, 1000));
            let (one, other) = (unit_price(&tiers, 1000, few), unit_price(&tiers, 1000, few + more));
            prop_assert!(0 < other && other <= one && one <= 1000);
            let last = tiers.iter().rev().find(|tier| tier.from <= few);
            prop_assert_eq!(one, last.map_or(1000, |tier| tier.price));
        }
    }
}
