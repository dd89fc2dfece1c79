//! Things to test with.

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::{
    CartId, ItemId, MerchantId, OfferId, OrderId, PaymentId, ProductId, ShipmentId, UserId,
    VariantId,
};
use money::Money;

use super::{
    Address, Body, Buyer, Customer, Delivery, Fiscal, Item, Method, Order, Payment, PaymentState,
    Provider, Shipment, ShipmentStatus, Status, Text, Totals, offer::Offer,
};

pub(crate) fn offer(price: i64, available: i64) -> Offer {
    Offer {
        id: OfferId::new(),
        merchant: MerchantId::new(),
        merchant_name: "Merchant".to_owned(),
        merchant_tin: "300000001".to_owned(),
        plan: "basic".to_owned(),
        product: ProductId::new(),
        variant: VariantId::new(),
        sku: "SKU".to_owned(),
        title: Text { uz: "Choynak".to_owned(), ..Text::default() },
        options: BTreeMap::new(),
        fiscal: Fiscal { vat_percent: 12, ..Fiscal::default() },
        picture_url: String::new(),
        categories: Vec::new(),
        price: Money::uzs(price),
        compare_at: None,
        available,
        backorder_limit: 0,
        low_stock_at: None,
        tiers: Vec::new(),
        weight: 0,
        delivery: None,
        reserved: 0,
        active: true,
        on_sale: true,
        version: 1,
    }
}

pub(crate) fn order(merchants: usize, cash: bool) -> Order {
    let shipments = (0..merchants).map(|_| Shipment {
        id: ShipmentId::new(),
        merchant: MerchantId::new(),
        merchant_name: String::new(),
        status: if cash { ShipmentStatus::New } else { ShipmentStatus::Pending },
        items: Vec::<ItemId>::new(),
        carrier: String::new(),
        tracking: String::new(),
        delivered_at: None,
    });
    let zero = Money::uzs(0);
    Order {
        id: OrderId::new(),
        seq: 1,
        cart: CartId::new(),
        buyer: Buyer::User(UserId::new()),
        status: if cash { Status::Processing } else { Status::AwaitingPayment },
        payment_status: PaymentState::Pending,
        body: Body {
            items: Vec::<Item>::new(),
            shipments: shipments.collect(),
            totals: Totals {
                items: zero,
                discount: zero,
                delivery: zero,
                tax_included: zero,
                total: zero,
            },
            delivery: Delivery { method: Method::Pickup, address: Address::default() },
            customer: Customer::default(),
            provider: if cash { Provider::Cash } else { Provider::Payme },
            timeline: Vec::new(),
            locale: "uz".to_owned(),
            refunds: Vec::new(),
            delivery_discounts: Vec::new(),
            returns: Vec::new(),
            receipts: Vec::new(),
        },
        payment: None,
        reserved_until: (!cash).then(|| Timestamp::from_millis(5000)),
        version: 1,
        placed_at: Timestamp::from_millis(0),
    }
}

pub(crate) fn payment(order: &Order) -> Payment {
    Payment {
        id: PaymentId::new(),
        provider: order.body.provider,
        status: PaymentState::Paid,
        amount: order.body.totals.total,
        redirect_url: String::new(),
        expires_at: 0,
        created_at: 0,
        version: 2,
    }
}
