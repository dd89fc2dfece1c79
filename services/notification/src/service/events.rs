//! From an event to what it brings about: rendered, written once, and told to those who listen.

use clock::Timestamp;
use ids::{EventId, NotificationId};

use super::Notifications;
use crate::{
    domain::{Channel, Delivery, Effects, Message, Notification, Plan},
    error::Error,
};

impl Notifications {
    /// Carries a plan out, once for each event however often it is delivered.
    pub(crate) async fn apply(&self, event: &str, at: Timestamp, plan: Plan) -> Result<(), Error> {
        let now = self.clock.now();
        let effects = self.render(plan, at, now)?;
        let mut told: Vec<_> = effects.messages.iter().map(|message| message.recipient).collect();
        told.dedup();
        let sends = effects.deliveries.iter().any(|delivery| delivery.channel != Channel::InApp);
        if self.store.apply(event, effects, now).await? {
            // After the commit: whoever wakes finds it in the log.
            self.hub.tell(told);
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
