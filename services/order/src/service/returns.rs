//! Goods that come back.

use ids::{OrderId, ReturnId};
use mesh::{Caller, StaffRole};

use super::{Orders, merchant_of};
use crate::{
    domain::{Order, ReturnMove, ReturnState, returns::Wish},
    error::Error,
    store::returns::Mark,
};

impl Orders {
    /// The shopper asks to bring pieces back; the order afterwards.
    pub(crate) async fn request_return(
        &self,
        caller: &Caller,
        (id, token): (OrderId, &str),
        wish: Wish,
    ) -> Result<(Order, ReturnId), Error> {
        self.own(caller, id, token).await?;
        let (at, name) = (self.now(), wish.id);
        let step = move |order: &Order| Ok(Some(order.request_return(&wish, at)?));
        Ok((self.change(id, None, step).await?, name))
    }

    /// Returns of the caller's merchant with their orders, and whether there are more.
    pub(crate) async fn returns(
        &self,
        caller: &Caller,
        state: Option<ReturnState>,
        after: Option<Mark<ReturnId>>,
        limit: u32,
    ) -> Result<(Vec<(ReturnId, Order)>, bool), Error> {
        let merchant = caller.require_merchant(StaffRole::Viewer)?;
        caller.require_scope("orders:read")?;
        let mut found = self.0.store.returns(merchant, state, after, limit + 1).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        Ok((found, more))
    }

    /// The order of a return of the caller's merchant.
    pub(crate) async fn order_of_return(
        &self,
        caller: &Caller,
        id: ReturnId,
    ) -> Result<Order, Error> {
        let merchant = merchant_of(caller)?;
        self.0.store.order_of_return(merchant, id).await?.ok_or(Error::ReturnNotFound)
    }

    /// The caller's merchant answers a return, or has the goods again.
    pub(crate) async fn move_return(
        &self,
        caller: &Caller,
        id: ReturnId,
        step: ReturnMove,
    ) -> Result<Order, Error> {
        let merchant = caller.require_merchant(StaffRole::Operator)?;
        caller.require_scope("orders:write")?;
        let order = self.0.store.order_of_return(merchant, id).await?;
        let order = order.ok_or(Error::ReturnNotFound)?;
        let at = self.now();
        let moved = move |order: &Order| Ok(Some(order.move_return(merchant, id, &step, at)?));
        let order = self.change(order.id, None, moved).await?;
        self.0.refunds.notify_one();
        Ok(order)
    }
}
