//! People and how they are recognised.

use std::fmt;

use clock::Timestamp;
use ids::UserId;

use super::{Checks, Membership, Password, PasswordHash, Phone, Wrong};

/// A language of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locale {
    /// Uzbek in Latin script.
    #[default]
    Uz,
    /// Uzbek in Cyrillic script.
    UzCyrl,
    /// Russian.
    Ru,
    /// English.
    En,
}

impl Locale {
    /// The tag on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uz => "uz",
            Self::UzCyrl => "uz-Cyrl",
            Self::Ru => "ru",
            Self::En => "en",
        }
    }

    /// Reads the tag on the wire.
    pub fn parse(tag: &str) -> Option<Self> {
        [Self::Uz, Self::UzCyrl, Self::Ru, Self::En].into_iter().find(|it| it.as_str() == tag)
    }
}

/// An e-mail address in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Reads what looks like an address that mail can be sent to: one `@`, a name before it, a host with a dot after it, ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (name, host) = text.split_once('@')?;
        let plain = |part: &str, also: &str| {
            part.bytes().all(|byte| byte.is_ascii_alphanumeric() || also.as_bytes().contains(&byte))
        };
        let labels = host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && plain(label, "-")
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
        let dots = !name.starts_with('.') && !name.ends_with('.') && !name.contains("..");
        let good = text.len() <= 254
            && (1..=64).contains(&name.len())
            && plain(name, ".!#$%&'*+/=?^_`{|}~-")
            && dots
            && host.contains('.')
            && labels;
        good.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What somebody signs in with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Login {
    /// A telephone number.
    Phone(Phone),
    /// An e-mail address.
    Email(Email),
}

impl Login {
    /// Reads either; None for what can be nobody's login.
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains('@') {
            Email::parse(text).map(Self::Email)
        } else {
            Phone::parse(text).map(Self::Phone)
        }
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_str(),
            Self::Email(email) => email.as_str(),
        }
    }
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub id: UserId,
    /// At least one of telephone and e-mail is there.
    pub phone: Option<Phone>,
    /// At least one of telephone and e-mail is there.
    pub email: Option<Email>,
    /// As it is to be addressed; empty when the account was made by a code.
    pub name: String,
    /// A platform administrator.
    pub admin: bool,
    /// The number was proved with a code.
    pub phone_verified: bool,
    /// Language of messages.
    pub locale: Locale,
    /// When the account was made.
    pub created_at: Timestamp,
    /// The active merchant whose staff the user is.
    pub membership: Option<Membership>,
}

impl User {
    /// Platform roles, and "merchant" for the staff of an active merchant.
    pub fn roles(&self) -> Vec<&'static str> {
        let admin = self.admin.then_some("admin");
        admin.into_iter().chain(self.membership.map(|_| "merchant")).collect()
    }
}

/// An account about to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its name.
    pub id: UserId,
    /// Telephone.
    pub phone: Option<Phone>,
    /// E-mail.
    pub email: Option<Email>,
    /// Name.
    pub name: String,
    /// Language of messages.
    pub locale: Locale,
    /// What the person was invited with, kept as it was given.
    pub referral_code: String,
    /// The number was proved with a code.
    pub phone_verified: bool,
    /// Absent for accounts made by a code.
    pub password: Option<PasswordHash>,
    /// When.
    pub at: Timestamp,
}

/// What somebody fills in to get an account.
#[derive(Debug)]
pub struct Registration {
    /// Telephone.
    pub phone: Option<Phone>,
    /// E-mail.
    pub email: Option<Email>,
    /// Password.
    pub password: Password,
    /// Name.
    pub name: String,
    /// Language; None when not chosen.
    pub locale: Option<Locale>,
    /// Invitation, for the referral programme.
    pub referral_code: String,
}

