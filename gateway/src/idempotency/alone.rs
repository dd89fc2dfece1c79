//! What may be done with a key while the memory of answers is away.
//!
//! Most calls are safe without it: a repeat finds what the first one made, or does the same once more to the same end. It only gets
//! another answer than the first did, a conflict for example. What would be made twice waits.

use http::Method;

/// What a repeat of would do twice.
#[cfg(test)]
const TWICE: &[(&str, &str)] = &[
    // Another line's worth of pieces.
    ("POST", "/v1/store/carts/{id}/items"),
    // Another piece.
    ("POST", "/v1/store/orders/{id}/returns"),
    ("POST", "/v1/merchant/orders/{id}/cancel"),
    // Another one of them.
    ("POST", "/v1/store/addresses"),
    ("POST", "/v1/merchant/api-keys"),
    ("POST", "/v1/merchant/products"),
    ("POST", "/v1/merchant/promotions"),
    ("POST", "/v1/admin/promotions"),
];

/// What a repeat of changes nothing more, and why.
const SAFE: &[(&str, &str, &str)] = &[
    ("POST", "/v1/auth/register", "phones and addresses are unique"),
    ("POST", "/v1/auth/login", "another session, which ends by itself"),
    ("POST", "/v1/auth/refresh", "a used token ends the session: sign in again"),
    ("POST", "/v1/auth/logout", "it has ended"),
    ("POST", "/v1/auth/otp", "auth bounds how many are sent"),
    ("POST", "/v1/auth/otp/verify", "a code works once"),
    ("POST", "/v1/auth/password/forgot", "another letter"),
    ("POST", "/v1/auth/password/reset", "a token works once"),
    ("PATCH", "/v1/auth/me", "sets values"),
    ("POST", "/v1/auth/ws-ticket", "it ends within a minute"),
    ("POST", "/v1/store/carts", "an empty cart, which is forgotten"),
    ("PATCH", "/v1/store/carts/{id}/items/{item_id}", "sets a quantity"),
    ("POST", "/v1/store/carts/{id}/discount-codes", "a code stands once"),
    ("POST", "/v1/store/carts/{id}/merge", "the other cart is gone"),
    ("POST", "/v1/store/carts/{id}/complete", "order keeps the key"),
    ("POST", "/v1/store/orders/{id}/payments", "order keeps the key"),
    ("POST", "/v1/store/orders/{id}/cancel", "an order goes one way"),
    ("PATCH", "/v1/store/addresses/{id}", "sets values"),
    ("POST", "/v1/store/wishlist", "a product stands once"),
    ("POST", "/v1/store/reviews", "one for a person and product"),
    ("PATCH", "/v1/store/reviews/{id}", "sets values"),
    ("POST", "/v1/merchant/applications", "one for a person"),
    ("POST", "/v1/merchant/staff", "a person stands once"),
    ("POST", "/v1/merchant/products/import", "the same rows set the same values"),
    ("PATCH", "/v1/merchant/products/{id}", "sets values"),
    ("PATCH", "/v1/merchant/offers/{id}", "sets values"),
    ("POST", "/v1/merchant/offers/bulk", "sets values"),
    ("PATCH", "/v1/merchant/promotions/{id}", "sets values"),
    ("POST", "/v1/merchant/files", "the same bytes are one file"),
    ("POST", "/v1/merchant/orders/{id}/accept", "a shipment goes one way"),
    ("POST", "/v1/merchant/orders/{id}/ship", "a shipment goes one way"),
    ("POST", "/v1/merchant/orders/{id}/deliver", "a shipment goes one way"),
    ("POST", "/v1/merchant/orders/{id}/refunds", "order keeps the key"),
    ("POST", "/v1/merchant/returns/{id}/approve", "a return goes one way"),
    ("POST", "/v1/merchant/returns/{id}/refuse", "a return goes one way"),
    ("POST", "/v1/merchant/returns/{id}/receive", "a return goes one way"),
    ("POST", "/v1/admin/merchants/{id}/approve", "sets a status"),
    ("POST", "/v1/admin/merchants/{id}/reject", "sets a status"),
    ("POST", "/v1/admin/merchants/{id}/suspend", "sets a status"),
    (
        "POST",
        "/v1/admin/payments/reconciliation/runs",
        "what differs is found once more, and is one difference",
    ),
    ("POST", "/v1/admin/payments/reconciliation/{id}/resolve", "the first word stays"),
    ("POST", "/v1/admin/refunds/{id}/done", "a refund goes one way"),
    ("POST", "/v1/admin/payouts/{id}/approve", "order keeps the key"),
    ("POST", "/v1/admin/payouts/{id}/paid", "order keeps the key"),
    ("POST", "/v1/admin/payouts/{id}/failed", "order keeps the key"),
    ("POST", "/v1/admin/merchants/{id}/adjustments", "order keeps the key"),
    ("PATCH", "/v1/admin/promotions/{id}", "sets values"),
    ("POST", "/v1/admin/categories", "a category of the same name is replaced"),
    ("POST", "/v1/admin/search/rebuild", "one at a time, and all end in the same index"),
];

/// Whether a call to this route may be made although nothing will remember its answer.
pub(super) fn is_safe(method: &Method, template: &str) -> bool {
    SAFE.iter().any(|(known, route, _)| *known == method.as_str() && *route == template)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::authz::TABLE;

    #[test]
    fn of_every_change_it_is_known_what_a_repeat_does() {
        let changes: BTreeSet<_> = TABLE
            .iter()
            .filter(|(method, ..)| matches!(*method, "POST" | "PATCH"))
            .map(|(method, route, _)| (*method, *route))
            .collect();
        let safe: BTreeSet<_> = SAFE.iter().map(|(method, route, _)| (*method, *route)).collect();
        let twice: BTreeSet<_> = TWICE.iter().copied().collect();
        assert!(safe.is_disjoint(&twice));
        let known: BTreeSet<_> = safe.union(&twice).copied().collect();
        let missing: Vec<_> = changes.difference(&known).collect();
        let superfluous: Vec<_> = known.difference(&changes).collect();
        assert!(missing.is_empty() && superfluous.is_empty(), "-{missing:?} +{superfluous:?}");
        assert!(is_safe(&Method::PATCH, "/v1/auth/me"));
        assert!(!is_safe(&Method::POST, "/v1/store/addresses"));
        assert!(!is_safe(&Method::POST, "/v1/auth/me"));
    }
}
