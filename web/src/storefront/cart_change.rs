//! What changes a cart: a form each, and back to `/cart`.

use axum::{
    extract::{Path, State},
    response::Response,
};
use fault::{Code, Fault};
use proto::cart::{
    AddDiscountCodeRequest, AddItemRequest, PricedCart, RemoveDiscountCodeRequest, SetItemRequest,
};

use super::{cart, go, wording};
use crate::{App, cookies::CartRef, failure::Answer, form::Posted, visit::Visit};

/// `POST /cart/items`: `offer_id`, `quantity`.
pub(crate) async fn add(State(app): State<App>, visit: Visit, form: Posted) -> Answer {
    mesh::detach(async move {
        let reference = match visit.cart() {
            Some(known) => known.clone(),
            None => cart::create(&app, &visit).await?.1,
        };
        let first = add_to(&app, &reference, &form).await;
        let answer = match first {
            // The cart of the cookie is no more: it was bought, or it is too old.
            Err(fault) if fault.reason == "CART_NOT_FOUND" || fault.reason == "CART_COMPLETED" => {
                let (_, fresh) = cart::create(&app, &visit).await?;
                add_to(&app, &fresh, &form).await.map(|cart| (cart, fresh))
            }
            other => other.map(|cart| (cart, reference)),
        };
        match answer {
            Ok((cart, reference)) => {
                cart::remember(&visit, &cart, reference.token);
                Ok(go("/cart?said=added"))
            }
            Err(fault) => told(fault),
        }
    })
    .await?
}

async fn add_to(app: &App, reference: &CartRef, form: &Posted) -> Result<PricedCart, Fault> {
    let request = AddItemRequest {
        cart_id: reference.id.clone(),
        token: reference.token.clone(),
        offer_id: form.field("offer_id").to_owned(),
        quantity: form.number("quantity").max(1),
    };
    let answer = app.mesh.cart().add_item(request).await?;
    Ok(answer.into_inner().cart.unwrap_or_default())
}

/// `POST /cart/items/{id}`: `quantity`, 0 removes.
pub(crate) async fn set(
    State(app): State<App>,
    visit: Visit,
    Path(item_id): Path<String>,
    form: Posted,
) -> Answer {
    mesh::detach(async move {
        let Some(CartRef { id, token, .. }) = visit.cart().cloned() else {
            return Ok(go("/cart"));
        };
        let quantity = form.number("quantity");
        let request = SetItemRequest { cart_id: id, token, item_id, quantity };
        let answer = app.mesh.cart().set_item(request).await;
        changed(&visit, answer.map(|answer| answer.into_inner().cart))
    })
    .await?
}

/// `POST /cart/codes`: `code`.
pub(crate) async fn add_code(State(app): State<App>, visit: Visit, form: Posted) -> Answer {
    mesh::detach(async move {
        let Some(CartRef { id, token, .. }) = visit.cart().cloned() else {
            return Ok(go("/cart"));
        };
        let code = form.field("code").to_owned();
        let request = AddDiscountCodeRequest { cart_id: id, token, code: code.clone() };
        match app.mesh.cart().add_discount_code(request).await.map_err(Fault::from) {
            Ok(answer) => {
                let cart = answer.into_inner().cart.unwrap_or_default();
                let refused =
                    cart.refused_codes.iter().any(|known| known.eq_ignore_ascii_case(&code));
                Ok(go(if refused { "/cart?said=bad-code" } else { "/cart?said=code" }))
            }
            Err(fault)
                if fault.code == Code::Invalid
                    || fault.reason == "TOO_MANY_CODES"
                    || fault.reason.starts_with("DISCOUNT_CODE_") =>
            {
                Ok(go(&format!("/cart?said={}", wording::said_of_code(&fault.reason))))
            }
            Err(fault) => told(fault),
        }
    })
    .await?
}

/// `POST /cart/codes/remove`: `code`.
pub(crate) async fn remove_code(State(app): State<App>, visit: Visit, form: Posted) -> Answer {
    mesh::detach(async move {
        let Some(CartRef { id, token, .. }) = visit.cart().cloned() else {
            return Ok(go("/cart"));
        };
        let code = form.field("code").to_owned();
        let request = RemoveDiscountCodeRequest { cart_id: id, token, code };
        let answer = app.mesh.cart().remove_discount_code(request).await;
        changed(&visit, answer.map(|answer| answer.into_inner().cart))
    })
    .await?
}

/// Back to the cart after a change.
fn changed(visit: &Visit, answer: Result<Option<PricedCart>, tonic::Status>) -> Answer {
    match answer {
        Ok(cart) => {
            let token = visit.cart().map(|known| known.token.clone()).unwrap_or_default();
            cart::remember(visit, &cart.unwrap_or_default(), token);
            Ok(go("/cart?said=changed"))
        }
        Err(status) => told(Fault::from(status)),
    }
}

/// What the shopper can mend is said above the cart; the rest is a page of its own.
fn told(fault: Fault) -> Answer {
    let said: fn(&str) -> Response = |said| go(&format!("/cart?said={said}"));
    match fault.code {
        Code::NotFound => Ok(said("gone")),
        Code::Invalid => Ok(said("limit")),
        Code::Conflict => Ok(go("/cart")),
        _ => Err(fault.into()),
    }
}
