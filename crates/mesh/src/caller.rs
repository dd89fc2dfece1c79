//! Who asks, as a service sees it.

use fault::Fault;
use ids::{MerchantId, SessionId, UserId};
use proto::mesh as pb;

/// What sort of caller it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nobody signed in.
    Guest,
    /// A signed-in person.
    User,
    /// A merchant's server with an API key.
    ApiKey,
    /// A role of the platform itself.
    Service,
}

/// Rights inside a merchant; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StaffRole {
    /// May look.
    Viewer,
    /// May work with products and orders.
    Operator,
    /// May everything.
    Admin,
}

impl StaffRole {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Reads the name on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Viewer, Self::Operator, Self::Admin].into_iter().find(|role| role.as_str() == name)
    }
}

/// The principal of a call. Each service decides from it what is allowed; none trusts that the gateway did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What sort of caller.
    pub kind: Kind,
    /// The signed-in user.
    pub user: Option<UserId>,
    /// Their session.
    pub session: Option<SessionId>,
    /// Platform roles.
    pub roles: Vec<String>,
    /// The merchant whose staff the user is, or that owns the key, with the rights inside it.
    pub merchant: Option<(MerchantId, StaffRole)>,
    /// What an API key may do.
    pub scopes: Vec<String>,
    /// The role that calls on its own behalf.
    pub service: String,
}

impl Caller {
    /// Nobody signed in.
    pub fn guest() -> Self {
        Self {
            kind: Kind::Guest,
            user: None,
            session: None,
            roles: Vec::new(),
            merchant: None,
            scopes: Vec::new(),
            service: String::new(),
        }
    }

    /// A role of the platform on its own behalf.
    pub fn service(name: impl Into<String>) -> Self {
        Self { kind: Kind::Service, service: name.into(), ..Self::guest() }
    }

    /// A signed-in shopper.
    pub fn user(user: UserId) -> Self {
        Self { kind: Kind::User, user: Some(user), ..Self::guest() }
    }

    /// The signed-in user, or `UNAUTHENTICATED`.
    pub fn require_user(&self) -> Result<UserId, Fault> {
        self.user.ok_or_else(Fault::unauthenticated)
    }

    /// The caller's merchant, when the caller may act for it at this level.
    /// API keys count as operators; what they may do is a matter of [`Caller::require_scope`].
    pub fn require_merchant(&self, least: StaffRole) -> Result<MerchantId, Fault> {
        match self.merchant {
            Some((merchant, role)) if role >= least => Ok(merchant),
            Some(_) => Err(Fault::forbidden(format!("this needs the {} role", least.as_str()))),
            None if self.kind == Kind::Guest => Err(Fault::unauthenticated()),
            None => Err(Fault::forbidden("only for the staff of a merchant")),
        }
    }

    /// API keys need the scope; people do not.
    pub fn require_scope(&self, scope: &str) -> Result<(), Fault> {
        if self.kind != Kind::ApiKey || self.scopes.iter().any(|held| held == scope) {
            Ok(())
        } else {
            Err(Fault::forbidden(format!("this key lacks the scope {scope}")))
        }
    }

    /// The platform owner.
    pub fn is_admin(&self) -> bool {
        self.kind == Kind::User && self.roles.iter().any(|role| role == "admin")
    }

    /// The platform owner, or a refusal.
    pub fn require_admin(&self) -> Result<(), Fault> {
        match self.kind {
            _ if self.is_admin() => Ok(()),
            Kind::Guest => Err(Fault::unauthenticated()),
            _ => Err(Fault::forbidden("only for the platform owner")),
        }
    }

    /// A role of the platform itself.
    pub fn is_service(&self) -> bool {
        self.kind == Kind::Service
    }

    /// A role of the platform itself, or a refusal.
    pub fn require_service(&self) -> Result<(), Fault> {
        if self.is_service() { Ok(()) } else { Err(Fault::forbidden("only for services")) }
    }
}

impl From<&Caller> for pb::Principal {
    fn from(caller: &Caller) -> Self {
        let kind = match caller.kind {
            Kind::Guest => pb::Kind::Guest,
            Kind::User => pb::Kind::User,
            Kind::ApiKey => pb::Kind::ApiKey,
            Kind::Service => pb::Kind::Service,
        };
        let text = |id: Option<String>| id.unwrap_or_default();
        Self {
            kind: kind.into(),
            user_id: text(caller.user.map(|id| id.to_string())),
            session_id: text(caller.session.map(|id| id.to_string())),
            roles: caller.roles.clone(),
            merchant_id: text(caller.merchant.map(|(id, _)| id.to_string())),
            merchant_role: caller
                .merchant
                .map(|(_, role)| role.as_str().to_owned())
                .unwrap_or_default(),
            scopes: caller.scopes.clone(),
            service: caller.service.clone(),
        }
    }
}

impl From<pb::Principal> for Caller {
    /// Whatever cannot be read is not held: a malformed principal is a guest.
    fn from(principal: pb::Principal) -> Self {
        let kind = match principal.kind() {
            pb::Kind::Unspecified | pb::Kind::Guest => Kind::Guest,
            pb::Kind::User => Kind::User,
            pb::Kind::ApiKey => Kind::ApiKey,
            pb::Kind::Service => Kind::Service,
        };
        let merchant =
            principal.merchant_id.parse().ok().zip(StaffRole::parse(&principal.merchant_role));
        Self {
            kind,
            user: principal.user_id.parse().ok(),
            session: principal.session_id.parse().ok(),
            roles: principal.roles,
            merchant,
            scopes: principal.scopes,
            service: principal.service,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_keeps_who_asks() {
        let caller = Caller {
            merchant: Some((MerchantId::new(), StaffRole::Operator)),
            roles: vec!["admin".to_owned()],
            session: Some(SessionId::new()),
            ..Caller::user(UserId::new())
        };
        assert_eq!(Caller::from(pb::Principal::from(&caller)), caller);
    }

    #[test]
    fn nonsense_is_a_guest() {
        let principal = pb::Principal { user_id: "root".to_owned(), ..Default::default() };
        let caller = Caller::from(principal);
        assert_eq!(caller.kind, Kind::Guest);
        assert!(caller.require_user().is_err());
    }

    #[test]
    fn staff_roles_include_the_lower_ones() {
        let caller = Caller {
            merchant: Some((MerchantId::new(), StaffRole::Operator)),
            ..Caller::user(UserId::new())
        };
        assert!(caller.require_merchant(StaffRole::Viewer).is_ok());
        assert_eq!(
            caller.require_merchant(StaffRole::Admin).unwrap_err().code,
            fault::Code::Forbidden
        );
        assert!(caller.require_admin().is_err());
        let nobody = Caller::guest().require_merchant(StaffRole::Viewer).unwrap_err();
        assert_eq!(nobody.code, fault::Code::Unauthenticated);
    }
}
