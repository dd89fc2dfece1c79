//! What happens after a payment.

use std::{sync::atomic::Ordering, time::Duration};

use fault::{Code, Fault};
use ids::{MerchantId, UserId};
use mesh::{Caller, Kind, StaffRole};
use proto::{
    order as pb,
    payment::{PaymentStatus, refund_payment_response::Outcome},
};
use testkit::{RunningLab, eventually};

use super::{STAGES, available, fakes::World, get, lab, money, place, request, stocked, tell};

/// A paid order of a guest: so many pieces at 1000 tiyin, and 500 for the delivery.
async fn bought(
    lab: &RunningLab,
    world: &World,
    pieces: u32,
) -> (pb::Order, String, String, MerchantId) {
    let (offer, merchant) = stocked(lab, 10).await;
    let cart = world.cart(&[(&offer.id, pieces)]);
    let placed = place(lab, &Caller::guest(), request(&cart, "k")).await.unwrap();
    let order = placed.order.unwrap();
    tell(lab, "payment.paid", &order, PaymentStatus::Paid, 0).await;
    (order, placed.order_token, offer.id, merchant)
}

fn staff(merchant: MerchantId, role: StaffRole) -> Caller {
    Caller { merchant: Some((merchant, role)), ..Caller::user(UserId::new()) }
}

fn admin() -> Caller {
    Caller { roles: vec!["admin".to_owned()], ..Caller::user(UserId::new()) }
}

async fn deliver_it(lab: &RunningLab, order: &pb::Order, merchant: MerchantId) {
    for step in [pb::ShipmentMove::Ship, pb::ShipmentMove::Deliver] {
        let request = pb::MoveShipmentRequest {
            order_id: order.id.clone(),
            r#move: step.into(),
            carrier: "BTS".to_owned(),
            tracking: "7".to_owned(),
            ..Default::default()
        };
        let mut client = lab.mesh.order();
        lab.act(staff(merchant, StaffRole::Operator), client.move_shipment(request)).await.unwrap();
    }
}

fn returning(order: &pb::Order, token: &str, quantity: u32) -> pb::RequestReturnRequest {
    pb::RequestReturnRequest {
        order_id: order.id.clone(),
        order_token: token.to_owned(),
        items: vec![pb::ItemQuantity { item_id: order.items[0].id.clone(), quantity }],
        reason: "broken".to_owned(),
        ..Default::default()
    }
}

fn moving(id: &str, step: pb::ReturnMove) -> pb::MoveReturnRequest {
    pb::MoveReturnRequest {
        id: id.to_owned(),
        r#move: step.into(),
        reason: "worn".to_owned(),
        restock: true,
    }
}

#[tokio::test]
async fn a_paid_order_is_called_off_and_the_money_follows_by_itself() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (order, token, offer, _) = bought(&lab, &world, 3).await;
        world.payments_away.store(true, Ordering::SeqCst);
        let request = pb::CancelOrderRequest {
            id: order.id.clone(),
            order_token: token.clone(),
            reason: "changed my mind".to_owned(),
        };
        let mut client = lab.mesh.order();
        let off = lab.act(Caller::guest(), client.cancel_order(request)).await.unwrap();
        let off = off.into_inner().order.unwrap();
        assert_eq!(off.status(), pb::OrderStatus::Cancelled);
        assert_eq!(available(&lab, &offer).await, 10);
        let sums: Vec<i64> =
            off.refunds.iter().map(|it| it.amount.as_ref().unwrap().amount).collect();
        assert_eq!(sums, [3000, 500], "the goods, and the delivery");
        assert!(off.refunds.iter().all(|refund| refund.status == "pending"));
        // The payment service comes back, and is asked again without anybody's help.
        world.payments_away.store(false, Ordering::SeqCst);
        eventually("the money is back", async || {
            lab.clock.advance(Duration::from_mins(1));
            let order = get(&lab, Caller::guest(), &order.id, &token).await.unwrap();
            order.payment_status() == PaymentStatus::Refunded
        })
        .await;
        let asked = world.refunds.lock().unwrap().clone();
        assert_eq!(asked.values().map(|(_, sum)| sum).sum::<i64>(), 3500);
        eventually("others hear", async || {
            let told = world.told(&order.id);
            told.contains(&"order.cancelled".to_owned())
                && told.contains(&"order.refund_done".to_owned())
                && told.contains(&"order.refunded".to_owned())
        })
        .await;
        lab.stop().await;
    }
}

