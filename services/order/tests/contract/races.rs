//! What two processes at one database may not do to each other. Each of them would pass for a store with a single writer.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::future::join_all;
use ids::{EventId, OfferId, OrderId};
use money::Money;
use order::{
    Error,
    domain::{
        Order, PaymentState, Status,
        offer::{Offer, Snapshot, Terms, Update},
    },
    store::{self, Merchant, OrderStore, Placed, Placing, Wanted},
};
use sqlx::{Connection as _, PgConnection, query_scalar};
use testkit::FreshDatabase;

use crate::{
    NOW, goods,
    keys::key,
    moves::{moved, pay},
    offer,
    offers::shown,
    placed, placing, stocked,
};

/// A database that two processes have opened, each with connections of its own.
pub(crate) struct Two {
    stores: [Arc<dyn OrderStore>; 2],
    database: FreshDatabase,
}

impl Two {
    pub(crate) async fn open() -> Option<Self> {
        let database = FreshDatabase::create().await?;
        let address = &database.address;
        store::migrate(address).await.unwrap();
        let open = || async { store::open(address, order::encode_event).await.unwrap() };
        Some(Self { stores: [open().await, open().await], database })
    }

    pub(crate) fn one(&self) -> &dyn OrderStore {
        self.stores[0].as_ref()
    }

    /// Does the same many times at once, through either process in turn.
    pub(crate) async fn at_once<F: Future>(
        &self,
        count: usize,
        act: impl Fn(Arc<dyn OrderStore>, usize) -> F,
    ) -> Vec<F::Output> {
        join_all((0..count).map(|nth| act(Arc::clone(&self.stores[nth % 2]), nth))).await
    }

    /// The ledger adds up to what offers hold, what is held is reserved, and lists were told what is so.
    async fn audit(&self) {
        let plain = self.database.address.replace("pool=8", "options=-c%20um.merchant=*");
        let mut connection = PgConnection::connect(&plain).await.unwrap();
        for (wrong, query) in [
            (
                "ledger",
                "select count(*) from offers o where (available, reserved) <>
                 (select coalesce(sum(l.available), 0)::bigint, coalesce(sum(l.reserved), 0)::bigint
                  from stock_ledger l where l.offer_id = o.id)",
            ),
            (
                "held",
                "select count(*) from offers o where reserved <> (select coalesce(sum(quantity), 0)
                 from reservations r where r.offer_id = o.id and state = 'held')",
            ),
            (
                "displays",
                "select count(*) from displays d where (price_from, in_stock) <>
                 (select coalesce(min(o.price) filter (where o.available > 0), min(o.price), 0),
                         coalesce(bool_or(o.available > 0), false)
                  from offers o join merchants m on m.id = o.merchant_id
                  where o.product_id = d.product_id and o.active and o.listed and m.active)",
            ),
            (
                "states",
                "select count(*) from orders o join reservations r on r.order_id = o.id
                 where r.state <> case when o.status = 'awaiting_payment' then 'held'
                                       when o.status = 'cancelled' then 'released' else 'sold' end",
            ),
            (
                "uses",
                "select count(*) from promotions p where (usage_limit is not null or budget is not null)
                 and (used, spent) <> (select count(*), coalesce(sum(r.amount), 0)::bigint
                 from redemptions r where r.promotion_id = p.id and r.state = 'used')",
            ),
            (
                "redemptions",
                "select count(*) from redemptions r join orders o on o.id = r.order_id
                 where r.state <> case o.status when 'cancelled' then 'released' else 'used' end",
            ),
        ] {
            let count: i64 = query_scalar(query).fetch_one(&mut connection).await.unwrap();
            assert_eq!(count, 0, "{wrong}");
        }
        connection.close().await.unwrap();
    }

    pub(crate) async fn close(self) {
        self.audit().await;
        for store in self.stores {
            store.close().await;
        }
        drop(self.database);
    }
}

fn new(outcomes: &[Result<Placed, Error>]) -> Vec<&Order> {
    let new = outcomes.iter().filter_map(|outcome| match outcome {
        Ok(Placed::New(order)) => Some(&**order),
        _ => None,
    });
    new.collect()
}

