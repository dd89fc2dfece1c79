//! The service through the mesh, local and remote, with an order service that writes down what it is told.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use fault::{Code, Fault};
use ids::UserId;
use mesh::{Caller, Role};
use proto::{event as events, order as orders, payment as pb};
use serde_json::json;
use testkit::WIRINGS;

#[path = "payment/cash.rs"]
mod cash;
#[path = "payment/check.rs"]
mod check;
#[path = "payment/click.rs"]
mod click;
#[path = "payment/click_rules.rs"]
mod click_rules;
#[path = "payment/desk.rs"]
mod desk;
#[path = "payment/fiscal.rs"]
mod fiscal;
#[path = "payment/lab.rs"]
mod lab;
#[path = "payment/pages.rs"]
mod pages;
#[path = "payment/payme.rs"]
mod payme;
#[path = "payment/payme_moves.rs"]
mod payme_moves;
#[path = "payment/payme_rules.rs"]
mod payme_rules;
#[path = "payment/production.rs"]
mod production;
#[path = "payment/reconciliation.rs"]
mod reconciliation;
#[path = "payment/storm.rs"]
mod storm;
#[path = "payment/stripe.rs"]
mod stripe;
#[path = "payment/uzcard.rs"]
mod uzcard;
#[path = "payment/wire.rs"]
mod wire;

use lab::{SUM, Shop, payme_request, shop};
use pb::close_payable_response::Outcome;

fn reason(status: tonic::Status) -> (Code, String) {
    let fault = Fault::from(status);
    (fault.code, fault.reason.into_owned())
}

/// The order service tells of an order, twice.
pub(crate) async fn deliver(shop: &Shop, kind: &str, order_id: &str, number: &str, provider: &str) {
    let money = Some(proto::value::Money { amount: SUM, currency: "UZS".to_owned() });
    let order = orders::Order {
        id: order_id.to_owned(),
        number: number.to_owned(),
        totals: Some(orders::Totals { total: money, ..Default::default() }),
        payment_provider: provider.to_owned(),
        reserved_until_ms: shop.lab.clock.now().millis() + 3_600_000,
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
    let request = events::DeliverRequest { events: vec![event.clone(), event.clone()] };
    let mut client = shop.lab.mesh.events(Role::Payment);
    let answer = shop.lab.as_service(client.deliver(request)).await.unwrap().into_inner();
    assert_eq!(answer.applied, [event.id.clone(), event.id], "{:?}", answer.rejected);
}

async fn close(shop: &Shop, order_id: &str, spare_live: bool) -> (Outcome, i64) {
    let request = pb::ClosePayableRequest {
        order_id: order_id.to_owned(),
        reason: "expired".to_owned(),
        spare_live,
    };
    let mut client = shop.lab.mesh.payment();
    let answer = shop.lab.as_service(client.close_payable(request)).await.unwrap().into_inner();
    (answer.outcome(), answer.live_until_ms)
}

#[tokio::test]
async fn opening_leads_to_the_page_of_the_provider() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        let payable = shop.payable("10K");
        let payment = shop.open(&payable, "payme", "a").await.unwrap();
        assert!(payment.redirect_url.starts_with("https://checkout.paycom.uz/"));
        assert_eq!(
            (payment.status(), payment.reference.as_str()),
            (pb::PaymentStatus::Pending, "10K")
        );
        assert_eq!(payment.expires_at_ms, payable.payable_until_ms);
        assert_eq!(shop.open(&payable, "payme", "a").await.unwrap(), payment, "idempotent by key");
        let other = shop.open(&payable, "click", "b").await.unwrap();
        assert!(
            other.redirect_url.starts_with("https://my.click.uz/services/pay?service_id=10001")
        );
        let cash = shop.open(&payable, "cash", "c").await.unwrap();
        assert_eq!((cash.redirect_url.as_str(), cash.expires_at_ms), ("", 0));
        let listed: Vec<String> =
            shop.payments(&payable.order_id).await.into_iter().map(|payment| payment.id).collect();
        assert_eq!(listed, [cash.id, other.id, payment.id], "latest first");

        let mut client = shop.lab.mesh.payment();
        let offered = client.list_providers(pb::ListProvidersRequest {});
        let offered = shop.lab.act(Caller::guest(), offered).await.unwrap().into_inner();
        assert_eq!(offered.providers, ["payme", "click", "cash"]);
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let shop = shop(WIRINGS[0]).await;
    let payable = shop.payable("20K");
    for provider in ["uzcard", "stripe", "other"] {
        let refused = shop.open(&payable, provider, "a").await.unwrap_err();
        assert_eq!(reason(refused), (Code::Invalid, "PROVIDER_DISABLED".to_owned()));
    }
    let wrong = pb::Payable { reference: "a b".to_owned(), amount: None, ..payable.clone() };
    let refused = Fault::from(shop.open(&wrong, "payme", "").await.unwrap_err());
    let fields: Vec<&str> = refused.fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["payable.reference", "payable.amount", "key"]);

    shop.open(&payable, "payme", "a").await.unwrap();
    shop.payme("CreateTransaction", shop.creation("p", "20K")).await;
    let refused = shop.open(&payable, "click", "b").await.unwrap_err();
    assert_eq!(reason(refused), (Code::Conflict, "PAYMENT_IN_PROGRESS".to_owned()));
    shop.payme("PerformTransaction", json!({ "id": "p" })).await;
    let refused = shop.open(&payable, "click", "c").await.unwrap_err();
    assert_eq!(reason(refused), (Code::Conflict, "ORDER_ALREADY_PAID".to_owned()));
    let paid = shop.open(&payable, "payme", "a").await.unwrap();
    assert_eq!(paid.status(), pb::PaymentStatus::Paid, "a known key still gives its payment");

    let late = shop.payable("21K");
    shop.lab.clock.advance(Duration::from_hours(49));
    let refused = shop.open(&late, "payme", "late").await.unwrap_err();
    assert_eq!(reason(refused), (Code::Conflict, "ORDER_NOT_PAYABLE".to_owned()));
    shop.lab.stop().await;
}

