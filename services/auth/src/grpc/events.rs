//! Events on the wire.

use clock::Timestamp;
use mesh::Role;
use outbox::Draft;
use proto::event::{MerchantChanged, UserMessage, event::Data};

use super::convert;
use crate::domain::{Event, Login, Merchant, Message};

/// How an event of this moment leaves.
pub(crate) fn encode(event: &Event, at: Timestamp) -> Draft {
    match event {
        Event::MerchantApplied(merchant) => merchant_changed("merchant.applied", merchant, at),
        Event::MerchantApproved(merchant) => merchant_changed("merchant.approved", merchant, at),
        Event::MerchantRejected(merchant) => merchant_changed("merchant.rejected", merchant, at),
        Event::MerchantSuspended(merchant) => merchant_changed("merchant.suspended", merchant, at),
        Event::Message(message) => user_message(message, at),
    }
}

fn merchant_changed(kind: &'static str, merchant: &Merchant, at: Timestamp) -> Draft {
    let data = MerchantChanged { merchant: Some(convert::merchant(merchant.clone())) };
    let (subject, version) = (merchant.id.to_string(), merchant.version);
    Draft::new(kind, subject, version, at, Data::Merchant(data))
        .to(&[Role::Order, Role::Notification])
}

fn user_message(message: &Message, at: Timestamp) -> Draft {
    let channel = match message.to {
        Login::Phone(_) => "sms",
        Login::Email(_) => "email",
    };
    let data = UserMessage {
        user_id: message.user.map(|user| user.to_string()).unwrap_or_default(),
        address: message.to.as_str().to_owned(),
        channel: channel.to_owned(),
        template: message.template.to_owned(),
        values: message.values.0.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
        locale: message.locale.as_str().to_owned(),
    };
    // Messages have no history: each is a subject of its own.
    let subject = ids::NotificationId::new().to_string();
    Draft::new("user.message", subject, 1, at, Data::Message(data)).to(&[Role::Notification])
}
