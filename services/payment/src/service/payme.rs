//! Payme calls.

use clock::Timestamp;
use fault::Fault;
use serde_json::Value;

use super::{Payments, callback::Told};
use crate::{
    domain::{Provider, payme as rules},
    providers::{
        RawAnswer, RawRequest,
        payme::{self as protocol, Fiscal, Method, Payme, Problem},
    },
    store::Receipt,
};

/// Transactions in one statement. More is refused as a whole: a part of them would read as all of them.
const STATEMENT: u32 = 20_000;

impl Payments {
    /// POST, then who, then JSON, shape, method, parameters, and only then the matter itself.
    pub(super) async fn payme_callback(&self, raw: RawRequest) -> RawAnswer {
        let Some(payme) = &self.providers.payme else { return RawAnswer::disabled() };
        let envelope = protocol::read(&raw.body);
        let (id, method) = (envelope.id.clone(), envelope.label());
        let text = String::from_utf8_lossy(&raw.body);
        let (outcome, request) = match admit(payme, &raw) {
            Err(stranger) => (Err(stranger), ""),
            Ok(()) => match envelope.call() {
                Err(problem) => (Err(problem), text.as_ref()),
                Ok(call) => (self.payme_act(call.method).await, text.as_ref()),
            },
        };
        let code = outcome.as_ref().err().map_or(0, |problem| problem.code);
        let answer = protocol::answer(&id, outcome);
        // ChangePassword is not served, and its password must not stay in a table.
        let request = if method == "unknown" { "" } else { request };
        self.note(&raw, &Told { provider: Provider::Payme, method, code, request }, &answer);
        answer
    }

    async fn payme_act(&self, method: Method) -> Result<Value, Problem> {
        let now = self.clock.now();
        match method {
            Method::CheckPerform { reference, amount } => {
                let found =
                    self.store.payable(&reference, now).await.map_err(|fault| ours(&fault))?;
                let (payable, held) = found.map_or((None, false), |(it, held)| (Some(it), held));
                let payable =
                    rules::check(payable, held, amount, now).map_err(protocol::refused)?;
                Ok(protocol::allowed(&payable.snapshot))
            }
            Method::Create(draft) => {
                let created =
                    self.store.payme_create(draft, now).await.map_err(|fault| ours(&fault))?;
                // Also a refusal may have ended a hold whose time was over.
                self.relay.wake();
                Ok(protocol::created(&created.map_err(protocol::refused)?))
            }
            Method::Perform { id } => self.payme_perform(&id, now).await,
            Method::Cancel { id, reason } => {
                let moved = self
                    .store
                    .payme_cancel(&id, reason, now)
                    .await
                    .map_err(|fault| ours(&fault))?;
                self.relay.wake();
                Ok(protocol::cancelled(&moved.map_err(protocol::refused)?.now))
            }
            Method::Check { id } => {
                let found = self.store.payme_find(&id).await.map_err(|fault| ours(&fault))?;
                let found = found.ok_or(protocol::refused(rules::Refusal::NotFound))?;
                Ok(protocol::checked(&found))
            }
            Method::Statement { from, to } => {
                let found = self.store.payme_statement(from, to, STATEMENT + 1).await;
                let found = found.map_err(|fault| ours(&fault))?;
                if u32::try_from(found.len()).unwrap_or(u32::MAX) > STATEMENT {
                    tracing::error!(%from, %to, "a statement of more than {STATEMENT} transactions");
                    return Err(Problem::OURS);
                }
                Ok(protocol::statement(&found))
            }
            Method::SetFiscalData(Fiscal { id, kind, body }) => {
                let receipt = Receipt { transaction: id, kind, body };
                let known =
                    self.store.fiscal_receipt(receipt, now).await.map_err(|fault| ours(&fault))?;
                if known { Ok(protocol::success()) } else { Err(Problem::RECEIPT) }
            }
        }
    }

    async fn payme_perform(&self, id: &str, now: Timestamp) -> Result<Value, Problem> {
        let watch = self.relay.watch();
        let moved = self.store.payme_perform(id, now).await.map_err(|fault| ours(&fault))?;
        let moved = match moved {
            Ok(moved) => moved,
            Err(refusal) => {
                self.relay.wake();
                return Err(protocol::refused(refusal));
            }
        };
        if moved.first {
            self.tell_paid(watch, moved.now.payment).await;
        }
        Ok(protocol::performed(&moved.now))
    }
}

fn admit(payme: &Payme, raw: &RawRequest) -> Result<(), Problem> {
    if raw.method != "POST" {
        return Err(Problem::NOT_POST);
    }
    if payme.knows(raw) { Ok(()) } else { Err(Problem::STRANGER) }
}

/// Our failure: Payme asks again.
fn ours(fault: &Fault) -> Problem {
    tracing::error!(%fault, cause = fault.causes(), "a call of Payme could not be answered");
    Problem::OURS
}
