//! What every store of carts promises, whichever it is.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use cart::{
    domain::{Cart, Owner},
    store::{self, CartStore, Wish},
};
use clock::Timestamp;
use ids::{CartId, OfferId, OrderId, ProductId, UserId};
use testkit::Folder;

const NOW: Timestamp = testkit::START;

fn users(user: UserId) -> Cart {
    Cart::new(Owner::User(user), NOW)
}

fn guests() -> Cart {
    Cart::new(Owner::Token([7; 32]), NOW)
}

async fn what_is_written_is_read(store: &dyn CartStore) {
    let mut cart = guests();
    cart.add(OfferId::new(), 3).unwrap();
    cart.add_code("navruz").unwrap();
    let written = store.create(cart.clone()).await.unwrap();
    assert_eq!(written, cart);
    assert_eq!(store.find(cart.id).await.unwrap(), Some(cart));
    assert_eq!(store.find(CartId::new()).await.unwrap(), None);
}

async fn a_user_has_one_open_cart(store: &dyn CartStore) {
    let user = UserId::new();
    let first = store.create(users(user)).await.unwrap();
    let second = store.create(users(user)).await.unwrap();
    assert_eq!(second.id, first.id);
    store.complete(first.id, OrderId::new(), NOW).await.unwrap();
    let third = store.create(users(user)).await.unwrap();
    assert_ne!(third.id, first.id);
}

async fn a_stale_version_replaces_nothing(store: &dyn CartStore) {
    let mut cart = store.create(guests()).await.unwrap();
    cart.add(OfferId::new(), 1).unwrap();
    assert!(store.replace(&cart, NOW).await.unwrap());
    assert!(!store.replace(&cart, NOW).await.unwrap(), "the version has moved on");
    let read = store.find(cart.id).await.unwrap().unwrap();
    assert_eq!(read.version, 2);
    assert_eq!(read.body.lines.len(), 1);
}

async fn of_many_writers_of_a_version_one_wins(store: &dyn CartStore) {
    let mut cart = store.create(guests()).await.unwrap();
    cart.add(OfferId::new(), 1).unwrap();
    let writes = (0..20).map(|_| store.replace(&cart, NOW));
    let wins = futures::future::join_all(writes).await;
    assert_eq!(wins.into_iter().filter(|win| *win.as_ref().unwrap()).count(), 1);
}

async fn a_completed_cart_is_closed_for_good(store: &dyn CartStore) {
    let cart = store.create(guests()).await.unwrap();
    let (first, second) = (OrderId::new(), OrderId::new());
    store.complete(cart.id, first, NOW).await.unwrap();
    store.complete(cart.id, second, NOW).await.unwrap();
    let read = store.find(cart.id).await.unwrap().unwrap();
    assert_eq!(read.order, Some(first), "the first note stays");
    assert!(!store.replace(&read, NOW).await.unwrap());
}

async fn a_merge_is_both_or_neither(store: &dyn CartStore) {
    let guest = store.create(guests()).await.unwrap();
    let mut own = store.create(users(UserId::new())).await.unwrap();
    own.add(OfferId::new(), 1).unwrap();
    let stale = Cart { version: own.version + 5, ..own.clone() };
    assert!(!store.replace_and_delete(&stale, guest.id, NOW).await.unwrap());
    assert!(store.find(guest.id).await.unwrap().is_some());
    assert!(store.replace_and_delete(&own, guest.id, NOW).await.unwrap());
    assert_eq!(store.find(guest.id).await.unwrap(), None);
    assert_eq!(store.find(own.id).await.unwrap().unwrap().body.lines.len(), 1);
}

async fn only_old_guest_carts_are_forgotten(store: &dyn CartStore) {
    let old = store.create(guests()).await.unwrap();
    let owned = store.create(users(UserId::new())).await.unwrap();
    let later = NOW.plus(Duration::from_secs(10));
    let fresh = store.create(Cart::new(Owner::Token([9; 32]), later)).await.unwrap();
    assert_eq!(store.forget(later, 100).await.unwrap(), 1);
    assert!(store.find(old.id).await.unwrap().is_none());
    assert!(store.find(owned.id).await.unwrap().is_some());
    assert!(store.find(fresh.id).await.unwrap().is_some());
}

async fn wishlists_are_paged_newest_first(store: &dyn CartStore) {
    let user = UserId::new();
    let products: Vec<ProductId> = (0..5).map(|_| ProductId::new()).collect();
    for (second, product) in (0u64..).zip(&products) {
        store.wish(user, *product, NOW.plus(Duration::from_secs(second))).await.unwrap();
    }
    store.wish(user, products[0], NOW.plus(Duration::from_secs(99))).await.unwrap();
    store.unwish(user, products[3]).await.unwrap();
    let first = store.wishes(user, None, 2).await.unwrap();
    let rest = store.wishes(user, first.last().copied(), 10).await.unwrap();
    let found: Vec<ProductId> = first.iter().chain(&rest).map(|wish: &Wish| wish.product).collect();
    assert_eq!(found, [products[4], products[2], products[1], products[0]]);
    assert!(store.wishes(UserId::new(), None, 10).await.unwrap().is_empty());
}

/// Lists every promise once for an adapter.
macro_rules! contract {
    ($adapter:ident, $open:expr) => {
        mod $adapter {
            contract!(@each $open,
                what_is_written_is_read,
                a_user_has_one_open_cart,
                a_stale_version_replaces_nothing,
                of_many_writers_of_a_version_one_wins,
                a_completed_cart_is_closed_for_good,
                a_merge_is_both_or_neither,
                only_old_guest_carts_are_forgotten,
                wishlists_are_paged_newest_first,
            );
        }
    };
    (@each $open:expr, $($promise:ident,)+) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let folder = super::Folder::new("cart");
                let store = $open(folder.path()).await;
                super::$promise(store.as_ref()).await;
                store.close().await;
            }
        )+
    };
}

async fn sqlite(folder: &std::path::Path) -> std::sync::Arc<dyn CartStore> {
    store::open(&format!("sqlite:{}", folder.join("cart.db").display())).await.unwrap()
}

contract!(embedded, super::sqlite);

#[tokio::test]
async fn an_unknown_scheme_is_refused_with_the_key() {
    let error = store::open("file:carts").await.err().unwrap().to_string();
    assert!(error.contains("cart.store"), "{error}");
}
