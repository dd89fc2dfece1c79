//! The channel that goes nowhere.

use async_trait::async_trait;

use super::{Channel, Refused};
use crate::domain::{Delivery, masked};

/// Notes that there was something to send. Shows neither the text nor the whole address.
pub(crate) struct LogChannel;

#[async_trait]
impl Channel for LogChannel {
    async fn send(&self, delivery: &Delivery) -> Result<(), Refused> {
        tracing::info!(
            template = delivery.template,
            to = masked(&delivery.address),
            "a message was recorded: no channel is configured for it"
        );
        Ok(())
    }
}
