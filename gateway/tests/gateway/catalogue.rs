//! The public catalogue: composition, languages, and answers that are kept.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Kit, header, problem};

#[tokio::test]
async fn a_list_speaks_the_clients_language_and_knows_offers() {
    let kit = Kit::new().await;
    for (language, title) in [("ru", "Чайник"), ("en-GB", "Teapot"), ("uz-Cyrl", "Чойнак")]
    {
        let answer = kit.get("/v1/store/products?count=exact").header("accept-language", language);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(header(&answer, "vary").contains("Accept-Language"));
        assert_eq!(header(&answer, "cache-control"), "public, max-age=60");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["meta"], json!({"next": "more", "count": 1}));
        let product = &body["data"][0];
        assert_eq!(product["title"], title);
        // The dearer offer is the one that is there.
        assert_eq!(product["price_from"], json!({"amount": 900, "currency": "UZS"}));
        assert_eq!(product["variants"][0]["offers"].as_array().unwrap().len(), 2);
        assert_eq!(product["variants"][0]["offers"][1]["in_stock"], false);
    }
}

#[tokio::test]
async fn without_the_order_service_products_are_shown_as_last_known() {
    let kit = Kit::new().await;
    kit.world.orders_away.store(true, Ordering::SeqCst);
    let body: Value =
        kit.get("/v1/store/products/choynak").send().await.unwrap().json().await.unwrap();
    assert_eq!(body["price_from"]["amount"], 500);
    assert_eq!((&body["in_stock"], &body["variants"][0]["offers"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn an_answer_is_worked_out_once_and_known_by_its_tag() {
    let kit = Kit::new().await;
    let first = kit.get("/v1/store/products").send().await.unwrap();
    let etag = header(&first, "etag");
    assert!(etag.starts_with("W/\""), "{etag}");
    let again = kit.get("/v1/store/products").header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(header(&again, "etag"), etag);
    // Somebody who is signed in gets the same one.
    let signed = kit.get("/v1/store/products").bearer_auth(kit.shopper()).send().await.unwrap();
    assert_eq!(header(&signed, "etag"), etag);
    assert_eq!(kit.world.lists.load(Ordering::SeqCst), 1);
    let zipped =
        kit.get("/v1/store/regions").header("accept-encoding", "gzip").send().await.unwrap();
    let plain: Value = zipped.json().await.unwrap();
    assert_eq!(plain["data"].as_array().unwrap().len(), 14);
}

#[tokio::test]
async fn a_merchants_write_shows_at_once() {
    let kit = Kit::new().await;
    kit.get("/v1/store/products").send().await.unwrap();
    let product = format!("/v1/merchant/products/{}", kit.world.product_id);
    let gone = kit.call(Method::DELETE, &product).bearer_auth(kit.staff("operator")).send().await;
    assert_eq!(gone.unwrap().status(), 204);
    kit.get("/v1/store/products").send().await.unwrap();
    assert_eq!(kit.world.lists.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn search_keeps_the_order_of_the_index() {
    let kit = Kit::new().await;
    let body: Value =
        kit.get("/v1/store/search?q=choynak").send().await.unwrap().json().await.unwrap();
    let ids: Vec<_> =
        body["data"].as_array().unwrap().iter().map(|hit| hit["id"].clone()).collect();
    assert_eq!(ids, ["prod_b", "prod_a"]);
    assert_eq!(body["facets"], json!([]));
}

#[tokio::test]
async fn failures_are_not_kept() {
    let kit = Kit::new().await;
    let missing = kit.get("/v1/store/products/none").send().await.unwrap();
    let (status, code, body) = problem(missing).await;
    assert_eq!((status, code.as_str()), (404, "PRODUCT_NOT_FOUND"));
    assert_eq!(body["instance"], "/v1/store/products/none");
    let wrong = kit.get("/v1/store/products?limit=1000").send().await.unwrap();
    let (status, _, body) = problem(wrong).await;
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("limit")));
}

#[tokio::test]
async fn files_never_change() {
    let kit = Kit::new().await;
    let file = kit.get("/files/products/2026/a.jpg").send().await.unwrap();
    assert_eq!(header(&file, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(
        (header(&file, "content-type"), header(&file, "etag")),
        ("image/jpeg".into(), "\"abc\"".into())
    );
    assert_eq!(file.bytes().await.unwrap().len(), 2000);
    let again = kit.get("/files/products/2026/a.jpg").header("if-none-match", "\"abc\"");
    assert_eq!(again.send().await.unwrap().status(), 304);
    assert_eq!(problem(kit.get("/files/none").send().await.unwrap()).await.0, 404);
}
