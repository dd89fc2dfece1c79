//! What the shop calls. Answers carry `result.code`: `OK`, or an error even with HTTP 200.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::{State as Stage, Transaction, Uzcard};

/// Wrong parameters.
const WRONG: &str = "STPIMS-ERR-009";
/// The transaction is closed.
const CLOSED: &str = "STPIMS-ERR-092";

/// An answer that says why not.
struct Refused(Box<Response>);

fn answer(code: &str, description: &str, more: Value) -> Json<Value> {
    let mut body = Map::new();
    body.insert("result".to_owned(), json!({ "code": code, "description": description }));
    if let Value::Object(more) = more {
        body.extend(more);
    }
    Json(Value::Object(body))
}

fn ok(more: Value) -> Json<Value> {
    answer("OK", "Нет ошибок", more)
}

fn wrong(description: &str) -> Refused {
    Refused(Box::new(answer(WRONG, description, Value::Null).into_response()))
}

/// `POST /token?grant_type=client_credentials`, in the query or in the form.
pub(super) async fn token(State(uzcard): State<Arc<Uzcard>>, headers: HeaderMap) -> Response {
    let terms = &uzcard.terms;
    let pair = format!("{}:{}", terms.consumer_key, terms.consumer_secret.expose_secret());
    let expected = format!("Basic {}", BASE64_STANDARD.encode(pair));
    if headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) != Some(&expected) {
        let body = json!({ "error": "invalid_client", "error_description": "Client authentication failed" });
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    let body = json!({ "access_token": uzcard.token, "scope": "am_application_scope default", "token_type": "Bearer", "expires_in": 3600 });
    Json(body).into_response()
}

pub(super) async fn create(
    State(uzcard): State<Arc<Uzcard>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    uzcard.create(&headers, &bytes).unwrap_or_else(|refused| *refused.0)
}

pub(super) async fn look(
    State(uzcard): State<Arc<Uzcard>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    uzcard.look(&headers, &bytes).unwrap_or_else(|refused| *refused.0)
}

pub(super) async fn reverse(
    State(uzcard): State<Arc<Uzcard>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    uzcard.reverse(&headers, &bytes).unwrap_or_else(|refused| *refused.0)
}

pub(super) async fn create_partial(
    State(uzcard): State<Arc<Uzcard>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    uzcard.create_partial(&headers, &bytes).unwrap_or_else(|refused| *refused.0)
}

pub(super) async fn confirm_partial(
    State(uzcard): State<Arc<Uzcard>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    uzcard.confirm_partial(&headers, &bytes).unwrap_or_else(|refused| *refused.0)
}

