//! Fiscal receipts of an order, as the payment service told of them.

use serde::{Deserialize, Serialize};

use super::{Order, StockEffect, Transition};

/// A receipt. What its issuer did not say is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Of the payment, whichever it was.
    pub payment: String,
    /// "sale" or "refund".
    pub kind: String,
    /// Where it can be looked at.
    pub qr_url: String,
    /// Its number at the terminal.
    pub receipt_id: String,
    /// The fiscal sign.
    pub fiscal_sign: String,
    /// The virtual cash register.
    pub terminal_id: String,
    /// As the issuer writes it.
    pub issued_at: String,
}

impl Order {
    /// The tax office knows of a payment or of its return: the last word of each counts. None when that is known already.
    pub fn receipted(&self, receipt: &Receipt) -> Option<Transition> {
        let same = |it: &&mut Receipt| it.payment == receipt.payment && it.kind == receipt.kind;
        if self.body.receipts.contains(receipt) {
            return None;
        }
        let mut order = self.clone();
        order.version += 1;
        match order.body.receipts.iter_mut().find(same) {
            Some(known) => known.clone_from(receipt),
            None => order.body.receipts.push(receipt.clone()),
        }
        Some(Transition::of(order, StockEffect::Keep, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::order;

    #[test]
    fn the_last_word_of_each_kind_counts() {
        let receipt = |kind: &str, qr_url: &str| Receipt {
            payment: "pay_1".to_owned(),
            kind: kind.to_owned(),
            qr_url: qr_url.to_owned(),
            receipt_id: "1".to_owned(),
            fiscal_sign: String::new(),
            terminal_id: String::new(),
            issued_at: String::new(),
        };
        let before = order(1, false);
        let once = before.receipted(&receipt("sale", "https://a")).unwrap().order;
        assert_eq!((once.version, once.status), (before.version + 1, before.status));
        assert!(once.receipted(&receipt("sale", "https://a")).is_none());
        let twice = once.receipted(&receipt("sale", "https://b")).unwrap().order;
        let both = twice.receipted(&receipt("refund", "https://c")).unwrap().order;
        let urls: Vec<&str> = both.body.receipts.iter().map(|it| it.qr_url.as_str()).collect();
        assert_eq!(urls, ["https://b", "https://c"]);
    }
}
