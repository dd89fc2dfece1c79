//! Asking, and what may be answered while something is away.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Answer, Client};

/// What is promised: so long after a store accepts connections, everything works again.
pub(crate) const BACK: Duration = Duration::from_secs(10);
/// The gateway gives a request ten seconds; the rest is for the way.
pub(crate) const DEADLINE: Duration = Duration::from_secs(11);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Asks until it is so; fails when it takes longer than was promised.
pub(crate) async fn within<T>(
    limit: Duration,
    what: &str,
    mut question: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let began = Instant::now();
    loop {
        let asked = question().await;
        let took = began.elapsed();
        match asked {
            Ok(answer) => {
                println!("    {what}: after {took:.1?}");
                return answer;
            }
            Err(why) => assert!(took < limit, "{what}: not within {limit:?}: {why}"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// One request of a list: who asks what.
pub(crate) type Call<'a> = (&'a Client, Method, String, Option<Value>);

pub(crate) fn get<'a>(client: &'a Client, path: &str) -> Call<'a> {
    (client, Method::GET, path.to_owned(), None)
}

pub(crate) fn post<'a>(client: &'a Client, path: &str, body: Value) -> Call<'a> {
    (client, Method::POST, path.to_owned(), Some(body))
}

/// Sends a request; an answer that comes after its deadline is a failure.
pub(crate) async fn ask((client, method, path, body): &Call<'_>) -> Answer {
    let kind = body.as_ref().map(|_| "application/json");
    let bytes = body.as_ref().map(ToString::to_string).unwrap_or_default().into_bytes();
    let sent = client.try_send(method.clone(), path, kind, bytes);
    let answer = tokio::time::timeout(DEADLINE, sent).await;
    answer.unwrap_or_else(|_| panic!("{method} {path} was not answered in time")).unwrap()
}

/// Every one of these needs what is away: each is answered in time with 503 and when to come back.
pub(crate) async fn away(what: &str, calls: &[Call<'_>]) {
    let mut wrong = Vec::new();
    for call in calls {
        let answer = ask(call).await;
        let shown = format!("{} {} -> {} {}", call.1, call.2, answer.status, answer.text());
        let after = answer.header("retry-after").parse::<u64>().unwrap_or(0);
        let problem = answer.header("content-type") == "application/problem+json";
        if answer.status != 503 || after == 0 || !problem || answer.json()["code"].is_null() {
            wrong.push(format!("{shown} (Retry-After: {after})"));
        }
    }
    assert!(wrong.is_empty(), "{what} is away, yet\n  {}", wrong.join("\n  "));
}

/// None of these needs what is away.
pub(crate) async fn fine(what: &str, calls: &[Call<'_>]) {
    let mut wrong = Vec::new();
    for call in calls {
        let answer = ask(call).await;
        if !(200..300).contains(&answer.status) {
            wrong.push(format!("{} {} -> {} {}", call.1, call.2, answer.status, answer.text()));
        }
    }
    assert!(wrong.is_empty(), "while {what} is away\n  {}", wrong.join("\n  "));
}

/// The catalogue, as a guest sees it.
pub(crate) fn catalogue<'a>(guest: &'a Client, slug: &str) -> Vec<Call<'a>> {
    vec![
        get(guest, "/v1/store/products?limit=10"),
        get(guest, "/v1/store/products?category=dishes&sort=price"),
        get(guest, &format!("/v1/store/products/{slug}")),
        get(guest, "/v1/store/categories"),
        get(guest, "/v1/store/regions"),
    ]
}

/// What an answer was, when it is not the wished one.
#[expect(clippy::needless_pass_by_value, reason = "an answer is passed as it comes")]
pub(crate) fn wish(answer: Answer, status: u16) -> Result<Value, String> {
    if answer.status == status {
        return Ok(answer.json());
    }
    Err(format!("{} {}", answer.status, answer.text()))
}

/// Signing in.
pub(crate) fn sign_in<'a>(guest: &'a Client, (login, password): (&str, &str)) -> Call<'a> {
    post(guest, "/v1/auth/login", json!({ "login": login, "password": password }))
}
