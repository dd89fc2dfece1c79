//! The sequence of calls: Prepare, the debit, Complete.

use serde::Serialize;
use serde_json::Value;

use super::{
    Click,
    form::{self, COMPLETE, Fields, PREPARE},
    payment::{Payment, State},
};
use crate::{
    body::Action,
    wire::{Call, Step},
};

/// What Complete says when the card has no funds.
pub(super) const NO_FUNDS: i64 = -5017;
const ALREADY_PAID: i64 = -4;
const CANCELLED: i64 = -9;
/// How often Complete is repeated when the merchant answers a debit with an error.
const INSISTENCE: u32 = 3;

/// The merchant said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Refused {
    pub(super) method: &'static str,
    pub(super) code: i64,
    pub(super) note: String,
}

/// What a sequence came to.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    /// Whether all went as the payer wanted and by the protocol.
    pub(super) ok: bool,
    pub(super) reference: String,
    /// Tiyin.
    pub(super) amount: i64,
    pub(super) click_trans_id: i64,
    pub(super) click_paydoc_id: i64,
    pub(super) state: State,
    pub(super) error: Option<Refused>,
    /// The debit failed on Click's side, as the knobs asked.
    pub(super) failed: bool,
    /// A call went unanswered.
    pub(super) silent: bool,
    pub(super) problems: Vec<String>,
    pub(super) steps: Vec<Step>,
}

#[derive(Default)]
struct Run {
    steps: Vec<Step>,
    problems: Vec<String>,
    error: Option<Refused>,
    silent: bool,
}

impl Click {
    /// Pays or declines so many tiyin, spelled as `amount_text` so'm, going on with a payment that was left unanswered.
    pub(super) async fn pay(
        &self,
        reference: &str,
        amount: i64,
        amount_text: &str,
        action: Action,
    ) -> Outcome {
        let mut run = Run::default();
        let left = self
            .ledger
            .last_of(reference, |each| each.unanswered.is_some() && each.amount == amount);
        let stopped_at = left.as_ref().and_then(|each| each.unanswered);
        let payment = left.unwrap_or_else(|| self.open(reference, amount, amount_text));
        let failing = action == Action::Pay && self.wire.control.take_failure();
        // What was decided before the line went dead stands.
        let verdict = match stopped_at {
            Some(COMPLETE) => payment.verdict,
            _ if failing || action == Action::Decline => NO_FUNDS,
            _ => 0,
        };
        let key = payment.key;
        let prepared = stopped_at == Some(COMPLETE) || self.prepare(&mut run, &key).await;
        if prepared {
            self.complete(&mut run, &key, verdict).await;
        }
        let wanted = if action == Action::Pay { State::Paid } else { State::Cancelled };
        self.outcome(run, &key, wanted, failing, payment.amount)
    }

    fn open(&self, reference: &str, amount: i64, amount_text: &str) -> Payment {
        let click_trans_id = self.next_id();
        let payment = Payment {
            key: click_trans_id.to_string(),
            click_trans_id,
            click_paydoc_id: self.next_id(),
            reference: reference.to_owned(),
            amount,
            amount_text: amount_text.to_owned(),
            state: State::Created,
            merchant_prepare_id: None,
            merchant_confirm_id: None,
            created_at: self.kit.clock.now().millis(),
            paid_at: 0,
            cancelled_at: 0,
            reversed: 0,
            receipt: false,
            verdict: 0,
            unanswered: None,
        };
        self.ledger.push(payment.clone());
        payment
    }

    /// Whether Complete follows.
    async fn prepare(&self, run: &mut Run, key: &str) -> bool {
        let Some(payment) = self.ledger.update(key, |it| it.unanswered = None) else {
            return false;
        };
        let fields = self.prepare_form(&payment);
        let Some(answer) = self.send_all(run, PREPARE, &payment, &fields).await else {
            self.ledger.update(key, |it| it.unanswered = Some(PREPARE));
            return false;
        };
        let prepare_id = answer.get("merchant_prepare_id").and_then(Value::as_i64);
        let code = code(&answer);
        self.ledger
            .update(key, |it| it.merchant_prepare_id = prepare_id.or(it.merchant_prepare_id));
        match code {
            0 if prepare_id.is_some() => {
                self.ledger.update(key, |it| it.state = State::Prepared);
                return true;
            }
            0 => run.problems.push("prepare: `merchant_prepare_id` must be an integer".to_owned()),
            // The merchant has this money already: no Complete.
            ALREADY_PAID => {
                self.paid(key, None);
                return false;
            }
            _ => {}
        }
        run.error = (code != 0).then(|| refused(PREPARE, &answer));
        if prepare_id.is_some() {
            // The merchant knows of it, so it hears of the end.
            self.complete(run, key, CANCELLED).await;
        } else {
            self.cancelled(key);
        }
        false
    }