#[tokio::test]
async fn the_last_pieces_go_to_as_many_as_there_are() {
    let Some(two) = Two::open().await else { return };
    let goods = stocked(two.one(), 7, 100).await;
    let bought = two
        .at_once(80, |store, _| async move { store.place(placing(&[(goods.id, 1)])).await })
        .await;
    let numbers: BTreeSet<i64> = new(&bought).into_iter().map(|order| order.seq).collect();
    assert_eq!(numbers, (1..8).collect(), "numbers without gaps");
    for refused in bought.into_iter().filter_map(Result::err) {
        let Error::OutOfStock(fields) = refused else { panic!("{refused}") };
        assert_eq!(fields.len(), 1);
        assert_eq!((&*fields[0].field, &*fields[0].code), ("items[0]", "OUT_OF_STOCK"));
        assert!(fields[0].message.ends_with(": 0 left"), "{}", fields[0].message);
    }
    let left = offer(two.one(), goods.id).await;
    assert_eq!((left.available, left.reserved, left.version), (0, 7, 8));
    two.close().await;
}

#[tokio::test]
async fn carts_of_the_same_goods_do_not_wait_in_a_circle() {
    let Some(two) = Two::open().await else { return };
    let mut shelf: Vec<OfferId> = Vec::new();
    for stock in [20, 25, 30, 35] {
        shelf.push(stocked(two.one(), stock, 100).await.id);
    }
    let bought = two
        .at_once(64, |store, nth| {
            let mut lines: Vec<(OfferId, u32)> = shelf.iter().map(|id| (*id, 1)).collect();
            lines.rotate_left(nth % 4);
            if nth % 3 == 0 {
                lines.reverse();
            }
            async move { store.place(placing(&lines)).await }
        })
        .await;
    assert_eq!(new(&bought).len(), 20);
    let told = |it: &Result<_, _>| matches!(it, Ok(_) | Err(Error::OutOfStock(_)));
    assert!(bought.iter().all(told), "{bought:?}");
    for (id, left) in shelf.iter().zip([0, 5, 10, 15]) {
        assert_eq!(offer(two.one(), *id).await.available, left);
    }
    // And back again, all at once.
    let orders: Vec<OrderId> = new(&bought).into_iter().map(|order| order.id).collect();
    two.at_once(20, |store, nth| {
        let id = orders[nth];
        async move { moved(&*store, id, None, |order| Ok(Some(order.expire(NOW)?))).await.unwrap() }
    })
    .await;
    assert_eq!(offer(two.one(), shelf[0]).await.available, 20);
    two.close().await;
}

#[tokio::test]
async fn a_key_and_a_cart_are_one_order_even_for_the_last_piece() {
    let Some(two) = Two::open().await else { return };
    for seq in [1, 3, 5] {
        let goods = stocked(two.one(), 1, 100).await;
        let request = placing(&[(goods.id, 1)]);
        let same = two.at_once(16, |store, _| {
            let again = Placing { order: OrderId::new(), ..request.clone() };
            async move { store.place(again).await }
        });
        let same = same.await;
        let order = new(&same)[0];
        let repeats = same
            .iter()
            .filter(|it| matches!(it, Ok(Placed::Before(before)) if before.order == order.id));
        assert_eq!((new(&same).len(), repeats.count(), order.seq), (1, 15, seq), "{same:?}");

        let goods = stocked(two.one(), 1, 100).await;
        let request = placing(&[(goods.id, 1)]);
        let keys = two.at_once(16, |store, nth| {
            let mut again = Placing { order: OrderId::new(), ..request.clone() };
            again.key.key = format!("k{nth}");
            async move { store.place(again).await }
        });
        let keys = keys.await;
        let refused = keys.iter().filter(|it| matches!(it, Err(Error::CartCompleted))).count();
        assert_eq!((new(&keys).len(), refused), (1, 15), "{keys:?}");
        assert_eq!(new(&keys)[0].seq, seq + 1, "no number was left out");
    }
    two.close().await;
}

