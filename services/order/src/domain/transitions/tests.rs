//! Histories of orders.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::testing;

const AT: Timestamp = Timestamp::from_millis(1000);

#[derive(Debug, Clone)]
enum Step {
    Started,
    Ended,
    Paid,
    Refunded,
    Cancel,
    Expire,
    Shipment(usize, ShipmentMove),
}

fn step() -> impl Strategy<Value = Step> {
    let shipment = prop_oneof![
        Just(ShipmentMove::Accept),
        Just(ShipmentMove::Ship { carrier: "bts".to_owned(), tracking: "1".to_owned() }),
        Just(ShipmentMove::Deliver),
        Just(ShipmentMove::Cancel {
            reason: "broken".to_owned(),
            pieces: None,
            refund: RefundId::new(),
        }),
    ];
    prop_oneof![
        Just(Step::Started),
        Just(Step::Ended),
        Just(Step::Paid),
        Just(Step::Refunded),
        Just(Step::Cancel),
        Just(Step::Expire),
        (0usize..3, shipment).prop_map(|(merchant, step)| Step::Shipment(merchant, step)),
    ]
}

fn apply(order: &Order, step: &Step) -> Option<Transition> {
    match step {
        Step::Started => order.payment_started(AT.plus(Duration::from_secs(9)), AT),
        Step::Ended => order.payment_ended(PaymentState::Failed, AT, AT),
        Step::Paid => order.paid(&testing::payment(order), AT),
        Step::Refunded => order.refunded(AT),
        Step::Cancel => order.cancel("shopper", "", AT).ok(),
        Step::Expire => order.expire(AT).ok(),
        Step::Shipment(index, step) => {
            let merchant = order.body.shipments.get(*index)?.merchant;
            order.move_shipment(merchant, step, AT).ok()
        }
    }
}

proptest! {
    /// Whatever happens in whatever order: stock is settled at most once, sold stock belongs to a paid order, released stock to an
    /// ended one, versions have no gaps, and goods are held exactly while payment is awaited.
    #[test]
    fn every_history_is_sound(cash: bool, merchants in 1usize..=3, steps in prop::collection::vec(step(), 0..40)) {
        let mut order = testing::order(merchants, cash);
        let (mut sold, mut released) = (cash, false);
        for step in steps {
            let Some(transition) = apply(&order, &step) else { continue };
            prop_assert_eq!(transition.order.version, order.version + 1);
            match transition.stock {
                StockEffect::Keep => {}
                StockEffect::Sell => {
                    prop_assert!(!sold && !released, "sold once, and not after a release");
                    sold = true;
                }
                StockEffect::Release => {
                    prop_assert!(!released, "released once");
                    released = true;
                }
            }
            order = transition.order;
            prop_assert_eq!(order.status == Status::AwaitingPayment, order.reserved_until.is_some());
            if released {
                prop_assert!(matches!(order.status, Status::Cancelled | Status::Refunded));
            }
            if matches!(order.status, Status::Paid | Status::Shipped | Status::Delivered) {
                prop_assert!(sold, "goods move only when they are sold");
            }
        }
    }
}

#[test]
fn money_after_the_end_is_recorded_and_moves_no_goods() {
    let order = testing::order(1, false);
    let ended = order.expire(AT).unwrap().order;
    let late = ended.paid(&testing::payment(&ended), AT).unwrap();
    assert_eq!(late.order.status, Status::Cancelled);
    assert_eq!(late.order.payment_status, PaymentState::Paid);
    assert_eq!((late.stock, late.event), (StockEffect::Keep, Some("order.paid_after_end")));
}

#[test]
fn two_merchants_ship_one_after_the_other() {
    let order = testing::order(2, false);
    let order = order.paid(&testing::payment(&order), AT).unwrap().order;
    let ship = ShipmentMove::Ship { carrier: "bts".to_owned(), tracking: "1".to_owned() };
    let [first, second] = [order.body.shipments[0].merchant, order.body.shipments[1].merchant];
    let order = order.move_shipment(first, &ship, AT).unwrap().order;
    assert_eq!(order.status, Status::Processing);
    let order = order.move_shipment(second, &ship, AT).unwrap().order;
    assert_eq!(order.status, Status::Shipped);
    assert_eq!(order.cancel("shopper", "", AT).unwrap_err(), Illegal::Cancel);
    assert_eq!(order.move_shipment(first, &ship, AT).unwrap_err(), Illegal::Shipment);
    let order = order.move_shipment(first, &ShipmentMove::Deliver, AT).unwrap().order;
    let order = order.move_shipment(second, &ShipmentMove::Deliver, AT).unwrap().order;
    assert_eq!(order.status, Status::Delivered);
}

#[test]
fn a_second_word_of_the_same_payment_changes_nothing() {
    let order = testing::order(1, false);
    let paid = order.paid(&testing::payment(&order), AT).unwrap().order;
    assert!(paid.paid(&testing::payment(&paid), AT).is_none());
}
