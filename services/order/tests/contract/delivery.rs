//! Promises about what delivery costs for the goods of single merchants.

use ids::MerchantId;
use money::Money;
use order::{
    Error,
    domain::{
        Address, Delivery, Method,
        offer::{Refusal, Update},
        tariff::{MerchantTariff, Rate, Zone},
    },
    store::{Merchant, OrderStore, Placing},
};

use crate::{NOW, offer, placed, placing, stocked};

fn tariff() -> MerchantTariff {
    let near = Rate { base: 1_000_000, included: 2000, per_kg: 300_000 };
    MerchantTariff {
        zones: vec![
            Zone {
                regions: vec!["1726".to_owned()],
                courier: Some(near),
                post: None,
                free_from: None,
            },
            Zone {
                regions: Vec::new(),
                courier: None,
                post: Some(near),
                free_from: Some(5_000_000),
            },
        ],
    }
}

pub(crate) async fn delivery_is_priced_by_zone_and_weight(store: &dyn OrderStore) {
    let (goods, plain) = (stocked(store, 50, 1_000_000).await, stocked(store, 50, 1_000_000).await);
    let nobody = MerchantId::new();
    assert!(matches!(store.delivery_tariff(nobody).await, Err(Error::MerchantNotFound)));
    let refused = store.set_delivery_tariff(nobody, Some(tariff())).await;
    assert!(matches!(refused, Err(Error::MerchantNotFound)));
    assert_eq!(store.delivery_tariff(goods.merchant).await.unwrap(), None);
    store.set_delivery_tariff(goods.merchant, Some(tariff())).await.unwrap();
    assert_eq!(store.delivery_tariff(goods.merchant).await.unwrap(), Some(tariff()));
    assert_eq!(store.delivery_tariff(plain.merchant).await.unwrap(), None);
    let weight = |weight| vec![Update { weight: Some(weight), ..Update::of(goods.id) }];
    let wrong = store.update_offers(goods.merchant, weight(1_000_001), NOW).await.unwrap();
    assert_eq!(wrong, [Err(Refusal::Weight)]);
    let changed = store.update_offers(goods.merchant, weight(1500), NOW).await.unwrap();
    assert_eq!(changed[0].as_ref().unwrap().weight, 1500);

    let buy = |lines: &[_], method, region: &str, delivery: i64| {
        let address = Address { region: region.to_owned(), ..Address::default() };
        let goods: i64 = lines.iter().map(|(_, quantity): &(_, u32)| i64::from(*quantity)).sum();
        Placing {
            delivery: Delivery { method, address },
            expected_total: Some(Money::uzs(goods * 1_000_000 + delivery)),
            ..placing(lines)
        }
    };
    // One piece is included, of three the third begins with the third kilogram above.
    for (quantity, method, region, price) in [
        (1, Method::Courier, "1726", 1_000_000),
        (2, Method::Courier, "1726", 1_300_000),
        (3, Method::Courier, "1726", 1_900_000),
        (3, Method::Courier, "1710", 4_000_000),
        (3, Method::Post, "1710", 1_900_000),
        (5, Method::Post, "1710", 0),
        (3, Method::Pickup, "1726", 0),
    ] {
        let request = buy(&[(goods.id, quantity)], method, region, price);
        let order = placed(store, request).await;
        assert_eq!(order.body.totals.delivery.amount, price, "{quantity} {method:?} {region}");
    }
    let both = buy(&[(goods.id, 2), (plain.id, 1)], Method::Courier, "1726", 1_300_000 + 2_500_000);
    placed(store, both).await;

    // What is heard of a merchant leaves its tariff alone.
    let renamed = Merchant {
        id: goods.merchant,
        name: "Hunar Uyi".to_owned(),
        tin: "1".to_owned(),
        plan: "basic".to_owned(),
        active: true,
        version: 9,
    };
    store.put_merchant(renamed, NOW).await.unwrap();
    assert_eq!(offer(store, goods.id).await.delivery, Some(tariff()));
    store.set_delivery_tariff(goods.merchant, None).await.unwrap();
    placed(store, buy(&[(goods.id, 2)], Method::Courier, "1726", 2_500_000)).await;
}
