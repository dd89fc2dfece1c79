//! Money that goes back. A refund is written with the move that asks for it; from there a task brings it to its end: it asks the
//! payment service, which goes on where it was however often it is asked, and writes down how the refund stands. Whatever stops
//! in between, the refund is still there and due.

use std::time::Duration;

use ids::{OrderId, RefundId};
use mesh::{Caller, StaffRole};
use tokio_util::sync::CancellationToken;

use super::{Orders, checkout::check_key, concerns};
use crate::{
    domain::{Ask, Order, Refund, RefundState},
    error::Error,
    store::{
        Key, Remembered,
        returns::{Keyed, Mark},
    },
};

/// How often to look for refunds that are due, when nobody says that there is one.
const LOOK: Duration = Duration::from_secs(1);
/// Refunds taken in one go.
const BATCH: u32 = 20;
/// A refund that was taken is left to whoever took it so long.
const TAKEN: Duration = Duration::from_secs(30);
/// What is not known is asked again after so long at first, and at most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(10));

impl Orders {
    /// The caller's merchant gives money back; the refund, encoded by `encode`, and whether it was given before.
    pub(crate) async fn give_refund(
        &self,
        caller: &Caller,
        id: OrderId,
        ask: Ask,
        (key, hash): (&str, Vec<u8>),
        encode: fn(&Order, &Refund) -> Vec<u8>,
    ) -> Result<(Vec<u8>, bool), Error> {
        check_key(key)?;
        let merchant = caller.require_merchant(StaffRole::Operator)?;
        caller.require_scope("orders:write")?;
        let known = self.0.store.find(id).await?;
        if !known.is_some_and(|order| concerns(&order, merchant)) {
            return Err(Error::OrderNotFound);
        }
        let scope = format!("refund:{merchant}:{id}");
        let request = Key { scope, key: key.to_owned(), hash: hash.clone() };
        let (at, name) = (self.now(), ask.id);
        let step = move |order: &Order| Ok(Some(order.give_back(merchant, &ask, at)?));
        let answer = move |order: &Order| {
            let found = order.body.refunds.iter().find(|refund| refund.id == name);
            found.map(|refund| encode(order, refund)).unwrap_or_default()
        };
        let keyed =
            self.0.store.apply_keyed(id, request, Box::new(step), Box::new(answer), at).await?;
        match keyed {
            Keyed::Done(applied, response) => {
                tracing::info!(order.id = %id, refund.id = %name, "a merchant gives money back");
                if applied.told {
                    self.0.relay.wake();
                }
                self.0.refunds.notify_one();
                Ok((response, false))
            }
            Keyed::Before(Remembered { hash: before, response, .. }) if before == hash => {
                Ok((response.ok_or(Error::Contended)?, true))
            }
            Keyed::Before(_) => Err(Error::KeyReused),
        }
    }

    /// Every refund with its order, and whether there are more.
    pub(crate) async fn refunds(
        &self,
        caller: &Caller,
        state: Option<RefundState>,
        after: Option<Mark<RefundId>>,
        limit: u32,
    ) -> Result<(Vec<(RefundId, Order)>, bool), Error> {
        caller.require_admin()?;
        let mut found = self.0.store.refunds(state, after, limit + 1).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        Ok((found, more))
    }

    /// The platform owner has sent the money by hand.
    pub(crate) async fn complete_refund(
        &self,
        caller: &Caller,
        id: RefundId,
        note: &str,
    ) -> Result<Order, Error> {
        caller.require_admin()?;
        let by = caller.user.map(|user| user.to_string()).unwrap_or_default();
        let order = self.0.store.order_of_refund(id).await?.ok_or(Error::RefundNotFound)?;
        let (at, note) = (self.now(), note.to_owned());
        let step = move |order: &Order| {
            let refund = order.body.refunds.iter().find(|refund| refund.id == id);
            match refund.ok_or(Error::RefundNotFound)?.state {
                RefundState::Succeeded => Ok(None),
                RefundState::NeedsManual => {
                    Ok(order.refund_stands(id, RefundState::Succeeded, ("admin", &note), at))
                }
                RefundState::Pending | RefundState::Failed => Err(Error::RefundState),
            }
        };
        let order = self.change(order, None, step).await?;
        tracing::info!(order.id = %order.id, refund.id = %id, admin.id = by, "a refund was sent by hand");
        Ok(order)
    }

    /// Brings refunds to their end until it is told to stop.
    pub(crate) async fn refund_due(self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            self.refund_all().await?;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.0.refunds.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn refund_all(&self) -> Result<(), Error> {
        loop {
            let now = self.now();
            let due = self.0.store.refunds_due(now, now.plus(TAKEN), BATCH).await?;
            let full = due.len() == usize::try_from(BATCH).unwrap_or(usize::MAX);
            for (id, order, tries) in due {
                if let Err(error) = self.refund_one(id, order, tries).await {
                    tracing::warn!(order.id = %order, refund.id = %id, %error, "a refund has to wait");
                }
            }
            if !full {
                return Ok(());
            }
        }
    }

    async fn refund_one(&self, id: RefundId, order: OrderId, tries: u32) -> Result<(), Error> {
        let found = self.0.store.find(order).await?.ok_or(Error::OrderNotFound)?;
        let refund = found.body.refunds.iter().find(|refund| refund.id == id).cloned();
        let Some(refund) = refund.filter(|refund| refund.state == RefundState::Pending) else {
            return Ok(());
        };
        let state = match self.0.payments.refund(order, &refund).await {
            Ok(state) => state,
            Err(fault) => {
                // Not known is pending, whatever the reason.
                tracing::debug!(refund.id = %id, %fault, "the payment service does not say how a refund stands");
                RefundState::Pending
            }
        };
        if state == RefundState::Pending {
            let (first, most) = AGAIN;
            let pause = first.saturating_mul(1 << tries.min(10)).min(most);
            return self.0.store.refund_later(id, self.now().plus(pause)).await;
        }
        if state == RefundState::Failed {
            tracing::error!(order.id = %order, refund.id = %id, "there is no money to give back for a refund");
        }
        let (at, name) = (self.now(), refund.id);
        let actor = found.body.provider.as_str();
        let step = move |order: &Order| Ok(order.refund_stands(name, state, (actor, ""), at));
        self.change(order, None, step).await?;
        self.0.refunded.with_label_values(&[state.as_str()]).inc();
        Ok(())
    }
}
