//! Stripe: what we ask of it, and what it tells us.

use std::time::Duration;

use ids::RefundId;
use secrecy::ExposeSecret as _;

use super::{
    Payments,
    callback::{answered, heard},
};
use crate::{
    domain::{
        Provider,
        hosted::{Hosted, Outcome, Word},
        refund::{Refund, RefundState},
    },
    providers::{
        RawAnswer, RawRequest,
        outbound::{GaveBack, Made, Reply},
        stripe::{
            Form, Stripe, VERSION,
            answer::{self, Part},
            event::{self, What},
            key,
        },
    },
    store::{
        Entry, Note,
        hosted::{Acted, Back, Which},
    },
};

const HERE: Provider = Provider::Stripe;
/// Tries of one request under one name.
const TRIES: u32 = 3;
/// Before the second try; then twice as long, and up to as much again, so that many do not come back at once.
const PAUSE: Duration = Duration::from_millis(100);
/// Names of requests are forgotten by Stripe after a day.
const REMEMBERED: Duration = Duration::from_hours(23);

/// A request.
enum Ask<'a> {
    Look,
    Do { key: &'a str, form: &'a Form },
}

impl Payments {
    /// Calls Stripe; again when that is of use and changes nothing.
    async fn stripe(&self, stripe: &Stripe, call: &'static str, url: &str, ask: &Ask<'_>) -> Reply {
        let mut tried = 0;
        loop {
            let request = match ask {
                Ask::Look => self.http.get(url),
                Ask::Do { key, form } => {
                    let request = self.http.post(url).form(form);
                    if key.is_empty() { request } else { request.header("idempotency-key", *key) }
                }
            };
            let request = request.bearer_auth(stripe.secret_key().expose_secret());
            let reply = self.send(HERE, call, request.header("stripe-version", VERSION)).await;
            tried += 1;
            let again = match &reply {
                Reply::Unsent | Reply::Lost => true,
                Reply::Got { again: Some(again), .. } => *again,
                Reply::Got { status, .. } => *status == 409 || *status >= 500,
            };
            if !again || tried == TRIES {
                return reply;
            }
            let pause = PAUSE * 2_u32.pow(tried - 1);
            // The low bits of a new name are as good as dice.
            let dice = u32::try_from(ids::EventId::new().as_u128() % 100).unwrap_or_default();
            tokio::time::sleep(pause + pause * dice / 100).await;
        }
    }

    pub(super) async fn stripe_page(
        &self,
        stripe: &Stripe,
        hosted: &Hosted,
        back: &str,
        locale: &str,
    ) -> Made {
        let key = key::create(hosted.payment, hosted.attempt);
        let form = Stripe::create(hosted, back, locale);
        let ask = Ask::Do { key: &key, form: &form };
        let reply = self.stripe(stripe, "create", &stripe.sessions(), &ask).await;
        answer::created(&reply, hosted)
    }

    /// How a session stands. One that nobody needs is ended first, so that nobody pays it.
    pub(super) async fn stripe_look(&self, stripe: &Stripe, hosted: &Hosted, over: bool) -> Word {
        let id = hosted.remote_id.as_str();
        if over {
            let (url, form) = (stripe.expire(id), Form::new());
            let ask = Ask::Do { key: "", form: &form };
            let reply = self.stripe(stripe, "expire", &url, &ask).await;
            if let word @ (Word::Over | Word::Money { .. }) = answer::looked(&reply, hosted) {
                return word;
            }
        }
        let reply = self.stripe(stripe, "get", &stripe.session(id), &Ask::Look).await;
        match answer::looked(&reply, hosted) {
            // It could be paid yet: it is to be ended again.
            Word::Waiting if over => Word::Silence,
            word => word,
        }
    }

    pub(super) async fn stripe_refund(
        &self,
        stripe: &Stripe,
        refund: &Refund,
        back: &Back,
        known: Option<clock::Timestamp>,
    ) -> (RefundState, String) {
        let part = part(back);
        let reply = if back.remote_id.is_empty() {
            if known.is_some_and(|at| at.plus(REMEMBERED) <= self.clock.now()) {
                let note = "Stripe's answer was lost a day ago: compare with its dashboard";
                return (RefundState::NeedsManual, note.to_owned());
            }
            let key = key::refund(refund.id);
            let form = Stripe::give_back(&part.charge_id, part.amount, refund.id);
            let ask = Ask::Do { key: &key, form: &form };
            self.stripe(stripe, "refund", &stripe.refunds(), &ask).await
        } else {
            self.stripe(stripe, "refund-get", &stripe.refund(&back.remote_id), &Ask::Look).await
        };
        match answer::gave_back(&reply, &part) {
            GaveBack::Done => (RefundState::Succeeded, String::new()),
            GaveBack::Pending(name) => {
                if let Err(fault) = self.store.hosted_back_named(refund.id, &name).await {
                    tracing::warn!(refund.id = %refund.id, %fault, "a refund's name was not written down");
                }
                (RefundState::Asked, String::new())
            }
            GaveBack::Refused(why) => (RefundState::NeedsManual, why),
            GaveBack::Unasked if known.is_none() => (RefundState::Pending, String::new()),
            GaveBack::Unasked | GaveBack::Silence => (RefundState::Asked, String::new()),
        }
    }

