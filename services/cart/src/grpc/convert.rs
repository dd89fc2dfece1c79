//! Between messages and the domain.

use clock::Timestamp;
use fault::{Fault, Field};
use proto::{cart as pb, order as orders, value};
use tonic::Status;

use crate::{
    domain::{Address, Cart, Delivery, Line, Method, Owner},
    store::Wish,
};

pub(super) fn id<K: ids::Kind>(text: &str) -> Option<ids::Id<K>> {
    text.parse().ok()
}

pub(super) fn bad_field(name: &str) -> Status {
    Fault::invalid(vec![Field::new(name, "INVALID", "this is not an id of the right kind")]).into()
}

pub(super) fn cart(cart: Cart) -> pb::Cart {
    pb::Cart {
        id: cart.id.to_string(),
        user_id: match cart.owner {
            Owner::User(user) => user.to_string(),
            Owner::Token(_) => String::new(),
        },
        items: cart.body.lines.iter().map(item).collect(),
        delivery: cart.body.delivery.as_ref().map(delivery),
        discount_codes: cart.body.codes,
        version: cart.version,
        order_id: cart.order.map(|order| order.to_string()).unwrap_or_default(),
        created_at_ms: cart.created_at.millis(),
        updated_at_ms: cart.updated_at.millis(),
    }
}

fn item(line: &Line) -> pb::CartItem {
    pb::CartItem {
        id: line.id.to_string(),
        offer_id: line.offer.to_string(),
        quantity: line.quantity,
    }
}

pub(super) fn line_request(line: &Line) -> orders::LineRequest {
    orders::LineRequest { offer_id: line.offer.to_string(), quantity: line.quantity }
}

pub(super) fn delivery(delivery: &Delivery) -> orders::DeliveryChoice {
    let method = match delivery.method {
        Method::Courier => orders::DeliveryMethod::Courier,
        Method::Pickup => orders::DeliveryMethod::Pickup,
        Method::Post => orders::DeliveryMethod::Post,
    };
    let address = delivery.address.clone();
    orders::DeliveryChoice {
        method: method.into(),
        address: Some(value::Address {
            region: address.region,
            district: address.district,
            street: address.street,
            house: address.house,
            landmark: address.landmark,
            recipient: address.recipient,
            phone: address.phone,
        }),
    }
}

pub(super) fn parse_delivery(choice: Option<orders::DeliveryChoice>) -> Result<Delivery, Status> {
    let choice = choice.unwrap_or_default();
    let method = match choice.method() {
        orders::DeliveryMethod::Courier => Method::Courier,
        orders::DeliveryMethod::Pickup => Method::Pickup,
        orders::DeliveryMethod::Post => Method::Post,
        orders::DeliveryMethod::Unspecified => {
            let field = Field::new("method", "REQUIRED", "expected courier, pickup or post");
            return Err(Fault::invalid(vec![field]).into());
        }
    };
    let address = choice.address.unwrap_or_default();
    let mut missing = Vec::new();
    let mut required = |name: &str, text: &str| {
        if text.trim().is_empty() {
            missing.push(Field::new(format!("address.{name}"), "REQUIRED", "must not be empty"));
        } else if text.len() > 256 {
            missing.push(Field::new(format!("address.{name}"), "LENGTH", "at most 256 bytes"));
        }
    };
    required("region", &address.region);
    required("recipient", &address.recipient);
    required("phone", &address.phone);
    if method != Method::Pickup {
        required("district", &address.district);
        required("street", &address.street);
    }
    if !missing.is_empty() {
        return Err(Fault::invalid(missing).into());
    }
    let address = Address {
        region: address.region,
        district: address.district,
        street: address.street,
        house: address.house,
        landmark: address.landmark,
        recipient: address.recipient,
        phone: address.phone,
    };
    Ok(Delivery { method, address })
}

/// 1 to 100; 20 when nothing is asked for.
pub(super) fn limit(page: &value::PageRequest) -> u32 {
    if page.limit == 0 { 20 } else { page.limit.min(100) }
}

pub(super) fn cursor(wish: &Wish) -> String {
    format!("{}.{}", wish.added_at.millis(), wish.product)
}

pub(super) fn parse_cursor(text: &str) -> Result<Option<Wish>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let wish = text.split_once('.').and_then(|(at, product)| {
        let added_at = Timestamp::from_millis(at.parse().ok()?);
        Some(Wish { added_at, product: product.parse().ok()? })
    });
    let bad = || Fault::invalid(vec![Field::new("after", "INVALID", "not a cursor of this list")]);
    wish.map(Some).ok_or_else(|| bad().into())
}
