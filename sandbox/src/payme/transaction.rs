//! A transaction as Payme knows it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ACCOUNT;
use crate::ledger::Entry;

/// A row of the stand-in's own books.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Transaction {
    /// 24 hexadecimal digits.
    pub(super) id: String,
    /// The order's number: `account.order_id`.
    pub(super) reference: String,
    pub(super) account: BTreeMap<String, String>,
    /// Tiyin.
    pub(super) amount: i64,
    /// When it was created at Payme, Unix milliseconds.
    pub(super) time: i64,
    /// 0 the merchant has not agreed, 1 created, 2 performed, -1 cancelled, -2 cancelled after it was performed.
    pub(super) state: i64,
    /// As the merchant answered; 0 for what has not happened.
    pub(super) create_time: i64,
    pub(super) perform_time: i64,
    pub(super) cancel_time: i64,
    pub(super) reason: Option<i64>,
    /// The merchant's name of it.
    #[serde(rename = "merchant_transaction")]
    pub(super) theirs: Option<String>,
    /// The call that was never answered; the next payment of the reference goes on from it.
    pub(super) unanswered: Option<&'static str>,
}

impl Transaction {
    pub(super) fn new(account: BTreeMap<String, String>, amount: i64, time: i64) -> Self {
        // Like Payme's: seconds, then what nobody can guess.
        let seconds = u32::try_from(time / 1000).unwrap_or(0);
        let id = format!("{seconds:08x}{:016x}", rand::random::<u64>());
        Self {
            id,
            reference: account.get(ACCOUNT).cloned().unwrap_or_default(),
            account,
            amount,
            time,
            state: 0,
            create_time: 0,
            perform_time: 0,
            cancel_time: 0,
            reason: None,
            theirs: None,
            unanswered: None,
        }
    }
}

impl Entry for Transaction {
    fn id(&self) -> &str {
        &self.id
    }

    fn reference(&self) -> &str {
        &self.reference
    }
}
