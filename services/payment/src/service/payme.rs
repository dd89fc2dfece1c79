//! Payme calls.

use fault::Fault;
use serde::Serialize;
use serde_json::Value;

use super::{
    Payments,
    callback::{answered, heard},
};
use crate::{
    domain::{
        Provider,
        payme::{self as rules, Refusal},
    },
    providers::{
        RawAnswer, RawRequest,
        payme::{self as protocol, Digest, Fiscal, Method, Payme, Problem},
    },
    store::{Entry, Moved, Note, Receipt},
};

/// Transactions in one statement. More is refused as a whole: a part of them would read as all of them.
const STATEMENT: u32 = 20_000;

/// A call under way.
struct Heard {
    /// Echoed as it came.
    id: Value,
    line: Entry,
}

/// What goes back, unless it is a problem.
enum Reply {
    /// It is in the journal; with its number for the metrics.
    Written(Entry, i64),
    /// It is not.
    Found(RawAnswer),
}

impl Heard {
    /// Answers in the transaction that decides.
    fn note<T, S>(&self, say: fn(&T) -> Result<S, Problem>) -> Note<T>
    where
        T: 'static,
        S: Serialize + 'static,
    {
        let (id, line) = (self.id.clone(), self.line.clone());
        Box::new(move |outcome| answered(line.clone(), protocol::answer(&id, say(outcome))))
    }

    fn found(&self, result: impl Serialize) -> Reply {
        Reply::Found(protocol::answer(&self.id, Ok(result)))
    }
}

impl Payments {
    /// POST, then who, then JSON, shape, method, parameters, and only then the matter itself.
    pub(super) async fn payme_callback(&self, raw: RawRequest) -> RawAnswer {
        let Some(payme) = &self.providers.payme else { return RawAnswer::disabled() };
        let envelope = protocol::read(&raw.body);
        let (id, method) = (envelope.id.clone(), envelope.label());
        let admitted = self.admit(payme, &raw).await;
        let kept = admitted.is_ok() && !matches!(method, "unknown" | protocol::CHANGE_PASSWORD);
        let request = if kept { String::from_utf8_lossy(&raw.body) } else { "".into() };
        let line = heard(&raw, self.clock.now(), Provider::Payme, method, &request);
        let heard = Heard { id, line };
        let reply = match admitted.and_then(|()| envelope.call()) {
            Ok(call) => self.payme_act(call.method, &heard).await,
            Err(problem) => Err(problem),
        };
        let (answer, code) = match reply {
            Ok(Reply::Written(entry, code)) => (RawAnswer::json(entry.answer), code),
            Ok(Reply::Found(answer)) => {
                self.note(heard.line, &answer);
                (answer, 0)
            }
            Err(problem) => {
                let code = problem.code;
                let answer = protocol::answer::<Value>(&heard.id, Err(problem));
                self.note(heard.line, &answer);
                (answer, code)
            }
        };
        self.count(Provider::Payme, method, code);
        answer
    }

    async fn admit(&self, payme: &Payme, raw: &RawRequest) -> Result<(), Problem> {
        if raw.method != "POST" {
            return Err(Problem::NOT_POST);
        }
        let replaced = match payme.replaceable() {
            Some(configured) => self.replaced(configured).await?,
            None => None,
        };
        if payme.knows(raw, replaced.as_ref()) { Ok(()) } else { Err(Problem::STRANGER) }
    }

    async fn replaced(&self, configured: Digest) -> Result<Option<Digest>, Problem> {
        self.store.key(Provider::Payme, configured).await.map_err(|fault| ours(&fault))
    }

    /// The next call shows the new key. The password stands nowhere: only what a call with it shows is kept.
    async fn change_password(&self, new: Option<Digest>, heard: &Heard) -> Result<Reply, Problem> {
        let configured = self.providers.payme.as_ref().and_then(Payme::replaceable);
        let Some(configured) = configured else {
            return Err(Problem::no_method(protocol::CHANGE_PASSWORD));
        };
        let new = new.ok_or_else(Problem::no_password)?;
        let current = self.replaced(configured).await?.unwrap_or(configured);
        if protocol::is_same(&new, &current) {
            return Err(Problem::STRANGER);
        }
        let note = heard.note(|()| Ok::<_, Problem>(protocol::success()));
        let keys = (configured, new);
        let changed = self.store.key_change(Provider::Payme, keys, heard.line.at, note).await;
        let entry = changed.map_err(|fault| ours(&fault))?;
        tracing::warn!("Payme has changed its key: the configured one is not in force any more");
        Ok(Reply::Written(entry, 0))
    }