    async fn complete(&self, run: &mut Run, key: &str, verdict: i64) {
        let debited = verdict == 0;
        let payment = self.ledger.update(key, |it| {
            it.unanswered = None;
            it.verdict = verdict;
            if debited {
                it.state = State::Debited;
            }
        });
        let Some(payment) = payment else { return };
        for _ in 0..INSISTENCE {
            let fields = self.complete_form(&payment, verdict);
            let Some(answer) = self.send_all(run, COMPLETE, &payment, &fields).await else {
                self.ledger.update(key, |it| it.unanswered = Some(COMPLETE));
                return;
            };
            match (code(&answer), debited) {
                (0 | ALREADY_PAID, true) => {
                    let confirm_id = answer.get("merchant_confirm_id").and_then(Value::as_i64);
                    return self.paid(key, confirm_id);
                }
                (CANCELLED, true) => {
                    // The money goes back to the card.
                    run.error = Some(refused(COMPLETE, &answer));
                    return self.cancelled(key);
                }
                (code, false) => {
                    if code != CANCELLED {
                        run.problems.push(format!(
                            "complete: a cancellation is answered with -9, not {code}"
                        ));
                    }
                    return self.cancelled(key);
                }
                (_, true) => run.error = Some(refused(COMPLETE, &answer)),
            }
        }
        self.ledger.update(key, |it| it.state = State::Hung);
    }

    fn paid(&self, key: &str, confirm_id: Option<i64>) {
        let now = self.kit.clock.now().millis();
        self.ledger.update(key, |it| {
            it.state = State::Paid;
            it.paid_at = now;
            it.merchant_confirm_id = confirm_id;
        });
    }

    fn cancelled(&self, key: &str) {
        let now = self.kit.clock.now().millis();
        self.ledger.update(key, |it| {
            it.state = State::Cancelled;
            it.cancelled_at = now;
        });
    }

    /// Sends a form as often as the knobs ask. The first answer counts: a repeated Complete is rightly told "already paid".
    async fn send_all(
        &self,
        run: &mut Run,
        call: &'static str,
        payment: &Payment,
        fields: &Fields,
    ) -> Option<Value> {
        let mut first: Option<Value> = None;
        for _ in 0..self.wire.control.copies() {
            let Some(answer) = self.send(&mut run.steps, call, fields).await else {
                run.silent = true;
                return first;
            };
            judge(&mut run.problems, call, payment, &answer);
            if let Some(first) = &first {
                let name = "merchant_prepare_id";
                if call == PREPARE && first.get(name) != answer.get(name) {
                    run.problems
                        .push("prepare: the repeated call got another prepare id".to_owned());
                }
            } else {
                first = Some(answer);
            }
        }
        first
    }

    async fn send(
        &self,
        steps: &mut Vec<Step>,
        call: &'static str,
        fields: &Fields,
    ) -> Option<Value> {
        let build = |http: &reqwest::Client| http.post(self.endpoint(call)).form(fields);
        let request = form::shown(fields);
        // An answer without a number in `error` says nothing.
        let useless = |answer: &Value| answer.get("error").and_then(Value::as_i64).is_none();
        let call = Call { method: call, request, build: &build, useless, lenient: false };
        self.wire.send(steps, call).await
    }

    fn outcome(&self, run: Run, key: &str, wanted: State, failed: bool, amount: i64) -> Outcome {
        let after = self.ledger.last(|each| each.key == key);
        let state = after.as_ref().map_or(State::Created, |it| it.state);
        Outcome {
            ok: state == wanted && run.error.is_none() && !run.silent && run.problems.is_empty(),
            reference: after.as_ref().map(|it| it.reference.clone()).unwrap_or_default(),
            amount,
            click_trans_id: after.as_ref().map_or(0, |it| it.click_trans_id),
            click_paydoc_id: after.as_ref().map_or(0, |it| it.click_paydoc_id),
            state,
            error: run.error,
            failed,
            silent: run.silent,
            problems: run.problems,
            steps: run.steps,
        }
    }
}

fn code(answer: &Value) -> i64 {
    answer.get("error").and_then(Value::as_i64).unwrap_or(0)
}

fn refused(method: &'static str, answer: &Value) -> Refused {
    let note = answer.get("error_note").and_then(Value::as_str).unwrap_or("");
    Refused { method, code: code(answer), note: note.to_owned() }
}

/// What every answer must carry; a success more than an error.
fn judge(problems: &mut Vec<String>, call: &str, payment: &Payment, answer: &Value) {
    if !answer.get("error_note").is_some_and(Value::is_string) {
        problems.push(format!("{call}: `error_note` must be text"));
    }
    if code(answer) != 0 {
        return;
    }
    if answer.get("click_trans_id").and_then(Value::as_i64) != Some(payment.click_trans_id) {
        problems.push(format!("{call}: `click_trans_id` was not echoed as a number"));
    }
    if answer.get("merchant_trans_id").and_then(Value::as_str) != Some(&payment.reference) {
        problems.push(format!("{call}: `merchant_trans_id` was not echoed"));
    }
    let confirm = answer.get("merchant_confirm_id");
    if call == COMPLETE && !confirm.is_some_and(|id| id.is_i64() || id.is_null()) {
        problems.push("complete: `merchant_confirm_id` must be an integer or null".to_owned());
    }
}