#[tokio::test]
async fn goods_come_back_and_people_send_the_money() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        *world.refund_outcome.lock().unwrap() = Outcome::NeedsManual;
        let (order, token, offer, merchant) = bought(&lab, &world, 3).await;
        let mut returns = lab.mesh.returns();
        let early = returning(&order, &token, 2);
        let early = lab.act(Caller::guest(), returns.request_return(early)).await.unwrap_err();
        assert_eq!(Fault::from(early).reason, "RETURN_NOT_DELIVERED");
        deliver_it(&lab, &order, merchant).await;
        for (token, quantity, reason) in
            [("", 1, "ORDER_NOT_FOUND"), (token.as_str(), 4, "ITEM_QUANTITY")]
        {
            let refused = returns.request_return(returning(&order, token, quantity));
            let refused = lab.act(Caller::guest(), refused).await.unwrap_err();
            assert_eq!(Fault::from(refused).reason, reason);
        }
        let asked = returns.request_return(returning(&order, &token, 2));
        let asked = lab.act(Caller::guest(), asked).await.unwrap().into_inner().r#return.unwrap();
        assert_eq!(
            (asked.status.as_str(), asked.order_number),
            ("requested", order.number.clone())
        );

        let foreign = staff(MerchantId::new(), StaffRole::Operator);
        let approve = moving(&asked.id, pb::ReturnMove::Approve);
        let refused = lab.act(foreign, returns.move_return(approve.clone())).await.unwrap_err();
        assert_eq!(Fault::from(refused).reason, "RETURN_NOT_FOUND");
        let viewer = staff(merchant, StaffRole::Viewer);
        let refused = lab.act(viewer.clone(), returns.move_return(approve.clone())).await;
        assert_eq!(Fault::from(refused.unwrap_err()).code, Code::Forbidden);
        let list = returns.list_returns(pb::ListReturnsRequest::default());
        assert_eq!(lab.act(viewer, list).await.unwrap().into_inner().returns[0].id, asked.id);
        let operator = || staff(merchant, StaffRole::Operator);
        for (step, status, left) in
            [(pb::ReturnMove::Approve, "approved", 7), (pb::ReturnMove::Receive, "received", 9)]
        {
            let moved = lab.act(operator(), returns.move_return(moving(&asked.id, step))).await;
            let moved = moved.unwrap().into_inner().r#return.unwrap();
            assert_eq!((moved.status.as_str(), available(&lab, &offer).await), (status, left));
        }
        let again = lab.act(operator(), returns.move_return(approve)).await.unwrap_err();
        assert_eq!(Fault::from(again).reason, "RETURN_STATE");

        // Nobody but the platform's owner sees and ends what people have to send.
        let waiting = || pb::ListRefundsRequest { status: "needs_manual".to_owned(), page: None };
        let refused = lab.act(operator(), returns.list_refunds(waiting())).await.unwrap_err();
        assert_eq!(Fault::from(refused).code, Code::Forbidden);
        let mut found = Vec::new();
        for _ in 0..500 {
            let list = lab.act(admin(), returns.list_refunds(waiting())).await.unwrap();
            found = list.into_inner().refunds;
            if !found.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(found[0].amount, Some(money(2000)));
        let done = pb::CompleteRefundRequest { id: found[0].id.clone(), note: "T-77".to_owned() };
        let refused = lab.act(operator(), returns.complete_refund(done.clone())).await.unwrap_err();
        assert_eq!(Fault::from(refused).code, Code::Forbidden);
        for _ in 0..2 {
            let done = lab.act(admin(), returns.complete_refund(done.clone())).await.unwrap();
            assert_eq!(done.into_inner().refund.unwrap().status, "succeeded");
        }
        let after = get(&lab, Caller::guest(), &order.id, &token).await.unwrap();
        assert_eq!(after.returns[0].status, "refunded");
        assert_eq!(after.payment_status(), PaymentStatus::PartiallyRefunded);
        let last = after.timeline.last().unwrap();
        assert_eq!(
            (last.event.as_str(), last.actor.as_str(), last.note.as_str()),
            ("order.refund_done", "admin", "T-77")
        );
        lab.stop().await;
    }
}

