//! Who may call what: one table, and what does not stand in it is refused.
//!
//! The services decide again by themselves; this table keeps requests that cannot succeed from reaching them.

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use fault::Fault;
use http::Method;
use mesh::{Caller, Context, Kind, StaffRole};

use crate::problem::Problem;

mod table;

pub(crate) use table::TABLE;

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody; what is shown is decided by tokens of carts and orders.
    Public,
    /// Signed-in people.
    User,
    /// Staff of a merchant from this role on, and keys that hold the scope; no keys without one.
    Merchant(StaffRole, Option<&'static str>),
    /// The platform owner.
    Admin,
}

impl Access {
    /// Whether the caller may, or why not.
    pub(crate) fn check(self, caller: &Caller) -> Result<(), Fault> {
        match self {
            Self::Public => Ok(()),
            Self::User | Self::Merchant(_, None) if caller.kind == Kind::ApiKey => {
                Err(Fault::forbidden("not with an API key"))
            }
            Self::User => caller.require_user().map(drop),
            Self::Merchant(least, scope) => {
                caller.require_merchant(least)?;
                scope.map_or(Ok(()), |scope| caller.require_scope(scope))
            }
            Self::Admin => caller.require_admin(),
        }
    }
}

static BY_PATH: LazyLock<HashMap<&'static str, Vec<(&'static str, Access)>>> =
    LazyLock::new(|| {
        let mut rows: HashMap<_, Vec<_>> = HashMap::new();
        for (method, path, access) in TABLE {
            rows.entry(*path).or_default().push((*method, *access));
        }
        rows
    });

/// The row of a route, if it has one. `*` stands for every method.
pub(crate) fn access(method: &Method, template: &str) -> Option<Access> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let rows = BY_PATH.get(template)?;
    rows.iter().find(|(name, _)| *name == method || *name == "*").map(|(_, access)| *access)
}

/// The layer around every route of the API.
pub(crate) async fn layer(
    template: MatchedPath,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(access) = access(request.method(), template.as_str()) else {
        tracing::error!(method = %request.method(), path = template.as_str(), "a route without a row in the table of rights");
        return Err(Fault::forbidden("nobody may do this").into());
    };
    access.check(&Context::caller())?;
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use ids::{MerchantId, UserId};

    use super::*;

    fn staff(role: StaffRole) -> Caller {
        Caller { merchant: Some((MerchantId::new(), role)), ..Caller::user(UserId::new()) }
    }

    fn key(scopes: &[&str]) -> Caller {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Caller { kind: Kind::ApiKey, user: None, scopes, ..staff(StaffRole::Operator) }
    }

    #[test]
    fn every_row_refuses_whom_it_should() {
        let guest = Caller::guest();
        let shopper = Caller::user(UserId::new());
        let admin = Caller { roles: vec!["admin".to_owned()], ..Caller::user(UserId::new()) };
        let code =
            |access: Access, caller: &Caller| access.check(caller).map_err(|f| f.code.http());
        for (method, path, access) in TABLE {
            let row = format!("{method} {path}");
            match access {
                Access::Public => assert_eq!(code(*access, &guest), Ok(()), "{row}"),
                Access::User => {
                    assert_eq!(code(*access, &guest), Err(401), "{row}");
                    assert_eq!(code(*access, &shopper), Ok(()), "{row}");
                    assert_eq!(code(*access, &key(&["orders:read"])), Err(403), "{row}");
                }
                Access::Merchant(least, scope) => {
                    assert_eq!(code(*access, &guest), Err(401), "{row}");
                    assert_eq!(code(*access, &shopper), Err(403), "{row}");
                    assert_eq!(code(*access, &admin), Err(403), "{row}");
                    assert_eq!(code(*access, &staff(StaffRole::Admin)), Ok(()), "{row}");
                    let viewer = code(*access, &staff(StaffRole::Viewer));
                    assert_eq!(viewer.is_ok(), *least == StaffRole::Viewer, "{row}");
                    assert_eq!(code(*access, &key(&["other:read"])), Err(403), "{row}");
                    if let Some(scope) = scope {
                        assert_eq!(code(*access, &key(&[scope])), Ok(()), "{row}");
                    }
                }
                Access::Admin => {
                    assert_eq!(code(*access, &guest), Err(401), "{row}");
                    assert_eq!(code(*access, &shopper), Err(403), "{row}");
                    assert_eq!(code(*access, &staff(StaffRole::Admin)), Err(403), "{row}");
                    assert_eq!(code(*access, &key(&["orders:read"])), Err(403), "{row}");
                    assert_eq!(code(*access, &admin), Ok(()), "{row}");
                }
            }
        }
    }

    #[test]
    fn the_table_and_the_routes_are_the_same() {
        use std::collections::BTreeSet;

        let document = serde_json::to_value(crate::openapi::document()).unwrap();
        let mut routes = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let hook = path.starts_with("/hooks/");
                let method = if hook { "*".to_owned() } else { method.to_uppercase() };
                routes.insert(format!("{method} {path}"));
            }
        }
        let table: BTreeSet<String> = TABLE
            .iter()
            .map(|(method, path, _)| format!("{method} {}", path.replace("{*", "{")))
            .collect();
        assert_eq!(table.len(), TABLE.len(), "no row stands twice");
        let missing: Vec<_> = routes.difference(&table).collect();
        let superfluous: Vec<_> = table.difference(&routes).collect();
        assert!(missing.is_empty() && superfluous.is_empty(), "-{missing:?} +{superfluous:?}");
    }
}
