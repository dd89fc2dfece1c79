//! The pages as a browser without JavaScript sees them, over fakes of the services with the demo catalogue.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use fakes::{Fake, world::HOSTILE};
use http::{StatusCode, header};
use testkit::{RunningLab, WIRINGS, Wiring};

#[path = "storefront/browser.rs"]
mod browser;
#[path = "storefront/fakes.rs"]
mod fakes;
#[path = "storefront/signing_in.rs"]
mod signing_in;

use browser::Browser;

const LANGUAGES: [&str; 4] = ["uz", "uz-Cyrl", "ru", "en"];
const OFFER: &str = "off_shampoo-pomegranate0";

fn config(lab: &RunningLab) -> web::Config {
    web::Config {
        secure_cookies: false,
        payment_origins: vec!["https://pay.example".to_owned()],
        clock: lab.clock.clone(),
        ..web::Config::default()
    }
}

async fn shop(hostile: bool, wiring: Wiring) -> (Fake, RunningLab, Browser) {
    let fake = Fake::new(hostile);
    let lab = fake.lab(wiring).await;
    let browser = Browser::new(web::router(config(&lab), lab.mesh.clone()));
    (fake, lab, browser)
}

/// Puts the first product into the cart, as a shopper does.
async fn fill_cart(browser: &mut Browser) {
    browser.get("/p/shampoo-pomegranate").await;
    let added = browser.post("/cart/items", &[("offer_id", OFFER), ("quantity", "2")]).await;
    assert_eq!(added.location, "/cart?said=added");
}

const CHECKOUT: [(&str, &str); 8] = [
    ("name", "Aziza Karimova"),
    ("phone", "90 123 45 67"),
    ("district", "1726269"),
    ("street", "Buyuk ipak yo'li"),
    ("house", "12"),
    ("landmark", ""),
    ("method", "courier"),
    ("provider", "payme"),
];

/// Fills in the checkout, looks at the total with delivery, and sends it again.
async fn buy(browser: &mut Browser) -> browser::Page {
    let first = browser.get("/checkout").await;
    assert_eq!(first.hidden("expected_total"), "", "nothing is placed before delivery is known");
    let answer = browser.post("/checkout", &CHECKOUT).await;
    assert_eq!(answer.location, "/checkout?provider=payme&said=check");
    let second = browser.get(&answer.location).await;
    let (total, key) = (second.hidden("expected_total"), second.hidden("key"));
    let mut fields = CHECKOUT.to_vec();
    fields.extend([("expected_total", total.as_str()), ("key", key.as_str())]);
    browser.post("/checkout", &fields).await
}

/// What holds for every page.
fn check_page(path: &str, page: &browser::Page) {
    let body = &page.body;
    assert!(!body.contains("<script>alert"), "{path}: a title got out");
    assert_eq!(body.matches("<h1").count(), 1, "{path}: one main heading");
    for image in body.split("<img").skip(1) {
        let tag = image.split('>').next().unwrap();
        assert!(
            ["alt=", "width=", "height="].iter().all(|name| tag.contains(name)),
            "{path}: {tag}"
        );
    }
    assert!(!body.contains(" style="), "{path}: styles stand in the stylesheet");
    assert!(!body.contains(" onclick="), "{path}");
    // Every visible field lies inside of a label, or one names it.
    let mut depth = 0usize;
    for tag in body.split('<').skip(1) {
        let name = tag.split([' ', '>']).next().unwrap();
        match name {
            "label" => depth += 1,
            "/label" => depth -= 1,
            "input" | "select" if !tag.contains("type=\"hidden\"") && !tag.contains("id=\"q\"") => {
                assert!(depth > 0, "{path}: a field without a label: {tag}");
            }
            _ => {}
        }
    }
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(page.headers[header::VARY].to_str().unwrap().contains("Accept-Language"));
}

