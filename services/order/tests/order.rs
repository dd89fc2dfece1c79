//! The service through the mesh, local and remote.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{sync::atomic::Ordering, time::Duration};

use fault::{Code, Fault};
use ids::{EventId, MerchantId, ProductId, UserId, VariantId};
use mesh::{Caller, Role, StaffRole};
use proto::{
    auth::auth_service_server::AuthServiceServer,
    cart::cart_service_server::CartServiceServer,
    event::{self as events, event_service_server::EventServiceServer},
    order as pb,
    payment::{self as payments, payment_service_server::PaymentServiceServer},
    product, value,
};
use testkit::{FreshDatabase, Lab, RunningLab, Wiring, eventually};

#[path = "order/checkout.rs"]
mod checkout;
#[path = "order/fakes.rs"]
mod fakes;
#[path = "order/finance.rs"]
mod finance;
#[path = "order/offers.rs"]
mod offers;
#[path = "order/promotions.rs"]
mod promotions;
#[path = "order/returns.rs"]
mod returns;

use fakes::World;

/// How roles reach each other, and whether the service keeps its data as in production.
type Stage = (Wiring, bool);

/// In production one wiring will do: the others are the same code.
const STAGES: [Stage; 3] =
    [(Wiring::Local, false), (Wiring::Remote, false), (Wiring::Remote, true)];

/// None: there is no server for this stage.
async fn lab((wiring, production): Stage) -> Option<(RunningLab, World)> {
    let world = World::default();
    let address = if production {
        let database = FreshDatabase::create().await?;
        let address = database.address.clone();
        *world.database.lock().unwrap() = Some(database);
        Some(address)
    } else {
        None
    };
    let mut lab = Lab::new(wiring).role(Role::Order, |host, mesh, folder| {
        Box::pin(async move {
            let embedded = || format!("sqlite:{}", folder.join("order.db").display());
            let config = order::Config {
                listen: "127.0.0.1:0".parse()?,
                store: address.unwrap_or_else(embedded),
                reservation_minutes: 30,
                return_days: 10,
                return_url: "http://shop/orders/{order_id}".to_owned(),
                delivery: order::domain::pricing::Tariff {
                    courier_capital: 500,
                    courier_regions: 900,
                    post: 700,
                    free_from: 0,
                },
                commission: order::domain::ledger::Commissions {
                    default: 1000,
                    vat_percent: 12,
                    ..Default::default()
                },
                payouts: order::domain::payout::Periods { days: 7, minimum: 1 },
            };
            order::migrate(&config).await?;
            order::mount(host, config, mesh).await
        })
    });
    for role in
        [Role::Cart, Role::Payment, Role::Auth, Role::Notification, Role::Product, Role::Search]
    {
        let world = world.clone();
        lab = lab.role(role, move |host, _, _| {
            Box::pin(async move {
                match role {
                    Role::Cart => host.grpc(role, CartServiceServer::new(world.clone())),
                    Role::Payment => host.grpc(role, PaymentServiceServer::new(world.clone())),
                    Role::Auth => host.grpc(role, AuthServiceServer::new(world.clone())),
                    _ => {}
                }
                host.grpc(role, EventServiceServer::new(world));
                Ok(())
            })
        });
    }
    Some((lab.start().await, world))
}

fn money(amount: i64) -> value::Money {
    value::Money { amount, currency: "UZS".to_owned() }
}

