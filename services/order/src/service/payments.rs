//! Another try to pay, and the end of an order.

use ids::OrderId;
use mesh::Caller;
use sha2::{Digest as _, Sha256};

use super::{Orders, checkout::check_key};
use crate::{
    domain::{Illegal, Order, Payment, Provider, Status},
    error::Error,
    peers::Closing,
    store::Key,
};

impl Orders {
    /// Opens another payment for an unpaid order; the payment, encoded by `encode`, and whether it was given before.
    pub(crate) async fn start_payment(
        &self,
        caller: &Caller,
        (id, token): (OrderId, &str),
        provider: Provider,
        (key, hash): (&str, Vec<u8>),
        encode: fn(&Order, &Payment) -> Vec<u8>,
    ) -> Result<(Vec<u8>, bool), Error> {
        check_key(key)?;
        let order = self.own(caller, id, token).await?;
        let scope = format!("payment:{id}");
        let payable = order.status == Status::AwaitingPayment && provider != Provider::Cash;
        let before = if payable {
            let request = Key { scope: scope.clone(), key: key.to_owned(), hash: hash.clone() };
            Some(self.0.store.remember(request, id, self.now()).await?)
        } else {
            // It may have been payable when it was asked first.
            self.0.store.recall(&scope, key).await?
        };
        if let Some(before) = before {
            if before.hash != hash {
                return Err(Error::KeyReused);
            }
            if let Some(response) = before.response {
                return Ok((response, true));
            }
        }
        if !payable {
            return Err(Illegal::Payment.into());
        }
        let payment = self.0.payments.open(&order, provider, &payment_key(id, key)).await?;
        let response = encode(&order, &payment);
        let kept = self.0.store.answer(&scope, key, id, Some(payment), response.clone()).await?;
        let replayed = kept != response;
        Ok((kept, replayed))
    }

    /// The shopper calls an order off.
    pub(crate) async fn cancel(
        &self,
        caller: &Caller,
        (id, token): (OrderId, &str),
        reason: &str,
    ) -> Result<Order, Error> {
        let order = self.own(caller, id, token).await?;
        if order.status == Status::Cancelled {
            return Ok(order);
        }
        if !order.cancellable() {
            return Err(Illegal::Cancel.into());
        }
        // Nobody may pay for it from here on; else nothing is released.
        if !order.has_money()
            && self.0.payments.close(id, "cancelled", false).await? != Closing::Closed
        {
            return Err(Illegal::Cancel.into());
        }
        let at = self.now();
        let reason = reason.to_owned();
        let order = self
            .change(id, None, move |order| match order.status {
                Status::Cancelled => Ok(None),
                _ => Ok(Some(order.cancel("shopper", &reason, at)?)),
            })
            .await?;
        self.0.refunds.notify_one();
        Ok(order)
    }
}

/// Different keys of clients are different payments; their text stays within bounds.
fn payment_key(order: OrderId, key: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(key.as_bytes());
    let mut text = format!("{order}/");
    for byte in digest.iter().take(8) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
