//! Transactions of providers as a comparison reads them.

use clock::Timestamp;
use postgres::Error;
use sqlx::{PgConnection, query};

use super::rows::{Reader, moment, plain};
use crate::domain::{
    Provider,
    reconciliation::{Ours, Standing},
};

fn one(row: &mut Reader<'_>) -> Result<Ours, Error> {
    Ok(Ours {
        payment: row.id()?,
        order: row.id()?,
        reference: row.get()?,
        id: row.get()?,
        row: row.get()?,
        amount: row.get()?,
        standing: row.named(Standing::parse)?,
        at: row.moment()?,
        attempt: row.get()?,
    })
}

macro_rules! select_payme {
    ($rest:literal) => {
        concat!(
            "select t.payment_id, t.order_id, b.reference, t.payme_id, t.row, t.amount::bigint,
             case t.state when 1 then 'open' when 2 then 'paid' else 'ended' end, t.payme_time, 0::bigint
             from payme_transactions t join payables b on b.order_id = t.order_id ",
            $rest
        )
    };
}

/// What people have sent back by hand is still paid at the provider.
macro_rules! select_click {
    ($rest:literal) => {
        concat!(
            "select t.payment_id, t.order_id, t.reference, t.click_paydoc_id::text, t.prepare_id, t.amount::bigint,
             case when t.state = 'prepared' then 'open' when t.state = 'cancelled' then 'ended'
                  when p.status = 'refunded' and not exists (select from refunds r where r.payment_id = p.id
                       and r.state = 'succeeded' and r.note = 'sent by hand') then 'ended' else 'paid' end, t.prepared_at, t.click_trans_id
             from click_transactions t join payments p on p.id = t.payment_id ",
            $rest
        )
    };
}

pub(super) async fn ours(
    connection: &mut PgConnection,
    provider: Provider,
    (from, to): (Timestamp, Timestamp),
    after: i64,
    limit: u32,
) -> Result<Vec<Ours>, Error> {
    let find = match provider {
        Provider::Payme => query(select_payme!(
            "where t.payme_time >= $1 and t.payme_time < $2 and t.row > $3 order by t.row limit $4"
        )),
        Provider::Click => query(select_click!(
            "where t.prepared_at >= $1 and t.prepared_at < $2 and t.prepare_id > $3 order by t.prepare_id limit $4"
        )),
        Provider::Uzcard | Provider::Stripe | Provider::Cash => return Ok(Vec::new()),
    };
    let find = find.bind(moment(from)).bind(moment(to)).bind(after).bind(i64::from(limit));
    let found = find.fetch_all(connection).await?;
    found.iter().map(|row| one(&mut Reader::new(row))).collect()
}

pub(super) async fn ours_named(
    connection: &mut PgConnection,
    provider: Provider,
    names: &[String],
) -> Result<Vec<Ours>, Error> {
    let find = match provider {
        Provider::Payme => {
            let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
            query(select_payme!("where t.payme_id = any($1)")).bind(names)
        }
        Provider::Click => {
            let numbers: Vec<i64> = names.iter().filter_map(|name| name.parse().ok()).collect();
            query(select_click!("where t.click_paydoc_id = any($1)")).bind(numbers)
        }
        Provider::Uzcard | Provider::Stripe | Provider::Cash => return Ok(Vec::new()),
    };
    let found = find.fetch_all(connection).await?;
    found.iter().map(|row| one(&mut Reader::new(row))).collect()
}
