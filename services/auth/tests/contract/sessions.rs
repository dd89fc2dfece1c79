//! Promises about sessions, codes and keys, and about forgetting them.

use std::time::Duration;

use auth::{
    Error,
    domain::{Login, NewUser, PasswordHash, User},
    store::{AuthStore, Hash, NewOtp, NewReset, OtpOutcome, Rotation, SigningKey},
};
use clock::Timestamp;
use ids::UserId;

use crate::{MINUTE, NOW, account, later, message, person, phone, sent, session};

pub(crate) async fn a_token_is_good_once_and_twice_ends_its_session(store: &dyn AuthStore) {
    let user = store.register(person(1), session(1, NOW)).await.unwrap().id;
    let begun = store.list_sessions(user, NOW, 10).await.unwrap();
    let rotated = store.rotate([1; 32], session(2, later(1))).await.unwrap();
    assert_eq!(rotated, Rotation::Rotated(begun[0].id, user));
    let used = store.list_sessions(user, NOW, 10).await.unwrap();
    assert_eq!((used.len(), used[0].last_used_at), (1, later(1)));
    assert_eq!(store.rotate([9; 32], session(3, NOW)).await.unwrap(), Rotation::Unknown);

    assert_eq!(store.rotate([1; 32], session(4, later(2))).await.unwrap(), Rotation::Reused);
    let newest = store.rotate([2; 32], session(5, later(2))).await.unwrap();
    assert_eq!(newest, Rotation::Unknown, "the whole family is ended");
    assert!(!store.is_alive(user, begun[0].id, later(2)).await.unwrap());
    assert!(store.list_sessions(user, later(2), 10).await.unwrap().is_empty());
}

pub(crate) async fn of_many_swaps_of_a_token_one_wins(store: &dyn AuthStore) {
    store.register(person(1), session(1, NOW)).await.unwrap();
    let swaps = (2..12).map(|next| store.rotate([1; 32], session(next, NOW)));
    let outcomes = futures::future::join_all(swaps).await;
    let won = outcomes.iter().filter(|it| matches!(it, Ok(Rotation::Rotated(..)))).count();
    assert_eq!(won, 1);
    assert!(outcomes.iter().any(|it| matches!(it, Ok(Rotation::Reused))));
}

pub(crate) async fn sessions_end_by_time_and_by_word(store: &dyn AuthStore) {
    let user = account(store, 1).await.id;
    store.sign_in(user, session(1, NOW), [0; 32]).await.unwrap();
    let expired = store.rotate([1; 32], session(2, later(61))).await.unwrap();
    assert_eq!(expired, Rotation::Unknown);
    assert!(store.list_sessions(user, later(61), 10).await.unwrap().is_empty());
    let [newest, oldest] = store.list_sessions(user, NOW, 10).await.unwrap().try_into().unwrap();
    assert!(newest.id > oldest.id);
    assert!(!store.is_alive(UserId::new(), newest.id, NOW).await.unwrap(), "not this user's");
    store.end_session(newest.id, NOW).await.unwrap();
    let left = store.list_sessions(user, NOW, 10).await.unwrap();
    assert_eq!(left, [oldest]);
    store.end_sessions(user, NOW).await.unwrap();
    assert!(store.list_sessions(user, NOW, 10).await.unwrap().is_empty());
    assert_eq!(store.rotate([1; 32], session(3, NOW)).await.unwrap(), Rotation::Unknown);
}

