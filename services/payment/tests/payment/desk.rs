//! A stand-in for Click's Merchant API: status by order, and fiscal receipts. What it is asked is written down.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What Click knows.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// Payment number and status, by the order's number.
    pub(crate) payments: BTreeMap<String, (i64, i64)>,
    /// So many of the next calls fail.
    pub(crate) failures: u32,
    /// Lines that were sent.
    pub(crate) items: Vec<Value>,
    /// Links of receipts, by payment number.
    pub(crate) receipts: BTreeMap<i64, String>,
    /// Method and path of each call.
    pub(crate) calls: Vec<String>,
}

/// The stand-in; it ends with its test.
pub(crate) struct Desk {
    pub(crate) url: String,
    pub(crate) books: Arc<Mutex<Books>>,
    task: JoinHandle<()>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let books = Arc::<Mutex<Books>>::default();
        let shared = Arc::clone(&books);
        #[expect(clippy::disallowed_methods, reason = "a stand-in in a test")]
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                Box::pin(serve(stream, &shared)).await;
            }
        });
        Self { url, books, task }
    }

    pub(crate) fn knows(&self, reference: &str, paydoc: i64, status: i64) {
        self.books.lock().unwrap().payments.insert(reference.to_owned(), (paydoc, status));
    }
}

/// One call of each connection.
async fn serve(mut stream: TcpStream, books: &Mutex<Books>) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 16_384];
    let (head, length) = loop {
        let read = stream.read(&mut chunk).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            break (end + 4, length.and_then(|it| it.trim().parse().ok()).unwrap_or(0_usize));
        }
    };
    while bytes.len() < head + length {
        let read = stream.read(&mut chunk).await.unwrap_or(0);
        if read == 0 {
            return;
        }
        bytes.extend_from_slice(&chunk[..read]);
    }
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut words = text.split_whitespace();
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let authorised = text.to_ascii_lowercase().contains("\nauth: 30001:");
    let (status, body) = answer(books, method, path, &bytes[head..], authorised);
    let body = body.to_string();
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.ok();
}

fn answer(
    books: &Mutex<Books>,
    method: &str,
    path: &str,
    body: &[u8],
    authorised: bool,
) -> (u16, Value) {
    let mut books = books.lock().unwrap();
    books.calls.push(format!("{method} {path}"));
    if !authorised {
        return (401, json!({ "error_code": -401, "error_note": "who?" }));
    }
    if books.failures > 0 {
        books.failures -= 1;
        return (502, json!({ "error_code": -1, "error_note": "later" }));
    }
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["", "v2", "merchant", "payment", "status_by_mti", "10001", mti, _] => {
            match books.payments.get(*mti) {
                Some((paydoc, status)) => (
                    200,
                    json!({ "error_code": 0, "error_note": "", "payment_id": paydoc, "payment_status": status }),
                ),
                None => (404, json!({ "error_code": -404, "error_note": "not found" })),
            }
        }
        ["", "v2", "merchant", "payment", "ofd_data", "submit_items"] => {
            books.items.push(serde_json::from_slice(body).unwrap());
            (200, json!({ "error_code": 0, "error_note": "Success" }))
        }
        ["", "v2", "merchant", "payment", "ofd_data", "10001", paydoc] => {
            let paydoc: i64 = paydoc.parse().unwrap();
            let url = books.receipts.get(&paydoc).cloned().unwrap_or_default();
            (200, json!({ "paymentId": paydoc, "qrCodeURL": url }))
        }
        _ => (404, json!({ "error_code": -404, "error_note": "no such call" })),
    }
}
