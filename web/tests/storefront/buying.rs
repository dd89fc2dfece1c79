//! Carts in memory.

use mesh::Context;
use proto::{
    cart::{self as carts, cart_service_server::CartService},
    order as orders,
};
use tonic::{Request, Response, Status};

use super::{Answer, Fake, world::sum};

pub(crate) fn missing(what: &str) -> Status {
    fault::Fault::not_found(what).into()
}

impl Fake {
    fn quote(
        &self,
        lines: &[orders::LineRequest],
        delivered: bool,
    ) -> (Vec<orders::QuotedLine>, orders::Totals) {
        let mut total = 0;
        let quoted = lines.iter().map(|line| {
            let Some(offer) = self.0.offers.iter().find(|offer| offer.id == line.offer_id) else {
                return orders::QuotedLine {
                    offer_id: line.offer_id.clone(),
                    unknown: true,
                    ..Default::default()
                };
            };
            let amount = offer.price.as_ref().unwrap().amount * i64::from(line.quantity);
            total += amount;
            orders::QuotedLine {
                offer_id: offer.id.clone(),
                quantity: line.quantity,
                title: offer.title.clone(),
                options: offer.options.clone(),
                unit_price: offer.price.clone(),
                total: Some(sum(amount / 100)),
                available: offer.available >= i64::from(line.quantity),
                product_id: offer.product_id.clone(),
                merchant_id: offer.merchant_id.clone(),
                merchant_name: offer.merchant_name.clone(),
                picture_url: offer.picture_url.clone(),
                ..Default::default()
            }
        });
        let quoted = quoted.collect();
        let delivery = if delivered { self.state().delivery_price } else { 0 };
        let totals = orders::Totals {
            items: Some(sum(total / 100)),
            discount: Some(sum(0)),
            delivery: Some(sum(delivery / 100)),
            tax_included: Some(sum(total * 12 / 112 / 100)),
            total: Some(sum((total + delivery) / 100)),
        };
        (quoted, totals)
    }

    fn priced(&self, cart: carts::Cart) -> carts::PricedCart {
        let line = |item: &carts::CartItem| orders::LineRequest {
            offer_id: item.offer_id.clone(),
            quantity: item.quantity,
        };
        let lines: Vec<_> = cart.items.iter().map(line).collect();
        let (lines, totals) = self.quote(&lines, cart.delivery.is_some());
        let refused_codes =
            cart.discount_codes.iter().filter(|code| *code != "NAVROZ").cloned().collect();
        carts::PricedCart {
            cart: Some(cart),
            lines,
            totals: Some(totals),
            refused_codes,
            ..Default::default()
        }
    }

    /// Changes an open cart of somebody who may.
    pub(crate) fn change(
        &self,
        id: &str,
        token: &str,
        change: impl FnOnce(&mut carts::Cart),
    ) -> Result<carts::PricedCart, Status> {
        self.up("cart")?;
        let user = Context::caller().user.map(|user| user.to_string()).unwrap_or_default();
        let cart = {
            let mut state = self.state();
            let (cart, known) = state.carts.get_mut(id).ok_or_else(|| missing("CART"))?;
            let theirs =
                if cart.user_id.is_empty() { *known == token } else { cart.user_id == user };
            if !theirs {
                return Err(missing("CART"));
            }
            if !cart.order_id.is_empty() {
                return Err(fault::Fault::conflict("CART_COMPLETED", "bought").into());
            }
            change(cart);
            cart.clone()
        };
        Ok(self.priced(cart))
    }
}

#[tonic::async_trait]
impl CartService for Fake {
    async fn create_cart(
        &self,
        _: Request<carts::CreateCartRequest>,
    ) -> Answer<carts::CreateCartResponse> {
        self.up("cart")?;
        self.note("create_cart");
        let user = Context::caller().user.map(|user| user.to_string()).unwrap_or_default();
        let (cart, token) = {
            let mut state = self.state();
            let known = state.carts.values().find(|(cart, _)| {
                !user.is_empty() && cart.user_id == user && cart.order_id.is_empty()
            });
            match known {
                Some((cart, _)) => (cart.clone(), String::new()),
                None => {
                    let token =
                        if user.is_empty() { ids::token::secret("") } else { String::new() };
                    let cart = carts::Cart {
                        id: ids::CartId::new().to_string(),
                        user_id: user,
                        ..Default::default()
                    };
                    state.carts.insert(cart.id.clone(), (cart.clone(), token.clone()));
                    (cart, token)
                }
            }
        };
        Ok(Response::new(carts::CreateCartResponse { cart: Some(self.priced(cart)), token }))
    }

