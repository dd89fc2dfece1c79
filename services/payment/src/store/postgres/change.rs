//! All that a use case changes of an order, in one statement.
//!
//! The statement begins with the order's own row, which it writes over the version that was read; every other part takes its rows
//! from there. So it writes all or nothing, holds the lock of the order before any other, and needs no `begin` and `commit` around it.

use clock::Timestamp;
use ids::PaymentId;
use postgres::uuid;
use sqlx::{PgConnection, QueryBuilder, types::Json};

use super::{
    journal,
    rows::{moment, plain},
};
use crate::{
    domain::{
        Event, Happening, IllegalMove, Payable, Payment, Provider, Snapshot, click,
        payme::{self, REASON_TIMEOUT},
    },
    store::{Encode, Entry},
};

type Statement = QueryBuilder<sqlx::Postgres>;

/// What becomes of the order's own row.
#[derive(Debug)]
enum Row {
    /// It is there from now on.
    New(Snapshot),
    /// The order service says something else of it.
    Retold(Snapshot),
    /// It moves, or nothing but its version does.
    Moved,
}

/// What becomes of transactions of providers.
#[derive(Debug)]
pub(super) enum Part {
    PaymeNew(payme::Transaction),
    PaymeMoved(payme::Transaction),
    /// The open one of the payment ends from our side.
    PaymeGivenUp(PaymentId, i64),
    ClickNew(click::Transaction, String),
    /// The attempt with this number is paid, by this document. Others of the payment must not take money a second time.
    ClickConfirmed(PaymentId, i64, i64),
    /// The attempt with this number is over.
    ClickCancelled(i64),
    /// All open attempts of the payment end.
    ClickGivenUp(PaymentId),
    /// Click wants back what is confirmed under this number.
    ClickDisputed(i64),
}

/// A change of one order.
#[derive(Debug)]
pub(super) struct Change {
    /// As it is after the change, its version included.
    pub(super) payable: Payable,
    row: Row,
    payment: Option<(Payment, Option<Happening>)>,
    part: Option<Part>,
    cancel_pending: bool,
}

impl Change {
    /// Of an order whose own row stays as it was read.
    pub(super) fn of(payable: &Payable) -> Self {
        let version = payable.version + 1;
        Self::moved(Payable { version, ..payable.clone() })
    }

    /// Of an order that made a move.
    pub(super) const fn moved(payable: Payable) -> Self {
        Self { payable, row: Row::Moved, payment: None, part: None, cancel_pending: false }
    }

    /// An order that is heard of for the first time.
    pub(super) fn new(payable: Payable, snapshot: Snapshot) -> Self {
        Self { row: Row::New(snapshot), ..Self::moved(payable) }
    }

    /// An order of which the order service says something else.
    pub(super) fn retold(payable: Payable, snapshot: Snapshot) -> Self {
        Self { row: Row::Retold(snapshot), ..Self::moved(payable) }
    }

    /// With a payment, new or after its move.
    pub(super) fn payment(self, payment: Payment) -> Self {
        Self { payment: Some((payment, None)), ..self }
    }

    /// With a payment of which others are told.
    pub(super) fn telling(self, what: Happening, payment: Payment) -> Self {
        Self { payment: Some((payment, Some(what))), ..self }
    }

    /// With what becomes of transactions.
    pub(super) fn part(self, part: Part) -> Self {
        Self { part: Some(part), ..self }
    }

    /// Ends the tries that nobody has acted on.
    pub(super) fn cancelling_pending(self) -> Self {
        Self { cancel_pending: true, ..self }
    }

    /// The clock ends a hold.
    pub(super) fn expire(payable: &Payable, payment: &Payment) -> Result<Self, IllegalMove> {
        Self::of(payable).release(payment, REASON_TIMEOUT)
    }

    /// Ends a hold from our side, with the transactions that make it.
    pub(super) fn release(self, payment: &Payment, reason: i64) -> Result<Self, IllegalMove> {
        let mut payment = payment.clone();
        payment.cancel()?;
        let part = match payment.provider {
            Provider::Payme => Some(Part::PaymeGivenUp(payment.id, reason)),
            Provider::Click => Some(Part::ClickGivenUp(payment.id)),
            Provider::Uzcard | Provider::Stripe | Provider::Cash => None,
        };
        Ok(Self { part, ..self.telling(Happening::Cancelled, payment) })
    }

    /// The money is here: payment and order are paid, and other tries have no use any more.
    pub(super) fn settle(
        mut payable: Payable,
        mut payment: Payment,
        now: Timestamp,
    ) -> Result<Self, IllegalMove> {
        payment.pay(now)?;
        payable.pay()?;
        Ok(Self::moved(payable).telling(Happening::Paid, payment).cancelling_pending())
    }

