//! What is due for a reference: from the pages that were opened, then from whoever can be asked.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use crate::config::AmountLookup;

/// Links remembered.
const KEPT: usize = 10_000;

pub(crate) struct Amounts {
    opened: Mutex<VecDeque<(String, i64)>>,
    lookup: Option<AmountLookup>,
}

impl Amounts {
    pub(crate) fn new(lookup: Option<AmountLookup>) -> Self {
        Self { opened: Mutex::default(), lookup }
    }

    /// A checkout page was opened for so many tiyin.
    pub(crate) fn remember(&self, reference: &str, amount: i64) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.len() >= KEPT {
            opened.pop_front();
        }
        opened.push_back((reference.to_owned(), amount));
    }

    /// Tiyin due for a reference, when anybody knows.
    pub(crate) async fn find(&self, reference: &str) -> Option<i64> {
        let opened = self.opened(reference);
        if opened.is_some() {
            return opened;
        }
        match &self.lookup {
            Some(lookup) => lookup(reference).await,
            None => None,
        }
    }

    fn opened(&self, reference: &str) -> Option<i64> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.iter().rev().find(|(each, _)| each == reference).map(|(_, amount)| *amount)
    }
}
