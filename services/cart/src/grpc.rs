//! The service on the wire: decode, act, price, encode. No rules here.

use mesh::{Context, Link};
use proto::{
    cart::{self as pb, cart_service_server::CartService},
    event::{self as events, event_service_server::EventService},
    order::order_service_client::OrderServiceClient,
};
use tonic::{Request, Response, Status};

mod convert;
pub(crate) mod peers;

use crate::{domain::Cart, error::Error, service::Carts};
use convert::{bad_field, id};

type Answer<T> = Result<Response<T>, Status>;

/// The service as tonic sees it.
#[derive(Clone)]
pub(crate) struct Api {
    carts: Carts,
    orders: OrderServiceClient<Link>,
}

impl Api {
    pub(crate) fn new(carts: Carts, orders: OrderServiceClient<Link>) -> Self {
        Self { carts, orders }
    }

    /// The cart with today's prices, asked of the order service in one call.
    async fn priced(&self, cart: Cart) -> Result<pb::PricedCart, Status> {
        let quote = self.orders.clone().quote(peers::quote(&cart.body)).await?.into_inner();
        Ok(pb::PricedCart {
            cart: Some(convert::cart(cart)),
            lines: quote.lines,
            totals: quote.totals,
            refused_codes: quote.refused_codes,
            refused: quote.refused,
            promotions: quote.promotions,
        })
    }
}

#[tonic::async_trait]
impl CartService for Api {
    async fn create_cart(
        &self,
        _: Request<pb::CreateCartRequest>,
    ) -> Answer<pb::CreateCartResponse> {
        let (cart, token) = self.carts.create(&Context::caller()).await?;
        let cart = Some(self.priced(cart).await?);
        Ok(Response::new(pb::CreateCartResponse { cart, token }))
    }

    async fn get_cart(&self, request: Request<pb::GetCartRequest>) -> Answer<pb::GetCartResponse> {
        let request = request.into_inner();
        let cart_id = id(&request.id).ok_or(Error::CartNotFound)?;
        let cart = self.carts.get(&Context::caller(), cart_id, &request.token).await?;
        let cart = Some(self.priced(cart).await?);
        Ok(Response::new(pb::GetCartResponse { cart }))
    }

    async fn read_cart(
        &self,
        request: Request<pb::ReadCartRequest>,
    ) -> Answer<pb::ReadCartResponse> {
        let request = request.into_inner();
        let cart_id = id(&request.id).ok_or(Error::CartNotFound)?;
        let cart = self.carts.get(&Context::caller(), cart_id, &request.token).await?;
        Ok(Response::new(pb::ReadCartResponse { cart: Some(convert::cart(cart)) }))
    }

    async fn add_item(&self, request: Request<pb::AddItemRequest>) -> Answer<pb::AddItemResponse> {
        let request = request.into_inner();
        let cart_id = id(&request.cart_id).ok_or(Error::CartNotFound)?;
        let offer = id(&request.offer_id).ok_or_else(|| bad_field("offer_id"))?;
        let key = (cart_id, request.token.as_str());
        let cart = self.carts.add(&Context::caller(), key, offer, request.quantity).await?;
        let cart = Some(self.priced(cart).await?);
        Ok(Response::new(pb::AddItemResponse { cart }))
    }

    async fn set_item(&self, request: Request<pb::SetItemRequest>) -> Answer<pb::SetItemResponse> {
        let request = request.into_inner();
        let cart_id = id(&request.cart_id).ok_or(Error::CartNotFound)?;
        let item =
            id(&request.item_id).ok_or(crate::domain::Refusal::NoLine).map_err(Error::from)?;
        let key = (cart_id, request.token.as_str());
        let cart = self.carts.set(&Context::caller(), key, item, request.quantity).await?;
        let cart = Some(self.priced(cart).await?);
        Ok(Response::new(pb::SetItemResponse { cart }))
    }

    async fn set_delivery(
        &self,
        request: Request<pb::SetDeliveryRequest>,
    ) -> Answer<pb::SetDeliveryResponse> {
        let request = request.into_inner();
        let cart_id = id(&request.cart_id).ok_or(Error::CartNotFound)?;
        let delivery = convert::parse_delivery(request.delivery)?;
        let key = (cart_id, request.token.as_str());
        let cart = self.carts.deliver(&Context::caller(), key, delivery).await?;
        let cart = Some(self.priced(cart).await?);
        Ok(Response::new(pb::SetDeliveryResponse { cart }))
    }

