//! Histories of orders, as the ledger keeps them.

use ids::{ItemId, OfferId, ProductId, PromotionId, RefundId, ReturnId, VariantId};
use proptest::prelude::*;

use super::*;
use crate::domain::{
    Adjustment, Ask, Fiscal, Giving, RefundState, ReturnMove, ShipmentMove, Text, Transition,
    discounts::DeliveryDiscount,
    returns::{Pieces, Wish},
    testing,
};

const AT: Timestamp = Timestamp::from_millis(1000);
const DAY: i64 = 86_400_000;
/// A line: price, pieces, discount by the merchant and by the platform in thousandths, commission.
type Line = (i64, u32, u32, u32, u32);

fn line() -> impl Strategy<Value = Line> {
    (1i64..50_000_000, 1u32..6, 0u32..400, 0u32..500, 0u32..3000)
}

fn item(shipment: &Shipment, (price, quantity, own, ours, commission): Line) -> Item {
    let whole = price * i64::from(quantity);
    let part = |share: u32, by| Adjustment {
        promotion: PromotionId::new(),
        name: Text::default(),
        code: String::new(),
        amount: Money::uzs(whole * i64::from(share) / 1000),
        funded_by: by,
    };
    let adjustments = vec![part(own, Funder::Merchant), part(ours, Funder::Platform)];
    let discount: i64 = adjustments.iter().map(|part| part.amount.amount).sum();
    Item {
        id: ItemId::new(),
        offer: OfferId::new(),
        product: ProductId::new(),
        variant: VariantId::new(),
        merchant: shipment.merchant,
        merchant_name: String::new(),
        merchant_tin: String::new(),
        sku: String::new(),
        title: Text::default(),
        options: BTreeMap::new(),
        quantity,
        unit_price: Money::uzs(price),
        discount: Money::uzs(discount),
        total: Money::uzs(whole - discount),
        fiscal: Fiscal::default(),
        picture_url: String::new(),
        adjustments,
        cancelled: 0,
        backordered: 0,
        returned: 0,
        agreement: Some(Agreement { commission, vat_percent: 12, hold_days: 10 }),
    }
}

fn order(cash: bool, merchants: &[Vec<Line>], fee: i64) -> Order {
    let mut order = testing::order(merchants.len(), cash);
    let shipments = order.body.shipments.clone();
    for (shipment, lines) in shipments.iter().zip(merchants) {
        order.body.items.extend(lines.iter().map(|line| item(shipment, *line)));
    }
    let sum = |part: fn(&Item) -> i64| order.body.items.iter().map(part).sum::<i64>();
    let (goods, discount) = (sum(|item| item.total.amount), sum(|item| item.discount.amount));
    order.body.totals.items = Money::uzs(goods + discount);
    order.body.totals.discount = Money::uzs(discount);
    order.body.totals.delivery = Money::uzs(fee);
    order.body.totals.total = Money::uzs(goods + fee);
    order
}

#[derive(Debug, Clone)]
enum Step {
    Paid,
    Refunded,
    Cancel,
    Expire,
    Shipment(usize, ShipmentMove),
    Lacks(usize, usize, u32),
    Give(usize, i64),
    GivePieces(usize, usize, u32),
    Bring(usize, u32),
    Receive(usize, bool),
    Settle(usize, RefundState),
}

fn step() -> impl Strategy<Value = Step> {
    let shipment = prop_oneof![
        Just(ShipmentMove::Accept),
        Just(ShipmentMove::Ship { carrier: "bts".to_owned(), tracking: "1".to_owned() }),
        Just(ShipmentMove::Deliver),
        Just(ShipmentMove::Cancel {
            reason: "broken".to_owned(),
            pieces: None,
            refund: RefundId::new()
        }),
    ];
    let state = prop_oneof![
        3 => Just(RefundState::Succeeded),
        1 => Just(RefundState::Failed),
        1 => Just(RefundState::NeedsManual),
    ];
    prop_oneof![
        3 => Just(Step::Paid),
        1 => Just(Step::Refunded),
        1 => Just(Step::Cancel),
        1 => Just(Step::Expire),
        6 => (0usize..3, shipment).prop_map(|(merchant, step)| Step::Shipment(merchant, step)),
        2 => (0usize..3, 0usize..3, 1u32..4).prop_map(|(m, line, n)| Step::Lacks(m, line, n)),
        2 => (0usize..3, 1i64..9_000_000).prop_map(|(merchant, sum)| Step::Give(merchant, sum)),
        2 => (0usize..3, 0usize..3, 1u32..4).prop_map(|(m, line, n)| Step::GivePieces(m, line, n)),
        2 => (0usize..6, 1u32..4).prop_map(|(line, pieces)| Step::Bring(line, pieces)),
        2 => (0usize..4, any::<bool>()).prop_map(|(index, restock)| Step::Receive(index, restock)),
        4 => (0usize..6, state).prop_map(|(index, state)| Step::Settle(index, state)),
    ]
}

