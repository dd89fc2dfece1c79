//! From a cart to an order, once, whatever is away; and what payments make of orders.

use std::sync::atomic::Ordering;

use fault::Code;
use mesh::Caller;
use proto::{order as pb, payment::PaymentStatus};

use crate::{STAGES, available, deliver, get, lab, money, news, place, request, stocked, tell};

#[tokio::test]
async fn a_repeat_gives_the_same_answer_byte_for_byte() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (offer, _) = stocked(&lab, 5).await;
        let cart = world.cart(&[(&offer.id, 1)]);
        let guest = Caller::guest();
        let first = place(&lab, &guest, request(&cart, "k1")).await.unwrap();
        tell(&lab, "payment.paid", first.order.as_ref().unwrap(), PaymentStatus::Paid, 0).await;
        let again = place(&lab, &guest, request(&cart, "k1")).await.unwrap();
        assert!(again.replayed && !first.replayed);
        assert_eq!(
            pb::PlaceOrderResponse { replayed: false, ..again },
            first,
            "although it is paid by now"
        );

        let mut other = request(&cart, "k1");
        other.request_hash = vec![2].into();
        assert_eq!(place(&lab, &guest, other).await.unwrap_err().reason, "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(
            place(&lab, &guest, request(&cart, "k2")).await.unwrap_err().reason,
            "CART_COMPLETED"
        );
        assert_eq!(
            place(&lab, &guest, request(&cart, "")).await.unwrap_err().reason,
            "IDEMPOTENCY_KEY_REQUIRED"
        );
        assert_eq!(available(&lab, &offer.id).await, 4);
        lab.stop().await;
    }
}

#[tokio::test]
async fn refusals_change_nothing() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (offer, _) = stocked(&lab, 1).await;
        let guest = Caller::guest();
        let sold_out =
            place(&lab, &guest, request(&world.cart(&[(&offer.id, 2)]), "a")).await.unwrap_err();
        assert_eq!((sold_out.code, sold_out.reason.as_ref()), (Code::Conflict, "OUT_OF_STOCK"));
        assert_eq!(sold_out.fields[0].field, "items[0]");
        let empty = place(&lab, &guest, request(&world.cart(&[]), "a")).await.unwrap_err();
        assert_eq!(empty.reason, "CART_EMPTY");
        let cart = world.cart(&[(&offer.id, 1)]);
        let mut changed = request(&cart, "a");
        changed.expected_total = Some(money(1));
        assert_eq!(place(&lab, &guest, changed).await.unwrap_err().reason, "PRICE_CHANGED");
        let mut unknown = request(&cart, "a");
        unknown.payment_provider = "barter".to_owned();
        assert_eq!(
            place(&lab, &guest, unknown).await.unwrap_err().fields[0].field,
            "payment_provider"
        );
        let mut foreign = request(&cart, "a");
        foreign.cart_token = "wrong".to_owned();
        assert_eq!(place(&lab, &guest, foreign).await.unwrap_err().reason, "CART_NOT_FOUND");
        let mut unkept = request(&cart, "a");
        unkept.customer = Some(pb::Customer { name: "\0".to_owned(), phone: "1".to_owned() });
        assert_eq!(place(&lab, &guest, unkept).await.unwrap_err().fields[0].field, "customer.name");
        assert_eq!(available(&lab, &offer.id).await, 1);
        assert!(place(&lab, &guest, request(&cart, "a")).await.is_ok(), "no refusal used the key");
        lab.stop().await;
    }
}

#[tokio::test]
async fn without_the_payment_service_the_order_stands_and_the_payment_follows() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (offer, _) = stocked(&lab, 5).await;
        world.payments_away.store(true, Ordering::SeqCst);
        let placed = place(&lab, &Caller::guest(), request(&world.cart(&[(&offer.id, 1)]), "k"))
            .await
            .unwrap();
        let order = placed.order.unwrap();
        assert_eq!(placed.payment.unwrap().redirect_url, "");
        world.payments_away.store(false, Ordering::SeqCst);
        let shown = get(&lab, Caller::guest(), &order.id, &placed.order_token).await.unwrap();
        assert!(shown.payment.unwrap().redirect_url.starts_with("https://pay.example/"));
        lab.stop().await;
    }
}

#[tokio::test]
async fn a_repeat_has_its_answer_though_the_cart_has_changed() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (offer, _) = stocked(&lab, 5).await;
        let cart = world.cart(&[(&offer.id, 1)]);
        let guest = Caller::guest();
        let first = place(&lab, &guest, request(&cart, "k1")).await.unwrap();
        world.carts.lock().unwrap().get_mut(&cart).unwrap().items.clear();
        let again = place(&lab, &guest, request(&cart, "k1")).await.unwrap();
        assert_eq!(again, pb::PlaceOrderResponse { replayed: true, ..first });
        let mut other = request(&cart, "k1");
        other.request_hash = vec![2].into();
        assert_eq!(place(&lab, &guest, other).await.unwrap_err().reason, "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(
            place(&lab, &guest, request(&cart, "k2")).await.unwrap_err().reason,
            "CART_EMPTY"
        );
        lab.stop().await;
    }
}

#[tokio::test]
async fn a_payment_that_is_known_is_not_asked_for_again() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (offer, _) = stocked(&lab, 5).await;
        for provider in ["cash", "payme"] {
            let mut request = request(&world.cart(&[(&offer.id, 1)]), "k");
            provider.clone_into(&mut request.payment_provider);
            let placed = place(&lab, &Caller::guest(), request).await.unwrap();
            let order = placed.order.unwrap();
            let seen = get(&lab, Caller::guest(), &order.id, &placed.order_token).await.unwrap();
            assert_eq!(seen.payment.unwrap().id, placed.payment.unwrap().id, "{provider}");
        }
        assert_eq!(world.opened.lock().unwrap().len(), 2, "once for each checkout");
        lab.stop().await;
    }
}

#[tokio::test]
async fn news_of_many_orders_in_one_batch_keeps_its_order_within_each() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (offer, _) = stocked(&lab, 50).await;
        let (mut placed, mut events) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let request = request(&world.cart(&[(&offer.id, 1)]), "k");
            placed.push(place(&lab, &Caller::guest(), request).await.unwrap());
        }
        let steps = [
            ("payment.started", PaymentStatus::Processing),
            ("payment.cancelled", PaymentStatus::Cancelled),
            ("payment.started", PaymentStatus::Processing),
            ("payment.paid", PaymentStatus::Paid),
        ];
        for (kind, status) in steps {
            for one in &placed {
                events.push(news(kind, one.order.as_ref().unwrap(), status, 0));
            }
        }
        let nobodys =
            pb::Order { id: ids::OrderId::new().to_string(), ..placed[0].order.clone().unwrap() };
        events.push(news("payment.paid", &nobodys, PaymentStatus::Paid, 0));
        let answer = deliver(&lab, events).await;
        assert_eq!((answer.applied.len(), answer.rejected.len()), (80, 1));
        assert_eq!(answer.rejected[0].reason, "ORDER_NOT_FOUND");
        for one in placed {
            let id = one.order.unwrap().id;
            let order = get(&lab, Caller::guest(), &id, &one.order_token).await.unwrap();
            assert_eq!(order.status(), pb::OrderStatus::Paid);
            let told: Vec<&str> = order.timeline.iter().map(|entry| entry.event.as_str()).collect();
            assert_eq!(
                told,
                [
                    "order.placed",
                    "payment.started",
                    "payment.ended",
                    "payment.started",
                    "order.paid"
                ]
            );
        }
        lab.stop().await;
    }
}