#[tokio::test]
async fn closing_spares_what_a_provider_holds_when_asked_to() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        let payable = shop.ordered("30K", "payme").await;
        let now = shop.lab.clock.now().millis();
        shop.payme("CreateTransaction", shop.creation("p", "30K")).await;
        assert_eq!(
            close(&shop, &payable.order_id, true).await,
            (Outcome::Live, now + 12 * 3_600_000)
        );
        assert_eq!(close(&shop, &payable.order_id, false).await, (Outcome::Closed, 0));
        assert_eq!(shop.payme_refused("PerformTransaction", json!({ "id": "p" })).await, -31008);
        let check = json!({ "amount": SUM, "account": { "order_id": "30K" } });
        assert_eq!(shop.payme_refused("CheckPerformTransaction", check).await, -31052);

        let payable = shop.ordered("31K", "payme").await;
        shop.payme("CreateTransaction", shop.creation("q", "31K")).await;
        shop.payme("PerformTransaction", json!({ "id": "q" })).await;
        assert_eq!(close(&shop, &payable.order_id, false).await, (Outcome::Paid, 0));
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn an_order_told_by_event_can_be_paid() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        let payable = shop.payable("40K");
        deliver(&shop, "order.placed", &payable.order_id, "40K", "payme").await;
        let told = shop.payments(&payable.order_id).await;
        assert_eq!((told.len(), told[0].status()), (1, pb::PaymentStatus::Pending));
        // The checkout asks as well: the same payment, now with the way back.
        let key = format!("{}/1", payable.order_id);
        let opened = shop.open(&payable, "payme", &key).await.unwrap();
        assert_eq!(opened.id, told[0].id);
        assert!(opened.redirect_url.len() > told[0].redirect_url.len());
        shop.payme("CreateTransaction", shop.creation("p", "40K")).await;
        assert_eq!(
            shop.payme("PerformTransaction", json!({ "id": "p" })).await["result"]["state"],
            2
        );
        deliver(&shop, "order.cancelled", &payable.order_id, "40K", "payme").await;
        assert_eq!(shop.payments(&payable.order_id).await[0].status(), pb::PaymentStatus::Paid);

        for kind in ["order.cancelled", "order.expired"] {
            let number = if kind == "order.expired" { "41K" } else { "42K" };
            let gone = shop.payable(number);
            deliver(&shop, kind, &gone.order_id, number, "payme").await;
            deliver(&shop, "order.placed", &gone.order_id, number, "payme").await;
            assert!(shop.payments(&gone.order_id).await.is_empty(), "late news opens nothing");
        }
        deliver(&shop, "order.shipped", &payable.order_id, "40K", "payme").await;
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn only_services_may_act_and_only_the_owner_may_look() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        let payable = shop.ordered("50K", "payme").await;
        let admin = Caller { roles: vec!["admin".to_owned()], ..Caller::user(UserId::new()) };
        let list = || pb::ListPaymentsRequest { order_id: payable.order_id.clone() };
        let mut client = shop.lab.mesh.payment();
        assert!(shop.lab.act(admin.clone(), client.list_payments(list())).await.is_ok());
        for caller in [Caller::guest(), Caller::user(UserId::new())] {
            assert!(shop.lab.act(caller, client.list_payments(list())).await.is_err());
        }
        for caller in [Caller::guest(), Caller::user(UserId::new()), admin] {
            let open = client.open_payment(pb::OpenPaymentRequest::default());
            let open = shop.lab.act(caller.clone(), open).await.unwrap_err();
            let shut = client.close_payable(pb::ClosePayableRequest::default());
            let shut = shop.lab.act(caller.clone(), shut).await.unwrap_err();
            let call = client.handle_callback(payme_request("{}", "Paycom:payme-key"));
            let call = shop.lab.act(caller.clone(), call).await.unwrap_err();
            let mut events = shop.lab.mesh.events(Role::Payment);
            let told = events.deliver(events::DeliverRequest::default());
            let told = shop.lab.act(caller, told).await.unwrap_err();
            for refused in [open, shut, call, told] {
                assert_eq!(reason(refused).0, Code::Forbidden);
            }
        }
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn callbacks_of_a_provider_that_is_off_are_not_found() {
    let shop = shop(WIRINGS[0]).await;
    for provider in ["uzcard", "stripe", "cash", "other"] {
        let request =
            pb::HandleCallbackRequest { provider: provider.to_owned(), ..Default::default() };
        let (status, answer) = shop.callback(request).await;
        assert_eq!((status, &answer["code"]), (404, &json!("PROVIDER_DISABLED")));
    }
    shop.lab.stop().await;
}

