use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use md5::{Digest as _, Md5};
use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use sha2::Sha256;

use super::{
    answer::{announced, created, is_reversed, looked, reversed},
    callback::{Unheard, without_signature},
    token::Tokens,
    *,
};
use crate::{
    domain::hosted::{Sum, Word},
    providers::{
        RawRequest,
        outbound::{GaveBack, Made, Reply},
    },
};

fn config() -> config::Uzcard {
    config::Uzcard {
        store_id: "4001".to_owned(),
        consumer_key: "login".to_owned(),
        consumer_secret: SecretString::from("password"),
        api_key: SecretString::from("api-key"),
        base_url: "http://atmos/".to_owned(),
        page_url: "http://page".to_owned(),
        ..Default::default()
    }
}

fn atmos() -> Atmos {
    Atmos::new(&config()).unwrap()
}

fn charge() -> Charge {
    let sum = Sum { amount: 500_000, currency: "UZS".to_owned(), account: "1000001K".to_owned() };
    Charge { sum, rate: None }
}

fn got(status: u16, body: &Value) -> Reply {
    Reply::Got { status, body: body.to_string().into_bytes(), again: None }
}

fn transaction(more: &Value) -> Value {
    let mut it =
        json!({ "trans_id": 7, "account": "1000001K", "amount": 500_000, "confirmed": false });
    it.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    it
}

fn looks(code: &str, more: &Value) -> Word {
    let body = json!({ "result": { "code": code }, "store_transaction": transaction(more) });
    looked(&got(200, &body), "7")
}

#[test]
fn amounts_are_integer_tiyin_and_numbers_are_numbers() {
    let body = atmos().create(&charge(), "uz-Cyrl");
    let expected =
        json!({ "amount": 500_000, "account": "1000001K", "store_id": 4001, "lang": "uz" });
    assert_eq!(body, expected);
    assert_eq!(atmos().get("7"), json!({ "transaction_id": 7, "store_id": 4001 }));
    assert_eq!(atmos().endpoint("create"), "http://atmos/merchant/pay/create");
    let page = atmos().page("7", "https://shop.uz/orders/1");
    assert_eq!(
        page,
        "http://page/invoice/get?storeId=4001&transactionId=7&redirectLink=https%3A%2F%2Fshop.uz%2Forders%2F1"
    );
    let digits = config::Uzcard { digits_only: true, terminal_id: "55".to_owned(), ..config() };
    let digits = Atmos::new(&digits).unwrap();
    assert_eq!(digits.account("1000001K"), "1000001");
    assert_eq!(digits.create(&charge(), "ru")["terminal_id"], "55");
    assert_eq!(atmos().account("1000001K"), "1000001K");
}

#[test]
fn no_key_is_shown_and_without_keys_it_is_off() {
    let shown = format!("{:?}", atmos());
    assert!(!shown.contains("password") && !shown.contains("api-key"), "{shown}");
    for without in [
        config::Uzcard { store_id: String::new(), ..config() },
        config::Uzcard { api_key: SecretString::default(), ..config() },
    ] {
        assert!(Atmos::new(&without).is_none());
    }
}

#[test]
fn anything_but_ok_is_an_error_even_with_http_200() {
    let id = json!({ "result": { "code": "OK" }, "transaction_id": 7 });
    let page = created(&atmos(), &got(200, &id), &charge(), "");
    assert!(matches!(page, Made::Page { id, .. } if id == "7"));
    let refused = json!({ "result": { "code": "STPIMS-ERR-009", "description": "Wrong" }, "transaction_id": 7 });
    let why = "ATMOS refuses: STPIMS-ERR-009 Wrong".to_owned();
    let no = Made::No { why: why.clone(), spoilt: false };
    assert_eq!(created(&atmos(), &got(200, &refused), &charge(), ""), no);
    assert_eq!(reversed(&got(200, &refused)), GaveBack::Refused(why));
    assert_eq!(reversed(&got(200, &id)), GaveBack::Done);
    for reply in [Reply::Lost, got(502, &id), got(200, &json!("<html>"))] {
        assert!(matches!(created(&atmos(), &reply, &charge(), ""), Made::No { .. }));
        assert_eq!(reversed(&reply), GaveBack::Silence, "{reply:?}");
        assert_eq!(looked(&reply, "7"), Word::Silence);
        assert_eq!(announced(&reply), GaveBack::Unasked, "nothing has moved");
    }
    assert_eq!(reversed(&Reply::Unsent), GaveBack::Unasked);
    let fault = json!({ "result": { "code": "STPIMS-ERR-001" } });
    assert_eq!(reversed(&got(200, &fault)), GaveBack::Silence, "internal errors are asked again");
}

#[test]
fn what_was_created_is_what_was_asked_for() {
    for wrong in [json!({ "amount": 400_000 }), json!({ "account": "1000002L" })] {
        let body = json!({ "result": { "code": "OK" }, "transaction_id": 7, "store_transaction": transaction(&wrong) });
        assert!(matches!(created(&atmos(), &got(200, &body), &charge(), ""), Made::No { .. }));
    }
}