#[tokio::test]
async fn a_key_is_one_order_though_its_goods_differ() {
    let Some(two) = Two::open().await else { return };
    let shelf = [stocked(two.one(), 9, 100).await.id, stocked(two.one(), 9, 100).await.id];
    for _ in 0..5 {
        let request = placing(&[(shelf[0], 1)]);
        let same = two.at_once(8, |store, nth| {
            let lines = placing(&[(shelf[nth % 2], 1)]).lines;
            let again = Placing { order: OrderId::new(), lines, ..request.clone() };
            async move { store.place(again).await }
        });
        let same = same.await;
        let repeats = same.iter().filter(|it| matches!(it, Ok(Placed::Before(_)))).count();
        assert_eq!((new(&same).len(), repeats), (1, 7), "{same:?}");
    }
    two.close().await;
}

#[tokio::test]
async fn versions_have_no_gaps_and_events_move_once() {
    let Some(two) = Two::open().await else { return };
    let goods = stocked(two.one(), 5, 100).await;
    let order = placed(two.one(), placing(&[(goods.id, 2)])).await;
    let until = order.reserved_until.unwrap();
    let start = move |order: &Order| Ok(order.payment_started(until, NOW));
    let moves = two.at_once(30, |store, _| async move {
        let event = EventId::new().to_string();
        moved(&*store, order.id, Some(&event), start).await.unwrap().version
    });
    let versions: BTreeSet<i64> = moves.await.into_iter().collect();
    assert_eq!(versions, (2..32).collect());
    let event = &EventId::new().to_string();
    let told = two.at_once(12, |store, _| async move {
        moved(&*store, order.id, Some(event), start).await.unwrap().version
    });
    assert!(told.await.into_iter().all(|version| version == 32));
    let paid = two.at_once(12, |store, _| async move {
        moved(&*store, order.id, None, pay).await.unwrap().version
    });
    assert!(paid.await.into_iter().all(|version| version == 33));
    two.close().await;
}

#[tokio::test]
async fn of_a_payment_and_the_end_one_has_the_goods() {
    let Some(two) = Two::open().await else { return };
    for _ in 0..20 {
        let goods = stocked(two.one(), 3, 100).await;
        let order = placed(two.one(), placing(&[(goods.id, 3)])).await;
        let (paid, ended) = tokio::join!(
            moved(&*two.stores[0], order.id, None, pay),
            moved(&*two.stores[1], order.id, None, |order| Ok(Some(order.expire(NOW)?))),
        );
        assert_eq!(paid.unwrap().payment_status, PaymentState::Paid, "money is always noted");
        let after = two.one().find(order.id).await.unwrap().unwrap();
        assert_eq!(after.status == Status::Cancelled, ended.is_ok());
        assert_eq!(after.version, if ended.is_ok() { 3 } else { 2 });
        let left = offer(two.one(), goods.id).await.available;
        assert_eq!(left, if ended.is_ok() { 3 } else { 0 });
    }
    two.close().await;
}

#[tokio::test]
async fn processes_that_sweep_are_given_different_orders() {
    let Some(two) = Two::open().await else { return };
    let goods = stocked(two.one(), 60, 100).await;
    let mut overdue = BTreeSet::new();
    for _ in 0..40 {
        overdue.insert(placed(two.one(), placing(&[(goods.id, 1)])).await.id);
    }
    let due = NOW.plus(Duration::from_mins(30));
    let given =
        two.at_once(8, |store, _| async move { store.expired(due, 7).await.unwrap() }).await;
    let given: Vec<OrderId> = given.into_iter().flatten().collect();
    assert_eq!(given.len(), 40, "nothing twice");
    assert_eq!(given.iter().copied().collect::<BTreeSet<_>>(), overdue);
    assert!(two.one().expired(due, 100).await.unwrap().is_empty());
    // The end of one did not come: it is given out again.
    for id in &given[1..] {
        moved(two.one(), *id, None, move |order| Ok(Some(order.expire(due)?))).await.unwrap();
    }
    let later = due.plus(Duration::from_secs(6));
    assert_eq!(two.one().expired(later, 100).await.unwrap(), [given[0]]);
    two.close().await;
}

