//! Our cookies: their names, how they are read and written.

use axum::http::{HeaderMap, HeaderValue, header};

/// A cookie of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Access and refresh token.
    Session,
    /// The cart, its token and how many pieces it holds.
    Cart,
    /// Tokens of a guest's last orders.
    Orders,
    /// What hidden fields of forms are compared with.
    Csrf,
    /// The language that was chosen.
    Language,
}

const DAY: u64 = 24 * 60 * 60;

impl Cookie {
    /// Browsers take `__Host-` names only from HTTPS, for the whole host and nobody else.
    const fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-um_session",
            (Self::Session, false) => "um_session",
            (Self::Cart, true) => "__Host-um_cart",
            (Self::Cart, false) => "um_cart",
            (Self::Orders, true) => "__Host-um_orders",
            (Self::Orders, false) => "um_orders",
            (Self::Csrf, true) => "__Host-um_csrf",
            (Self::Csrf, false) => "um_csrf",
            // Not a secret, and shared with the API's answers.
            (Self::Language, _) => "um_lang",
        }
    }

    /// How long a browser keeps it, in seconds.
    const fn max_age(self) -> u64 {
        match self {
            Self::Session => 30 * DAY,
            Self::Cart | Self::Orders => 90 * DAY,
            Self::Csrf => DAY,
            Self::Language => 365 * DAY,
        }
    }

    /// Its value in a request; `None` when it is absent or empty.
    pub(crate) fn read(self, headers: &HeaderMap, secure: bool) -> Option<String> {
        let name = self.name(secure);
        let lines = headers.get_all(header::COOKIE).into_iter();
        lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(known, value)| *known == name && !value.is_empty())
            .map(|(_, value)| value.to_owned())
    }

    /// The header that sets it; an empty value removes it. `None` for a value that no cookie can hold.
    pub(crate) fn write(self, value: &str, secure: bool) -> Option<HeaderValue> {
        let allowed =
            |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\');
        if !value.bytes().all(allowed) {
            return None;
        }
        let name = self.name(secure);
        let age = if value.is_empty() { 0 } else { self.max_age() };
        let flag = if secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; Max-Age={age}; SameSite=Lax; HttpOnly{flag}");
        HeaderValue::try_from(text).ok()
    }
}

/// Where a visitor's cart is. The count is for the header of every page, so that none has to ask the cart service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CartRef {
    pub(crate) id: String,
    /// Empty for the cart of a signed-in user.
    pub(crate) token: String,
    pub(crate) count: u32,
}

impl CartRef {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('~');
        let (id, token, count) = (parts.next()?, parts.next()?, parts.next()?);
        let count = count.parse().ok()?;
        (id.starts_with("cart_")).then(|| Self {
            id: id.to_owned(),
            token: token.to_owned(),
            count,
        })
    }
}

impl std::fmt::Display for CartRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}~{}~{}", self.id, self.token, self.count)
    }
}

/// Orders whose tokens a guest's browser keeps.
const KEPT_ORDERS: usize = 8;

/// The token of an order in the cookie's value.
pub(crate) fn order_token(value: &str, order_id: &str) -> Option<String> {
    let mut pairs = value.split('.').filter_map(|pair| pair.split_once('~'));
    pairs.find(|(id, _)| *id == order_id).map(|(_, token)| token.to_owned())
}

/// The cookie's value with one more order in front.
pub(crate) fn with_order(value: &str, order_id: &str, token: &str) -> String {
    let others =
        value.split('.').filter(|pair| pair.split_once('~').is_some_and(|(id, _)| id != order_id));
    let first = format!("{order_id}~{token}");
    let pairs: Vec<&str> =
        std::iter::once(first.as_str()).chain(others).take(KEPT_ORDERS).collect();
    pairs.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_with_every_guard() {
        let header = Cookie::Session.write("a.b~c", true).unwrap();
        let text = header.to_str().unwrap();
        assert!(text.starts_with("__Host-um_session=a.b~c; Path=/;"));
        for guard in ["HttpOnly", "SameSite=Lax", "Secure"] {
            assert!(text.contains(guard), "{text}");
        }
        assert!(Cookie::Cart.write("a; Domain=evil", true).is_none());
        assert!(Cookie::Cart.write("", false).unwrap().to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn read_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; um_cart=cart_1~t~2"));
        headers.append(header::COOKIE, HeaderValue::from_static("um_lang=ru"));
        assert_eq!(Cookie::Language.read(&headers, false).as_deref(), Some("ru"));
        let cart = CartRef::parse(&Cookie::Cart.read(&headers, false).unwrap()).unwrap();
        assert_eq!((cart.id.as_str(), cart.token.as_str(), cart.count), ("cart_1", "t", 2));
        assert_eq!(Cookie::Cart.read(&headers, true), None);
        assert_eq!(CartRef::parse("nonsense"), None);
    }

    #[test]
    fn the_last_orders_are_kept() {
        let mut value = String::new();
        for number in 0..12 {
            value = with_order(&value, &format!("ord_{number}"), "tok");
        }
        value = with_order(&value, "ord_11", "new");
        assert_eq!(order_token(&value, "ord_11").as_deref(), Some("new"));
        assert_eq!(order_token(&value, "ord_0"), None);
        assert_eq!(value.split('.').count(), KEPT_ORDERS);
    }
}
