//! Orders, transactions and calls to try stores with.

use std::time::Duration;

use ids::OrderId;
use mesh::Role;
use money::Money;
use payment::{
    domain::{Event, Happening, Provider, Snapshot, click, payme},
    store::{Close, Open, PaymentStore},
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

pub(crate) fn close(order: OrderId, spare_live: bool) -> Close {
    Close { order, reason: "expired".to_owned(), spare_live }
}

/// What others have been told so far, oldest first. Takes them: ask once.
pub(crate) async fn told(store: &dyn PaymentStore) -> Vec<String> {
    let parcels = store.outbox().claim(Role::Order, NOW.plus(Duration::from_hours(99)), 1000).await;
    parcels.unwrap().into_iter().map(|parcel| parcel.kind).collect()
}

pub(crate) fn encode(event: &Event) -> outbox::Draft {
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
