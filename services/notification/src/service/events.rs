//! From an event to what it brings about: rendered, written once, and told to those who listen.

use clock::Timestamp;
use ids::{EventId, NotificationId};

use super::{Notifications, subscribe::By};
use crate::{
    domain::{Channel, Delivery, Effects, Message, Notification, Plan},
    error::Error,
};

/// What an event asks for.
pub(crate) struct News {
    /// The event's id.
    pub(crate) event: String,
    pub(crate) at: Timestamp,
    pub(crate) plan: Plan,
}

impl Notifications {
    /// Carries plans out, each once however often its event is delivered: all of them in one step, or none.
    pub(crate) async fn apply(&self, news: Vec<News>) -> Result<(), Error> {
        let now = self.clock.now();
        let (mut events, mut told, mut sends) = (Vec::with_capacity(news.len()), Vec::new(), false);
        for News { event, at, plan } in news {
            let effects = self.render(plan, at, now)?;
            told.extend(effects.messages.iter().map(|message| message.recipient));
            sends |= effects.deliveries.iter().any(|delivery| delivery.channel != Channel::InApp);
            events.push((event, effects));
        }
        let applied = self.store.apply(events, now).await?;
        if applied.contains(&true) {
            told.sort_unstable();
            told.dedup();
            // After the commit: whoever wakes finds it in the log.
            self.bell.ring(&told);
            self.hub.tell(told, By::Own);
            if sends {
                self.senders.wake();
            }
        }
        Ok(())
    }

    fn render(&self, plan: Plan, at: Timestamp, now: Timestamp) -> Result<Effects, Error> {
        let mut effects = Effects::default();
        for notice in plan.notices {
            let text = self.texts.render(notice.locale, notice.template, &notice.values)?;
            effects.deliveries.push(Delivery {
                id: NotificationId::new(),
                channel: Channel::InApp,
                address: notice.to.to_string(),
                template: notice.template.key().to_owned(),
                subject: String::new(),
                text: String::new(),
                secret: false,
                attempts: 0,
                created_at: now,
            });
            effects.notifications.push(Notification {
                id: NotificationId::new(),
                recipient: notice.to,
                kind: notice.kind,
                title: text.title,
                body: text.body,
                at,
                read: false,
                data: notice.data.to_string(),
            });
        }
        for letter in plan.letters {
            let text = self.texts.render(letter.locale, letter.template, &letter.values)?;
            effects.deliveries.push(Delivery {
                id: NotificationId::new(),
                channel: self.senders.configured(letter.channel),
                address: letter.address,
                template: letter.template.key().to_owned(),
                subject: text.title,
                text: text.body,
                secret: letter.template.is_secret(),
                attempts: 0,
                created_at: now,
            });
        }
        for signal in plan.signals {
            effects.messages.push(Message {
                id: EventId::new(),
                recipient: signal.to,
                kind: signal.kind,
                at,
                data: signal.data.to_string(),
            });
        }
        Ok(effects)
    }
}
