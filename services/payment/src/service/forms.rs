//! The page of a provider as a form, for a shop that sends its shoppers there by POST.

use fault::Fault;
use ids::OrderId;

use super::{Payments, SHOWN};
use crate::{
    domain::{Provider, Status},
    providers::payme::Payme,
};

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    /// "GET" or "POST".
    pub(crate) method: &'static str,
    pub(crate) action: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Payments {
    /// The form of the latest payment of an order that waits on a page.
    pub(crate) async fn form(&self, order: OrderId) -> Result<Form, Fault> {
        let nothing = || Fault::not_found("PAYMENT");
        let payments = self.store.payments(order, SHOWN).await?;
        let waits = |status| matches!(status, Status::Pending | Status::Processing);
        let payment =
            payments.into_iter().find(|it| waits(it.status) && !it.redirect_url.is_empty());
        let payment = payment.ok_or_else(nothing)?;
        let link = payment.redirect_url;
        match (payment.provider, &self.providers.payme) {
            (Provider::Payme, Some(payme)) => {
                let known = self.store.payable(&payment.reference, self.clock.now()).await?;
                let known = known.ok_or_else(nothing)?;
                let fields = payme.form(&known.snapshot, &Payme::return_of(&link));
                Ok(Form { method: "POST", action: payme.form_action(), fields })
            }
            // A link is a form as well: its query is its fields.
            _ => {
                let url = reqwest::Url::parse(&link).map_err(Fault::internal)?;
                let fields =
                    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
                let fields = fields.collect();
                let action = link.split('?').next().unwrap_or_default().to_owned();
                Ok(Form { method: "GET", action, fields })
            }
        }
    }
}
