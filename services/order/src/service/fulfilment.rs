//! Lists of orders, and what merchants do with theirs.

use ids::OrderId;
use mesh::{Caller, StaffRole};

use super::{Orders, concerns, merchant_of};
use crate::{
    domain::{Illegal, Order, ShipmentMove, ShipmentStatus, Status},
    error::Error,
    peers::Closing,
    store::{Listing, Place},
};

/// A page of orders: the orders, whether there are more, and how many there are if that was asked.
pub(crate) type Page = (Vec<Order>, bool, Option<u64>);

impl Orders {
    /// The caller's own orders.
    pub(crate) async fn mine(
        &self,
        caller: &Caller,
        after: Option<Place>,
        limit: u32,
        count: bool,
    ) -> Result<Page, Error> {
        let user = caller.require_user()?;
        self.page(Listing::User(user), after, limit, count).await
    }

    /// Orders with a shipment of the caller's merchant, cut down to that merchant's part.
    pub(crate) async fn of_merchant(
        &self,
        caller: &Caller,
        status: Option<ShipmentStatus>,
        (after, limit, count): (Option<Place>, u32, bool),
    ) -> Result<Page, Error> {
        let merchant = caller.require_merchant(StaffRole::Viewer)?;
        caller.require_scope("orders:read")?;
        let listing = Listing::Merchant(merchant, status);
        let (orders, more, count) = self.page(listing, after, limit, count).await?;
        let orders = orders.into_iter().map(|order| order.for_merchant(merchant)).collect();
        Ok((orders, more, count))
    }

    /// Every order.
    pub(crate) async fn all(
        &self,
        caller: &Caller,
        after: Option<Place>,
        limit: u32,
        count: bool,
    ) -> Result<Page, Error> {
        if !caller.is_service() {
            caller.require_admin()?;
        }
        self.page(Listing::Everything, after, limit, count).await
    }

    async fn page(
        &self,
        listing: Listing,
        after: Option<Place>,
        limit: u32,
        count: bool,
    ) -> Result<Page, Error> {
        let mut orders = self.0.store.list(listing, after, limit + 1).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = orders.len() > limit;
        orders.truncate(limit);
        let count = if count { Some(self.0.store.count(listing).await?) } else { None };
        Ok((orders, more, count))
    }

    /// Moves the caller's merchant's shipment of an order.
    pub(crate) async fn move_shipment(
        &self,
        caller: &Caller,
        id: OrderId,
        step: ShipmentMove,
    ) -> Result<Order, Error> {
        let merchant = caller.require_merchant(StaffRole::Operator)?;
        caller.require_scope("orders:write")?;
        merchant_of(caller)?;
        let cancels = matches!(step, ShipmentMove::Cancel { .. });
        let at = self.now();
        let moved = move |order: &Order| {
            // What is not the merchant's is not there.
            if !concerns(order, merchant) {
                return Err(Error::OrderNotFound);
            }
            Ok(Some(order.move_shipment(merchant, &step, at)?))
        };
        if cancels {
            let order = self.0.store.find(id).await?.ok_or(Error::OrderNotFound)?;
            // Nothing is closed for a move that is not possible, nor for one after which the order goes on.
            let ends = moved(&order)?.is_some_and(|next| next.order.status == Status::Cancelled);
            let unpaid = ends && !order.has_money();
            if unpaid && self.0.payments.close(id, "cancelled", false).await? != Closing::Closed {
                return Err(Illegal::Shipment.into());
            }
        }
        let order = self.change(id, None, moved).await?;
        self.0.refunds.notify_one();
        Ok(order.for_merchant(merchant))
    }
}
