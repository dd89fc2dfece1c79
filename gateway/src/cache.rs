//! Finished answers of the public catalogue.
//!
//! A hit costs a look-up: bytes, headers and tag are ready. Misses of one address are worked out once for all who wait. When an answer
//! has its age, the first who asks works it out anew and the others are given the old one meanwhile, so that nobody waits behind a popular
//! address; nothing is ever shown at more than twice its age. A write by a merchant or the platform owner starts a new generation, so that what began before it is never shown after it.

use std::{
    fmt::Write as _,
    io::Write as _,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::locale::Locale;

/// Bytes of answers at most.
const ROOM: u64 = 32 * 1024 * 1024;
/// Smaller answers are not compressed.
pub(crate) const SMALL: usize = 1024;
const ANSWER_LIMIT: usize = 8 * 1024 * 1024;

/// A finished answer.
#[derive(Debug)]
pub(crate) struct Finished {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Bytes,
    zipped: OnceLock<Bytes>,
    made: Instant,
    /// Somebody is working it out anew.
    renewing: AtomicBool,
}

/// The cache.
#[derive(Debug)]
pub(crate) struct Answers {
    kept: moka::future::Cache<String, Arc<Finished>>,
    generation: AtomicU64,
    age: Duration,
    enabled: bool,
    control: HeaderValue,
}

/// Routes whose answers are the same for everybody.
pub(crate) const ROUTES: [&str; 6] = [
    "/v1/store/products",
    "/v1/store/products/{id}",
    "/v1/store/categories",
    "/v1/store/search",
    "/v1/store/search/suggest",
    "/v1/store/regions",
];

/// Which of [`ROUTES`] a path belongs to.
pub(crate) fn route(path: &str) -> Option<usize> {
    let rest = path.strip_prefix("/v1/store/")?;
    match rest {
        "products" => Some(0),
        "categories" => Some(2),
        "search" => Some(3),
        "search/suggest" => Some(4),
        "regions" => Some(5),
        _ => {
            let name = rest.strip_prefix("products/")?;
            (!name.is_empty() && !name.contains('/')).then_some(1)
        }
    }
}

impl Answers {
    /// A cache whose answers are fresh for `age`, and gone after twice of it.
    pub(crate) fn new(age: Duration) -> Self {
        let kept = moka::future::Cache::builder()
            .weigher(|key: &String, answer: &Arc<Finished>| {
                let size = key.len() + answer.bytes.len() + 512;
                u32::try_from(size).unwrap_or(u32::MAX)
            })
            .max_capacity(ROOM)
            .time_to_live((age * 2).max(Duration::from_millis(1)))
            .build();
        let seconds = age.as_secs();
        let control = HeaderValue::try_from(format!("public, max-age={seconds}"));
        Self {
            kept,
            generation: AtomicU64::new(0),
            age,
            enabled: !age.is_zero(),
            control: control.unwrap_or(HeaderValue::from_static("public, max-age=0")),
        }
    }

    /// The name of an answer: generation, language, path, and the query with its parameters in order.
    pub(crate) fn key(&self, path: &str, query: Option<&str>, locale: Locale) -> String {
        let mut key = String::with_capacity(path.len() + query.map_or(0, str::len) + 16);
        let generation = self.generation.load(Ordering::Acquire);
        // Writing to a String cannot fail.
        let _ = write!(key, "{generation} {} {path}?", locale.as_str());
        match query {
            Some(query) if query.contains('&') => {
                let mut pairs: Vec<&str> =
                    query.split('&').filter(|pair| !pair.is_empty()).collect();
                pairs.sort_unstable();
                for (index, pair) in pairs.into_iter().enumerate() {
                    if index > 0 {
                        key.push('&');
                    }
                    key.push_str(pair);
                }
            }
            Some(query) => key.push_str(query),
            None => {}
        }
        key
    }

    /// What is ready under a name. The first who asks for an answer that has its age gets none, and works it out anew.
    pub(crate) async fn get(&self, key: &str) -> Option<Arc<Finished>> {
        if !self.enabled {
            return None;
        }
        let found = self.kept.get(key).await?;
        let shown = self.is_fresh(&found) || found.renewing.swap(true, Ordering::AcqRel);
        shown.then_some(found)
    }

    fn is_fresh(&self, finished: &Finished) -> bool {
        finished.made.elapsed() < self.age
    }

    /// What is ready under a name, or the outcome of `work`, which runs once for all who ask meanwhile. Only successes are kept.
    pub(crate) async fn get_or<F>(&self, key: String, work: F) -> Arc<Finished>
    where
        F: Future<Output = Response> + Send,
    {
        let work = async {
            let finished = Arc::new(self.finish(work.await).await);
            if finished.status == StatusCode::OK { Ok(finished) } else { Err(finished) }
        };
        if !self.enabled {
            return work.await.unwrap_or_else(|failure| failure);
        }
        match self.kept.get(&key).await {
            Some(found) if self.is_fresh(&found) => found,
            Some(_) => match work.await {
                Ok(finished) => {
                    self.kept.insert(key, Arc::clone(&finished)).await;
                    finished
                }
                Err(failure) => failure,
            },
            None => {
                let kept = self.kept.try_get_with(key, work).await;
                kept.unwrap_or_else(|failure| Arc::clone(&failure))
            }
        }
    }

    /// Something of the catalogue was changed: nothing that is kept, or being worked out, is shown any more.
    pub(crate) fn renew(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    async fn finish(&self, response: Response) -> Finished {
        let (mut parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, ANSWER_LIMIT).await.unwrap_or_default();
        let headers = &mut parts.headers;
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Language, Accept-Encoding"));
        if parts.status == StatusCode::OK {
            headers.insert(header::CACHE_CONTROL, self.control.clone());
            headers.insert(header::ETAG, etag(&bytes));
        }
        Finished {
            status: parts.status,
            headers: parts.headers,
            bytes,
            zipped: OnceLock::new(),
            made: Instant::now(),
            renewing: AtomicBool::new(false),
        }
    }
}

/// A weak tag: the compressed form of the same answer has it too.
pub(crate) fn etag(bytes: &[u8]) -> HeaderValue {
    let hash = Sha256::digest(bytes);
    let mut text = String::with_capacity(40);
    text.push_str("W/\"");
    for byte in hash.iter().take(16) {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether the client has this version already.
pub(crate) fn matches(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let Some(held) = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(current) = etag.to_str().map(bare) else { return false };
    held.trim() == "*" || held.split(',').any(|tag| bare(tag) == current)
}

/// Whether the client takes gzip.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| {
        accepted.split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
            named && !parts.any(|part| part == "q=0")
        })
    })
}