#[test]
fn unknown_status_means_pending() {
    assert_eq!(looks("OK", &json!({})), Word::Waiting);
    let money = Word::Money { charge_id: "8".to_owned(), sum: charge().sum };
    let paid = json!({ "confirmed": true, "success_trans_id": 8, "status_message": "Success" });
    assert_eq!(looks("OK", &paid), money);
    assert_eq!(looks("STPIMS-ERR-092", &paid), money, "a closed transaction still carries data");
    assert_eq!(looks("STPIMS-ERR-092", &json!({})), Word::Silence);
    for code in ["STPIMS-ERR-001", "STPIMS-ERR-112", "STPIMS-ERR-999", ""] {
        assert_eq!(looks(code, &paid), Word::Silence, "{code}");
    }
    assert_eq!(looks("OK", &json!({ "confirmed": true })), Word::Silence, "no debit is named");
    assert_eq!(looks("OK", &json!({ "trans_id": 9 })), Word::Silence, "another transaction");
    let back = json!({ "confirmed": true, "success_trans_id": 8, "status_message": "Reversed" });
    assert_eq!(looks("STPIMS-ERR-092", &back), Word::Over);
    let body =
        json!({ "result": { "code": "STPIMS-ERR-092" }, "store_transaction": transaction(&back) });
    assert_eq!(is_reversed(&got(200, &body), "7"), Some(true));
    assert_eq!(is_reversed(&got(200, &body), "8"), None);
    assert_eq!(is_reversed(&Reply::Lost, "7"), None);
}

fn callback(sign: impl FnOnce(&str) -> String) -> RawRequest {
    let sign = sign("400171000001K500000api-key");
    let body = json!({
        "store_id": 4001, "transaction_id": 7, "transaction_time": "2026-11-22 10:00:00",
        "amount": "500000", "invoice": "1000001K", "sign": sign,
    });
    RawRequest {
        action: String::new(),
        method: "POST".to_owned(),
        headers: std::collections::BTreeMap::new(),
        body: body.to_string().into_bytes(),
        remote_ip: String::new(),
    }
}

fn md5(text: &str) -> String {
    form::hex_text(&Md5::digest(text))
}

fn sha256(text: &str) -> String {
    form::hex_text(&Sha256::digest(text))
}

#[test]
fn the_hash_of_a_callback_is_told_by_its_length_unless_it_is_configured() {
    for sign in [md5, sha256] {
        let asked = atmos().asked(&callback(sign)).unwrap();
        assert_eq!((asked.transaction.as_str(), asked.sum), ("7", charge().sum));
    }
    let only = |hash| Atmos::new(&config::Uzcard { callback_hash: hash, ..config() }).unwrap();
    assert!(only(CallbackHash::Md5).asked(&callback(md5)).is_ok());
    assert_eq!(only(CallbackHash::Md5).asked(&callback(sha256)), Err(Unheard::Sign));
    assert_eq!(only(CallbackHash::Sha256).asked(&callback(md5)), Err(Unheard::Sign));
    assert!(only(CallbackHash::Sha256).asked(&callback(sha256)).is_ok());
    for wrong in ["", "0", &"0".repeat(32), &"0".repeat(64)] {
        let asked = atmos().asked(&callback(|_| wrong.to_owned()));
        assert_eq!(asked, Err(Unheard::Sign), "{wrong}");
    }
    let mut get = callback(md5);
    get.method = "GET".to_owned();
    assert_eq!(atmos().asked(&get), Err(Unheard::Unreadable));
    assert!(!without_signature(&callback(md5).body).contains("sign"));
}

#[tokio::test]
async fn the_token_is_asked_for_once_however_many_want_it() {
    let (tokens, asked) = (Tokens::default(), Arc::new(AtomicU32::new(0)));
    let now = Timestamp::from_millis(1_795_253_400_000);
    let get = |now| {
        let (tokens, asked) = (&tokens, Arc::clone(&asked));
        async move {
            let ask = || async move {
                let number = asked.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                let text = SecretString::from(format!("token-{number}"));
                Ok::<_, ()>((text, good_until(now, 3600)))
            };
            tokens.get(now, ask).await.unwrap()
        }
    };
    let all = join_all((0..50).map(|_| get(now))).await;
    assert!(all.iter().all(|token| token.text.expose_secret() == "token-0"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let early = now.plus(Duration::from_mins(59));
    assert_eq!(get(early.minus(Duration::from_secs(1))).await.text.expose_secret(), "token-0");
    let second = get(early).await;
    assert_eq!(second.text.expose_secret(), "token-1", "60 s before it runs out");
    // Many are refused with the same one: it is forgotten once.
    tokens.forget(&all[0]);
    assert_eq!(get(early).await.text.expose_secret(), "token-1", "another one was refused");
    tokens.forget(&second);
    assert_eq!(get(early).await.text.expose_secret(), "token-2");
    let failed = tokens.get(now.plus(Duration::from_hours(9)), || async { Err("away") }).await;
    assert_eq!(failed.unwrap_err(), "away");
}

#[test]
fn expires_in_may_be_less_than_an_hour() {
    let now = Timestamp::from_millis(0);
    let body = br#"{"access_token":"t","scope":"s","token_type":"Bearer","expires_in":100}"#;
    let (token, until) = token::granted(200, body, now).unwrap();
    assert_eq!((token.expose_secret(), until.millis()), ("t", 40_000));
    assert!(token::granted(401, body, now).is_none());
    assert_eq!(good_until(now, -5), now);
    assert_eq!(good_until(now, i64::MAX).millis(), 3_540_000);
}

proptest! {
    #[test]
    fn no_answer_and_no_call_breaks_it(body: Vec<u8>, status in 100..600_u16) {
        let reply = Reply::Got { status, body: body.clone(), again: None };
        prop_assert_eq!(looked(&reply, "7"), Word::Silence);
        prop_assert!(!matches!(reversed(&reply), GaveBack::Done));
        let raw = RawRequest { body, ..callback(md5) };
        prop_assert!(atmos().asked(&raw).is_err());
    }
}
