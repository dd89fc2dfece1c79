//! `/cart`: what somebody means to buy.

use askama::Template;
use axum::extract::State;
use fault::{Code, Fault};
use proto::{
    cart::{CreateCartRequest, GetCartRequest, PricedCart},
    order::{AppliedPromotion, QuotedLine, Totals},
};

use super::{
    Page, html,
    wording::{self, Notice},
};
use crate::{
    App, Locale, Texts,
    cookies::{CartRef, Cookie},
    failure::{Answer, Failure},
    labels,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "storefront/cart.html")]
struct View {
    t: Texts,
    page: Page,
    csrf: String,
    notice: Option<Notice>,
    lines: Vec<LineView>,
    totals: TotalsView,
    promotions: Vec<PromotionView>,
    codes: Vec<CodeView>,
    /// Every line can be bought.
    ready: bool,
    pieces: u32,
}

/// A line with today's price.
pub(crate) struct LineView {
    pub(crate) item_id: String,
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) options: String,
    pub(crate) merchant: String,
    pub(crate) picture: String,
    pub(crate) quantity: u32,
    pub(crate) unit_price: String,
    /// What it would cost without promotions; empty when they take nothing off.
    pub(crate) before: String,
    pub(crate) total: String,
    pub(crate) available: bool,
}

/// Sums; empty where there is nothing to say.
#[derive(Default)]
pub(crate) struct TotalsView {
    pub(crate) items: String,
    pub(crate) discount: String,
    pub(crate) delivery: String,
    pub(crate) tax: String,
    pub(crate) total: String,
}

struct CodeView {
    code: String,
    /// Why it takes nothing off; empty when it does.
    refused: String,
}

/// A promotion that applies.
pub(crate) struct PromotionView {
    pub(crate) name: String,
    pub(crate) code: String,
    /// What it takes off.
    pub(crate) amount: String,
}

/// What lowers the price of a cart, by name.
pub(crate) fn promotions(t: Texts, locale: Locale, cart: &PricedCart) -> Vec<PromotionView> {
    let view = |promotion: &AppliedPromotion| PromotionView {
        name: locale.of(promotion.name.as_ref()),
        code: promotion.code.clone(),
        amount: match promotion.amount.as_ref().map_or(0, |amount| amount.amount) {
            0 => t.free(),
            tiyin => locale.price(-tiyin),
        },
    };
    cart.promotions.iter().map(view).collect()
}

impl TotalsView {
    /// `delivery_known` tells "free" from "not chosen yet".
    pub(crate) fn new(
        t: Texts,
        locale: Locale,
        totals: Option<&Totals>,
        delivery_known: bool,
    ) -> Self {
        let Some(totals) = totals else {
            return Self::default();
        };
        let amount =
            |money: &Option<proto::value::Money>| money.as_ref().map_or(0, |money| money.amount);
        let unless_zero = |tiyin: i64| if tiyin == 0 { String::new() } else { locale.price(tiyin) };
        let delivery = match amount(&totals.delivery) {
            0 if delivery_known => t.free(),
            tiyin => unless_zero(tiyin),
        };
        Self {
            items: locale.price(amount(&totals.items)),
            discount: unless_zero(-amount(&totals.discount)),
            delivery,
            tax: unless_zero(amount(&totals.tax_included)),
            total: locale.price(amount(&totals.total)),
        }
    }
}

/// The lines with the names that the cart gives them.
pub(crate) fn lines(locale: Locale, cart: &PricedCart) -> Vec<LineView> {
    let items = cart.cart.as_ref().map(|cart| cart.items.as_slice()).unwrap_or_default();
    let pairs = cart.lines.iter().zip(items);
    pairs.map(|(line, item)| line_view(locale, line, item.id.clone())).collect()
}