fn pieces(order: &Order, merchant: MerchantId, line: usize, quantity: u32) -> Option<Vec<Pieces>> {
    let mut own = order.body.items.iter().filter(|item| item.merchant == merchant);
    Some(vec![Pieces { item: own.nth(line)?.id, quantity }])
}

fn apply(order: &Order, step: &Step) -> Option<Transition> {
    let merchant =
        |index: &usize| order.body.shipments.get(*index).map(|shipment| shipment.merchant);
    let ask = |giving| Ask { id: RefundId::new(), giving, reason: String::new() };
    match step {
        Step::Paid => order.paid(&testing::payment(order), AT),
        Step::Refunded if !order.has_money() => None,
        Step::Refunded => order.refunded(AT),
        Step::Cancel => order.cancel("shopper", "", AT).ok(),
        Step::Expire => order.expire(AT).ok(),
        Step::Shipment(index, step) => order.move_shipment(merchant(index)?, step, AT).ok(),
        Step::Lacks(index, line, quantity) => {
            let merchant = merchant(index)?;
            let pieces = pieces(order, merchant, *line, *quantity)?;
            order.cancel_pieces(merchant, Some(&pieces), "", RefundId::new(), AT).ok()
        }
        Step::Give(index, sum) => {
            order.give_back(merchant(index)?, &ask(Giving::Sum(Money::uzs(*sum))), AT).ok()
        }
        Step::GivePieces(index, line, quantity) => {
            let merchant = merchant(index)?;
            let pieces = pieces(order, merchant, *line, *quantity)?;
            order.give_back(merchant, &ask(Giving::Pieces(pieces)), AT).ok()
        }
        Step::Bring(line, quantity) => {
            let parts = vec![Pieces { item: order.body.items.get(*line)?.id, quantity: *quantity }];
            let wish = Wish {
                id: ReturnId::new(),
                parts,
                reason: String::new(),
                comment: String::new(),
                photos: Vec::new(),
            };
            order.request_return(&wish, AT).ok()
        }
        Step::Receive(index, restock) => {
            let wanted = order.body.returns.get(*index)?;
            let move_to = |order: &Order, step: &ReturnMove| {
                order.move_return(wanted.merchant, wanted.id, step, AT).ok()
            };
            let restock = *restock;
            move_to(order, &ReturnMove::Receive { restock })
                .or_else(|| move_to(order, &ReturnMove::Approve))
        }
        Step::Settle(index, state) => {
            let id = order.body.refunds.get(*index)?.id;
            order.refund_stands(id, *state, ("payme", ""), AT)
        }
    }
}

type Sums = BTreeMap<(Option<MerchantId>, Account), i64>;

fn post(sums: &mut Sums, postings: &[Posting]) {
    for posting in postings {
        assert!(posting.amount.amount > 0 && posting.debit != posting.credit, "{posting:?}");
        *sums.entry((posting.merchant, posting.debit)).or_insert(0) -= posting.amount.amount;
        *sums.entry((posting.merchant, posting.credit)).or_insert(0) += posting.amount.amount;
    }
    sums.retain(|_, sum| *sum != 0);
}

fn account(sums: &Sums, account: Account) -> i64 {
    sums.iter().filter(|((_, own), _)| *own == account).map(|own| own.1).sum()
}

