//! `/orders/{id}`: how far an order has come; paying it and calling it off.

use askama::Template;
use axum::extract::{Path, State};
use fault::{Code, Fault};
use proto::{
    order::{CancelOrderRequest, GetOrderRequest, Order, OrderStatus, StartPaymentRequest},
    payment::PaymentStatus,
};
use sha2::{Digest as _, Sha256};

use super::{
    Page,
    cart::TotalsView,
    checkout, dates, go, html,
    order_return::{self, ReturnView},
    place,
    wording::{self, Notice},
};
use crate::{App, Locale, Texts, failure::Answer, form::Posted, labels, regions, visit::Visit};

#[derive(Template)]
#[template(path = "storefront/order.html")]
struct View {
    t: Texts,
    page: Page,
    csrf: String,
    notice: Option<Notice>,
    id: String,
    number: String,
    status: String,
    tone: &'static str,
    placed_at: String,
    payment: String,
    provider: String,
    /// Goods are held until then; empty when nothing waits.
    held_until: String,
    /// The provider's page; empty when there is nothing to pay there.
    pay_url: String,
    /// Other ways to pay.
    providers: Vec<(String, String)>,
    key: String,
    can_cancel: bool,
    parcels: Vec<Parcel>,
    totals: TotalsView,
    recipient: String,
    address: String,
    delivery: String,
    timeline: Vec<(String, String)>,
    returns: Vec<ReturnView>,
    refunds: Vec<(String, String)>,
}

/// What one merchant sends.
struct Parcel {
    merchant: String,
    tracking: String,
    items: Vec<ItemView>,
    /// Until when something of it may be brought back; empty when nothing may.
    returnable_until: String,
}

struct ItemView {
    href: String,
    title: String,
    options: String,
    picture: String,
    quantity: u32,
    total: String,
    id: String,
    /// Pieces that will not be sent.
    cancelled: u32,
    /// Pieces that may be brought back.
    returnable: u32,
}

pub(crate) async fn show(State(app): State<App>, visit: Visit, Path(id): Path<String>) -> Answer {
    let request = GetOrderRequest { order_token: visit.order_token(&id), id };
    let order = match app.mesh.order().get_order(request).await.map_err(Fault::from) {
        Ok(answer) => answer.into_inner().order.unwrap_or_default(),
        // Somebody who is not signed in may only have to sign in to see it.
        Err(fault)
            if !visit.signed_in()
                && matches!(fault.code, Code::NotFound | Code::Unauthenticated) =>
        {
            return Ok(go(&crate::link::Link::to("/login").set("next", visit.path()).to_string()));
        }
        Err(fault) => return Err(fault.into()),
    };
    let unpaid = order.status() == OrderStatus::AwaitingPayment;
    let providers = if unpaid { checkout::names_of_providers(&app).await? } else { Vec::new() };
    html(&view(&app, &visit, &order, providers))
}

fn view(app: &App, visit: &Visit, order: &Order, providers: Vec<String>) -> View {
    let (t, locale) = (visit.texts(), visit.locale());
    let (status, tone) = wording::order_status(t, order.status());
    let unpaid = order.status() == OrderStatus::AwaitingPayment;
    let payment = order.payment.clone().unwrap_or_default();
    let open = matches!(payment.status(), PaymentStatus::Pending | PaymentStatus::Processing);
    let safe =
        payment.redirect_url.starts_with("https://") || payment.redirect_url.starts_with("http://");
    let payable = unpaid && open && safe;
    let delivery = order.delivery.clone().unwrap_or_default();
    let address = delivery.address.clone().unwrap_or_default();
    View {
        t,
        page: Page::new(visit, t.order_number(&order.number)).private(),
        csrf: visit.csrf(),
        notice: wording::notice(visit),
        id: order.id.clone(),
        number: order.number.clone(),
        status,
        tone,
        placed_at: dates::moment(t, locale, order.placed_at_ms),
        payment: wording::payment_status(t, order.payment_status()),
        provider: wording::provider(t, &order.payment_provider).0,
        held_until: if unpaid && order.reserved_until_ms > 0 {
            dates::moment(t, locale, order.reserved_until_ms)
        } else {
            String::new()
        },
        pay_url: if payable { payment.redirect_url } else { String::new() },
        providers: providers
            .into_iter()
            .filter(|name| !payable || *name != order.payment_provider)
            .map(|name| {
                let label = wording::provider(t, &name).0;
                (name, label)
            })
            .collect(),
        key: ids::token::secret("web_"),
        can_cancel: order.cancellable || unpaid,
        parcels: parcels(t, locale, order, app.config.clock.now().millis()),
        totals: TotalsView::new(t, locale, order.totals.as_ref(), true),
        recipient: [address.recipient.as_str(), address.phone.as_str()].join(", "),
        address: address_line(locale, &address),
        delivery: wording::method(t, delivery.method()).0,
        timeline: timeline(t, locale, order),
        returns: order_return::views(t, locale, order),
        refunds: order_return::refunds(t, locale, order),
    }
}

