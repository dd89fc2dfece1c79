//! What two processes at one database may not do to each other. Each of them would pass for a store with a single writer.

use std::sync::Arc;

use auth::{
    Error,
    domain::{
        Address, ApiKey, Decision, Login, NewUser, PasswordHash, Plan, SavedAddress, StaffRole,
    },
    store::{self, AuthStore, NewReset, OtpOutcome, Rotation, SigningKey},
};
use futures::future::join_all;
use ids::{AddressId, ApiKeyId};
use testkit::FreshDatabase;

use crate::{
    MINUTE, NOW, account, encode, later,
    merchants::{active, application},
    message, person, phone, sent, session,
    sessions::otp,
};

/// A database that two processes have opened, each with connections of its own.
struct Two {
    stores: [Arc<dyn AuthStore>; 2],
    database: FreshDatabase,
}

impl Two {
    async fn open() -> Option<Self> {
        let database = FreshDatabase::create().await?;
        let address = &database.address;
        store::migrate(address).await.unwrap();
        let open = || async { store::open(address, encode).await.unwrap() };
        let two = Self { stores: [open().await, open().await], database };
        // Whoever first had to connect would come too late to meet the others.
        for _ in 0..4 {
            two.at_once(16, |store, _| async move { store.ping().await.unwrap() }).await;
        }
        Some(two)
    }

    fn one(&self) -> &dyn AuthStore {
        self.stores[0].as_ref()
    }

    /// Does the same many times at once, through either process in turn.
    async fn at_once<F: Future>(
        &self,
        count: u8,
        act: impl Fn(Arc<dyn AuthStore>, u8) -> F,
    ) -> Vec<F::Output> {
        join_all((0..count).map(|nth| act(Arc::clone(&self.stores[usize::from(nth % 2)]), nth)))
            .await
    }

    async fn close(self) {
        for store in self.stores {
            store.close().await;
        }
        drop(self.database);
    }
}

#[tokio::test]
async fn a_refresh_token_goes_to_one_and_the_others_end_the_session() {
    let Some(two) = Two::open().await else { return };
    let user = account(two.one(), 1).await.id;
    two.one().sign_in(user, session(1, NOW), [0; 32]).await.unwrap();
    let swaps = two.at_once(16, |store, nth| async move {
        store.rotate([1; 32], session(10 + nth, NOW)).await.unwrap()
    });
    let outcomes = swaps.await;
    let won = outcomes.iter().filter(|it| matches!(it, Rotation::Rotated(..))).count();
    let reused = outcomes.iter().filter(|it| **it == Rotation::Reused).count();
    assert_eq!((won, reused), (1, 15));
    let left = two.one().list_sessions(user, NOW, 10).await.unwrap();
    assert_eq!(left.len(), 1, "only that of the registration goes on");
    two.close().await;
}

#[tokio::test]
async fn a_login_makes_one_account() {
    let Some(two) = Two::open().await else { return };
    let made =
        two.at_once(
            10,
            |store, nth| async move { store.register(person(1), session(nth, NOW)).await },
        );
    let made = made.await;
    assert_eq!(made.iter().flatten().count(), 1);
    assert!(made.iter().all(|it| matches!(it, Ok(_) | Err(Error::LoginTaken))));

    let put = two.at_once(10, |store, _| async move { store.put_admin(person(2)).await.unwrap() });
    let put = put.await;
    assert!(put.iter().all(|it| it.admin && it.id == put[0].id), "everybody made the same one");
    assert_eq!(two.one().count_users().await.unwrap(), 2);
    two.close().await;
}

#[tokio::test]
async fn a_right_code_signs_in_though_the_phone_is_registered_meanwhile() {
    let Some(two) = Two::open().await else { return };
    for number in 1..6 {
        two.one().send_otp(otp(number, 1, NOW), message(&phone(number))).await.unwrap();
        let token = u8::try_from(number).unwrap() * 10;
        let proved = NewUser { password: None, email: None, ..person(number) };
        let (made, entered) = tokio::join!(
            two.stores[0].register(person(number), session(token, NOW)),
            two.stores[1].try_otp([1; 32], 5, proved, session(token + 1, NOW)),
        );
        assert!(matches!(made, Ok(_) | Err(Error::LoginTaken)));
        assert!(matches!(entered, Ok(OtpOutcome::SignedIn(_))), "{entered:?}");
    }
    assert_eq!(two.one().count_users().await.unwrap(), 5);
    two.close().await;
}

