//! An order service that makes an offer of each draft, and a search service; both note what they are told.

use std::sync::{Arc, Mutex};

use proto::{
    event::{
        self as events,
        event_service_server::{EventService, EventServiceServer},
    },
    order::{
        self as pb,
        order_service_server::{OrderService, OrderServiceServer},
    },
};
use tonic::{Request, Response, Status};

/// What a fake was told, for the test to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    /// Products with the drafts put for them.
    pub(crate) put: Arc<Mutex<Vec<pb::PutOffersRequest>>>,
    /// Events delivered.
    pub(crate) events: Arc<Mutex<Vec<events::Event>>>,
}

impl Notes {
    /// Types of the events about a subject.
    pub(crate) fn told(&self, subject: &str) -> Vec<String> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|it| it.subject == subject).map(|it| it.r#type.clone()).collect()
    }
}

impl Notes {
    /// The order service.
    pub(crate) fn orders(&self) -> OrderServiceServer<impl OrderService> {
        OrderServiceServer::new(Fake(self.clone()))
    }

    /// The listener for events, of either service.
    pub(crate) fn listener(&self) -> EventServiceServer<impl EventService> {
        EventServiceServer::new(Fake(self.clone()))
    }
}

struct Fake(Notes);

#[tonic::async_trait]
impl OrderService for Fake {
    async fn put_offers(
        &self,
        request: Request<pb::PutOffersRequest>,
    ) -> Result<Response<pb::PutOffersResponse>, Status> {
        mesh::Context::caller().require_service()?;
        let request = request.into_inner();
        let offer = |draft: &pb::OfferDraft| pb::Offer {
            id: ids::OfferId::new().to_string(),
            sku: draft.sku.clone(),
            variant_id: draft.variant_id.clone(),
            price: draft.price.clone(),
            available: draft.stock.unwrap_or(0),
            ..pb::Offer::default()
        };
        let offers = request.offers.iter().map(offer).collect();
        self.0.put.lock().unwrap().push(request);
        Ok(Response::new(pb::PutOffersResponse { offers }))
    }
}

#[tonic::async_trait]
impl EventService for Fake {
    async fn deliver(
        &self,
        request: Request<events::DeliverRequest>,
    ) -> Result<Response<events::DeliverResponse>, Status> {
        let events = request.into_inner().events;
        let applied = events.iter().map(|event| event.id.clone()).collect();
        self.0.events.lock().unwrap().extend(events);
        Ok(Response::new(events::DeliverResponse { applied, rejected: Vec::new() }))
    }
}
