//! The subscriber's side: events of a batch one by one, each applied or refused by itself.

use std::future::Future;

use fault::{Code, Fault};
use proto::event as pb;

/// Hands each event to `apply` and says which took effect. An event that the service has no use for counts as applied.
///
/// `apply` records the event's id in the transaction of its effect, so that a repeat does nothing and succeeds. A failure is the
/// event's own, and after [`crate::ATTEMPTS`] of them it is set aside. One that says that something is away, or took too long,
/// is not: such an event stands in neither list, and is sent again until it comes to one or the other.
pub async fn apply_each<F, R>(request: pb::DeliverRequest, apply: F) -> pb::DeliverResponse
where
    F: Fn(pb::Event) -> R,
    R: Future<Output = Result<(), Fault>>,
{
    let mut answer = pb::DeliverResponse::default();
    let mut later: Vec<Fault> = Vec::new();
    for event in request.events {
        let (id, kind) = (event.id.clone(), event.r#type.clone());
        match apply(event).await {
            Ok(()) => answer.applied.push(id),
            Err(fault) if matches!(fault.code, Code::Unavailable | Code::Timeout) => {
                later.push(fault);
            }
            Err(fault) => {
                tracing::warn!(event = id, kind, %fault, cause = fault.causes(), "an event was not applied");
                answer
                    .rejected
                    .push(pb::Rejection { event_id: id, reason: fault.reason.into_owned() });
            }
        }
    }
    if let Some(fault) = later.first() {
        let cause = fault.causes();
        tracing::warn!(events = later.len(), %fault, cause, "events cannot be applied now");
    }
    answer
}
