//! Which of our attempts a provider's answer speaks of.

use std::collections::BTreeMap;

use crate::domain::{
    day,
    reconciliation::{Ours, Standing},
};

/// Click tells of an order's payment of a day, the paid one before others: of our attempts the same one counts.
pub(super) fn by_order_and_day(ours: Vec<Ours>) -> BTreeMap<(String, String), Ours> {
    let mut groups: BTreeMap<(String, String), Ours> = BTreeMap::new();
    let weight = |it: &Ours| match it.standing {
        Standing::Paid => 2,
        Standing::Open => 1,
        Standing::Ended => 0,
    };
    for it in ours {
        let key = (it.reference.clone(), day::day(it.at));
        match groups.get(&key) {
            Some(known) if weight(known) > weight(&it) => {}
            _ => drop(groups.insert(key, it)),
        }
    }
    groups
}
