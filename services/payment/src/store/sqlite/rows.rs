//! Payables and payments as rows.

use clock::Timestamp;
use ids::{OrderId, PaymentId};
use money::{Currency, Money};
use sqlite::SqliteConnection;
use sqlx::{FromRow, SqlitePool};

use crate::domain::{Payable, PayableState, Payment, Provider, Snapshot, Status};

type Sql<T> = Result<T, sqlx::Error>;

/// Text of a column as what it stands for.
pub(super) fn parsed<T: std::str::FromStr>(text: &str) -> Sql<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(|error: T::Err| sqlx::Error::Decode(error.into()))
}

/// A value that the schema's checks should have kept out.
pub(super) fn known<T>(value: Option<T>, column: &'static str) -> Sql<T> {
    value.ok_or_else(|| sqlx::Error::Decode(format!("{column} is not a known value").into()))
}

/// A write over a version that must still be there.
pub(super) fn exactly_one(result: &sqlx::sqlite::SqliteQueryResult) -> Sql<()> {
    match result.rows_affected() {
        1 => Ok(()),
        _ => Err(sqlx::Error::Protocol("the row is not as it was read".to_owned())),
    }
}

#[derive(FromRow)]
struct PaymentRow {
    id: String,
    order_id: String,
    reference: String,
    provider: String,
    status: String,
    amount: i64,
    currency: String,
    key: String,
    redirect_url: String,
    provider_ref: String,
    created_at: i64,
    expires_at: Option<i64>,
    paid_at: Option<i64>,
    version: i64,
}

impl PaymentRow {
    fn read(self) -> Sql<Payment> {
        Ok(Payment {
            id: parsed(&self.id)?,
            order: parsed(&self.order_id)?,
            reference: self.reference,
            provider: known(Provider::parse(&self.provider), "payments.provider")?,
            status: known(Status::parse(&self.status), "payments.status")?,
            amount: Money::new(self.amount, parsed::<Currency>(&self.currency)?),
            key: self.key,
            redirect_url: self.redirect_url,
            provider_ref: self.provider_ref,
            created_at: Timestamp::from_millis(self.created_at),
            expires_at: self.expires_at.map(Timestamp::from_millis),
            paid_at: self.paid_at.map(Timestamp::from_millis),
            version: self.version,
        })
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

/// A payment that is known to be there.
pub(super) async fn payment(connection: &mut SqliteConnection, id: PaymentId) -> Sql<Payment> {
    let row: PaymentRow = sqlx::query_as(select_payment!("where p.id = ?"))
        .bind(id.to_string())
        .fetch_one(connection)
        .await?;
    row.read()
}

pub(super) async fn payment_by_key(
    connection: &mut SqliteConnection,
    key: &str,
) -> Sql<Option<Payment>> {
    let row: Option<PaymentRow> = sqlx::query_as(select_payment!("where p.key = ?"))
        .bind(key)
        .fetch_optional(connection)
        .await?;
    row.map(PaymentRow::read).transpose()
}

/// The payment that holds an order or has paid it.
pub(super) async fn live(
    connection: &mut SqliteConnection,
    order: OrderId,
) -> Sql<Option<Payment>> {
    let row: Option<PaymentRow> = sqlx::query_as(select_payment!(
        "where p.order_id = ? and p.status in ('processing', 'paid', 'partially_refunded')"
    ))
    .bind(order.to_string())
    .fetch_optional(connection)
    .await?;
    row.map(PaymentRow::read).transpose()
}

/// The latest payment of an order with a provider that nobody has acted on.
pub(super) async fn pending(
    connection: &mut SqliteConnection,
    order: OrderId,
    provider: Provider,
) -> Sql<Option<Payment>> {
    let row: Option<PaymentRow> = sqlx::query_as(select_payment!(
        "where p.order_id = ? and p.provider = ? and p.status = 'pending' order by p.id desc limit 1"
    ))
    .bind(order.to_string())
    .bind(provider.as_str())
    .fetch_optional(connection)
    .await?;
    row.map(PaymentRow::read).transpose()
}

pub(super) async fn payments(pool: &SqlitePool, order: OrderId, limit: u32) -> Sql<Vec<Payment>> {
    let rows: Vec<PaymentRow> =
        sqlx::query_as(select_payment!("where p.order_id = ? order by p.id desc limit ?"))
            .bind(order.to_string())
            .bind(limit)
            .fetch_all(pool)
            .await?;
    rows.into_iter().map(PaymentRow::read).collect()
}

/// Holds whose time is over.
pub(super) async fn due(pool: &SqlitePool, now: Timestamp, limit: u32) -> Sql<Vec<PaymentId>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "select id from payments where status = 'processing' and expires_at < ? order by expires_at limit ?",
    )
    .bind(now.millis())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    ids.iter().map(|id| parsed(id)).collect()
}