    /// The money went back.
    pub(super) fn refund(mut payable: Payable, mut payment: Payment) -> Result<Self, IllegalMove> {
        payment.refund()?;
        payable.refund()?;
        Ok(Self::moved(payable).telling(Happening::Refunded, payment))
    }

    /// Whether others are told.
    pub(super) fn tells(&self) -> bool {
        matches!(self.payment, Some((_, Some(_))))
    }

    /// Writes it with a line of the journal. False when the order is not as it was read: then nothing is written.
    pub(super) async fn write(
        &self,
        connection: &mut PgConnection,
        entry: Option<&Entry>,
        encode: Encode,
        now: Timestamp,
    ) -> Result<bool, sqlx::Error> {
        let mut statement = Statement::new("with held as (");
        self.push_payable(&mut statement);
        if let Some((payment, what)) = &self.payment {
            statement.push("), payment as (");
            push_payment(&mut statement, payment);
            if let Some(what) = *what {
                let draft = encode(&Event { what, payment, at: now });
                statement.push("), told as (");
                outbox::postgres::push(&mut statement, &[draft], now, "held");
            }
        }
        if self.cancel_pending {
            statement.push(
                "), others as (update payments set status = 'cancelled', expires_at = null, version = version + 1
                 from held where payments.order_id = held.order_id and status = 'pending'",
            );
        }
        if let Some(part) = &self.part {
            statement.push("), part as (");
            part.push(&mut statement, now);
        }
        if let Some(entry) = entry {
            statement.push("), line as (");
            journal::push(&mut statement, entry, "held");
        }
        statement.push(") select exists (select from held)");
        statement.build_query_scalar().fetch_one(connection).await
    }

    fn push_payable(&self, statement: &mut Statement) {
        let payable = &self.payable;
        match &self.row {
            Row::New(it) => {
                statement.push(
                    "insert into payables (order_id, reference, amount, currency, payable_until, state,
                     closed_reason, lines, delivery, locale, customer_phone, delivered_at, version) values (",
                );
                let mut values = statement.separated(", ");
                values
                    .push_bind(uuid(it.order))
                    .push_bind(&it.reference)
                    .push_bind(it.amount.amount)
                    .push_bind(it.amount.currency.code())
                    .push_bind(moment(it.payable_until))
                    .push_bind(payable.state.as_str())
                    .push_bind(&payable.closed_reason)
                    .push_bind(Json(&it.lines))
                    .push_bind(it.delivery)
                    .push_bind(&it.locale)
                    .push_bind(&it.customer_phone)
                    .push_bind(payable.delivered_at.map(moment))
                    .push_bind(payable.version);
                statement.push(") on conflict do nothing returning order_id");
                return;
            }
            Row::Retold(it) => {
                statement.push("update payables set ");
                let mut values = statement.separated(", ");
                values.push("reference = ").push_bind_unseparated(&it.reference);
                values.push("amount = ").push_bind_unseparated(it.amount.amount);
                values.push("currency = ").push_bind_unseparated(it.amount.currency.code());
                values.push("payable_until = ").push_bind_unseparated(moment(it.payable_until));
                values.push("lines = ").push_bind_unseparated(Json(&it.lines));
                values.push("delivery = ").push_bind_unseparated(it.delivery);
                values.push("locale = ").push_bind_unseparated(&it.locale);
                values.push("customer_phone = ").push_bind_unseparated(&it.customer_phone);
                values.push("version = ").push_bind_unseparated(payable.version);
            }
            Row::Moved => {
                statement.push("update payables set ");
                let mut values = statement.separated(", ");
                values.push("state = ").push_bind_unseparated(payable.state.as_str());
                values.push("closed_reason = ").push_bind_unseparated(&payable.closed_reason);
                values.push("version = ").push_bind_unseparated(payable.version);
            }
        }
        statement.push(" where order_id = ").push_bind(uuid(payable.terms.order));
        statement
            .push(" and version = ")
            .push_bind(payable.version - 1)
            .push(" returning order_id");
    }
}

