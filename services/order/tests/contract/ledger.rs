//! Promises about money that is owed to merchants.

use std::{collections::BTreeSet, time::Duration};

use ids::{EntryId, EventId, MerchantId, PayoutId, RefundId};
use money::Money;
use order::{
    Error,
    domain::{
        Ask, Giving, Order, Provider, RefundState, ShipmentMove,
        ledger::{Account, Kind, expected},
        offer::Offer,
        payout::{Payout, PayoutMove, PayoutState},
    },
    store::{
        Key, OrderStore, Placing,
        ledger::{Drafted, Place, Statement, Written},
    },
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use crate::{
    NOW,
    moves::{moved, pay},
    placed, placing, stocked,
};

const DAY: Duration = Duration::from_hours(24);
const PRICE: i64 = 100_000;
/// A tenth, and VAT on it.
const FEE: i64 = 10_000 + 1_200;

/// What a merchant has: available and pending.
async fn balance(store: &dyn OrderStore, merchant: MerchantId, days: u32) -> (i64, i64) {
    let balance = store.balance(merchant, NOW.plus(DAY * days)).await.unwrap();
    (balance.available.amount, balance.pending.amount)
}

async fn sold(store: &dyn OrderStore, goods: &Offer, pieces: u32) -> Order {
    let order = placed(store, placing(&[(goods.id, pieces)])).await;
    moved(store, order.id, None, pay).await.unwrap()
}

async fn delivered(store: &dyn OrderStore, order: &Order, merchant: MerchantId) -> Order {
    let ship = ShipmentMove::Ship { carrier: "bts".to_owned(), tracking: "1".to_owned() };
    let mut after = order.clone();
    for step in [ship, ShipmentMove::Deliver] {
        let step = move |order: &Order| Ok(Some(order.move_shipment(merchant, &step, NOW)?));
        after = moved(store, order.id, None, step).await.unwrap();
    }
    after
}

async fn given(store: &dyn OrderStore, order: &Order, merchant: MerchantId, sum: i64) -> RefundId {
    let id = RefundId::new();
    let give = move |order: &Order| {
        let ask = Ask { id, giving: Giving::Sum(Money::uzs(sum)), reason: "torn".to_owned() };
        Ok(Some(order.give_back(merchant, &ask, NOW)?))
    };
    moved(store, order.id, None, give).await.unwrap();
    id
}

fn everything(merchant: MerchantId) -> Statement {
    Statement { merchant, from: NOW, to: NOW.plus(DAY * 400), account: None }
}

async fn postings(store: &dyn OrderStore, merchant: MerchantId) -> Vec<Written> {
    store.statement(everything(merchant), None, 10_000).await.unwrap()
}

pub(crate) async fn a_sale_is_posted_once_with_its_payment(store: &dyn OrderStore) {
    let goods = stocked(store, 5, PRICE).await;
    let order = placed(store, placing(&[(goods.id, 2)])).await;
    assert_eq!(balance(store, goods.merchant, 0).await, (0, 0), "nothing is earned by an order");
    let event = EventId::new().to_string();
    for _ in 0..2 {
        moved(store, order.id, Some(&event), pay).await.unwrap();
        assert_eq!(balance(store, goods.merchant, 0).await, (0, 2 * (PRICE - FEE)));
    }
    let postings = postings(store, goods.merchant).await;
    let mut posted: Vec<_> = postings
        .iter()
        .map(|it| (it.kind, it.debit, it.credit, it.amount.amount, it.order))
        .collect();
    posted.sort_unstable();
    let of = Some(order.id);
    assert_eq!(
        posted,
        [
            (Kind::Sale, Account::Shopper, Account::Merchant, 200_000, of),
            (Kind::Commission, Account::Merchant, Account::Commission, 20_000, of),
            (Kind::Commission, Account::Merchant, Account::CommissionVat, 2_400, of),
        ]
    );
    assert!(postings.iter().all(|it| it.id.as_u128() & 1 == 0), "each side has a name of its own");
}

pub(crate) async fn money_waits_until_the_goods_cannot_come_back(store: &dyn OrderStore) {
    let goods = stocked(store, 5, PRICE).await;
    let order = sold(store, &goods, 1).await;
    let sum = PRICE - FEE;
    assert_eq!(balance(store, goods.merchant, 400).await, (0, sum), "not before it is delivered");
    delivered(store, &order, goods.merchant).await;
    assert_eq!(balance(store, goods.merchant, 9).await, (0, sum));
    assert_eq!(balance(store, goods.merchant, 10).await, (sum, 0));
    // What goes back is gone from where it is.
    given(store, &order, goods.merchant, PRICE / 2).await;
    assert_eq!(balance(store, goods.merchant, 10).await, (sum / 2, 0));
    let other = sold(store, &goods, 1).await;
    let cancel = |order: &Order| Ok(Some(order.cancel("shopper", "", NOW)?));
    moved(store, other.id, None, cancel).await.unwrap();
    assert_eq!(balance(store, goods.merchant, 0).await, (0, sum / 2), "sold and unsold");
}

pub(crate) async fn cash_is_earned_when_it_is_handed_over(store: &dyn OrderStore) {
    let goods = stocked(store, 5, PRICE).await;
    let cash = Placing { provider: Provider::Cash, ..placing(&[(goods.id, 1)]) };
    let order = placed(store, cash).await;
    assert_eq!(balance(store, goods.merchant, 0).await, (0, 0));
    delivered(store, &order, goods.merchant).await;
    assert_eq!(balance(store, goods.merchant, 10).await, (PRICE - FEE, 0));
    let audited = store.audit(None, 100).await.unwrap();
    let own = audited.iter().find(|it| it.order.id == order.id).unwrap();
    assert_eq!(own.held.get(&(None, Account::Clearing)), Some(&-PRICE));
    // The payment service says so too.
    moved(store, order.id, None, pay).await.unwrap();
    assert_eq!(balance(store, goods.merchant, 10).await, (PRICE - FEE, 0));
}

pub(crate) async fn statements_have_no_gaps_and_no_repeats(store: &dyn OrderStore) {
    let goods = stocked(store, 50, PRICE).await;
    for _ in 0..7 {
        sold(store, &goods, 1).await;
    }
    let theirs = stocked(store, 5, PRICE).await;
    sold(store, &theirs, 1).await;
    let all = postings(store, goods.merchant).await;
    assert_eq!(all.len(), 21);
    let (mut seen, mut from) = (Vec::new(), None);
    loop {
        // A page begins with the one at its place.
        let page = store.statement(everything(goods.merchant), from, 6).await.unwrap();
        let new: Vec<EntryId> =
            page.iter().map(|it| it.id).filter(|id| !seen.contains(id)).collect();
        if new.is_empty() {
            break;
        }
        seen.extend(new);
        from = page.last().map(|last| Place { at: last.at, id: last.id });
    }
    assert_eq!(seen, all.iter().map(|it| it.id).collect::<Vec<_>>());
    let only = Statement { account: Some(Account::CommissionVat), ..everything(goods.merchant) };
    assert_eq!(store.statement(only, None, 100).await.unwrap().len(), 7);
    let before = Statement { to: NOW, from: NOW.minus(DAY), ..everything(goods.merchant) };
    assert!(store.statement(before, None, 100).await.unwrap().is_empty());
}

pub(crate) async fn days_are_counted_in_tashkent(store: &dyn OrderStore) {
    let goods = stocked(store, 50, PRICE).await;
    let order = sold(store, &goods, 2).await;
    sold(store, &goods, 1).await;
    given(store, &order, goods.merchant, 500).await;
    let day = order::domain::report::day(NOW);
    let begin = order::domain::report::begin(day);
    let days = store.figures(goods.merchant, begin, begin.plus(DAY)).await.unwrap();
    assert_eq!(days.keys().copied().collect::<Vec<_>>(), [day]);
    let figures = days[&day];
    assert_eq!((figures.orders, figures.items, figures.gross), (2, 3, 3 * PRICE));
    assert_eq!((figures.refunds, figures.net()), (500, 3 * PRICE - 500));
    let later = store.figures(goods.merchant, begin.plus(DAY), begin.plus(DAY * 2)).await.unwrap();
    assert!(later.is_empty());
    let turnover = store.turnover(begin).await.unwrap();
    assert_eq!((turnover.orders, turnover.turnover), (2, 3 * PRICE));
    assert_eq!(turnover.commission, 30_000 - 50, "the part of what went back");
}

fn encode(payout: &Payout) -> Vec<u8> {
    payout.state.as_str().into()
}

fn key(name: &str) -> (Key, String) {
    (Key { scope: "admin".to_owned(), key: name.to_owned(), hash: vec![1] }, "usr".to_owned())
}

/// Everything that can be paid now for a time that ends so many days from now.
async fn drafted(store: &dyn OrderStore, days: u32) -> Vec<Payout> {
    let (end, mut made) = (NOW.plus(DAY * days), Vec::new());
    loop {
        match store.draft_payouts(end, 1, end).await.unwrap() {
            Drafted::Some(payouts) => made.extend(payouts),
            Drafted::Busy => {}
            Drafted::Finished => return made,
        }
    }
}

pub(crate) async fn a_period_is_paid_once_whoever_pays(store: &dyn OrderStore) {
    let goods = stocked(store, 50, PRICE).await;
    let order = sold(store, &goods, 1).await;
    delivered(store, &order, goods.merchant).await;
    let idle = stocked(store, 5, PRICE).await;
    assert!(drafted(store, 9).await.is_empty(), "nothing is available yet");
    let (one, two) = futures::future::join(drafted(store, 14), drafted(store, 14)).await;
    let made: Vec<Payout> = one.into_iter().chain(two).collect();
    assert_eq!(made.len(), 1, "{made:?}");
    let payout = &made[0];
    assert_eq!((payout.merchant, payout.amount), (goods.merchant, Money::uzs(PRICE - FEE)));
    assert_eq!(balance(store, goods.merchant, 14).await, (0, 0), "it is set aside");
    assert!(drafted(store, 14).await.is_empty() && drafted(store, 21).await.is_empty());
    let listed = store.payouts(Some(goods.merchant), None, None, 10).await.unwrap();
    assert_eq!(listed, made);
    assert!(store.payouts(Some(idle.merchant), None, None, 10).await.unwrap().is_empty());
    let waiting = store.payouts(None, Some(PayoutState::Draft), None, 10).await.unwrap();
    assert_eq!(waiting, made);
    let after = Some(Place { at: payout.created_at, id: payout.id });
    assert!(store.payouts(None, None, after, 10).await.unwrap().is_empty());
}

pub(crate) async fn a_payout_moves_once_for_each_key(store: &dyn OrderStore) {
    let goods = stocked(store, 50, PRICE).await;
    let order = sold(store, &goods, 1).await;
    delivered(store, &order, goods.merchant).await;
    let id = drafted(store, 14).await[0].id;
    let paid = || PayoutMove::Paid { reference: "77".to_owned() };
    let early = store.move_payout(id, paid(), key("a"), encode, NOW).await;
    assert!(matches!(early, Err(Error::Payout(_))));
    let tries = (0..5).map(|_| store.move_payout(id, PayoutMove::Approve, key("a"), encode, NOW));
    let mut answers = Vec::new();
    for answer in futures::future::join_all(tries).await {
        answers.push(answer.unwrap());
    }
    assert!(answers.iter().all(|(text, _)| text == b"approved"), "a refusal used up no key");
    assert_eq!(answers.iter().filter(|(_, replayed)| !replayed).count(), 1);
    let again = store.move_payout(id, PayoutMove::Approve, key("b"), encode, NOW).await;
    assert!(matches!(again, Err(Error::Payout(_))), "another key is another request");
    store.move_payout(id, paid(), key("c"), encode, NOW).await.unwrap();
    let (other, actor) = key("a");
    let other = (Key { hash: vec![2], ..other }, actor);
    let reused = store.move_payout(id, PayoutMove::Approve, other, encode, NOW).await;
    assert!(matches!(reused, Err(Error::KeyReused)));
    let replayed = store.move_payout(id, PayoutMove::Approve, key("a"), encode, NOW).await.unwrap();
    assert_eq!(replayed, (b"approved".to_vec(), true), "as it was answered");
    assert_eq!(balance(store, goods.merchant, 14).await, (0, 0));
    let payout = store.payouts(Some(goods.merchant), None, None, 1).await.unwrap().remove(0);
    assert_eq!((payout.state, payout.reference.as_str()), (PayoutState::Paid, "77"));
    // The bank sends it back.
    let fail = PayoutMove::Fail { reason: "account closed".to_owned() };
    store.move_payout(id, fail, key("d"), encode, NOW).await.unwrap();
    assert_eq!(balance(store, goods.merchant, 14).await, (PRICE - FEE, 0));
    assert_eq!(drafted(store, 21).await.len(), 1, "the next period takes it along");
    let nothing = store.move_payout(PayoutId::new(), PayoutMove::Approve, key("e"), encode, NOW);
    assert!(matches!(nothing.await, Err(Error::PayoutNotFound)));
}

pub(crate) async fn movements_of_stock_have_their_causes(store: &dyn OrderStore) {
    let goods = stocked(store, 5, PRICE).await;
    let order = sold(store, &goods, 2).await;
    let moves = store.movements(goods.merchant, goods.id, None, 10).await.unwrap().unwrap();
    let seen: Vec<_> =
        moves.iter().map(|it| (it.cause.as_str(), it.available, it.reserved, it.order)).collect();
    let of = Some(order.id);
    let expected = [("sold", 0, -2, of), ("held", -2, 2, of), ("counted", 5, 0, None)];
    assert_eq!(seen, expected);
    let rest = store.movements(goods.merchant, goods.id, Some(moves[0].entry), 1).await.unwrap();
    assert_eq!(rest.unwrap(), moves[1..2]);
    let foreign = store.movements(MerchantId::new(), goods.id, None, 10).await.unwrap();
    assert!(foreign.is_none());
}

/// I8: whatever happens to orders and payouts, debits are credits, a merchant has its sales less fees, refunds and payouts, and the ledger
/// holds of each order what the order says.
pub(crate) async fn random_histories_stay_in_balance(store: &dyn OrderStore) {
    let mut dice = StdRng::seed_from_u64(8);
    let mut goods = Vec::new();
    for price in [PRICE, 333_333, 7_777_701] {
        goods.push(stocked(store, 10_000, price).await);
    }
    let mut orders = Vec::new();
    for round in 1..=60u32 {
        let mut lines = goods.clone();
        lines.retain(|_| dice.random_bool(0.6));
        let lines: Vec<_> = lines.iter().map(|offer| (offer.id, dice.random_range(1..4))).collect();
        if !lines.is_empty() {
            let provider = if dice.random_bool(0.3) { Provider::Cash } else { Provider::Payme };
            let placing = Placing { provider, ..placing(&lines) };
            orders.push(placed(store, placing).await.id);
        }
        for _ in 0..20 {
            let Some(id) = orders.choose(&mut dice).copied() else { continue };
            let (what, sum) = (dice.random_range(0..16), dice.random_range(1..900_000));
            let merchant = goods[dice.random_range(0..goods.len())].merchant;
            let ship = ShipmentMove::Ship { carrier: "b".to_owned(), tracking: "1".to_owned() };
            let give = Ask {
                id: RefundId::new(),
                giving: Giving::Sum(Money::uzs(sum)),
                reason: "r".to_owned(),
            };
            let lacks = ShipmentMove::Cancel {
                reason: "none".to_owned(),
                pieces: None,
                refund: RefundId::new(),
            };
            let step = move |order: &Order| {
                Ok(match what {
                    0..=3 => pay(order)?,
                    4..=7 => order.move_shipment(merchant, &ship, NOW).ok(),
                    8..=11 => order.move_shipment(merchant, &ShipmentMove::Deliver, NOW).ok(),
                    12 => order.give_back(merchant, &give, NOW).ok(),
                    13 => order.body.refunds.last().and_then(|refund| {
                        order.refund_stands(refund.id, RefundState::Succeeded, ("payme", ""), NOW)
                    }),
                    14 => order.move_shipment(merchant, &lacks, NOW).ok(),
                    _ => order.cancel("shopper", "", NOW).ok(),
                })
            };
            moved(store, id, None, step).await.unwrap();
        }
        if round % 10 == 0 {
            for payout in drafted(store, round).await {
                let name = payout.id.to_string();
                let fail = PayoutMove::Fail { reason: "closed".to_owned() };
                let steps = if dice.random_bool(0.5) {
                    vec![fail]
                } else {
                    vec![PayoutMove::Approve, PayoutMove::Paid { reference: name.clone() }]
                };
                for (index, step) in steps.into_iter().enumerate() {
                    let by = key(&format!("{name}{index}"));
                    store.move_payout(payout.id, step, by, encode, NOW).await.unwrap();
                }
            }
        }
    }
    for goods in &goods {
        let mut of_kind = std::collections::BTreeMap::new();
        let mut names = BTreeSet::new();
        for it in postings(store, goods.merchant).await {
            assert!(names.insert(it.id));
            let sign = i64::from(it.credit == Account::Merchant)
                - i64::from(it.debit == Account::Merchant);
            *of_kind.entry(it.kind).or_insert(0) += sign * it.amount.amount;
        }
        let (available, pending) = balance(store, goods.merchant, 60).await;
        assert_eq!(of_kind.values().sum::<i64>(), available + pending, "{of_kind:?}");
        assert!(of_kind.contains_key(&Kind::Payout), "{of_kind:?}");
        assert!(of_kind[&Kind::Sale] > 0 && of_kind[&Kind::Commission] < 0);
    }
    let mut after = None;
    let mut looked_at = 0;
    loop {
        let page = store.audit(after, 7).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.order.id);
        looked_at += page.len();
        for audited in page {
            assert_eq!(audited.held.values().sum::<i64>(), 0, "debits are credits");
            assert_eq!(audited.held, expected(&audited.order), "{:?}", audited.order.id);
        }
    }
    assert_eq!(looked_at, orders.len());
}
