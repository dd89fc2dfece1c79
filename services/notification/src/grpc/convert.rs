//! Between messages and the domain.

use clock::Timestamp;
use ids::NotificationId;
use proto::{notification as pb, value};

use crate::{
    domain::{Message, Notification},
    error::Error,
    store::Place,
};

/// Ids in one request at most.
const MAX_IDS: usize = 100;

pub(super) fn notification(one: Notification) -> pb::Notification {
    pb::Notification {
        id: one.id.to_string(),
        r#type: one.kind,
        title: one.title,
        body: one.body,
        at_ms: one.at.millis(),
        read: one.read,
        data: one.data,
    }
}

pub(super) fn message(message: Message) -> pb::RealtimeMessage {
    pb::RealtimeMessage {
        id: message.id.to_string(),
        r#type: message.kind,
        at_ms: message.at.millis(),
        data: message.data,
    }
}

/// 1 to 100; 20 when nothing is asked for.
pub(super) fn limit(page: &value::PageRequest) -> u32 {
    if page.limit == 0 { 20 } else { page.limit.min(100) }
}

pub(super) fn cursor(one: &Notification) -> String {
    format!("{}.{}", one.at.millis(), one.id)
}

pub(super) fn parse_cursor(text: &str) -> Result<Option<Place>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let place = text.split_once('.').and_then(|(at, id)| {
        let at = Timestamp::from_millis(at.parse().ok()?);
        Some(Place { at, id: id.parse().ok()? })
    });
    let wrong = || Error::field("after", "INVALID", "not a cursor of this list");
    place.map(Some).ok_or_else(wrong)
}

pub(super) fn ids(texts: &[String]) -> Result<Vec<NotificationId>, Error> {
    if texts.len() > MAX_IDS {
        return Err(Error::field("ids", "TOO_MANY", "at most 100 ids at once"));
    }
    let wrong = |_| Error::field("ids", "INVALID", "not the id of a notification");
    texts.iter().map(|text| text.parse().map_err(wrong)).collect()
}
