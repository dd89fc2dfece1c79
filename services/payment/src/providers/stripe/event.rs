//! What a webhook tells. It is read only after its signature is known to be good.

use ids::{PaymentId, RefundId};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Stripe,
    answer::{Intent, Part, Refund, Session},
    signature::{self, Unheard},
};
use crate::{
    domain::hosted::Word,
    providers::{RawAnswer, RawRequest, outbound::GaveBack},
};

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// Stripe's name of it.
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) what: What,
}

/// What it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Payment(PaymentId, Word),
    Refund {
        refund: RefundId,
        name: String,
        part: Part,
        came_to: GaveBack,
    },
    /// Money is taken back behind our back: for people.
    Dispute,
    /// Nothing that matters here.
    Other,
}

/// Why an event is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deaf {
    Signature(Unheard),
    Unreadable,
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    livemode: bool,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

impl Stripe {
    /// What a webhook tells, when it is Stripe that tells.
    pub(crate) fn told(&self, raw: &RawRequest, now: clock::Timestamp) -> Result<Told, Deaf> {
        let header = raw.headers.get("stripe-signature").map(String::as_str).unwrap_or_default();
        let checked = signature::check(&self.webhook_secret, header, &raw.body, now);
        checked.map_err(Deaf::Signature)?;
        let Envelope { id, kind, livemode, data } =
            serde_json::from_slice(&raw.body).map_err(|_| Deaf::Unreadable)?;
        let what = if livemode == self.is_live() { what(&kind, data.object) } else { What::Other };
        Ok(Told { id, kind, what })
    }
}

fn what(kind: &str, object: Value) -> What {
    let found = match kind.split_once('.').map_or(kind, |(root, _)| root) {
        "payment_intent" => serde_json::from_value::<Intent>(object)
            .ok()
            .and_then(|intent| Some(What::Payment(intent.payment()?, intent.word()))),
        "checkout" => serde_json::from_value::<Session>(object)
            .ok()
            .and_then(|session| Some(What::Payment(session.payment()?, session.word()))),
        "refund" => serde_json::from_value::<Refund>(object).ok().and_then(|refund| {
            let (came_to, part) = (refund.came_to(), refund.part()?);
            match refund.metadata.get("refund_id").and_then(|id| id.parse().ok()) {
                Some(ours) => Some(What::Refund { refund: ours, name: refund.id, part, came_to }),
                // Money of ours that did not get back.
                None => matches!(came_to, GaveBack::Refused(_)).then_some(What::Dispute),
            }
        }),
        "charge" if kind.starts_with("charge.dispute.") => Some(What::Dispute),
        _ => None,
    };
    found.unwrap_or(What::Other)
}

/// What is counted: kinds that Stripe makes up later must not make up labels here.
pub(crate) fn label(kind: &str) -> &'static str {
    match kind {
        "payment_intent.succeeded" => "payment_intent.succeeded",
        "payment_intent.payment_failed" => "payment_intent.payment_failed",
        "payment_intent.canceled" => "payment_intent.canceled",
        "checkout.session.completed" => "checkout.session.completed",
        "checkout.session.expired" => "checkout.session.expired",
        kind if kind.starts_with("refund.") => "refund",
        kind if kind.starts_with("charge.dispute.") => "charge.dispute",
        _ => "other",
    }
}

/// It has arrived.
pub(crate) fn received() -> RawAnswer {
    RawAnswer::json(r#"{"received":true}"#.to_owned())
}

/// It is not looked at.
pub(crate) fn deaf(why: Deaf) -> RawAnswer {
    let code = match why {
        Deaf::Signature(Unheard::Unsigned) => "UNSIGNED",
        Deaf::Signature(Unheard::Sign) => "SIGNATURE",
        Deaf::Signature(Unheard::Time) => "SIGNATURE_TIME",
        Deaf::Unreadable => "UNREADABLE",
    };
    RawAnswer::problem(400, "Bad Request", code)
}
