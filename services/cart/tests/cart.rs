//! The service through the mesh, local and remote, on each store, with an order service that knows three offers.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use fault::{Code, Fault};
use ids::{OfferId, OrderId, UserId};
use mesh::{Caller, Role};
use proto::{cart as pb, order as orders};
use testkit::{Lab, RunningLab, WIRINGS, Wiring};

#[path = "cart/peers.rs"]
mod peers;
#[path = "support/place.rs"]
mod place;
#[path = "cart/start.rs"]
mod start;

use place::Place;

/// Where the carts of a test are kept.
enum Store {
    Embedded,
    Redis(Place),
}

async fn lab(wiring: Wiring, store: &Store) -> RunningLab {
    let address = match store {
        Store::Embedded => None,
        Store::Redis(place) => Some(place.address()),
    };
    lab_on(wiring, address).await
}

async fn lab_on(wiring: Wiring, address: Option<String>) -> RunningLab {
    Lab::new(wiring)
        .role(Role::Cart, |host, mesh, folder| {
            Box::pin(async move {
                let file = || format!("sqlite:{}", folder.join("cart.db").display());
                let config = cart::Config {
                    listen: "127.0.0.1:0".parse()?,
                    store: address.unwrap_or_else(file),
                    guest_cart_days: 90,
                };
                cart::mount(host, config, mesh).await
            })
        })
        .role(Role::Order, |host, _, _| {
            Box::pin(async move {
                host.grpc(Role::Order, peers::orders());
                Ok(())
            })
        })
        .start()
        .await
}

fn reason(status: tonic::Status) -> (Code, String) {
    let fault = Fault::from(status);
    (fault.code, fault.reason.into_owned())
}

async fn new_cart(lab: &RunningLab, caller: &Caller) -> (String, String) {
    let mut client = lab.mesh.cart();
    let created =
        lab.act(caller.clone(), client.create_cart(pb::CreateCartRequest {})).await.unwrap();
    let created = created.into_inner();
    (created.cart.unwrap().cart.unwrap().id, created.token)
}

async fn add(
    lab: &RunningLab,
    caller: &Caller,
    (cart_id, token): &(String, String),
    offer_id: &str,
    quantity: u32,
) -> Result<pb::PricedCart, tonic::Status> {
    let request = pb::AddItemRequest {
        cart_id: cart_id.clone(),
        token: token.clone(),
        offer_id: offer_id.to_owned(),
        quantity,
    };
    let mut client = lab.mesh.cart();
    let answer = lab.act(caller.clone(), client.add_item(request)).await?;
    Ok(answer.into_inner().cart.unwrap())
}

async fn a_guest_fills_a_cart_that_nobody_else_sees(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let guest = Caller::guest();
        let key = new_cart(&lab, &guest).await;
        add(&lab, &guest, &key, &peers::offer(0), 2).await.unwrap();
        let cart = add(&lab, &guest, &key, &peers::offer(1), 1).await.unwrap();
        assert_eq!(cart.lines.len(), 2);
        // Two at 1000 and one at 2000, as the order service says.
        assert_eq!(cart.totals.unwrap().total.unwrap().amount, 4000);

        let get = |token: &str| pb::GetCartRequest { id: key.0.clone(), token: token.to_owned() };
        let mut client = lab.mesh.cart();
        for (caller, token) in
            [(guest.clone(), ""), (guest.clone(), "wrong"), (Caller::user(UserId::new()), "")]
        {
            let refused = lab.act(caller, client.get_cart(get(token))).await.unwrap_err();
            assert_eq!(reason(refused), (Code::NotFound, "CART_NOT_FOUND".to_owned()));
        }
        assert!(lab.act(guest, client.get_cart(get(&key.1))).await.is_ok());
        lab.stop().await;
    }
}

async fn what_is_not_on_sale_is_not_added(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let guest = Caller::guest();
        let key = new_cart(&lab, &guest).await;
        let unknown = add(&lab, &guest, &key, &OfferId::new().to_string(), 1).await.unwrap_err();
        assert_eq!(reason(unknown), (Code::NotFound, "OFFER_NOT_FOUND".to_owned()));
        let nonsense = add(&lab, &guest, &key, "off_nonsense", 1).await.unwrap_err();
        assert_eq!(reason(nonsense).0, Code::Invalid);
        for quantity in [0, 1000, u32::MAX] {
            let refused = add(&lab, &guest, &key, &peers::offer(0), quantity).await.unwrap_err();
            assert_eq!(Fault::from(refused).fields[0].field, "quantity");
        }
        let mut client = lab.mesh.cart();
        let get = pb::GetCartRequest { id: key.0.clone(), token: key.1.clone() };
        let cart = lab.act(guest, client.get_cart(get)).await.unwrap().into_inner().cart.unwrap();
        assert!(cart.lines.is_empty(), "refusals changed nothing");
        lab.stop().await;
    }
}

async fn a_guest_cart_moves_into_the_account_at_sign_in(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let (guest, user) = (Caller::guest(), Caller::user(UserId::new()));
        let theirs = new_cart(&lab, &guest).await;
        add(&lab, &guest, &theirs, &peers::offer(0), 2).await.unwrap();
        let own = new_cart(&lab, &user).await;
        add(&lab, &user, &own, &peers::offer(0), 1).await.unwrap();
        assert_eq!(new_cart(&lab, &user).await.0, own.0, "one open cart for a user");

        let merge = pb::MergeCartsRequest {
            cart_id: own.0.clone(),
            guest_cart_id: theirs.0.clone(),
            guest_token: theirs.1.clone(),
        };
        let mut client = lab.mesh.cart();
        let merged = lab.act(user.clone(), client.merge_carts(merge.clone())).await.unwrap();
        let items = merged.into_inner().cart.unwrap().cart.unwrap().items;
        assert_eq!((items.len(), items[0].quantity), (1, 3));
        let again = lab.act(user, client.merge_carts(merge)).await.unwrap_err();
        assert_eq!(reason(again).0, Code::NotFound, "the guest's cart has ended");
        lab.stop().await;
    }
}

