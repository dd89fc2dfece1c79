//! What ATMOS answers: `result.code` is `OK`, or it is an error whatever the HTTP status. What is no verdict is taken for none.

use serde::Deserialize;
use serde_json::Value;

use super::Atmos;
use crate::{
    domain::hosted::{Charge, Sum, Word},
    providers::outbound::{GaveBack, Made, Reply},
};

const OK: &str = "OK";
/// The transaction is closed; the answer carries it all the same.
const CLOSED: &str = "STPIMS-ERR-092";
/// An internal error of theirs: ask again.
const INTERNAL: &str = "STPIMS-ERR-001";

#[derive(Debug, Deserialize)]
struct Answer {
    result: Code,
    transaction_id: Option<Value>,
    store_transaction: Option<Transaction>,
    transaction_partial_reverse_id: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Code {
    code: String,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Transaction {
    trans_id: Option<Value>,
    success_trans_id: Option<Value>,
    account: Option<Value>,
    amount: Option<Value>,
    #[serde(default)]
    confirmed: bool,
    #[serde(default)]
    status_message: Option<String>,
}

/// A number, or a number as text, as text.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_i64() => Some(number.to_string()),
        _ => None,
    }
}

impl Transaction {
    fn sum(&self) -> Option<Sum> {
        Some(Sum {
            amount: text(self.amount.as_ref())?.parse().ok()?,
            currency: "UZS".to_owned(),
            account: text(self.account.as_ref())?,
        })
    }

    fn is_reversed(&self) -> bool {
        let message = self.status_message.as_deref().unwrap_or_default().to_ascii_lowercase();
        message.contains("revers")
    }
}

fn read(reply: &Reply) -> Option<Answer> {
    let Reply::Got { status, body, .. } = reply else { return None };
    if *status >= 500 {
        return None;
    }
    serde_json::from_slice::<Answer>(body).ok()
}

impl Code {
    /// The provider has not said no; it has a fault.
    fn is_fault(&self) -> bool {
        self.code == INTERNAL
    }

    fn why(&self) -> String {
        let description = self.description.as_deref().unwrap_or_default();
        format!("ATMOS refuses: {} {description}", self.code).trim_end().to_owned()
    }
}

/// What came of asking for a transaction. Nothing is spoilt: what was created without our knowing has a number that nobody has.
pub(crate) fn created(atmos: &Atmos, reply: &Reply, charge: &Charge, return_url: &str) -> Made {
    let no = |why: String| Made::No { why, spoilt: false };
    let Some(answer) = read(reply) else { return no(format!("no answer: {}", reply.label())) };
    if answer.result.code != OK {
        return no(answer.result.why());
    }
    let Some(id) = text(answer.transaction_id.as_ref()) else {
        return no("an answer without a number".to_owned());
    };
    let sum = answer.store_transaction.as_ref().and_then(Transaction::sum);
    if sum.is_some_and(|sum| sum != charge.sum) {
        return no("ATMOS created a transaction of another sum or account".to_owned());
    }
    let url = atmos.page(&id, return_url);
    Made::Page { id, url }
}

/// What ATMOS says of a transaction.
pub(crate) fn looked(reply: &Reply, transaction: &str) -> Word {
    let Some(answer) = read(reply) else { return Word::Silence };
    let Some(it) = answer.store_transaction else { return Word::Silence };
    if text(it.trans_id.as_ref()).as_deref() != Some(transaction) {
        return Word::Silence;
    }
    match (answer.result.code.as_str(), it.confirmed) {
        (OK | CLOSED, true) if it.is_reversed() => Word::Over,
        (OK | CLOSED, true) => match (text(it.success_trans_id.as_ref()), it.sum()) {
            (Some(charge_id), Some(sum)) => Word::Money { charge_id, sum },
            _ => Word::Silence,
        },
        (OK, false) => Word::Waiting,
        // Closed and not confirmed: what that means is not documented.
        _ => Word::Silence,
    }
}

/// Whether a transaction has been reversed; none when the answer does not say.
pub(crate) fn is_reversed(reply: &Reply, transaction: &str) -> Option<bool> {
    let answer = read(reply)?;
    let it = answer.store_transaction?;
    let ours = text(it.trans_id.as_ref()).as_deref() == Some(transaction);
    let known = matches!(answer.result.code.as_str(), OK | CLOSED) && ours && it.confirmed;
    known.then(|| it.is_reversed())
}

/// What an answer to a reversal says.
pub(crate) fn reversed(reply: &Reply) -> GaveBack {
    match read(reply) {
        _ if *reply == Reply::Unsent => GaveBack::Unasked,
        Some(answer) if answer.result.code == OK => GaveBack::Done,
        Some(answer) if !answer.result.is_fault() => GaveBack::Refused(answer.result.why()),
        _ => GaveBack::Silence,
    }
}

/// The number of a reversal that was announced. Until it is confirmed no money moves: what is not known is asked for again.
pub(crate) fn announced(reply: &Reply) -> GaveBack {
    match read(reply) {
        Some(answer) if answer.result.code == OK => {
            match text(answer.transaction_partial_reverse_id.as_ref()) {
                Some(id) => GaveBack::Pending(id),
                None => GaveBack::Refused("ATMOS announces a reversal without a number".to_owned()),
            }
        }
        Some(answer) if !answer.result.is_fault() => GaveBack::Refused(answer.result.why()),
        _ => GaveBack::Unasked,
    }
}
