use proptest::prelude::*;

use super::*;
use crate::domain::{
    Address,
    discounts::Offered,
    offer::Offer,
    pricing::{Line, quote},
    testing,
};

const PLATFORM: Tariff = Tariff {
    courier_capital: 2_500_001,
    courier_regions: 4_000_000,
    post: 3_000_000,
    free_from: 0,
};

fn to(method: Method, region: &str) -> Delivery {
    let address = Address { region: region.to_owned(), ..Address::default() };
    Delivery { method, address }
}

fn zone(regions: &[&str], courier: (i64, i64, i64)) -> Zone {
    let (base, included, per_kg) = courier;
    Zone {
        regions: regions.iter().map(|code| (*code).to_owned()).collect(),
        courier: Some(Rate { base, included, per_kg }),
        post: None,
        free_from: None,
    }
}

fn tariff(zones: Vec<Zone>) -> MerchantTariff {
    MerchantTariff { zones }
}

fn heavy(price: i64, weight: i64, delivery: Option<MerchantTariff>) -> Offer {
    Offer { weight, delivery, ..testing::offer(price, 1000) }
}

fn delivered(offers: &[(Offer, u32)], delivery: &Delivery) -> i64 {
    let line = |(offer, quantity): &(Offer, u32)| Line { offer: offer.id, quantity: *quantity };
    let lines: Vec<Line> = offers.iter().map(line).collect();
    let known = offers.iter().map(|(offer, _)| offer.clone()).collect();
    let quote = quote(&lines, known, Some(delivery), &PLATFORM, &Offered::default()).unwrap();
    let totals = quote.totals;
    assert_eq!(totals.total.amount, totals.items.amount + totals.delivery.amount);
    totals.delivery.amount
}

#[test]
fn the_first_zone_that_names_the_region_holds() {
    let own = tariff(vec![zone(&["1726", "1727"], (100, 0, 0)), zone(&[], (700, 0, 0))]);
    let goods = [(heavy(1000, 0, Some(own)), 1)];
    for (method, region, price) in [
        (Method::Courier, "1726", 100),
        (Method::Courier, "1727", 100),
        (Method::Courier, "1718", 700),
        (Method::Post, "1726", 3_000_000),
        (Method::Pickup, "1726", 0),
    ] {
        assert_eq!(delivered(&goods, &to(method, region)), price, "{method:?} {region}");
    }
    let near = tariff(vec![zone(&["1726"], (100, 0, 0))]);
    let goods = [(heavy(1000, 0, Some(near)), 1)];
    assert_eq!(delivered(&goods, &to(Method::Courier, "1718")), 4_000_000, "not named");
}

#[test]
fn each_kilogram_that_is_begun_costs() {
    let own = tariff(vec![zone(&[], (1000, 2000, 50))]);
    for (weight, quantity, price) in [
        (0, 9, 1000),
        (500, 4, 1000),
        (2001, 1, 1050),
        (3000, 1, 1050),
        (1000, 4, 1100),
        (750, 5, 1100),
    ] {
        let goods = [(heavy(10, weight, Some(own.clone())), quantity)];
        assert_eq!(
            delivered(&goods, &to(Method::Courier, "1726")),
            price,
            "{quantity} of {weight} g"
        );
    }
}

#[test]
fn goods_worth_enough_are_delivered_free() {
    let own = tariff(vec![Zone { free_from: Some(5000), ..zone(&[], (1000, 0, 50)) }]);
    let price = |quantity| {
        delivered(&[(heavy(1000, 1000, Some(own.clone())), quantity)], &to(Method::Courier, "1726"))
    };
    assert_eq!([price(4), price(5)], [1200, 0]);
}

#[test]
fn those_without_a_tariff_travel_together() {
    let courier = to(Method::Courier, "1726");
    let plain = || (heavy(1000, 5000, None), 1);
    let own = || (heavy(1000, 0, Some(tariff(vec![zone(&[], (700, 0, 0))]))), 1);
    assert_eq!(delivered(&[plain(), plain()], &courier), 2_500_001);
    assert_eq!(delivered(&[plain(), own(), plain(), own()], &courier), 2_500_001 + 1400);
}

#[test]
fn what_no_price_can_be_is_refused() {
    let fine = zone(&["1726"], (0, 0, 0));
    let wrong = |zone: Zone| tariff(vec![fine.clone(), zone]).check().unwrap_err().0;
    assert!(tariff(vec![fine.clone()]).check().is_ok() && tariff(Vec::new()).check().is_ok());
    assert_eq!(wrong(zone(&["Toshkent"], (0, 0, 0))), "zones[1].regions");
    assert_eq!(wrong(zone(&[], (-1, 0, 0))), "zones[1].courier");
    assert_eq!(wrong(zone(&[], (0, -1, 0))), "zones[1].courier");
    assert_eq!(wrong(zone(&[], (0, 0, MAX_PRICE + 1))), "zones[1].courier");
    assert_eq!(wrong(Zone { free_from: Some(0), ..fine.clone() }), "zones[1].free_from");
    assert_eq!(tariff(vec![fine; MOST + 1]).check().unwrap_err().0, "zones");
}

proptest! {
    /// The shares of a delivery add up to it to the tiyin, more goods never make it cheaper but for a limit that says so, and each
    /// merchant's own price is exact.
    #[test]
    fn shares_add_up(
        rows in prop::collection::vec((1i64..1_000_000, 1u32..50, 0i64..20_000, any::<bool>(), 0i64..5000, 0i64..3000, 0i64..900), 1..12),
        capital: bool,
    ) {
        let delivery = to(Method::Courier, if capital { "1726" } else { "1710" });
        let goods: Vec<(Offer, u32)> = rows.iter().map(|row| {
            let (price, quantity, weight, has, base, included, per_kg) = *row;
            let own = has.then(|| tariff(vec![zone(&[], (base, included, per_kg))]));
            (heavy(price, weight, own), quantity)
        }).collect();
        let own: i64 = rows.iter().filter(|row| row.3).map(|(_, quantity, weight, _, base, included, per_kg)| {
            let above = (weight * i64::from(*quantity) - included).max(0);
            base + (above + 999) / 1000 * per_kg
        }).sum();
        let plain = rows.iter().any(|row| !row.3);
        let platform = match (plain, capital) {
            (false, _) => 0,
            (true, true) => 2_500_001,
            (true, false) => 4_000_000,
        };
        prop_assert_eq!(delivered(&goods, &delivery), own + platform);
        prop_assert!(delivered(&goods[..goods.len() - 1], &delivery) <= own + platform);
    }
}