#[tokio::test]
async fn every_page_in_every_language() {
    let (_, _lab, mut browser) = shop(true, Wiring::Local).await;
    fill_cart(&mut browser).await;
    let bought = buy(&mut browser).await;
    assert_eq!(bought.location, "https://pay.example/payme/1000001K");
    let order = browser.cookies["um_orders"].split('~').next().unwrap().to_owned();
    fill_cart(&mut browser).await;
    let order = format!("/orders/{order}");
    for language in LANGUAGES {
        for path in [
            "/",
            "/c/beauty",
            "/c/family",
            "/c/beauty?price_from=1000&in_stock=1&sort=price",
            "/search?q=",
            "/search?q=a",
            "/search?q=zzzz",
            "/search?q=chaynak",
            "/p/shampoo-pomegranate",
            "/cart",
            "/checkout",
            &order,
            "/login",
            "/register",
            "/nowhere",
            "/p/nothing",
        ] {
            let separator = if path.contains('?') { '&' } else { '?' };
            let page = browser.get(&format!("{path}{separator}lang={language}")).await;
            let expected =
                if path.starts_with("/n") || path.ends_with("nothing") { 404 } else { 200 };
            assert_eq!(page.status, expected, "{path} {language}");
            assert!(page.body.contains(&format!("<html lang=\"{language}\"")), "{path} {language}");
            check_page(path, &page);
        }
        let product = browser.get("/p/shampoo-pomegranate").await;
        if language != "uz-Cyrl" {
            assert!(product.body.contains("&#60;script&#62;alert"), "{language}: shown as text");
        }
        browser.cookies.remove("um_lang");
    }
    assert!(HOSTILE.contains("<script>"));
}

#[tokio::test]
async fn each_language_has_its_words() {
    let (_, _lab, mut browser) = shop(false, Wiring::Local).await;
    for (language, words) in [
        ("uz", ["Savatga qoʻshish", "soʻm", "Anorgul anorli shampuni"]),
        ("uz-Cyrl", ["Саватга қўшиш", "сўм", "Аноргул анорли шампуни"]),
        ("ru", ["В корзину", "сум", "Шампунь Anorgul с гранатом"]),
        ("en", ["Add to cart", "UZS", "Anorgul pomegranate shampoo"]),
    ] {
        let page = browser.get(&format!("/p/shampoo-pomegranate?lang={language}")).await;
        for word in words {
            assert!(page.body.contains(word), "{language}: {word}");
        }
        // The choice stays.
        assert!(browser.get("/").await.body.contains(&format!("<html lang=\"{language}\"")));
    }
}

#[tokio::test]
async fn forms_from_elsewhere_are_refused() {
    let (fake, _lab, mut browser) = shop(false, Wiring::Local).await;
    browser.get("/p/shampoo-pomegranate").await;
    let csrf = browser.cookies["um_csrf"].clone();
    let item = [("offer_id", OFFER), ("quantity", "1")];
    for path in [
        "/cart/items",
        "/cart/items/itm_0",
        "/cart/codes",
        "/checkout",
        "/login",
        "/register",
        "/logout",
        "/orders/o/pay",
        "/orders/o/cancel",
    ] {
        let without = browser.post_raw(path, &item, "same-origin").await;
        assert_eq!(without.status, StatusCode::FORBIDDEN, "{path}");
        let wrong = browser.post_raw(path, &[("csrf", "guess")], "same-origin").await;
        assert_eq!(wrong.status, StatusCode::FORBIDDEN, "{path}");
        let foreign = browser.post_raw(path, &[("csrf", &csrf)], "cross-site").await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN, "{path}");
        check_page(path, &foreign);
    }
    browser.cookies.remove("um_csrf");
    let neither = browser.post_raw("/cart/items", &[("csrf", "")], "same-origin").await;
    assert_eq!(neither.status, StatusCode::FORBIDDEN);
    assert!(fake.state().calls.is_empty(), "nothing was called");
}

#[tokio::test]
async fn a_guest_buys() {
    for wiring in WIRINGS {
        let (fake, lab, mut browser) = shop(false, wiring).await;
        browser.get("/?lang=ru").await;
        fill_cart(&mut browser).await;
        let cart = browser.get("/cart").await;
        assert!(cart.body.contains("90\u{a0}000\u{a0}сум"), "two at 45 000");
        let bought = buy(&mut browser).await;
        assert_eq!(bought.status, StatusCode::SEE_OTHER);
        assert_eq!(bought.location, "https://pay.example/payme/1000001K");
        assert_eq!(
            fake.state().calls,
            [
                "guest ru create_cart",
                "guest ru add_item off_shampoo-pomegranate0 2",
                "guest ru set_delivery Courier 1726 1726269 Buyuk ipak yo'li +998901234567",
                "guest ru set_delivery Courier 1726 1726269 Buyuk ipak yo'li +998901234567",
                "guest ru place_order payme Aziza Karimova +998901234567 11500000 key=true hash=32",
            ]
        );
        assert!(!browser.cookies.contains_key("um_cart"), "the cart is done with");
        let id = browser.cookies["um_orders"].split('~').next().unwrap().to_owned();
        let order = browser.get(&format!("/orders/{id}")).await;
        let invoice = browser.get(&format!("/orders/{id}/invoice")).await;
        let policy = invoice.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("style-src 'unsafe-inline'"), "it brings its own style: {policy}");
        assert!(order.body.contains("1000001K") && order.body.contains("115\u{a0}000\u{a0}сум"));
        let mut stranger = Browser::new(web::router(config(&lab), lab.mesh.clone()));
        let refused = stranger.get(&format!("/orders/{id}")).await;
        assert!(refused.location.starts_with("/login"), "somebody else may at most sign in");
        let again = browser
            .post(&format!("/orders/{id}/pay"), &[("provider", "click"), ("key", "k")])
            .await;
        assert_eq!(again.location, "https://pay.example/click/1000001K");
        let cancelled = browser.post(&format!("/orders/{id}/cancel"), &[]).await;
        assert!(cancelled.location.ends_with("said=cancelled"));
        lab.stop().await;
    }
}

