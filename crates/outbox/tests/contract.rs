//! What every outbox and every inbox promises, whichever store it is in.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use ids::EventId;
use mesh::Role;
use outbox::{Draft, Parcel};

#[path = "contract/claims.rs"]
mod claims;
#[path = "contract/inbox.rs"]
mod inbox;
#[path = "contract/place.rs"]
mod place;
#[path = "contract/refusals.rs"]
mod refusals;
#[path = "contract/writes.rs"]
mod writes;

use claims::{
    a_claim_has_a_limit_for_each_subscriber, a_lease_that_ran_out_is_claimed_again,
    many_workers_share_without_giving_anything_twice, rows_come_in_the_order_of_writing,
    settled_rows_are_gone, two_workers_have_different_rows,
    what_a_clock_that_was_ahead_wrote_is_due,
};
use inbox::{
    an_effect_that_failed_was_not_received, an_event_is_received_once,
    of_many_receipts_at_once_one_is_the_first, old_receipts_are_forgotten_in_batches,
};
use place::{Place, embedded, production};
use refusals::{
    a_parked_event_holds_up_nobody, a_refusal_is_counted_and_delays, a_release_counts_nothing,
    one_event_is_replayed_without_the_others, what_was_parked_is_listed_and_replayed,
};
use writes::{
    an_event_is_written_once_for_a_subscriber, each_subscriber_has_its_own_row,
    nothing_of_a_change_that_failed_is_seen, payloads_stay_as_they_are,
    the_backlog_tells_the_truth, without_subscribers_nothing_is_written,
};

/// An event to these.
pub(crate) fn event(subscribers: &'static [Role]) -> Draft {
    let (id, subject) = (EventId::new(), "ord_1".to_owned());
    Draft { id, kind: "order.paid", subject, payload: b"paid".to_vec(), subscribers }
}

/// So many events to order.
pub(crate) fn events(count: usize) -> Vec<Draft> {
    (0..count).map(|_| event(&[Role::Order])).collect()
}

/// Ids of drafts.
pub(crate) fn written(drafts: &[Draft]) -> Vec<String> {
    drafts.iter().map(|draft| draft.id.to_string()).collect()
}

/// Ids of parcels.
pub(crate) fn claimed(parcels: &[Parcel]) -> Vec<String> {
    parcels.iter().map(|parcel| parcel.event.clone()).collect()
}

/// Lists every promise once for an adapter.
macro_rules! contract {
    ($adapter:ident, $open:path) => {
        mod $adapter {
            contract!(@each $open,
                two_workers_have_different_rows,
                many_workers_share_without_giving_anything_twice,
                a_claim_has_a_limit_for_each_subscriber,
                rows_come_in_the_order_of_writing,
                a_lease_that_ran_out_is_claimed_again,
                settled_rows_are_gone,
                what_a_clock_that_was_ahead_wrote_is_due,
                a_refusal_is_counted_and_delays,
                a_release_counts_nothing,
                a_parked_event_holds_up_nobody,
                what_was_parked_is_listed_and_replayed,
                one_event_is_replayed_without_the_others,
                the_backlog_tells_the_truth,
                nothing_of_a_change_that_failed_is_seen,
                each_subscriber_has_its_own_row,
                without_subscribers_nothing_is_written,
                an_event_is_written_once_for_a_subscriber,
                payloads_stay_as_they_are,
                an_event_is_received_once,
                of_many_receipts_at_once_one_is_the_first,
                an_effect_that_failed_was_not_received,
                old_receipts_are_forgotten_in_batches,
            );
        }
    };
    (@each $open:path, $($promise:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let Some(place) = $open().await else { return };
                super::$promise(place.as_ref()).await;
                place.close().await;
            }
        )+
    };
}

contract!(in_sqlite, super::embedded);
contract!(in_postgres, super::production);

/// The promises above take it as it is for every adapter.
pub(crate) type AnyPlace = dyn Place;