fn by_kind(postings: &[Posting], merchant: MerchantId, kind: Kind) -> i64 {
    postings
        .iter()
        .filter(|it| it.merchant == Some(merchant) && it.kind == kind)
        .map(|it| {
            let sign = i64::from(it.credit == Account::Merchant)
                - i64::from(it.debit == Account::Merchant);
            sign * it.amount.amount
        })
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    /// Debits are credits, the postings of all moves add up to where the order stands, and shoppers are owed what goes back to them.
    #[test]
    fn every_history_is_in_balance(
        cash: bool,
        merchants in prop::collection::vec(prop::collection::vec(line(), 1..=3), 1..=3),
        fee in 0i64..4_000_000,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut now = order(cash, &merchants, fee);
        let mut sums = Sums::new();
        let mut all = postings(None, &now);
        prop_assert!(all.is_empty());
        for step in steps {
            let Some(Transition { order: after, .. }) = apply(&now, &step) else { continue };
            let move_postings = postings(Some(&now), &after);
            let mut sides: Vec<_> =
                move_postings.iter().map(|it| (it.merchant, it.debit, it.credit)).collect();
            sides.sort_unstable();
            sides.dedup();
            prop_assert_eq!(sides.len(), move_postings.len(), "once for each move");
            post(&mut sums, &move_postings);
            all.extend(move_postings);
            now = after;
            prop_assert_eq!(sums.values().sum::<i64>(), 0);
            prop_assert_eq!(&sums, &expected(&now));
            for shipment in &now.body.shipments {
                let merchant = shipment.merchant;
                let held = sums.get(&(Some(merchant), Account::Merchant)).copied().unwrap_or(0);
                let kinds = [Kind::Sale, Kind::Commission, Kind::Refund, Kind::Delivery];
                let parts: i64 = kinds.iter().map(|kind| by_kind(&all, merchant, *kind)).sum();
                prop_assert_eq!(held, parts);
                prop_assert!(held >= 0, "no merchant owes for a sale");
                let left = now.refundable_of(Some(merchant));
                let fee = sums.get(&(Some(merchant), Account::Commission)).copied().unwrap_or(0);
                prop_assert!(fee >= 0);
                if now.has_money() && left == 0 {
                    prop_assert_eq!((held, fee), (0, 0), "all of it went back, and all of the fee");
                }
            }
            let waits: i64 = now.body.refunds.iter()
                .filter(|it| matches!(it.state, RefundState::Pending | RefundState::NeedsManual))
                .map(|it| it.amount.amount).sum();
            let failed = now.body.refunds.iter().any(|it| it.state == RefundState::Failed);
            let owed = account(&sums, Account::Shopper);
            if received(&now) {
                prop_assert!(owed >= 0);
                if !failed {
                    prop_assert_eq!(owed, waits);
                }
                prop_assert_eq!(-account(&sums, Account::Clearing), now.paid_sum() - returned(&now));
            } else {
                prop_assert!(owed <= 0, "cash that is not here yet");
            }
        }
    }
}

fn balances(order: &Order, account: Account) -> Vec<i64> {
    let sums = expected(order);
    let of = |shipment: &Shipment| sums.get(&(Some(shipment.merchant), account)).copied();
    order.body.shipments.iter().map(|shipment| of(shipment).unwrap_or(0)).collect()
}

fn paid(order: &Order) -> Order {
    order.paid(&testing::payment(order), AT).unwrap().order
}

fn delivered(order: &Order, index: usize, at: Timestamp) -> Order {
    let merchant = order.body.shipments[index].merchant;
    let ship = ShipmentMove::Ship { carrier: "bts".to_owned(), tracking: "1".to_owned() };
    let shipped = order.move_shipment(merchant, &ship, AT).unwrap().order;
    shipped.move_shipment(merchant, &ShipmentMove::Deliver, at).unwrap().order
}

#[test]
fn a_sale_is_the_price_with_what_the_platform_pays_less_commission_and_its_vat() {
    // 1000 so'm with 100 off by the merchant and 200 off by the platform, at 10 %.
    let placed = order(false, &[vec![(100_000, 1, 100, 200, 1000)]], 20_000);
    assert_eq!(placed.body.totals.total.amount, 90_000);
    let sold = paid(&placed);
    assert_eq!(balances(&sold, Account::Commission), [9_000], "of what the merchant is paid");
    assert_eq!(balances(&sold, Account::CommissionVat), [1_080]);
    assert_eq!(balances(&sold, Account::Discounts), [-20_000]);
    assert_eq!(balances(&sold, Account::Merchant), [90_000 - 9_000 - 1_080]);
    let sums = expected(&sold);
    let of = |own| account(&sums, own);
    assert_eq!((of(Account::Delivery), of(Account::Shopper)), (20_000, 0), "the platform's");
    assert_eq!(of(Account::Clearing), -90_000);
}

#[test]
fn cash_is_a_sale_when_it_is_handed_over() {
    let line = vec![(100_000, 1, 0, 0, 1000)];
    let placed = order(true, &[line.clone(), line], 0);
    let one = delivered(&placed, 0, AT);
    assert_eq!(balances(&one, Account::Merchant), [100_000 - 11_200, 0]);
    assert_eq!(account(&expected(&one), Account::Shopper), -100_000, "with the courier");
    let both = delivered(&one, 1, AT);
    assert_eq!(balances(&both, Account::Merchant), [88_800, 88_800]);
    let sums = expected(&both);
    assert_eq!(account(&sums, Account::Shopper), 0);
    assert_eq!(account(&sums, Account::Clearing), -200_000, "all of it is handed over");
}

