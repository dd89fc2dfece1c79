//! Accounts and sessions.

use http::StatusCode;
use testkit::Wiring;

use crate::{
    buy, check_page,
    fakes::{self, accounts::PASSWORD},
    fill_cart, shop,
};

#[tokio::test]
async fn signing_in_brings_the_cart_along() {
    let (fake, lab, mut browser) = shop(false, Wiring::Local).await;
    assert_eq!(browser.get("/account").await.location, "/login?next=%2Faccount");
    fill_cart(&mut browser).await;
    browser.get("/login").await;
    let wrong = browser
        .post("/login", &[("login", "901234567"), ("password", "no"), ("next", "/checkout")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    check_page("/login", &wrong);
    let away = browser
        .post(
            "/login",
            &[("login", "901234567"), ("password", PASSWORD), ("next", "//evil.example")],
        )
        .await;
    assert_eq!(away.location, "/account", "never to another site");
    assert!(fake.state().calls.iter().any(|call| call == "guest uz login +998901234567"));
    assert!(fake.state().calls.iter().any(|call| call == "user uz merge_carts"));
    let cart = browser.get("/cart").await;
    assert!(cart.body.contains("shampun"), "the goods are there");
    buy(&mut browser).await;
    let account = browser.get("/account").await;
    assert!(account.body.contains("1000001K") && account.body.contains("Aziza Karimova"));
    check_page("/account", &account);

    // A quarter of an hour later the session renews itself, once for any number of tabs.
    lab.clock.advance(std::time::Duration::from_mins(14));
    let before = browser.cookies["um_session"].clone();
    browser.get("/account").await;
    assert_eq!(browser.cookies["um_session"], before);
    let left = browser.post("/logout", &[]).await;
    assert_eq!(left.location, "/");
    assert!(!browser.cookies.contains_key("um_session"));
    assert!(fake.state().calls.iter().any(|call| call == "user uz logout"));
}

#[tokio::test]
async fn old_and_forged_sessions() {
    let (fake, _lab, mut browser) = shop(false, Wiring::Local).await;
    let now = testkit::START.millis() / 1000;
    let session = |token: String, refresh: &str| format!("{token}~{refresh}");
    let old = session(fake.1.token("ultramarket", now - 1), "rt_once");
    browser.cookies.insert("um_session".to_owned(), old.clone());
    assert_eq!(browser.get("/account").await.status, StatusCode::OK, "renewed");
    let fresh = browser.cookies["um_session"].clone();
    assert_ne!(fresh, old);
    // Another tab with the old cookie gets the same answer instead of burning the family.
    browser.cookies.insert("um_session".to_owned(), old);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    assert_eq!(browser.cookies["um_session"], fresh);
    assert_eq!(fake.state().calls.iter().filter(|call| call.ends_with("refresh")).count(), 1);

    for wrong in [
        session(fake.1.token("ws", now + 60), "x"),
        session(fakes::accounts::Keys::new().token("ultramarket", now + 60), "x"),
        "nonsense".to_owned(),
    ] {
        browser.cookies.insert("um_session".to_owned(), wrong);
        assert!(browser.get("/account").await.location.starts_with("/login"));
        assert!(!browser.cookies.contains_key("um_session"), "removed");
    }
    // While auth is away nobody is signed out.
    let (fake, _lab, mut browser) = shop(false, Wiring::Local).await;
    fake.state().away.push("auth");
    browser
        .cookies
        .insert("um_session".to_owned(), session(fake.1.token("ultramarket", now + 60), "rt_1"));
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    assert!(browser.cookies.contains_key("um_session"));
}

#[tokio::test]
async fn registering() {
    let (fake, _lab, mut browser) = shop(false, Wiring::Local).await;
    browser.get("/register?lang=en").await;
    let fields = |phone| [("name", "Bobur"), ("phone", phone), ("password", "long enough")];
    let taken = browser.post("/register", &fields("900000000")).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = browser.post("/register", &fields("+998 90 765 43 21")).await;
    assert_eq!(done.location, "/account");
    assert!(
        fake.state().calls.iter().any(|call| call == "guest en register Bobur +998907654321 en")
    );
}
