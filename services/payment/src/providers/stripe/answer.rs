//! What Stripe answers. What is no verdict is taken for none.

use std::collections::BTreeMap;

use ids::PaymentId;
use serde::Deserialize;

use crate::{
    domain::hosted::{Hosted, Sum, Word},
    providers::outbound::{GaveBack, Made, Reply},
};

/// A Checkout session.
#[derive(Debug, Deserialize)]
pub(super) struct Session {
    id: String,
    url: Option<String>,
    status: Option<String>,
    payment_status: Option<String>,
    payment_intent: Option<String>,
    amount_total: Option<i64>,
    currency: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// A payment intent.
#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    id: String,
    status: String,
    #[serde(default)]
    amount_received: i64,
    currency: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// A refund.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    status: Option<String>,
    amount: Option<i64>,
    currency: Option<String>,
    payment_intent: Option<String>,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
}

/// What is given back of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) charge_id: String,
    /// Hundredths.
    pub(crate) amount: i64,
    pub(crate) currency: String,
}

#[derive(Debug, Deserialize)]
struct Failed {
    error: Failure,
}

#[derive(Debug, Deserialize)]
struct Failure {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: String,
}

fn payment_of(metadata: &BTreeMap<String, String>) -> Option<PaymentId> {
    metadata.get("payment_id")?.parse().ok()
}

fn sum(amount: i64, currency: &str, metadata: &BTreeMap<String, String>) -> Sum {
    let account = metadata.get("order_id").cloned().unwrap_or_default();
    Sum { amount, currency: currency.to_ascii_uppercase(), account }
}

impl Session {
    pub(super) fn payment(&self) -> Option<PaymentId> {
        payment_of(&self.metadata)
    }

    fn sum(&self) -> Option<Sum> {
        Some(sum(self.amount_total?, self.currency.as_deref()?, &self.metadata))
    }

    pub(super) fn word(&self) -> Word {
        match (self.payment_status.as_deref(), self.status.as_deref()) {
            (Some("paid"), _) => match (self.payment_intent.clone(), self.sum()) {
                (Some(charge_id), Some(sum)) => Word::Money { charge_id, sum },
                _ => Word::Silence,
            },
            (_, Some("expired")) => Word::Over,
            (Some("unpaid"), Some("open" | "complete")) => Word::Waiting,
            _ => Word::Silence,
        }
    }
}

impl Intent {
    pub(super) fn payment(&self) -> Option<PaymentId> {
        payment_of(&self.metadata)
    }

    pub(super) fn word(&self) -> Word {
        match self.status.as_str() {
            "succeeded" => Word::Money {
                charge_id: self.id.clone(),
                sum: sum(self.amount_received, &self.currency, &self.metadata),
            },
            "canceled" => Word::Over,
            // A failed attempt is not the end: the page is still there.
            "requires_payment_method"
            | "requires_confirmation"
            | "requires_action"
            | "processing"
            | "requires_capture" => Word::Waiting,
            _ => Word::Silence,
        }
    }
}

impl Refund {
    /// What it gives back, of which charge.
    pub(super) fn part(&self) -> Option<Part> {
        Some(Part {
            charge_id: self.payment_intent.clone()?,
            amount: self.amount?,
            currency: self.currency.as_ref()?.to_ascii_uppercase(),
        })
    }

    pub(super) fn came_to(&self) -> GaveBack {
        match self.status.as_deref() {
            Some("succeeded") => GaveBack::Done,
            Some("pending" | "requires_action") => GaveBack::Pending(self.id.clone()),
            Some(over @ ("failed" | "canceled")) => {
                GaveBack::Refused(format!("Stripe's refund {} is {over}", self.id))
            }
            _ => GaveBack::Silence,
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(reply: &Reply) -> Option<T> {
    let Reply::Got { status: 200..300, body, .. } = reply else { return None };
    serde_json::from_slice(body).ok()
}

/// Why Stripe does not do it: a verdict on the request.
fn refused(reply: &Reply) -> Option<String> {
    let Reply::Got { status: 400..500, body, again, .. } = reply else { return None };
    let Failed { error } = serde_json::from_slice(body).ok()?;
    let busy =
        *again == Some(true) || matches!(error.kind.as_str(), "api_error" | "rate_limit_error");
    let Failure { kind, code, message } = error;
    let code = code.unwrap_or(kind);
    (!busy).then(|| format!("Stripe refuses: {code} {message}"))
}

/// What came of asking for a page. Stripe repeats what it answered once, failures of its own among that: they spoil the name.
pub(crate) fn created(reply: &Reply, hosted: &Hosted) -> Made {
    let spoilt = matches!(reply, Reply::Got { status: 500.., .. });
    let Some(session) = read::<Session>(reply) else {
        let why = refused(reply).unwrap_or_else(|| format!("no answer: {}", reply.label()));
        return Made::No { why, spoilt };
    };
    let ours = session.sum().as_ref() == Some(&hosted.charge.sum)
        && session.payment() == Some(hosted.payment);
    match session.url {
        Some(url) if ours => Made::Page { id: session.id, url },
        // The answer to this name will always be that one: it was paid, has run out, or is not ours.
        _ => {
            Made::No { why: "a session without a page, or of another sum".to_owned(), spoilt: true }
        }
    }
}

/// What Stripe says of a session.
pub(crate) fn looked(reply: &Reply, hosted: &Hosted) -> Word {
    let session = read::<Session>(reply).filter(|session| {
        session.id == hosted.remote_id && session.payment() == Some(hosted.payment)
    });
    session.map_or(Word::Silence, |session| session.word())
}

/// What an answer about a refund of this part says.
pub(crate) fn gave_back(reply: &Reply, part: &Part) -> GaveBack {
    if *reply == Reply::Unsent {
        return GaveBack::Unasked;
    }
    match (read::<Refund>(reply), refused(reply)) {
        (Some(refund), _) if refund.part().as_ref() != Some(part) => {
            GaveBack::Refused(format!("Stripe's refund {} is of another sum or charge", refund.id))
        }
        (Some(refund), _) => refund.came_to(),
        (None, Some(why)) => GaveBack::Refused(why),
        (None, None) => GaveBack::Silence,
    }
}