    async fn add_discount_code(
        &self,
        request: Request<pb::AddDiscountCodeRequest>,
    ) -> Answer<pb::AddDiscountCodeResponse> {
        let request = request.into_inner();
        let cart_id = id(&request.cart_id).ok_or(Error::CartNotFound)?;
        let key = (cart_id, request.token.as_str());
        let cart = self.carts.add_code(&Context::caller(), key, &request.code).await?;
        let cart = Some(self.priced(cart).await?);
        Ok(Response::new(pb::AddDiscountCodeResponse { cart }))
    }

    async fn remove_discount_code(
        &self,
        request: Request<pb::RemoveDiscountCodeRequest>,
    ) -> Answer<pb::RemoveDiscountCodeResponse> {
        let request = request.into_inner();
        let cart_id = id(&request.cart_id).ok_or(Error::CartNotFound)?;
        let key = (cart_id, request.token.as_str());
        let cart = self.carts.remove_code(&Context::caller(), key, &request.code).await?;
        let cart = Some(self.priced(cart).await?);
        Ok(Response::new(pb::RemoveDiscountCodeResponse { cart }))
    }

    async fn merge_carts(
        &self,
        request: Request<pb::MergeCartsRequest>,
    ) -> Answer<pb::MergeCartsResponse> {
        let request = request.into_inner();
        let cart_id = id(&request.cart_id).ok_or(Error::CartNotFound)?;
        let guest = id(&request.guest_cart_id).ok_or(Error::CartNotFound)?;
        let guest = (guest, request.guest_token.as_str());
        let cart = self.carts.merge(&Context::caller(), cart_id, guest).await?;
        let cart = Some(self.priced(cart).await?);
        Ok(Response::new(pb::MergeCartsResponse { cart }))
    }

    async fn complete_cart(
        &self,
        request: Request<pb::CompleteCartRequest>,
    ) -> Answer<pb::CompleteCartResponse> {
        Context::caller().require_service()?;
        let request = request.into_inner();
        let cart = id(&request.cart_id).ok_or(Error::CartNotFound)?;
        let order = id(&request.order_id).ok_or_else(|| bad_field("order_id"))?;
        self.carts.complete(cart, order).await?;
        Ok(Response::new(pb::CompleteCartResponse {}))
    }

    async fn list_wishlist(
        &self,
        request: Request<pb::ListWishlistRequest>,
    ) -> Answer<pb::ListWishlistResponse> {
        let user = Context::caller().require_user()?;
        let page = request.into_inner().page.unwrap_or_default();
        let limit = convert::limit(&page);
        let after = convert::parse_cursor(&page.after)?;
        let mut wishes = self.carts.wishes(user, after, limit + 1).await?;
        let more = wishes.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        wishes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = wishes.last().filter(|_| more).map(convert::cursor).unwrap_or_default();
        let product_ids = wishes.into_iter().map(|wish| wish.product.to_string()).collect();
        let page = Some(proto::value::PageInfo { next, count: None });
        Ok(Response::new(pb::ListWishlistResponse { product_ids, page }))
    }

    async fn add_to_wishlist(
        &self,
        request: Request<pb::AddToWishlistRequest>,
    ) -> Answer<pb::AddToWishlistResponse> {
        let user = Context::caller().require_user()?;
        let product =
            id(&request.into_inner().product_id).ok_or_else(|| bad_field("product_id"))?;
        self.carts.wish(user, product).await?;
        Ok(Response::new(pb::AddToWishlistResponse {}))
    }

    async fn remove_from_wishlist(
        &self,
        request: Request<pb::RemoveFromWishlistRequest>,
    ) -> Answer<pb::RemoveFromWishlistResponse> {
        let user = Context::caller().require_user()?;
        if let Some(product) = id(&request.into_inner().product_id) {
            self.carts.unwish(user, product).await?;
        }
        Ok(Response::new(pb::RemoveFromWishlistResponse {}))
    }
}

#[tonic::async_trait]
impl EventService for Api {
    async fn deliver(
        &self,
        request: Request<events::DeliverRequest>,
    ) -> Answer<events::DeliverResponse> {
        Context::caller().require_service()?;
        let apply = |event: events::Event| async move {
            if let Some(events::event::Data::Order(events::OrderChanged {
                order: Some(order), ..
            })) = event.data
                && let (Some(cart), Some(order)) = (id(&order.cart_id), id(&order.id))
            {
                // Needs no inbox: the first note stays.
                self.carts.complete(cart, order).await?;
            }
            Ok(())
        };
        Ok(Response::new(outbox::apply_each(request.into_inner(), apply).await))
    }
}
