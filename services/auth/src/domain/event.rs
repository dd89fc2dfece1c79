//! What others are told.

use std::fmt;

use ids::UserId;

use super::{Locale, Login, Merchant};

/// A fact for other services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody asks to become a merchant.
    MerchantApplied(Merchant),
    /// A merchant may sell, for the first time or again.
    MerchantApproved(Merchant),
    /// An application was turned down.
    MerchantRejected(Merchant),
    /// A merchant may not sell any more.
    MerchantSuspended(Merchant),
    /// A text is to be sent to one person.
    Message(Message),
}

/// A text for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// For whom, when there is an account.
    pub user: Option<UserId>,
    /// Where to: by SMS or by e-mail.
    pub to: Login,
    /// Name of the template.
    pub template: &'static str,
    /// What the template fills in.
    pub values: Values,
    /// In which language.
    pub locale: Locale,
}

/// What a template fills in. Holds codes and tokens, so nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Values(pub Vec<(&'static str, String)>);

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_shows_a_code() {
        let values = super::Values(vec![("code", "123456".to_owned())]);
        assert_eq!(format!("{values:?}"), r#"["code"]"#);
    }
}
