//! The subscriber's side: events of a batch one by one, each applied or refused by itself.

use std::future::Future;

use fault::Fault;
use proto::event as pb;

/// Hands each event to `apply` and says which took effect. An event that the service has no use for counts as applied.
///
/// `apply` records the event's id in the transaction of its effect, so that a repeat does nothing and succeeds.
pub async fn apply_each<F, R>(request: pb::DeliverRequest, apply: F) -> pb::DeliverResponse
where
    F: Fn(pb::Event) -> R,
    R: Future<Output = Result<(), Fault>>,
{
    let mut answer = pb::DeliverResponse::default();
    for event in request.events {
        let (id, kind) = (event.id.clone(), event.r#type.clone());
        match apply(event).await {
            Ok(()) => answer.applied.push(id),
            Err(fault) => {
                tracing::warn!(event = id, kind, %fault, cause = fault.causes(), "an event was not applied");
                answer
                    .rejected
                    .push(pb::Rejection { event_id: id, reason: fault.reason.into_owned() });
            }
        }
    }
    answer
}
