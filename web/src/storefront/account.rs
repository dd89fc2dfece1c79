//! `/account`: who is signed in, and what they have ordered.

use askama::Template;
use axum::extract::State;
use proto::{
    auth::GetMeRequest,
    order::{ListOrdersRequest, Order},
    value::PageRequest,
};

use super::{Page, dates, go, html, listing::Pages, wording};
use crate::{
    App, Locale, Texts,
    failure::{Answer, optional},
    visit::Visit,
};

const ORDERS: u32 = 20;

#[derive(Template)]
#[template(path = "storefront/account.html")]
struct View {
    t: Texts,
    page: Page,
    csrf: String,
    name: String,
    login: String,
    orders: Vec<OrderRow>,
    /// The order service is away.
    away: bool,
    pages: Pages,
}

struct OrderRow {
    href: String,
    number: String,
    date: String,
    status: String,
    tone: &'static str,
    titles: String,
    total: String,
}

pub(crate) async fn show(State(app): State<App>, visit: Visit) -> Answer {
    if !visit.signed_in() {
        return Ok(go("/login?next=%2Faccount"));
    }
    let (t, locale) = (visit.texts(), visit.locale());
    let page = PageRequest { limit: ORDERS, after: visit.param("after").to_owned(), count: false };
    let (mut accounts, mut orders) = (app.mesh.auth(), app.mesh.order());
    let (me, orders) = futures::join!(
        accounts.get_me(GetMeRequest {}),
        orders.list_orders(ListOrdersRequest { page: Some(page) }),
    );
    let user = optional("account", me).and_then(|answer| answer.user).unwrap_or_default();
    let orders = optional("orders", orders);
    let away = orders.is_none();
    let orders = orders.unwrap_or_default();
    html(&View {
        t,
        page: Page::new(&visit, t.account()).private(),
        csrf: visit.csrf(),
        login: if user.phone.is_empty() { user.email } else { user.phone },
        name: user.name,
        away,
        pages: Pages::new(&visit, &orders.page.unwrap_or_default().next),
        orders: orders.orders.iter().map(|order| row(t, locale, order)).collect(),
    })
}

fn row(t: Texts, locale: Locale, order: &Order) -> OrderRow {
    let (status, tone) = wording::order_status(t, order.status());
    let titles: Vec<String> =
        order.items.iter().map(|item| locale.of(item.title.as_ref())).collect();
    let total = order.totals.as_ref().and_then(|totals| totals.total.as_ref());
    OrderRow {
        href: format!("/orders/{}", order.id),
        number: order.number.clone(),
        date: dates::day(t, locale, order.placed_at_ms),
        status,
        tone,
        titles: titles.join(" · "),
        total: total.map(|total| locale.price(total.amount)).unwrap_or_default(),
    }
}