/// The bytes compressed; none when that does not work.
pub(crate) fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

impl Finished {
    /// The answer for one client.
    pub(crate) fn response(&self, asked: &HeaderMap) -> Response {
        let mut response = Response::new(Body::empty());
        response.headers_mut().clone_from(&self.headers);
        if let Some(etag) = self.headers.get(header::ETAG)
            && matches(asked, etag)
        {
            response.headers_mut().remove(header::CONTENT_TYPE);
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        *response.status_mut() = self.status;
        let bytes = if self.bytes.len() > SMALL && takes_gzip(asked) {
            let zipped = self.zipped.get_or_init(|| gzip(&self.bytes).unwrap_or_default());
            if zipped.is_empty() {
                &self.bytes
            } else {
                let coding = HeaderValue::from_static("gzip");
                response.headers_mut().insert(header::CONTENT_ENCODING, coding);
                zipped
            }
        } else {
            &self.bytes
        };
        *response.body_mut() = Body::from(bytes.clone());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &'static str) -> Response {
        Response::new(Body::from(text))
    }

    #[tokio::test]
    async fn of_many_who_ask_for_an_old_answer_one_renews_it() {
        // Fresh for no time at all, and kept long enough for the test.
        let answers = Answers { age: Duration::ZERO, ..Answers::new(Duration::from_secs(30)) };
        let first = answers.get_or("k".to_owned(), async { page("old") }).await;
        assert_eq!(first.bytes, "old");
        assert!(answers.get("k").await.is_none(), "the first renews");
        for _ in 0..3 {
            assert_eq!(answers.get("k").await.unwrap().bytes, "old", "the others do not wait");
        }
        let renewed = answers.get_or("k".to_owned(), async { page("new") }).await;
        assert_eq!(renewed.bytes, "new");
        let fresh = Answers::new(Duration::from_secs(30));
        fresh.get_or("k".to_owned(), async { page("kept") }).await;
        assert_eq!(fresh.get_or("k".to_owned(), async { page("other") }).await.bytes, "kept");
        fresh.renew();
        assert!(fresh.get(&fresh.key("/v1/store/products", None, Locale::Uz)).await.is_none());
    }

    #[test]
    fn routes_of_the_catalogue() {
        for (path, index) in [
            ("/v1/store/products", 0),
            ("/v1/store/products/choynak", 1),
            ("/v1/store/categories", 2),
            ("/v1/store/search", 3),
            ("/v1/store/search/suggest", 4),
            ("/v1/store/regions", 5),
        ] {
            assert_eq!(route(path), Some(index), "{path}");
        }
        for path in ["/v1/store/carts/x", "/v1/store/products/a/b", "/v1/store/products/", "/"] {
            assert_eq!(route(path), None, "{path}");
        }
    }

    #[test]
    fn the_order_of_parameters_does_not_matter() {
        let answers = Answers::new(Duration::from_secs(1));
        let key = |query| answers.key("/v1/store/products", Some(query), Locale::Ru);
        assert_eq!(key("a=1&b=2"), key("b=2&a=1"));
        assert_ne!(key("a=1"), key("a=2"));
        let before = key("a=1");
        answers.renew();
        assert_ne!(key("a=1"), before);
    }

    #[test]
    fn tags_are_compared_weakly() {
        let tag = etag(b"x");
        let mut headers = HeaderMap::new();
        assert!(!matches(&headers, &tag));
        let list = format!("\"other\", {}", tag.to_str().unwrap());
        headers.insert(header::IF_NONE_MATCH, list.parse().unwrap());
        assert!(matches(&headers, &tag));
        headers.insert(header::IF_NONE_MATCH, "\"other\"".parse().unwrap());
        assert!(!matches(&headers, &tag));
    }
}
