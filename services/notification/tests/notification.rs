//! The service through the mesh, local and remote.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use fault::{Code, Fault};
use ids::{MerchantId, UserId};
use mesh::{Caller, Role};
use mongo::FreshDatabase;
use proto::{event as events, notification as pb};
use serde_json::{Value, json};
use testkit::{WIRINGS, Wiring, eventually, patiently};

#[path = "notification/kit.rs"]
mod kit;
#[path = "notification/provider.rs"]
mod provider;
use kit::{
    deliver, event, grounds, lab, list, next, order, personal, placed_by, process, staff, subscribe,
};
use provider::Provider;

#[tokio::test]
async fn a_paid_order_reaches_shopper_and_merchants_once() {
    for ground in grounds() {
        let lab = lab(ground, &Provider::default()).await;
        let user = UserId::new();
        let (first, second) = (MerchantId::new(), MerchantId::new());
        let shopper = Caller::user(user);
        let mut to_shopper = subscribe(&lab, &shopper, "").await.unwrap();
        let mut to_first = subscribe(&lab, &staff(first), "").await.unwrap();
        let mut to_stranger = subscribe(&lab, &staff(MerchantId::new()), "").await.unwrap();

        let paid = order("order.paid", placed_by(Some(user), &[first, second]));
        let answer = deliver(&lab, vec![paid.clone(), paid.clone()]).await;
        assert_eq!(answer.applied, [paid.id.clone(), paid.id.clone()]);
        deliver(&lab, vec![paid.clone()]).await;

        let Some(events::event::Data::Order(events::OrderChanged { order: Some(told), .. })) =
            paid.data.clone()
        else {
            panic!("an order")
        };
        let message = next(&mut to_shopper).await;
        assert_eq!((message.r#type.as_str(), message.at_ms), ("order.paid", paid.at_ms));
        let data: Value = serde_json::from_str(&message.data).unwrap();
        assert_eq!(
            data,
            json!({ "order_id": told.id, "number": "1000001K", "status": "paid", "payment_status": "paid" })
        );
        let message = next(&mut to_first).await;
        assert_eq!(message.r#type, "merchant.order_placed");
        let data: Value = serde_json::from_str(&message.data).unwrap();
        let shipment = &told.shipments.first().unwrap().id;
        assert_eq!(
            data,
            json!({ "order_id": told.id, "number": "1000001K", "shipment_id": shipment })
        );
        // Each of them heard it once: the next thing they hear is another order.
        deliver(&lab, vec![order("order.paid", placed_by(Some(user), &[first]))]).await;
        assert!(!next(&mut to_shopper).await.data.contains(&told.id));
        assert!(!next(&mut to_first).await.data.contains(&told.id));
        let silence = tokio::time::timeout(Duration::from_millis(50), to_stranger.message()).await;
        assert!(silence.is_err(), "nobody else hears of it");

        let own = list(&lab, &shopper).await;
        assert_eq!((own.notifications.len(), own.unread), (2, 2));
        assert_eq!(own.notifications.first().unwrap().title, "Тўлов қабул қилинди");
        assert_eq!(list(&lab, &staff(second)).await.notifications.len(), 1);
        drop((to_shopper, to_first, to_stranger));
        lab.stop().await;
    }
}

#[tokio::test]
async fn a_subscriber_that_comes_back_hears_what_it_missed_in_order_and_then_what_happens() {
    for ground in grounds() {
        let lab = lab(ground, &Provider::default()).await;
        let user = UserId::new();
        let shopper = Caller::user(user);
        let mut stream = subscribe(&lab, &shopper, "").await.unwrap();
        let kinds = ["order.placed", "order.paid", "order.accepted", "order.shipped"];
        for kind in kinds {
            deliver(&lab, vec![order(kind, placed_by(Some(user), &[]))]).await;
        }
        let first = next(&mut stream).await;
        assert_eq!(first.r#type, "order.placed");
        drop(stream);

        let mut stream = subscribe(&lab, &shopper, &first.id).await.unwrap();
        deliver(&lab, vec![order("order.delivered", placed_by(Some(user), &[]))]).await;
        for kind in ["order.paid", "order.accepted", "order.shipped", "order.delivered"] {
            assert_eq!(next(&mut stream).await.r#type, kind);
        }
        // Without an id: only what happens from now on.
        let mut fresh = subscribe(&lab, &shopper, "").await.unwrap();
        deliver(&lab, vec![order("order.refunded", placed_by(Some(user), &[]))]).await;
        assert_eq!(next(&mut fresh).await.r#type, "order.refunded");
        assert_eq!(next(&mut stream).await.r#type, "order.refunded");
        drop((stream, fresh));
        lab.stop().await;
    }
}

#[tokio::test]
async fn a_subscriber_hears_what_another_process_was_told() {
    let Some(server) = testkit::real_store("mongodb") else { return };
    let fresh = FreshDatabase::on(&server);
    let provider = Provider::default();
    let one = process(Wiring::Local, Some(&fresh), &provider).await;
    let other = process(Wiring::Local, Some(&fresh), &provider).await;
    let user = UserId::new();
    let mut stream = subscribe(&one, &Caller::user(user), "").await.unwrap();
    for kind in ["order.placed", "order.paid", "order.accepted"] {
        for process in [&other, &one] {
            deliver(process, vec![order(kind, placed_by(Some(user), &[]))]).await;
            assert_eq!(next(&mut stream).await.r#type, kind);
        }
    }
    drop(stream);
    one.stop().await;
    other.stop().await;
    drop(fresh);
}

#[tokio::test]
async fn a_slow_subscriber_loses_nothing() {
    for ground in grounds() {
        let lab = lab(ground, &Provider::default()).await;
        let user = UserId::new();
        let mut stream = subscribe(&lab, &Caller::user(user), "").await.unwrap();
        // More than the bell remembers.
        let many: Vec<events::Event> =
            (0..400).map(|_| order("order.paid", placed_by(Some(user), &[]))).collect();
        let expected: Vec<String> = many.iter().map(order_id).collect();
        for part in many.chunks(100) {
            deliver(&lab, part.to_vec()).await;
        }
        let mut heard = Vec::new();
        for _ in 0..expected.len() {
            let data: Value = serde_json::from_str(&next(&mut stream).await.data).unwrap();
            heard.push(data.get("order_id").unwrap().as_str().unwrap().to_owned());
        }
        assert_eq!(heard, expected);
        drop(stream);
        lab.stop().await;
    }
}

fn order_id(event: &events::Event) -> String {
    match &event.data {
        Some(events::event::Data::Order(changed)) => changed.order.clone().unwrap().id,
        _ => String::new(),
    }
}

#[tokio::test]
async fn open_streams_do_not_hold_up_the_end() {
    for ground in grounds() {
        let lab = lab(ground, &Provider::default()).await;
        let mut stream = subscribe(&lab, &Caller::user(UserId::new()), "").await.unwrap();
        let stopped = tokio::time::timeout(Duration::from_secs(5), lab.stop()).await;
        assert!(stopped.is_ok());
        assert!(!matches!(stream.message().await, Ok(Some(_))), "nothing was said");
    }
}

#[tokio::test]
async fn guests_are_refused_and_only_services_deliver() {
    for ground in grounds() {
        let lab = lab(ground, &Provider::default()).await;
        let guest = Caller::guest();
        let refused = subscribe(&lab, &guest, "").await.err().unwrap();
        assert_eq!(refused.code, Code::Unauthenticated);
        let user = Caller::user(UserId::new());
        let refused = subscribe(&lab, &user, "nonsense").await.err().unwrap();
        assert_eq!(refused.code, Code::Invalid);
        let mut client = lab.mesh.notification();
        let listed = client.list_notifications(pb::ListNotificationsRequest::default());
        let listed = lab.act(guest.clone(), listed).await.unwrap_err();
        assert_eq!(Fault::from(listed).code, Code::Unauthenticated);
        let marked = client.mark_read(pb::MarkReadRequest::default());
        let marked = lab.act(guest, marked).await.unwrap_err();
        assert_eq!(Fault::from(marked).code, Code::Unauthenticated);
        let mut events = lab.mesh.events(Role::Notification);
        let delivered = events.deliver(events::DeliverRequest::default());
        let delivered = lab.act(user, delivered).await.unwrap_err();
        assert_eq!(Fault::from(delivered).code, Code::Forbidden);
        lab.stop().await;
    }
}

#[tokio::test]
async fn a_guest_gets_a_text_message_once_though_the_provider_stumbles() {
    for ground in grounds() {
        let provider = Provider::default();
        let lab = lab(ground, &provider).await;
        provider.fail(2);
        let paid = order("order.paid", placed_by(None, &[MerchantId::new()]));
        deliver(&lab, vec![paid.clone()]).await;
        deliver(&lab, vec![paid]).await;
        for tries in 1..=3 {
            patiently("the provider is asked", || {
                // The pauses between tries pass ten times as fast; not so fast that a lease runs out while something is sent.
                lab.clock.advance(Duration::from_millis(100));
                let asked = provider.asked() >= tries;
                async move { asked }
            })
            .await;
        }
        assert_eq!(provider.taken().len(), 1);
        lab.clock.advance(Duration::from_hours(1));
        // Something else that is sent later shows that the first was not sent again.
        deliver(&lab, vec![order("order.shipped", placed_by(None, &[]))]).await;
        patiently("the second is sent", || {
            let sent = provider.taken().len() >= 2;
            async move { sent }
        })
        .await;
        let texts: Vec<Value> =
            provider.taken().iter().map(|message| message.get("text").unwrap().clone()).collect();
        assert_eq!(texts.len(), 2);
        assert!(texts.first().unwrap().as_str().unwrap().starts_with("1000001K рақамли буюртма"));
        assert_eq!(provider.taken().first().unwrap().get("to").unwrap(), "+998901234567");
        lab.stop().await;
    }
}

#[tokio::test]
async fn codes_and_links_are_sent_in_the_asked_language_and_not_kept() {
    for wiring in WIRINGS {
        let provider = Provider::default();
        let lab = lab(wiring, &provider).await;
        let code = personal("sms", "+998901112233", "otp_code", ("code", "424242"));
        let reset =
            personal("email", "aziza@example.uz", "password_reset", ("token", "t0kenT0ken"));
        deliver(&lab, vec![code.clone(), code, reset]).await;
        eventually("both are sent", || {
            let sent = provider.taken().len() == 2;
            async move { sent }
        })
        .await;
        let taken = provider.taken();
        let sms = taken.iter().find(|one| one.get("subject").is_none()).unwrap();
        assert_eq!(
            *sms,
            json!({ "to": "+998901112233", "text": "UltraMarket: код подтверждения 424242. Никому его не сообщайте." })
        );
        let letter = taken.iter().find(|one| one.get("subject").is_some()).unwrap();
        assert_eq!(letter.get("subject").unwrap(), "Восстановление пароля");
        assert!(letter.get("text").unwrap().as_str().unwrap().contains("t0kenT0ken"));

        let file = lab.folder.path().join("notification.db");
        let file = rusqlite::Connection::open(file).unwrap();
        eventually("nothing is left of them", || {
            let left = "select count(*) from deliveries where text <> ''";
            let left: i64 = file.query_row(left, (), |row| row.get(0)).unwrap();
            async move { left == 0 }
        })
        .await;
        drop(file);
        lab.stop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_rejected_alone() {
    for ground in grounds() {
        let lab = lab(ground, &Provider::default()).await;
        let user = UserId::new();
        let unknown = personal("sms", "+998901112233", "no_such_text", ("code", "1"));
        let empty = personal("sms", "", "otp_code", ("code", "1"));
        let incomplete = personal("sms", "+998901112233", "otp_code", ("number", "1"));
        let fine = order("order.paid", placed_by(Some(user), &[]));
        let foreign = event(
            "product.deleted",
            events::event::Data::Product(events::ProductChanged::default()),
        );
        let list_of = vec![unknown, empty, incomplete, fine.clone(), foreign.clone()];
        let answer = deliver(&lab, list_of).await;
        assert_eq!(answer.applied, [fine.id, foreign.id]);
        let reasons: Vec<&str> = answer.rejected.iter().map(|one| one.reason.as_str()).collect();
        assert_eq!(reasons, ["EVENT_UNTELLABLE", "EVENT_UNTELLABLE", "TEMPLATE_INCOMPLETE"]);
        lab.stop().await;
    }
}

#[tokio::test]
async fn an_application_is_told_to_the_applicant_and_to_the_platform() {
    for ground in grounds() {
        let provider = Provider::default();
        let lab = lab(ground, &provider).await;
        let owner = UserId::new();
        let merchant = proto::auth::Merchant {
            id: MerchantId::new().to_string(),
            name: "Choynak".to_owned(),
            email: "shop@example.uz".to_owned(),
            owner_user_id: owner.to_string(),
            ..Default::default()
        };
        let changed = |kind: &str| {
            let merchant = Some(merchant.clone());
            event(kind, events::event::Data::Merchant(events::MerchantChanged { merchant }))
        };
        deliver(&lab, vec![changed("merchant.applied"), changed("merchant.approved")]).await;
        let admin = Caller { roles: vec!["admin".to_owned()], ..Caller::user(UserId::new()) };
        let told = list(&lab, &admin).await.notifications;
        assert_eq!(told.first().unwrap().body, "“Choynak” sotuvchi bo‘lish uchun ariza berdi.");
        assert_eq!(list(&lab, &Caller::user(owner)).await.unread, 2);
        assert_eq!(list(&lab, &Caller::user(UserId::new())).await.unread, 0);
        patiently("a letter", || {
            let sent = provider.taken().len() == 1;
            async move { sent }
        })
        .await;
        lab.stop().await;
    }
}

#[tokio::test]
async fn lists_are_paged_and_marked_by_their_owner() {
    for ground in grounds() {
        let lab = lab(ground, &Provider::default()).await;
        let user = UserId::new();
        let (own, other) = (Caller::user(user), Caller::user(UserId::new()));
        let paid = (0..5).map(|_| order("order.paid", placed_by(Some(user), &[]))).collect();
        deliver(&lab, paid).await;
        let mut client = lab.mesh.notification();
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = proto::value::PageRequest { limit: 2, after, count: true };
            let request = pb::ListNotificationsRequest { page: Some(page) };
            let answer = lab.act(own.clone(), client.list_notifications(request)).await.unwrap();
            let answer = answer.into_inner();
            assert_eq!(answer.page.as_ref().unwrap().count, Some(5));
            seen.extend(answer.notifications.into_iter().map(|one| one.id));
            after = answer.page.unwrap().next;
            if after.is_empty() {
                break;
            }
        }
        let mut unique = seen.clone();
        unique.sort();
        unique.dedup();
        assert_eq!((seen.len(), unique.len()), (5, 5));

        let mark = pb::MarkReadRequest { ids: seen.iter().take(2).cloned().collect() };
        lab.act(other, client.mark_read(mark.clone())).await.unwrap();
        assert_eq!(list(&lab, &own).await.unread, 5, "not theirs");
        lab.act(own.clone(), client.mark_read(mark)).await.unwrap();
        assert_eq!(list(&lab, &own).await.unread, 3);
        lab.act(own.clone(), client.mark_read(pb::MarkReadRequest::default())).await.unwrap();
        assert_eq!(list(&lab, &own).await.unread, 0);
        lab.stop().await;
    }
}