#[tokio::test]
async fn codes_are_sent_guessed_and_used_in_turn() {
    let Some(two) = Two::open().await else { return };
    let sends = two.at_once(10, |store, _| async move {
        store.send_otp(otp(1, 1, NOW), message(&phone(1))).await
    });
    let sends = sends.await;
    assert_eq!(sends.iter().flatten().count(), 1);
    assert!(sends.iter().all(|it| matches!(it, Ok(()) | Err(Error::TooManyAttempts(_)))));
    assert_eq!(sent(two.one()).await, ["user.message"]);

    let attempt = |hash: u8, at| {
        two.at_once(12, move |store, nth| async move {
            store.try_otp([hash; 32], 5, person(1), session(nth, at)).await.unwrap()
        })
    };
    let guesses = attempt(9, NOW).await;
    let wrong = guesses.iter().filter(|it| **it == OtpOutcome::Wrong).count();
    let exhausted = guesses.iter().filter(|it| **it == OtpOutcome::Exhausted).count();
    assert_eq!((wrong, exhausted), (5, 7));

    two.one().send_otp(otp(1, 2, later(2)), message(&phone(1))).await.unwrap();
    let right = attempt(2, later(2)).await;
    assert_eq!(right.iter().filter(|it| matches!(it, OtpOutcome::SignedIn(_))).count(), 1);
    two.close().await;
}

#[tokio::test]
async fn resets_are_asked_in_turn_and_use_each_other_up() {
    let Some(two) = Two::open().await else { return };
    let user = account(two.one(), 1).await.id;
    let reset = |hash: u8, at: clock::Timestamp| NewReset {
        key: [7; 32],
        login: Login::Phone(phone(1)),
        hash: [hash; 32],
        at,
        expires_at: at.plus(MINUTE * 30),
        resend: MINUTE,
        per_hour: 5,
    };
    for round in 0..5 {
        let asked = two.at_once(10, |store, nth| async move {
            let reset = NewReset { key: [round; 32], ..reset(100 + 10 * round + nth, NOW) };
            store.send_reset(reset, message(&phone(1))).await.unwrap();
        });
        asked.await;
    }
    assert_eq!(sent(two.one()).await, ["user.message"; 5], "the others came too soon");
    for nth in 1..5 {
        let reset = reset(nth, later(2 * u32::from(nth)));
        two.one().send_reset(reset, message(&phone(1))).await.unwrap();
    }
    let resets = two.at_once(12, |store, nth| async move {
        let password = PasswordHash::new(format!("$argon2id${nth}"));
        store.reset_password([1 + nth % 4; 32], password, later(9)).await
    });
    let resets = resets.await;
    assert_eq!(resets.iter().flatten().collect::<Vec<_>>(), [&user]);
    let refused = resets.iter().filter(|it| matches!(it, Err(Error::ResetTokenInvalid))).count();
    assert_eq!(refused, 11, "nobody waits for another in a circle");
    two.close().await;
}

#[tokio::test]
async fn nobody_keeps_more_than_is_allowed() {
    let Some(two) = Two::open().await else { return };
    let user = account(two.one(), 1).await.id;
    let merchant = active(two.one(), user).await;
    let keys = two.at_once(30, |store, nth| async move {
        let (name, hint) = (format!("key {nth}"), "sk_abcde".to_owned());
        let scopes = vec!["orders:read".to_owned()];
        let (id, created_at, last_used_at) = (ApiKeyId::new(), NOW, None);
        let key = ApiKey { id, merchant, name, scopes, hint, created_at, last_used_at };
        store.add_key(key, [nth; 32], "who".to_owned()).await
    });
    let keys = keys.await;
    assert_eq!(keys.iter().flatten().count(), 20);
    assert!(keys.iter().all(|it| matches!(it, Ok(()) | Err(Error::Full("TOO_MANY_API_KEYS")))));
    assert_eq!(two.one().list_keys(merchant).await.unwrap().len(), 20);

    let addresses = two.at_once(30, |store, _| async move {
        let form = ["1726", "1726273", "Navoiy", "", "", "Ali", "901234567"];
        let address = Address::parse(form).unwrap();
        let saved = SavedAddress { id: AddressId::new(), address, is_default: true };
        store.add_address(user, saved).await
    });
    let addresses = addresses.await;
    assert_eq!(addresses.iter().flatten().count(), 20);
    assert!(
        addresses.iter().all(|it| matches!(it, Ok(()) | Err(Error::Full("TOO_MANY_ADDRESSES"))))
    );
    let listed = two.one().list_addresses(user).await.unwrap();
    assert_eq!(listed.iter().filter(|it| it.is_default).count(), 1);
    let replaced = two.at_once(10, |store, nth| {
        let saved = SavedAddress { is_default: true, ..listed[usize::from(nth)].clone() };
        async move { store.replace_address(user, saved).await.unwrap() }
    });
    replaced.await;
    let listed = two.one().list_addresses(user).await.unwrap();
    assert_eq!(listed.iter().filter(|it| it.is_default).count(), 1);
    two.close().await;
}

