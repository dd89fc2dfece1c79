//! Cash has no provider: it is paid when the goods are handed over.

use proto::{event as events, order as orders, payment as pb};
use testkit::WIRINGS;

use crate::lab::{SUM, Shop, shop};

/// The order service tells how an order stands, twice.
async fn told(shop: &Shop, kind: &str, order_id: &str, status: pb::PaymentStatus, paid: i64) {
    let money = |amount| Some(proto::value::Money { amount, currency: "UZS".to_owned() });
    let order = orders::Order {
        id: order_id.to_owned(),
        number: "1K".to_owned(),
        totals: Some(orders::Totals { total: money(SUM), ..Default::default() }),
        payment_provider: "cash".to_owned(),
        payment_status: status.into(),
        paid: money(paid),
        ..Default::default()
    };
    let event = events::Event {
        id: ids::EventId::new().to_string(),
        r#type: kind.to_owned(),
        data: Some(events::event::Data::Order(events::OrderChanged {
            order: Some(order),
            ..Default::default()
        })),
        ..Default::default()
    };
    let request = events::DeliverRequest { events: vec![event.clone(), event] };
    let mut client = shop.lab.mesh.events(mesh::Role::Payment);
    let answer = shop.lab.as_service(client.deliver(request)).await.unwrap().into_inner();
    assert_eq!(answer.applied.len(), 2, "{:?}", answer.rejected);
}

#[tokio::test]
async fn cash_is_paid_when_the_last_goods_are_handed_over() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        let payable = shop.ordered("1K", "cash").await;
        let status = async || {
            let payment = shop.payments(&payable.order_id).await.remove(0);
            (payment.status(), payment.amount.unwrap().amount, payment.paid_at_ms)
        };
        let now = shop.lab.clock.now().millis();
        told(&shop, "order.delivered", &payable.order_id, pb::PaymentStatus::Pending, 100).await;
        assert_eq!(
            status().await,
            (pb::PaymentStatus::Pending, SUM, 0),
            "another shipment is on its way"
        );
        told(&shop, "order.delivered", &payable.order_id, pb::PaymentStatus::Paid, SUM).await;
        assert_eq!(status().await, (pb::PaymentStatus::Paid, SUM, now));
        told(&shop, "order.completed", &payable.order_id, pb::PaymentStatus::Paid, SUM).await;
        assert_eq!(status().await, (pb::PaymentStatus::Paid, SUM, now), "once");
        let refused = shop.open(&payable, "payme", "late").await.unwrap_err();
        assert_eq!(crate::reason(refused).1, "ORDER_ALREADY_PAID");
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn what_was_not_taken_is_not_paid_and_a_refusal_ends_it() {
    let shop = shop(WIRINGS[0]).await;
    let payable = shop.ordered("1K", "cash").await;
    told(&shop, "order.delivered", &payable.order_id, pb::PaymentStatus::Paid, 300_000).await;
    let payment = shop.payments(&payable.order_id).await.remove(0);
    assert_eq!(
        (payment.status(), payment.amount.unwrap().amount),
        (pb::PaymentStatus::Paid, 300_000)
    );
    let refused = shop.ordered("2K", "cash").await;
    crate::deliver(&shop, "order.cancelled", &refused.order_id, "2K", "cash").await;
    told(&shop, "order.completed", &refused.order_id, pb::PaymentStatus::Pending, 0).await;
    let payment = shop.payments(&refused.order_id).await.remove(0);
    assert_eq!(payment.status(), pb::PaymentStatus::Cancelled);
    shop.lab.stop().await;
}

#[tokio::test]
async fn cash_is_paid_on_postgresql_too() {
    let Some(database) = testkit::FreshDatabase::create().await else { return };
    let shop = crate::lab::shop_at(WIRINGS[0], Some(&database.address)).await;
    let payable = shop.ordered("1K", "cash").await;
    let other = shop.open(&payable, "payme", "other").await.unwrap();
    told(&shop, "order.delivered", &payable.order_id, pb::PaymentStatus::Paid, 300_000).await;
    let payments = shop.payments(&payable.order_id).await;
    let found: Vec<_> = payments.iter().map(|it| (it.provider.as_str(), it.status())).collect();
    let expected = [("payme", pb::PaymentStatus::Cancelled), ("cash", pb::PaymentStatus::Paid)];
    assert_eq!(found, expected, "{other:?}");
    assert_eq!(payments[1].amount.as_ref().unwrap().amount, 300_000);
    shop.lab.stop().await;
}
