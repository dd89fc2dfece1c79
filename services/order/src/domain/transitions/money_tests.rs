//! Money and goods of orders that are cancelled, returned and refunded in parts.

use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::domain::{
    Agreement, Fiscal, Item, RefundState, Text,
    returns::{ReturnMove, ReturnState, Wish},
    testing,
};
use ids::{ItemId, OfferId, ProductId, ReturnId, VariantId};
use money::Money;

const AT: Timestamp = Timestamp::from_millis(1000);
const DAY: Duration = Duration::from_hours(24);

/// An order of these lines (merchant, pieces, what all of them cost), not paid yet.
pub(super) fn order_of(
    merchants: usize,
    cash: bool,
    lines: &[(usize, u32, i64)],
    delivery: i64,
) -> Order {
    let mut order = testing::order(merchants, cash);
    for (index, quantity, total) in lines {
        let shipment = &mut order.body.shipments[*index];
        let item = line(shipment.merchant, *quantity, *total);
        shipment.items.push(item.id);
        order.body.items.push(item);
    }
    let goods: i64 = lines.iter().map(|(.., total)| total).sum();
    order.body.totals.items = Money::uzs(goods);
    order.body.totals.delivery = Money::uzs(delivery);
    order.body.totals.total = Money::uzs(goods + delivery);
    order
}

fn line(merchant: MerchantId, quantity: u32, total: i64) -> Item {
    Item {
        id: ItemId::new(),
        offer: OfferId::new(),
        product: ProductId::new(),
        variant: VariantId::new(),
        merchant,
        merchant_name: String::new(),
        merchant_tin: String::new(),
        sku: String::new(),
        title: Text::default(),
        options: BTreeMap::new(),
        quantity,
        unit_price: Money::uzs(total),
        discount: Money::uzs(0),
        total: Money::uzs(total),
        fiscal: Fiscal::default(),
        picture_url: String::new(),
        adjustments: Vec::new(),
        cancelled: 0,
        backordered: 0,
        returned: 0,
        agreement: None,
    }
}

pub(super) fn paid(order: &Order) -> Order {
    order.paid(&testing::payment(order), AT).unwrap().order
}

pub(super) fn merchant(order: &Order, index: usize) -> MerchantId {
    order.body.shipments[index].merchant
}

pub(super) fn delivered(order: Order) -> Order {
    let ship = ShipmentMove::Ship { carrier: "bts".to_owned(), tracking: "1".to_owned() };
    let merchants: Vec<_> = order.body.shipments.iter().map(|own| own.merchant).collect();
    merchants.into_iter().fold(order, |order, merchant| {
        let order = order.move_shipment(merchant, &ship, AT).unwrap().order;
        order.move_shipment(merchant, &ShipmentMove::Deliver, AT).unwrap().order
    })
}

pub(super) fn pieces(order: &Order, index: usize, quantity: u32) -> Pieces {
    Pieces { item: order.body.items[index].id, quantity }
}

pub(super) fn wish(parts: Vec<Pieces>) -> Wish {
    Wish {
        id: ReturnId::new(),
        parts,
        reason: "broken".to_owned(),
        comment: String::new(),
        photos: Vec::new(),
    }
}

pub(super) fn give(giving: Giving) -> Ask {
    Ask { id: RefundId::new(), giving, reason: "sorry".to_owned() }
}

pub(super) fn cancel(pieces: Option<Vec<Pieces>>) -> ShipmentMove {
    ShipmentMove::Cancel { reason: "sold out".to_owned(), pieces, refund: RefundId::new() }
}

pub(super) fn sums(order: &Order) -> Vec<i64> {
    order.body.refunds.iter().map(|refund| refund.amount.amount).collect()
}

fn all_done(order: Order) -> Order {
    let ids: Vec<_> = order.body.refunds.iter().map(|refund| refund.id).collect();
    ids.into_iter().fold(order, |order, id| {
        let next = order.refund_stands(id, RefundState::Succeeded, ("click", ""), AT);
        next.map_or(order, |next| next.order)
    })
}