    async fn get_cart(
        &self,
        request: Request<carts::GetCartRequest>,
    ) -> Answer<carts::GetCartResponse> {
        let request = request.into_inner();
        let cart = self.change(&request.id, &request.token, |_| ()).map_err(|status| {
            if status.code() == tonic::Code::FailedPrecondition { missing("CART") } else { status }
        })?;
        Ok(Response::new(carts::GetCartResponse { cart: Some(cart) }))
    }

    async fn add_item(
        &self,
        request: Request<carts::AddItemRequest>,
    ) -> Answer<carts::AddItemResponse> {
        let request = request.into_inner();
        self.note(&format!("add_item {} {}", request.offer_id, request.quantity));
        if !self.0.offers.iter().any(|offer| offer.id == request.offer_id) {
            return Err(missing("OFFER"));
        }
        let cart = self.change(&request.cart_id, &request.token, |cart| {
            match cart.items.iter_mut().find(|item| item.offer_id == request.offer_id) {
                Some(item) => item.quantity += request.quantity,
                None => {
                    let id = format!("itm_{}", cart.items.len());
                    cart.items.push(carts::CartItem {
                        id,
                        offer_id: request.offer_id,
                        quantity: request.quantity,
                    });
                }
            }
        })?;
        Ok(Response::new(carts::AddItemResponse { cart: Some(cart) }))
    }

    async fn set_item(
        &self,
        request: Request<carts::SetItemRequest>,
    ) -> Answer<carts::SetItemResponse> {
        let request = request.into_inner();
        self.note(&format!("set_item {} {}", request.item_id, request.quantity));
        let cart = self.change(&request.cart_id, &request.token, |cart| {
            for item in cart.items.iter_mut().filter(|item| item.id == request.item_id) {
                item.quantity = request.quantity;
            }
            cart.items.retain(|item| item.quantity > 0);
        })?;
        Ok(Response::new(carts::SetItemResponse { cart: Some(cart) }))
    }

    async fn set_delivery(
        &self,
        request: Request<carts::SetDeliveryRequest>,
    ) -> Answer<carts::SetDeliveryResponse> {
        let request = request.into_inner();
        let choice = request.delivery.clone().unwrap_or_default();
        let address = choice.address.clone().unwrap_or_default();
        self.note(&format!(
            "set_delivery {:?} {} {} {} {}",
            choice.method(),
            address.region,
            address.district,
            address.street,
            address.phone
        ));
        let cart =
            self.change(&request.cart_id, &request.token, |cart| cart.delivery = request.delivery)?;
        Ok(Response::new(carts::SetDeliveryResponse { cart: Some(cart) }))
    }

    async fn add_discount_code(
        &self,
        request: Request<carts::AddDiscountCodeRequest>,
    ) -> Answer<carts::AddDiscountCodeResponse> {
        let request = request.into_inner();
        self.note(&format!("add_discount_code {}", request.code));
        if request.code == "NAVROZ-2020" {
            return Err(fault::Fault::conflict("DISCOUNT_CODE_EXPIRED", "it has ended").into());
        }
        let cart = self.change(&request.cart_id, &request.token, |cart| {
            cart.discount_codes.push(request.code);
        })?;
        Ok(Response::new(carts::AddDiscountCodeResponse { cart: Some(cart) }))
    }

    async fn merge_carts(
        &self,
        request: Request<carts::MergeCartsRequest>,
    ) -> Answer<carts::MergeCartsResponse> {
        let request = request.into_inner();
        self.note("merge_carts");
        let items = {
            let mut state = self.state();
            let (guest, token) =
                state.carts.get_mut(&request.guest_cart_id).ok_or_else(|| missing("CART"))?;
            if *token != request.guest_token {
                return Err(missing("CART"));
            }
            std::mem::take(&mut guest.items)
        };
        let cart = self.change(&request.cart_id, "", |cart| cart.items.extend(items))?;
        Ok(Response::new(carts::MergeCartsResponse { cart: Some(cart) }))
    }
}