#[test]
fn a_refused_refund_is_the_merchants_again() {
    let sold = paid(&order(false, &[vec![(100_000, 4, 0, 0, 1000)]], 0));
    let merchant = sold.body.shipments[0].merchant;
    let id = RefundId::new();
    let ask = Ask { id, giving: Giving::Sum(Money::uzs(100_001)), reason: String::new() };
    let asked = sold.give_back(merchant, &ask, AT).unwrap().order;
    let kinds = |before: &Order, after: &Order| -> Vec<Kind> {
        postings(Some(before), after).iter().map(|posting| posting.kind).collect()
    };
    assert_eq!(kinds(&sold, &asked), [Kind::Refund, Kind::Commission, Kind::Commission]);
    assert_eq!(account(&expected(&asked), Account::Shopper), 100_001, "owed until it is sent");
    let refused = asked.refund_stands(id, RefundState::Failed, ("payme", ""), AT).unwrap().order;
    assert_eq!(kinds(&asked, &refused), [Kind::Refund, Kind::Commission, Kind::Commission]);
    assert_eq!(expected(&refused), expected(&sold));
    let sent = asked.refund_stands(id, RefundState::Succeeded, ("payme", ""), AT).unwrap().order;
    assert_eq!(account(&expected(&sent), Account::Shopper), 0);
}

#[test]
fn lines_keep_their_own_rates_when_they_go_back() {
    let lines = vec![(100_000, 2, 0, 0, 500), (100_000, 1, 0, 0, 2000)];
    let sold = paid(&order(false, &[lines], 0));
    let merchant = sold.body.shipments[0].merchant;
    assert_eq!(balances(&sold, Account::Commission), [10_000 + 20_000]);
    let dear = vec![Pieces { item: sold.body.items[1].id, quantity: 1 }];
    let less = sold.cancel_pieces(merchant, Some(&dear), "", RefundId::new(), AT).unwrap().order;
    assert_eq!(balances(&less, Account::Commission), [10_000]);
    let half = vec![Pieces { item: sold.body.items[0].id, quantity: 1 }];
    let less = less.cancel_pieces(merchant, Some(&half), "", RefundId::new(), AT).unwrap().order;
    assert_eq!(balances(&less, Account::Commission), [5_000]);
}

#[test]
fn money_after_the_end_is_nobodys_sale() {
    let placed = order(false, &[vec![(100_000, 1, 0, 0, 1000)]], 0);
    let late = paid(&placed.expire(AT).unwrap().order);
    let sums = expected(&late);
    assert_eq!(
        (balances(&late, Account::Merchant)[0], account(&sums, Account::Shopper)),
        (0, 100_000)
    );
    assert!(sales(Some(&placed), &late, AT).is_empty());
}

#[test]
fn a_merchant_pays_the_delivery_that_it_gives_away() {
    let mut placed = order(false, &[vec![(100_000, 1, 0, 0, 0)]], 0);
    placed.body.delivery_discounts.push(DeliveryDiscount {
        merchant: placed.body.shipments[0].merchant,
        adjustment: Adjustment {
            promotion: PromotionId::new(),
            name: Text::default(),
            code: String::new(),
            amount: Money::uzs(25_000),
            funded_by: Funder::Merchant,
        },
    });
    let sold = paid(&placed);
    assert_eq!(balances(&sold, Account::Merchant), [75_000]);
    assert_eq!(account(&expected(&sold), Account::Delivery), 25_000);
}

#[test]
fn the_money_waits_until_nothing_can_come_back() {
    let placed = order(false, &[vec![(100_000, 3, 100, 0, 1000)]], 0);
    let sold = paid(&placed);
    let merchant = sold.body.shipments[0].merchant;
    let of = Sold { pieces: 3, gross: 300_000, discount: 30_000, currency: Currency::Uzs };
    let waits = SaleChange { merchant, sold: Some(of), available_at: None };
    assert_eq!(sales(Some(&placed), &sold, AT), [waits]);
    let there = delivered(&sold, 0, Timestamp::from_millis(5 * DAY));
    let until = Timestamp::from_millis(15 * DAY);
    let change = SaleChange { merchant, sold: None, available_at: Some(until) };
    assert_eq!(sales(Some(&sold), &there, AT), [change]);
    let giving = Giving::Sum(Money::uzs(1));
    let gift = Ask { id: RefundId::new(), giving, reason: String::new() };
    let given = there.give_back(merchant, &gift, AT).unwrap().order;
    assert_eq!(sales(Some(&there), &given, AT), [], "told once");
    let gone = sold.cancel("shopper", "", AT).unwrap().order;
    let change = SaleChange { merchant, sold: None, available_at: Some(AT) };
    assert_eq!(sales(Some(&sold), &gone, AT), [change], "no more to wait for");
}

#[test]
fn orders_from_before_the_ledger_are_settled_without_it() {
    let mut old = order(false, &[vec![(100_000, 1, 0, 0, 1000)]], 0);
    old.body.items[0].agreement = None;
    let sold = paid(&old);
    assert!(postings(Some(&old), &sold).is_empty() && sales(Some(&old), &sold, AT).is_empty());
}
