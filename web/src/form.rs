//! Forms that change something. A form is taken only from our own pages: its hidden field must equal the visitor's cookie, and a
//! browser that says the request comes from another site is believed.

use axum::{
    Form, RequestExt as _,
    extract::{FromRequest, Request},
};
use fault::{Code, Fault};
use subtle::ConstantTimeEq as _;

use crate::{failure::Failure, visit::Visit};

/// The fields of a form that has been checked.
#[derive(Debug, Clone)]
pub(crate) struct Posted(Vec<(String, String)>);

impl Posted {
    /// A field without the space around it; empty when it is absent.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// A field as it was typed: passwords may begin with a space.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A small number; 0 for anything else.
    pub(crate) fn number(&self, name: &str) -> u32 {
        self.field(name).parse().unwrap_or(0)
    }
}

/// The form did not come from a page of ours.
fn refused() -> Failure {
    Fault::new(Code::Forbidden, "FORM_REFUSED", "the form does not carry the token of its page")
        .into()
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Failure;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, Failure> {
        let visit: Visit = request.extract_parts().await?;
        let site = request.headers().get("sec-fetch-site").map(|value| value.as_bytes().to_owned());
        if site.is_some_and(|site| !matches!(site.as_slice(), b"same-origin" | b"none")) {
            return Err(refused());
        }
        let form = Form::<Vec<(String, String)>>::from_request(request, &()).await;
        let Form(fields) = form.map_err(|_| refused())?;
        let posted = Self(fields);
        let known = visit.csrf_sent().ok_or_else(refused)?;
        let equal: bool = known.as_bytes().ct_eq(posted.field("csrf").as_bytes()).into();
        if equal { Ok(posted) } else { Err(refused()) }
    }
}