#[tokio::test]
async fn a_decision_is_made_once() {
    let Some(two) = Two::open().await else { return };
    for number in 0..5 {
        let owner = account(two.one(), number).await.id;
        let applied =
            two.at_once(10, |store, _| async move { store.apply(application(owner)).await });
        let applied = applied.await;
        assert_eq!(applied.iter().flatten().count(), 1);
        assert!(applied.iter().all(|it| matches!(it, Ok(()) | Err(Error::ApplicationExists))));
        let merchant = two.one().list_merchants(None, None, 1).await.unwrap()[0].id;
        let decided = two.at_once(10, |store, _| async move {
            let approve = Decision::Approve(Some(Plan::Basic));
            store.decide(merchant, approve, "who".to_owned(), NOW).await.unwrap()
        });
        assert!(decided.await.iter().all(|it| it.version == 2));
        assert_eq!(two.one().audit(merchant, 10).await.unwrap().len(), 1);
        assert_eq!(two.one().list_staff(merchant).await.unwrap().len(), 1);
    }
    assert_eq!(sent(two.one()).await.len(), 10, "applied and approved, five times");
    two.close().await;
}

#[tokio::test]
async fn a_person_is_hired_and_let_go_by_one() {
    let Some(two) = Two::open().await else { return };
    let (owner, rival) = (account(two.one(), 1).await.id, account(two.one(), 2).await.id);
    let merchants = [active(two.one(), owner).await, active(two.one(), rival).await];
    account(two.one(), 3).await;
    let hired = two.at_once(12, |store, nth| async move {
        let merchant = merchants[usize::from(nth / 2 % 2)];
        let login = Login::Phone(phone(3));
        store.add_staff(merchant, login, StaffRole::Viewer, "who".to_owned(), NOW).await
    });
    let hired = hired.await;
    let told = |it: &Result<_, Error>| {
        matches!(it, Ok(_) | Err(Error::StaffExists | Error::StaffElsewhere))
    };
    assert!(hired.iter().all(told));
    let [member] = hired.into_iter().flatten().collect::<Vec<_>>().try_into().unwrap();
    let at = two.one().find_user(member.user).await.unwrap().unwrap().membership.unwrap().merchant;
    let removed = two.at_once(10, |store, _| async move {
        store.remove_staff(at, member.id, "who".to_owned(), NOW).await
    });
    assert_eq!(removed.await.iter().flatten().count(), 1);
    assert_eq!(two.one().audit(at, 10).await.unwrap().len(), 3, "approved, hired, let go");
    two.close().await;
}

#[tokio::test]
async fn processes_that_start_at_once_sign_with_one_key() {
    let Some(two) = Two::open().await else { return };
    let kept = two.at_once(10, |store, nth| async move {
        let key = SigningKey { kid: format!("key {nth}"), pkcs8: vec![nth], created_at: NOW };
        let keys = store.signing_keys(key).await.unwrap();
        keys.into_iter().map(|key| key.kid).collect::<Vec<_>>()
    });
    let kept = kept.await;
    assert_eq!(kept[0].len(), 1);
    assert!(kept.iter().all(|it| *it == kept[0]));
    two.close().await;
}

#[tokio::test]
async fn sessions_begin_end_and_are_forgotten_without_a_circle_of_waiting() {
    let Some(two) = Two::open().await else { return };
    let user = account(two.one(), 1).await.id;
    for token in 0..20 {
        two.one().sign_in(user, session(token, NOW), [0; 32]).await.unwrap();
        two.one().note_failure([0; 32], NOW).await.unwrap();
    }
    let work = two.at_once(60, |store, nth| async move {
        match nth % 6 {
            0 => store.end_sessions(user, later(1)).await,
            1 => store.rotate([nth % 20; 32], session(60 + nth, later(1))).await.map(drop),
            2 => store.forget(later(200), 7).await.map(drop),
            3 => store.forgive([0; 32]).await,
            4 => store.sign_in(user, session(120 + nth, later(1)), [0; 32]).await,
            _ => store.note_failure([0; 32], later(1)).await,
        }
    });
    for outcome in work.await {
        outcome.unwrap();
    }
    two.close().await;
}
