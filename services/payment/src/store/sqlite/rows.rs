//! Payables and payments as rows. Columns are read by number, in the order of the select beside.

use std::str::FromStr;

use clock::Timestamp;
use ids::{OrderId, PaymentId};
use money::Money;
use sqlite::{Connection, Error, FromRow, Row, params};

use crate::{
    domain::{Payable, PayableState, Payment, Provider, Snapshot, Status, Terms},
    store::Known,
};

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, Error> {
    row.get_ref(column)?.as_str().map_err(Error::value)
}

/// Text of a column as what it stands for.
pub(super) fn parsed<T: FromStr>(row: &Row<'_>, column: usize) -> Result<T, Error>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text(row, column)?.parse().map_err(|error: T::Err| Error::value(error))
}

/// A name that the schema's checks let in.
pub(super) fn named<T>(
    row: &Row<'_>,
    column: usize,
    read: fn(&str) -> Option<T>,
) -> Result<T, Error> {
    let name = text(row, column)?;
    read(name).ok_or_else(|| Error::value(format!("{name} is not a known name")))
}

/// A moment that has come.
pub(super) fn moment(row: &Row<'_>, column: usize) -> Result<Timestamp, Error> {
    Ok(Timestamp::from_millis(row.get(column)?))
}

/// A moment that may not have come.
pub(super) fn moment_if_any(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, Error> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// A write over a version that must still be there.
pub(super) fn exactly_one(written: u64) -> Result<(), Error> {
    match written {
        1 => Ok(()),
        _ => Err(Error::value("the row is not as it was read")),
    }
}

macro_rules! select_payment {
    ($rest:literal) => {
        concat!(
            "select p.id, p.order_id, b.reference, p.provider, p.status, p.amount, p.currency, p.key, p.redirect_url,
             p.provider_ref, p.created_at, p.expires_at, p.paid_at, p.version
             from payments p join payables b on b.order_id = p.order_id ",
            $rest
        )
    };
}

impl FromRow for Payment {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            id: parsed(row, 0)?,
            order: parsed(row, 1)?,
            reference: row.get(2)?,
            provider: named(row, 3, Provider::parse)?,
            status: named(row, 4, Status::parse)?,
            amount: Money::new(row.get(5)?, parsed(row, 6)?),
            key: row.get(7)?,
            redirect_url: row.get(8)?,
            provider_ref: row.get(9)?,
            created_at: moment(row, 10)?,
            expires_at: moment_if_any(row, 11)?,
            paid_at: moment_if_any(row, 12)?,
            version: row.get(13)?,
        })
    }
}

/// A payment that is known to be there.
pub(super) fn payment(connection: &Connection, id: PaymentId) -> Result<Payment, Error> {
    connection.one(select_payment!("where p.id = ?"), [id.to_string()])
}

pub(super) fn payment_by_key(connection: &Connection, key: &str) -> Result<Option<Payment>, Error> {
    connection.first(select_payment!("where p.key = ?"), [key])
}

pub(super) fn is_opened(connection: &Connection, key: &str) -> Result<bool, Error> {
    connection.one("select exists (select 1 from payments where key = ?)", [key])
}

/// The payment that holds an order or has paid it.
pub(super) fn live(connection: &Connection, order: OrderId) -> Result<Option<Payment>, Error> {
    connection.first(
        select_payment!(
            "where p.order_id = ? and p.status in ('processing', 'paid', 'partially_refunded')"
        ),
        [order.to_string()],
    )
}

/// The latest payment of an order with a provider that nobody has acted on.
pub(super) fn pending(
    connection: &Connection,
    order: OrderId,
    provider: Provider,
) -> Result<Option<Payment>, Error> {
    connection.first(
        select_payment!(
            "where p.order_id = ? and p.provider = ? and p.status = 'pending' order by p.id desc limit 1"
        ),
        params![order.to_string(), provider.as_str()],
    )
}

pub(super) fn payments(
    connection: &Connection,
    order: OrderId,
    limit: u32,
) -> Result<Vec<Payment>, Error> {
    connection.all(
        select_payment!("where p.order_id = ? order by p.id desc limit ?"),
        params![order.to_string(), limit],
    )
}

/// Holds whose time is over.
pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<PaymentId>, Error> {
    let ids: Vec<String> = connection.all(
        "select id from payments where status = 'processing' and expires_at < ? order by expires_at limit ?",
        params![now.millis(), limit],
    )?;
    ids.iter()
        .map(|id| id.parse().map_err(|error: ids::ParseIdError| Error::value(error)))
        .collect()
}

/// Writes a new payment, or a known one over the version before.
pub(super) fn save_payment(connection: &Connection, payment: &Payment) -> Result<(), Error> {
    let written = connection.execute(
        "insert into payments values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (id) do update set status = excluded.status, provider_ref = excluded.provider_ref,
         redirect_url = excluded.redirect_url, expires_at = excluded.expires_at, paid_at = excluded.paid_at,
         version = excluded.version
         where payments.version = excluded.version - 1",
        params![
            payment.id.to_string(),
            payment.order.to_string(),
            payment.provider.as_str(),
            payment.status.as_str(),
            payment.amount.amount,
            payment.amount.currency.code(),
            payment.key,
            payment.redirect_url,
            payment.provider_ref,
            payment.created_at.millis(),
            payment.expires_at.map(Timestamp::millis),
            payment.paid_at.map(Timestamp::millis),
            payment.version,
        ],
    )?;
    exactly_one(written)
}