pub(crate) async fn failures_are_counted_until_a_success(store: &dyn AuthStore) {
    let user = account(store, 1).await.id;
    let key: Hash = [7; 32];
    for minute in 0..3 {
        store.note_failure(key, later(minute)).await.unwrap();
    }
    let third = store.failure(key, NOW.minus(MINUTE), 3).await.unwrap();
    assert_eq!(third, Some(NOW), "the oldest of the three");
    assert_eq!(store.failure(key, NOW.minus(MINUTE), 4).await.unwrap(), None);
    assert_eq!(store.failure(key, NOW, 3).await.unwrap(), None, "one is too old");
    assert_eq!(store.failure([8; 32], NOW.minus(MINUTE), 1).await.unwrap(), None);
    store.sign_in(user, session(1, NOW), key).await.unwrap();
    assert_eq!(store.failure(key, NOW.minus(MINUTE), 1).await.unwrap(), None);
    store.note_failure(key, NOW).await.unwrap();
    store.forgive(key).await.unwrap();
    assert_eq!(store.failure(key, NOW.minus(MINUTE), 1).await.unwrap(), None);
}

pub(crate) fn otp(number: u32, hash: u8, at: Timestamp) -> NewOtp {
    let expires_at = at.plus(MINUTE * 5);
    let phone = phone(number);
    NewOtp { phone, hash: [hash; 32], at, expires_at, resend: MINUTE, per_hour: 5 }
}

pub(crate) async fn codes_are_sent_now_and_then(store: &dyn AuthStore) {
    let send = |at| store.send_otp(otp(1, 1, at), message(&phone(1)));
    send(NOW).await.unwrap();
    let soon = send(NOW.plus(Duration::from_secs(20))).await.unwrap_err();
    assert!(matches!(soon, Error::TooManyAttempts(wait) if wait == Duration::from_secs(40)));
    for minute in 1..5 {
        send(later(minute)).await.unwrap();
    }
    let sixth = send(later(30)).await.unwrap_err();
    assert!(matches!(sixth, Error::TooManyAttempts(wait) if wait == MINUTE * 30));
    store.send_otp(otp(2, 1, later(30)), message(&phone(2))).await.unwrap();
    send(later(60)).await.unwrap();
    assert_eq!(sent(store).await, ["user.message"; 7]);
}

pub(crate) async fn a_code_is_good_once_for_a_while(store: &dyn AuthStore) {
    let user = || NewUser { password: None, phone_verified: true, email: None, ..person(1) };
    let attempt =
        |hash: u8, token: u8, at| store.try_otp([hash; 32], 5, user(), session(token, at));
    assert_eq!(attempt(1, 1, NOW).await.unwrap(), OtpOutcome::Wrong, "none was sent");
    store.send_otp(otp(1, 1, NOW), message(&phone(1))).await.unwrap();
    assert_eq!(attempt(2, 2, NOW).await.unwrap(), OtpOutcome::Wrong);
    assert_eq!(attempt(1, 3, later(5)).await.unwrap(), OtpOutcome::Wrong, "too late");
    let OtpOutcome::SignedIn(made) = attempt(1, 4, later(4)).await.unwrap() else {
        unreachable!("the code is right")
    };
    assert!(made.phone_verified);
    assert_eq!(store.list_sessions(made.id, NOW, 10).await.unwrap().len(), 1);
    assert_eq!(attempt(1, 5, later(4)).await.unwrap(), OtpOutcome::Wrong, "used");

    store.send_otp(otp(1, 6, later(6)), message(&phone(1))).await.unwrap();
    store.send_otp(otp(1, 7, later(8)), message(&phone(1))).await.unwrap();
    assert_eq!(attempt(6, 6, later(8)).await.unwrap(), OtpOutcome::Wrong, "a newer one was sent");
    for token in 7..11 {
        assert_eq!(attempt(9, token, later(8)).await.unwrap(), OtpOutcome::Wrong);
    }
    assert_eq!(attempt(7, 11, later(8)).await.unwrap(), OtpOutcome::Exhausted);
    assert_eq!(store.count_users().await.unwrap(), 1);
}

pub(crate) async fn a_code_proves_the_phone_of_an_account(store: &dyn AuthStore) {
    let user = account(store, 1).await;
    store.send_otp(otp(1, 1, NOW), message(&phone(1))).await.unwrap();
    let new = NewUser { phone_verified: true, ..person(1) };
    let outcome = store.try_otp([1; 32], 5, new, session(1, NOW)).await.unwrap();
    assert_eq!(outcome, OtpOutcome::SignedIn(User { phone_verified: true, ..user }));
}