#[tokio::test]
async fn an_order_is_placed_only_at_the_total_that_was_seen() {
    let (fake, _lab, mut browser) = shop(false, Wiring::Local).await;
    fill_cart(&mut browser).await;
    browser.get("/checkout").await;
    browser.post("/checkout", &CHECKOUT).await;
    let seen = browser.get("/checkout").await;
    fake.state().delivery_price += 100;
    let (total, key) = (seen.hidden("expected_total"), seen.hidden("key"));
    let mut fields = CHECKOUT.to_vec();
    fields.extend([("expected_total", total.as_str()), ("key", key.as_str())]);
    let answer = browser.post("/checkout", &fields).await;
    assert!(answer.location.contains("said=check"));
    assert!(!fake.state().calls.iter().any(|call| call.contains("place_order")));
}

#[tokio::test]
async fn a_form_sent_twice_gives_one_order() {
    let (fake, _lab, mut browser) = shop(false, Wiring::Local).await;
    fill_cart(&mut browser).await;
    browser.get("/checkout").await;
    browser.post("/checkout", &CHECKOUT).await;
    let page = browser.get("/checkout").await;
    let (total, key) = (page.hidden("expected_total"), page.hidden("key"));
    let mut fields = CHECKOUT.to_vec();
    fields.extend([("expected_total", total.as_str()), ("key", key.as_str())]);
    let cookies = browser.cookies.clone();
    let first = browser.post("/checkout", &fields).await;
    browser.cookies = cookies;
    let second = browser.post("/checkout", &fields).await;
    assert_eq!(first.location, second.location);
    assert_eq!(fake.state().orders.len(), 1);
}

#[tokio::test]
async fn wrong_fields_are_shown_with_what_was_typed() {
    let (fake, _lab, mut browser) = shop(false, Wiring::Local).await;
    fill_cart(&mut browser).await;
    browser.get("/checkout").await;
    let mut fields = CHECKOUT;
    fields[0].1 = "\"><script>alert(1)</script>";
    fields[1].1 = "12";
    let answer = browser.post("/checkout", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("aria-invalid") && answer.body.contains("value=\"12\""));
    check_page("/checkout", &answer);
    assert!(!fake.state().calls.iter().any(|call| call.contains("set_delivery")));
}

#[tokio::test]
async fn quantities_and_codes() {
    let (fake, _lab, mut browser) = shop(false, Wiring::Local).await;
    fill_cart(&mut browser).await;
    browser.post("/cart/items/itm_0", &[("quantity", "3")]).await;
    assert!(browser.cookies["um_cart"].ends_with("~3"));
    assert!(browser.get("/").await.body.contains("</span> 3</b>"), "the header counts");
    let refused = browser.post("/cart/codes", &[("code", "WRONG")]).await;
    assert_eq!(refused.location, "/cart?said=bad-code");
    let late = browser.post("/cart/codes", &[("code", "NAVROZ-2020")]).await;
    assert_eq!(late.location, "/cart?said=code-late");
    assert!(browser.get("/cart?said=code-late").await.body.contains("muddati tugagan"));
    let taken = browser.post("/cart/codes", &[("code", "NAVROZ")]).await;
    assert_eq!(taken.location, "/cart?said=code");
    let gone = browser.post("/cart/items", &[("offer_id", "off_none"), ("quantity", "1")]).await;
    assert_eq!(gone.location, "/cart?said=gone");
    browser.post("/cart/items/itm_0", &[("quantity", "0")]).await;
    assert!(browser.cookies["um_cart"].ends_with("~0"));
    assert!(fake.state().calls.iter().any(|call| call.ends_with("set_item itm_0 0")));
}

