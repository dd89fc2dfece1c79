//! What use cases have in common: the moves of a payment that touch more than one table.

use clock::Timestamp;
use ids::{OrderId, PaymentId};
use sqlite::{Error, SqliteConnection};

use super::rows;
use crate::{
    domain::{
        Event, Happening, IllegalMove, Payable, Payment, Provider,
        payme::{REASON_CLOSED, REASON_TIMEOUT},
    },
    store::Encode,
};

/// A transaction under way.
pub(super) struct Unit<'c> {
    pub(super) connection: &'c mut SqliteConnection,
    pub(super) encode: Encode,
    pub(super) now: Timestamp,
}

/// A move that the state read in the same transaction rules out: a mistake of ours, which takes everything back.
pub(super) fn illegal(error: IllegalMove) -> Error {
    Error::Sql(sqlx::Error::Protocol(error.to_string()))
}

impl Unit<'_> {
    /// The payment that holds an order or has paid it, after ending it if its time is over.
    pub(super) async fn live(&mut self, order: OrderId) -> Result<Option<Payment>, Error> {
        match rows::live(self.connection, order).await? {
            Some(payment) if payment.is_due(self.now) => {
                self.release(payment, REASON_TIMEOUT).await?;
                Ok(None)
            }
            live => Ok(live),
        }
    }

    /// A payment of this provider that can be started for what is owed now: the latest one waiting, or a new one.
    pub(super) async fn startable(
        &mut self,
        payable: &Payable,
        provider: Provider,
        key: String,
    ) -> Result<Payment, Error> {
        let order = payable.snapshot.order;
        let waiting = rows::pending(self.connection, order, provider).await?;
        let waiting = waiting.filter(|payment| payment.amount == payable.snapshot.amount);
        match waiting {
            Some(payment) => Ok(payment),
            None => {
                let payment = Payment::new(&payable.snapshot, provider, key, self.now);
                rows::save_payment(self.connection, &payment).await?;
                Ok(payment)
            }
        }
    }

    /// A provider holds the order.
    pub(super) async fn start(
        &mut self,
        payment: &mut Payment,
        reference: &str,
        expires_at: Timestamp,
    ) -> Result<(), Error> {
        payment.start(reference, expires_at).map_err(illegal)?;
        rows::save_payment(self.connection, payment).await?;
        self.tell(Happening::Started, payment).await
    }

    /// The money is here: payment and order are paid, and other tries have no use any more.
    pub(super) async fn settle(&mut self, payment: PaymentId) -> Result<(), Error> {
        let mut payment = rows::payment(self.connection, payment).await?;
        let mut payable = rows::payable(self.connection, payment.order).await?;
        payment.pay(self.now).map_err(illegal)?;
        rows::save_payment(self.connection, &payment).await?;
        payable.pay().map_err(illegal)?;
        rows::save_payable(self.connection, &payable).await?;
        rows::cancel_pending(self.connection, payment.order).await?;
        self.tell(Happening::Paid, &payment).await
    }

    /// The money went back.
    pub(super) async fn refund(&mut self, payment: PaymentId) -> Result<(), Error> {
        let mut payment = rows::payment(self.connection, payment).await?;
        let mut payable = rows::payable(self.connection, payment.order).await?;
        payment.refund().map_err(illegal)?;
        rows::save_payment(self.connection, &payment).await?;
        payable.refund().map_err(illegal)?;
        rows::save_payable(self.connection, &payable).await?;
        self.tell(Happening::Refunded, &payment).await
    }

    /// The hold ended without money; the transactions of the provider are over already.
    pub(super) async fn let_go(&mut self, payment: &mut Payment) -> Result<(), Error> {
        payment.cancel().map_err(illegal)?;
        rows::save_payment(self.connection, payment).await?;
        self.tell(Happening::Cancelled, payment).await
    }

    /// Ends a hold from our side, with the transactions that make it.
    pub(super) async fn release(&mut self, mut payment: Payment, reason: i64) -> Result<(), Error> {
        match payment.provider {
            Provider::Payme => {
                super::paymes::give_up(self.connection, payment.id, reason, self.now).await?;
            }
            Provider::Click => {
                super::clicks::give_up(self.connection, payment.id, self.now).await?;
            }
            Provider::Uzcard | Provider::Stripe | Provider::Cash => {}
        }
        self.let_go(&mut payment).await
    }

    /// Ends a hold because its order is closed.
    pub(super) async fn release_closed(&mut self, payment: Payment) -> Result<(), Error> {
        self.release(payment, REASON_CLOSED).await
    }

    /// Ends those of the payments whose time is still over.
    pub(super) async fn expire_all(&mut self, due: Vec<PaymentId>) -> Result<u32, Error> {
        let mut ended = 0;
        for id in due {
            let payment = rows::payment(self.connection, id).await?;
            if payment.is_due(self.now) {
                self.release(payment, REASON_TIMEOUT).await?;
                ended += 1;
            }
        }
        Ok(ended)
    }

    async fn tell(&mut self, what: Happening, payment: &Payment) -> Result<(), Error> {
        let event = Event { what, payment: payment.clone(), at: self.now };
        let draft = (self.encode)(&event);
        Ok(outbox::sqlite::append(self.connection, &[draft], self.now).await?)
    }
}
