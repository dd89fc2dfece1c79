//! What the shop calls: form-encoded in, JSON out.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Form, Path, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::Value;

use super::{
    Intent, Refund, Status, Stripe, objects,
    replay::{Done, Failure, Params, respond},
};

pub(super) async fn create_intent(
    State(stripe): State<Arc<Stripe>>,
    headers: HeaderMap,
    Form(params): Form<Params>,
) -> Response {
    respond(stripe.once(&headers, "payment_intents", params, |params| {
        let amount = number(params, "amount").ok_or_else(|| Failure::invalid("amount"))?;
        let currency = find(params, "currency").ok_or_else(|| Failure::invalid("currency"))?;
        let intent = stripe.open(amount, currency, metadata(params, "metadata"))?;
        let body = objects::intent(&intent);
        stripe.ledger.push(intent);
        Ok(body)
    }))
}

pub(super) async fn intent(
    State(stripe): State<Arc<Stripe>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let look = || stripe.find(&id).map(|it| objects::intent(&it));
    respond(stripe.admit(&headers).and_then(|()| look()))
}

/// Cancels an intent, or expires a session with its intent.
pub(super) async fn cancel(
    State(stripe): State<Arc<Stripe>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let cancel = || {
        let it = stripe.find(&id)?;
        let mut done = false;
        let after = stripe.ledger.update(&it.id, |it| {
            done = it.status == Status::RequiresPaymentMethod;
            if done {
                it.status = Status::Canceled;
            }
        });
        let after = after.filter(|_| done);
        let after =
            after.ok_or_else(|| Failure::invalid("You cannot cancel this object in its status"))?;
        stripe.tell_later("payment_intent.canceled", &objects::intent(&after));
        Ok(if id.starts_with("cs_") { stripe.session(&after) } else { objects::intent(&after) })
    };
    respond(stripe.admit(&headers).and_then(|()| cancel()))
}

/// The sum of `line_items[n][price_data][unit_amount]` by their quantities.
pub(super) async fn create_session(
    State(stripe): State<Arc<Stripe>>,
    headers: HeaderMap,
    Form(params): Form<Params>,
) -> Response {
    respond(stripe.once(&headers, "checkout/sessions", params, |params| {
        let mut amount = 0_i64;
        for line in 0.. {
            let name = |rest: &str| format!("line_items[{line}]{rest}");
            let Some(price) = number(params, &name("[price_data][unit_amount]")) else { break };
            let count = number(params, &name("[quantity]")).unwrap_or(1);
            let sum = price.checked_mul(count).and_then(|sum| amount.checked_add(sum));
            amount = sum.ok_or_else(|| Failure::invalid("line_items"))?;
        }
        let currency = find(params, "line_items[0][price_data][currency]");
        let currency = currency.ok_or_else(|| Failure::invalid("line_items"))?;
        let success = find(params, "success_url").ok_or_else(|| Failure::invalid("success_url"))?;
        let mut tags = metadata(params, "metadata");
        tags.extend(metadata(params, "payment_intent_data[metadata]"));
        let mut intent = stripe.open(amount, currency, tags)?;
        intent.session = Some(Stripe::id("cs_test"));
        success.clone_into(&mut intent.success_url);
        find(params, "cancel_url").unwrap_or(success).clone_into(&mut intent.cancel_url);
        let body = stripe.session(&intent);
        stripe.ledger.push(intent);
        Ok(body)
    }))
}

pub(super) async fn session(
    State(stripe): State<Arc<Stripe>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let look = || stripe.find(&id).map(|it| stripe.session(&it));
    respond(stripe.admit(&headers).and_then(|()| look()))
}

pub(super) async fn refund(
    State(stripe): State<Arc<Stripe>>,
    headers: HeaderMap,
    Form(params): Form<Params>,
) -> Response {
    respond(stripe.once(&headers, "refunds", params, |params| stripe.give_back(params)))
}

pub(super) async fn look_at_refund(
    State(stripe): State<Arc<Stripe>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let look = || {
        let it = stripe.ledger.last(|it| it.refunds.iter().any(|each| each.id == id));
        let found =
            it.as_ref().and_then(|it| Some((it, it.refunds.iter().find(|each| each.id == id)?)));
        found.map(|(it, each)| objects::refund(it, each)).ok_or_else(|| Failure::missing("refund"))
    };
    respond(stripe.admit(&headers).and_then(|()| look()))
}

impl Stripe {
    fn open(
        &self,
        amount: i64,
        currency: &str,
        metadata: BTreeMap<String, String>,
    ) -> Result<Intent, Failure> {
        // Eight digits at most.
        if !(1..=99_999_999).contains(&amount) {
            return Err(Failure::invalid("Amount must be between 1 and 99999999"));
        }
        let id = Self::id("pi");
        Ok(Intent {
            secret: format!("{id}_secret_{:016x}", rand::random::<u64>()),
            id,
            reference: metadata.get("order_id").cloned().unwrap_or_default(),
            amount,
            currency: currency.to_lowercase(),
            status: Status::RequiresPaymentMethod,
            metadata,
            session: None,
            success_url: String::new(),
            cancel_url: String::new(),
            charge: None,
            amount_refunded: 0,
            created: self.seconds(),
            refunds: Vec::new(),
        })
    }

    /// By the name of the intent or of its session.
    pub(super) fn find(&self, id: &str) -> Result<Intent, Failure> {
        let found = self.ledger.last(|it| it.id == id || it.session.as_deref() == Some(id));
        found.ok_or_else(|| Failure::missing("object"))
    }

    fn give_back(&self, params: &Params) -> Done {
        let id =
            find(params, "payment_intent").ok_or_else(|| Failure::invalid("payment_intent"))?;
        if self.wire.control.take_failure() {
            return Err(Failure::invalid("The refund was refused by the bank"));
        }
        let mut refund = Refund {
            id: Self::id("re"),
            amount: number(params, "amount").unwrap_or(0),
            created: self.seconds(),
            metadata: metadata(params, "metadata"),
        };
        let whole = find(params, "amount").is_none();
        let mut done = None;
        // Judged under the lock of the books: two refunds at once cannot exceed the payment.
        self.ledger.update(id, |it| {
            let left = it.amount - it.amount_refunded;
            if whole {
                refund.amount = left;
            }
            if it.status == Status::Succeeded && (1..=left).contains(&refund.amount) {
                it.amount_refunded += refund.amount;
                it.refunds.push(refund.clone());
                done = Some(it.clone());
            }
        });
        let it = done.ok_or_else(|| Failure::invalid("The refund exceeds what was paid"))?;
        let body = objects::refund(&it, &refund);
        self.tell_later("refund.created", &body);
        self.tell_later("charge.refunded", &objects::charge(&it));
        Ok(body)
    }

    fn tell_later(&self, kind: &'static str, object: &Value) {
        let event = self.event(kind, object);
        let sender = self.webhook();
        self.kit.spawn(async move {
            sender.send(&mut Vec::new(), kind, event).await;
        });
    }
}

fn find<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
}

fn number(params: &Params, name: &str) -> Option<i64> {
    find(params, name)?.parse().ok()
}

/// `metadata[key]=value`
fn metadata(params: &Params, root: &str) -> BTreeMap<String, String> {
    let pairs = params.iter().filter_map(|(name, value)| {
        let key = name.strip_prefix(root)?.strip_prefix('[')?.strip_suffix(']')?;
        Some((key.to_owned(), value.clone()))
    });
    pairs.collect()
}
