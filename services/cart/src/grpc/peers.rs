//! Other services, as this one needs them.

use async_trait::async_trait;
use fault::Fault;
use ids::OfferId;
use mesh::Link;
use proto::order::{ListOffersRequest, QuoteRequest, order_service_client::OrderServiceClient};

use super::convert;
use crate::{domain::Body, peers::Offers};

/// The order service.
pub(crate) struct Orders(OrderServiceClient<Link>);

impl Orders {
    pub(crate) fn new(client: OrderServiceClient<Link>) -> Self {
        Self(client)
    }
}

#[async_trait]
impl Offers for Orders {
    async fn on_sale(&self, offer: OfferId) -> Result<bool, Fault> {
        let request = ListOffersRequest {
            offer_ids: vec![offer.to_string()],
            ..ListOffersRequest::default()
        };
        let offers = self.0.clone().list_offers(request).await?.into_inner().offers;
        Ok(offers.iter().any(|offer| offer.active))
    }

    async fn refused(&self, body: &Body, code: &str) -> Result<Option<String>, Fault> {
        let quote = self.0.clone().quote(quote(body)).await?.into_inner();
        let refused = quote.refused.into_iter().find(|refused| refused.code == code);
        Ok(refused.map(|refused| refused.reason))
    }
}

/// What a cart costs, as a question.
pub(super) fn quote(body: &Body) -> QuoteRequest {
    QuoteRequest {
        lines: body.lines.iter().map(convert::line_request).collect(),
        delivery: body.delivery.as_ref().map(convert::delivery),
        discount_codes: body.codes.clone(),
    }
}
