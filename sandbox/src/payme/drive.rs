//! The sequences of calls: pay, decline, refund.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Payme,
    rpc::{Refused, Reply, Run},
    transaction::Transaction,
};
use crate::{body::Action, wire::Step};

const CHECK_PERFORM: &str = "CheckPerformTransaction";
const CREATE: &str = "CreateTransaction";
const PERFORM: &str = "PerformTransaction";
const CANCEL: &str = "CancelTransaction";

/// Reasons of a cancellation.
const DEBIT_FAILED: i64 = 2;
const NOT_EXECUTED: i64 = 3;
const REFUND: i64 = 5;

/// What a sequence came to.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    /// Whether all went as the payer wanted and by the protocol.
    pub(super) ok: bool,
    pub(super) reference: String,
    /// Tiyin.
    pub(super) amount: i64,
    /// Payme's name of the transaction; none when the merchant did not allow one.
    pub(super) transaction: Option<String>,
    /// Its state in Payme's books.
    pub(super) state: i64,
    /// The merchant's refusal.
    pub(super) error: Option<Refused>,
    /// The debit failed on Payme's side, as the knobs asked.
    pub(super) failed: bool,
    /// A call went unanswered.
    pub(super) silent: bool,
    pub(super) problems: Vec<String>,
    pub(super) steps: Vec<Step>,
}

/// How one call ended for the sequence.
enum Turn {
    Done,
    Refused(Refused),
    Silent,
}

impl Payme {
    /// Pays or declines, going on with a transaction that was left unanswered.
    pub(super) async fn pay(
        &self,
        account: BTreeMap<String, String>,
        amount: i64,
        action: Action,
    ) -> Outcome {
        let mut run = Run::default();
        let now = self.kit.clock.now().millis();
        let fresh = Transaction::new(account, amount, now);
        let left = self
            .ledger
            .last_of(&fresh.reference, |each| each.unanswered.is_some() && each.amount == amount);
        let stopped_at = left.as_ref().and_then(|each| each.unanswered);
        let id = left.as_ref().map_or(&fresh.id, |each| &each.id).clone();
        let wanted = if action == Action::Pay { 2 } else { -1 };

        if left.is_none() {
            if action == Action::Pay {
                let params = json!({ "amount": amount, "account": fresh.account });
                match self.allowed(&mut run, &params).await {
                    Turn::Done => {}
                    turn => return self.outcome(run, &fresh, None, turn),
                }
            }
            self.ledger.push(fresh.clone());
        }
        let mut turn = Turn::Done;
        if matches!(stopped_at, None | Some(CREATE)) {
            turn = self.create(&mut run, &id).await;
        }
        let failing = action == Action::Pay && self.wire.control.take_failure();
        if matches!(turn, Turn::Done) {
            turn = match (stopped_at, action) {
                (Some(CANCEL), _) => self.cancel(&mut run, &id, None).await,
                (_, Action::Decline) => self.cancel(&mut run, &id, Some(NOT_EXECUTED)).await,
                (_, Action::Pay) if failing => self.cancel(&mut run, &id, Some(DEBIT_FAILED)).await,
                (_, Action::Pay) => self.perform(&mut run, &id).await,
            };
        }
        let mut outcome = self.outcome(run, &fresh, Some(&id), turn);
        outcome.failed = failing;
        outcome.ok &= outcome.state == wanted;
        outcome
    }

    /// Gives the money of a performed transaction back; the merchant may veto.
    pub(super) async fn refund(&self, paid: &Transaction) -> Outcome {
        let mut run = Run::default();
        let turn = self.cancel(&mut run, &paid.id, Some(REFUND)).await;
        let mut outcome = self.outcome(run, paid, Some(&paid.id), turn);
        outcome.ok &= outcome.state == -2;
        outcome
    }

    async fn allowed(&self, run: &mut Run, params: &Value) -> Turn {
        match self.call(run, CHECK_PERFORM, params).await {
            Reply::Result(result) => {
                if result.get("allow") != Some(&Value::Bool(true)) {
                    run.problems.push(format!("{CHECK_PERFORM}: `allow` must be true"));
                }
                Turn::Done
            }
            Reply::Refused(refused) => Turn::Refused(refused),
            Reply::Silence => Turn::Silent,
        }
    }

