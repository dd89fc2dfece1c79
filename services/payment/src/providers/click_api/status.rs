//! How an order's payment stands with Click.

use serde::Deserialize;

use super::ClickApi;
use crate::{
    domain::reconciliation::{Standing, Theirs},
    providers::form,
};

/// What Click said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// This is how it stands.
    Payment(Theirs),
    /// There is none.
    None,
    /// Nothing that could be taken for an answer.
    Nothing,
}

#[derive(Deserialize)]
struct Body {
    error_code: Option<i64>,
    payment_id: Option<i64>,
    payment_status: Option<i64>,
}

impl ClickApi {
    /// Where an order's payment of a day says how it stands: the paid one before others.
    pub(crate) fn status_of_order(&self, reference: &str, day: &str) -> String {
        let service = form::encode(&self.service_id);
        format!("{}/status_by_mti/{service}/{}/{day}", self.url, form::encode(reference))
    }
}

/// Reads the answer. The sum is not said; only "not found" says that there is no payment.
pub(crate) fn found(reference: &str, status: u16, body: &[u8]) -> Found {
    if status == 404 {
        return Found::None;
    }
    match serde_json::from_slice::<Body>(body) {
        Ok(Body { error_code: Some(0), payment_id: Some(id), payment_status: Some(at) })
            if status < 300 =>
        {
            let standing = match at {
                2 => Standing::Paid,
                0 | 1 => Standing::Open,
                _ => Standing::Ended,
            };
            let (id, reference) = (id.to_string(), reference.to_owned());
            Found::Payment(Theirs { id, reference, amount: None, standing })
        }
        _ => Found::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_is_taken_for_one() {
        let said = |status: u16, body: &str| found("1K", status, body.as_bytes());
        let paid = r#"{"error_code": 0, "error_note": "", "payment_id": 7, "payment_status": 2}"#;
        let Found::Payment(theirs) = said(200, paid) else { panic!("paid") };
        assert_eq!((theirs.id.as_str(), theirs.standing), ("7", Standing::Paid));
        let ended = paid.replace("\"payment_status\": 2", "\"payment_status\": -1");
        let Found::Payment(theirs) = said(200, &ended) else { panic!("ended") };
        assert_eq!(theirs.standing, Standing::Ended);
        assert_eq!(said(404, r#"{"error_code": -404}"#), Found::None);
        for (status, body) in [(401, paid), (500, paid), (200, "{}"), (200, "<html>")] {
            assert_eq!(said(status, body), Found::Nothing, "{status} {body}");
        }
        let denied = r#"{"error_code": -1, "payment_id": 7, "payment_status": 2}"#;
        assert_eq!(said(200, denied), Found::Nothing);
    }
}
