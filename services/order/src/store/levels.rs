//! What merchants hear of their stock, whichever store moved it.

use std::collections::BTreeMap;

use ids::{OfferId, ProductId};

use crate::domain::{
    level::{Level, Signal},
    offer::Offer,
    pricing::Quote,
};

/// Pieces of an offer that came to it, or left it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filled {
    pub(super) product: ProductId,
    pub(super) offer: OfferId,
    /// Below zero: they left.
    pub(super) pieces: i64,
}

/// By how much the stock of each offer has changed.
pub(super) fn by_offer(filled: &[Filled]) -> BTreeMap<OfferId, i64> {
    let mut changes = BTreeMap::new();
    for Filled { offer, pieces, .. } in filled {
        *changes.entry(*offer).or_insert(0) += pieces;
    }
    changes.retain(|_, pieces| *pieces != 0);
    changes
}

/// What merchants hear of offers that stand so after these changes.
pub(super) fn moved(levels: Vec<Level>, changes: &BTreeMap<OfferId, i64>) -> Vec<Signal> {
    let signals = |level: Level| {
        let before = level.available - changes.get(&level.offer).copied().unwrap_or(0);
        let low_at = level.low_at;
        level.signals(before, low_at)
    };
    levels.into_iter().flat_map(signals).collect()
}

/// What merchants hear of a checkout with these lines.
pub(super) fn sold(quote: &Quote) -> Vec<Signal> {
    let signals = |offer: &Offer, quantity: i64| {
        let level = Level::of(offer);
        let (available, version) = (level.available - quantity, level.version + 1);
        Level { available, version, ..level }.signals(offer.available, offer.low_stock_at)
    };
    let watched = quote.lines.iter().filter_map(|line| {
        let offer = line.offer.as_ref().filter(|offer| offer.low_stock_at.is_some())?;
        Some(signals(offer, i64::from(line.line.quantity)))
    });
    watched.flatten().collect()
}

/// What a merchant hears of an offer that it has changed itself.
pub(super) fn changed(before: &Offer, after: &Offer) -> Vec<Signal> {
    Level::of(after).signals(before.available, before.low_stock_at)
}