#[tokio::test]
async fn nothing_comes_back_after_ten_days_and_the_order_is_completed() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (order, token, _, merchant) = bought(&lab, &world, 1).await;
        deliver_it(&lab, &order, merchant).await;
        let seen = get(&lab, Caller::guest(), &order.id, &token).await.unwrap();
        assert_eq!(seen.items[0].returnable, 1);
        lab.clock.advance(Duration::from_hours(10 * 24 + 1));
        let mut returns = lab.mesh.returns();
        let late = returns.request_return(returning(&order, &token, 1));
        let late = lab.act(Caller::guest(), late).await.unwrap_err();
        assert_eq!(Fault::from(late).reason, "RETURN_WINDOW_OVER");
        eventually("the order is completed", async || {
            let order = get(&lab, Caller::guest(), &order.id, &token).await.unwrap();
            order.status() == pb::OrderStatus::Completed
        })
        .await;
        lab.stop().await;
    }
}

#[tokio::test]
async fn a_merchant_gives_money_back_once_for_each_key() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (order, token, _, merchant) = bought(&lab, &world, 3).await;
        let mut returns = lab.mesh.returns();
        let operator = || staff(merchant, StaffRole::Operator);
        let giving = |sum: i64, key: &str, hash: u8| pb::GiveRefundRequest {
            order_id: order.id.clone(),
            amount: Some(money(sum)),
            reason: "sorry".to_owned(),
            idempotency_key: key.to_owned(),
            request_hash: vec![hash].into(),
            ..Default::default()
        };
        let without = lab.act(operator(), returns.give_refund(giving(100, "", 1))).await;
        assert_eq!(Fault::from(without.unwrap_err()).reason, "IDEMPOTENCY_KEY_REQUIRED");
        let first = lab.act(operator(), returns.give_refund(giving(100, "a", 1))).await.unwrap();
        let first = first.into_inner();
        let again = lab.act(operator(), returns.give_refund(giving(100, "a", 1))).await.unwrap();
        let again = again.into_inner();
        assert_eq!((again.refund, again.replayed), (first.refund, true));
        let other = lab.act(operator(), returns.give_refund(giving(200, "a", 2))).await;
        assert_eq!(Fault::from(other.unwrap_err()).reason, "IDEMPOTENCY_KEY_REUSED");
        let more = lab.act(operator(), returns.give_refund(giving(2901, "b", 3))).await;
        assert_eq!(Fault::from(more.unwrap_err()).reason, "REFUND_TOO_LARGE");
        let foreign = staff(MerchantId::new(), StaffRole::Operator);
        let foreign = lab.act(foreign, returns.give_refund(giving(1, "c", 4))).await;
        assert_eq!(Fault::from(foreign.unwrap_err()).reason, "ORDER_NOT_FOUND");
        let reader = Caller {
            kind: Kind::ApiKey,
            scopes: vec!["orders:read".to_owned()],
            ..staff(merchant, StaffRole::Operator)
        };
        let refused = lab.act(reader, returns.give_refund(giving(1, "d", 5))).await;
        assert_eq!(Fault::from(refused.unwrap_err()).code, Code::Forbidden);
        eventually("the money is back", async || {
            let order = get(&lab, Caller::guest(), &order.id, &token).await.unwrap();
            order.payment_status() == PaymentStatus::PartiallyRefunded
        })
        .await;
        let seen = get(&lab, operator(), &order.id, "").await.unwrap();
        assert_eq!(seen.refunds.len(), 1);
        lab.stop().await;
    }
}