fn line_view(locale: Locale, line: &QuotedLine, item_id: String) -> LineView {
    let price = |money: &Option<proto::value::Money>| {
        money.as_ref().map(|money| locale.price(money.amount)).unwrap_or_default()
    };
    let picture = &line.picture_url;
    let shown = picture.starts_with('/')
        || picture.starts_with("https://")
        || picture.starts_with("http://");
    LineView {
        item_id,
        href: format!("/p/{}", line.product_id),
        title: locale.of(line.title.as_ref()),
        options: labels::options(locale, &line.options),
        merchant: line.merchant_name.clone(),
        picture: if shown { picture.clone() } else { String::new() },
        quantity: line.quantity,
        unit_price: price(&line.unit_price),
        before: match (&line.total, &line.discount) {
            (Some(total), Some(discount)) if discount.amount > 0 => {
                locale.price(total.amount.saturating_add(discount.amount))
            }
            _ => String::new(),
        },
        total: price(&line.total),
        available: line.available && !line.unknown,
    }
}

pub(crate) async fn show(State(app): State<App>, visit: Visit) -> Answer {
    let (t, locale) = (visit.texts(), visit.locale());
    let (cart, _) = load(&app, &visit).await?.unwrap_or_default();
    let lines = lines(locale, &cart);
    let inner = cart.cart.clone().unwrap_or_default();
    let mut page = Page::new(&visit, t.cart()).private();
    page.cart_count = pieces(&cart);
    let code = |code: &String| {
        let refused = cart.refused.iter().find(|refused| refused.code == *code);
        let why = match refused {
            Some(refused) => wording::refused_code(t, &refused.reason),
            None if cart.refused_codes.contains(code) => t.code_refused(),
            None => String::new(),
        };
        CodeView { code: code.clone(), refused: why }
    };
    html(&View {
        t,
        csrf: visit.csrf(),
        notice: wording::notice(&visit),
        totals: TotalsView::new(t, locale, cart.totals.as_ref(), false),
        promotions: promotions(t, locale, &cart),
        codes: inner.discount_codes.iter().map(code).collect(),
        ready: !lines.is_empty() && lines.iter().all(|line| line.available),
        pieces: page.cart_count,
        lines,
        page,
    })
}

/// How many pieces a cart holds.
pub(crate) fn pieces(cart: &PricedCart) -> u32 {
    let items = cart.cart.iter().flat_map(|cart| &cart.items);
    items.fold(0u32, |sum, item| sum.saturating_add(item.quantity))
}

/// The visitor's cart with the token that opens it; `None` when there is none. A signed-in visitor has one wherever they sit.
pub(crate) async fn load(
    app: &App,
    visit: &Visit,
) -> Result<Option<(PricedCart, CartRef)>, Failure> {
    if let Some(known) = visit.cart() {
        let request = GetCartRequest { id: known.id.clone(), token: known.token.clone() };
        match app.mesh.cart().get_cart(request).await {
            Ok(answer) => {
                let cart = answer.into_inner().cart.unwrap_or_default();
                let open = cart.cart.as_ref().is_some_and(|cart| cart.order_id.is_empty());
                if open {
                    return Ok(Some((cart.clone(), remember(visit, &cart, known.token.clone()))));
                }
            }
            Err(status) => {
                let fault = Fault::from(status);
                if fault.code != Code::NotFound {
                    return Err(fault.into());
                }
            }
        }
        visit.set(Cookie::Cart, "");
    }
    if visit.signed_in() { create(app, visit).await.map(Some) } else { Ok(None) }
}

/// A new cart, or the one that a signed-in visitor has already.
pub(crate) async fn create(app: &App, visit: &Visit) -> Result<(PricedCart, CartRef), Failure> {
    let answer = app.mesh.cart().create_cart(CreateCartRequest {}).await?.into_inner();
    let cart = answer.cart.unwrap_or_default();
    let reference = remember(visit, &cart, answer.token);
    Ok((cart, reference))
}

/// Writes the cart's place and size into the cookie, unless it stands there already.
pub(crate) fn remember(visit: &Visit, cart: &PricedCart, token: String) -> CartRef {
    let id = cart.cart.as_ref().map(|cart| cart.id.clone()).unwrap_or_default();
    let reference = CartRef { id, token, count: pieces(cart) };
    if visit.cart() != Some(&reference) {
        visit.set(Cookie::Cart, &reference.to_string());
    }
    reference
}