    async fn create(&self, run: &mut Run, id: &str) -> Turn {
        let Some(it) = self.ledger.update(id, |it| it.unanswered = None) else {
            return Turn::Silent;
        };
        let params =
            json!({ "id": id, "time": it.time, "amount": it.amount, "account": it.account });
        let reply = self.call(run, CREATE, &params).await;
        self.settle(run, id, CREATE, reply, |it, result| {
            it.state = 1;
            it.create_time = time(result, "create_time");
        })
    }

    async fn perform(&self, run: &mut Run, id: &str) -> Turn {
        self.ledger.update(id, |it| it.unanswered = None);
        let reply = self.call(run, PERFORM, &json!({ "id": id })).await;
        let turn = self.settle(run, id, PERFORM, reply, |it, result| {
            it.state = 2;
            it.perform_time = time(result, "perform_time");
        });
        if let Turn::Refused(_) = turn {
            // The money goes back to the card, and the merchant hears of it. Its refusal stays the outcome.
            self.cancel(run, id, Some(NOT_EXECUTED)).await;
        }
        turn
    }

    /// Cancels with a reason, or with the one that an unanswered cancellation already has.
    async fn cancel(&self, run: &mut Run, id: &str, reason: Option<i64>) -> Turn {
        let Some(it) = self.ledger.update(id, |it| {
            it.unanswered = None;
            it.reason = reason.or(it.reason);
        }) else {
            return Turn::Silent;
        };
        let reply = self.call(run, CANCEL, &json!({ "id": id, "reason": it.reason })).await;
        let cancelled = if it.state == 2 { -2 } else { -1 };
        let turn = self.settle(run, id, CANCEL, reply, |it, result| {
            it.state = cancelled;
            it.cancel_time = time(result, "cancel_time");
        });
        if let Turn::Refused(_) = turn {
            self.ledger.update(id, |it| it.reason = None);
        }
        turn
    }

    /// Writes an answer into the books and checks it against the protocol.
    fn settle(
        &self,
        run: &mut Run,
        id: &str,
        method: &'static str,
        reply: Reply,
        done: impl FnOnce(&mut Transaction, &Value),
    ) -> Turn {
        match reply {
            Reply::Result(result) => {
                let name = result.get("transaction").and_then(Value::as_str).map(str::to_owned);
                let after = self.ledger.update(id, |it| {
                    done(it, &result);
                    it.theirs = name.clone().or(it.theirs.take());
                });
                judge(run, method, &result, after.map_or(0, |it| it.state));
                Turn::Done
            }
            Reply::Refused(refused) => Turn::Refused(refused),
            Reply::Silence => {
                self.ledger.update(id, |it| it.unanswered = Some(method));
                Turn::Silent
            }
        }
    }

    fn outcome(&self, run: Run, order: &Transaction, id: Option<&str>, turn: Turn) -> Outcome {
        let state =
            id.and_then(|id| self.ledger.last(|each| each.id == id)).map_or(0, |it| it.state);
        let silent = matches!(turn, Turn::Silent);
        let error = if let Turn::Refused(refused) = turn { Some(refused) } else { None };
        Outcome {
            ok: error.is_none() && !silent && run.problems.is_empty(),
            reference: order.reference.clone(),
            amount: order.amount,
            transaction: id.map(str::to_owned),
            state,
            error,
            failed: false,
            silent,
            problems: run.problems,
            steps: run.steps,
        }
    }
}

fn time(result: &Value, name: &str) -> i64 {
    result.get(name).and_then(Value::as_i64).unwrap_or(0)
}

/// The shape that the answers to Create, Perform and Cancel must have.
fn judge(run: &mut Run, method: &str, result: &Value, state: i64) {
    let moment = match method {
        CREATE => "create_time",
        PERFORM => "perform_time",
        _ => "cancel_time",
    };
    if result.get("state").and_then(Value::as_i64) != Some(state) {
        run.problems.push(format!("{method}: `state` must be {state}"));
    }
    if !result.get("transaction").is_some_and(Value::is_string) {
        run.problems.push(format!("{method}: `transaction` must be a string"));
    }
    // 13 digits: milliseconds of this century.
    let millis = time(result, moment);
    if !(1_000_000_000_000..10_000_000_000_000).contains(&millis) {
        run.problems.push(format!("{method}: `{moment}` must be 13-digit milliseconds"));
    }
}