/// Writes a new payment, or a known one over the version before.
pub(super) async fn save_payment(connection: &mut SqliteConnection, payment: &Payment) -> Sql<()> {
    let written = sqlx::query(
        "insert into payments values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (id) do update set status = excluded.status, provider_ref = excluded.provider_ref,
         redirect_url = excluded.redirect_url, expires_at = excluded.expires_at, paid_at = excluded.paid_at,
         version = excluded.version
         where payments.version = excluded.version - 1",
    )
    .bind(payment.id.to_string())
    .bind(payment.order.to_string())
    .bind(payment.provider.as_str())
    .bind(payment.status.as_str())
    .bind(payment.amount.amount)
    .bind(payment.amount.currency.code())
    .bind(&payment.key)
    .bind(&payment.redirect_url)
    .bind(&payment.provider_ref)
    .bind(payment.created_at.millis())
    .bind(payment.expires_at.map(Timestamp::millis))
    .bind(payment.paid_at.map(Timestamp::millis))
    .bind(payment.version)
    .execute(connection)
    .await?;
    exactly_one(&written)
}

/// Ends the tries that nobody has acted on.
pub(super) async fn cancel_pending(connection: &mut SqliteConnection, order: OrderId) -> Sql<()> {
    sqlx::query(
        "update payments set status = 'cancelled', expires_at = null, version = version + 1
         where order_id = ? and status = 'pending'",
    )
    .bind(order.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

#[derive(FromRow)]
struct PayableRow {
    order_id: String,
    reference: String,
    amount: i64,
    currency: String,
    payable_until: i64,
    state: String,
    closed_reason: String,
    lines: String,
    delivery: i64,
    locale: String,
    customer_phone: String,
    delivered_at: Option<i64>,
    version: i64,
    held: bool,
}

impl PayableRow {
    fn read(self) -> Sql<Payable> {
        let lines = serde_json::from_str(&self.lines);
        Ok(Payable {
            snapshot: Snapshot {
                order: parsed(&self.order_id)?,
                reference: self.reference,
                amount: Money::new(self.amount, parsed::<Currency>(&self.currency)?),
                payable_until: Timestamp::from_millis(self.payable_until),
                lines: lines.map_err(|error| sqlx::Error::Decode(error.into()))?,
                delivery: self.delivery,
                customer_phone: self.customer_phone,
                locale: self.locale,
            },
            state: known(PayableState::parse(&self.state), "payables.state")?,
            closed_reason: self.closed_reason,
            delivered_at: self.delivered_at.map(Timestamp::from_millis),
            version: self.version,
        })
    }
}

/// A payable that is known to be there.
pub(super) async fn payable(connection: &mut SqliteConnection, order: OrderId) -> Sql<Payable> {
    find_payable(connection, order).await?.ok_or(sqlx::Error::RowNotFound)
}

pub(super) async fn find_payable(
    connection: &mut SqliteConnection,
    order: OrderId,
) -> Sql<Option<Payable>> {
    let row: Option<PayableRow> =
        sqlx::query_as("select *, false as held from payables where order_id = ?")
            .bind(order.to_string())
            .fetch_optional(connection)
            .await?;
    row.map(PayableRow::read).transpose()
}

pub(super) async fn payable_by_reference(
    connection: &mut SqliteConnection,
    reference: &str,
) -> Sql<Option<Payable>> {
    let row: Option<PayableRow> =
        sqlx::query_as("select *, false as held from payables where reference = ?")
            .bind(reference)
            .fetch_optional(connection)
            .await?;
    row.map(PayableRow::read).transpose()
}

/// A payable, and whether a provider holds it: a hold whose time is over counts for nothing.
pub(super) async fn payable_and_hold(
    pool: &SqlitePool,
    reference: &str,
    now: Timestamp,
) -> Sql<Option<(Payable, bool)>> {
    let row: Option<PayableRow> = sqlx::query_as(
        "select *, exists (select 1 from payments p where p.order_id = payables.order_id
         and p.status = 'processing' and p.expires_at >= ?) as held
         from payables where reference = ?",
    )
    .bind(now.millis())
    .bind(reference)
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        let held = row.held;
        row.read().map(|payable| (payable, held))
    })
    .transpose()
}

/// Writes a new payable, or a known one over the version before.
pub(super) async fn save_payable(connection: &mut SqliteConnection, payable: &Payable) -> Sql<()> {
    let snapshot = &payable.snapshot;
    let lines = serde_json::to_string(&snapshot.lines);
    let written = sqlx::query(
        "insert into payables values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (order_id) do update set reference = excluded.reference, amount = excluded.amount,
         currency = excluded.currency, payable_until = excluded.payable_until, state = excluded.state,
         closed_reason = excluded.closed_reason, lines = excluded.lines, delivery = excluded.delivery,
         locale = excluded.locale, customer_phone = excluded.customer_phone,
         delivered_at = excluded.delivered_at, version = excluded.version
         where payables.version = excluded.version - 1",
    )
    .bind(snapshot.order.to_string())
    .bind(&snapshot.reference)
    .bind(snapshot.amount.amount)
    .bind(snapshot.amount.currency.code())
    .bind(snapshot.payable_until.millis())
    .bind(payable.state.as_str())
    .bind(&payable.closed_reason)
    .bind(lines.map_err(|error| sqlx::Error::Encode(error.into()))?)
    .bind(snapshot.delivery)
    .bind(&snapshot.locale)
    .bind(&snapshot.customer_phone)
    .bind(payable.delivered_at.map(Timestamp::millis))
    .bind(payable.version)
    .execute(connection)
    .await?;
    exactly_one(&written)
}