impl Uzcard {
    /// The parameters, when the caller may call.
    fn admit(&self, headers: &HeaderMap, bytes: &Bytes) -> Result<Value, Refused> {
        let expected = format!("Bearer {}", self.token);
        if headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) != Some(&expected) {
            let body = json!({ "fault": { "code": 900_901, "message": "Invalid Credentials" } });
            return Err(Refused(Box::new((StatusCode::UNAUTHORIZED, Json(body)).into_response())));
        }
        serde_json::from_slice(bytes).map_err(|_| wrong("JSON"))
    }

    fn of_store(&self, params: &Value) -> Result<(), Refused> {
        let ours = number(params, "store_id") == Some(self.terms.store_id);
        ours.then_some(()).ok_or_else(|| wrong("store_id"))
    }

    fn create(&self, headers: &HeaderMap, bytes: &Bytes) -> Result<Response, Refused> {
        let params = self.admit(headers, bytes)?;
        self.of_store(&params)?;
        let amount = number(&params, "amount")
            .filter(|amount| *amount > 0)
            .ok_or_else(|| wrong("amount"))?;
        let reference = text(&params, "account").ok_or_else(|| wrong("account"))?;
        let transaction_id = self.next_id();
        let transaction = Transaction {
            key: transaction_id.to_string(),
            number: transaction_id,
            success_trans_id: None,
            reference,
            amount,
            lang: text(&params, "lang"),
            state: Stage::Created,
            created_at: self.kit.clock.now().millis(),
            confirmed_at: 0,
            reversed: 0,
            asked_back: Vec::new(),
        };
        self.kit.amounts.remember(&transaction.reference, amount);
        let body = json!({ "transaction_id": transaction_id, "store_transaction": self.shown(&transaction) });
        self.ledger.push(transaction);
        Ok(ok(body).into_response())
    }

    fn look(&self, headers: &HeaderMap, bytes: &Bytes) -> Result<Response, Refused> {
        let params = self.admit(headers, bytes)?;
        self.of_store(&params)?;
        let id = number(&params, "transaction_id");
        let it = self.ledger.last(|each| Some(each.number) == id);
        let it = it.ok_or_else(|| wrong("transaction_id"))?;
        let body = json!({ "store_transaction": self.shown(&it) });
        let closed = it.state == Stage::Reversed;
        let body = if closed {
            answer(CLOSED, "Транзакция закрыта", body)
        } else {
            ok(body)
        };
        Ok(body.into_response())
    }

    /// Gives back all that is left, by `success_trans_id`.
    fn reverse(&self, headers: &HeaderMap, bytes: &Bytes) -> Result<Response, Refused> {
        let params = self.admit(headers, bytes)?;
        let paid = self.paid(&params)?;
        self.give_back(&paid.key, None).ok_or_else(|| wrong("transaction_id"))?;
        Ok(ok(json!({ "transaction_id": paid.success_trans_id })).into_response())
    }

    fn create_partial(&self, headers: &HeaderMap, bytes: &Bytes) -> Result<Response, Refused> {
        let params = self.admit(headers, bytes)?;
        self.of_store(&params)?;
        let paid = self.paid(&params)?;
        let left = paid.amount - paid.reversed;
        let amount = number(&params, "amount").filter(|amount| (1..=left).contains(amount));
        let amount = amount.ok_or_else(|| wrong("amount"))?;
        let id = self.next_id();
        self.ledger.update(&paid.key, |it| it.asked_back.push((id, amount)));
        Ok(ok(json!({ "transaction_partial_reverse_id": id })).into_response())
    }

    fn confirm_partial(&self, headers: &HeaderMap, bytes: &Bytes) -> Result<Response, Refused> {
        let params = self.admit(headers, bytes)?;
        self.of_store(&params)?;
        let paid = self.paid(&params)?;
        let id = number(&params, "transaction_partial_reverse_id");
        self.give_back(&paid.key, id).ok_or_else(|| wrong("transaction_partial_reverse_id"))?;
        let body = json!({ "transaction_id": paid.success_trans_id, "transaction_partial_reverse_id": id });
        Ok(ok(body).into_response())
    }

    fn paid(&self, params: &Value) -> Result<Transaction, Refused> {
        let id = number(params, "transaction_id");
        let paid = self.ledger.last(|each| id.is_some() && each.success_trans_id == id);
        paid.filter(|it| it.state == Stage::Confirmed).ok_or_else(|| wrong("transaction_id"))
    }

    /// Judged under the lock of the books: two refunds at once cannot exceed the payment.
    fn give_back(&self, key: &str, partial: Option<i64>) -> Option<()> {
        let mut done = None;
        self.ledger.update(key, |it| {
            let left = it.amount - it.reversed;
            let amount = match partial {
                None => Some(left),
                Some(id) => {
                    it.asked_back.iter().find(|(each, _)| *each == id).map(|(_, amount)| *amount)
                }
            };
            it.asked_back.retain(|(each, _)| Some(*each) != partial);
            if let Some(amount) =
                amount.filter(|amount| it.state == Stage::Confirmed && *amount <= left)
            {
                it.reversed += amount;
                if it.reversed == it.amount {
                    it.state = Stage::Reversed;
                }
                done = Some(());
            }
        });
        done
    }

    fn shown(&self, it: &Transaction) -> Value {
        let confirmed = matches!(it.state, Stage::Confirmed | Stage::Reversed);
        json!({
            "success_trans_id": it.success_trans_id,
            "trans_id": it.number,
            "store_id": self.terms.store_id,
            "account": it.reference,
            "amount": it.amount,
            "total": it.amount,
            "confirmed": confirmed,
            "prepay_time": it.created_at,
            "confirm_time": confirmed.then_some(it.confirmed_at),
            "status_code": "0",
            "status_message": match it.state {
                Stage::Created => "Created",
                Stage::Confirmed => "Success",
                Stage::Reversed => "Reversed",
            },
        })
    }
}

/// A number, or a number as text.
fn number(params: &Value, name: &str) -> Option<i64> {
    let value = params.get(name)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn text(params: &Value, name: &str) -> Option<String> {
    let value = params.get(name)?;
    value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|number| number.to_string()))
}