#[tokio::test]
async fn pages_go_on_without_a_service() {
    let (fake, _lab, mut browser) = shop(false, Wiring::Local).await;
    let is = |page: &browser::Page, status: u16| {
        assert_eq!(page.status.as_u16(), status, "{}", page.body);
    };
    fake.state().away = vec!["order"];
    let product = browser.get("/p/shampoo-pomegranate").await;
    is(&product, 200);
    assert!(product.body.contains("note bad") && !product.body.contains("action=\"/cart/items\""));
    is(&browser.get("/").await, 200);
    fake.state().away = vec!["search"];
    is(&browser.get("/search?q=a").await, 200);
    is(&browser.get("/c/beauty").await, 200);
    fake.state().away = vec!["product", "order", "search", "cart", "payment", "auth"];
    let home = browser.get("/").await;
    is(&home, 200);
    check_page("/", &home);
    let away = browser.get("/p/shampoo-pomegranate").await;
    is(&away, 503);
    check_page("/p", &away);
    is(&browser.get("/c/beauty").await, 503);
    fake.state().away.clear();
    fill_cart(&mut browser).await;
    fake.state().away = vec!["payment"];
    let checkout = browser.get("/checkout").await;
    is(&checkout, 200);
    assert!(checkout.body.contains("value=\"cash\"") && !checkout.body.contains("value=\"payme\""));
    fake.state().away = vec!["cart"];
    is(&browser.get("/cart").await, 503);
}

#[tokio::test]
async fn lists_are_narrowed_and_turned() {
    let (_, _lab, mut browser) = shop(false, Wiring::Local).await;
    let first = browser.get("/search?q=").await;
    assert!(first.body.contains("after=24"), "there is a next page");
    let second = browser.get("/search?q=&after=24").await;
    assert!(second.body.contains("after=48\" rel=\"next\""));
    assert!(!second.body.contains("shampoo-pomegranate"), "no product stands on two pages");
    let brand = browser.get("/c/beauty?brand=Anorgul&price_to=50000").await;
    assert!(brand.body.contains("shampoo-pomegranate") && !brand.body.contains("cream-apricot"));
    assert!(brand.body.contains("/c/beauty?price_to=50000\""), "a chip that drops the brand");
    let corrected = browser.get("/search?q=chaynak").await;
    assert!(corrected.body.contains("«choyna»"));
    let by_id = browser.get("/p/prod_shampoo-pomegranate").await;
    assert_eq!(by_id.location, "/p/shampoo-pomegranate");
}

#[tokio::test]
async fn assets_are_kept_for_a_year() {
    let (_, _lab, mut browser) = shop(false, Wiring::Local).await;
    let home = browser.get("/").await;
    let css =
        home.body.split('"').find(|text| text.starts_with("/assets/shop-")).unwrap().to_owned();
    let asset = browser.get(&css).await;
    assert_eq!(asset.headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(asset.headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
    assert_eq!(browser.get("/assets/shop-000000000000.css").await.status, StatusCode::NOT_FOUND);
    assert!(!home.headers.contains_key(header::SET_COOKIE), "looking around sets no cookie");
}

/// First view: the page, the stylesheet and the icons, compressed as the gateway does.
#[tokio::test]
async fn first_views_stay_small() {
    use tower::ServiceExt as _;
    let (_, lab, mut browser) = shop(false, Wiring::Local).await;
    fill_cart(&mut browser).await;
    let home = browser.get("/").await;
    let assets: Vec<String> = ["/assets/shop-", "/assets/icons-"]
        .iter()
        .map(|start| {
            home.body.split(['"', '#']).find(|text| text.starts_with(start)).unwrap().to_owned()
        })
        .collect();
    let router = web::router(config(&lab), lab.mesh.clone())
        .layer(tower_http::compression::CompressionLayer::new());
    let size = async |path: &str| {
        let cookie = format!("um_cart={}", browser.cookies["um_cart"]);
        let request =
            http::Request::get(path).header("accept-encoding", "gzip").header("cookie", cookie);
        let response =
            router.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap().len()
    };
    let shared = size(&assets[0]).await + size(&assets[1]).await;
    for path in
        ["/", "/c/beauty", "/search?q=", "/p/shampoo-pomegranate", "/cart", "/checkout", "/login"]
    {
        let total = shared + size(path).await;
        println!("{path}: {total} bytes");
        assert!(total < 30_000, "{path}: {total} bytes");
    }
}