/// A product of a new merchant with so many pieces at 1000 tiyin; the offer and its merchant.
async fn stocked(lab: &RunningLab, stock: i64) -> (pb::Offer, MerchantId) {
    let merchant = MerchantId::new();
    let variant = VariantId::new().to_string();
    let product = product::Product {
        id: ProductId::new().to_string(),
        title: Some(value::LocalizedText { uz: "Choynak".to_owned(), ..Default::default() }),
        status: product::ProductStatus::Active.into(),
        variants: vec![product::Variant { id: variant.clone(), ..Default::default() }],
        version: 1,
        ..Default::default()
    };
    let draft = pb::OfferDraft {
        merchant_id: merchant.to_string(),
        product_id: product.id.clone(),
        variant_id: variant,
        sku: "CH-1".to_owned(),
        price: Some(money(1000)),
        stock: Some(stock),
        ..Default::default()
    };
    let request = pb::PutOffersRequest { product: Some(product), offers: vec![draft] };
    let answer = lab.as_service(lab.mesh.order().put_offers(request)).await.unwrap();
    (answer.into_inner().offers.remove(0), merchant)
}

fn request(cart: &str, key: &str) -> pb::PlaceOrderRequest {
    pb::PlaceOrderRequest {
        cart_id: cart.to_owned(),
        cart_token: "token".to_owned(),
        payment_provider: "payme".to_owned(),
        idempotency_key: key.to_owned(),
        request_hash: vec![1].into(),
        ..Default::default()
    }
}

async fn place(
    lab: &RunningLab,
    caller: &Caller,
    request: pb::PlaceOrderRequest,
) -> Result<pb::PlaceOrderResponse, Fault> {
    let mut client = lab.mesh.order();
    let answer = lab.act(caller.clone(), client.place_order(request)).await;
    answer.map(tonic::Response::into_inner).map_err(Fault::from)
}

/// What the payment service tells of an order.
fn news(
    kind: &str,
    order: &pb::Order,
    status: payments::PaymentStatus,
    until: i64,
) -> events::Event {
    let payment = payments::Payment {
        id: ids::PaymentId::new().to_string(),
        order_id: order.id.clone(),
        provider: "payme".to_owned(),
        status: status.into(),
        amount: order.totals.clone().unwrap().total,
        expires_at_ms: until,
        version: 2,
        ..Default::default()
    };
    let data = events::event::Data::Payment(events::PaymentChanged { payment: Some(payment) });
    events::Event {
        id: EventId::new().to_string(),
        r#type: kind.to_owned(),
        data: Some(data),
        ..Default::default()
    }
}

async fn deliver(lab: &RunningLab, events: Vec<events::Event>) -> events::DeliverResponse {
    let mut client = lab.mesh.events(Role::Order);
    lab.as_service(client.deliver(events::DeliverRequest { events })).await.unwrap().into_inner()
}

/// Tells the news twice.
async fn tell(
    lab: &RunningLab,
    kind: &str,
    order: &pb::Order,
    status: payments::PaymentStatus,
    until: i64,
) -> events::DeliverResponse {
    let event = news(kind, order, status, until);
    deliver(lab, vec![event.clone(), event]).await
}

async fn get(lab: &RunningLab, caller: Caller, id: &str, token: &str) -> Result<pb::Order, Fault> {
    let request = pb::GetOrderRequest { id: id.to_owned(), order_token: token.to_owned() };
    let mut client = lab.mesh.order();
    let answer = lab.act(caller, client.get_order(request)).await.map_err(Fault::from)?;
    Ok(answer.into_inner().order.unwrap())
}

async fn available(lab: &RunningLab, offer: &str) -> i64 {
    let request = pb::ListOffersRequest { offer_ids: vec![offer.to_owned()], ..Default::default() };
    let mut client = lab.mesh.order();
    lab.as_service(client.list_offers(request)).await.unwrap().into_inner().offers[0].available
}

