//! What happens to every request.

use std::{sync::atomic::Ordering, time::Duration};

use gateway::{Config, RateLimit};
use ids::{CartId, OfferId};
use reqwest::Method;
use serde_json::json;

use crate::kit::{Kit, config, header, problem};

#[tokio::test]
async fn every_answer_carries_its_id_and_the_security_headers() {
    let kit = Kit::new().await;
    for path in ["/v1/store/products", "/v1/nothing", "/docs/", "/openapi.json", "/"] {
        let answer = kit.get(path).header("x-request-id", "abc-1").send().await.unwrap();
        assert_eq!(header(&answer, "x-request-id"), "abc-1", "{path}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
        assert!(header(&answer, "content-security-policy").contains("frame-ancestors"), "{path}");
    }
    let answer = kit.get("/v1/store/products").send().await.unwrap();
    assert!(header(&answer, "x-request-id").starts_with("req_"));
    let odd = kit.get("/v1/store/products").header("x-request-id", "a b").send().await.unwrap();
    assert!(header(&odd, "x-request-id").starts_with("req_"));
    assert_eq!(kit.get("/docs/").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_problem_carries_the_trace() {
    let kit = Kit::new().await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let missing = kit.get("/v1/nothing").header("traceparent", parent).send().await.unwrap();
    let (status, code, body) = problem(missing).await;
    assert_eq!((status, code.as_str()), (404, "NOT_FOUND"));
    assert_eq!(body["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    let wrong = kit.call(Method::DELETE, "/v1/store/products").send().await.unwrap();
    let (status, code, _) = problem(wrong).await;
    assert_eq!((status, code.as_str()), (405, "METHOD_NOT_ALLOWED"));
}

#[tokio::test]
async fn a_wrong_token_is_refused_on_public_routes_too() {
    let kit = Kit::new().await;
    let other_audience = kit.ticket("ws");
    let unknown_key = kit.sign("k2", &json!({}));
    let mut broken = kit.shopper();
    broken.push('x');
    for token in ["nonsense", "sk_bad", &kit.expired(), &other_audience, &unknown_key, &broken] {
        for path in ["/v1/store/products", "/v1/auth/me"] {
            let refused = kit.get(path).bearer_auth(token).send().await.unwrap();
            let (status, code, _) = problem(refused).await;
            assert_eq!((status, code.as_str()), (401, "TOKEN_INVALID"), "{path} {token}");
        }
    }
    let basic = kit.get("/v1/store/products").basic_auth("a", Some("b")).send().await.unwrap();
    assert_eq!(problem(basic).await.0, 401);
    assert_eq!(
        kit.get("/v1/auth/me").bearer_auth(kit.shopper()).send().await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn a_token_ends_when_its_time_has_come() {
    let kit = Kit::new().await;
    let token = kit.shopper();
    let me = async || kit.get("/v1/auth/me").bearer_auth(&token).send().await.unwrap().status();
    assert_eq!(me().await, 200);
    kit.lab.clock.advance(Duration::from_secs(901));
    assert_eq!(me().await, 401);
}

#[tokio::test]
async fn rights_are_looked_at_before_anything_else() {
    let kit = Kit::new().await;
    let status = async |path: &str, token: Option<&str>| {
        let request = kit.get(path);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.unwrap().status().as_u16()
    };
    let (shopper, viewer, admin) = (kit.shopper(), kit.staff("viewer"), kit.admin());
    let products = "/v1/merchant/products";
    assert_eq!(status(products, None).await, 401);
    assert_eq!(status(products, Some(&shopper)).await, 403);
    assert_eq!(status(products, Some(&admin)).await, 403);
    assert_eq!(status(products, Some(&viewer)).await, 200);
    assert_eq!(status(products, Some("sk_good")).await, 200);
    assert_eq!(status("/v1/merchant/orders", Some("sk_good")).await, 403);
    assert_eq!(status("/v1/admin/users", Some(&viewer)).await, 403);
    assert_eq!(status("/v1/store/orders", None).await, 401);
    let product = format!("{products}/{}", kit.world.product_id);
    let write = kit.call(Method::DELETE, &product).bearer_auth(&viewer).send().await.unwrap();
    assert_eq!(problem(write).await.0, 403);
}

#[tokio::test]
async fn limits_count_by_class_and_spare_callbacks() {
    let base = config();
    let rate_limit = RateLimit { enabled: true, ..base.rate_limit.clone() };
    let kit = Kit::with(Config { rate_limit, ..base }).await;
    for left in ["2", "1", "0"] {
        let made = kit.post("/v1/store/carts").send().await.unwrap();
        assert_eq!(made.status(), 201);
        assert_eq!(header(&made, "ratelimit-limit"), "3");
        assert_eq!(header(&made, "ratelimit-remaining"), left);
        assert!(!header(&made, "ratelimit-reset").is_empty());
    }
    let refused = kit.post("/v1/store/carts").send().await.unwrap();
    assert!(header(&refused, "retry-after").parse::<u32>().unwrap() > 0);
    let (status, code, _) = problem(refused).await;
    assert_eq!((status, code.as_str()), (429, "TOO_MANY_REQUESTS"));
    assert_eq!(kit.world.carts_made.load(Ordering::SeqCst), 3);
    // Other classes have counters of their own.
    assert_eq!(kit.get("/v1/store/products").send().await.unwrap().status(), 200);
    let body = json!({"login": "a", "password": "b"});
    for status in [401, 401, 429] {
        let answer = kit.post("/v1/auth/login").json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    for _ in 0..20 {
        let hook = kit.post("/hooks/payme").body("{}").send().await.unwrap();
        assert_eq!(hook.status(), 207);
        assert_eq!(header(&hook, "ratelimit-limit"), "");
    }
}

#[tokio::test]
async fn only_known_origins_may_read() {
    let kit = Kit::new().await;
    for (origin, allowed) in [("https://shop.example", true), ("https://evil.example", false)] {
        let answer = kit.get("/v1/store/products").header("origin", origin).send().await.unwrap();
        let seen = header(&answer, "access-control-allow-origin");
        assert_eq!(seen, if allowed { origin } else { "" });
        let preflight = kit
            .call(Method::OPTIONS, "/v1/store/carts")
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let preflight = preflight.send().await.unwrap();
        assert_eq!(preflight.status(), 204);
        let methods = header(&preflight, "access-control-allow-methods");
        assert_eq!(methods.contains("POST"), allowed);
        assert_eq!(header(&preflight, "access-control-allow-origin") == origin, allowed);
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_a_change() {
    let kit = Kit::new().await;
    kit.world.slow.store(true, Ordering::SeqCst);
    let path = format!("/v1/store/carts/{}/items", CartId::new());
    let body = json!({"offer_id": OfferId::new().to_string(), "quantity": 1});
    let call = kit.post(&path).json(&body).timeout(Duration::from_millis(50)).send().await;
    assert!(call.unwrap_err().is_timeout());
    testkit::eventually("the item is added", async || {
        kit.world.items_added.load(Ordering::SeqCst) == 1
    })
    .await;
}