/// From the largest to the smallest, as addresses are written here.
fn address_line(locale: Locale, address: &proto::value::Address) -> String {
    let mut parts = Vec::new();
    if let Some((region, district)) = regions::find(&address.district) {
        parts.push(region.name(locale));
        parts.push(district.name(locale));
    }
    parts.extend([address.street.clone(), address.house.clone(), address.landmark.clone()]);
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

fn parcels(t: Texts, locale: Locale, order: &Order, now: i64) -> Vec<Parcel> {
    let item_view = |item: &proto::order::OrderItem| ItemView {
        href: format!("/p/{}", item.product_id),
        title: locale.of(item.title.as_ref()),
        options: labels::options(locale, &item.options),
        picture: if item.picture_url.starts_with('/') || item.picture_url.starts_with("http") {
            item.picture_url.clone()
        } else {
            String::new()
        },
        quantity: item.quantity,
        total: item.total.as_ref().map(|total| locale.price(total.amount)).unwrap_or_default(),
        id: item.id.clone(),
        cancelled: item.cancelled,
        returnable: item.returnable,
    };
    let mut parcels: Vec<(String, Parcel)> = Vec::new();
    for item in &order.items {
        let view = item_view(item);
        match parcels.iter_mut().find(|(merchant, _)| *merchant == item.merchant_id) {
            Some((_, parcel)) => parcel.items.push(view),
            None => {
                let shipment = order
                    .shipments
                    .iter()
                    .find(|shipment| shipment.merchant_id == item.merchant_id);
                let tracking = shipment.map(|shipment| {
                    [shipment.carrier.as_str(), shipment.tracking.as_str()]
                        .join(" ")
                        .trim()
                        .to_owned()
                });
                let until = shipment.map_or(0, |shipment| shipment.returnable_until_ms);
                let mut own = order.items.iter().filter(|it| it.merchant_id == item.merchant_id);
                let some = until >= now && own.any(|it| it.returnable > 0);
                let parcel = Parcel {
                    returnable_until: if some {
                        dates::moment(t, locale, until)
                    } else {
                        String::new()
                    },
                    merchant: item.merchant_name.clone(),
                    tracking: tracking.unwrap_or_default(),
                    items: vec![view],
                };
                parcels.push((item.merchant_id.clone(), parcel));
            }
        }
    }
    parcels.into_iter().map(|(_, parcel)| parcel).collect()
}

fn timeline(t: Texts, locale: Locale, order: &Order) -> Vec<(String, String)> {
    let entries = order.timeline.iter();
    entries
        .map(|entry| (wording::event(t, &entry.event), dates::moment(t, locale, entry.at_ms)))
        .collect()
}

/// `POST /orders/{id}/pay`: `provider`, `key`.
pub(crate) async fn pay(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    form: Posted,
) -> Answer {
    mesh::detach(async move {
        let provider = form.field("provider").to_owned();
        let request = StartPaymentRequest {
            order_id: id.clone(),
            order_token: visit.order_token(&id),
            request_hash: Sha256::digest(format!("{id}\n{provider}")).to_vec().into(),
            provider,
            idempotency_key: form.field("key").chars().take(100).collect(),
        };
        match app.mesh.order().start_payment(request).await.map_err(Fault::from) {
            Ok(answer) => {
                Ok(place::to_payment(&app, &id, answer.into_inner().payment.as_ref(), ""))
            }
            Err(fault) => {
                let said = match fault.reason.as_ref() {
                    "ORDER_ALREADY_PAID" => "paid",
                    "PAYMENT_IN_PROGRESS" => "in-progress",
                    "PROVIDER_DISABLED" | "PROVIDER_UNAVAILABLE" | "PAYMENT_AMOUNT" => "provider",
                    _ => return Err(fault.into()),
                };
                Ok(go(&format!("/orders/{id}?said={said}")))
            }
        }
    })
    .await?
}

/// `POST /orders/{id}/cancel`.
pub(crate) async fn cancel(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    _: Posted,
) -> Answer {
    mesh::detach(async move {
        let request = CancelOrderRequest {
            order_token: visit.order_token(&id),
            id: id.clone(),
            reason: String::new(),
        };
        let said = match app.mesh.order().cancel_order(request).await.map_err(Fault::from) {
            Ok(_) => "cancelled",
            Err(fault) if fault.code == Code::Conflict => "not-cancelled",
            Err(fault) => return Err(fault.into()),
        };
        Ok(go(&format!("/orders/{id}?said={said}")))
    })
    .await?
}
