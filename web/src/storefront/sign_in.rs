//! `/login`, `/register`, `/logout`.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use fault::{Code, Fault};
use mesh::Context;
use proto::{
    auth::{LoginRequest, LogoutRequest, RegisterRequest, SignedInResponse},
    cart::{CreateCartRequest, MergeCartsRequest},
};

use super::{Page, cart, checkout, go, html};
use crate::{
    App, Texts,
    cookies::Cookie,
    failure::{Answer, Failure, optional},
    form::Posted,
    link, session,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "storefront/login.html")]
struct LoginView {
    t: Texts,
    page: Page,
    csrf: String,
    next: String,
    login: String,
    wrong: String,
    /// The account asks for a second factor.
    totp: bool,
}

#[derive(Template)]
#[template(path = "storefront/register.html")]
struct RegisterView {
    t: Texts,
    page: Page,
    csrf: String,
    next: String,
    name: String,
    phone: String,
    wrong: String,
}

/// Where to go after signing in.
fn next(text: &str) -> String {
    link::local_path(text).unwrap_or("/account").to_owned()
}

pub(crate) async fn show_login(visit: Visit) -> Answer {
    if visit.signed_in() {
        return Ok(go(&next(visit.param("next"))));
    }
    login_view(&visit, visit.param("next"), "", None)
}

fn login_view(visit: &Visit, next: &str, login: &str, fault: Option<&Fault>) -> Answer {
    let t = visit.texts();
    let totp = fault.is_some_and(|fault| fault.reason.contains("TOTP"));
    let wrong = match fault {
        None => String::new(),
        Some(_) if totp => t.wrong_totp(),
        Some(fault) if fault.code == Code::Exhausted => t.wrong_too_often(),
        Some(_) => t.wrong_login(),
    };
    let view = LoginView {
        t,
        page: Page::new(visit, t.login()).private(),
        csrf: visit.csrf(),
        next: next.to_owned(),
        login: login.to_owned(),
        wrong,
        totp,
    };
    Ok((status(fault), html(&view)?).into_response())
}

