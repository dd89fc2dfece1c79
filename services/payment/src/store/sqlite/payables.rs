//! Opening and closing an order for payment.

use ids::OrderId;
use money::Money;
use sqlite::Error;

use super::{
    rows,
    unit::{Unit, illegal},
};
use crate::{
    domain::{NotPayable, Payable, PayableState, Payment, Provider, Snapshot, Status},
    store::{Close, Closing, Open, OpenRefusal},
};

pub(super) async fn open(
    unit: &mut Unit<'_>,
    request: Open,
) -> Result<Result<Payment, OpenRefusal>, Error> {
    if let Some(payment) = rows::payment_by_key(unit.connection, &request.key).await? {
        return replay(unit, payment, request).await;
    }
    let order = request.payable.order;
    let known = rows::find_payable(unit.connection, order).await?;
    match known.as_ref().map(|payable| payable.state) {
        Some(PayableState::Paid) => return Ok(Err(OpenRefusal::Paid)),
        Some(PayableState::Closed) => return Ok(Err(OpenRefusal::Over)),
        Some(PayableState::Open) | None => {}
    }
    // From here on the amount may change: nobody holds the order.
    if let Some(live) = unit.live(order).await? {
        let until = live.expires_at.unwrap_or(unit.now);
        return Ok(Err(OpenRefusal::Busy { until }));
    }
    let payable = match known {
        Some(payable) if payable.snapshot == request.payable => payable,
        Some(payable) => {
            let version = payable.version + 1;
            Payable { snapshot: request.payable, version, ..payable }
        }
        None => Payable::new(request.payable),
    };
    if request.provider != Provider::Cash && payable.accepts(unit.now) == Err(NotPayable::Over) {
        return Ok(Err(OpenRefusal::Over));
    }
    let twin = rows::payable_by_reference(unit.connection, &payable.snapshot.reference).await?;
    if twin.as_ref().is_some_and(|twin| twin.snapshot.order != order) {
        return Ok(Err(OpenRefusal::Reference));
    }
    if twin.as_ref() != Some(&payable) {
        rows::save_payable(unit.connection, &payable).await?;
    }
    let mut payment = Payment::new(&payable.snapshot, request.provider, request.key, unit.now);
    payment.redirect_url = request.redirect_url;
    rows::save_payment(unit.connection, &payment).await?;
    Ok(Ok(payment))
}

/// The same key again: the same payment. A way back to the shop is taken over when the first call knew none.
async fn replay(
    unit: &mut Unit<'_>,
    mut payment: Payment,
    request: Open,
) -> Result<Result<Payment, OpenRefusal>, Error> {
    if payment.order != request.payable.order || payment.provider != request.provider {
        return Ok(Err(OpenRefusal::Key));
    }
    let better = request.returns && payment.redirect_url != request.redirect_url;
    if better && payment.status == Status::Pending && payment.amount == request.payable.amount {
        payment.redirect_url = request.redirect_url;
        payment.version += 1;
        rows::save_payment(unit.connection, &payment).await?;
    }
    Ok(Ok(payment))
}

pub(super) async fn close(unit: &mut Unit<'_>, request: Close) -> Result<Closing, Error> {
    let Some(mut payable) = rows::find_payable(unit.connection, request.order).await? else {
        // It was never heard of, and news of it may still be on the way: it must not open then.
        rows::save_payable(unit.connection, &unheard(&request)).await?;
        return Ok(Closing::Closed);
    };
    match payable.state {
        PayableState::Paid => return Ok(Closing::Paid),
        PayableState::Closed => return Ok(Closing::Closed),
        PayableState::Open => {}
    }
    if let Some(live) = unit.live(request.order).await? {
        if let Some(until) = live.expires_at.filter(|_| request.spare_live) {
            return Ok(Closing::Live(until));
        }
        unit.release_closed(live).await?;
    }
    rows::cancel_pending(unit.connection, request.order).await?;
    payable.close(&request.reason).map_err(illegal)?;
    rows::save_payable(unit.connection, &payable).await?;
    Ok(Closing::Closed)
}

/// A closed order of which nothing but the id is known. The id stands in for the number, which no provider can name.
fn unheard(request: &Close) -> Payable {
    let snapshot = Snapshot {
        order: request.order,
        reference: request.order.to_string(),
        amount: Money::uzs(0),
        payable_until: clock::Timestamp::from_millis(0),
        lines: Vec::new(),
        delivery: 0,
        customer_phone: String::new(),
        locale: String::new(),
    };
    let closed_reason = request.reason.clone();
    Payable { state: PayableState::Closed, closed_reason, ..Payable::new(snapshot) }
}

pub(super) async fn delivered(unit: &mut Unit<'_>, order: OrderId) -> Result<(), Error> {
    sqlx::query(
        "update payables set delivered_at = ?, version = version + 1
         where order_id = ? and delivered_at is null",
    )
    .bind(unit.now.millis())
    .bind(order.to_string())
    .execute(&mut *unit.connection)
    .await?;
    Ok(())
}
