//! What the pages need to know of where they run.

use clock::Clock;

/// Settings of the pages.
#[derive(Debug, Clone)]
pub struct Config {
    /// Marks cookies as `Secure` and names them `__Host-...`. Off only where pages are served over plain HTTP (demo).
    pub secure_cookies: bool,
    /// Scheme and host under which people reach the shop, for `hreflang` links, for example `https://ultramarket.uz`.
    /// Empty gives relative links.
    pub public_url: String,
    /// Origins that a form may lead to after it was sent (pages of payment providers), for example `https://checkout.paycom.uz`.
    /// A payment page elsewhere is reached through a link on the order's page instead.
    pub payment_origins: Vec<String>,
    /// When it is.
    pub clock: Clock,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            secure_cookies: true,
            public_url: String::new(),
            payment_origins: Vec::new(),
            clock: Clock::system(),
        }
    }
}

impl Config {
    /// Pages may load only what we serve, run nothing, and be framed by nobody.
    pub(crate) fn content_security_policy(&self) -> String {
        let mut form_action = "'self'".to_owned();
        // What could end the directive or the header does not get in.
        let plain = |origin: &&String| {
            origin.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b','))
        };
        for origin in self.payment_origins.iter().filter(plain) {
            form_action.push(' ');
            form_action.push_str(origin);
        }
        format!(
            "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; form-action {form_action}; \
             frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
        )
    }

    /// Whether a form may lead there.
    pub(crate) fn may_lead_to(&self, url: &str) -> bool {
        self.payment_origins.iter().any(|origin| {
            url.strip_prefix(origin.trim_end_matches('/'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_lead_only_to_known_origins() {
        let config = Config {
            payment_origins: vec![
                "https://pay.example".to_owned(),
                "https://x;script-src *".to_owned(),
            ],
            ..Config::default()
        };
        assert!(config.may_lead_to("https://pay.example/abc"));
        assert!(!config.may_lead_to("https://pay.example.evil/abc"));
        let policy = config.content_security_policy();
        assert!(policy.contains("form-action 'self' https://pay.example;"), "{policy}");
        assert!(!policy.contains('*'));
    }
}
