//! Holds that end by the clock, many at once.

use clock::Timestamp;
use postgres::{Error, uuid};
use sqlx::{PgConnection, query};

use super::{
    rows::{self, Reader, moment},
    unit::illegal,
};
use crate::{
    domain::{Event, Happening, payme::REASON_TIMEOUT},
    store::Encode,
};

/// Ends at most `limit` holds whose time is over. Orders that somebody works with are passed over: they are there the next time, unless
/// their time was not over after all.
pub(super) async fn expire(
    connection: &mut PgConnection,
    encode: Encode,
    now: Timestamp,
    limit: u32,
) -> Result<u32, Error> {
    // With both rows locked, both are as they are now, and not as they were when the statement began.
    let due = query(concat!(
        "select ",
        rows::payable_columns!(),
        ", ",
        rows::payment_columns!(),
        " from payments p join payables b on b.order_id = p.order_id
          where p.status = 'processing' and p.expires_at < $1
          order by p.expires_at limit $2 for no key update skip locked"
    ))
    .bind(moment(now))
    .bind(i64::from(limit))
    .fetch_all(&mut *connection)
    .await?;
    let (mut orders, mut payments, mut drafts) = (Vec::new(), Vec::new(), Vec::new());
    for row in &due {
        let mut row = Reader::new(row);
        let payable = rows::payable(&mut row)?;
        let Some(mut payment) = rows::payment(&mut row, &payable.terms)? else { continue };
        payment.cancel().map_err(illegal)?;
        orders.push(uuid(payment.order));
        payments.push(uuid(payment.id));
        drafts.push(encode(&Event { what: Happening::Cancelled, payment: &payment, at: now }));
    }
    if payments.is_empty() {
        return Ok(0);
    }
    let ended = u32::try_from(payments.len()).unwrap_or(limit);
    query(
        "with orders as (update payables set version = version + 1 where order_id = any($1)),
         paymes as (update payme_transactions set state = -1, reason = $3, cancel_time = $4
                    where payment_id = any($2) and state = 1),
         clicks as (update click_transactions set state = 'cancelled', changed_at = $4
                    where payment_id = any($2) and state = 'prepared')
         update payments set status = 'cancelled', expires_at = null, version = version + 1 where id = any($2)",
    )
    .bind(orders)
    .bind(payments)
    .bind(REASON_TIMEOUT)
    .bind(moment(now))
    .execute(&mut *connection)
    .await?;
    outbox::postgres::append(connection, &drafts, now).await?;
    Ok(ended)
}
