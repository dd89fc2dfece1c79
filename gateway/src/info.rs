//! What is known of a request from the moment it comes in.

use std::{net::IpAddr, sync::Arc};

use crate::locale::Locale;

/// Travels in the extensions of a request as `Arc<Info>`.
#[derive(Debug)]
pub(crate) struct Info {
    pub(crate) request_id: Arc<str>,
    pub(crate) traceparent: Arc<str>,
    pub(crate) path: String,
    pub(crate) locale: Locale,
    /// The client as far as proxies are to be believed.
    pub(crate) ip: IpAddr,
    pub(crate) user_agent: String,
}

impl Info {
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn locale(&self) -> Locale {
        self.locale
    }

    /// What names the request in logs and traces.
    pub(crate) fn trace_id(&self) -> &str {
        telemetry::trace::trace_id(&self.traceparent)
    }

    #[cfg(test)]
    pub(crate) fn for_tests(path: &str, locale: Locale) -> Self {
        Self {
            request_id: "req_1".into(),
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
            path: path.to_owned(),
            locale,
            ip: IpAddr::from([127, 0, 0, 1]),
            user_agent: String::new(),
        }
    }
}