impl Registration {
    /// Reads the form; everything that is wrong at once.
    pub fn parse(
        [phone, email, password, name, locale, referral_code]: [&str; 6],
    ) -> Result<Self, Vec<Wrong>> {
        let mut checks = Checks::default();
        if phone.trim().is_empty() && email.trim().is_empty() {
            checks.note(Wrong::new("phone", "REQUIRED", "give a phone or an e-mail address"));
        }
        let phone = checks.take(optional(phone, |text| {
            Phone::parse(text).ok_or(Wrong::new(
                "phone",
                "INVALID",
                "expected +998 and nine digits",
            ))
        }));
        let email = checks.take(optional(email, parse_email));
        let password = checks.take(Password::parse(password));
        let name = checks.text("name", name, (1, 100));
        let locale = checks.take(optional(locale, parse_locale));
        let referral_code = checks.text("referral_code", referral_code, (0, 64));
        let form = (|| {
            Some(Self {
                phone: phone?,
                email: email?,
                password: password?,
                name: name?,
                locale: locale?,
                referral_code: referral_code?,
            })
        })();
        checks.finish(form)
    }
}

/// What a user changes of the own account; None leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// Another name.
    pub name: Option<String>,
    /// Another address; `Some(None)` takes it away.
    pub email: Option<Option<Email>>,
    /// Another language.
    pub locale: Option<Locale>,
}

impl ProfileChange {
    /// Reads the form of somebody who has, or has not, a telephone number.
    pub fn parse(
        name: Option<&str>,
        email: Option<&str>,
        locale: Option<&str>,
        has_phone: bool,
    ) -> Result<Self, Vec<Wrong>> {
        let mut checks = Checks::default();
        let name = name.and_then(|name| checks.text("name", name, (1, 100)));
        let email = email.and_then(|email| checks.take(optional(email, parse_email)));
        if email == Some(None) && !has_phone {
            checks.note(Wrong::new("email", "REQUIRED", "it is the only login of this account"));
        }
        let locale = locale.and_then(|locale| checks.take(parse_locale(locale)));
        checks.finish(Some(Self { name, email, locale }))
    }
}

fn optional<T>(text: &str, parse: impl Fn(&str) -> Result<T, Wrong>) -> Result<Option<T>, Wrong> {
    if text.trim().is_empty() { Ok(None) } else { parse(text).map(Some) }
}

fn parse_email(text: &str) -> Result<Email, Wrong> {
    Email::parse(text).ok_or(Wrong::new("email", "INVALID", "expected name@host"))
}

fn parse_locale(text: &str) -> Result<Locale, Wrong> {
    Locale::parse(text).ok_or(Wrong::new("locale", "INVALID", "expected uz, uz-Cyrl, ru or en"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_look_right_are_taken_in_lower_case() {
        assert_eq!(Email::parse(" Ali.Vali+x@Mail.UZ ").unwrap().as_str(), "ali.vali+x@mail.uz");
        for text in [
            "",
            "a",
            "@b.uz",
            "a@b",
            "a@@b.uz",
            "a b@c.uz",
            "a@b..uz",
            ".a@b.uz",
            "a@-b.uz",
            "а@б.уз",
        ] {
            assert_eq!(Email::parse(text), None, "{text}");
        }
    }

    #[test]
    fn logins_are_told_apart() {
        assert!(matches!(Login::parse("8 90 123 45 67"), Some(Login::Phone(_))));
        assert!(matches!(Login::parse("A@b.uz"), Some(Login::Email(_))));
        assert_eq!(Login::parse("root"), None);
    }

    #[test]
    fn all_wrong_fields_are_told_at_once() {
        let long = "x".repeat(65);
        let wrong = Registration::parse(["12", "no", "short", " ", "de", &long]).unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|wrong| wrong.field).collect();
        assert_eq!(fields, ["phone", "email", "password", "name", "locale", "referral_code"]);
        let none = Registration::parse(["", "", "anorlar-1", "Ali", "", ""]).unwrap_err();
        assert_eq!((none[0].field, none[0].code), ("phone", "REQUIRED"));
        assert!(Registration::parse(["", "a@b.uz", "anorlar-1", "Ali", "", ""]).is_ok());
    }

    #[test]
    fn the_only_login_is_not_taken_away() {
        let refused = ProfileChange::parse(None, Some(""), None, false).unwrap_err();
        assert_eq!(refused[0].field, "email");
        let change = ProfileChange::parse(None, Some(""), None, true).unwrap();
        assert_eq!(change.email, Some(None));
        assert_eq!(change.name, None);
    }
}