    /// Sends all of a charge back that no order waits for.
    pub(super) async fn stripe_return(&self, stripe: &Stripe, hosted: &Hosted) -> GaveBack {
        let key = key::give_back(hosted.payment);
        let form = Stripe::give_stray_back(&hosted.charge_id, hosted.payment);
        let ask = Ask::Do { key: &key, form: &form };
        let reply = self.stripe(stripe, "refund", &stripe.refunds(), &ask).await;
        let sum = &hosted.charge.sum;
        let (charge_id, currency) = (hosted.charge_id.clone(), sum.currency.clone());
        answer::gave_back(&reply, &Part { charge_id, amount: sum.amount, currency })
    }

    /// Stripe tells.
    pub(super) async fn stripe_callback(&self, raw: RawRequest) -> RawAnswer {
        let Some(stripe) = &self.providers.stripe else { return RawAnswer::disabled() };
        let now = self.clock.now();
        let told = match stripe.told(&raw, now) {
            Ok(told) => told,
            Err(why) => {
                let answer = event::deaf(why);
                self.note(heard(&raw, now, HERE, "event", ""), &answer);
                self.count(HERE, "event", i64::from(answer.status));
                return answer;
            }
        };
        let label = event::label(&told.kind);
        // Names only: an event holds the shopper's address and more.
        let request = serde_json::json!({ "id": told.id, "type": told.kind }).to_string();
        let line = heard(&raw, now, HERE, label, &request);
        let answer = match told.what {
            What::Payment(payment, word) => {
                let event = Some((HERE, told.id));
                let noted = line.clone();
                let note: Note<Acted> =
                    Box::new(move |acted| answered(noted.clone(), verdict(acted.outcome)));
                match self.heard(Which::Payment(payment), word, event, Some(note)).await {
                    Ok((acted, _)) => verdict(acted.outcome),
                    Err(fault) => {
                        tracing::error!(%fault, cause = fault.causes(), "an event of Stripe was not taken in");
                        self.noted(line, RawAnswer::later())
                    }
                }
            }
            What::Refund { refund, name, part, came_to } => {
                let taken = self.stripe_refund_told(refund, &name, &part, came_to).await;
                let answer = if taken.is_ok() { event::received() } else { RawAnswer::later() };
                self.noted(line, answer)
            }
            What::Dispute => {
                tracing::error!(
                    event = told.id,
                    kind = told.kind,
                    "money is taken back at Stripe: see its dashboard"
                );
                self.count_call(HERE, "dispute", "told");
                self.noted(line, event::received())
            }
            What::Other => self.noted(line, event::received()),
        };
        let code = if answer.status < 300 { 0 } else { i64::from(answer.status) };
        self.count(HERE, label, code);
        answer
    }

    fn noted(&self, line: Entry, answer: RawAnswer) -> RawAnswer {
        self.note(line, &answer);
        answer
    }

    async fn stripe_refund_told(
        &self,
        id: RefundId,
        name: &str,
        told: &Part,
        came_to: GaveBack,
    ) -> Result<(), fault::Fault> {
        let Some(back) = self.store.hosted_back(id).await? else { return Ok(()) };
        if part(&back) != *told {
            tracing::error!(refund.id = %id, name, "Stripe gave back another sum than it was asked for");
            return Ok(());
        }
        let (state, note) = match came_to {
            GaveBack::Done => (RefundState::Succeeded, String::new()),
            GaveBack::Refused(why) => {
                tracing::error!(refund.id = %id, why, "a refund failed at Stripe");
                (RefundState::NeedsManual, why)
            }
            _ => return self.store.hosted_back_named(id, name).await,
        };
        self.store.hosted_back_named(id, name).await?;
        self.store.refund_settled(id, state, &note, self.clock.now()).await
    }
}

/// What a refund gives back.
fn part(back: &Back) -> Part {
    let hosted = &back.hosted;
    Part {
        charge_id: hosted.charge_id.clone(),
        amount: back.amount,
        currency: hosted.charge.sum.currency.clone(),
    }
}

/// An event that comes before what it is about is told again; any other has arrived.
fn verdict(outcome: Outcome) -> RawAnswer {
    if outcome == Outcome::Early { RawAnswer::later() } else { event::received() }
}