/// A new payment, or a known one over the version before: the trigger refuses any other.
fn push_payment(statement: &mut Statement, payment: &Payment) {
    statement.push(
        "insert into payments (id, order_id, provider, status, amount, currency, key, redirect_url, provider_ref,
         created_at, expires_at, paid_at, version) select ",
    );
    let mut values = statement.separated(", ");
    values
        .push_bind(uuid(payment.id))
        .push_bind(uuid(payment.order))
        .push_bind(payment.provider.as_str())
        .push_bind(payment.status.as_str())
        .push_bind(payment.amount.amount)
        .push_bind(payment.amount.currency.code())
        .push_bind(&payment.key)
        .push_bind(&payment.redirect_url)
        .push_bind(&payment.provider_ref)
        .push_bind(moment(payment.created_at))
        .push_bind(payment.expires_at.map(moment))
        .push_bind(payment.paid_at.map(moment))
        .push_bind(payment.version);
    statement.push(
        " from held on conflict (id) do update set status = excluded.status, provider_ref = excluded.provider_ref,
         redirect_url = excluded.redirect_url, expires_at = excluded.expires_at, paid_at = excluded.paid_at,
         version = excluded.version",
    );
}

impl Part {
    fn push(&self, statement: &mut Statement, now: Timestamp) {
        match self {
            Self::PaymeNew(it) => {
                statement.push(
                    "insert into payme_transactions (payme_id, payment_id, order_id, payme_time, create_time, state,
                     amount, account) select ",
                );
                let mut values = statement.separated(", ");
                values
                    .push_bind(plain(&it.id))
                    .push_bind(uuid(it.payment))
                    .push_bind(uuid(it.order))
                    .push_bind(moment(it.time))
                    .push_bind(moment(it.create_time))
                    .push_bind(it.state.code())
                    .push_bind(it.amount)
                    .push_bind(&it.account)
                    .push_unseparated("::json");
                statement.push(" from held");
            }
            Self::PaymeMoved(it) => {
                statement.push("update payme_transactions set ");
                let mut values = statement.separated(", ");
                values.push("state = ").push_bind_unseparated(it.state.code());
                values.push("perform_time = ").push_bind_unseparated(it.perform_time.map(moment));
                values.push("cancel_time = ").push_bind_unseparated(it.cancel_time.map(moment));
                values.push("reason = ").push_bind_unseparated(it.reason);
                statement.push(" from held where payment_id = ").push_bind(uuid(it.payment));
            }
            Self::PaymeGivenUp(payment, reason) => {
                statement.push("update payme_transactions set state = -1, reason = ");
                statement.push_bind(*reason).push(", cancel_time = ").push_bind(moment(now));
                statement.push(" from held where state = 1 and payment_id = ");
                statement.push_bind(uuid(*payment));
            }
            Self::ClickNew(it, amount_text) => {
                statement.push(
                    "insert into click_transactions (prepare_id, click_trans_id, click_paydoc_id, payment_id, order_id,
                     reference, amount_text, amount, state, prepared_at, changed_at) select ",
                );
                let mut values = statement.separated(", ");
                values
                    .push_bind(it.prepare_id)
                    .push_bind(it.trans_id)
                    .push_bind(it.paydoc_id)
                    .push_bind(uuid(it.payment))
                    .push_bind(uuid(it.order))
                    .push_bind(&it.reference)
                    .push_bind(amount_text)
                    .push_bind(it.amount)
                    .push_bind(it.state.as_str())
                    .push_bind(moment(now))
                    .push_bind(moment(now));
                statement.push(" from held");
            }
            Self::ClickConfirmed(payment, prepare_id, paydoc_id) => {
                statement.push("update click_transactions set state = case when prepare_id = chosen then 'confirmed' else 'cancelled' end,
                     confirm_id = case when prepare_id = chosen then chosen end,
                     click_paydoc_id = case when prepare_id = chosen then paydoc else click_paydoc_id end, changed_at = ");
                statement.push_bind(moment(now)).push(" from held, (select ");
                statement.push_bind(*prepare_id).push(" as chosen, ").push_bind(*paydoc_id);
                statement.push(" as paydoc) as it where state = 'prepared' and payment_id = ");
                statement.push_bind(uuid(*payment));
            }
            Self::ClickCancelled(prepare_id) => {
                statement.push("update click_transactions set state = 'cancelled', changed_at = ");
                statement.push_bind(moment(now));
                statement.push(" from held where state = 'prepared' and prepare_id = ");
                statement.push_bind(*prepare_id);
            }
            Self::ClickGivenUp(payment) => {
                statement.push("update click_transactions set state = 'cancelled', changed_at = ");
                statement.push_bind(moment(now));
                statement.push(" from held where state = 'prepared' and payment_id = ");
                statement.push_bind(uuid(*payment));
            }
            Self::ClickDisputed(prepare_id) => {
                statement.push("update click_transactions set disputed_at = ");
                statement.push_bind(moment(now)).push(" from held where prepare_id = ");
                statement.push_bind(*prepare_id);
            }
        }
    }
}