#[test]
fn a_paid_order_is_called_off_as_a_whole_before_anything_is_shipped() {
    let order = paid(&order_of(2, false, &[(0, 3, 1000), (1, 1, 500)], 200));
    let called_off = order.cancel("shopper", "late", AT).unwrap();
    assert_eq!(called_off.stock, StockEffect::Release);
    let order = called_off.order;
    assert_eq!((order.status, order.payment_status), (Status::Cancelled, PaymentState::Paid));
    assert_eq!(sums(&order), [1000, 500, 200], "each merchant's, and the delivery");
    assert_eq!(order.body.refunds[2].merchant, None);
    let order = all_done(order);
    assert_eq!((order.status, order.payment_status), (Status::Cancelled, PaymentState::Refunded));
    let half = paid(&order_of(2, false, &[(0, 1, 10), (1, 1, 10)], 0));
    let ship = ShipmentMove::Ship { carrier: "bts".to_owned(), tracking: "1".to_owned() };
    let half = half.move_shipment(merchant(&half, 0), &ship, AT).unwrap().order;
    assert_eq!(half.cancel("shopper", "", AT).unwrap_err(), Illegal::Cancel);
}

#[test]
fn a_merchant_cancels_pieces_then_all_and_the_others_go_on() {
    let order = paid(&order_of(2, false, &[(0, 3, 1000), (0, 1, 70), (1, 1, 500)], 200));
    let (one, two) = (merchant(&order, 0), merchant(&order, 1));
    let some = cancel(Some(vec![pieces(&order, 0, 1)]));
    let step = order.move_shipment(one, &some, AT).unwrap();
    assert_eq!(step.pieces.iter().map(|moved| moved.quantity).collect::<Vec<_>>(), [1]);
    assert_eq!((step.event, sums(&step.order)), (Some("order.items_cancelled"), vec![334]));
    assert_eq!(step.order.status, Status::Paid);
    let rest = step.order.move_shipment(one, &cancel(None), AT).unwrap();
    assert_eq!(rest.pieces.iter().map(|moved| moved.quantity).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(sums(&rest.order), [334, 736]);
    assert_eq!(rest.order.body.shipments[0].status, ShipmentStatus::Cancelled);
    assert_eq!(rest.order.status, Status::Paid, "the other one goes on");
    assert_eq!(rest.order.move_shipment(one, &cancel(None), AT).unwrap_err(), Illegal::Shipment);
    let last = rest.order.move_shipment(two, &cancel(None), AT).unwrap();
    assert_eq!((last.event, last.order.status), (Some("order.cancelled"), Status::Cancelled));
    assert_eq!(sums(&last.order), [334, 736, 500, 200], "the delivery with the last of them");
    assert_eq!(all_done(last.order).payment_status, PaymentState::Refunded);
}

#[test]
fn a_foreign_line_and_too_many_pieces_are_refused() {
    let order = paid(&order_of(2, false, &[(0, 3, 1000), (1, 1, 500)], 0));
    let one = merchant(&order, 0);
    for (index, quantity, refusal) in
        [(1, 1, Illegal::NoItem), (0, 4, Illegal::Quantity), (0, 0, Illegal::Quantity)]
    {
        let wanted = vec![pieces(&order, index, quantity)];
        let refused = order.move_shipment(one, &cancel(Some(wanted.clone())), AT).unwrap_err();
        assert_eq!(refused, refusal);
        let refused = order.give_back(one, &give(Giving::Pieces(wanted)), AT).unwrap_err();
        assert_eq!(refused, refusal);
    }
    let unpaid = order_of(1, true, &[(0, 1, 10)], 0);
    let refused = unpaid.give_back(merchant(&unpaid, 0), &give(Giving::Sum(Money::uzs(1))), AT);
    assert_eq!(refused.unwrap_err(), Illegal::NotPaid);
}

#[test]
fn goods_may_be_brought_back_as_long_as_it_was_agreed_when_they_were_sold() {
    let mut order = order_of(2, false, &[(0, 3, 1000), (1, 1, 500)], 0);
    let agreed = Agreement { commission: 0, vat_percent: 0, hold_days: 14 };
    order.body.items[0].agreement = Some(agreed);
    let order = delivered(paid(&order));
    let until = |index: usize| order.returnable_until(&order.body.shipments[index]);
    assert_eq!([until(0), until(1)], [14, 10].map(|days| Some(AT.plus(DAY * days))));
    assert_eq!(order.completes_at(), until(0));
}

#[test]
fn money_that_came_and_went_unheard_cannot_go_back_again() {
    let order = order_of(2, false, &[(0, 3, 1000), (1, 1, 500)], 200);
    let gone = order.refunded(AT).unwrap();
    assert_eq!(gone.stock, StockEffect::Release);
    let order = gone.order;
    assert_eq!((order.status, order.payment_status), (Status::Refunded, PaymentState::Refunded));
    assert_eq!(order.refunds_sum(Some(RefundState::Succeeded)), 1700);
    assert_eq!(order.refundable(), 0);
    let again = give(Giving::Sum(Money::uzs(1)));
    assert_eq!(
        order.give_back(merchant(&order, 0), &again, AT).unwrap_err(),
        Illegal::RefundTooLarge
    );
    assert!(order.paid(&testing::payment(&order), AT).is_none(), "whatever is heard late");
    let ended = order_of(1, false, &[(0, 1, 10)], 0).expire(AT).unwrap().order;
    let ended = ended.refunded(AT).unwrap().order;
    assert_eq!((ended.status, ended.refundable()), (Status::Cancelled, 0));
    assert_eq!(ended.refunds_sum(None), 10);
}

#[test]
fn goods_come_back_within_ten_days() {
    let order = delivered(paid(&order_of(2, false, &[(0, 3, 1000), (1, 1, 500)], 0)));
    let end = AT.plus(DAY * 10);
    let late =
        order.request_return(&wish(vec![pieces(&order, 0, 1)]), end.plus(Duration::from_millis(1)));
    assert_eq!(late.unwrap_err(), Illegal::ReturnWindow);
    let both = wish(vec![pieces(&order, 0, 1), pieces(&order, 1, 1)]);
    assert_eq!(order.request_return(&both, AT).unwrap_err(), Illegal::OtherMerchant);
    let twice = wish(vec![pieces(&order, 0, 1), pieces(&order, 0, 1)]);
    assert_eq!(order.request_return(&twice, AT).unwrap_err(), Illegal::Quantity);
    let asked = wish(vec![pieces(&order, 0, 2)]);
    let order = order.request_return(&asked, end).unwrap().order;
    let more = wish(vec![pieces(&order, 0, 2)]);
    assert_eq!(order.request_return(&more, AT).unwrap_err(), Illegal::Quantity, "one is left");

    let (one, two) = (merchant(&order, 0), merchant(&order, 1));
    let approve = ReturnMove::Approve;
    assert_eq!(order.move_return(two, asked.id, &approve, AT).unwrap_err(), Illegal::NoReturn);
    let receive = ReturnMove::Receive { restock: true };
    assert_eq!(order.move_return(one, asked.id, &receive, AT).unwrap_err(), Illegal::Return);
    let order = order.move_return(one, asked.id, &approve, AT).unwrap().order;
    assert!(order.complete(end.plus(DAY)).is_none(), "somebody waits for the goods");
    let step = order.move_return(one, asked.id, &receive, AT).unwrap();
    assert_eq!((step.pieces[0].quantity, step.pieces[0].cause), (2, "returned"));
    assert_eq!(sums(&step.order), [667]);
    assert_eq!(step.order.body.items[0].returned, 2);
    let order = all_done(step.order);
    assert_eq!(order.find_return(asked.id).unwrap().state, ReturnState::Refunded);
    assert_eq!(order.payment_status, PaymentState::PartiallyRefunded);
    assert_eq!(order.status, Status::Delivered);
    assert!(order.complete(end.minus(Duration::from_millis(1))).is_none());
    assert_eq!(order.complete(end).unwrap().order.status, Status::Completed);
}

#[test]
fn what_was_refused_may_be_asked_for_again_and_what_is_written_off_stays_off_sale() {
    let order = delivered(paid(&order_of(1, false, &[(0, 1, 1000)], 0)));
    let one = merchant(&order, 0);
    let first = wish(vec![pieces(&order, 0, 1)]);
    let order = order.request_return(&first, AT).unwrap().order;
    let refuse = ReturnMove::Refuse { reason: "worn".to_owned() };
    let order = order.move_return(one, first.id, &refuse, AT).unwrap().order;
    assert_eq!(order.find_return(first.id).unwrap().answer, "worn");
    let second = wish(vec![pieces(&order, 0, 1)]);
    let order = order.request_return(&second, AT).unwrap().order;
    let order = order.move_return(one, second.id, &ReturnMove::Approve, AT).unwrap().order;
    let off = order.move_return(one, second.id, &ReturnMove::Receive { restock: false }, AT);
    let off = off.unwrap();
    assert!(off.pieces.is_empty());
    let order = all_done(off.order);
    assert_eq!((order.status, order.payment_status), (Status::Refunded, PaymentState::Refunded));
    let unsent = paid(&order_of(1, false, &[(0, 1, 1000)], 0));
    let early = unsent.request_return(&wish(vec![pieces(&unsent, 0, 1)]), AT);
    assert_eq!(early.unwrap_err(), Illegal::NotDelivered);
}

#[test]
fn cash_goes_back_only_after_it_came() {
    let order = order_of(2, true, &[(0, 2, 1000), (1, 1, 500)], 100);
    let (one, two) = (merchant(&order, 0), merchant(&order, 1));
    let some = cancel(Some(vec![pieces(&order, 0, 1)]));
    let order = order.move_shipment(one, &some, AT).unwrap().order;
    assert!(order.body.refunds.is_empty(), "nobody has paid");
    let order = order.move_shipment(two, &cancel(None), AT).unwrap().order;
    assert_eq!(order.status, Status::Processing);
    let ship = ShipmentMove::Ship { carrier: "bts".to_owned(), tracking: "1".to_owned() };
    let order = order.move_shipment(one, &ship, AT).unwrap().order;
    let order = order.move_shipment(one, &ShipmentMove::Deliver, AT).unwrap().order;
    assert_eq!((order.status, order.payment_status), (Status::Delivered, PaymentState::Paid));
    assert_eq!(order.paid_sum(), 500 + 100);
    let asked = wish(vec![pieces(&order, 0, 1)]);
    let order = order.request_return(&asked, AT).unwrap().order;
    let order = order.move_return(one, asked.id, &ReturnMove::Approve, AT).unwrap().order;
    let back =
        order.move_return(one, asked.id, &ReturnMove::Receive { restock: true }, AT).unwrap();
    assert_eq!(sums(&back.order), [500]);
}

#[test]
fn late_money_goes_back_as_it_came() {
    let order = order_of(1, false, &[(0, 1, 900)], 100);
    let ended = order.expire(AT).unwrap().order;
    let late = ended.paid(&testing::payment(&ended), AT).unwrap().order;
    assert_eq!((sums(&late), late.body.refunds[0].merchant), (vec![1000], None));
    let done = all_done(late);
    assert_eq!((done.status, done.payment_status), (Status::Cancelled, PaymentState::Refunded));
}

#[test]
fn the_cabinet_of_a_provider_ends_what_was_under_way() {
    let order = delivered(paid(&order_of(1, false, &[(0, 2, 900)], 100)));
    let one = merchant(&order, 0);
    let gift = give(Giving::Sum(Money::uzs(50)));
    let order = order.give_back(one, &gift, AT).unwrap().order;
    let order = order.refund_stands(gift.id, RefundState::NeedsManual, ("payme", ""), AT).unwrap();
    let order = order.order.refunded(AT).unwrap().order;
    assert_eq!(sums(&order), [50, 850, 100]);
    assert!(order.body.refunds.iter().all(|refund| refund.state == RefundState::Succeeded));
    assert_eq!((order.status, order.payment_status), (Status::Refunded, PaymentState::Refunded));
    assert!(order.refunded(AT).is_none(), "told twice, done once");
}

#[test]
fn before_it_is_sent_all_of_the_money_is_all_of_the_goods() {
    let order = paid(&order_of(1, false, &[(0, 2, 900)], 100));
    let one = merchant(&order, 0);
    let all = order.give_back(one, &give(Giving::Sum(Money::uzs(900))), AT).unwrap();
    assert_eq!(all.order.status, Status::Cancelled);
    assert_eq!((sums(&all.order), all.pieces[0].quantity), (vec![900, 100], 2));
    let gift = order.give_back(one, &give(Giving::Sum(Money::uzs(899))), AT).unwrap();
    assert_eq!(gift.order.status, Status::Paid);
    let more = give(Giving::Sum(Money::uzs(2)));
    assert_eq!(gift.order.give_back(one, &more, AT).unwrap_err(), Illegal::RefundTooLarge);
}
