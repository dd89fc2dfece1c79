//! Order and notification services that remember what they are told.

use std::sync::{Arc, Mutex};

use proto::event::{
    DeliverRequest, DeliverResponse, Event, UserMessage,
    event::Data,
    event_service_server::{EventService, EventServiceServer},
};
use tonic::{Request, Response, Status};

/// What arrived at one of them.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<Event>>>);

impl Seen {
    /// The fake as a server.
    pub(crate) fn server(&self) -> EventServiceServer<impl EventService> {
        EventServiceServer::new(self.clone())
    }

    /// Types of the events that arrived, in order.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|event| event.r#type.clone()).collect()
    }

    /// The newest event of a type.
    pub(crate) fn newest(&self, kind: &str) -> Option<Event> {
        self.0.lock().unwrap().iter().rev().find(|event| event.r#type == kind).cloned()
    }

    /// Waits for the text that is the `count`th to this address.
    pub(crate) async fn message(&self, address: &str, count: usize) -> UserMessage {
        let find = || {
            let events = self.0.lock().unwrap();
            let texts = events.iter().filter_map(|event| match &event.data {
                Some(Data::Message(message)) if message.address == address => Some(message.clone()),
                _ => None,
            });
            texts.collect::<Vec<_>>()
        };
        testkit::eventually("a text arrives", || async { find().len() >= count }).await;
        find().remove(count - 1)
    }
}

#[tonic::async_trait]
impl EventService for Seen {
    async fn deliver(
        &self,
        request: Request<DeliverRequest>,
    ) -> Result<Response<DeliverResponse>, Status> {
        let events = request.into_inner().events;
        let applied = events.iter().map(|event| event.id.clone()).collect();
        let mut seen = self.0.lock().unwrap();
        for event in events {
            // As real subscribers do: an event may be delivered again.
            if seen.iter().all(|known| known.id != event.id) {
                seen.push(event);
            }
        }
        Ok(Response::new(DeliverResponse { applied, rejected: Vec::new() }))
    }
}
