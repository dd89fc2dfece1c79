use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clock::Timestamp;
use ids::OrderId;
use money::Money;
use secrecy::SecretString;
use serde_json::json;

use super::{
    click::{Asked, Click, Problem},
    payme::{self, Method, Payme},
    *,
};

fn snapshot() -> Snapshot {
    Snapshot {
        order: OrderId::new(),
        reference: "1000001K".to_owned(),
        amount: Money::uzs(500_050),
        payable_until: Timestamp::from_millis(0),
        lines: Vec::new(),
        delivery: 0,
        customer_phone: String::new(),
        locale: "uz-Cyrl".to_owned(),
    }
}

fn cash_desk(key: &str, test_key: &str) -> Option<Payme> {
    Payme::new(&crate::config::Payme {
        merchant_id: "587f72c72cac0d162c722ae2".to_owned(),
        key: SecretString::from(key),
        test_key: SecretString::from(test_key),
        ..Default::default()
    })
}

fn service() -> Click {
    Click::new(&crate::config::Click {
        service_id: "10001".to_owned(),
        merchant_id: "20001".to_owned(),
        secret_key: SecretString::from("secret"),
        ..Default::default()
    })
    .unwrap()
}

fn request(authorization: Option<&str>) -> RawRequest {
    let header = |value: &str| ("authorization".to_owned(), value.to_owned());
    RawRequest {
        action: String::new(),
        method: "POST".to_owned(),
        headers: authorization.map(header).into_iter().collect(),
        body: Vec::new(),
        remote_ip: String::new(),
    }
}

#[test]
fn payme_is_known_by_login_and_key() {
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let live = cash_desk("the:key", "").unwrap();
    assert!(live.knows(&request(Some(&basic("Paycom:the:key"))), None));
    assert!(live.knows(&request(Some(&basic("Paycom:the:key").replace("Basic", "basic"))), None));
    for wrong in
        ["Paycom:", "Paycom:the", "Paycom:the:keys", "paycom:the:key", "the:key", "Paycom:test"]
    {
        assert!(!live.knows(&request(Some(&basic(wrong))), None), "{wrong}");
    }
    for malformed in ["", "Basic", "Basic !", "Bearer the:key"] {
        assert!(!live.knows(&request(Some(malformed)), None), "{malformed}");
    }
    assert!(!live.knows(&request(None), None));
    let test = cash_desk("the:key", "test").unwrap();
    assert!(test.knows(&request(Some(&basic("Paycom:test"))), None));
    assert!(cash_desk("", "").is_none(), "no key, no cash desk");
    assert!(!format!("{live:?}").contains("the:key"));
}

#[test]
fn the_checkout_link_is_what_payme_shows() {
    let plain = |link: &str| {
        let text = link.strip_prefix("https://checkout.paycom.uz/").unwrap();
        assert!(!text.contains(['/', '+']), "{link}");
        String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
    };
    let desk = cash_desk("key", "").unwrap();
    let link = plain(&desk.page(&snapshot(), ""));
    assert_eq!(link, "m=587f72c72cac0d162c722ae2;ac.order_id=1000001K;a=500050;l=uz");
    for path in ["", "a", "ab", "?a", "ab?a", "a?a;b"] {
        let link = plain(&desk.page(&snapshot(), &format!("https://shop.uz/{path}")));
        assert!(
            link.ends_with(&format!("c=https://shop.uz/{}", path.replace(';', "%3B"))),
            "{link}"
        );
    }
}

#[test]
fn the_payment_link_is_what_click_documents() {
    assert_eq!(
        service().page(&snapshot(), "https://shop.uz/o?a=1&b"),
        "https://my.click.uz/services/pay?service_id=10001&merchant_id=20001&amount=5000.50\
         &transaction_param=1000001K&return_url=https%3A%2F%2Fshop.uz%2Fo%3Fa%3D1%26b"
    );
}

