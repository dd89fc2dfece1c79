//! Texts on their way.

use clock::Timestamp;
use ids::NotificationId;
use sqlite::{Connection, Error, params};

use super::Outcome;
use crate::domain::{Channel, Delivery};

pub(super) fn insert(
    connection: &Connection,
    event: &str,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<(), Error> {
    // The entry in the list is the delivery: it has arrived with this transaction.
    let arrived = delivery.channel == Channel::InApp;
    connection.execute(
        "insert into deliveries
         (id, event, channel, recipient, template, subject, text, secret, state, next_at, created_at, settled_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)
         on conflict (event, channel, recipient) do nothing",
        params![
            delivery.id.to_string(),
            event,
            delivery.channel.as_str(),
            delivery.address,
            delivery.template,
            delivery.subject,
            if arrived { "" } else { &delivery.text },
            delivery.secret,
            if arrived { "sent" } else { "queued" },
            now.millis(),
            arrived.then_some(now.millis()),
        ],
    )?;
    Ok(())
}

pub(super) fn claim(
    connection: &Connection,
    now: Timestamp,
    lease: Timestamp,
    limit: u32,
) -> Result<Vec<Delivery>, Error> {
    // Looked up first: nothing is written while nothing is due.
    let due: bool = connection.one(
        "select exists (select 1 from deliveries where state = 'queued' and next_at <= ?)",
        [now.millis()],
    )?;
    if !due {
        return Ok(Vec::new());
    }
    connection.all(
        "update deliveries set attempts = attempts + 1, next_at = ?
         where id in (select id from deliveries where state = 'queued' and next_at <= ? order by next_at limit ?)
         returning id, channel, recipient, template, subject, text, secret, attempts, created_at",
        params![lease.millis(), now.millis(), limit],
    )
}

/// Only the newest attempt settles: one whose lease ran out in the meantime does not.
pub(super) fn settle(
    connection: &Connection,
    (id, attempts): (NotificationId, u32),
    outcome: Outcome,
    now: Timestamp,
) -> Result<bool, Error> {
    let (state, next, error) = match outcome {
        Outcome::Sent => ("sent", None, None),
        Outcome::Again(next, error) => ("queued", Some(next), Some(error)),
        Outcome::Failed(error) => ("failed", None, Some(error)),
    };
    let settled = connection.execute(
        "update deliveries set state = ?1, next_at = coalesce(?2, next_at), error = ?3,
         settled_at = case when ?1 = 'queued' then null else ?4 end,
         text = case when secret and ?1 <> 'queued' then '' else text end
         where id = ?5 and state = 'queued' and attempts = ?6",
        params![state, next.map(Timestamp::millis), error, now.millis(), id.to_string(), attempts,],
    )?;
    Ok(settled == 1)
}
