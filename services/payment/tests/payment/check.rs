//! `ultramarket payments check`, as far as it can be tried without the providers.

use payment::{
    Config,
    check::{Finding, State, check},
    config,
    domain::Provider,
};
use secrecy::SecretString;

use crate::desk::Desk;

fn terms(desk: &Desk, user: &str) -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        store: String::new(),
        payme: config::Payme {
            merchant_id: "not hex".to_owned(),
            key: SecretString::from("a-secret "),
            test_key: SecretString::from("another-secret"),
            base_url: desk.url.clone(),
            ..Default::default()
        },
        click: config::Click {
            service_id: "10001".to_owned(),
            merchant_id: "x".to_owned(),
            merchant_user_id: user.to_owned(),
            secret_key: SecretString::from("click-secret"),
            base_url: desk.url.clone(),
            api_url: desk.url.clone(),
        },
        uzcard: config::Uzcard::default(),
        stripe: config::Stripe::default(),
        fiscal: config::Fiscal::default(),
        reconciliation: config::Reconciliation::default(),
    }
}

fn has(found: &[Finding], what: &str, state: State, text: &str) -> bool {
    found.iter().any(|it| it.what == what && it.state == state && it.text.contains(text))
}

#[tokio::test]
async fn what_is_wrong_is_said_and_no_secret_is() {
    let desk = Desk::open().await;
    let config = terms(&desk, "30001");
    let click = check(&config, &desk.url, Provider::Click).await.unwrap();
    assert!(has(&click, "keys", State::Good, "click.service_id is a number"), "{click:?}");
    assert!(has(&click, "keys", State::Bad, "click.merchant_id is no number"), "{click:?}");
    assert!(has(&click, "api", State::Good, "knows these keys"), "{click:?}");
    assert!(
        has(&click, "callback", State::Bad, "not by the protocol"),
        "another listens: {click:?}"
    );
    assert!(has(&click, "callback", State::Doubtful, "not an https address"), "{click:?}");
    let stranger = check(&terms(&desk, "666"), &desk.url, Provider::Click).await.unwrap();
    assert!(has(&stranger, "api", State::Bad, "does not know these keys"), "{stranger:?}");

    let payme = check(&config, &desk.url, Provider::Payme).await.unwrap();
    assert!(has(&payme, "keys", State::Doubtful, "24 hexadecimal digits"), "{payme:?}");
    assert!(has(&payme, "keys", State::Bad, "ends with a space"), "{payme:?}");
    assert!(has(&payme, "keys", State::Doubtful, "the sandbox can pay orders"), "{payme:?}");
    let stripe = check(&config, "http://127.0.0.1:1", Provider::Stripe).await.unwrap();
    assert!(has(&stripe, "keys", State::Bad, "stripe.secret_key is not set"), "{stripe:?}");
    assert!(has(&stripe, "callback", State::Bad, "does not answer"), "{stripe:?}");
    let uzcard = check(&config, &desk.url, Provider::Uzcard).await.unwrap();
    assert!(has(&uzcard, "keys", State::Bad, "uzcard.store_id is not set"), "{uzcard:?}");
    let all = format!("{click:?}{payme:?}{stripe:?}{uzcard:?}");
    for secret in ["a-secret", "another-secret", "click-secret"] {
        assert!(!all.contains(secret), "{all}");
    }
}
