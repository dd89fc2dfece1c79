use std::collections::BTreeMap;

use clock::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ids::OrderId;
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    answer::{Part, created, gave_back, looked},
    event::{Deaf, Told, What},
    signature::{Unheard, check},
    *,
};
use crate::{
    domain::{
        Provider,
        hosted::{State, Sum, Word},
    },
    providers::{
        RawRequest,
        outbound::{GaveBack, Made, Reply},
    },
};

const NOW: Timestamp = Timestamp::from_millis(1_795_253_400_000);

fn config() -> config::Stripe {
    config::Stripe {
        secret_key: SecretString::from("sk_test_1"),
        webhook_secret: SecretString::from("whsec_1"),
        rate: "12650".to_owned(),
        base_url: "http://stripe/".to_owned(),
        ..Default::default()
    }
}

fn stripe() -> Stripe {
    Stripe::new(&config()).unwrap()
}

fn hosted() -> Hosted {
    let sum = Sum { amount: 2100, currency: "USD".to_owned(), account: "1000001K".to_owned() };
    Hosted {
        payment: PaymentId::from_u128(7),
        order: OrderId::from_u128(8),
        provider: Provider::Stripe,
        charge: Charge { sum, rate: Some(1_265_000) },
        state: State::Open,
        attempt: 2,
        remote_id: "cs_1".to_owned(),
        charge_id: String::new(),
        asked_at: None,
        opened_at: Some(NOW),
        agreed_at: None,
        checks: 0,
        next_check_at: None,
        trouble: String::new(),
    }
}

fn session(more: &Value) -> Value {
    let mut it = json!({
        "id": "cs_1", "url": "http://stripe/c/pay/cs_1", "status": "open", "payment_status": "unpaid",
        "payment_intent": null, "amount_total": 2100, "currency": "usd",
        "metadata": { "order_id": "1000001K", "payment_id": hosted().payment.to_string() },
    });
    it.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    it
}

fn got(status: u16, body: &Value) -> Reply {
    Reply::Got { status, body: body.to_string().into_bytes(), again: None }
}

fn money() -> Word {
    Word::Money { charge_id: "pi_1".to_owned(), sum: hosted().charge.sum }
}

fn sign(time: i64, body: &str, secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    form::hex_text(&mac.finalize().into_bytes())
}

fn event(kind: &str, object: &Value, livemode: bool) -> RawRequest {
    let body =
        json!({ "id": "evt_1", "type": kind, "livemode": livemode, "data": { "object": object } });
    let body = body.to_string();
    let time = NOW.millis() / 1000;
    let header = format!("t={time},v1={}", sign(time, &body, "whsec_1"));
    RawRequest {
        action: String::new(),
        method: "POST".to_owned(),
        headers: BTreeMap::from([("stripe-signature".to_owned(), header)]),
        body: body.into_bytes(),
        remote_ip: String::new(),
    }
}

fn told(kind: &str, object: &Value) -> What {
    stripe().told(&event(kind, object, false), NOW).unwrap().what
}

#[test]
fn idempotency_keys_are_deterministic_and_short() {
    let (payment, refund) = (PaymentId::new(), RefundId::new());
    assert_eq!(key::create(payment, 3), format!("pi-create:{payment}:3"));
    assert_eq!(key::refund(refund), format!("refund:{refund}"));
    assert!(key::create(payment, u32::MAX).len() <= 255);
    let form = Stripe::create(&hosted(), "https://shop.uz", "ru");
    assert_eq!(form, Stripe::create(&hosted(), "https://shop.uz", "ru"), "the same request");
    let get = |name: &str| form.iter().find(|(each, _)| each == name).unwrap().1.as_str();
    assert_eq!(get("line_items[0][price_data][currency]"), "usd");
    assert_eq!(get("line_items[0][price_data][unit_amount]"), "2100");
    assert_eq!(get("payment_intent_data[metadata][order_id]"), "1000001K");
}

#[test]
fn it_is_off_without_keys_or_without_a_rate() {
    for without in [
        config::Stripe { secret_key: SecretString::default(), ..config() },
        config::Stripe { webhook_secret: SecretString::default(), ..config() },
        config::Stripe { rate: String::new(), ..config() },
        config::Stripe { rate: "-1".to_owned(), ..config() },
    ] {
        assert!(Stripe::new(&without).is_none());
    }
    let som = config::Stripe { rate: String::new(), currency: "uzs".to_owned(), ..config() };
    assert_eq!(Stripe::new(&som).unwrap().quote().rate, None);
    let shown = format!("{:?}", stripe());
    assert!(!shown.contains("sk_test") && !shown.contains("whsec"), "{shown}");
}

