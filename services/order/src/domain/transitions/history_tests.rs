//! Histories of money and goods, whatever happens in whatever order.

use std::collections::BTreeMap;

use ids::OfferId;
use money::Money;
use proptest::prelude::*;

use super::{
    money_tests::{cancel, delivered, give, merchant, order_of, paid, pieces, sums, wish},
    *,
};
use crate::domain::{RefundState, returns::ReturnMove};

const AT: Timestamp = Timestamp::from_millis(1000);

#[derive(Debug, Clone)]
enum Act {
    Cancel(usize, usize, u32),
    CancelAll(usize),
    Return(usize, u32),
    Give(usize, i64),
    GivePieces(usize, usize, u32),
    Fail(usize),
    Succeed(usize),
    Ship(usize),
    Deliver(usize),
    CallOff,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0usize..2, 0usize..4, 1u32..4).prop_map(|(m, line, n)| Act::Cancel(m, line, n)),
        (0usize..2).prop_map(Act::CancelAll),
        (0usize..4, 1u32..4).prop_map(|(line, n)| Act::Return(line, n)),
        (0usize..2, 1i64..2000).prop_map(|(m, sum)| Act::Give(m, sum)),
        (0usize..2, 0usize..4, 1u32..4).prop_map(|(m, line, n)| Act::GivePieces(m, line, n)),
        (0usize..6).prop_map(Act::Fail),
        (0usize..6).prop_map(Act::Succeed),
        (0usize..2).prop_map(Act::Ship),
        (0usize..2).prop_map(Act::Deliver),
        Just(Act::CallOff),
    ]
}

fn perform(order: &Order, act: &Act) -> Vec<Transition> {
    let part = |line: usize, quantity| {
        let item = order.body.items.get(line)?;
        Some(Pieces { item: item.id, quantity })
    };
    let one = |step: Result<Transition, Illegal>| step.ok().into_iter().collect::<Vec<_>>();
    let settle = |index: usize, state| {
        let refund = order.body.refunds.get(index);
        refund.and_then(|it| order.refund_stands(it.id, state, ("x", ""), AT)).into_iter().collect()
    };
    match act {
        Act::Cancel(m, line, n) => {
            let Some(part) = part(*line, *n) else { return Vec::new() };
            one(order.move_shipment(merchant(order, *m), &cancel(Some(vec![part])), AT))
        }
        Act::CancelAll(m) => one(order.move_shipment(merchant(order, *m), &cancel(None), AT)),
        Act::Return(line, n) => {
            let Some(part) = part(*line, *n) else { return Vec::new() };
            let owner = order.body.items[*line].merchant;
            let asked = wish(vec![part]);
            let Ok(first) = order.request_return(&asked, AT) else { return Vec::new() };
            let second =
                first.order.move_return(owner, asked.id, &ReturnMove::Approve, AT).unwrap();
            let receive = ReturnMove::Receive { restock: true };
            let third = second.order.move_return(owner, asked.id, &receive, AT).unwrap();
            vec![first, second, third]
        }
        Act::Give(m, sum) => {
            let ask = give(Giving::Sum(Money::uzs(*sum)));
            one(order.give_back(merchant(order, *m), &ask, AT))
        }
        Act::GivePieces(m, line, n) => {
            let Some(part) = part(*line, *n) else { return Vec::new() };
            one(order.give_back(merchant(order, *m), &give(Giving::Pieces(vec![part])), AT))
        }
        Act::Fail(index) => settle(*index, RefundState::Failed),
        Act::Succeed(index) => settle(*index, RefundState::Succeeded),
        Act::Ship(m) => {
            let ship = ShipmentMove::Ship { carrier: "b".to_owned(), tracking: "1".to_owned() };
            one(order.move_shipment(merchant(order, *m), &ship, AT))
        }
        Act::Deliver(m) => {
            one(order.move_shipment(merchant(order, *m), &ShipmentMove::Deliver, AT))
        }
        Act::CallOff => one(order.cancel("shopper", "", AT)),
    }
}

proptest! {
    /// Pieces refunded one by one add up to their line, whatever it cost.
    #[test]
    fn pieces_add_up_to_their_line(quantity in 1u32..40, total in 0i64..100_000, steps in prop::collection::vec(1u32..5, 1..40)) {
        let mut order = delivered(paid(&order_of(1, false, &[(0, quantity, total), (0, 1, 7)], 3)));
        let (owner, mut left) = (merchant(&order, 0), quantity);
        for step in steps.into_iter().chain([40; 2]) {
            let some = step.min(left);
            if some == 0 { break; }
            let ask = give(Giving::Pieces(vec![pieces(&order, 0, some)]));
            left -= some;
            // Pieces that cost nothing have nothing to give back.
            if let Ok(next) = order.give_back(owner, &ask, AT) {
                let fair = total / i64::from(quantity) * i64::from(some);
                let sum = next.order.body.refunds.last().unwrap().amount.amount;
                prop_assert!((fair..=fair + i64::from(some)).contains(&sum));
                order = next.order;
            } else {
                prop_assert!(total < i64::from(quantity));
                return Ok(());
            }
        }
        prop_assert_eq!(left, 0);
        prop_assert_eq!(sums(&order).iter().sum::<i64>(), total);
    }

    /// Whatever happens in whatever order: never more goes back than was paid, of all or of one merchant, never more pieces than
    /// were bought, no piece twice, and when all is back the order says so.
    #[test]
    fn never_more_than_was_paid(
        cash: bool,
        lines in prop::collection::vec((0usize..2, 1u32..5, 1i64..1000), 1..5),
        delivery in 0i64..100,
        acts in prop::collection::vec(act(), 0..40),
    ) {
        let mut order = order_of(2, cash, &lines, delivery);
        if !cash { order = paid(&order); }
        let total = order.body.totals.total.amount;
        let mut back: BTreeMap<OfferId, u32> = BTreeMap::new();
        let mut released = false;
        for act in acts {
            for step in perform(&order, &act) {
                prop_assert_eq!(step.order.version, order.version + 1);
                for moved in &step.pieces {
                    *back.entry(moved.offer).or_default() += moved.quantity;
                }
                prop_assert!(!(released && (step.stock == StockEffect::Release || !step.pieces.is_empty())));
                released |= step.stock == StockEffect::Release;
                order = step.order;
                prop_assert!(order.refunds_sum(None) <= order.paid_sum(), "{:?}", order.body.refunds);
                prop_assert!(order.paid_sum() <= total);
                for item in &order.body.items {
                    prop_assert!(item.cancelled + order.claimed(item) <= item.quantity);
                    prop_assert!(back.get(&item.offer).is_none_or(|pieces| *pieces <= item.quantity));
                    let own: i64 = order.body.refunds.iter()
                        .filter(|it| it.counts() && it.merchant == Some(item.merchant))
                        .map(|it| it.amount.amount).sum();
                    let sold: i64 = order.body.items.iter()
                        .filter(|it| it.merchant == item.merchant).map(|it| order.paid_for(it)).sum();
                    prop_assert!(own <= sold);
                }
                prop_assert!(order.body.refunds.iter().all(|it| it.amount.amount > 0));
                let done = order.refunds_sum(Some(RefundState::Succeeded));
                prop_assert_eq!(order.payment_status == PaymentState::Refunded, done > 0 && done == order.paid_sum());
            }
        }
    }
}