pub(crate) async fn a_reset_is_sent_to_accounts_only_and_works_once(store: &dyn AuthStore) {
    let user = account(store, 1).await.id;
    let reset = |login: &str, hash: u8, at: Timestamp| NewReset {
        key: [login.len().try_into().unwrap(); 32],
        login: Login::parse(login).unwrap(),
        hash: [hash; 32],
        at,
        expires_at: at.plus(MINUTE * 30),
        resend: MINUTE,
        per_hour: 5,
    };
    store.send_reset(reset("nobody@example.uz", 1, NOW), message(&phone(9))).await.unwrap();
    assert!(sent(store).await.is_empty());
    store.send_reset(reset("a1@example.uz", 2, NOW), message(&phone(1))).await.unwrap();
    store.send_reset(reset("a1@example.uz", 3, NOW), message(&phone(1))).await.unwrap();
    assert_eq!(sent(store).await, ["user.message"], "the second came too soon");
    let password = || PasswordHash::new("$argon2id$two".to_owned());
    for (hash, at) in [(1, NOW), (3, NOW), (2, later(30))] {
        let refused = store.reset_password([hash; 32], password(), at).await;
        assert!(matches!(refused, Err(Error::ResetTokenInvalid)), "{hash}");
    }
    assert_eq!(store.list_sessions(user, NOW, 10).await.unwrap().len(), 1);
    assert_eq!(store.reset_password([2; 32], password(), later(29)).await.unwrap(), user);
    assert!(store.list_sessions(user, NOW, 10).await.unwrap().is_empty());
    let (_, known) = store.find_login(&Login::Phone(phone(1))).await.unwrap().unwrap();
    assert_eq!(known, Some(password()));
    let again = store.reset_password([2; 32], password(), later(29)).await;
    assert!(matches!(again, Err(Error::ResetTokenInvalid)));
}

pub(crate) async fn the_first_signing_key_stays(store: &dyn AuthStore) {
    let key = |kid: &str| SigningKey { kid: kid.to_owned(), pkcs8: vec![1, 2], created_at: NOW };
    for kid in ["first", "second"] {
        let keys = store.signing_keys(key(kid)).await.unwrap();
        assert_eq!(keys.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["first"]);
        assert_eq!(keys[0].pkcs8, [1, 2]);
    }
}

pub(crate) async fn what_has_run_out_is_forgotten_in_batches(store: &dyn AuthStore) {
    let user = account(store, 1).await.id;
    for token in 1..4 {
        store.sign_in(user, session(token, NOW), [0; 32]).await.unwrap();
    }
    let kept = later(100);
    store.sign_in(user, session(9, kept), [0; 32]).await.unwrap();
    store.send_otp(otp(1, 1, NOW), message(&phone(1))).await.unwrap();
    store.note_failure([7; 32], NOW).await.unwrap();
    store.note_failure([7; 32], kept).await.unwrap();
    assert!(!store.forget(NOW, 2).await.unwrap(), "nothing has run out");
    assert_eq!(store.list_sessions(user, NOW, 10).await.unwrap().len(), 5);
    let now = later(120);
    assert!(store.forget(now, 2).await.unwrap());
    while store.forget(now, 2).await.unwrap() {}
    let left = store.list_sessions(user, NOW, 10).await.unwrap();
    assert_eq!(left.iter().map(|session| session.created_at).collect::<Vec<_>>(), [kept]);
    let good = store.rotate([9; 32], session(10, now)).await.unwrap();
    assert!(matches!(good, Rotation::Rotated(..)));
    assert_eq!(store.failure([7; 32], NOW.minus(MINUTE), 2).await.unwrap(), None);
    assert_eq!(store.failure([7; 32], NOW.minus(MINUTE), 1).await.unwrap(), Some(kept));
}