#[test]
fn any_of_several_signatures_will_do_and_other_kinds_do_not() {
    let (secret, time) = (SecretString::from("whsec_1"), NOW.millis() / 1000);
    let good = sign(time, "{}", "whsec_1");
    let other = sign(time, "{}", "whsec_2");
    let check = |header: String| check(&secret, &header, b"{}", NOW);
    assert_eq!(check(format!("t={time},v1={good}")), Ok(()));
    assert_eq!(check(format!("t={time},v1={other},v1={good},v0=x")), Ok(()));
    assert_eq!(check(format!("t={time},v1={other}")), Err(Unheard::Sign));
    assert_eq!(check(format!("t={time},v0={good}")), Err(Unheard::Unsigned));
    assert_eq!(check(format!("v1={good}")), Err(Unheard::Unsigned));
    assert_eq!(check(format!("t={},v1={good}", time + 1)), Err(Unheard::Sign));
    assert_eq!(check(String::new()), Err(Unheard::Unsigned));
}

#[test]
fn a_signature_is_good_for_300_s() {
    let (secret, now) = (SecretString::from("whsec_1"), NOW.millis() / 1000);
    for (time, expected) in [
        (now - 300, Ok(())),
        (now - 301, Err(Unheard::Time)),
        (now + 300, Ok(())),
        (now + 301, Err(Unheard::Time)),
    ] {
        let header = format!("t={time},v1={}", sign(time, "{}", "whsec_1"));
        assert_eq!(check(&secret, &header, b"{}", NOW), expected, "{}", time - now);
    }
    // The signature is looked at before its time.
    assert_eq!(check(&secret, "t=1,v1=00", b"{}", NOW), Err(Unheard::Sign));
}

#[test]
fn the_signature_is_checked_over_raw_bytes_before_json() {
    let mut raw = event("payment_intent.succeeded", &json!({}), false);
    raw.body.push(b' ');
    assert_eq!(stripe().told(&raw, NOW), Err(Deaf::Signature(Unheard::Sign)));
    let mut junk = event("x", &json!({}), false);
    junk.body = b"no json".to_vec();
    assert_eq!(stripe().told(&junk, NOW), Err(Deaf::Signature(Unheard::Sign)));
    let time = NOW.millis() / 1000;
    let header = format!("t={time},v1={}", sign(time, "no json", "whsec_1"));
    junk.headers.insert("stripe-signature".to_owned(), header);
    assert_eq!(stripe().told(&junk, NOW), Err(Deaf::Unreadable));
}

#[test]
fn events_say_what_came_of_a_payment() {
    let id = hosted().payment;
    let tags = json!({ "order_id": "1000001K", "payment_id": id.to_string() });
    let intent = |status: &str| json!({ "id": "pi_1", "status": status, "amount_received": 2100, "currency": "usd", "metadata": tags });
    assert_eq!(told("payment_intent.succeeded", &intent("succeeded")), What::Payment(id, money()));
    let failed = told("payment_intent.payment_failed", &intent("requires_payment_method"));
    assert_eq!(failed, What::Payment(id, Word::Waiting), "a failed attempt is not the end");
    assert_eq!(told("payment_intent.canceled", &intent("canceled")), What::Payment(id, Word::Over));
    let done = session(
        &json!({ "payment_status": "paid", "status": "complete", "payment_intent": "pi_1" }),
    );
    assert_eq!(told("checkout.session.completed", &done), What::Payment(id, money()));
    let slow = session(&json!({ "status": "complete" }));
    assert_eq!(told("checkout.session.completed", &slow), What::Payment(id, Word::Waiting));
    let over = session(&json!({ "status": "expired" }));
    assert_eq!(told("checkout.session.expired", &over), What::Payment(id, Word::Over));
    for (kind, object) in [
        ("invoice.paid", json!({})),
        (
            "payment_intent.succeeded",
            json!({ "id": "pi_9", "status": "succeeded", "currency": "usd" }),
        ),
        ("charge.refunded", json!({})),
    ] {
        assert_eq!(told(kind, &object), What::Other, "{kind}");
    }
    assert_eq!(told("charge.dispute.created", &json!({})), What::Dispute);
}

#[test]
fn events_of_the_other_mode_are_left_alone() {
    let object = session(&json!({ "payment_status": "paid", "payment_intent": "pi_1" }));
    let Told { what, .. } =
        stripe().told(&event("checkout.session.completed", &object, true), NOW).unwrap();
    assert_eq!(what, What::Other);
    let live = config::Stripe { secret_key: SecretString::from("sk_live_1"), ..config() };
    let live = Stripe::new(&live).unwrap();
    let Told { what, .. } =
        live.told(&event("checkout.session.completed", &object, true), NOW).unwrap();
    assert!(matches!(what, What::Payment(..)));
}

