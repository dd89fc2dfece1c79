//! What every store of carts promises, whichever it is.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use cart::{
    domain::{Cart, Owner},
    store::{self, CartStore, Wish},
};
use clock::Timestamp;
use ids::{CartId, OfferId, OrderId, ProductId, UserId};
use testkit::{Folder, eventually};

#[path = "contract/away.rs"]
mod away;
#[path = "support/place.rs"]
mod place;

use place::Place;

const NOW: Timestamp = testkit::START;
/// How long a cart of nobody is kept, where it goes by itself.
const KEEP: Duration = Duration::from_hours(1);

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

async fn a_user_whose_cart_is_gone_gets_another(store: &dyn CartStore) {
    let user = UserId::new();
    let gone = store.create(users(user)).await.unwrap();
    let kept = store.create(guests()).await.unwrap();
    assert!(store.replace_and_delete(&kept, gone.id, NOW).await.unwrap());
    let next = store.create(users(user)).await.unwrap();
    assert_ne!(next.id, gone.id);
    assert_eq!(store.find(next.id).await.unwrap(), Some(next));
}

async fn an_order_keeps_its_cart_from_being_merged_away(store: &dyn CartStore) {
    let ordered = store.create(guests()).await.unwrap();
    store.complete(ordered.id, OrderId::new(), NOW).await.unwrap();
    let own = store.create(users(UserId::new())).await.unwrap();
    assert!(store.replace_and_delete(&own, ordered.id, NOW).await.unwrap());
    assert!(store.find(ordered.id).await.unwrap().unwrap().order.is_some());
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

async fn wishes_of_one_moment_are_each_seen_once(store: &dyn CartStore) {
    let user = UserId::new();
    let mut products: Vec<ProductId> = (0..7).map(|_| ProductId::new()).collect();
    for product in &products {
        store.wish(user, *product, NOW).await.unwrap();
    }
    products.sort_by(|a, b| b.cmp(a));
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.wishes(user, after, 2).await.unwrap();
        let Some(last) = page.last().copied() else { break };
        seen.extend(page.iter().map(|wish| wish.product));
        after = Some(last);
        // The place stays where it was, though what was there is gone.
        store.unwish(user, last.product).await.unwrap();
    }
    assert_eq!(seen, products);
}

/// Lists every promise once for an adapter.
macro_rules! contract {
    ($adapter:ident, $open:path) => {
        mod $adapter {
            contract!(@each $open,
                what_is_written_is_read,
                a_user_has_one_open_cart,
                a_stale_version_replaces_nothing,
                of_many_writers_of_a_version_one_wins,
                a_completed_cart_is_closed_for_good,
                a_merge_is_both_or_neither,
                a_user_whose_cart_is_gone_gets_another,
                an_order_keeps_its_cart_from_being_merged_away,
                only_old_guest_carts_are_forgotten,
                wishlists_are_paged_newest_first,
                wishes_of_one_moment_are_each_seen_once,
            );
        }
    };
    (@each $open:path, $($promise:ident,)+) => {
        $(
            #[tokio::test]
            async fn $promise() {
                // The place goes after the store.
                let Some((_place, store)) = $open().await else { return };
                super::$promise(store.as_ref()).await;
                store.ping().await.unwrap();
                store.close().await;
            }
        )+
    };
}

async fn embedded_store() -> Option<(Folder, Arc<dyn CartStore>)> {
    let folder = Folder::new("cart");
    let address = format!("sqlite:{}", folder.path().join("cart.db").display());
    store::migrate(&address).await.unwrap();
    let store = store::open(&address, KEEP).await.unwrap();
    Some((folder, store))
}

async fn redis_store() -> Option<(Place, Arc<dyn CartStore>)> {
    let place = Place::create()?;
    store::migrate(&place.address()).await.unwrap();
    let store = store::open(&place.address(), KEEP).await.unwrap();
    Some((place, store))
}

contract!(embedded, super::embedded_store);
contract!(redis, super::redis_store);

#[tokio::test]
async fn what_is_nobodys_expires_and_what_is_somebodys_does_not() {
    let Some(place) = Place::create() else { return };
    let store = store::open(&place.address(), Duration::from_millis(300)).await.unwrap();
    let user = UserId::new();
    let ordered = store.create(users(user)).await.unwrap();
    store.complete(ordered.id, OrderId::new(), NOW).await.unwrap();
    let open = store.create(users(user)).await.unwrap();
    let guests = store.create(guests()).await.unwrap();
    assert!(store.find(guests.id).await.unwrap().is_some());
    for gone in [guests.id, ordered.id] {
        let store = &store;
        eventually("it expires", || async move { store.find(gone).await.unwrap().is_none() }).await;
    }
    assert_eq!(store.find(open.id).await.unwrap(), Some(open));

    let mut connection = place.connection().unwrap();
    let index = format!("{}guests", place.prefix);
    let left: u64 = ::redis::cmd("ZCARD").arg(&index).query(&mut connection).unwrap();
    assert_eq!(left, 1);
    assert_eq!(store.forget(NOW.plus(Duration::from_secs(1)), 10).await.unwrap(), 1);
    let left: u64 = ::redis::cmd("ZCARD").arg(&index).query(&mut connection).unwrap();
    assert_eq!(left, 0, "the sweep forgets those too that went by themselves");
    store.close().await;
}

#[tokio::test]
async fn a_change_keeps_a_guests_cart_for_the_whole_time_again() {
    let Some((place, store)) = redis_store().await else { return };
    let guests = store.create(guests()).await.unwrap();
    let own = store.create(users(UserId::new())).await.unwrap();
    let mut connection = place.connection().unwrap();
    let mut left = |id: CartId| -> i64 {
        let key = format!("{}{id}", place.prefix);
        ::redis::cmd("PTTL").arg(key).query(&mut connection).unwrap()
    };
    let hour = i64::try_from(KEEP.as_millis()).unwrap();
    assert!((hour - 60_000..=hour).contains(&left(guests.id)));
    assert_eq!(left(own.id), -1, "it stays");
    let key = format!("{}{}", place.prefix, guests.id);
    let mut other = place.connection().unwrap();
    ::redis::cmd("PEXPIRE").arg(key).arg(hour / 2).exec(&mut other).unwrap();
    assert!(store.replace(&guests, NOW).await.unwrap());
    assert!((hour - 60_000..=hour).contains(&left(guests.id)));
    assert!(store.replace(&own, NOW).await.unwrap());
    assert_eq!(left(own.id), -1);
    store.close().await;
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_brought_again() {
    let Some((place, store)) = redis_store().await else { return };
    let mut connection = place.connection().unwrap();
    let mut forget = || ::redis::cmd("SCRIPT").arg("FLUSH").exec(&mut connection).unwrap();
    let cart = store.create(guests()).await.unwrap();
    forget();
    assert!(store.replace(&cart, NOW).await.unwrap());
    forget();
    store.complete(cart.id, OrderId::new(), NOW).await.unwrap();
    assert!(store.find(cart.id).await.unwrap().unwrap().order.is_some());
    store.close().await;
}

#[tokio::test]
async fn an_unknown_address_is_refused_with_the_key() {
    for address in ["file:carts", "redis://h/?prefx=a", "redis://h/carts", "papyrus"] {
        let error = store::open(address, KEEP).await.err().unwrap();
        assert!(format!("{error:#}").contains("cart.store"), "{error:#}");
        let error = store::migrate(address).await.unwrap_err();
        assert!(format!("{error:#}").contains("cart.store"), "{error:#}");
    }
}
