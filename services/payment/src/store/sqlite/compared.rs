//! Transactions of providers as a comparison reads them.

use clock::Timestamp;
use sqlite::{Connection, Error, FromRow, Row, params};

use super::rows::{moment, named, parsed};
use crate::domain::{
    Provider,
    reconciliation::{Ours, Standing},
};

impl FromRow for Ours {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            payment: parsed(row, 0)?,
            order: parsed(row, 1)?,
            reference: row.get(2)?,
            id: row.get(3)?,
            row: row.get(4)?,
            amount: row.get(5)?,
            standing: named(row, 6, Standing::parse)?,
            at: moment(row, 7)?,
            attempt: row.get(8)?,
        })
    }
}

macro_rules! select_payme {
    ($rest:literal) => {
        concat!(
            "select t.payment_id, t.order_id, b.reference, t.payme_id, t.row, t.amount,
             case t.state when 1 then 'open' when 2 then 'paid' else 'ended' end, t.payme_time, 0
             from payme_transactions t join payables b on b.order_id = t.order_id ",
            $rest
        )
    };
}

/// What people have sent back by hand is still paid at the provider.
macro_rules! select_click {
    ($rest:literal) => {
        concat!(
            "select t.payment_id, t.order_id, t.reference, cast(t.click_paydoc_id as text), t.prepare_id, t.amount,
             case when t.state = 'prepared' then 'open' when t.state = 'cancelled' then 'ended'
                  when p.status = 'refunded' and not exists (select 1 from refunds r where r.payment_id = p.id
                       and r.state = 'succeeded' and r.note = 'sent by hand') then 'ended' else 'paid' end, t.prepared_at, t.click_trans_id
             from click_transactions t join payments p on p.id = t.payment_id ",
            $rest
        )
    };
}

pub(super) fn ours(
    connection: &Connection,
    provider: Provider,
    (from, to): (Timestamp, Timestamp),
    after: i64,
    limit: u32,
) -> Result<Vec<Ours>, Error> {
    let bound = params![from.millis(), to.millis(), after, limit];
    match provider {
        Provider::Payme => connection.all(
            select_payme!("where t.payme_time >= ? and t.payme_time < ? and t.row > ? order by t.row limit ?"),
            bound,
        ),
        Provider::Click => connection.all(
            select_click!(
                "where t.prepared_at >= ? and t.prepared_at < ? and t.prepare_id > ? order by t.prepare_id limit ?"
            ),
            bound,
        ),
        Provider::Uzcard | Provider::Stripe | Provider::Cash => Ok(Vec::new()),
    }
}

pub(super) fn ours_named(
    connection: &Connection,
    provider: Provider,
    names: &[String],
) -> Result<Vec<Ours>, Error> {
    let names = serde_json::to_string(names).map_err(Error::value)?;
    match provider {
        Provider::Payme => connection
            .all(select_payme!("where t.payme_id in (select value from json_each(?))"), [names]),
        Provider::Click => connection.all(
            select_click!(
                "where t.click_paydoc_id in (select cast(value as integer) from json_each(?))"
            ),
            [names],
        ),
        Provider::Uzcard | Provider::Stripe | Provider::Cash => Ok(Vec::new()),
    }
}
