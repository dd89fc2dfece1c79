//! Promises about offers and merchants.

use std::time::Duration;

use ids::{MerchantId, VariantId};
use mesh::Role;
use money::Money;
use order::{
    domain::offer::{Refusal, Snapshot, Terms, Update},
    store::{Merchant, OrderStore, Wanted},
};

use prost::Message as _;
use proto::event::{Event, OffersChanged, event::Data};

use crate::{NOW, goods, moves::moved, offer, placed, placing, stocked};

/// What lists were told since they were last told, oldest first, with the versions.
pub(crate) async fn shown(store: &dyn OrderStore) -> Vec<(OffersChanged, i64)> {
    let later = NOW.plus(Duration::from_hours(1));
    let parcels = store.outbox().claim(Role::Search, later, 1000).await.unwrap();
    store.outbox().settle(parcels.iter().map(|parcel| parcel.row).collect()).await.unwrap();
    let told = parcels.into_iter().map(|parcel| Event::decode(&*parcel.payload).unwrap());
    told.filter_map(|event| match event.data {
        Some(Data::Offers(offers)) => Some((offers, event.version)),
        _ => None,
    })
    .collect()
}

pub(crate) async fn a_product_told_twice_does_not_refill_the_shelf(store: &dyn OrderStore) {
    let merchant = MerchantId::new();
    let known = Merchant {
        id: merchant,
        name: "M".to_owned(),
        tin: String::new(),
        plan: "basic".to_owned(),
        active: true,
        version: 1,
    };
    store.put_merchant(known, NOW).await.unwrap();
    let (product, terms) = goods(merchant, 5, 100);
    store.put_offers(product.clone(), vec![terms.clone()], NOW).await.unwrap();
    let id = store.offers(Wanted::Products(vec![product.product])).await.unwrap()[0].id;
    placed(store, placing(&[(id, 5)])).await;
    store.put_offers(product.clone(), vec![terms.clone()], NOW).await.unwrap();
    assert_eq!(offer(store, id).await.available, 0);
    let newer = Snapshot { version: 2, ..product };
    store
        .put_offers(
            newer,
            vec![Terms { stock: Some(7), price: Some(Money::uzs(90)), ..terms }],
            NOW,
        )
        .await
        .unwrap();
    let after = offer(store, id).await;
    assert_eq!((after.available, after.reserved, after.price.amount), (7, 5, 90));
}

pub(crate) async fn offers_follow_product_and_merchant_off_sale(store: &dyn OrderStore) {
    let merchant = MerchantId::new();
    let known = Merchant {
        id: merchant,
        name: "M".to_owned(),
        tin: String::new(),
        plan: "basic".to_owned(),
        active: true,
        version: 1,
    };
    store.put_merchant(known.clone(), NOW).await.unwrap();
    let (product, terms) = goods(merchant, 5, 100);
    store.put_offers(product.clone(), vec![terms], NOW).await.unwrap();
    let id = store.offers(Wanted::Products(vec![product.product])).await.unwrap()[0].id;
    assert!(offer(store, id).await.on_sale);
    store.put_merchant(Merchant { active: false, version: 2, ..known.clone() }, NOW).await.unwrap();
    assert!(!offer(store, id).await.on_sale);
    store.put_merchant(Merchant { active: false, version: 1, ..known.clone() }, NOW).await.unwrap();
    store.put_merchant(Merchant { active: true, version: 3, ..known }, NOW).await.unwrap();
    assert!(offer(store, id).await.on_sale);
    let hidden = Snapshot { on_show: false, version: 2, ..product };
    store.put_offers(hidden, Vec::new(), NOW).await.unwrap();
    assert!(!offer(store, id).await.on_sale);
}

pub(crate) async fn updates_are_the_merchants_own_and_each_by_itself(store: &dyn OrderStore) {
    let (own, foreign) = (stocked(store, 5, 100).await, stocked(store, 5, 100).await);
    let update = |id, price: i64, stock| Update {
        price: Some(Money::uzs(price)),
        stock: Some(stock),
        ..Update::of(id)
    };
    let updates = vec![
        update(own.id, 200, 9),
        update(foreign.id, 1, 1),
        update(own.id, 0, 1),
        update(own.id, 5, -1),
    ];
    let results = store.update_offers(own.merchant, updates, NOW).await.unwrap();
    let [Ok(changed), Err(Refusal::NotFound), Err(Refusal::Price), Err(Refusal::Stock)] =
        results.as_slice()
    else {
        panic!("{results:?}")
    };
    assert_eq!((changed.price.amount, changed.available), (200, 9));
    assert_eq!(offer(store, foreign.id).await.price.amount, 100);
}

