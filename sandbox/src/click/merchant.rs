//! The part of Click's Merchant API v2 that a shop needs: status and refunds.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use clock::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{
    Click,
    payment::{Payment, State as Stage},
};
use crate::{digest, kit};

pub(super) type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;

/// The protocol names no `error_code` values beyond 0: here it is the HTTP status with a minus.
pub(super) fn error(status: StatusCode, note: &str) -> (StatusCode, Json<Value>) {
    let code = -i64::from(status.as_u16());
    (status, Json(json!({ "error_code": code, "error_note": note })))
}

fn found(payment: &Payment) -> Json<Value> {
    Json(json!({
        "error_code": 0,
        "error_note": "",
        "payment_id": payment.click_paydoc_id,
        "payment_status": payment.state.code(),
    }))
}

fn reversed(payment: &Payment) -> Json<Value> {
    Json(json!({ "error_code": 0, "error_note": "", "payment_id": payment.click_paydoc_id }))
}

/// `GET payment/status/{service_id}/{payment_id}`
pub(super) async fn status(
    State(click): State<Arc<Click>>,
    Path((service_id, payment_id)): Path<(i64, i64)>,
    headers: HeaderMap,
) -> Answer {
    click.admit(&headers, service_id)?;
    Ok(found(&click.payment(payment_id)?))
}

/// `GET payment/status_by_mti/{service_id}/{merchant_trans_id}/{YYYY-MM-DD}`: of that day in Tashkent, the paid one before others.
pub(super) async fn status_by_mti(
    State(click): State<Arc<Click>>,
    Path((service_id, mti, date)): Path<(i64, String, String)>,
    headers: HeaderMap,
) -> Answer {
    click.admit(&headers, service_id)?;
    let of_day =
        |it: &Payment| kit::tashkent(Timestamp::from_millis(it.created_at)).starts_with(&date);
    if date.len() != "YYYY-MM-DD".len() {
        return Err(error(StatusCode::BAD_REQUEST, "The date must be YYYY-MM-DD"));
    }
    let paid = click.ledger.last_of(&mti, |it| it.paid_at != 0 && of_day(it));
    let payment = paid.or_else(|| click.ledger.last_of(&mti, of_day));
    payment.as_ref().map(found).ok_or_else(|| error(StatusCode::NOT_FOUND, "Payment not found"))
}

/// `DELETE payment/reversal/{service_id}/{payment_id}`: all that is left.
pub(super) async fn reversal(
    State(click): State<Arc<Click>>,
    Path((service_id, payment_id)): Path<(i64, i64)>,
    headers: HeaderMap,
) -> Answer {
    click.admit(&headers, service_id)?;
    let payment = click.payment(payment_id)?;
    click.give_back(&payment, payment.amount - payment.reversed)
}

/// `DELETE payment/partial_reversal/{service_id}/{payment_id}/{amount so'm}`
pub(super) async fn partial_reversal(
    State(click): State<Arc<Click>>,
    Path((service_id, payment_id, amount)): Path<(i64, i64, String)>,
    headers: HeaderMap,
) -> Answer {
    click.admit(&headers, service_id)?;
    let amount = money::parse_decimal(&amount)
        .map_err(|_| error(StatusCode::BAD_REQUEST, "The amount must be a sum in so'm"))?;
    click.give_back(&click.payment(payment_id)?, amount)
}

impl Click {
    /// `Auth: <merchant_user_id>:<sha1hex(timestamp + secret)>:<timestamp>`.
    pub(super) fn admit(
        &self,
        headers: &HeaderMap,
        service_id: i64,
    ) -> Result<(), (StatusCode, Json<Value>)> {
        let denied = || error(StatusCode::UNAUTHORIZED, "Authentication failed");
        let text = headers.get("Auth").and_then(|value| value.to_str().ok()).ok_or_else(denied)?;
        let mut parts = text.splitn(3, ':');
        let (user, hash, time) = (parts.next(), parts.next(), parts.next());
        let time =
            time.filter(|time| time.len() == 10 && time.bytes().all(|byte| byte.is_ascii_digit()));
        let time = time.ok_or_else(denied)?;
        let expected = digest::sha1(&format!("{time}{}", self.terms.secret_key.expose_secret()));
        let known = user.and_then(|user| user.parse().ok()) == Some(self.terms.merchant_user_id);
        if !known || hash != Some(expected.as_str()) {
            return Err(denied());
        }
        if service_id != self.terms.service_id {
            return Err(error(StatusCode::FORBIDDEN, "Unknown service"));
        }
        Ok(())
    }

    pub(super) fn payment(&self, payment_id: i64) -> Result<Payment, (StatusCode, Json<Value>)> {
        let payment = self.ledger.last(|each| each.click_paydoc_id == payment_id);
        payment.ok_or_else(|| error(StatusCode::NOT_FOUND, "Payment not found"))
    }

    fn give_back(&self, payment: &Payment, amount: i64) -> Answer {
        if self.wire.control.take_failure() {
            return Err(error(StatusCode::BAD_REQUEST, "The issuer refuses the reversal"));
        }
        let mut done = false;
        // Judged under the lock of the books: two reversals at once cannot exceed the payment.
        let after = self.ledger.update(&payment.key, |it| {
            let left = it.amount - it.reversed;
            if it.state == Stage::Paid && amount > 0 && amount <= left {
                done = true;
                it.reversed += amount;
                if it.reversed == it.amount {
                    it.state = Stage::Reversed;
                    it.cancelled_at = self.kit.clock.now().millis();
                }
            }
        });
        match after {
            Some(after) if done => Ok(reversed(&after)),
            _ => Err(error(StatusCode::BAD_REQUEST, "The payment cannot be reversed")),
        }
    }
}
