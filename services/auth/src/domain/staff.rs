//! Who works for a merchant, and with which keys.

use clock::Timestamp;
use ids::{ApiKeyId, MerchantId, StaffId, UserId};

use super::{Checks, Wrong};

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
        [Self::Viewer, Self::Operator, Self::Admin].into_iter().find(|it| it.as_str() == name)
    }
}

/// For whom somebody works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The merchant.
    pub merchant: MerchantId,
    /// With which rights.
    pub role: StaffRole,
}

/// Somebody on a merchant's staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffMember {
    /// Name of the membership.
    pub id: StaffId,
    /// Who.
    pub user: UserId,
    /// Telephone, or e-mail where there is none.
    pub login: String,
    /// Name of the person.
    pub name: String,
    /// Rights.
    pub role: StaffRole,
    /// Since when.
    pub created_at: Timestamp,
}

/// A key of a merchant's servers, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its name.
    pub id: ApiKeyId,
    /// Whose.
    pub merchant: MerchantId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do; of [`SCOPES`].
    pub scopes: Vec<String>,
    /// The first characters of the secret, to recognise it by.
    pub hint: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// What keys can be allowed to do.
pub const SCOPES: [&str; 5] =
    ["products:read", "products:write", "orders:read", "orders:write", "finance:read"];

/// Reads name and scopes of a key to be made.
pub fn api_key_form(name: &str, scopes: &[String]) -> Result<(String, Vec<String>), Vec<Wrong>> {
    let mut checks = Checks::default();
    let name = checks.text("name", name, (1, 100));
    if scopes.is_empty() {
        checks.note(Wrong::new("scopes", "REQUIRED", "give at least one scope"));
    } else if scopes.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
        checks.note(Wrong::new("scopes", "INVALID", "holds a scope that there is not"));
    }
    let held = SCOPES.iter().filter(|known| scopes.iter().any(|scope| scope == *known));
    let held = held.map(|scope| (*scope).to_owned()).collect();
    checks.finish(name.map(|name| (name, held)))
}

/// A line of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Who: a user's id, or `service:<name>`.
    pub who: String,
    /// What, for example `staff.added`.
    pub what: String,
    /// About whom or what: an id.
    pub subject: String,
    /// The merchant that it concerns.
    pub merchant: MerchantId,
    /// What else there is to know; never a secret.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_known_scopes_once() {
        let scopes = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let twice = scopes(&["orders:read", "products:read", "orders:read"]);
        let (_, held) = api_key_form("ERP", &twice).unwrap();
        assert_eq!(held, ["products:read", "orders:read"]);
        assert_eq!(api_key_form("", &scopes(&["root"])).unwrap_err().len(), 2);
        assert_eq!(api_key_form("ERP", &[]).unwrap_err()[0].code, "REQUIRED");
    }

    #[test]
    fn role_names_are_read_back() {
        for role in [StaffRole::Viewer, StaffRole::Operator, StaffRole::Admin] {
            assert_eq!(StaffRole::parse(role.as_str()), Some(role));
        }
        assert_eq!(StaffRole::parse("owner"), None);
    }
}
