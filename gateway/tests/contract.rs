//! What every store of the gateway promises: replayed answers here, counters beside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "contract/counts.rs"]
mod counts;
#[path = "support/place.rs"]
mod place;

use std::time::Duration;

use clock::Timestamp;
use gateway::store::{self, Answer, Claim, Claimed, ReplayStore};
use testkit::{Folder, START};

fn claim(scope: u8, request: u8, at: Timestamp) -> Claim {
    Claim { scope: [scope; 32], request: [request; 32], at }
}

fn answer() -> Answer {
    Answer { status: 201, content_type: "application/json".to_owned(), body: vec![1, 2, 3] }
}

fn minute_before(at: Timestamp) -> Timestamp {
    at.minus(Duration::from_mins(1))
}

async fn one_of_many_claims_a_key(store: &dyn ReplayStore) {
    let claims = (0..20).map(|_| store.claim(claim(1, 1, START), minute_before(START)));
    let outcomes = futures::future::join_all(claims).await;
    let new = outcomes.iter().filter(|outcome| *outcome.as_ref().unwrap() == Claimed::New);
    assert_eq!(new.count(), 1);
}

async fn an_answer_is_given_again(store: &dyn ReplayStore) {
    let first = claim(2, 1, START);
    assert_eq!(store.claim(first, minute_before(START)).await.unwrap(), Claimed::New);
    assert_eq!(store.claim(first, minute_before(START)).await.unwrap(), Claimed::Running);
    store.finish(first, answer()).await.unwrap();
    assert_eq!(store.claim(first, minute_before(START)).await.unwrap(), Claimed::Done(answer()));
    store.release(first).await.unwrap();
    assert_eq!(store.claim(first, minute_before(START)).await.unwrap(), Claimed::Done(answer()));
}

async fn another_body_is_told_apart(store: &dyn ReplayStore) {
    store.claim(claim(3, 1, START), minute_before(START)).await.unwrap();
    let other = store.claim(claim(3, 2, START), minute_before(START)).await.unwrap();
    assert_eq!(other, Claimed::Reused);
}

async fn a_released_key_is_free(store: &dyn ReplayStore) {
    let first = claim(4, 1, START);
    store.claim(first, minute_before(START)).await.unwrap();
    store.release(first).await.unwrap();
    let other = store.claim(claim(4, 2, START), minute_before(START)).await.unwrap();
    assert_eq!(other, Claimed::New);
}

async fn an_abandoned_claim_is_taken_over(store: &dyn ReplayStore) {
    let first = claim(5, 1, START);
    store.claim(first, minute_before(START)).await.unwrap();
    let later = claim(5, 1, START.plus(Duration::from_secs(61)));
    assert_eq!(store.claim(later, minute_before(later.at)).await.unwrap(), Claimed::New);
    // The first comes back after all: it is not its key any more.
    store.finish(first, answer()).await.unwrap();
    assert_eq!(store.claim(later, minute_before(later.at)).await.unwrap(), Claimed::Running);
}

async fn old_keys_are_forgotten(store: &dyn ReplayStore) {
    store.claim(claim(6, 1, START), minute_before(START)).await.unwrap();
    assert_eq!(store.forget(START, 10).await.unwrap(), 0);
    assert_eq!(store.forget(START.plus(Duration::from_millis(1)), 10).await.unwrap(), 1);
}

macro_rules! contract {
    ($($promise:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $promise() {
                    let folder = super::Folder::new("replays");
                    let address = format!("sqlite:{}", folder.path().join("replays.db").display());
                    let store = super::store::open(&address).await.unwrap();
                    super::$promise(store.as_ref()).await;
                    store.close().await;
                }
            )+
        }

        mod redis {
            $(
                #[tokio::test]
                async fn $promise() {
                    let Some(place) = super::place::Place::create() else { return };
                    let store = super::store::open(&place.address()).await.unwrap();
                    super::$promise(store.as_ref()).await;
                    store.close().await;
                }
            )+
        }
    };
}

contract!(
    one_of_many_claims_a_key,
    an_answer_is_given_again,
    another_body_is_told_apart,
    a_released_key_is_free,
    an_abandoned_claim_is_taken_over,
    old_keys_are_forgotten,
);
