//! The service on the wire: decode, act, encode. No rules here.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use mesh::Context;
use proto::{
    event::{self as events, event_service_server::EventService},
    notification::{self as pb, notification_service_server::NotificationService},
};
use tonic::{Request, Response, Status};

mod convert;
mod events_in;

use crate::{
    error::Error,
    service::{News, Notifications},
};

type Answer<T> = Result<Response<T>, Status>;
type Messages = Pin<Box<dyn Stream<Item = Result<pb::RealtimeMessage, Status>> + Send>>;

/// The service as tonic sees it.
#[derive(Clone)]
pub(crate) struct Api {
    notifications: Notifications,
}

impl Api {
    pub(crate) fn new(notifications: Notifications) -> Self {
        Self { notifications }
    }
}

#[tonic::async_trait]
impl NotificationService for Api {
    async fn list_notifications(
        &self,
        request: Request<pb::ListNotificationsRequest>,
    ) -> Answer<pb::ListNotificationsResponse> {
        let page = request.into_inner().page.unwrap_or_default();
        let limit = convert::limit(&page);
        let after = convert::parse_cursor(&page.after)?;
        let (mut found, counts) =
            self.notifications.list(&Context::caller(), after, limit + 1).await?;
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > size;
        found.truncate(size);
        let next = found.last().filter(|_| more).map(convert::cursor).unwrap_or_default();
        Ok(Response::new(pb::ListNotificationsResponse {
            notifications: found.into_iter().map(convert::notification).collect(),
            page: Some(proto::value::PageInfo { next, count: page.count.then_some(counts.all) }),
            unread: counts.unread,
        }))
    }

    async fn mark_read(
        &self,
        request: Request<pb::MarkReadRequest>,
    ) -> Answer<pb::MarkReadResponse> {
        let ids = convert::ids(&request.into_inner().ids)?;
        self.notifications.mark_read(&Context::caller(), &ids).await?;
        Ok(Response::new(pb::MarkReadResponse {}))
    }

    async fn subscribe(&self, request: Request<pb::SubscribeRequest>) -> Answer<Messages> {
        let last = request.into_inner().last_event_id;
        let last = if last.is_empty() {
            None
        } else {
            let wrong = |_| Error::field("last_event_id", "INVALID", "not the id of a message");
            Some(last.parse().map_err(wrong)?)
        };
        let messages = self.notifications.subscribe(&Context::caller(), last).await?;
        let messages = messages.map(|message| message.map(convert::message).map_err(Status::from));
        Ok(Response::new(Box::pin(messages)))
    }
}

#[tonic::async_trait]
impl EventService for Api {
    async fn deliver(
        &self,
        request: Request<events::DeliverRequest>,
    ) -> Answer<events::DeliverResponse> {
        Context::caller().require_service()?;
        let request = request.into_inner();
        if self.apply(&request.events).await.is_ok() {
            let applied = request.events.into_iter().map(|event| event.id).collect();
            return Ok(Response::new(events::DeliverResponse { applied, ..Default::default() }));
        }
        // Something in it cannot be told: each by itself, so that the others are.
        let apply = |event: events::Event| async move {
            Ok(self.apply(std::slice::from_ref(&event)).await?)
        };
        Ok(Response::new(outbox::apply_each(request, apply).await))
    }
}

impl Api {
    /// Events that were delivered together, in one write.
    async fn apply(&self, events: &[events::Event]) -> Result<(), Error> {
        let mut news = Vec::with_capacity(events.len());
        for event in events {
            if let Some(plan) = events_in::plan(event)? {
                let at = clock::Timestamp::from_millis(event.at_ms);
                news.push(News { event: event.id.clone(), at, plan });
            }
        }
        if news.is_empty() { Ok(()) } else { self.notifications.apply(news).await }
    }
}
