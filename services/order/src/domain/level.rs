//! When a merchant hears of its stock: as an offer that it watches runs low, and as a sold-out one can be sold again.
//!
//! Whether it is told depends on the pieces before and after a movement alone. Movements of one offer happen one after the other,
//! so each crossing of a line is told once, and again only after the line was crossed back.

use ids::{MerchantId, OfferId, ProductId};

use super::{Text, offer::Offer};

/// What is left of an offer after a movement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Level {
    pub offer: OfferId,
    pub merchant: MerchantId,
    pub product: ProductId,
    pub sku: String,
    pub title: Text,
    pub available: i64,
    pub low_at: Option<i64>,
    /// The offer's.
    pub version: i64,
}

/// A line that was crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossing {
    /// There are no more pieces left than its merchant wants to be told of.
    Low,
    /// It was sold out, and can be sold again.
    Back,
}

impl Crossing {
    /// The event's type.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Low => "offer.low_stock",
            Self::Back => "offer.back_in_stock",
        }
    }
}

/// A crossing that its merchant is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Which line.
    pub crossing: Crossing,
    /// Where the offer stands now.
    pub level: Level,
}

impl Level {
    /// Where an offer stands.
    pub fn of(offer: &Offer) -> Self {
        Self {
            offer: offer.id,
            merchant: offer.merchant,
            product: offer.product,
            sku: offer.sku.clone(),
            title: offer.title.clone(),
            available: offer.available,
            low_at: offer.low_stock_at,
            version: offer.version,
        }
    }

    /// What its merchant hears when it comes from so many pieces, and from that wish to be told.
    pub fn signals(self, available: i64, low_at: Option<i64>) -> Vec<Signal> {
        let crossings = crossings((available, low_at), (self.available, self.low_at));
        crossings.map(|crossing| Signal { crossing, level: self.clone() }).collect()
    }
}

type Standing = (i64, Option<i64>);

/// Nobody watches an offer without a threshold.
fn crossings(before: Standing, after: Standing) -> impl Iterator<Item = Crossing> {
    let low = |(available, low_at): Standing| low_at.is_some_and(|low_at| available <= low_at);
    let back = after.1.is_some() && before.0 <= 0 && after.0 > 0;
    let low = !low(before) && low(after);
    [back.then_some(Crossing::Back), low.then_some(Crossing::Low)].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn heard(before: Standing, after: Standing) -> Vec<Crossing> {
        crossings(before, after).collect()
    }

    #[test]
    fn only_a_crossing_is_told() {
        let watched = |before, after| heard((before, Some(3)), (after, Some(3)));
        assert_eq!(watched(5, 4), []);
        assert_eq!(watched(4, 3), [Crossing::Low]);
        assert_eq!(watched(3, 1), []);
        assert_eq!(watched(9, 0), [Crossing::Low]);
        assert_eq!(watched(0, 2), [Crossing::Back], "it never left the low side");
        assert_eq!(watched(-2, 0), []);
        assert_eq!(watched(-2, 8), [Crossing::Back]);
        assert_eq!(heard((5, None), (0, None)), [], "nobody asked");
        assert_eq!(heard((2, None), (2, Some(3))), [Crossing::Low], "asked when it is low");
        assert_eq!(heard((2, Some(1)), (2, Some(3))), [Crossing::Low]);
        assert_eq!(heard((2, Some(3)), (2, None)), []);
    }

    proptest! {
        /// However stock moves: between two times that it runs low it was above the line, and between two returns it was gone.
        #[test]
        fn no_line_is_told_twice_in_a_row(low in 0i64..6, moves in prop::collection::vec(-5i64..=5, 1..60)) {
            let (mut stock, mut told_low, mut told_back) = (10i64, false, false);
            for by in moves {
                let before = stock;
                stock += by;
                for crossing in heard((before, Some(low)), (stock, Some(low))) {
                    let told = match crossing {
                        Crossing::Low => &mut told_low,
                        Crossing::Back => &mut told_back,
                    };
                    prop_assert!(!*told);
                    *told = true;
                }
                told_low &= stock <= low;
                told_back &= stock > 0;
                prop_assert_eq!(told_low, stock <= low, "whoever is low was told so");
            }
        }
    }
}
