//! ATMOS: what we ask of it, and what it asks of us.

use clock::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{
    Payments,
    callback::{answered, heard},
};
use crate::{
    domain::{
        Provider,
        hosted::{Act, Hosted, Outcome, Refusal, Word},
        refund::{Refund, RefundState},
    },
    providers::{
        RawAnswer, RawRequest,
        outbound::{GaveBack, Made, Reply},
        uzcard::{Atmos, answer, callback, is_refused, token},
    },
    store::{
        Note,
        hosted::{Acted, Acting, Back, Which},
    },
};

const HERE: Provider = Provider::Uzcard;

impl Payments {
    /// Calls ATMOS with a token; once more with a new one when it refuses the old one.
    async fn atmos(&self, atmos: &Atmos, call: &'static str, body: &Value) -> Reply {
        let mut last = false;
        loop {
            let now = self.clock.now();
            let asked = atmos.tokens.get(now, || self.atmos_token(atmos, now)).await;
            // Without a token nothing leaves.
            let Ok(token) = asked else { return Reply::Unsent };
            let request = self.http.post(atmos.endpoint(call));
            let request = request.bearer_auth(token.text.expose_secret()).json(body);
            match self.send(HERE, call, request).await {
                Reply::Got { status, .. } if is_refused(status) && !last => {
                    atmos.tokens.forget(&token);
                    last = true;
                }
                // The call was not let in: it has had no effect.
                Reply::Got { status, .. } if is_refused(status) => {
                    tracing::error!(call, "ATMOS refuses a fresh token");
                    return Reply::Unsent;
                }
                reply => return reply,
            }
        }
    }

    async fn atmos_token(
        &self,
        atmos: &Atmos,
        now: Timestamp,
    ) -> Result<(SecretString, Timestamp), ()> {
        let (login, password) = atmos.credentials();
        let request = self.http.post(atmos.token_url());
        let request = request.basic_auth(login, Some(password.expose_secret()));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let Reply::Got { status, body, .. } = self.send(HERE, "token", request).await else {
            return Err(());
        };
        token::granted(status, &body, now).ok_or_else(|| {
            tracing::error!(status, "ATMOS gives no token: compare the consumer key and secret");
        })
    }

    pub(super) async fn atmos_page(
        &self,
        atmos: &Atmos,
        hosted: &Hosted,
        back: &str,
        locale: &str,
    ) -> Made {
        let reply = self.atmos(atmos, "create", &atmos.create(&hosted.charge, locale)).await;
        answer::created(atmos, &reply, &hosted.charge, back)
    }

    pub(super) async fn atmos_look(&self, atmos: &Atmos, hosted: &Hosted) -> Word {
        let reply = self.atmos(atmos, "get", &atmos.get(&hosted.remote_id)).await;
        answer::looked(&reply, &hosted.remote_id)
    }

    /// Gives all of a debit back; `again` when an answer to the same was lost.
    pub(super) async fn atmos_reverse(
        &self,
        atmos: &Atmos,
        hosted: &Hosted,
        reason: &str,
        again: bool,
    ) -> GaveBack {
        if again {
            let reply = self.atmos(atmos, "get", &atmos.get(&hosted.remote_id)).await;
            match answer::is_reversed(&reply, &hosted.remote_id) {
                Some(true) => return GaveBack::Done,
                // No more can be reversed than was taken: a second try gives nothing twice.
                Some(false) => {}
                None => return GaveBack::Silence,
            }
        }
        let body = Atmos::reverse(&hosted.charge_id, reason);
        answer::reversed(&self.atmos(atmos, "reverse", &body).await)
    }

    /// Gives back a part, in two steps of which only the second moves money, and only once.
    async fn atmos_reverse_part(&self, atmos: &Atmos, refund: &Refund, back: &Back) -> GaveBack {
        let (charge, name) = (back.hosted.charge_id.as_str(), refund.id.to_string());
        let mut partial = back.remote_id.clone();
        if partial.is_empty() {
            let body = atmos.create_partial(charge, back.amount, &name);
            let reply = self.atmos(atmos, "create-reverse-partial", &body).await;
            partial = match answer::announced(&reply) {
                GaveBack::Pending(partial) => partial,
                other => return other,
            };
            if let Err(fault) = self.store.hosted_back_named(refund.id, &partial).await {
                tracing::warn!(refund.id = %refund.id, %fault, "a refund could not be written down: it waits");
                return GaveBack::Unasked;
            }
        }
        let body = atmos.confirm_partial(charge, &partial, &name);
        answer::reversed(&self.atmos(atmos, "confirm-reverse-partial", &body).await)
    }

    pub(super) async fn atmos_refund(
        &self,
        atmos: &Atmos,
        refund: &Refund,
        back: &Back,
        again: bool,
    ) -> (RefundState, String) {
        let came = if back.amount == back.hosted.charge.sum.amount {
            self.atmos_reverse(atmos, &back.hosted, "refund", again).await
        } else {
            self.atmos_reverse_part(atmos, refund, back).await
        };
        match came {
            GaveBack::Done => (RefundState::Succeeded, String::new()),
            GaveBack::Unasked if again => (RefundState::Asked, String::new()),
            GaveBack::Unasked => (RefundState::Pending, String::new()),
            GaveBack::Refused(why) if again => {
                (RefundState::NeedsManual, format!("{why}; an answer was lost before: compare"))
            }
            GaveBack::Refused(why) => (RefundState::NeedsManual, why),
            GaveBack::Pending(_) | GaveBack::Silence => (RefundState::Asked, String::new()),
        }
    }

    /// ATMOS asks whether it may take money.
    pub(super) async fn uzcard_callback(&self, raw: RawRequest) -> RawAnswer {
        let Some(atmos) = &self.providers.uzcard else { return RawAnswer::disabled() };
        let asked = atmos.asked(&raw);
        let known = asked.is_ok().then(|| callback::without_signature(&raw.body));
        let line = heard(&raw, self.clock.now(), HERE, "callback", &known.unwrap_or_default());
        let asked = match asked {
            Ok(asked) => asked,
            Err(why) => {
                let (answer, code) = match why {
                    callback::Unheard::Sign => (callback::refused("Неверная подпись"), -1),
                    callback::Unheard::Unreadable => (callback::refused("Неверный запрос"), -8),
                };
                self.note(line, &answer);
                self.count(HERE, "callback", code);
                return answer;
            }
        };
        let which = Which::Remote(HERE, asked.transaction);
        let acting = Acting { which, act: Act::Debit(asked.sum), event: None };
        let (at, noted) = (line.at, line.clone());
        let note: Note<Acted> =
            Box::new(move |acted| answered(noted.clone(), verdict(acted.outcome).0));
        let (answer, code) = match self.store.hosted_act(acting, at, Some(note)).await {
            Ok((acted, _)) => verdict(acted.outcome),
            Err(fault) => {
                tracing::error!(%fault, cause = fault.causes(), "a call of ATMOS could not be answered");
                let answer = RawAnswer::later();
                self.note(line, &answer);
                (answer, -7)
            }
        };
        self.count(HERE, "callback", code);
        answer
    }
}

/// What ATMOS is told.
fn verdict(outcome: Outcome) -> (RawAnswer, i64) {
    match outcome {
        Outcome::Agreed => (callback::agreed(), 0),
        Outcome::Refused(why) => (callback::refused(callback::why(why)), 1),
        _ => (callback::refused(callback::why(Refusal::Unknown)), 1),
    }
}
