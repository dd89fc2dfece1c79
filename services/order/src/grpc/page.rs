//! Pages of orders.

use clock::Timestamp;
use fault::{Fault, Field};
use proto::{order as pb, value};
use tonic::Status;

use super::encode;
use crate::store::Place;

pub(super) fn request(
    page: Option<value::PageRequest>,
) -> Result<(Option<Place>, u32, bool), Status> {
    let page = page.unwrap_or_default();
    let limit = if page.limit == 0 { 20 } else { page.limit.min(100) };
    let after = if page.after.is_empty() {
        None
    } else {
        let place = page.after.split_once('.').and_then(|(at, order)| {
            let placed_at = Timestamp::from_millis(at.parse().ok()?);
            Some(Place { placed_at, order: order.parse().ok()? })
        });
        let bad =
            || Fault::invalid(vec![Field::new("after", "INVALID", "not a cursor of this list")]);
        Some(place.ok_or_else(bad)?)
    };
    Ok((after, limit, page.count))
}

pub(super) fn response(
    (orders, more, count): (Vec<crate::domain::Order>, bool, Option<u64>),
) -> (Vec<pb::Order>, Option<value::PageInfo>) {
    let last = orders.last().filter(|_| more);
    let next =
        last.map(|order| format!("{}.{}", order.placed_at.millis(), order.id)).unwrap_or_default();
    let orders = orders.into_iter().map(encode::order).collect();
    (orders, Some(value::PageInfo { next, count }))
}