pub(crate) async fn terms_of_one_product_are_taken_over_together(store: &dyn OrderStore) {
    let first = stocked(store, 1, 100).await;
    let (mut product, terms) = goods(first.merchant, 5, 100);
    let other = Terms { variant: VariantId::new(), sku: "B".to_owned(), ..terms.clone() };
    let unpriced = Terms { variant: VariantId::new(), price: None, ..terms.clone() };
    product.variants.push((other.variant, "B".to_owned(), std::collections::BTreeMap::new()));
    let all = vec![terms.clone(), other.clone(), unpriced];
    store.put_offers(product.clone(), all, NOW).await.unwrap();
    let wanted = || Wanted::Products(vec![product.product]);
    let put = store.offers(wanted()).await.unwrap();
    assert_eq!(put.len(), 2, "what has no price is not offered");

    // The same product again brings only what was not there.
    let third = Terms { variant: VariantId::new(), stock: None, ..terms.clone() };
    let cheaper = Terms { price: Some(Money::uzs(1)), ..other.clone() };
    store.put_offers(product.clone(), vec![cheaper, third], NOW).await.unwrap();
    let put = store.offers(wanted()).await.unwrap();
    let stocks: Vec<_> = put.iter().map(|offer| (offer.price.amount, offer.available)).collect();
    assert_eq!(stocks, [(100, 5), (100, 5), (100, 0)]);

    // A newer one keeps the stock that it does not name, and takes off what it no longer has.
    product.version = 2;
    product.variants.truncate(1);
    let dearer = Terms { stock: None, price: Some(Money::uzs(150)), ..terms };
    store.put_offers(product.clone(), vec![dearer], NOW).await.unwrap();
    let put = store.offers(wanted()).await.unwrap();
    let on_sale: Vec<_> = put.iter().filter(|offer| offer.on_sale).collect();
    assert_eq!(on_sale.len(), 1);
    assert_eq!((on_sale[0].price.amount, on_sale[0].available), (150, 5));
    assert!(put.iter().all(|offer| offer.version == 2 || offer.available == 0));
    assert_eq!(offer(store, first.id).await.version, 1, "another product is not touched");
}

pub(crate) async fn lists_are_told_what_changes_for_them(store: &dyn OrderStore) {
    let goods = stocked(store, 2, 100).await;
    let told = shown(store).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0.product_id, goods.product.to_string());
    assert_eq!(told[0].0.merchant_ids, [goods.merchant.to_string()]);
    assert_eq!((told[0].0.price_from, told[0].0.in_stock, told[0].1), (100, true, 1));
    placed(store, placing(&[(goods.id, 1)])).await;
    assert!(shown(store).await.is_empty(), "there is still one");
    let last = placed(store, placing(&[(goods.id, 1)])).await;
    let told = shown(store).await;
    assert_eq!((told.len(), told[0].0.in_stock, told[0].1), (1, false, 2));
    moved(store, last.id, None, |order| Ok(Some(order.expire(NOW)?))).await.unwrap();
    let told = shown(store).await;
    assert_eq!((told.len(), told[0].0.in_stock, told[0].1), (1, true, 3));
    let dearer = Update { price: Some(Money::uzs(120)), ..Update::of(goods.id) };
    store.update_offers(goods.merchant, vec![dearer.clone(), dearer], NOW).await.unwrap();
    let told = shown(store).await;
    assert_eq!((told.len(), told[0].0.price_from, told[0].1), (1, 120, 4));
    let away = Merchant {
        id: goods.merchant,
        name: "Hunar".to_owned(),
        tin: "1".to_owned(),
        plan: "basic".to_owned(),
        active: false,
        version: 2,
    };
    store.put_merchant(away, NOW).await.unwrap();
    let told = shown(store).await;
    assert_eq!((told.len(), told[0].0.price_from, told[0].0.in_stock), (1, 0, false));
    assert!(told[0].0.merchant_ids.is_empty());
}
