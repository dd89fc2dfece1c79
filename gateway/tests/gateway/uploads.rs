//! Large bodies that are refused: whoever sends one and reads only then gets the answer, not a broken connection.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::kit::Kit;

/// More than all buffers between two ends of a connection.
const LARGE: usize = 24 * 1024 * 1024;

async fn connect(kit: &Kit) -> TcpStream {
    TcpStream::connect(kit.base.trim_start_matches("http://")).await.unwrap()
}

fn head(path: &str, more: &[(&str, &str)]) -> String {
    let head = format!("POST {path} HTTP/1.1\r\nhost: shop\r\ncontent-length: {LARGE}\r\n");
    let more: Vec<String> =
        more.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{head}{}\r\n", more.concat())
}

/// What comes back, up to the end of its head and at least so much of its body that its problem can be told.
async fn answer(connection: &mut TcpStream) -> String {
    let mut seen = String::new();
    let mut bytes = [0; 4096];
    while !(seen.contains("\r\n\r\n") && seen.contains('}')) {
        let read = tokio::time::timeout(Duration::from_secs(10), connection.read(&mut bytes));
        let read = read.await.unwrap().unwrap();
        assert!(read > 0, "it ended with {seen:?}");
        seen.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    seen
}

/// Sends all of a large body before it looks for an answer, as simple clients do.
async fn send_all(connection: &mut TcpStream, head: &str) -> String {
    connection.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 64 * 1024];
    for _ in 0..LARGE / piece.len() {
        connection.write_all(&piece).await.unwrap();
    }
    answer(connection).await
}

#[tokio::test]
async fn a_refused_upload_is_answered_whenever_the_client_looks() {
    let kit = Kit::new().await;
    let files = "/v1/merchant/files";
    let form = ("content-type", "multipart/form-data; boundary=b");
    let bearer = |token: String| format!("Bearer {token}");
    let (shopper, operator) = (bearer(kit.shopper()), bearer(kit.staff("operator")));
    for (path, headers, status, code) in [
        (files, vec![form], 401, "UNAUTHENTICATED"),
        (files, vec![form, ("authorization", "Bearer nonsense")], 401, "TOKEN_INVALID"),
        (files, vec![form, ("authorization", &*shopper)], 403, "FORBIDDEN"),
        (files, vec![form, ("authorization", &*operator)], 413, "FILE_TOO_LARGE"),
        ("/v1/auth/login", vec![("content-type", "application/json")], 413, "PAYLOAD_TOO_LARGE"),
        ("/v1/nothing", vec![form], 404, "NOT_FOUND"),
        ("/hooks/payme", vec![], 413, "PAYLOAD_TOO_LARGE"),
    ] {
        for _ in 0..3 {
            let mut connection = connect(&kit).await;
            let told = send_all(&mut connection, &head(path, &headers)).await;
            assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {told}");
            assert!(told.contains(&format!("\"code\":\"{code}\"")), "{path} {code}: {told}");
        }
    }
}

#[tokio::test]
async fn a_connection_serves_on_after_a_refusal() {
    let kit = Kit::new().await;
    let mut connection = connect(&kit).await;
    let told = send_all(&mut connection, &head("/v1/merchant/files", &[])).await;
    assert!(told.starts_with("HTTP/1.1 401 "), "{told}");
    let next = b"GET /v1/store/products HTTP/1.1\r\nhost: shop\r\n\r\n";
    connection.write_all(next).await.unwrap();
    let told = answer(&mut connection).await;
    assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
}

#[tokio::test]
async fn who_asks_first_is_not_asked_to_send() {
    let kit = Kit::new().await;
    let mut connection = connect(&kit).await;
    let head = head("/v1/merchant/files", &[("expect", "100-continue")]);
    connection.write_all(head.as_bytes()).await.unwrap();
    let told = answer(&mut connection).await;
    assert!(told.starts_with("HTTP/1.1 401 "), "{told}");
}
