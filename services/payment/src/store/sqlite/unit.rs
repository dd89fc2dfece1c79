//! What use cases have in common: the moves of a payment that touch more than one table.

use clock::Timestamp;
use ids::{OrderId, PaymentId};
use sqlite::{Connection, Error};

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
    pub(super) connection: &'c Connection,
    pub(super) encode: Encode,
    pub(super) now: Timestamp,
    /// Whether it wrote events.
    pub(super) told: bool,
}

/// A move that the state read in the same transaction rules out: a mistake of ours, which takes everything back.
pub(super) fn illegal(error: IllegalMove) -> Error {
    Error::value(error)
}

impl Unit<'_> {
    /// The payment that holds an order or has paid it, after ending it if its time is over.
    pub(super) fn live(&mut self, order: OrderId) -> Result<Option<Payment>, Error> {
        match rows::live(self.connection, order)? {
            Some(payment) if payment.is_due(self.now) => {
                self.release(payment, REASON_TIMEOUT)?;
                Ok(None)
            }
            live => Ok(live),
        }
    }

    /// A payment of this provider that can be started for what is owed now: the latest one waiting, or a new one, which is not
    /// written yet.
    pub(super) fn startable(
        &self,
        payable: &Payable,
        provider: Provider,
        key: String,
    ) -> Result<Payment, Error> {
        let terms = &payable.terms;
        let waiting = rows::pending(self.connection, terms.order, provider)?;
        let waiting = waiting.filter(|payment| payment.amount == terms.amount);
        Ok(waiting.unwrap_or_else(|| Payment::new(terms, provider, key, self.now)))
    }

    /// A provider holds the order.
    pub(super) fn start(
        &mut self,
        payment: &mut Payment,
        reference: &str,
        expires_at: Timestamp,
    ) -> Result<(), Error> {
        payment.start(reference, expires_at).map_err(illegal)?;
        rows::save_payment(self.connection, payment)?;
        self.tell(Happening::Started, payment)
    }

    /// The money is here: payment and order are paid, and other tries have no use any more.
    pub(super) fn settle(&mut self, payment: PaymentId) -> Result<(), Error> {
        let mut payment = rows::payment(self.connection, payment)?;
        let mut payable = rows::payable(self.connection, payment.order)?;
        payment.pay(self.now).map_err(illegal)?;
        rows::save_payment(self.connection, &payment)?;
        payable.pay().map_err(illegal)?;
        rows::save_state(self.connection, &payable)?;
        rows::cancel_pending(self.connection, payment.order)?;
        self.tell(Happening::Paid, &payment)
    }

    /// The money went back.
    pub(super) fn refund(&mut self, payment: PaymentId) -> Result<(), Error> {
        let mut payment = rows::payment(self.connection, payment)?;
        let mut payable = rows::payable(self.connection, payment.order)?;
        payment.refund().map_err(illegal)?;
        rows::save_payment(self.connection, &payment)?;
        payable.refund().map_err(illegal)?;
        rows::save_state(self.connection, &payable)?;
        self.tell(Happening::Refunded, &payment)
    }

    /// The hold ended without money; the transactions of the provider are over already.
    pub(super) fn let_go(&mut self, mut payment: Payment) -> Result<(), Error> {
        payment.cancel().map_err(illegal)?;
        rows::save_payment(self.connection, &payment)?;
        self.tell(Happening::Cancelled, &payment)
    }

    /// Ends a hold from our side, with the transactions that make it.
    pub(super) fn release(&mut self, payment: Payment, reason: i64) -> Result<(), Error> {
        match payment.provider {
            Provider::Payme => {
                super::paymes::give_up(self.connection, payment.id, reason, self.now)?;
            }
            Provider::Click => super::clicks::give_up(self.connection, payment.id, self.now)?,
            Provider::Uzcard | Provider::Stripe | Provider::Cash => {}
        }
        self.let_go(payment)
    }

    /// Ends a hold because its order is closed.
    pub(super) fn release_closed(&mut self, payment: Payment) -> Result<(), Error> {
        self.release(payment, REASON_CLOSED)
    }

    /// Ends those of the payments whose time is still over.
    pub(super) fn expire_all(&mut self, due: Vec<PaymentId>) -> Result<u32, Error> {
        let mut ended = 0;
        for id in due {
            let payment = rows::payment(self.connection, id)?;
            if payment.is_due(self.now) {
                self.release(payment, REASON_TIMEOUT)?;
                ended += 1;
            }
        }
        Ok(ended)
    }

    pub(super) fn tell(&mut self, what: Happening, payment: &Payment) -> Result<(), Error> {
        let draft = (self.encode)(&Event { what, payment, at: self.now });
        self.told = true;
        outbox::sqlite::append(self.connection, &[draft], self.now)
    }
}
