//! Ways out of the platform.

use async_trait::async_trait;

use crate::domain::Delivery;

mod http;
mod log;

pub(crate) use http::{Form, HttpChannel, SENDGRID};
pub(crate) use log::LogChannel;

/// Hands a text to whoever carries it to the person.
#[async_trait]
pub(crate) trait Channel: Send + Sync {
    /// Sends; after `Ok` the provider has it.
    async fn send(&self, delivery: &Delivery) -> Result<(), Refused>;
}

/// It was not sent. The text says why and holds nothing of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// It may go well the next time.
    #[error("{0}")]
    ForNow(String),
    /// It never will.
    #[error("{0}")]
    ForGood(String),
}
