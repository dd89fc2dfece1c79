//! What of an order comes back, the money for it, and its invoice.

use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{Html, IntoResponse as _},
};
use fault::{Code, Fault};
use proto::order::{
    GetOrderRequest, ItemQuantity, Order, RequestReturnRequest, Return as Returned,
};

use super::{dates, go};
use crate::{App, Locale, Texts, failure::Answer, form::Posted, visit::Visit};

/// A return, as the page of its order shows it.
pub(super) struct ReturnView {
    pub(super) status: String,
    pub(super) at: String,
    pub(super) items: String,
    /// Why it was refused.
    pub(super) answer: String,
}

pub(super) fn views(t: Texts, locale: Locale, order: &Order) -> Vec<ReturnView> {
    let view = |it: &Returned| ReturnView {
        status: match it.status.as_str() {
            "approved" => t.return_approved(),
            "refused" => t.return_refused(),
            "received" => t.return_received(),
            "refunded" => t.return_refunded(),
            _ => t.return_requested(),
        },
        at: dates::moment(t, locale, it.at_ms),
        items: items(locale, order, &it.items),
        answer: it.answer.clone(),
    };
    order.returns.iter().map(view).collect()
}

fn items(locale: Locale, order: &Order, parts: &[ItemQuantity]) -> String {
    let named = parts.iter().filter_map(|part| {
        let item = order.items.iter().find(|item| item.id == part.item_id)?;
        Some(format!("{} × {}", locale.of(item.title.as_ref()), part.quantity))
    });
    named.collect::<Vec<_>>().join(", ")
}

/// Sums that go back, and how far each is.
pub(super) fn refunds(t: Texts, locale: Locale, order: &Order) -> Vec<(String, String)> {
    let refunds = order.refunds.iter();
    refunds
        .map(|refund| {
            let status = match refund.status.as_str() {
                "succeeded" => t.refund_succeeded(),
                "failed" => t.refund_failed(),
                _ => t.refund_pending(),
            };
            let amount = refund.amount.as_ref().map_or(0, |sum| sum.amount);
            (locale.price(amount), status)
        })
        .collect()
}

/// `POST /orders/{id}/returns`: `reason`, and `quantity_<line>` for each line.
pub(crate) async fn request(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    form: Posted,
) -> Answer {
    mesh::detach(async move {
        let request = GetOrderRequest { order_token: visit.order_token(&id), id: id.clone() };
        let order = app.mesh.order().get_order(request).await?.into_inner().order;
        let wanted = |item: &proto::order::OrderItem| {
            let quantity = form.number(&format!("quantity_{}", item.id));
            (quantity > 0).then(|| ItemQuantity { item_id: item.id.clone(), quantity })
        };
        let items: Vec<_> = order.unwrap_or_default().items.iter().filter_map(wanted).collect();
        let reason: String = form.field("reason").chars().take(200).collect();
        if items.is_empty() || reason.is_empty() {
            return Ok(go(&format!("/orders/{id}?said=return-empty")));
        }
        let request = RequestReturnRequest {
            order_id: id.clone(),
            order_token: visit.order_token(&id),
            items,
            reason,
            ..Default::default()
        };
        let said = match app.mesh.returns().request_return(request).await.map_err(Fault::from) {
            Ok(_) => "returned",
            Err(fault) if fault.code == Code::Conflict => "not-returned",
            Err(fault) => return Err(fault.into()),
        };
        Ok(go(&format!("/orders/{id}?said={said}")))
    })
    .await?
}

/// `GET /orders/{id}/invoice`
pub(crate) async fn invoice(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
) -> Answer {
    let request = GetOrderRequest { order_token: visit.order_token(&id), id };
    let order = app.mesh.order().get_order(request).await?.into_inner().order;
    let page = crate::invoice::page(&order.unwrap_or_default(), visit.locale());
    let mut response = Html(page).into_response();
    let policy = HeaderValue::from_static(crate::invoice::POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}