/// A form that must be mended answers so that nothing keeps it.
fn status(fault: Option<&Fault>) -> StatusCode {
    match fault {
        None => StatusCode::OK,
        Some(fault) if fault.code == Code::Exhausted => StatusCode::TOO_MANY_REQUESTS,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

pub(crate) async fn login(State(app): State<App>, visit: Visit, form: Posted) -> Answer {
    mesh::detach(async move {
        let typed = form.field("login");
        let request = LoginRequest {
            // A phone is typed in many ways; an e-mail address is sent as it stands.
            login: checkout::phone(typed).unwrap_or_else(|| typed.to_owned()),
            password: form.raw("password").to_owned(),
            totp: form.field("totp").to_owned(),
            client: Some(visit.client()),
        };
        match app.mesh.auth().login(request).await.map_err(Fault::from) {
            Ok(answer) => enter(&app, &visit, answer.into_inner(), form.field("next")).await,
            Err(fault) if mendable(&fault) => {
                login_view(&visit, form.field("next"), typed, Some(&fault))
            }
            Err(fault) => Err(fault.into()),
        }
    })
    .await?
}

fn mendable(fault: &Fault) -> bool {
    matches!(
        fault.code,
        Code::Unauthenticated
            | Code::Invalid
            | Code::Exhausted
            | Code::AlreadyExists
            | Code::NotFound
    )
}

pub(crate) async fn show_register(visit: Visit) -> Answer {
    if visit.signed_in() {
        return Ok(go(&next(visit.param("next"))));
    }
    register_view(&visit, visit.param("next"), "", "+998 ", None)
}

fn register_view(
    visit: &Visit,
    next: &str,
    name: &str,
    phone: &str,
    fault: Option<&Fault>,
) -> Answer {
    let t = visit.texts();
    let field = |fault: &Fault, name: &str| fault.fields.iter().any(|field| field.field == name);
    let wrong = match fault {
        None => String::new(),
        Some(fault) if fault.code == Code::AlreadyExists => t.wrong_taken(),
        Some(fault) if fault.code == Code::Exhausted => t.wrong_too_often(),
        Some(fault) if field(fault, "phone") => t.wrong_phone(),
        Some(fault) if field(fault, "name") => t.wrong_name(),
        Some(_) => t.wrong_password(),
    };
    let view = RegisterView {
        t,
        page: Page::new(visit, t.register()).private(),
        csrf: visit.csrf(),
        next: next.to_owned(),
        name: name.to_owned(),
        phone: phone.to_owned(),
        wrong,
    };
    Ok((status(fault), html(&view)?).into_response())
}

pub(crate) async fn register(State(app): State<App>, visit: Visit, form: Posted) -> Answer {
    mesh::detach(async move {
        let (name, typed) = (form.field("name"), form.field("phone"));
        let refuse =
            |fault: &Fault| register_view(&visit, form.field("next"), name, typed, Some(fault));
        let wrong =
            |field: &str| Fault::invalid(vec![fault::Field::new(field, "INVALID", "not valid")]);
        if name.chars().count() < 2 {
            return refuse(&wrong("name"));
        }
        let Some(phone) = checkout::phone(typed) else {
            return refuse(&wrong("phone"));
        };
        let request = RegisterRequest {
            phone,
            password: form.raw("password").to_owned(),
            name: name.to_owned(),
            locale: visit.locale().tag().to_owned(),
            client: Some(visit.client()),
            ..Default::default()
        };
        match app.mesh.auth().register(request).await.map_err(Fault::from) {
            Ok(answer) => enter(&app, &visit, answer.into_inner(), form.field("next")).await,
            Err(fault) if mendable(&fault) => refuse(&fault),
            Err(fault) => Err(fault.into()),
        }
    })
    .await?
}

/// Signed in: the session goes into its cookie, a guest's cart into the account's.
async fn enter(
    app: &App,
    visit: &Visit,
    answer: SignedInResponse,
    to: &str,
) -> Result<Response, Failure> {
    let tokens = answer.tokens.unwrap_or_default();
    visit.set(Cookie::Session, &session::cookie(&tokens));
    match app.sessions.caller(&tokens).await {
        Ok(caller) => {
            let context = Context { caller: Arc::new(caller), ..Context::current() };
            context.scope(merge(app, visit)).await;
        }
        Err(fault) => tracing::warn!(%fault, "a guest's cart stays apart"),
    }
    Ok(go(&next(to)))
}

/// Never keeps anybody from signing in: without the cart service the guest's cart stays where it is.
async fn merge(app: &App, visit: &Visit) {
    let mut carts = app.mesh.cart();
    let Some(own) = optional("cart", carts.create_cart(CreateCartRequest {}).await) else {
        return;
    };
    let mut cart = own.cart.unwrap_or_default();
    if let Some(guest) = visit.cart().filter(|guest| !guest.token.is_empty()) {
        let request = MergeCartsRequest {
            cart_id: cart.cart.as_ref().map(|cart| cart.id.clone()).unwrap_or_default(),
            guest_cart_id: guest.id.clone(),
            guest_token: guest.token.clone(),
        };
        match carts.merge_carts(request).await.map_err(Fault::from) {
            Ok(merged) => cart = merged.into_inner().cart.unwrap_or_default(),
            // Bought or too old: there is nothing to move.
            Err(fault) if matches!(fault.code, Code::NotFound | Code::Conflict) => {}
            Err(fault) => {
                tracing::warn!(%fault, "a guest's cart stays apart");
                return;
            }
        }
    }
    cart::remember(visit, &cart, String::new());
}

/// A link may lead here; leaving takes the button there.
pub(crate) async fn leave() -> Response {
    go("/account")
}

pub(crate) async fn logout(State(app): State<App>, visit: Visit, _: Posted) -> Answer {
    mesh::detach(async move {
        if visit.signed_in() {
            // The cookie goes in any case; a session that cannot be ended now ends by itself.
            let _ = optional("logout", app.mesh.auth().logout(LogoutRequest {}).await);
        }
        visit.set(Cookie::Session, "");
        visit.set(Cookie::Cart, "");
        Ok(go("/"))
    })
    .await?
}
