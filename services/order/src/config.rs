//! The `[order]` table of the configuration.

use std::{net::SocketAddr, time::Duration};

use serde::Deserialize;

use crate::domain::{ledger::Commissions, payout::Periods, pricing::Tariff};

/// How the role runs. `default.toml` of the binary documents each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the role listens.
    pub listen: SocketAddr,
    /// Address of the store: `sqlite:<file>` or `postgres://..`.
    pub store: String,
    /// Minutes for which goods are held for an unpaid order.
    pub reservation_minutes: u32,
    /// Days after the delivery in which goods may be brought back, and for which the merchant's money waits.
    pub return_days: u32,
    /// Where providers send the shopper back to; `{order_id}` is replaced.
    pub return_url: String,
    /// What delivery costs.
    pub delivery: Tariff,
    /// What the platform takes of sales.
    pub commission: Commissions,
    /// When merchants are paid.
    pub payouts: Periods,
}

impl Config {
    pub(crate) fn reservation(&self) -> Duration {
        Duration::from_secs(u64::from(self.reservation_minutes) * 60)
    }

    /// What the platform agrees with merchants.
    pub(crate) fn commissions(&self) -> Commissions {
        Commissions { hold_days: self.return_days, ..self.commission.clone() }
    }
}
