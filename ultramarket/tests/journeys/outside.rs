//! The edges: browsers, documents, pages, health, metrics, internal calls.

use std::time::Duration;

use mesh::Role;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use reqwest::Method;
use serde_json::json;

use crate::support::{
    client::Client,
    platform::{ORIGIN, Platform},
};

pub(crate) async fn pages_of_known_origins_may_call(platform: &'static Platform) {
    let guest = platform.guest();
    let known = guest.with("origin", ORIGIN);
    let answer = known.get("/v1/store/regions").await;
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    let stranger = guest.with("origin", "https://evil.example");
    let answer = stranger.get("/v1/store/regions").await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let ask = known
        .with("access-control-request-method", "POST")
        .with("access-control-request-headers", "idempotency-key,x-cart-token");
    let answer = ask.try_send(Method::OPTIONS, "/v1/store/carts", None, Vec::new()).await.unwrap();
    assert!(matches!(answer.status, 200 | 204));
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    assert!(answer.header("access-control-allow-methods").contains("POST"));
    let allowed = answer.header("access-control-allow-headers").to_lowercase();
    assert!(allowed.contains("idempotency-key") && allowed.contains("x-cart-token"), "{allowed}");
    let answer = guest.get("/v1/store/regions").await;
    for header in
        ["x-content-type-options", "referrer-policy", "content-security-policy", "x-frame-options"]
    {
        assert!(!answer.header(header).is_empty(), "{header}");
    }
}

pub(crate) async fn the_api_is_documented(platform: &'static Platform) {
    let guest = platform.guest();
    let document = guest.get("/openapi.json").await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/v1/auth/register",
        "/v1/store/products",
        "/v1/store/carts/{id}/complete",
        "/v1/merchant/products/import",
        "/v1/admin/merchants/{id}/approve",
        "/hooks/payme",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    let mut page = guest.get("/docs").await;
    if (300..400).contains(&page.status) {
        let target = page.header("location").to_owned();
        page = guest.get(&target).await;
    }
    assert_eq!(page.status, 200);
    assert!(page.text().contains("swagger"), "{}", page.text());
    let keys = guest.get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(keys["keys"][0]["kty"], "OKP");
    assert!(keys["keys"][0].get("d").is_none(), "the public half only");
}

pub(crate) async fn the_shop_speaks_three_languages(platform: &'static Platform) {
    let guest = platform.guest();
    for (language, title, rival) in [
        ("uz", "Rishton choynagi", "Риштанский чайник"),
        ("ru", "Риштанский чайник", "Rishton choynagi"),
        ("en", "Rishton teapot", "Риштанский чайник"),
    ] {
        let reader = guest.with("accept-language", language);
        let home = page(&reader, "/").await;
        assert!(home.contains(&format!("<html lang=\"{language}\"")), "{language}");
        assert!(home.contains("UltraMarket") && home.contains("href=\"/c/dishes\""));
        assert!(home.matches("href=\"/p/").count() >= 4, "there are products: {home}");
        let product = page(&reader, "/p/teapot-rishton").await;
        assert!(product.contains(title) && !product.contains(rival), "{language}");
        assert!(product.contains("<img") && product.contains("129"), "picture and price");
    }
}

/// A page, after at most one redirect.
async fn page(reader: &Client, path: &str) -> String {
    let mut answer = reader.get(path).await;
    if (300..400).contains(&answer.status) {
        let target = answer.header("location").to_owned();
        answer = reader.get(&target).await;
    }
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    assert!(answer.header("content-type").starts_with("text/html"), "{path}");
    answer.text()
}

pub(crate) async fn every_role_is_ready(platform: &'static Platform) {
    assert_eq!(platform.roles.len(), 9);
    for (role, url) in &platform.roles {
        let client = Client::new(url);
        for path in ["/health", "/health/live"] {
            assert_eq!(client.get(path).await.expect(200)["status"], "ok", "{role} {path}");
        }
        let ready = client.get("/health/ready").await.expect(200);
        assert_eq!((&ready["status"], &ready["role"]), (&json!("ready"), &json!(role.as_str())));
        for check in ready["checks"].as_array().unwrap_or(&Vec::new()) {
            assert_eq!(check["ok"], true, "{role}: {check}");
        }
    }
}

