//! Payables and payments as rows. Columns are read one after the other, in the order of the lists here.

use clock::Timestamp;
use ids::{Id, Kind};
use money::Money;
use postgres::Error;
use sqlx::{
    Decode, Row as _, Type,
    postgres::PgRow,
    types::{Json, Uuid, time::OffsetDateTime},
};

use crate::{
    domain::{FiscalLine, Payable, PayableState, Payment, Provider, Snapshot, Status, Terms},
    store::Known,
};

/// What [`payable`] reads.
macro_rules! payable_columns {
    () => {
        "b.order_id, b.reference, b.amount, b.currency, b.payable_until, b.state, b.closed_reason, b.delivered_at, b.version"
    };
}

/// What [`known`] reads after it.
macro_rules! snapshot_columns {
    () => {
        "b.lines, b.delivery, b.customer_phone, b.locale"
    };
}

/// What [`payment`] reads.
macro_rules! payment_columns {
    () => {
        "p.id, p.provider, p.status, p.amount, p.currency, p.key, p.redirect_url, p.provider_ref, p.created_at,
         p.expires_at, p.paid_at, p.version"
    };
}

/// A payment that holds an order or has paid it. The index says the same.
macro_rules! holds {
    () => {
        "p.status in ('processing', 'paid', 'partially_refunded')"
    };
}

pub(super) use {holds, payable_columns, payment_columns, snapshot_columns};

/// Columns of [`payment`] after the first.
const REST_OF_PAYMENT: usize = 11;

/// The end of what providers can mean by a time: the year 9999, in milliseconds.
const FAR: i64 = 253_402_300_799_999;

/// A moment as the tables keep it. What a provider makes up beyond all years becomes the last of them.
pub(super) fn moment(at: Timestamp) -> OffsetDateTime {
    postgres::moment(Timestamp::from_millis(at.millis().clamp(0, FAR)))
}

/// Text of a provider as PostgreSQL can keep it: it has no NUL.
pub(super) fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A row under way.
pub(super) struct Reader<'r> {
    row: &'r PgRow,
    next: usize,
}

impl<'r> Reader<'r> {
    pub(super) const fn new(row: &'r PgRow) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn get<T: Decode<'r, sqlx::Postgres> + Type<sqlx::Postgres>>(
        &mut self,
    ) -> Result<T, sqlx::Error> {
        let column = self.next;
        self.next += 1;
        self.row.try_get(column)
    }

    pub(super) fn id<K: Kind>(&mut self) -> Result<Id<K>, sqlx::Error> {
        self.get().map(postgres::id)
    }

    pub(super) fn moment(&mut self) -> Result<Timestamp, sqlx::Error> {
        self.get().map(postgres::timestamp)
    }

    /// A moment that may not have come.
    pub(super) fn moment_if_any(&mut self) -> Result<Option<Timestamp>, sqlx::Error> {
        Ok(self.get::<Option<OffsetDateTime>>()?.map(postgres::timestamp))
    }

    /// A name that the schema's checks let in.
    pub(super) fn named<T>(&mut self, read: fn(&str) -> Option<T>) -> Result<T, Error> {
        let name: &str = self.get()?;
        read(name).ok_or_else(|| Error::value(format!("{name} is not a known name")))
    }

    fn money(&mut self) -> Result<Money, Error> {
        let amount = self.get()?;
        Ok(Money::new(amount, self.get::<&str>()?.parse().map_err(Error::value)?))
    }

    /// For a join that may have found nothing: whether the next column has a value. It is read again after that.
    pub(super) fn is_there<T: Decode<'r, sqlx::Postgres> + Type<sqlx::Postgres>>(
        &mut self,
    ) -> Result<bool, sqlx::Error> {
        let there = self.get::<Option<T>>()?.is_some();
        self.next -= 1;
        Ok(there)
    }
}