#[tokio::test]
async fn a_key_is_remembered_and_answered_once() {
    let Some(two) = Two::open().await else { return };
    let kept = two.at_once(16, |store, _| async move {
        store.remember(key("k"), OrderId::new(), NOW).await.unwrap().order
    });
    let kept = kept.await;
    assert!(kept.iter().all(|order| *order == kept[0]));
    let answers = two.at_once(16, |store, nth| async move {
        let response = vec![u8::try_from(nth).unwrap()];
        store.answer("payment:1", "k", OrderId::new(), None, response).await.unwrap()
    });
    let answers = answers.await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    two.close().await;
}

/// A product that two merchants sell, one piece each.
async fn shared(store: &dyn OrderStore) -> Vec<Offer> {
    let (first, second) = (stocked(store, 1, 100).await, stocked(store, 1, 100).await);
    let (product, terms) = goods(first.merchant, 1, 100);
    let other = Terms { merchant: second.merchant, ..terms.clone() };
    let id = product.product;
    store.put_offers(product, vec![terms, other], NOW).await.unwrap();
    store.offers(Wanted::Products(vec![id])).await.unwrap()
}

#[tokio::test]
async fn lists_show_what_both_have_made_of_a_product() {
    let Some(two) = Two::open().await else { return };
    for _ in 0..15 {
        let offers = shared(two.one()).await;
        let bought = two.at_once(2, |store, nth| {
            let request = placing(&[(offers[nth].id, 1)]);
            async move { placed(&*store, request).await }
        });
        bought.await;
        let product = offers[0].product.to_string();
        let mut told = shown(two.one()).await;
        told.retain(|(told, _)| told.product_id == product);
        told.sort_by_key(|(_, version)| *version);
        let (last, version) = told.pop().unwrap();
        assert!(!last.in_stock, "the last word is that there is none");
        assert_eq!((told.len(), version), (1, 2), "and the one before was the first");
    }
    two.close().await;
}

#[tokio::test]
async fn products_merchants_prices_and_orders_change_at_once() {
    let Some(two) = Two::open().await else { return };
    let (product, terms) = goods(stocked(two.one(), 1, 1).await.merchant, 50, 100);
    let id = product.product;
    // The very first offers of a product, by several at once and out of turn.
    let puts = two.at_once(10, |store, nth| {
        let version = [3, 1, 5, 2, 4][nth % 5];
        let product = Snapshot { version, picture_url: version.to_string(), ..product.clone() };
        let terms = Terms { price: Some(Money::uzs(100 + version)), ..terms.clone() };
        async move { store.put_offers(product, vec![terms], NOW).await }
    });
    puts.await.into_iter().for_each(Result::unwrap);
    let sold = two.one().offers(Wanted::Products(vec![id])).await.unwrap().remove(0);
    assert_eq!((sold.price.amount, &*sold.picture_url), (105, "5"));

    let work = two.at_once(60, |store, nth| {
        let number = i64::try_from(nth).unwrap();
        let product = Snapshot { version: number, ..product.clone() };
        let (terms, sold) = (terms.clone(), sold.clone());
        async move {
            match nth % 5 {
                0 => store.put_offers(product, vec![terms], NOW).await,
                1 => {
                    let merchant = Merchant {
                        id: sold.merchant,
                        name: "M".to_owned(),
                        tin: String::new(),
                        plan: "basic".to_owned(),
                        active: nth % 2 == 0,
                        version: number,
                    };
                    store.put_merchant(merchant, NOW).await
                }
                2 => {
                    let update = Update {
                        price: Some(Money::uzs(number + 1)),
                        stock: Some(number),
                        ..Update::of(sold.id)
                    };
                    store.update_offers(sold.merchant, vec![update], NOW).await.map(drop)
                }
                _ => match store.place(placing(&[(sold.id, 2)])).await {
                    Ok(_) | Err(Error::OutOfStock(_)) => Ok(()),
                    Err(error) => Err(error),
                },
            }
        }
    });
    for done in work.await {
        done.unwrap();
    }
    two.close().await;
}
