//! Opening and closing an order for payment.

use ids::OrderId;
use money::Money;
use sqlite::{Error, params};

use super::{
    rows,
    unit::{Unit, illegal},
};
use crate::{
    domain::{NotPayable, Payable, PayableState, Payment, Provider, Snapshot, Status},
    store::{Close, Closing, Open, OpenRefusal},
};

pub(super) fn open(
    unit: &mut Unit<'_>,
    request: Open,
) -> Result<Result<Payment, OpenRefusal>, Error> {
    if let Some(payment) = rows::payment_by_key(unit.connection, &request.key)? {
        return replay(unit, payment, request);
    }
    let snapshot = request.payable;
    let order = snapshot.order;
    let (known, others): (Vec<_>, Vec<_>) =
        rows::twins(unit.connection, order, &snapshot.reference)?
            .into_iter()
            .partition(|twin| twin.snapshot.order == order);
    let known = known.into_iter().next();
    match known.as_ref().map(|known| known.payable.state) {
        Some(PayableState::Paid) => return Ok(Err(OpenRefusal::Paid)),
        Some(PayableState::Closed) => return Ok(Err(OpenRefusal::Over)),
        // From here on the amount may change: nobody holds the order.
        Some(PayableState::Open) => {
            if let Some(live) = unit.live(order)? {
                let until = live.expires_at.unwrap_or(unit.now);
                return Ok(Err(OpenRefusal::Busy { until }));
            }
        }
        None => {}
    }
    let (payable, changed) = match known {
        Some(known) if known.snapshot == snapshot => (known.payable, false),
        Some(known) => {
            let version = known.payable.version + 1;
            (Payable { terms: snapshot.terms(), version, ..known.payable }, true)
        }
        None => (Payable::new(snapshot.terms()), true),
    };
    if request.provider != Provider::Cash && payable.accepts(unit.now) == Err(NotPayable::Over) {
        return Ok(Err(OpenRefusal::Over));
    }
    if !others.is_empty() {
        return Ok(Err(OpenRefusal::Reference));
    }
    if changed {
        rows::save_payable(unit.connection, &payable, &snapshot)?;
    }
    let mut payment = Payment::new(&payable.terms, request.provider, request.key, unit.now);
    payment.redirect_url = request.redirect_url;
    rows::save_payment(unit.connection, &payment)?;
    Ok(Ok(payment))
}

/// The same key again: the same payment. A way back to the shop is taken over when the first call knew none.
fn replay(
    unit: &Unit<'_>,
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
        rows::save_payment(unit.connection, &payment)?;
    }
    Ok(Ok(payment))
}

pub(super) fn close(unit: &mut Unit<'_>, request: Close) -> Result<Closing, Error> {
    let Some(mut payable) = rows::find_payable(unit.connection, request.order)? else {
        // It was never heard of, and news of it may still be on the way: it must not open then.
        unheard(unit, request)?;
        return Ok(Closing::Closed);
    };
    match payable.state {
        PayableState::Paid => return Ok(Closing::Paid),
        PayableState::Closed => return Ok(Closing::Closed),
        PayableState::Open => {}
    }
    if let Some(live) = unit.live(request.order)? {
        if let Some(until) = live.expires_at.filter(|_| request.spare_live) {
            return Ok(Closing::Live(until));
        }
        unit.release_closed(live)?;
    }
    rows::cancel_pending(unit.connection, request.order)?;
    payable.close(&request.reason).map_err(illegal)?;
    rows::save_state(unit.connection, &payable)?;
    Ok(Closing::Closed)
}

/// Writes a closed order of which nothing but the id is known. The id stands in for the number, which no provider can name.
fn unheard(unit: &Unit<'_>, request: Close) -> Result<(), Error> {
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
    let payable = Payable {
        state: PayableState::Closed,
        closed_reason: request.reason,
        ..Payable::new(snapshot.terms())
    };
    rows::save_payable(unit.connection, &payable, &snapshot)
}

pub(super) fn delivered(unit: &mut Unit<'_>, order: OrderId) -> Result<(), Error> {
    unit.connection.execute(
        "update payables set delivered_at = ?, version = version + 1
         where order_id = ? and delivered_at is null",
        params![unit.now.millis(), order.to_string()],
    )?;
    Ok(())
}
