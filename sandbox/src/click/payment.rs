//! A payment as Click knows it.

use serde::Serialize;

use crate::ledger::Entry;

/// Where a payment stands in Click's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// The merchant has not agreed yet.
    Created,
    /// The merchant agreed; no money taken.
    Prepared,
    /// Money taken, the merchant not sure of it yet.
    Debited,
    Paid,
    Cancelled,
    /// Money taken and refused by the merchant: a person at Click must look.
    Hung,
    /// Money given back.
    Reversed,
}

impl State {
    /// `payment_status` of the Merchant API: negative is an error, 0 created, 1 under way, 2 success.
    pub(super) const fn code(self) -> i64 {
        match self {
            Self::Created => 0,
            Self::Prepared | Self::Debited | Self::Hung => 1,
            Self::Paid => 2,
            Self::Cancelled => -1,
            Self::Reversed => -2,
        }
    }
}

/// A row of the stand-in's own books.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Payment {
    #[serde(skip)]
    pub(super) key: String,
    pub(super) click_trans_id: i64,
    /// `payment_id` of the Merchant API.
    pub(super) click_paydoc_id: i64,
    /// The order's number: `merchant_trans_id`.
    pub(super) reference: String,
    /// Tiyin.
    pub(super) amount: i64,
    /// So'm, spelled as in every form of this payment.
    pub(super) amount_text: String,
    pub(super) state: State,
    pub(super) merchant_prepare_id: Option<i64>,
    pub(super) merchant_confirm_id: Option<i64>,
    /// Unix milliseconds; 0 for what has not happened.
    pub(super) created_at: i64,
    pub(super) paid_at: i64,
    pub(super) cancelled_at: i64,
    /// Tiyin given back.
    pub(super) reversed: i64,
    /// The lines for its fiscal receipt are here.
    pub(super) receipt: bool,
    /// What Complete told or will tell: 0 or why there is no money.
    #[serde(skip)]
    pub(super) verdict: i64,
    /// The call that was never answered; the next payment of the reference goes on from it.
    pub(super) unanswered: Option<&'static str>,
}

impl Entry for Payment {
    fn id(&self) -> &str {
        &self.key
    }

    fn reference(&self) -> &str {
        &self.reference
    }
}