#[test]
fn payme_calls_are_read_in_the_order_of_the_protocol() {
    let problem = |body: &str| payme::read(body.as_bytes()).call().unwrap_err().code;
    for (body, code) in [
        ("", -32700),
        ("{", -32700),
        ("[]", -32600),
        ("null", -32600),
        (r#"{"params":{}}"#, -32600),
        (r#"{"method":1,"params":{}}"#, -32600),
        (r#"{"method":"Nothing"}"#, -32600),
        (r#"{"method":"Nothing","params":[]}"#, -32600),
        (r#"{"method":"Nothing","params":{}}"#, -32601),
        (r#"{"method":"CheckTransaction","params":{}}"#, -32600),
        (r#"{"method":"CheckTransaction","params":{"id":1}}"#, -32600),
        (r#"{"method":"CheckPerformTransaction","params":{"amount":"5","account":{}}}"#, -32600),
        (r#"{"method":"CheckPerformTransaction","params":{"amount":5,"account":"a"}}"#, -32600),
        (
            r#"{"method":"CreateTransaction","params":{"id":"a","time":1.5,"amount":5,"account":{}}}"#,
            -32600,
        ),
        (r#"{"method":"CancelTransaction","params":{"id":"a"}}"#, -32600),
        (r#"{"method":"GetStatement","params":{"from":1}}"#, -32600),
        (
            r#"{"method":"SetFiscalData","params":{"id":"a","type":"OTHER","fiscal_data":{}}}"#,
            -32602,
        ),
        (r#"{"method":"SetFiscalData","params":{"id":"a","type":"PERFORM"}}"#, -32602),
    ] {
        assert_eq!(problem(body), code, "{body}");
    }
}

#[test]
fn the_account_may_be_text_or_number_and_the_id_keeps_its_type() {
    for (order, reference) in
        [(json!("1000001K"), "1000001K"), (json!(197), "197"), (json!(null), ""), (json!({}), "")]
    {
        let body = json!({
            "id": "seven",
            "method": "CheckPerformTransaction",
            "params": { "amount": 5, "account": { "order_id": order } },
        });
        let call = payme::read(body.to_string().as_bytes()).call().unwrap();
        let expected = Method::CheckPerform { reference: reference.to_owned(), amount: 5 };
        assert_eq!((call.id, call.method), (json!("seven"), expected));
    }
    assert_eq!(payme::read(br#"{"id":7.5}"#).id, json!(7.5));
}

fn form(fields: &[(&str, &str)], changed: &[(&str, &str)]) -> RawRequest {
    let mut fields: HashMap<&str, &str> = fields.iter().copied().collect();
    for (name, value) in changed {
        fields.insert(name, value);
    }
    let pair = |(name, value): (&&str, &&str)| format!("{name}={}", form::encode(value));
    let body = fields.iter().map(pair).collect::<Vec<_>>().join("&");
    RawRequest { body: body.into_bytes(), ..request(None) }
}

/// Made with another program: the md5 of `900010001secret1000001K5000.0002026-11-21 14:30:00`.
const SIGNATURE: &str = "6003d84490a8a486978f70ae85975e4e";

const PREPARE: [(&str, &str); 10] = [
    ("click_trans_id", "9000"),
    ("service_id", "10001"),
    ("click_paydoc_id", "77"),
    ("merchant_trans_id", "1000001K"),
    ("amount", "5000.00"),
    ("action", "0"),
    ("error", "0"),
    ("error_note", "Success"),
    ("sign_time", "2026-11-21 14:30:00"),
    ("sign_string", "SIGN"),
];

fn asked(changed: &[(&str, &str)]) -> Result<Asked, Problem> {
    let request = form(&PREPARE, changed);
    service().asked(&click::read(&request).unwrap())
}

#[test]
fn the_signature_covers_the_text_as_it_was_received() {
    let signed = [("sign_string", SIGNATURE)];
    assert!(matches!(asked(&signed).unwrap(), Asked::Prepare(call) if call.amount == 500_000));
    // The same sum, written otherwise.
    assert_eq!(asked(&[signed[0], ("amount", "5000")]).unwrap_err(), Problem::SIGN);
    assert_eq!(asked(&[("sign_string", "0")]).unwrap_err(), Problem::SIGN);
}

#[test]
fn whatever_is_missing_or_malformed_is_an_error_in_the_request() {
    for (name, _) in PREPARE {
        let fields: Vec<_> = PREPARE.into_iter().filter(|(other, _)| *other != name).collect();
        let read = click::read(&form(&fields, &[])).unwrap();
        assert_eq!(service().asked(&read).unwrap_err().0, -8, "without {name}");
    }
    for wrong in [
        ("amount", "five"),
        ("amount", "-5"),
        ("action", "x"),
        ("click_trans_id", "9000.5"),
        ("merchant_trans_id", ""),
        ("action", "1"),
    ] {
        assert_eq!(asked(&[wrong]).unwrap_err().0, -8, "{wrong:?}");
    }
    assert!(click::read(&RawRequest { method: "GET".to_owned(), ..request(None) }).is_none());
}