async fn concurrent_adds_are_all_kept(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let guest = Caller::guest();
        let key = new_cart(&lab, &guest).await;
        let offer = peers::offer(0);
        let adds = (0..5).map(|_| add(&lab, &guest, &key, &offer, 1));
        for outcome in futures::future::join_all(adds).await {
            outcome.unwrap();
        }
        let cart = add(&lab, &guest, &key, &offer, 1).await.unwrap();
        assert_eq!(cart.cart.unwrap().items[0].quantity, 6);
        lab.stop().await;
    }
}

async fn an_order_closes_its_cart_once_however_often_it_is_told(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let guest = Caller::guest();
        let key = new_cart(&lab, &guest).await;
        add(&lab, &guest, &key, &peers::offer(0), 1).await.unwrap();
        let order = OrderId::new().to_string();
        let event = proto::event::Event {
            id: ids::EventId::new().to_string(),
            r#type: "order.placed".to_owned(),
            data: Some(proto::event::event::Data::Order(proto::event::OrderChanged {
                order: Some(orders::Order {
                    id: order.clone(),
                    cart_id: key.0.clone(),
                    ..orders::Order::default()
                }),
                ..Default::default()
            })),
            ..Default::default()
        };
        let request = proto::event::DeliverRequest { events: vec![event.clone(), event.clone()] };
        let mut events = lab.mesh.events(Role::Cart);
        let refused = lab.act(guest.clone(), events.deliver(request.clone())).await.unwrap_err();
        assert_eq!(reason(refused).0, Code::Forbidden, "only services deliver events");
        let answer = lab.as_service(events.deliver(request)).await.unwrap().into_inner();
        assert_eq!(answer.applied, [event.id.clone(), event.id]);

        let late = add(&lab, &guest, &key, &peers::offer(0), 1).await.unwrap_err();
        assert_eq!(reason(late), (Code::Conflict, "CART_COMPLETED".to_owned()));
        lab.stop().await;
    }
}

async fn a_code_without_effect_is_not_kept(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let guest = Caller::guest();
        let key = new_cart(&lab, &guest).await;
        add(&lab, &guest, &key, &peers::offer(0), 1).await.unwrap();
        let code = |code: &str| pb::AddDiscountCodeRequest {
            cart_id: key.0.clone(),
            token: key.1.clone(),
            code: code.to_owned(),
        };
        let mut client = lab.mesh.cart();
        for (wrong, told) in [
            ("NAVRUZ", (Code::NotFound, "DISCOUNT_CODE_NOT_FOUND")),
            ("old-2020", (Code::Conflict, "DISCOUNT_CODE_EXPIRED")),
        ] {
            let refused =
                lab.act(guest.clone(), client.add_discount_code(code(wrong))).await.unwrap_err();
            assert_eq!(reason(refused), (told.0, told.1.to_owned()));
        }
        let kept = lab.act(guest.clone(), client.add_discount_code(code(" good-1 "))).await;
        let kept = kept.unwrap().into_inner().cart.unwrap();
        assert_eq!(kept.cart.unwrap().discount_codes, ["GOOD-1"]);
        let remove = pb::RemoveDiscountCodeRequest {
            cart_id: key.0.clone(),
            token: key.1.clone(),
            code: "good-1".to_owned(),
        };
        let empty = lab.act(guest, client.remove_discount_code(remove)).await.unwrap();
        assert!(empty.into_inner().cart.unwrap().cart.unwrap().discount_codes.is_empty());
        lab.stop().await;
    }
}

async fn wishlists_are_for_the_signed_in(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let mut client = lab.mesh.cart();
        let wish = pb::AddToWishlistRequest { product_id: ids::ProductId::new().to_string() };
        let refused = lab.act(Caller::guest(), client.add_to_wishlist(wish.clone())).await;
        assert_eq!(reason(refused.unwrap_err()).0, Code::Unauthenticated);
        let user = Caller::user(UserId::new());
        lab.act(user.clone(), client.add_to_wishlist(wish.clone())).await.unwrap();
        let list = client.list_wishlist(pb::ListWishlistRequest::default());
        let list = lab.act(user, list).await.unwrap().into_inner();
        assert_eq!(list.product_ids, [wish.product_id]);
        lab.stop().await;
    }
}

/// Lists every test once for each store.
macro_rules! on_each_store {
    ($($test:ident,)+) => {
        mod embedded {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&super::Store::Embedded).await;
                }
            )+
        }
        mod redis {
            $(
                #[tokio::test]
                async fn $test() {
                    let Some(place) = super::Place::create() else { return };
                    super::$test(&super::Store::Redis(place)).await;
                }
            )+
        }
    };
}

on_each_store!(
    a_guest_fills_a_cart_that_nobody_else_sees,
    what_is_not_on_sale_is_not_added,
    a_guest_cart_moves_into_the_account_at_sign_in,
    concurrent_adds_are_all_kept,
    an_order_closes_its_cart_once_however_often_it_is_told,
    a_code_without_effect_is_not_kept,
    wishlists_are_for_the_signed_in,
);
