//! Promises about what goes back: money, pieces, and the tables that find them.

use std::time::Duration;

use ids::{MerchantId, OrderId, RefundId, ReturnId};
use money::Money;
use order::{
    Error,
    domain::{
        Ask, Giving, Order, RefundState, ReturnMove, ReturnState, ShipmentMove, Status,
        StockEffect, Transition,
        offer::Offer,
        returns::{Pieces, Wish},
    },
    store::{
        Key, OrderStore,
        returns::{Keyed, Mark},
    },
};
use sqlx::{AssertSqlSafe, query, query_scalar, types::Uuid};

use crate::{
    NOW,
    moves::{moved, pay},
    offer, placed, placing, stocked, tenancy,
};

/// A paid order of so many pieces at 1000.00.
async fn bought(store: &dyn OrderStore, quantity: u32) -> (Offer, Order) {
    let goods = stocked(store, 10, 100_000).await;
    let order = placed(store, placing(&[(goods.id, quantity)])).await;
    let order = moved(store, order.id, None, pay).await.unwrap();
    (goods, order)
}

async fn delivered(store: &dyn OrderStore, goods: &Offer, order: &Order) -> Order {
    let ship = ShipmentMove::Ship { carrier: "bts".to_owned(), tracking: "1".to_owned() };
    let mut last = order.clone();
    for step in [ship, ShipmentMove::Deliver] {
        let merchant = goods.merchant;
        last = moved(store, order.id, None, move |order| {
            Ok(Some(order.move_shipment(merchant, &step, NOW)?))
        })
        .await
        .unwrap();
    }
    last
}

/// A move that changes nothing but the version.
fn still(order: &Order) -> Transition {
    let mut next = order.clone();
    next.version += 1;
    Transition {
        order: next,
        stock: StockEffect::Keep,
        event: None,
        shipment: None,
        pieces: Vec::new(),
    }
}

fn gift(sum: i64) -> Ask {
    Ask { id: RefundId::new(), giving: Giving::Sum(Money::uzs(sum)), reason: "sorry".to_owned() }
}

fn key(order: OrderId, text: &str) -> Key {
    Key { scope: format!("refund:{order}"), key: text.to_owned(), hash: vec![1] }
}

/// Gives a sum back with a key.
async fn give(
    store: &dyn OrderStore,
    (goods, order): (&Offer, &Order),
    text: &str,
    sum: i64,
) -> Result<Keyed, Error> {
    let (merchant, ask) = (goods.merchant, gift(sum));
    let step = move |order: &Order| Ok(Some(order.give_back(merchant, &ask, NOW)?));
    let answer = |order: &Order| order.body.refunds.len().to_string().into_bytes();
    store.apply_keyed(order.id, key(order.id, text), Box::new(step), Box::new(answer), NOW).await
}

pub(crate) async fn one_key_gives_money_back_once(store: &dyn OrderStore) {
    let (goods, order) = bought(store, 2).await;
    let tries = (0..20).map(|_| give(store, (&goods, &order), "a", 100));
    let outcomes = futures::future::join_all(tries).await;
    let done = outcomes.iter().filter(|it| matches!(it, Ok(Keyed::Done(..)))).count();
    let before = outcomes.iter().filter(
        |it| matches!(it, Ok(Keyed::Before(before)) if before.response.as_deref() == Some(b"1")),
    );
    assert_eq!((done, before.count()), (1, 19));
    // A refusal does not use the key up.
    assert!(give(store, (&goods, &order), "b", 1_000_000).await.is_err());
    assert!(matches!(give(store, (&goods, &order), "b", 200).await, Ok(Keyed::Done(..))));
    let after = store.find(order.id).await.unwrap().unwrap();
    assert_eq!(after.refunds_sum(None), 300);
}

pub(crate) async fn of_many_refunds_at_once_as_many_as_were_paid_for(store: &dyn OrderStore) {
    let (goods, order) = bought(store, 2).await;
    let keys: Vec<String> = (0..10).map(|number| format!("k{number}")).collect();
    let tries = keys.iter().map(|key| give(store, (&goods, &order), key, 30_000));
    let outcomes = futures::future::join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 6, "6 x 300 of 2000");
    let after = store.find(order.id).await.unwrap().unwrap();
    assert_eq!((after.refunds_sum(None), after.body.refunds.len()), (180_000, 6));
}

