//! Promises about offers and merchants.

use ids::MerchantId;
use money::Money;
use order::{
    domain::offer::{Refusal, Snapshot, Terms, Update},
    store::{Merchant, OrderStore, Wanted},
};

use crate::{NOW, goods, offer, placed, placing, stocked};

pub(crate) async fn a_product_told_twice_does_not_refill_the_shelf(store: &dyn OrderStore) {
    let merchant = MerchantId::new();
    let known = Merchant {
        id: merchant,
        name: "M".to_owned(),
        tin: String::new(),
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
        id,
        price: Some(Money::uzs(price)),
        compare_at: None,
        stock: Some(stock),
        active: None,
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
