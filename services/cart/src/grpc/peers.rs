//! Other services, as this one needs them.

use async_trait::async_trait;
use fault::Fault;
use ids::OfferId;
use mesh::Link;
use proto::order::{ListOffersRequest, order_service_client::OrderServiceClient};

use crate::peers::Offers;

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
}