/// Ends the tries that nobody has acted on.
pub(super) fn cancel_pending(connection: &Connection, order: OrderId) -> Result<(), Error> {
    connection.execute(
        "update payments set status = 'cancelled', expires_at = null, version = version + 1
         where order_id = ? and status = 'pending'",
        [order.to_string()],
    )?;
    Ok(())
}

macro_rules! payable {
    () => {
        "order_id, reference, amount, currency, payable_until, state, closed_reason, delivered_at, version"
    };
}

macro_rules! snapshot {
    () => {
        concat!(payable!(), ", lines, delivery, customer_phone, locale")
    };
}

impl FromRow for Payable {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            terms: Terms {
                order: parsed(row, 0)?,
                reference: row.get(1)?,
                amount: Money::new(row.get(2)?, parsed(row, 3)?),
                payable_until: moment(row, 4)?,
            },
            state: named(row, 5, PayableState::parse)?,
            closed_reason: row.get(6)?,
            delivered_at: moment_if_any(row, 7)?,
            version: row.get(8)?,
        })
    }
}

impl FromRow for Known {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let payable = Payable::from_row(row)?;
        let terms = payable.terms.clone();
        let snapshot = Snapshot {
            order: terms.order,
            reference: terms.reference,
            amount: terms.amount,
            payable_until: terms.payable_until,
            lines: serde_json::from_str(text(row, 9)?).map_err(Error::value)?,
            delivery: row.get(10)?,
            customer_phone: row.get(11)?,
            locale: row.get(12)?,
        };
        Ok(Self { payable, snapshot, held: row.get(13)? })
    }
}

/// A payable that is known to be there.
pub(super) fn payable(connection: &Connection, order: OrderId) -> Result<Payable, Error> {
    let select = concat!("select ", payable!(), " from payables where order_id = ?");
    connection.one(select, [order.to_string()])
}

pub(super) fn find_payable(
    connection: &Connection,
    order: OrderId,
) -> Result<Option<Payable>, Error> {
    let select = concat!("select ", payable!(), " from payables where order_id = ?");
    connection.first(select, [order.to_string()])
}

pub(super) fn payable_by_reference(
    connection: &Connection,
    reference: &str,
) -> Result<Option<Payable>, Error> {
    let select = concat!("select ", payable!(), " from payables where reference = ?");
    connection.first(select, [reference])
}

/// What is known of an order, and of another one that has its reference; holds are not looked for.
pub(super) fn twins(
    connection: &Connection,
    order: OrderId,
    reference: &str,
) -> Result<Vec<Known>, Error> {
    connection.all(
        concat!(
            "select ",
            snapshot!(),
            ", false from payables where order_id = ? or reference = ?"
        ),
        params![order.to_string(), reference],
    )
}

/// What an order's number stands for. A hold whose time is over counts for nothing.
pub(super) fn known(
    connection: &Connection,
    reference: &str,
    now: Timestamp,
) -> Result<Option<Known>, Error> {
    connection.first(
        concat!(
            "select ",
            snapshot!(),
            ", exists (select 1 from payments p where p.order_id = payables.order_id
               and p.status = 'processing' and p.expires_at >= ?)
             from payables where reference = ?"
        ),
        params![now.millis(), reference],
    )
}

/// Writes a new payable, or a known one over the version before, with all that the order service said.
pub(super) fn save_payable(
    connection: &Connection,
    payable: &Payable,
    snapshot: &Snapshot,
) -> Result<(), Error> {
    let written = connection.execute(
        "insert into payables values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (order_id) do update set reference = excluded.reference, amount = excluded.amount,
         currency = excluded.currency, payable_until = excluded.payable_until, state = excluded.state,
         closed_reason = excluded.closed_reason, lines = excluded.lines, delivery = excluded.delivery,
         locale = excluded.locale, customer_phone = excluded.customer_phone,
         delivered_at = excluded.delivered_at, version = excluded.version
         where payables.version = excluded.version - 1",
        params![
            snapshot.order.to_string(),
            snapshot.reference,
            snapshot.amount.amount,
            snapshot.amount.currency.code(),
            snapshot.payable_until.millis(),
            payable.state.as_str(),
            payable.closed_reason,
            serde_json::to_string(&snapshot.lines).map_err(Error::value)?,
            snapshot.delivery,
            snapshot.locale,
            snapshot.customer_phone,
            payable.delivered_at.map(Timestamp::millis),
            payable.version,
        ],
    )?;
    exactly_one(written)
}

/// Writes a move of a payable over the version before; what the order service said stays.
pub(super) fn save_state(connection: &Connection, payable: &Payable) -> Result<(), Error> {
    let written = connection.execute(
        "update payables set state = ?1, closed_reason = ?2, version = ?3
         where order_id = ?4 and version = ?3 - 1",
        params![
            payable.state.as_str(),
            payable.closed_reason,
            payable.version,
            payable.terms.order.to_string(),
        ],
    )?;
    exactly_one(written)
}