pub(crate) async fn metrics_are_not_public(platform: &'static Platform) {
    let public = platform.guest().get("/metrics").await;
    assert_eq!(public.status, 404, "{}", public.text());
    platform.guest().get("/v1/store/regions").await.expect(200);
    let own = Client::new(&platform.ops).get("/metrics").await;
    assert_eq!(own.status, 200);
    assert!(
        own.text().contains("# TYPE") && own.text().contains("/v1/store/regions"),
        "{}",
        own.text()
    );
    for (role, url) in platform.roles.iter().filter(|(role, _)| **role != Role::Gateway) {
        let metrics = Client::new(url).get("/metrics").await;
        assert_eq!(metrics.status, 200, "{role}");
        assert!(metrics.text().contains("# TYPE"), "{role}");
    }
}

/// Every call of every service: its role, its path, and whether it answers with a stream.
fn calls() -> Vec<(Role, String, bool)> {
    let files = FileDescriptorSet::decode(proto::DESCRIPTOR).unwrap().file;
    let mut calls = Vec::new();
    for file in files {
        let package = file.package().to_owned();
        let role = package.split('.').nth(1).and_then(|name| name.parse::<Role>().ok());
        for service in &file.service {
            // Events are delivered to several roles; each is asked for below.
            let Some(role) = role else { continue };
            for method in &service.method {
                let path = format!("/{package}.{}/{}", service.name(), method.name());
                calls.push((role, path, method.server_streaming()));
            }
        }
    }
    let deliver = "/ultramarket.event.v1.EventService/Deliver".to_owned();
    for role in
        [Role::Order, Role::Product, Role::Search, Role::Payment, Role::Cart, Role::Notification]
    {
        calls.push((role, deliver.clone(), false));
    }
    calls
}

/// Calls with an empty message; the status, or none for an answer.
async fn call(url: &str, path: &str, token: Option<&str>, streams: bool) -> Option<tonic::Status> {
    let channel = tonic::transport::Channel::from_shared(url.to_owned()).unwrap();
    let mut client = tonic::client::Grpc::new(channel.connect_lazy());
    client.ready().await.unwrap();
    let mut request = tonic::Request::new(());
    request.set_timeout(Duration::from_secs(10));
    if let Some(token) = token {
        request.metadata_mut().insert("um-mesh-token", token.parse().unwrap());
    }
    let path = path.parse().unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    match client.server_streaming(request, path, codec).await {
        Err(status) => Some(status),
        Ok(_) if streams => None,
        Ok(answer) => answer.into_inner().message().await.err(),
    }
}

pub(crate) async fn every_call_is_implemented(platform: &'static Platform) {
    let token = platform.token();
    let calls = calls();
    let roles: std::collections::BTreeSet<Role> = calls.iter().map(|(role, ..)| *role).collect();
    assert_eq!(roles.len(), 8, "every service has calls");
    assert!(calls.len() > 60, "{}", calls.len());
    let mut missing = Vec::new();
    for (role, path, streams) in &calls {
        let status = call(&platform.roles[role], path, Some(&token), *streams).await;
        if let Some(status) = status
            && matches!(
                status.code(),
                tonic::Code::Unimplemented | tonic::Code::Internal | tonic::Code::Unknown
            )
        {
            missing.push(format!("{role} {path}: {status}"));
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

pub(crate) async fn strangers_call_no_service(platform: &'static Platform) {
    for (role, path, streams) in calls() {
        for token in [None, Some("mesh_another")] {
            let status = call(&platform.roles[&role], &path, token, streams).await;
            let code = status.map(|status| status.code());
            assert_eq!(code, Some(tonic::Code::Unauthenticated), "{role} {path}");
        }
    }
    // The same door is closed to those who speak HTTP.
    let order = Client::new(&platform.roles[&Role::Order]);
    let answer = order.get("/v1/store/orders").await;
    assert!(matches!(answer.status, 401 | 404), "{}", answer.status);
}
