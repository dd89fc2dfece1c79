//! The document of the public API, made from the handlers themselves.

use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{app::App, routes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "UltraMarket",
        description = "Commerce for Uzbekistan. Money is integer tiyin, times are RFC 3339 in UTC, failures are RFC 9457 problems \
                       in uz, uz-Cyrl, ru and en. `Idempotency-Key` is accepted on every POST and PATCH.",
        license(name = "AGPL-3.0-or-later", identifier = "AGPL-3.0-or-later")
    ),
    components(schemas(crate::problem::ProblemBody<'_>, crate::problem::FieldError<'_>)),
    modifiers(&Credentials)
)]
struct Document;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An access token, or a merchant's key `sk_...`."))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// Every route of the API with its documentation.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi()).merge(routes::all())
}

/// The document alone.
#[cfg(test)]
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_document() {
        insta::with_settings!({ snapshot_path => "../tests/snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_json_snapshot!("openapi", super::document());
        });
    }
}
