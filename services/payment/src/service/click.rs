//! Click calls.

use fault::Fault;

use super::{
    Payments,
    callback::{answered, heard},
};
use crate::{
    domain::{
        Provider,
        click::{Call, Refusal, Transaction},
    },
    providers::{
        RawAnswer, RawRequest,
        click::{self as protocol, Asked, Fields, Problem},
    },
    store::{Entry, Note},
};

/// What goes back: what is in the journal, with its number for the metrics; a number; or nothing that could be taken for a verdict.
enum Outcome {
    Written(Entry, i64),
    No(Problem),
    Later,
}

impl Payments {
    pub(super) async fn click_callback(&self, raw: RawRequest) -> RawAnswer {
        let Some(click) = &self.providers.click else { return RawAnswer::disabled() };
        let fields = protocol::read(&raw);
        let asked = match &fields {
            None => Err(protocol::UNREADABLE),
            Some(fields) => click.asked(fields),
        };
        let known = fields.as_ref().filter(|_| asked != Err(Problem::SIGN));
        let request = known.map(Fields::without_signature).unwrap_or_default();
        let method = fields.as_ref().map_or("unknown", Fields::label);
        let line = heard(&raw, self.clock.now(), Provider::Click, method, &request);
        let outcome = match asked {
            Ok(asked) => self.click_act(asked, &line).await,
            Err(problem) => Outcome::No(problem),
        };
        let echo = fields.as_ref().and_then(Fields::echo);
        let (answer, code) = match outcome {
            Outcome::Written(entry, code) => (RawAnswer::json(entry.answer), code),
            Outcome::No(problem) => {
                let answer = protocol::refused(echo, problem);
                self.note(line, &answer);
                (answer, problem.0)
            }
            Outcome::Later => {
                let answer = RawAnswer::later();
                self.note(line, &answer);
                (answer, Problem::OURS.0)
            }
        };
        self.count(Provider::Click, method, code);
        answer
    }

    async fn click_act(&self, asked: Asked, line: &Entry) -> Outcome {
        let now = line.at;
        match asked {
            Asked::Prepare(call) => {
                let note = note(line, &call, protocol::prepared);
                match self.store.click_prepare(call, now, note).await {
                    Ok((prepared, entry)) => Outcome::Written(entry, code(&prepared)),
                    Err(fault) => {
                        log(&fault);
                        Outcome::No(Problem::OURS)
                    }
                }
            }
            Asked::Complete { prepare_id, call } => {
                let watch = self.relay.watch();
                let taken = call.error >= 0;
                let note = note(line, &call, protocol::completed);
                match self.store.click_complete(prepare_id, call, now, note).await {
                    Ok((completed, entry)) => {
                        if let Ok(transaction) = &completed {
                            self.tell_paid(watch, transaction.payment).await;
                        }
                        Outcome::Written(entry, code(&completed))
                    }
                    Err(fault) => {
                        log(&fault);
                        // The money is taken: an error would be a verdict on it. No answer makes Click ask again.
                        if taken { Outcome::Later } else { Outcome::No(Problem::OURS) }
                    }
                }
            }
        }
    }
}

/// Answers in the transaction that decides.
fn note(
    line: &Entry,
    call: &Call,
    done: fn(&Transaction) -> RawAnswer,
) -> Note<Result<Transaction, Refusal>> {
    let (line, trans_id, reference) = (line.clone(), call.trans_id, call.reference.clone());
    Box::new(move |outcome| {
        let answer = match outcome {
            Ok(transaction) => done(transaction),
            Err(refusal) => protocol::refused(Some((trans_id, &reference)), (*refusal).into()),
        };
        answered(line.clone(), answer)
    })
}

fn code(outcome: &Result<Transaction, Refusal>) -> i64 {
    outcome.as_ref().err().map_or(0, |refusal| Problem::from(*refusal).0)
}

fn log(fault: &Fault) {
    tracing::error!(%fault, cause = fault.causes(), "a call of Click could not be answered");
}
