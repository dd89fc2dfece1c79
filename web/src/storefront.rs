//! The shop. Each screen is a handler with its view type (`<screen>.rs`) and its template (`<screen>.html`) beside it.

use askama::Template;
use axum::{
    Router,
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use fault::Fault;

use crate::{App, Texts, failure::Failure, visit::Visit};

mod account;
mod card;
mod cart;
mod cart_change;
mod catalogue;
mod category;
mod checkout;
mod dates;
mod home;
mod listing;
mod order;
mod order_return;
mod page;
mod place;
mod product;
mod search;
mod sign_in;
mod wording;

use page::Page;

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/", get(home::show))
        .route("/c/{slug}", get(category::show))
        .route("/search", get(search::show))
        .route("/p/{slug}", get(product::show))
        .route("/cart", get(cart::show))
        .route("/cart/items", post(cart_change::add))
        .route("/cart/items/{id}", post(cart_change::set))
        .route("/cart/codes", post(cart_change::add_code))
        .route("/cart/codes/remove", post(cart_change::remove_code))
        .route("/checkout", get(checkout::show).post(place::submit))
        .route("/orders/{id}", get(order::show))
        .route("/orders/{id}/pay", post(order::pay))
        .route("/orders/{id}/cancel", post(order::cancel))
        .route("/orders/{id}/returns", post(order_return::request))
        .route("/orders/{id}/invoice", get(order_return::invoice))
        .route("/login", get(sign_in::show_login).post(sign_in::login))
        .route("/register", get(sign_in::show_register).post(sign_in::register))
        .route("/logout", get(sign_in::leave).post(sign_in::logout))
        .route("/account", get(account::show))
        .fallback(missing)
        .method_not_allowed_fallback(missing)
}

async fn missing() -> Failure {
    Failure::not_found()
}

/// A view as an answer.
fn html(view: &impl Template) -> Result<Response, Failure> {
    Ok(Html(view.render()?).into_response())
}

/// After a form: the browser reads the next page with GET, so that reloading repeats nothing.
fn go(path: &str) -> Response {
    Redirect::to(path).into_response()
}

#[derive(Template)]
#[template(path = "storefront/error.html")]
struct ErrorView {
    t: Texts,
    page: Page,
    heading: String,
    text: String,
}

/// The page in place of what failed. No calls are made for it: whatever is away may be the reason.
pub(crate) fn error_page(visit: &Visit, fault: &Fault) -> Result<Html<String>, askama::Error> {
    use fault::Code;
    let t = visit.texts();
    let (heading, text) = match fault.code {
        Code::NotFound | Code::Invalid => (t.error_missing(), t.error_missing_text()),
        Code::Forbidden => (t.error_refused(), t.error_refused_text()),
        Code::Exhausted => (t.error_too_much(), t.error_too_much_text()),
        Code::Unavailable | Code::Timeout => (t.error_away(), t.error_away_text()),
        Code::Conflict | Code::AlreadyExists | Code::Precondition => {
            (t.error_conflict(), t.error_conflict_text())
        }
        Code::Unauthenticated | Code::Internal => (t.error_ours(), t.error_ours_text()),
    };
    let page = Page::new(visit, heading.clone());
    Ok(Html(ErrorView { t, page, heading, text }.render()?))
}