pub(super) fn payable(row: &mut Reader<'_>) -> Result<Payable, Error> {
    let terms = Terms {
        order: row.id()?,
        reference: row.get()?,
        amount: row.money()?,
        payable_until: row.moment()?,
    };
    Ok(Payable {
        terms,
        state: row.named(PayableState::parse)?,
        closed_reason: row.get()?,
        delivered_at: row.moment_if_any()?,
        version: row.get()?,
    })
}

/// A payable with what the order service said of it.
pub(super) fn known(row: &mut Reader<'_>) -> Result<Known, Error> {
    let payable = payable(row)?;
    let terms = payable.terms.clone();
    let snapshot = Snapshot {
        order: terms.order,
        reference: terms.reference,
        amount: terms.amount,
        payable_until: terms.payable_until,
        lines: row.get::<Json<Vec<FiscalLine>>>()?.0,
        delivery: row.get()?,
        customer_phone: row.get()?,
        locale: row.get()?,
    };
    Ok(Known { payable, snapshot, held: false })
}

/// A payment of an order, when the join found one.
pub(super) fn payment(row: &mut Reader<'_>, order: &Terms) -> Result<Option<Payment>, Error> {
    if !row.is_there::<Uuid>()? {
        row.next += 1 + REST_OF_PAYMENT;
        return Ok(None);
    }
    Ok(Some(Payment {
        order: order.order,
        reference: order.reference.clone(),
        id: row.id()?,
        provider: row.named(Provider::parse)?,
        status: row.named(Status::parse)?,
        amount: row.money()?,
        key: row.get()?,
        redirect_url: row.get()?,
        provider_ref: row.get()?,
        created_at: row.moment()?,
        expires_at: row.moment_if_any()?,
        paid_at: row.moment_if_any()?,
        version: row.get()?,
    }))
}

/// Whether a payment holds its order or has paid it.
pub(super) const fn is_live(payment: &Payment) -> bool {
    matches!(payment.status, Status::Processing | Status::Paid | Status::PartiallyRefunded)
}

/// What a provider's call is about: an order, and those of its payments that matter to the call.
pub(super) struct Seen<T> {
    pub(super) payable: Payable,
    /// The one of the transaction that the call names; without such a transaction the one that holds the order or has paid it, and
    /// the latest one of this provider that nobody has acted on.
    pub(super) payments: Vec<Payment>,
    /// The transaction that the call names.
    pub(super) known: Option<T>,
}

impl<T> Seen<T> {
    /// Reads the rows of a call: a payable, a payment, and what `known` makes of the rest.
    pub(super) fn read(
        rows: &[PgRow],
        known: impl Fn(&mut Reader<'_>, &Terms) -> Result<Option<T>, Error>,
    ) -> Result<Option<Self>, Error> {
        let mut seen: Option<Self> = None;
        for row in rows {
            let mut row = Reader::new(row);
            let payable = payable(&mut row)?;
            let payment = payment(&mut row, &payable.terms)?;
            let known = known(&mut row, &payable.terms)?;
            let seen = seen.get_or_insert(Self { payable, payments: Vec::new(), known });
            seen.payments.extend(payment);
        }
        Ok(seen)
    }

    /// The payment of the transaction.
    pub(super) fn payment(&self) -> Result<Payment, Error> {
        let payment = self.payments.first().cloned();
        payment.ok_or_else(|| Error::value("a transaction without a payment"))
    }

    /// The payment that holds the order or has paid it.
    pub(super) fn live(&self) -> Option<&Payment> {
        self.payments.iter().find(|payment| is_live(payment))
    }

    /// A payment of this provider that can be started for what is owed now: the latest one waiting, or a new one.
    pub(super) fn startable(&self, provider: Provider, key: String, now: Timestamp) -> Payment {
        let terms = &self.payable.terms;
        let waiting = self.payments.iter().find(|payment| {
            payment.status == Status::Pending
                && payment.provider == provider
                && payment.amount == terms.amount
        });
        waiting.cloned().unwrap_or_else(|| Payment::new(terms, provider, key, now))
    }
}