    async fn payme_act(&self, method: Method, heard: &Heard) -> Result<Reply, Problem> {
        let now = heard.line.at;
        match method {
            Method::CheckPerform { reference, amount } => {
                let known =
                    self.store.payable(&reference, now).await.map_err(|fault| ours(&fault))?;
                let known = known.ok_or_else(|| protocol::refused(Refusal::NoOrder))?;
                rules::check(&known.payable, known.held, amount, now).map_err(protocol::refused)?;
                Ok(heard.found(protocol::allowed(&known.snapshot)))
            }
            Method::Create(draft) => {
                let note = heard.note(|created| said(created, protocol::created));
                let done = self.store.payme_create(draft, now, note).await;
                let (created, entry) = done.map_err(|fault| ours(&fault))?;
                Ok(Reply::Written(entry, code(&created)))
            }
            Method::Perform { id } => {
                let note =
                    heard.note(|moved| said(moved, |it: &Moved<_>| protocol::performed(&it.now)));
                let watch = self.relay.watch();
                let done = self.store.payme_perform(id, now, note).await;
                let (moved, entry) = done.map_err(|fault| ours(&fault))?;
                if let Ok(Moved { now: transaction, first: true }) = &moved {
                    self.tell_paid(watch, transaction.payment).await;
                }
                Ok(Reply::Written(entry, code(&moved)))
            }
            Method::Cancel { id, reason } => {
                let note =
                    heard.note(|moved| said(moved, |it: &Moved<_>| protocol::cancelled(&it.now)));
                let done = self.store.payme_cancel(id, reason, now, note).await;
                let (moved, entry) = done.map_err(|fault| ours(&fault))?;
                Ok(Reply::Written(entry, code(&moved)))
            }
            Method::Check { id } => {
                let found = self.store.payme_find(&id).await.map_err(|fault| ours(&fault))?;
                let found = found.ok_or_else(|| protocol::refused(Refusal::NotFound))?;
                Ok(heard.found(protocol::checked(&found)))
            }
            Method::Statement { from, to } => {
                let found = self.store.payme_statement(from, to, STATEMENT + 1).await;
                let found = found.map_err(|fault| ours(&fault))?;
                if u32::try_from(found.len()).unwrap_or(u32::MAX) > STATEMENT {
                    tracing::error!(%from, %to, "a statement of more than {STATEMENT} transactions");
                    return Err(Problem::OURS);
                }
                Ok(heard.found(protocol::statement(&found)))
            }
            Method::SetFiscalData(Fiscal { id, kind, body }) => {
                let tell = crate::grpc::events::receipt;
                let receipt = Receipt { transaction: id, kind, body, tell };
                let note = heard.note(|known| receipted(*known));
                let done = self.store.fiscal_receipt(receipt, now, note).await;
                let (known, entry) = done.map_err(|fault| ours(&fault))?;
                let code = receipted(known).err().map_or(0, |problem| problem.code);
                Ok(Reply::Written(entry, code))
            }
            Method::ChangePassword(new) => self.change_password(new, heard).await,
        }
    }
}

fn said<T, S>(outcome: &Result<T, Refusal>, say: fn(&T) -> S) -> Result<S, Problem> {
    outcome.as_ref().map(say).map_err(|refusal| protocol::refused(*refusal))
}

fn code<T>(outcome: &Result<T, Refusal>) -> i64 {
    outcome.as_ref().err().map_or(0, |refusal| protocol::refused(*refusal).code)
}

fn receipted(known: bool) -> Result<protocol::Success, Problem> {
    if known { Ok(protocol::success()) } else { Err(Problem::RECEIPT) }
}

/// Our failure: Payme asks again.
fn ours(fault: &Fault) -> Problem {
    tracing::error!(%fault, cause = fault.causes(), "a call of Payme could not be answered");
    Problem::OURS
}
