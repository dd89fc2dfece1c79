//! Names of things: a prefix that says what it is, and a UUIDv7 in Crockford base32.
//!
//! `ord_01jd8x0m2qf4v8r6t3k5w7y9za` sorts by time of birth, can be read over the phone and never meets an id of another kind:
//! [`OrderId`] and [`PaymentId`] are different types. Text on the wire and in stores is always the full form.
//!
//! ```
//! let id = ids::OrderId::new();
//! assert!(id.to_string().starts_with("ord_"));
//! assert_eq!(id.to_string().parse::<ids::OrderId>().unwrap(), id);
//! assert!("pay_01jd8x0m2qf4v8r6t3k5w7y9za".parse::<ids::OrderId>().is_err());
//! ```

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

mod base32;
pub mod token;

/// What an identifier names.
pub trait Kind {
    /// The text before the underscore.
    const PREFIX: &'static str;
}

/// The name of one thing of kind `K`.
pub struct Id<K> {
    value: u128,
    kind: PhantomData<fn() -> K>,
}

/// The text is not an identifier of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id like {prefix}_01jd8x0m2qf4v8r6t3k5w7y9za")]
pub struct ParseIdError {
    prefix: &'static str,
}

impl<K: Kind> Id<K> {
    /// A name that nothing else has, later in order than all before it.
    #[expect(clippy::new_without_default, reason = "each call gives another value")]
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    pub fn new() -> Self {
        Self { value: Uuid::now_v7().as_u128(), kind: PhantomData }
    }

    /// The same name for the same bytes: for things whose identity follows from another's.
    pub fn from_u128(value: u128) -> Self {
        Self { value, kind: PhantomData }
    }

    /// The 128 bits behind the text.
    pub fn as_u128(self) -> u128 {
        self.value
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", K::PREFIX, base32::encode(self.value).as_str())
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .and_then(base32::decode)
            .map(Self::from_u128)
            .ok_or(ParseIdError { prefix: K::PREFIX })
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.value.cmp(&other.value)
    }
}
impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}
impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

macro_rules! kinds {
    ($($alias:ident, $kind:ident, $prefix:literal, $doc:literal;)+) => {
        /// The kinds of things that have names.
        pub mod kind {
            $(
                #[doc = $doc]
                #[derive(Debug, Clone, Copy)]
                pub enum $kind {}
                impl crate::Kind for $kind {
                    const PREFIX: &'static str = $prefix;
                }
            )+
        }
        $(
            #[doc = $doc]
            pub type $alias = Id<kind::$kind>;
        )+
    };
}

kinds! {
    AddressId, Address, "adr", "A saved address.";
    ApiKeyId, ApiKey, "key", "A merchant's API key.";
    CartId, Cart, "cart", "A cart.";
    CategoryId, Category, "cat", "A category of the catalogue.";
    DifferenceId, Difference, "dif", "A difference between a payment here and at its provider.";
    EntryId, Entry, "led", "An entry of a merchant's ledger.";
    EventId, Event, "evt", "An event between services.";
    FileId, File, "file", "An uploaded file.";
    ItemId, Item, "itm", "A line of a cart or an order.";
    JobId, Job, "job", "A long-running job.";
    MerchantId, Merchant, "mer", "A merchant.";
    NotificationId, Notification, "ntf", "A notification.";
    OfferId, Offer, "off", "A merchant's offer.";
    OrderId, Order, "ord", "An order.";
    PaymentId, Payment, "pay", "A payment.";
    PayoutId, Payout, "pout", "A payout to a merchant.";
    ProductId, Product, "prod", "A product.";
    PromotionId, Promotion, "promo", "A promotion.";
    ReconciliationId, Reconciliation, "rcn", "A comparison with what a provider says.";
    RefundId, Refund, "ref", "A refund.";
    RequestId, Request, "req", "A request, for logs.";
    ReturnId, Return, "ret", "Goods that come back.";
    ReviewId, Review, "rev", "A review.";
    SessionId, Session, "ses", "A sign-in session.";
    ShipmentId, Shipment, "shp", "A shipment.";
    StaffId, Staff, "stf", "A membership of a merchant's staff.";
    UserId, User, "usr", "A user.";
    VariantId, Variant, "var", "A variant of a product.";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_and_value_are_the_same_thing(value: u128) {
            let id = OrderId::from_u128(value);
            prop_assert_eq!(id.to_string().len(), 4 + 26);
            prop_assert_eq!(id.to_string().parse::<OrderId>().unwrap(), id);
        }

        #[test]
        fn text_sorts_as_the_value_does(a: u128, b: u128) {
            let (a, b) = (OrderId::from_u128(a), OrderId::from_u128(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn no_text_breaks_the_parser(text: String) {
            let _ = text.parse::<OrderId>();
            let _ = format!("ord_{text}").parse::<OrderId>();
        }
    }

    #[test]
    fn new_ids_grow() {
        let ids: Vec<OrderId> = (0..1000).map(|_| OrderId::new()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn another_kind_is_refused() {
        let text = PaymentId::new().to_string();
        assert_eq!(
            text.parse::<OrderId>().unwrap_err().to_string(),
            "expected an id like ord_01jd8x0m2qf4v8r6t3k5w7y9za"
        );
    }

    #[test]
    fn serde_uses_the_text() {
        let id = OrderId::new();
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
        assert!(serde_json::from_str::<OrderId>("\"ord_!\"").is_err());
    }
}
