//! The signed forms of the SHOP-API.

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use super::{Click, payment::Payment};
use crate::{digest, kit};

pub(super) const PREPARE: &str = "prepare";
pub(super) const COMPLETE: &str = "complete";

/// Fields in Click's order.
pub(super) type Fields = Vec<(&'static str, String)>;

impl Click {
    pub(super) fn prepare_form(&self, payment: &Payment) -> Fields {
        self.form(payment, None, 0)
    }

    /// `error` 0 says that the money was taken, a negative one that it was not.
    pub(super) fn complete_form(&self, payment: &Payment, error: i64) -> Fields {
        self.form(payment, Some(payment.merchant_prepare_id.unwrap_or(0)), error)
    }

    fn form(&self, payment: &Payment, prepare_id: Option<i64>, error: i64) -> Fields {
        let sign_time = kit::tashkent(self.kit.clock.now());
        let action = i64::from(prepare_id.is_some());
        let mut fields = vec![
            ("click_trans_id", payment.click_trans_id.to_string()),
            ("service_id", self.terms.service_id.to_string()),
            ("click_paydoc_id", payment.click_paydoc_id.to_string()),
            ("merchant_trans_id", payment.reference.clone()),
        ];
        fields.extend(prepare_id.map(|id| ("merchant_prepare_id", id.to_string())));
        fields.extend([
            ("amount", payment.amount_text.clone()),
            ("action", action.to_string()),
            ("error", error.to_string()),
            ("error_note", note(error).to_owned()),
            ("sign_time", sign_time),
        ]);
        let sign_string = self.sign(&fields);
        fields.push(("sign_string", sign_string));
        fields
    }

    /// md5 over the text of the fields in their order, the key after the service.
    pub(super) fn sign(&self, fields: &Fields) -> String {
        const SIGNED: [&str; 7] = [
            "click_trans_id",
            "service_id",
            "merchant_trans_id",
            "merchant_prepare_id",
            "amount",
            "action",
            "sign_time",
        ];
        let mut text = String::new();
        for name in SIGNED {
            let value = fields.iter().find(|(each, _)| *each == name);
            text.push_str(value.map_or("", |(_, value)| value));
            if name == "service_id" {
                text.push_str(self.terms.secret_key.expose_secret());
            }
        }
        digest::md5(&text)
    }

    pub(super) fn endpoint(&self, call: &str) -> String {
        format!("{}/hooks/click/{call}", self.kit.gateway)
    }
}

fn note(error: i64) -> &'static str {
    match error {
        0 => "Success",
        super::drive::NO_FUNDS => "Недостаточно средств",
        _ => "Платёж отменён",
    }
}

/// The form as it is written down; the signature reveals no key.
pub(super) fn shown(fields: &Fields) -> Value {
    let pairs =
        fields.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
    Value::Object(pairs.collect::<Map<_, _>>())
}