#[tokio::test]
async fn a_guest_buys_and_only_they_see_it() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (offer, _) = stocked(&lab, 5).await;
        let cart = world.cart(&[(&offer.id, 2)]);
        let placed = place(&lab, &Caller::guest(), request(&cart, "k1")).await.unwrap();
        let order = placed.order.clone().unwrap();
        assert_eq!(order.totals.clone().unwrap().total.unwrap().amount, 2 * 1000 + 500);
        assert_eq!(order.status(), pb::OrderStatus::AwaitingPayment);
        let payment = placed.payment.clone().unwrap();
        assert_eq!(payment.reference, order.number);
        assert!(payment.redirect_url.ends_with(&format!("{}/1", order.id)));
        assert_eq!(available(&lab, &offer.id).await, 3);
        assert_eq!(world.carts.lock().unwrap()[&cart].order_id, order.id);

        assert!(get(&lab, Caller::guest(), &order.id, &placed.order_token).await.is_ok());
        for (caller, token) in
            [(Caller::guest(), ""), (Caller::guest(), "x"), (Caller::user(UserId::new()), "")]
        {
            let refused = get(&lab, caller, &order.id, token).await.unwrap_err();
            assert_eq!(
                (refused.code, refused.reason.as_ref()),
                (Code::NotFound, "ORDER_NOT_FOUND")
            );
        }
        eventually("others are told", async || world.told(&order.id).len() >= 3).await;
        lab.stop().await;
    }
}

#[tokio::test]
async fn a_paid_order_reaches_its_merchant_and_nobody_elses() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let ((first, one), (second, two)) = (stocked(&lab, 5).await, stocked(&lab, 5).await);
        let cart = world.cart(&[(&first.id, 1), (&second.id, 2)]);
        let placed = place(&lab, &Caller::guest(), request(&cart, "k")).await.unwrap();
        let order = placed.order.unwrap();
        assert_eq!(order.shipments.len(), 2);
        let staff = |merchant| Caller {
            merchant: Some((merchant, StaffRole::Operator)),
            ..Caller::user(UserId::new())
        };
        assert!(get(&lab, staff(one), &order.id, "").await.is_err(), "not before it is paid");

        let answer = tell(&lab, "payment.paid", &order, payments::PaymentStatus::Paid, 0).await;
        assert_eq!(answer.applied.len(), 2, "twice told, once done");
        let seen = get(&lab, staff(one), &order.id, "").await.unwrap();
        assert_eq!((seen.items.len(), seen.shipments.len()), (1, 1));
        assert_eq!(seen.totals.unwrap().total.unwrap().amount, 1000);
        assert!(get(&lab, staff(MerchantId::new()), &order.id, "").await.is_err());

        let mut client = lab.mesh.order();
        let list = client.list_merchant_orders(pb::ListMerchantOrdersRequest::default());
        assert_eq!(lab.act(staff(two), list).await.unwrap().into_inner().orders.len(), 1);
        let ship = |step: pb::ShipmentMove| pb::MoveShipmentRequest {
            order_id: order.id.clone(),
            r#move: step.into(),
            carrier: "BTS".to_owned(),
            tracking: "77".to_owned(),
            ..Default::default()
        };
        let foreign = lab
            .act(staff(MerchantId::new()), client.move_shipment(ship(pb::ShipmentMove::Ship)))
            .await;
        assert_eq!(Fault::from(foreign.unwrap_err()).code, Code::NotFound);
        for merchant in [one, two] {
            lab.act(staff(merchant), client.move_shipment(ship(pb::ShipmentMove::Ship)))
                .await
                .unwrap();
        }
        let again = lab.act(staff(one), client.move_shipment(ship(pb::ShipmentMove::Ship))).await;
        assert_eq!(Fault::from(again.unwrap_err()).reason, "SHIPMENT_STATE");
        let shipped = get(&lab, Caller::guest(), &order.id, &placed.order_token).await.unwrap();
        assert_eq!(shipped.status(), pb::OrderStatus::Shipped);
        let events: Vec<String> = shipped.timeline.into_iter().map(|entry| entry.event).collect();
        assert_eq!(events, ["order.placed", "order.paid", "order.shipped", "order.shipped"]);
        eventually("the shopper's side hears", async || {
            world.told(&order.id).contains(&"order.shipped".to_owned())
        })
        .await;
        lab.stop().await;
    }
}

