//! What an order is, and the moves that it can make.
//!
//! ```text
//! awaiting_payment --paid--> paid --accept--> processing --ship all--> shipped --deliver all--> delivered --10 days--> completed
//!        |                     |                  ^ |
//!        +--cancel/expire--> cancelled <--cancel--|-+      until something is shipped; what was paid goes back
//!                                                 cash on delivery begins here
//! ```
//!
//! `refunded` follows any paid state when all of the money is back. Pieces and shipments are cancelled one by one by their
//! merchant, and delivered pieces come back by [`returns`]; what was paid for them goes back by a [`refund`].

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::{
    CartId, ItemId, MerchantId, OfferId, OrderId, PaymentId, ProductId, ShipmentId, UserId,
    VariantId,
};
use money::Money;
use serde::{Deserialize, Serialize};

pub mod adjusting;
pub mod adjustment;
pub mod discounts;
pub mod ledger;
pub mod level;
pub mod number;
pub mod offer;
pub mod payout;
pub mod pricing;
pub mod promotion;
pub mod receipt;
pub mod refund;
pub mod report;
pub mod returns;
pub mod tariff;
#[cfg(test)]
mod testing;
pub mod tiers;
mod transitions;

pub use adjustment::{Adjustment, Funder};
pub use ledger::Agreement;
pub use refund::{Refund, RefundCause, RefundPart, RefundState};
pub use returns::{Return, ReturnMove, ReturnState};
pub use transitions::{Ask, Giving, Illegal, Moved, ShipmentMove, StockEffect, Transition};

/// One text in the languages of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Text {
    pub uz: String,
    pub ru: String,
    pub en: String,
}

/// What tax law wants to know of a thing that is sold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Fiscal {
    pub mxik: String,
    pub package_code: String,
    pub vat_percent: u32,
    pub unit_code: String,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the module's drawing says it")]
pub enum Status {
    AwaitingPayment,
    Paid,
    Processing,
    Shipped,
    Delivered,
    Completed,
    Cancelled,
    Refunded,
}

/// Where the money stands, as far as the order knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum PaymentState {
    Pending,
    Processing,
    Paid,
    Failed,
    Cancelled,
    Refunded,
    PartiallyRefunded,
}

/// Where one merchant's part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipmentStatus {
    /// Not to be touched before the order is paid.
    Pending,
    /// The merchant may accept it.
    New,
    /// Being packed.
    Accepted,
    /// On its way.
    Shipped,
    /// With the shopper.
    Delivered,
    /// Will not be sent.
    Cancelled,
}

/// Who pays how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Provider {
    Payme,
    Click,
    Uzcard,
    Stripe,
    Cash,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 5] = [Self::Payme, Self::Click, Self::Uzcard, Self::Stripe, Self::Cash];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payme => "payme",
            Self::Click => "click",
            Self::Uzcard => "uzcard",
            Self::Stripe => "stripe",
            Self::Cash => "cash",
        }
    }

    /// Reads the name on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == name)
    }
}

/// How something is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Courier,
    Pickup,
    Post,
}

/// A place, and who waits there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Address {
    pub region: String,
    pub district: String,
    pub street: String,
    pub house: String,
    pub landmark: String,
    pub recipient: String,
    pub phone: String,
}

/// How and where to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Delivery {
    pub method: Method,
    pub address: Address,
}

/// Who bought.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Customer {
    pub name: String,
    pub phone: String,
}

/// What a sum consists of. `items - discount + delivery = total`; VAT is contained in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Totals {
    pub items: Money,
    pub discount: Money,
    pub delivery: Money,
    pub tax_included: Money,
    pub total: Money,
}

/// A line as it was sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Item {
    pub id: ItemId,
    pub offer: OfferId,
    pub product: ProductId,
    pub variant: VariantId,
    pub merchant: MerchantId,
    pub merchant_name: String,
    pub merchant_tin: String,
    pub sku: String,
    pub title: Text,
    pub options: BTreeMap<String, String>,
    pub quantity: u32,
    pub unit_price: Money,
    pub discount: Money,
    pub total: Money,
    pub fiscal: Fiscal,
    pub picture_url: String,
    /// Where the discount comes from; their amounts add up to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    /// Pieces that were paid for and will not be sent.
    #[serde(default)]
    pub cancelled: u32,
    /// Pieces that came back.
    #[serde(default)]
    pub returned: u32,
    /// Pieces that were not there yet when it was sold.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub backordered: u32,
    /// What the merchant agreed to when it was sold; none where no ledger was kept yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What one merchant sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Shipment {
    pub id: ShipmentId,
    pub merchant: MerchantId,
    pub merchant_name: String,
    pub status: ShipmentStatus,
    pub items: Vec<ItemId>,
    pub carrier: String,
    pub tracking: String,
    /// When it reached the shopper, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<i64>,
}