/// The store refuses what the domain would never ask for.
pub(crate) async fn no_more_goes_back_than_was_paid_whoever_asks(store: &dyn OrderStore) {
    let (goods, order) = bought(store, 2).await;
    let merchant = goods.merchant;
    let too_much = moved(store, order.id, None, move |order| {
        let mut step = order.give_back(merchant, &gift(100), NOW)?;
        step.order.body.refunds[0].amount = Money::uzs(200_001);
        Ok(Some(step))
    });
    assert!(too_much.await.is_err());
    let too_many = moved(store, order.id, None, |order| {
        let mut step = still(order);
        step.order.body.items[0].cancelled = 3;
        Ok(Some(step))
    });
    assert!(too_many.await.is_err());
    assert_eq!(store.find(order.id).await.unwrap().unwrap(), order, "nothing was written");
}

pub(crate) async fn cancelled_pieces_are_on_sale_again_once(store: &dyn OrderStore) {
    let (goods, order) = bought(store, 3).await;
    let left = offer(store, goods.id).await;
    assert_eq!((left.available, left.reserved), (7, 0));
    let merchant = goods.merchant;
    let cancel = |quantity: Option<u32>| {
        move |order: &Order| {
            let pieces = |quantity| vec![Pieces { item: order.body.items[0].id, quantity }];
            let step = ShipmentMove::Cancel {
                reason: "broken".to_owned(),
                pieces: quantity.map(pieces),
                refund: RefundId::new(),
            };
            Ok(Some(order.move_shipment(merchant, &step, NOW)?))
        }
    };
    moved(store, order.id, None, cancel(Some(1))).await.unwrap();
    assert_eq!(offer(store, goods.id).await.available, 8);
    let ended = moved(store, order.id, None, cancel(None)).await.unwrap();
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(offer(store, goods.id).await.available, 10);
    assert!(moved(store, order.id, None, cancel(None)).await.is_err());
    // More than is left of the order's pieces does not come back, whoever asks.
    let again = moved(store, order.id, None, move |order| {
        let mut step: Transition = still(order);
        step.pieces = vec![order::domain::Moved {
            offer: order.body.items[0].offer,
            quantity: 1,
            cause: "released",
        }];
        Ok(Some(step))
    });
    assert!(again.await.is_err());
    assert_eq!(offer(store, goods.id).await.available, 10);
    // What a shopper calls off after that gives the rest back.
    let (goods, order) = bought(store, 3).await;
    let merchant = goods.merchant;
    moved(store, order.id, None, move |order| {
        let step = ShipmentMove::Cancel {
            reason: "broken".to_owned(),
            pieces: Some(vec![Pieces { item: order.body.items[0].id, quantity: 1 }]),
            refund: RefundId::new(),
        };
        Ok(Some(order.move_shipment(merchant, &step, NOW)?))
    })
    .await
    .unwrap();
    let off = moved(store, order.id, None, |order| {
        let step = order.cancel("shopper", "", NOW)?;
        assert_eq!(step.stock, StockEffect::Release);
        Ok(Some(step))
    });
    off.await.unwrap();
    assert_eq!(offer(store, goods.id).await.available, 10);
}

pub(crate) async fn refunds_are_due_until_they_end(store: &dyn OrderStore) {
    let (goods, order) = bought(store, 2).await;
    let Keyed::Done(applied, _) = give(store, (&goods, &order), "a", 100).await.unwrap() else {
        panic!("new")
    };
    let id = applied.order.body.refunds[0].id;
    assert_eq!(store.order_of_refund(id).await.unwrap(), Some(order.id));
    assert_eq!(store.order_of_refund(RefundId::new()).await.unwrap(), None);
    let again = NOW.plus(Duration::from_secs(30));
    let looks = (0..8).map(|_| store.refunds_due(NOW, again, 10));
    let given: Vec<_> = futures::future::join_all(looks).await;
    let given: Vec<_> = given.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(given, [(id, order.id, 1)], "given out once");
    assert_eq!(
        store.refunds_due(again, again.plus(Duration::from_secs(1)), 10).await.unwrap()[0].2,
        2
    );
    let later = again.plus(Duration::from_secs(9));
    store.refund_later(id, later).await.unwrap();
    assert!(
        store
            .refunds_due(later.minus(Duration::from_millis(1)), later, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let states = [RefundState::NeedsManual, RefundState::Succeeded];
    for state in states {
        moved(store, order.id, None, move |order| {
            Ok(order.refund_stands(id, state, ("click", ""), NOW))
        })
        .await
        .unwrap();
        assert!(store.refunds_due(later, later, 10).await.unwrap().is_empty());
        let found = store.refunds(Some(state), None, 10).await.unwrap();
        assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id]);
    }
    assert!(store.refunds(Some(RefundState::NeedsManual), None, 10).await.unwrap().is_empty());
    let mark = Mark { at: NOW, id };
    assert!(store.refunds(None, Some(mark), 10).await.unwrap().is_empty());
}

