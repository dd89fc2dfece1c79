//! Orders, transactions and calls to try stores with.

use std::{fmt::Debug, time::Duration};

use clock::Timestamp;
use ids::OrderId;
use mesh::Role;
use money::Money;
use payment::{
    domain::{Event, Happening, Provider, Snapshot, click, payme},
    store::{Close, Entry, Moved, Note, Noted, Open, PaymentStore, Receipt, Verdict},
};

use super::{NOW, SUM};

pub(crate) fn snapshot(reference: &str) -> Snapshot {
    Snapshot {
        order: OrderId::new(),
        reference: reference.to_owned(),
        amount: Money::uzs(SUM),
        payable_until: NOW.plus(Duration::from_hours(1)),
        lines: Vec::new(),
        delivery: 0,
        customer_phone: "+998901234567".to_owned(),
        locale: "uz".to_owned(),
    }
}

pub(crate) fn opening(payable: &Snapshot, provider: Provider, key: &str) -> Open {
    Open {
        payable: payable.clone(),
        provider,
        key: key.to_owned(),
        redirect_url: format!("https://pay/{key}"),
        returns: false,
    }
}

pub(crate) async fn opened(
    store: &dyn PaymentStore,
    reference: &str,
    provider: Provider,
) -> Snapshot {
    let payable = snapshot(reference);
    store.open(opening(&payable, provider, reference), NOW).await.unwrap().unwrap();
    payable
}

pub(crate) fn draft(id: &str, reference: &str) -> payme::Draft {
    payme::Draft {
        id: id.to_owned(),
        time: NOW,
        amount: SUM,
        account: format!(r#"{{"order_id":"{reference}"}}"#),
        reference: reference.to_owned(),
    }
}

pub(crate) fn call(trans_id: i64, reference: &str) -> click::Call {
    click::Call {
        trans_id,
        paydoc_id: trans_id + 1,
        reference: reference.to_owned(),
        amount: SUM,
        amount_text: "5000".to_owned(),
        error: 0,
    }
}

/// Calls of providers. Each must come back with the line that was made of its outcome.
pub(crate) trait Calls {
    async fn create(
        &self,
        draft: payme::Draft,
        now: Timestamp,
    ) -> Verdict<payme::Transaction, payme::Refusal>;
    async fn perform(
        &self,
        id: &str,
        now: Timestamp,
    ) -> Verdict<Moved<payme::Transaction>, payme::Refusal>;
    async fn cancel(
        &self,
        id: &str,
        reason: i64,
        now: Timestamp,
    ) -> Verdict<Moved<payme::Transaction>, payme::Refusal>;
    async fn receipt(&self, receipt: Receipt, now: Timestamp) -> Result<bool, fault::Fault>;
    async fn prepare(
        &self,
        call: click::Call,
        now: Timestamp,
    ) -> Verdict<click::Transaction, click::Refusal>;
    async fn complete(
        &self,
        prepare_id: i64,
        call: click::Call,
        now: Timestamp,
    ) -> Verdict<click::Transaction, click::Refusal>;
}

impl Calls for dyn PaymentStore + '_ {
    async fn create(
        &self,
        draft: payme::Draft,
        now: Timestamp,
    ) -> Verdict<payme::Transaction, payme::Refusal> {
        noted(self.payme_create(draft, now, note()).await)
    }

    async fn perform(
        &self,
        id: &str,
        now: Timestamp,
    ) -> Verdict<Moved<payme::Transaction>, payme::Refusal> {
        noted(self.payme_perform(id.to_owned(), now, note()).await)
    }

    async fn cancel(
        &self,
        id: &str,
        reason: i64,
        now: Timestamp,
    ) -> Verdict<Moved<payme::Transaction>, payme::Refusal> {
        noted(self.payme_cancel(id.to_owned(), reason, now, note()).await)
    }

    async fn receipt(&self, receipt: Receipt, now: Timestamp) -> Result<bool, fault::Fault> {
        noted(self.fiscal_receipt(receipt, now, note()).await)
    }

    async fn prepare(
        &self,
        call: click::Call,
        now: Timestamp,
    ) -> Verdict<click::Transaction, click::Refusal> {
        noted(self.click_prepare(call, now, note()).await)
    }

    async fn complete(
        &self,
        prepare_id: i64,
        call: click::Call,
        now: Timestamp,
    ) -> Verdict<click::Transaction, click::Refusal> {
        noted(self.click_complete(prepare_id, call, now, note()).await)
    }
}

fn note<T: Debug>() -> Note<T> {
    Box::new(|outcome| line(format!("{outcome:?}")))
}

/// A line of the journal.
pub(crate) fn line(answer: String) -> Entry {
    Entry {
        at: NOW,
        provider: Provider::Payme,
        method: String::new(),
        remote_ip: String::new(),
        request: String::new(),
        status: 200,
        answer,
    }
}

fn noted<T: Debug>(done: Noted<T>) -> Result<T, fault::Fault> {
    done.map(|(outcome, entry)| {
        assert_eq!(entry.answer, format!("{outcome:?}"));
        outcome
    })
}

pub(crate) fn close(order: OrderId, spare_live: bool) -> Close {
    Close { order, reason: "expired".to_owned(), spare_live }
}

/// What others have been told so far, oldest first. Takes them: ask once.
pub(crate) async fn told(store: &dyn PaymentStore) -> Vec<String> {
    let parcels = store.outbox().claim(Role::Order, NOW.plus(Duration::from_hours(99)), 1000).await;
    parcels.unwrap().into_iter().map(|parcel| parcel.kind).collect()
}

pub(crate) fn encode(event: &Event<'_>) -> outbox::Draft {
    let kind = match event.what {
        Happening::Started => "payment.started",
        Happening::Paid => "payment.paid",
        Happening::Cancelled => "payment.cancelled",
        Happening::Refunded => "payment.refunded",
    };
    let data = proto::event::event::Data::Payment(proto::event::PaymentChanged::default());
    let (subject, version) = (event.payment.id.to_string(), event.payment.version);
    outbox::Draft::new(kind, subject, version, event.at, data).to(&[Role::Order])
}
