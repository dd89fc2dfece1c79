//! Promises about what may be sold of an offer, at which price, and when its merchant hears of it.

use std::time::Duration;

use ids::OfferId;
use mesh::Role;
use money::Money;
use order::{
    Error,
    domain::{
        Order,
        offer::{Offer, Refusal, Update},
        tiers::Tier,
    },
    store::{self, OrderStore, Placed, Placing},
};
use postgres::{Postgres, violates};
use prost::Message as _;
use proto::event::{Event, StockCrossed, event::Data};
use sqlite::{Connection, Durability, Sqlite, params};
use sqlx::query;
use testkit::Folder;

use crate::{NOW, moves::moved, offer, placed, placing, stocked, tenancy::migrated};

const SQLITE: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_orders.sql"),
    include_str!("../../migrations/sqlite/0002_numbering.sql"),
    include_str!("../../migrations/sqlite/0003_promotions.sql"),
    include_str!("../../migrations/sqlite/0004_returns.sql"),
    include_str!("../../migrations/sqlite/0005_ledger.sql"),
    include_str!("../../migrations/sqlite/0006_offers.sql"),
    include_str!("../../migrations/sqlite/0007_delivery.sql"),
    include_str!("../../migrations/sqlite/0008_adjustments.sql"),
];

/// What merchants were told since they were last told, oldest first.
async fn heard(store: &dyn OrderStore) -> Vec<(String, StockCrossed)> {
    let later = NOW.plus(Duration::from_hours(1));
    let parcels = store.outbox().claim(Role::Notification, later, 1000).await.unwrap();
    store.outbox().settle(parcels.iter().map(|parcel| parcel.row).collect()).await.unwrap();
    let told = parcels.into_iter().map(|parcel| Event::decode(&*parcel.payload).unwrap());
    told.filter_map(|event| match event.data {
        Some(Data::Stock(stock)) => Some((event.r#type, stock)),
        _ => None,
    })
    .collect()
}

/// The kinds of what was told, each with the pieces after it.
async fn crossings(store: &dyn OrderStore) -> Vec<(&'static str, i64)> {
    let short = |kind: &str| match kind {
        "offer.low_stock" => "low",
        "offer.back_in_stock" => "back",
        other => panic!("{other}"),
    };
    heard(store).await.iter().map(|(kind, told)| (short(kind), told.available)).collect()
}

async fn update(store: &dyn OrderStore, offer: &Offer, update: Update) -> Result<Offer, Refusal> {
    store.update_offers(offer.merchant, vec![update], NOW).await.unwrap().remove(0)
}

async fn expire(store: &dyn OrderStore, order: &Order) {
    moved(store, order.id, None, |order| Ok(Some(order.expire(NOW)?))).await.unwrap();
}

pub(crate) async fn a_merchant_hears_of_each_crossing_once(store: &dyn OrderStore) {
    let goods = stocked(store, 10, 100).await;
    placed(store, placing(&[(goods.id, 1)])).await;
    let watch = Update { low_stock_at: Some(Some(3)), ..Update::of(goods.id) };
    assert_eq!(update(store, &goods, watch).await.unwrap().low_stock_at, Some(3));
    let first = placed(store, placing(&[(goods.id, 5)])).await;
    assert_eq!(crossings(store).await, [], "four are left");
    let second = placed(store, placing(&[(goods.id, 1)])).await;
    let told = heard(store).await;
    assert_eq!(told.len(), 1);
    let (kind, low) = &told[0];
    assert_eq!((kind.as_str(), low.available, low.low_stock_at), ("offer.low_stock", 3, 3));
    assert_eq!(low.offer_id, goods.id.to_string());
    assert_eq!(low.merchant_id, goods.merchant.to_string());
    assert_eq!(low.title.as_ref().unwrap().uz, "Choynak");

    let rest = placed(store, placing(&[(goods.id, 3)])).await;
    assert_eq!(crossings(store).await, [], "it was low already");
    expire(store, &second).await;
    assert_eq!(crossings(store).await, [("back", 1)], "and is low still");
    expire(store, &rest).await;
    expire(store, &first).await;
    assert_eq!(crossings(store).await, [], "nine are left");
    placed(store, placing(&[(goods.id, 9)])).await;
    assert_eq!(crossings(store).await, [("low", 0)]);

    let count = |stock| Update { stock: Some(stock), ..Update::of(goods.id) };
    update(store, &goods, count(5)).await.unwrap();
    update(store, &goods, count(2)).await.unwrap();
    update(store, &goods, count(1)).await.unwrap();
    assert_eq!(crossings(store).await, [("back", 5), ("low", 2)]);
    let ignore = Update { low_stock_at: Some(None), ..count(9) };
    assert_eq!(update(store, &goods, ignore).await.unwrap().low_stock_at, None);
    placed(store, placing(&[(goods.id, 9)])).await;
    assert_eq!(crossings(store).await, [], "nobody asks any more");
    let wrong = Update { low_stock_at: Some(Some(-1)), ..Update::of(goods.id) };
    assert_eq!(update(store, &goods, wrong).await, Err(Refusal::LowStock));
}

pub(crate) async fn of_many_buyers_one_makes_it_low(store: &dyn OrderStore) {
    let goods = stocked(store, 20, 100).await;
    let watch = Update { low_stock_at: Some(Some(5)), ..Update::of(goods.id) };
    update(store, &goods, watch).await.unwrap();
    let buy = || store.place(placing(&[(goods.id, 1)]));
    let outcomes = futures::future::join_all((0..30).map(|_| buy())).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 20);
    assert_eq!(crossings(store).await, [("low", 5)]);
}

pub(crate) async fn what_is_not_there_yet_is_sold_up_to_the_limit(store: &dyn OrderStore) {
    let goods = stocked(store, 2, 100).await;
    let limit = |limit| Update { backorder_limit: Some(limit), ..Update::of(goods.id) };
    assert_eq!(update(store, &goods, limit(3)).await.unwrap().backorder_limit, 3);
    let outcomes = futures::future::join_all((0..40).map(|nth| {
        // One in ten wants two.
        store.place(placing(&[(goods.id, if nth % 10 == 0 { 2 } else { 1 })]))
    }));
    let outcomes: Vec<Result<Placed, Error>> = outcomes.await;
    let orders = outcomes.into_iter().filter_map(|outcome| match outcome {
        Ok(Placed::New(order)) => Some(*order),
        Err(Error::OutOfStock(_)) => None,
        other => panic!("{other:?}"),
    });
    let orders: Vec<Order> = orders.collect();
    let items = || orders.iter().flat_map(|order| &order.body.items);
    assert_eq!(items().map(|item| item.quantity).sum::<u32>(), 5);
    assert_eq!(items().map(|item| item.backordered).sum::<u32>(), 3);
    let gone = offer(store, goods.id).await;
    assert_eq!((gone.available, gone.reserved), (-3, 5));

    assert_eq!(update(store, &goods, limit(2)).await, Err(Refusal::Backorder), "three are sold");
    assert_eq!(update(store, &goods, limit(-1)).await, Err(Refusal::Backorder));
    for order in &orders {
        expire(store, order).await;
    }
    let back = offer(store, goods.id).await;
    assert_eq!((back.available, back.reserved), (2, 0));
    update(store, &goods, limit(0)).await.unwrap();
    let more = store.place(placing(&[(goods.id, 3)])).await.unwrap_err();
    assert!(matches!(&more, Error::OutOfStock(fields) if fields[0].message.contains("2 left")));
}

pub(crate) async fn larger_quantities_are_sold_at_the_price_of_their_tier(store: &dyn OrderStore) {
    let goods = stocked(store, 100, 1000).await;
    let tiers = vec![Tier { from: 5, price: 900 }, Tier { from: 10, price: 700 }];
    let tiered = Update { tiers: Some(tiers.clone()), ..Update::of(goods.id) };
    assert_eq!(update(store, &goods, tiered).await.unwrap().tiers, tiers);
    assert_eq!(offer(store, goods.id).await.tiers, tiers);
    let buy = |quantity, expected| Placing {
        expected_total: Some(Money::uzs(expected)),
        ..placing(&[(goods.id, quantity)])
    };
    assert!(matches!(store.place(buy(5, 5000)).await, Err(Error::PriceChanged(4500))));
    for (quantity, unit) in [(4, 1000), (5, 900), (12, 700)] {
        let order = placed(store, buy(quantity, unit * i64::from(quantity))).await;
        assert_eq!(order.body.items[0].unit_price.amount, unit);
        let stored = store.find(order.id).await.unwrap().unwrap();
        assert_eq!(stored.body.items[0].total.amount, unit * i64::from(quantity));
    }
    // A price that comes down to a tier's ends it, for good.
    let price = |price| Update { price: Some(Money::uzs(price)), ..Update::of(goods.id) };
    assert_eq!(update(store, &goods, price(900)).await.unwrap().tiers, tiers[1..]);
    assert_eq!(update(store, &goods, price(2000)).await.unwrap().tiers, tiers[1..]);
    let wrong = Update { tiers: Some(tiers), price: Some(Money::uzs(900)), ..Update::of(goods.id) };
    assert_eq!(update(store, &goods, wrong).await, Err(Refusal::Tiers));
    let none = Update { tiers: Some(Vec::new()), ..Update::of(goods.id) };
    assert_eq!(update(store, &goods, none).await.unwrap().tiers, []);
}

#[tokio::test]
async fn postgres_sells_nothing_beyond_the_limit_whatever_a_statement_forgets() {
    let Some(fresh) = migrated().await else { return };
    let store = store::open(&fresh.address, order::encode_event).await.unwrap();
    stocked(&*store, 5, 100).await;
    let database = Postgres::open(&fresh.address, &[]).await.unwrap();
    for (statement, constraint) in [
        ("update offers set available = -1", "offers_available"),
        ("update offers set available = -3, backorder_limit = 2", "offers_available"),
        ("update offers set backorder_limit = -1", "stock"),
        ("update offers set low_stock_at = -1", "stock"),
        ("update offers set price_tiers = '{}'", "price_tiers"),
    ] {
        let mut transaction = database.begin().await.unwrap();
        let refused = query(statement).execute(&mut *transaction).await.unwrap_err();
        assert!(violates(&refused, constraint), "{statement}: {refused}");
    }
    let mut transaction = database.begin().await.unwrap();
    let fits = query("update offers set available = -3, backorder_limit = 3");
    assert_eq!(fits.execute(&mut *transaction).await.unwrap().rows_affected(), 1);
    drop(transaction);
    database.close().await;
    store.close().await;
}

/// Offers of a file that was written before they could be sold below zero are all still there, and so is what points to them.
#[tokio::test]
async fn sqlite_takes_older_offers_over_and_sells_nothing_beyond_the_limit() {
    let folder = Folder::new("levels");
    let address = format!("sqlite:{}", folder.path().join("order.db").display());
    let before = Sqlite::open(&address, Durability::Full, &SQLITE[..5]).await.unwrap();
    let (id, order) = (OfferId::new(), ids::OrderId::new());
    let rows = move |connection: &Connection| -> Result<(), sqlite::Error> {
        connection.execute(
            "insert into offers values (?1, ?2, ?3, ?4, 'S', '{\"uz\":\"A\",\"ru\":\"\",\"en\":\"\"}', '{}',
             '{\"mxik\":\"\",\"package_code\":\"\",\"vat_percent\":12,\"unit_code\":\"\"}', '', 'UZS', 100, 120, 4, 1, 1, 1, 1, 7, 5, '[\"a\"]')",
            params![
                id.to_string(),
                ids::MerchantId::new().to_string(),
                ids::ProductId::new().to_string(),
                ids::VariantId::new().to_string()
            ],
        )?;
        connection.execute(
            "insert into orders values (?1, 1, 'c', 'u', null, 'paid', 'paid', '{}', null, null, 1, 1)",
            [order.to_string()],
        )?;
        connection.execute(
            "insert into reservations values (?1, ?2, 1, 'sold')",
            [order.to_string(), id.to_string()],
        )?;
        Ok(())
    };
    before.write(rows).await.unwrap();
    before.close().await;
    let store = store::open(&address, order::encode_event).await.unwrap();
    let there = offer(&*store, id).await;
    assert_eq!((there.available, there.reserved, there.version), (4, 1, 7));
    assert_eq!((there.backorder_limit, there.low_stock_at, there.tiers.len()), (0, None, 0));
    assert_eq!((there.compare_at, there.categories), (Some(Money::uzs(120)), vec!["a".to_owned()]));
    store.close().await;

    let after = Sqlite::open(&address, Durability::Full, SQLITE).await.unwrap();
    let broken = |connection: &Connection| {
        connection.all::<(String, i64)>("select \"table\", rowid from pragma_foreign_key_check", ())
    };
    assert_eq!(after.read(broken).await.unwrap(), []);
    for statement in [
        "update offers set available = -1",
        "update offers set backorder_limit = -1",
        "update offers set low_stock_at = -1",
        "update offers set price_tiers = '{}'",
        "update offers set reserved = -1",
    ] {
        let run = move |connection: &Connection| connection.execute(statement, ());
        let refused = format!("{:?}", after.write(run).await.unwrap_err());
        assert!(refused.contains("CHECK"), "{statement}: {refused}");
    }
    let removed = |connection: &Connection| connection.execute("delete from offers", ());
    let refused = format!("{:?}", after.write(removed).await.unwrap_err());
    assert!(refused.contains("FOREIGN KEY"), "{refused}");
    after.close().await;
}