pub(crate) async fn a_merchant_finds_its_own_returns(store: &dyn OrderStore) {
    let goods = stocked(store, 10, 100_000).await;
    let order = placed(store, placing(&[(goods.id, 5)])).await;
    moved(store, order.id, None, pay).await.unwrap();
    let order = delivered(store, &goods, &order).await;
    let item = order.body.items[0].id;
    let mut asked = Vec::new();
    for number in 0..5u64 {
        let at = NOW.plus(Duration::from_millis(number / 2));
        let wish = Wish {
            id: ReturnId::new(),
            parts: vec![Pieces { item, quantity: 1 }],
            reason: "broken".to_owned(),
            comment: String::new(),
            photos: vec!["https://pictures.example/1.jpg".to_owned()],
        };
        asked.push(wish.id);
        moved(store, order.id, None, move |order| Ok(Some(order.request_return(&wish, at)?)))
            .await
            .unwrap();
    }
    asked.reverse();
    let merchant = goods.merchant;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.returns(merchant, None, after, 2).await.unwrap();
        let Some((id, order)) = page.last() else { break };
        let at = clock::Timestamp::from_millis(order.find_return(*id).unwrap().at);
        after = Some(Mark { at, id: *id });
        seen.extend(page.iter().map(|(id, _)| *id));
    }
    assert_eq!(seen, asked, "no gaps and no repeats");
    let first = asked[0];
    let approve = move |order: &Order| {
        Ok(Some(order.move_return(merchant, first, &ReturnMove::Approve, NOW)?))
    };
    moved(store, order.id, None, approve).await.unwrap();
    let approved = store.returns(merchant, Some(ReturnState::Approved), None, 10).await.unwrap();
    assert_eq!(approved.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [first]);
    assert_eq!(store.order_of_return(merchant, first).await.unwrap().unwrap().id, order.id);
    let stranger = MerchantId::new();
    assert!(store.order_of_return(stranger, first).await.unwrap().is_none());
    assert!(store.returns(stranger, None, None, 10).await.unwrap().is_empty());
    let receive = move |order: &Order| {
        let step = ReturnMove::Receive { restock: true };
        Ok(Some(order.move_return(merchant, first, &step, NOW)?))
    };
    moved(store, order.id, None, receive).await.unwrap();
    assert_eq!(offer(store, goods.id).await.available, 6, "one came back");
}

pub(crate) async fn delivered_orders_are_due_to_be_completed(store: &dyn OrderStore) {
    let (goods, order) = bought(store, 1).await;
    let order = delivered(store, &goods, &order).await;
    let due = order.completes_at().unwrap();
    let before = due.minus(Duration::from_millis(1));
    assert!(store.completions_due(before, 10).await.unwrap().is_empty());
    assert_eq!(store.completions_due(due, 10).await.unwrap(), [order.id]);
    let later = due.plus(Duration::from_hours(6));
    store.complete_later(order.id, later).await.unwrap();
    assert!(store.completions_due(due, 10).await.unwrap().is_empty());
    assert_eq!(store.completions_due(later, 10).await.unwrap(), [order.id]);
    let done = moved(store, order.id, None, move |order| Ok(order.complete(due))).await.unwrap();
    assert_eq!(done.status, Status::Completed);
    assert!(store.completions_due(later, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn returns_and_refunds_are_shown_to_their_merchant_alone() {
    let Some(fresh) = tenancy::migrated().await else { return };
    let (store, database) = tenancy::both(&fresh).await;
    let mut merchants = Vec::new();
    for _ in 0..2 {
        let (goods, order) = bought(&*store, 1).await;
        let order = delivered(&*store, &goods, &order).await;
        give(&*store, (&goods, &order), "a", 1).await.unwrap();
        let wish = Wish {
            id: ReturnId::new(),
            parts: vec![Pieces { item: order.body.items[0].id, quantity: 1 }],
            reason: "broken".to_owned(),
            comment: String::new(),
            photos: Vec::new(),
        };
        moved(&*store, order.id, None, move |order| Ok(Some(order.request_return(&wish, NOW)?)))
            .await
            .unwrap();
        merchants.push(goods.merchant);
    }
    for table in ["returns", "refunds"] {
        let mut transaction = database.begin_for(merchants[0]).await.unwrap();
        let owners = AssertSqlSafe(format!("select merchant_id from {table}"));
        let owners: Vec<Uuid> = query_scalar(owners).fetch_all(&mut *transaction).await.unwrap();
        assert_eq!(owners, [postgres::uuid(merchants[0])], "{table}");
        let change = AssertSqlSafe(format!("update {table} set at = now()"));
        let changed = query(change).execute(&mut *transaction).await.unwrap();
        assert_eq!(changed.rows_affected(), 1, "{table}");
    }
    database.close().await;
    store.close().await;
}
