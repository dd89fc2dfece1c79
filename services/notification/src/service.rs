//! What can be done with notifications.

use std::sync::Arc;

use clock::Clock;
use fault::Fault;
use ids::NotificationId;
use mesh::Caller;

use crate::{
    domain::{Notification, Recipient},
    error::Error,
    store::{Counts, NotificationStore, Place},
    texts::Texts,
};

pub(crate) mod bell;
pub(crate) mod deliver;
mod events;
pub(crate) mod subscribe;

use bell::Bell;
use deliver::Senders;
pub(crate) use events::News;
use subscribe::Hub;

/// Lists, events and subscriptions. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Notifications {
    store: Arc<dyn NotificationStore>,
    texts: Texts,
    clock: Clock,
    hub: Hub,
    bell: Bell,
    senders: Senders,
}

impl Notifications {
    pub(crate) fn new(
        store: Arc<dyn NotificationStore>,
        texts: Texts,
        clock: Clock,
        (hub, bell): (Hub, Bell),
        senders: Senders,
    ) -> Self {
        Self { store, texts, clock, hub, bell, senders }
    }

    /// A page of the caller's own notifications, and how many there are.
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        after: Option<Place>,
        limit: u32,
    ) -> Result<(Vec<Notification>, Counts), Error> {
        let audience = audience(caller)?;
        let page = self.store.notifications(&audience, after, limit).await?;
        Ok((page, self.store.count(&audience).await?))
    }

    /// Marks the caller's own notifications as read: these, or all when none are named.
    pub(crate) async fn mark_read(
        &self,
        caller: &Caller,
        ids: &[NotificationId],
    ) -> Result<(), Error> {
        let audience = audience(caller)?;
        Ok(self.store.mark_read(&audience, ids, self.clock.now()).await?)
    }
}

/// As whom the caller is told things: as the person, as staff of a merchant, as the platform's owner.
fn audience(caller: &Caller) -> Result<Vec<Recipient>, Fault> {
    let mut audience = vec![Recipient::User(caller.require_user()?)];
    audience.extend(caller.merchant.map(|(merchant, _)| Recipient::Merchant(merchant)));
    if caller.is_admin() {
        audience.push(Recipient::Platform);
    }
    Ok(audience)
}