#[tokio::test]
async fn unpaid_orders_end_unless_a_provider_holds_them() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (offer, _) = stocked(&lab, 5).await;
        let placed = place(&lab, &Caller::guest(), request(&world.cart(&[(&offer.id, 2)]), "k"))
            .await
            .unwrap();
        let order = placed.order.unwrap();
        let hold = lab.clock.now().plus(Duration::from_hours(12)).millis();
        tell(&lab, "payment.started", &order, payments::PaymentStatus::Processing, hold).await;
        // The event says until when, and the provider itself says longer.
        *world.live_until.lock().unwrap() = hold + 60_000;
        lab.clock.advance(Duration::from_secs(12 * 3600 + 1));
        eventually("the order is held on", async || {
            let order = get(&lab, Caller::guest(), &order.id, &placed.order_token).await.unwrap();
            order.reserved_until_ms >= hold + 60_000
        })
        .await;
        assert_eq!(available(&lab, &offer.id).await, 3, "the provider still holds it");
        *world.live_until.lock().unwrap() = 0;
        lab.clock.advance(Duration::from_hours(1));
        eventually("the goods are back", async || available(&lab, &offer.id).await == 5).await;
        let ended = get(&lab, Caller::guest(), &order.id, &placed.order_token).await.unwrap();
        assert_eq!(ended.status(), pb::OrderStatus::Cancelled);
        lab.stop().await;
    }
}

#[tokio::test]
async fn the_shopper_calls_an_unpaid_order_off() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (offer, _) = stocked(&lab, 5).await;
        let placed = place(&lab, &Caller::guest(), request(&world.cart(&[(&offer.id, 2)]), "k"))
            .await
            .unwrap();
        let order = placed.order.unwrap();
        let cancel = pb::CancelOrderRequest {
            id: order.id.clone(),
            order_token: placed.order_token.clone(),
            reason: "changed my mind".to_owned(),
        };
        let mut client = lab.mesh.order();
        world.payments_away.store(true, Ordering::SeqCst);
        let away = lab.act(Caller::guest(), client.cancel_order(cancel.clone())).await.unwrap_err();
        assert_eq!(Fault::from(away).code, Code::Unavailable);
        assert_eq!(
            available(&lab, &offer.id).await,
            3,
            "nothing is released while somebody may still pay"
        );
        world.payments_away.store(false, Ordering::SeqCst);
        for _ in 0..2 {
            let done = lab.act(Caller::guest(), client.cancel_order(cancel.clone())).await.unwrap();
            assert_eq!(done.into_inner().order.unwrap().status(), pb::OrderStatus::Cancelled);
        }
        assert_eq!(available(&lab, &offer.id).await, 5);
        lab.stop().await;
    }
}

#[tokio::test]
async fn guests_may_not_do_what_services_do() {
    let (lab, _) = lab(STAGES[0]).await.unwrap();
    let mut client = lab.mesh.order();
    let refused =
        lab.act(Caller::guest(), client.put_offers(pb::PutOffersRequest::default())).await;
    assert_eq!(Fault::from(refused.unwrap_err()).code, Code::Forbidden);
    let refused =
        lab.act(Caller::guest(), client.list_orders(pb::ListOrdersRequest::default())).await;
    assert_eq!(Fault::from(refused.unwrap_err()).code, Code::Unauthenticated);
    let refused = lab
        .act(
            Caller::user(UserId::new()),
            client.list_all_orders(pb::ListAllOrdersRequest::default()),
        )
        .await;
    assert_eq!(Fault::from(refused.unwrap_err()).code, Code::Forbidden);
    let update = pb::UpdateOffersRequest { offers: vec![pb::OfferUpdate::default()] };
    let refused = lab.act(Caller::user(UserId::new()), client.update_offers(update)).await;
    assert_eq!(Fault::from(refused.unwrap_err()).code, Code::Forbidden);
    lab.stop().await;
}