fn file(shop: &Shop) -> rusqlite::Connection {
    rusqlite::Connection::open(shop.lab.folder.path().join("payment.db")).unwrap()
}

/// Method, request and answer of each callback.
fn journal(store: &rusqlite::Connection) -> Vec<(String, String, String)> {
    let sql = "select method, request, answer from callback_inbox order by row";
    let mut lines = store.prepare(sql).unwrap();
    let lines = lines.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    lines.map(Result::unwrap).collect()
}

#[tokio::test]
async fn the_journal_keeps_what_was_said_and_no_secret() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("60K", "payme").await;
    shop.payme("CreateTransaction", shop.creation("seen", "60K")).await;
    shop.callback(payme_request(r#"{"method":"CheckTransaction","id":"stranger"}"#, "Paycom:x"))
        .await;
    shop.payme("ChangePassword", json!({ "password": "hidden" })).await;
    let fields = [("click_trans_id", "1"), ("merchant_trans_id", "60K"), ("action", "0")];
    assert_eq!(shop.click("prepare", &fields).await["error"], -8);
    let store = file(&shop);
    testkit::eventually("the journal is written", || async { journal(&store).len() == 4 }).await;
    let rows = journal(&store);
    let methods: Vec<&str> = rows.iter().map(|(method, ..)| method.as_str()).collect();
    let expected = ["CreateTransaction", "CheckTransaction", "ChangePassword", "prepare (prepare)"];
    assert_eq!(methods, expected);
    assert!(rows[0].1.contains("seen") && rows[0].2.contains("create_time"), "{rows:?}");
    assert!(rows[1].1.is_empty() && rows[2].1.is_empty(), "{rows:?}");
    assert!(rows[3].1.contains("60K") && !rows[3].1.contains("sign_string"), "{rows:?}");
    shop.lab.stop().await;
}

#[tokio::test]
async fn what_a_call_does_and_its_line_are_written_together_or_not_at_all() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("70K", "payme").await;
    let store = file(&shop);
    store.execute_batch("alter table outbox rename to away").unwrap();
    let create = shop.creation("once", "70K");
    assert_eq!(shop.payme_refused("CreateTransaction", create.clone()).await, -32400);
    let known = json!({ "id": "once" });
    assert_eq!(shop.payme_refused("CheckTransaction", known).await, -31003, "taken back");
    testkit::eventually("both have lines", || async { journal(&store).len() == 2 }).await;
    store.execute_batch("alter table away rename to outbox").unwrap();
    assert_eq!(shop.payme("CreateTransaction", create).await["result"]["state"], 1);
    let rows = journal(&store);
    assert_eq!(rows.len(), 3, "the last one is there before its answer");
    assert!(rows[0].2.contains("-32400") && rows[2].2.contains("create_time"), "{rows:?}");
    drop(store);
    shop.lab.stop().await;
}
