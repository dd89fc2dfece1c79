//! Words for the states and names that services speak of in code.

use proto::{
    order::{DeliveryMethod, OrderStatus},
    payment::PaymentStatus,
};

use crate::{Texts, visit::Visit};

/// What a screen says above its content, from `?said=`: a closed list, so that no address can put words on our pages.
pub(crate) struct Notice {
    pub(crate) good: bool,
    pub(crate) text: String,
}

pub(crate) fn notice(visit: &Visit) -> Option<Notice> {
    let t = visit.texts();
    let (good, text) = match visit.param("said") {
        "added" => (true, t.said_added()),
        "changed" => (true, t.said_changed()),
        "code" => (true, t.said_code()),
        "placed" => (true, t.said_placed()),
        "cancelled" => (true, t.said_cancelled()),
        "check" => (true, t.said_check()),
        "gone" => (false, t.said_gone()),
        "limit" => (false, t.said_limit()),
        "bad-code" => (false, t.said_bad_code()),
        "code-early" => (false, t.code_early()),
        "code-late" => (false, t.code_late()),
        "code-spent" => (false, t.code_spent()),
        "code-used" => (false, t.code_used()),
        "code-min" => (false, t.code_min()),
        "code-goods" => (false, t.code_goods()),
        "code-alone" => (false, t.code_alone()),
        "code-many" => (false, t.code_many()),
        "stock" => (false, t.said_stock()),
        "price" => (false, t.said_price()),
        "provider" => (false, t.said_provider()),
        "not-cancelled" => (false, t.said_not_cancelled()),
        "paid" => (true, t.said_paid()),
        "in-progress" => (false, t.said_in_progress()),
        "returned" => (true, t.said_returned()),
        "not-returned" => (false, t.said_not_returned()),
        "return-empty" => (false, t.said_return_empty()),
        _ => return None,
    };
    Some(Notice { good, text })
}

/// What is said above a cart whose code was refused for a reason.
pub(crate) fn said_of_code(reason: &str) -> &'static str {
    match reason {
        "DISCOUNT_CODE_NOT_STARTED" => "code-early",
        "DISCOUNT_CODE_EXPIRED" => "code-late",
        "DISCOUNT_CODE_EXHAUSTED" => "code-spent",
        "DISCOUNT_CODE_USED" => "code-used",
        "DISCOUNT_CODE_MIN_TOTAL" => "code-min",
        "DISCOUNT_CODE_NOT_APPLICABLE" => "code-goods",
        "DISCOUNT_CODE_NOT_COMBINABLE" => "code-alone",
        "TOO_MANY_CODES" => "code-many",
        _ => "bad-code",
    }
}

/// Why a code in the cart takes nothing off.
pub(crate) fn refused_code(t: Texts, reason: &str) -> String {
    match said_of_code(reason) {
        "code-early" => t.code_early(),
        "code-late" => t.code_late(),
        "code-spent" => t.code_spent(),
        "code-used" => t.code_used(),
        "code-min" => t.code_min(),
        "code-goods" => t.code_goods(),
        "code-alone" => t.code_alone(),
        _ => t.code_refused(),
    }
}

/// A state and how it is coloured: "wait", "good", "bad".
pub(crate) fn order_status(t: Texts, status: OrderStatus) -> (String, &'static str) {
    match status {
        OrderStatus::AwaitingPayment => (t.order_awaiting_payment(), "wait"),
        OrderStatus::Paid => (t.order_paid(), "good"),
        OrderStatus::Processing | OrderStatus::Unspecified => (t.order_processing(), "wait"),
        OrderStatus::Shipped => (t.order_shipped(), "wait"),
        OrderStatus::Delivered => (t.order_delivered(), "good"),
        OrderStatus::Completed => (t.order_completed(), "good"),
        OrderStatus::Cancelled => (t.order_cancelled(), "bad"),
        OrderStatus::Refunded => (t.order_refunded(), "bad"),
    }
}

pub(crate) fn payment_status(t: Texts, status: PaymentStatus) -> String {
    match status {
        PaymentStatus::Unspecified | PaymentStatus::Pending => t.payment_pending(),
        PaymentStatus::Processing => t.payment_processing(),
        PaymentStatus::Paid => t.payment_paid(),
        PaymentStatus::Failed => t.payment_failed(),
        PaymentStatus::Cancelled => t.payment_cancelled(),
        PaymentStatus::Refunded => t.payment_refunded(),
        PaymentStatus::PartiallyRefunded => t.payment_partially_refunded(),
    }
}

/// What a line of an order's timeline tells; an event that has no words yet is told as a change.
pub(crate) fn event(t: Texts, name: &str) -> String {
    match name {
        "order.placed" => t.event_placed(),
        "order.paid" | "order.paid_after_end" => t.event_paid(),
        "order.payment_failed" => t.event_payment_failed(),
        "order.accepted" => t.event_accepted(),
        "order.shipped" => t.event_shipped(),
        "order.delivered" => t.event_delivered(),
        "order.completed" => t.event_completed(),
        "order.cancelled" => t.event_cancelled(),
        "order.expired" => t.event_expired(),
        "order.refunded" | "order.refund_done" => t.event_refunded(),
        "order.items_cancelled" => t.event_items_cancelled(),
        "order.refund_requested" => t.event_refund_requested(),
        "order.return_requested" => t.return_requested(),
        "order.return_approved" => t.return_approved(),
        "order.return_refused" => t.return_refused(),
        "order.return_received" => t.return_received(),
        _ => t.event_changed(),
    }
}

pub(crate) fn provider(t: Texts, name: &str) -> (String, String) {
    match name {
        "payme" => ("Payme".to_owned(), t.pay_payme()),
        "click" => ("Click".to_owned(), t.pay_click()),
        "uzcard" => ("UzCard / Humo".to_owned(), t.pay_uzcard()),
        "stripe" => ("Visa / Mastercard".to_owned(), t.pay_stripe()),
        "cash" => (t.cash(), t.pay_cash()),
        other => (other.to_owned(), String::new()),
    }
}

pub(crate) fn method(t: Texts, method: DeliveryMethod) -> (String, String) {
    match method {
        DeliveryMethod::Courier | DeliveryMethod::Unspecified => (t.courier(), t.courier_text()),
        DeliveryMethod::Pickup => (t.pickup(), t.pickup_text()),
        DeliveryMethod::Post => (t.post(), t.post_text()),
    }
}

/// The method's name in forms.
pub(crate) const fn method_name(method: DeliveryMethod) -> &'static str {
    match method {
        DeliveryMethod::Courier | DeliveryMethod::Unspecified => "courier",
        DeliveryMethod::Pickup => "pickup",
        DeliveryMethod::Post => "post",
    }
}

pub(crate) fn parse_method(name: &str) -> Option<DeliveryMethod> {
    [DeliveryMethod::Courier, DeliveryMethod::Pickup, DeliveryMethod::Post]
        .into_iter()
        .find(|method| method_name(*method) == name)
}