/// Something that happened to an order, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, Unix milliseconds.
    pub at: i64,
    /// What, for example "order.placed".
    pub event: String,
    /// Who: "shopper", "merchant", "system" or a provider.
    pub actor: String,
    /// In their words.
    pub note: String,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Order {
    pub id: OrderId,
    /// Sequence behind the human number.
    pub seq: i64,
    pub cart: CartId,
    pub buyer: Buyer,
    pub status: Status,
    pub payment_status: PaymentState,
    pub body: Body,
    pub payment: Option<Payment>,
    /// Until when goods are held for payment.
    pub reserved_until: Option<Timestamp>,
    pub version: i64,
    pub placed_at: Timestamp,
}

/// Who may see an order as its shopper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Buyer {
    /// A signed-in user.
    User(UserId),
    /// Whoever holds the token with this SHA-256.
    Token([u8; 32]),
}

/// The part of an order that is read and written as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Body {
    pub items: Vec<Item>,
    pub shipments: Vec<Shipment>,
    pub totals: Totals,
    pub delivery: Delivery,
    pub customer: Customer,
    pub provider: Provider,
    pub timeline: Vec<Entry>,
    pub locale: String,
    /// Money that goes back, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<Refund>,
    /// What promotions took off the delivery; `totals.delivery` is what was left of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delivery_discounts: Vec<discounts::DeliveryDiscount>,
    /// Goods that come back, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<Return>,
    /// Fiscal receipts, as far as they are issued.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<receipt::Receipt>,
}

/// A payment as the payment service told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Payment {
    pub id: PaymentId,
    pub provider: Provider,
    pub status: PaymentState,
    pub amount: Money,
    pub redirect_url: String,
    pub expires_at: i64,
    pub created_at: i64,
    pub version: i64,
}

/// What others are told of.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// The order changed; `kind` such as "order.paid".
    Order {
        /// The event's type.
        kind: &'static str,
        /// The order after the change.
        order: &'a Order,
        /// When it was one shipment that changed.
        shipment: Option<ShipmentId>,
        /// When.
        at: Timestamp,
    },
    /// What a product costs changed.
    Display(offer::Display, Timestamp),
    /// A merchant's stock crossed a line.
    Stock(level::Signal, Timestamp),
}

impl Order {
    /// The number that people and payment providers know it by.
    pub fn number(&self) -> String {
        number::format(self.seq)
    }

    /// Only what concerns one merchant: its lines, its shipment, its sums.
    #[must_use]
    pub fn for_merchant(mut self, merchant: MerchantId) -> Self {
        self.body.items.retain(|item| item.merchant == merchant);
        self.body.shipments.retain(|shipment| shipment.merchant == merchant);
        self.body.refunds.retain(|refund| refund.merchant == Some(merchant));
        self.body.delivery_discounts.retain(|discount| discount.merchant == merchant);
        self.body.returns.retain(|it| it.merchant == merchant);
        let currency = self.body.totals.total.currency;
        let sum = |part: fn(&Item) -> Money| {
            // Parts of a total that fitted fit.
            Money::total(self.body.items.iter().map(part), currency)
                .unwrap_or(Money::zero(currency))
        };
        let vat = |item: &Item| {
            item.total.vat_included(item.fiscal.vat_percent).unwrap_or(Money::zero(currency))
        };
        let total = sum(|item| item.total);
        let discount = sum(|item| item.discount);
        self.body.totals = Totals {
            items: total.plus(discount).unwrap_or(total),
            discount,
            delivery: Money::zero(currency),
            tax_included: Money::total(self.body.items.iter().map(vat), currency)
                .unwrap_or(Money::zero(currency)),
            total,
        };
        self
    }
}
