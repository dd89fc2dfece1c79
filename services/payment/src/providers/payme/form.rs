//! The checkout page by a form: the same as the link, and the lines of the receipt with it.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Payme, wire};
use crate::domain::Snapshot;

impl Payme {
    /// Where the form goes.
    pub(crate) fn form_action(&self) -> String {
        self.base_url.clone()
    }

    /// The fields of the form, to be sent by POST.
    pub(crate) fn form(&self, payable: &Snapshot, return_url: &str) -> Vec<(String, String)> {
        let field = |name: &str, value: String| (name.to_owned(), value);
        let mut fields = vec![
            field("merchant", self.merchant_id.clone()),
            field("amount", payable.amount.amount.to_string()),
            field("account[order_id]", payable.reference.clone()),
            field("lang", language(&payable.locale).to_owned()),
            field("description", payable.reference.clone()),
        ];
        if !return_url.is_empty() {
            fields.push(field("callback", return_url.to_owned()));
        }
        if let Some(detail) = wire::detail(payable) {
            let json = serde_json::to_string(&detail).unwrap_or_default();
            fields.push(field("detail", STANDARD.encode(json)));
        }
        fields
    }

    /// The way back in a link of ours.
    pub(crate) fn return_of(link: &str) -> String {
        let text = link.rsplit_once('/').map(|(_, text)| text).unwrap_or_default();
        let text = STANDARD.decode(text).ok().and_then(|text| String::from_utf8(text).ok());
        let text = text.unwrap_or_default();
        let back = text.split(';').find_map(|pair| pair.strip_prefix("c="));
        back.unwrap_or_default().replace("%3B", ";")
    }
}

/// Payme's page speaks three languages.
pub(super) fn language(locale: &str) -> &'static str {
    match locale {
        "ru" => "ru",
        "en" => "en",
        _ => "uz",
    }
}
