//! What passes through nginx is what was sent, and what it says when nobody is behind it.

use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    model::DOMAIN,
    nginx::Nginx,
    support::{platform::run, shop::text},
};

/// A gateway that keeps the request it is sent, and answers it.
async fn keep_one(listener: tokio::net::TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let (mut kept, mut part) = (Vec::new(), vec![0; 65536]);
    loop {
        let size = stream.read(&mut part).await.unwrap();
        kept.extend_from_slice(&part[..size]);
        let head = kept.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        let Some(head) = head else { continue };
        let headers = String::from_utf8_lossy(&kept[..head]).to_lowercase();
        let length = headers.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        if kept.len() == head + length {
            break;
        }
    }
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}";
    stream.write_all(answer.as_bytes()).await.unwrap();
    kept
}

#[test]
fn bytes_pass_untouched_and_nobody_is_pretended() {
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    reserved.set_nonblocking(true).unwrap();
    let Some(nginx) = Nginx::start(&[reserved.local_addr().unwrap()]) else { return };
    run(async {
        let listener = tokio::net::TcpListener::from_std(reserved).unwrap();
        // Everything that something on the way could be tempted to tidy up.
        let mut body =
            b"{ \"id\" :1,\r\n\"amount\": 1e2,\t\"x\":\"\\u0027 \\/ \xc3\xa9\" }\n\n\0".to_vec();
        body.extend((0..40_000_u32).map(|i| u8::try_from(i % 256).unwrap()));
        let client = nginx
            .client()
            .with("x-forwarded-for", "203.0.113.9")
            .with("x-request-id", "payme:77")
            .with("stripe-signature", "t=1,v1=abc")
            .with("authorization", "Basic UGF5Y29tOmtleQ==");
        let call = client.raw(
            Method::POST,
            "/hooks/payme?x=%2F",
            "text/json; charset=UTF-8",
            body.clone(),
        );
        let (kept, answer) = futures::join!(keep_one(listener), call);
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
        assert!(kept.ends_with(&body), "the body is what was sent, byte for byte");
        let head = String::from_utf8_lossy(&kept[..kept.len() - body.len()]).to_lowercase();
        assert!(head.starts_with("post /hooks/payme?x=%2f http/1.1\r\n"), "{head}");
        for line in [
            &format!("host: {DOMAIN}") as &str,
            "x-forwarded-for: 127.0.0.1",
            "x-request-id: payme:77",
            "content-type: text/json; charset=utf-8",
            "authorization: basic ugf5y29tomtleq==",
            "stripe-signature: t=1,v1=abc",
        ] {
            assert_eq!(head.lines().filter(|one| *one == line).count(), 1, "{line}: {head}");
        }
        assert!(!head.contains("203.0.113.9"), "{head}");

        // Now nobody is there: said at once, to programs and to people.
        let away = client.get("/v1/store/carts/x").await;
        assert_eq!(away.header("retry-after"), "2");
        let id = text(&away.problem(503, "UNAVAILABLE")["trace_id"]).to_owned();
        assert_eq!(id, "payme:77");
        let page = client.with("accept", "text/html,*/*").get("/cart").await;
        assert_eq!((page.status, page.header("retry-after")), (503, "2"));
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.text().contains("Обновите"), "in the languages of the shop");
        assert_eq!(page.header("cache-control"), "no-store");
        let monitoring = nginx.connections("127.0.0.1").build().unwrap();
        let grafana = monitoring.get(nginx.url("monitoring.")).send().await.unwrap();
        assert_eq!(grafana.status().as_u16(), 503);
    });
}
