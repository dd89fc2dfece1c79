//! Promises about accounts and addresses.

use auth::{
    Error,
    domain::{Address, Locale, Login, NewUser, PasswordHash, ProfileChange, SavedAddress},
    store::AuthStore,
};
use ids::{AddressId, UserId};

use crate::{NOW, account, person, phone, session};

pub(crate) async fn an_account_is_found_by_either_login(store: &dyn AuthStore) {
    let user = account(store, 1).await;
    assert_eq!(store.find_user(user.id).await.unwrap(), Some(user.clone()));
    for login in ["901 000 001", "90 000 00 01", "A1@EXAMPLE.uz"] {
        let found = store.find_login(&Login::parse(login).unwrap()).await.unwrap();
        if login.starts_with("901") {
            assert!(found.is_none());
        } else {
            let (found, password) = found.unwrap();
            assert_eq!(found, user);
            assert_eq!(password.unwrap().as_str(), "$argon2id$v=19$one");
        }
    }
    assert_eq!(store.find_user(UserId::new()).await.unwrap(), None);
}

pub(crate) async fn a_login_belongs_to_one_account(store: &dyn AuthStore) {
    let first = account(store, 1).await;
    let same_phone = NewUser { email: None, ..person(1) };
    let same_email = NewUser { phone: None, ..person(1) };
    for (token, other) in [(1, same_phone), (2, same_email)] {
        let refused = store.register(other, session(token, NOW)).await;
        assert!(matches!(refused, Err(Error::LoginTaken)));
    }
    let second = account(store, 2).await;
    let change = ProfileChange { email: Some(first.email.clone()), ..ProfileChange::default() };
    assert!(matches!(store.change_profile(second.id, change).await, Err(Error::LoginTaken)));
    let change = ProfileChange {
        name: Some("Vali".to_owned()),
        email: Some(None),
        locale: Some(Locale::UzCyrl),
    };
    let changed = store.change_profile(second.id, change).await.unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.email, changed.locale),
        ("Vali", None, Locale::UzCyrl)
    );
    assert_eq!(changed.phone, second.phone);
    let nobody = store.change_profile(UserId::new(), ProfileChange::default()).await;
    assert!(matches!(nobody, Err(Error::UserNotFound)));
}

pub(crate) async fn of_many_registrations_of_a_phone_one_wins(store: &dyn AuthStore) {
    let tries = (0..10).map(|token| store.register(person(1), session(token, NOW)));
    let won = futures::future::join_all(tries).await.into_iter().flatten().count();
    assert_eq!((won, store.count_users().await.unwrap()), (1, 1));
}

pub(crate) async fn an_admin_is_made_once(store: &dyn AuthStore) {
    let user = account(store, 1).await;
    assert!(user.roles().is_empty());
    for password in ["$argon2id$two", "$argon2id$three"] {
        let password = Some(PasswordHash::new(password.to_owned()));
        let admin = NewUser { email: None, password, ..person(1) };
        let made = store.put_admin(admin).await.unwrap();
        assert_eq!((made.id, made.roles()), (user.id, vec!["admin"]));
    }
    let (_, password) = store.find_login(&Login::Phone(phone(1))).await.unwrap().unwrap();
    assert_eq!(password.unwrap().as_str(), "$argon2id$three");
    assert!(store.list_sessions(user.id, NOW, 10).await.unwrap().is_empty());
    assert!(store.put_admin(person(2)).await.unwrap().admin);
    assert_eq!(store.count_users().await.unwrap(), 2);
}

pub(crate) async fn users_are_paged_newest_first(store: &dyn AuthStore) {
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(account(store, number).await.id);
    }
    made.reverse();
    let first = store.list_users(None, 2).await.unwrap();
    let rest = store.list_users(Some(first[1].id), 10).await.unwrap();
    let found: Vec<UserId> = first.iter().chain(&rest).map(|user| user.id).collect();
    assert_eq!(found, made);
}

pub(crate) async fn addresses_have_one_default_and_one_owner(store: &dyn AuthStore) {
    let (user, other) = (account(store, 1).await.id, account(store, 2).await.id);
    let parse =
        |street| Address::parse(["1726", "1726273", street, "", "", "Ali", "901234567"]).unwrap();
    let saved = |street, is_default| SavedAddress {
        id: AddressId::new(),
        address: parse(street),
        is_default,
    };
    let (first, second) = (saved("Navoiy", true), saved("Bobur", true));
    store.add_address(user, first.clone()).await.unwrap();
    store.add_address(user, second.clone()).await.unwrap();
    let listed = store.list_addresses(user).await.unwrap();
    assert_eq!(listed, [SavedAddress { is_default: false, ..first.clone() }, second.clone()]);
    store.replace_address(user, first.clone()).await.unwrap();
    let listed = store.list_addresses(user).await.unwrap();
    assert!(listed[0].is_default && !listed[1].is_default);
    for refused in [
        store.replace_address(other, second.clone()).await,
        store.delete_address(other, second.id).await,
        store.delete_address(user, AddressId::new()).await,
    ] {
        assert!(matches!(refused, Err(Error::AddressNotFound)));
    }
    assert_eq!(store.list_addresses(user).await.unwrap(), listed, "a refusal changes nothing");
    store.delete_address(user, first.id).await.unwrap();
    for _ in 1..20 {
        store.add_address(user, saved("Temur", false)).await.unwrap();
    }
    let full = store.add_address(user, saved("Temur", false)).await;
    assert!(matches!(full, Err(Error::Full("TOO_MANY_ADDRESSES"))));
}
