//! Money that goes back.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::RefundId;
use sqlite::{Connection, Error, FromRow, Row, params};

use super::{
    SqlitePayments, Verdict, rows,
    unit::{Unit, illegal},
};
use crate::{
    domain::{
        Happening, PayableState, Provider,
        refund::{self, Refund, RefundState},
    },
    store::refunds::{Asking, NameTaken, RefundStore},
};

macro_rules! select_refund {
    ($rest:literal) => {
        concat!(
            "select r.id, r.order_id, r.payment_id, p.provider, r.amount, r.state, r.note, r.asked_at
             from refunds r left join payments p on p.id = r.payment_id ",
            $rest
        )
    };
}

impl FromRow for Refund {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let payment: Option<String> = row.get(2)?;
        let payment = payment.map(|id| id.parse()).transpose();
        let payment = payment.map_err(|error: ids::ParseIdError| Error::value(error))?;
        let provider: Option<String> = row.get(3)?;
        Ok(Self {
            id: rows::parsed(row, 0)?,
            order: rows::parsed(row, 1)?,
            payment,
            provider: provider.as_deref().and_then(Provider::parse),
            amount: row.get(4)?,
            state: rows::named(row, 5, RefundState::parse)?,
            note: row.get(6)?,
            asked_at: rows::moment_if_any(row, 7)?,
        })
    }
}

fn find(connection: &Connection, id: RefundId) -> Result<Option<Refund>, Error> {
    connection.first(select_refund!("where r.id = ?"), [id.to_string()])
}

fn begin(unit: &mut Unit<'_>, asking: Asking) -> Result<Result<Refund, NameTaken>, Error> {
    let Asking { id, order, amount } = asking;
    if let Some(known) = find(unit.connection, id)? {
        let same = known.order == order && known.amount == amount;
        return Ok(if same { Ok(known) } else { Err(NameTaken) });
    }
    let payments = rows::payments(unit.connection, order, 100)?;
    let payment = refund::source(&payments);
    let before: i64 = unit.connection.one(
        "select coalesce(sum(amount), 0) from refunds where payment_id = ? and state <> 'failed'",
        [payment.map(|payment| payment.id.to_string())],
    )?;
    let (state, note) = refund::beginning(payment, before, amount);
    unit.connection.execute(
        "insert into refunds (id, order_id, payment_id, amount, state, note, created_at) values (?, ?, ?, ?, ?, ?, ?)",
        params![
            id.to_string(),
            order.to_string(),
            payment.map(|payment| payment.id.to_string()),
            amount,
            state.as_str(),
            note,
            unit.now.millis()
        ],
    )?;
    if payment.is_some_and(|it| before + amount == it.amount.amount) {
        // All of it is to go back: the cabinet of a provider may take the payment back although the goods were delivered.
        unit.connection.execute(
            "update payables set delivered_at = null, version = version + 1
             where order_id = ? and delivered_at is not null",
            [order.to_string()],
        )?;
    }
    find(unit.connection, id)?.ok_or_else(|| Error::value("a refund that is not there")).map(Ok)
}

fn settled(unit: &mut Unit<'_>, id: RefundId, state: RefundState, note: &str) -> Result<(), Error> {
    let changed = unit.connection.execute(
        "update refunds set state = ?2, note = ?3, settled_at = ?4 where id = ?1
         and (state in ('pending', 'asked') or (state = 'needs_manual' and ?2 = 'succeeded'))",
        params![id.to_string(), state.as_str(), note, unit.now.millis()],
    )?;
    let refund = find(unit.connection, id)?;
    let Some(payment) = refund.and_then(|refund| refund.payment) else { return Ok(()) };
    if changed == 0 || state != RefundState::Succeeded {
        return Ok(());
    }
    let mut payment = rows::payment(unit.connection, payment)?;
    if !payment.is_paid() {
        return Ok(());
    }
    let back: i64 = unit.connection.one(
        "select coalesce(sum(amount), 0) from refunds where payment_id = ? and state = 'succeeded'",
        [payment.id.to_string()],
    )?;
    if back < payment.amount.amount {
        payment.refund_part().map_err(illegal)?;
        return rows::save_payment(unit.connection, &payment);
    }
    payment.refund().map_err(illegal)?;
    rows::save_payment(unit.connection, &payment)?;
    let mut payable = rows::payable(unit.connection, payment.order)?;
    if payable.state == PayableState::Paid {
        payable.refund().map_err(illegal)?;
        rows::save_state(unit.connection, &payable)?;
    }
    unit.tell(Happening::Refunded, &payment)
}

#[async_trait]
impl RefundStore for SqlitePayments {
    async fn refund_begin(&self, asking: Asking, now: Timestamp) -> Verdict<Refund, NameTaken> {
        self.job(now, move |unit| begin(unit, asking)).await
    }

    async fn refund_asked(
        &self,
        id: RefundId,
        known: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let asked = move |unit: &mut Unit<'_>| {
            unit.connection.execute(
                "update refunds set state = 'asked', asked_at = ?3 where id = ?1
                 and ((state = 'pending' and ?2 is null) or (state = 'asked' and asked_at = ?2))",
                params![id.to_string(), known.map(Timestamp::millis), now.millis()],
            )
        };
        Ok(self.job(now, asked).await? == 1)
    }

    async fn refund_unasked(&self, id: RefundId) -> Result<(), Fault> {
        let unasked = move |connection: &Connection| -> Result<u64, Error> {
            connection.execute(
                "update refunds set state = 'pending' where id = ? and state = 'asked'",
                [id.to_string()],
            )
        };
        self.database.write(unasked).await?;
        Ok(())
    }

    async fn refund_settled(
        &self,
        id: RefundId,
        state: RefundState,
        note: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let note = note.to_owned();
        self.job(now, move |unit| settled(unit, id, state, &note)).await
    }

    async fn click_paid(&self, id: RefundId) -> Result<Option<(i64, i64)>, Fault> {
        self.read(move |connection| {
            connection.first(
                "select t.click_paydoc_id, t.amount from refunds r join click_transactions t on t.payment_id = r.payment_id
                 where r.id = ? and t.state = 'confirmed'",
                [id.to_string()],
            )
        })
        .await
    }
}