#[test]
fn a_session_is_ours_or_it_is_none() {
    let page = |body: &Value| created(&got(200, body), &hosted());
    assert!(matches!(page(&session(&json!({}))), Made::Page { id, .. } if id == "cs_1"));
    for wrong in [
        json!({ "amount_total": 2101 }),
        json!({ "currency": "eur" }),
        json!({ "metadata": { "order_id": "1000001K" } }),
        json!({ "url": null }),
    ] {
        assert!(matches!(page(&session(&wrong)), Made::No { spoilt: true, .. }), "{wrong}");
        assert_eq!(looked(&got(500, &session(&wrong)), &hosted()), Word::Silence);
    }
    // Stripe repeats its own failures under the same name; what never arrived may be asked again.
    assert!(matches!(created(&got(500, &json!({})), &hosted()), Made::No { spoilt: true, .. }));
    assert!(matches!(created(&Reply::Lost, &hosted()), Made::No { spoilt: false, .. }));
    let paid = json!({ "payment_status": "paid", "payment_intent": "pi_1" });
    assert_eq!(looked(&got(200, &session(&paid)), &hosted()), money());
    let strange = json!({ "payment_status": "new", "status": "new" });
    assert_eq!(looked(&got(200, &session(&strange)), &hosted()), Word::Silence);
    let other = json!({ "id": "cs_2", "payment_status": "paid", "payment_intent": "pi_1" });
    assert_eq!(looked(&got(200, &session(&other)), &hosted()), Word::Silence);
}

#[test]
fn refunds_end_later_than_they_begin() {
    let part = Part { charge_id: "pi_1".to_owned(), amount: 100, currency: "USD".to_owned() };
    let object = |status: &str| json!({ "id": "re_1", "status": status, "amount": 100, "currency": "usd", "payment_intent": "pi_1" });
    let refund = |status: &str| got(200, &object(status));
    let gave_back = |reply: &Reply| gave_back(reply, &part);
    assert_eq!(gave_back(&refund("succeeded")), GaveBack::Done);
    assert_eq!(gave_back(&refund("pending")), GaveBack::Pending("re_1".to_owned()));
    assert_eq!(gave_back(&refund("requires_action")), GaveBack::Pending("re_1".to_owned()));
    assert!(matches!(gave_back(&refund("failed")), GaveBack::Refused(_)));
    assert_eq!(gave_back(&refund("new")), GaveBack::Silence);
    let no = json!({ "error": { "type": "invalid_request_error", "message": "too much" } });
    let why = "Stripe refuses: invalid_request_error too much".to_owned();
    assert_eq!(gave_back(&got(400, &no)), GaveBack::Refused(why));
    let busy = json!({ "error": { "type": "rate_limit_error" } });
    for reply in [got(429, &busy), got(500, &no), Reply::Lost, got(400, &json!([]))] {
        assert_eq!(gave_back(&reply), GaveBack::Silence, "{reply:?}");
    }
    assert_eq!(gave_back(&Reply::Unsent), GaveBack::Unasked);
    let id = RefundId::new();
    let mut ours = object("failed");
    ours["metadata"] = json!({ "refund_id": id.to_string() });
    let What::Refund { refund, name, part: given, .. } = told("refund.failed", &ours) else {
        panic!()
    };
    assert_eq!((refund, name.as_str(), &given), (id, "re_1", &part));
    assert_eq!(told("refund.created", &object("succeeded")), What::Other, "of the dashboard");
    assert_eq!(told("refund.failed", &object("failed")), What::Dispute, "for people");
    for (field, wrong) in
        [("amount", json!(99)), ("currency", json!("eur")), ("payment_intent", json!("pi_2"))]
    {
        let mut other = object("succeeded");
        other[field] = wrong;
        assert!(matches!(gave_back(&got(200, &other)), GaveBack::Refused(_)), "{other}");
    }
}

proptest! {
    #[test]
    fn no_header_and_no_body_breaks_it(header: String, body: Vec<u8>) {
        let secret = SecretString::from("whsec_1");
        prop_assert!(check(&secret, &header, &body, NOW).is_err());
        let reply = Reply::Got { status: 200, body, again: None };
        prop_assert_eq!(looked(&reply, &hosted()), Word::Silence);
        let part = Part { charge_id: "pi_1".to_owned(), amount: 100, currency: "USD".to_owned() };
        prop_assert_eq!(gave_back(&reply, &part), GaveBack::Silence);
    }
}
