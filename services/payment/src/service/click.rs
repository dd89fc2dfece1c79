//! Click calls.

use fault::Fault;

use super::{Payments, callback::Told};
use crate::{
    domain::Provider,
    providers::{
        RawAnswer, RawRequest,
        click::{self as protocol, Asked, Problem},
    },
};

/// What goes back: success, a number, or nothing that could be taken for a verdict.
enum Outcome {
    Done(RawAnswer),
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
        let stranger = asked == Err(Problem::SIGN) || fields.is_none();
        let outcome = match asked {
            Ok(asked) => self.click_act(asked).await,
            Err(problem) => Outcome::No(problem),
        };
        let (answer, code) = match outcome {
            Outcome::Done(answer) => (answer, 0),
            Outcome::No(problem) => (protocol::refused(fields.as_ref(), problem), problem.0),
            Outcome::Later => (RawAnswer::later(), Problem::OURS.0),
        };
        let request = fields.as_ref().filter(|_| !stranger);
        let request = request.map(protocol::Fields::without_signature).unwrap_or_default();
        let method = fields.as_ref().map_or("unknown", protocol::Fields::label);
        let told = Told { provider: Provider::Click, method, code, request: &request };
        self.note(&raw, &told, &answer);
        answer
    }

    async fn click_act(&self, asked: Asked) -> Outcome {
        let now = self.clock.now();
        match asked {
            Asked::Prepare(call) => {
                let prepared = self.store.click_prepare(call, now).await;
                self.relay.wake();
                match prepared {
                    Ok(Ok(transaction)) => Outcome::Done(protocol::prepared(&transaction)),
                    Ok(Err(refusal)) => Outcome::No(refusal.into()),
                    Err(fault) => {
                        log(&fault);
                        Outcome::No(Problem::OURS)
                    }
                }
            }
            Asked::Complete { prepare_id, call } => {
                let watch = self.relay.watch();
                let taken = call.error >= 0;
                match self.store.click_complete(prepare_id, call, now).await {
                    Ok(Ok(transaction)) => {
                        self.tell_paid(watch, transaction.payment).await;
                        Outcome::Done(protocol::completed(&transaction))
                    }
                    Ok(Err(refusal)) => {
                        self.relay.wake();
                        Outcome::No(refusal.into())
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

fn log(fault: &Fault) {
    tracing::error!(%fault, cause = fault.causes(), "a call of Click could not be answered");
}
