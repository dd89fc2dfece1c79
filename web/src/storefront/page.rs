//! What the frame around every screen shows.

use std::fmt;

use crate::{Locale, assets, visit::Visit};

/// The frame: head, header, footer.
pub(crate) struct Page {
    pub(crate) locale: Locale,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) css: &'static str,
    pub(crate) favicon: &'static str,
    pub(crate) languages: Vec<Language>,
    pub(crate) cart_count: u32,
    pub(crate) signed_in: bool,
    /// What stands in the search box.
    pub(crate) query: String,
    /// Kept out of search engines: everything that is somebody's own.
    pub(crate) private: bool,
}

/// A line of the language switch.
pub(crate) struct Language {
    pub(crate) locale: Locale,
    pub(crate) href: String,
    pub(crate) current: bool,
}

impl Page {
    pub(crate) fn new(visit: &Visit, title: String) -> Self {
        let language = |locale| Language {
            locale,
            href: visit.in_language(locale),
            current: locale == visit.locale(),
        };
        Self {
            locale: visit.locale(),
            title,
            description: String::new(),
            css: assets::css(),
            favicon: assets::favicon(),
            languages: Locale::ALL.into_iter().map(language).collect(),
            cart_count: visit.cart().map_or(0, |cart| cart.count),
            signed_in: visit.signed_in(),
            query: String::new(),
            private: false,
        }
    }

    pub(crate) fn describe(mut self, text: &str) -> Self {
        self.description = text.chars().take(160).collect();
        self
    }

    pub(crate) fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// An icon of the drawn set; says nothing to a screen reader, since words stand beside each.
    #[expect(clippy::unused_self, reason = "templates reach it through the page that they have")]
    pub(crate) fn icon<'a>(&self, name: &'a str) -> Icon<'a> {
        Icon(name)
    }
}

/// A reference into `assets/icons.svg`.
pub(crate) struct Icon<'a>(&'a str);

impl fmt::Display for Icon<'_> {
    /// Names come from data, too: whatever is not a plain word shows the basket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = !self.0.is_empty()
            && self.0.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let name = if plain { self.0 } else { "basket" };
        write!(
            f,
            "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"{}#{name}\"/></svg>",
            assets::icons()
        )
    }
}
