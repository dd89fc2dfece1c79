//! Addresses with parameters.

use std::fmt::Write as _;

/// A path and its query, built up from pairs.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    path: String,
    query: Vec<(String, String)>,
}

impl Link {
    pub(crate) fn to(path: impl Into<String>) -> Self {
        Self { path: path.into(), query: Vec::new() }
    }

    pub(crate) fn with_query(path: &str, query: &[(String, String)]) -> Self {
        Self { path: path.to_owned(), query: query.to_vec() }
    }

    /// The same with this value; an empty one removes the parameter.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.query.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.query.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)?;
        for (index, (name, value)) in self.query.iter().enumerate() {
            f.write_char(if index == 0 { '?' } else { '&' })?;
            escape(f, name)?;
            f.write_char('=')?;
            escape(f, value)?;
        }
        Ok(())
    }
}

/// Percent-encoding of everything but RFC 3986's unreserved characters.
fn escape(f: &mut std::fmt::Formatter<'_>, text: &str) -> std::fmt::Result {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            f.write_char(char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

/// A path of ours that somebody else gave: never another site, never a script.
pub(crate) fn local_path(text: &str) -> Option<&str> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (plain && text.starts_with('/') && !text.starts_with("//")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_encoded_and_replaced() {
        let link = Link::to("/search").set("q", "gʻilof & <b>").set("page", "1").set("page", "2");
        assert_eq!(link.to_string(), "/search?q=g%CA%BBilof%20%26%20%3Cb%3E&page=2");
        assert_eq!(link.set("q", "").set("page", "").to_string(), "/search");
    }

    #[test]
    fn only_our_own_paths_are_followed() {
        assert_eq!(local_path("/checkout?a=1"), Some("/checkout?a=1"));
        for wrong in [
            "",
            "checkout",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a b",
            "/a\r\nb",
            "javascript:1",
        ] {
            assert_eq!(local_path(wrong), None, "{wrong}");
        }
    }
}
