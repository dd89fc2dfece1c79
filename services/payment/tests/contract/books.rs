//! Promises about receipts that are asked for, comparisons, keys that change, and cash.

use std::time::Duration;

use clock::Timestamp;
use futures::future::join_all;
use ids::{OrderId, ReconciliationId};
use payment::{
    domain::{
        Payment, Provider, Status,
        fiscal::{JobState, Kind, Receipt},
        reconciliation::{
            Class, Difference, Outcome, Run, RunState, Standing, Theirs, Verdict, judge,
        },
    },
    store::{
        self, PaymentStore,
        reconciliation::{Page, Wanted},
    },
};

use super::{
    NOW, SUM,
    fixtures::{Calls as _, call, close, draft, line, opened, told},
};

/// What an order is told of a receipt, in these tests.
pub(crate) fn tell(payment: &Payment, _: &Receipt, at: Timestamp) -> outbox::Draft {
    let data = proto::event::event::Data::Receipt(proto::event::ReceiptIssued::default());
    outbox::Draft::new("payment.receipt", payment.id.to_string(), payment.version, at, data)
        .to(&[mesh::Role::Order])
}

fn run(key: &str) -> Run {
    Run {
        id: ReconciliationId::new(),
        provider: Provider::Payme,
        cause: "demand".to_owned(),
        key: key.to_owned(),
        from: NOW.minus(Duration::from_hours(24)),
        to: NOW.plus(Duration::from_millis(1)),
        state: RunState::Waiting,
        compared: 0,
        unanswered: 0,
        found: 0,
        fixed: 0,
        note: String::new(),
        started_at: NOW,
        ended_at: None,
    }
}

async fn click_pays(store: &dyn PaymentStore, reference: &str, trans_id: i64) {
    opened(store, reference, Provider::Click).await;
    let prepared = store.prepare(call(trans_id, reference), NOW).await.unwrap().unwrap();
    store.complete(prepared.prepare_id, call(trans_id, reference), NOW).await.unwrap().unwrap();
}

pub(crate) async fn a_sale_by_click_asks_for_its_receipt_once(store: &dyn PaymentStore) {
    assert!(store.fiscal_due(NOW, NOW, 10).await.unwrap().is_empty());
    click_pays(store, "1K", 10).await;
    opened(store, "2K", Provider::Click).await;
    store.prepare(call(20, "2K"), NOW).await.unwrap().unwrap();
    let until = NOW.plus(Duration::from_mins(5));
    let taken = join_all((0..4).map(|_| store.fiscal_due(NOW, until, 10))).await;
    let taken: Vec<_> = taken.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(taken.len(), 1, "one caller has it; what is only prepared asks for none");
    let job = &taken[0];
    assert_eq!((job.paydoc, job.sent, job.attempts), (11, false, 1));
    assert_eq!((job.status, job.sale.reference.as_str()), (Status::Paid, "1K"));
    let later = until.plus(Duration::from_mins(5));
    store.fiscal_state(job.payment, JobState::Sent, "", later).await.unwrap();
    assert!(store.fiscal_due(until, later, 10).await.unwrap().is_empty(), "it is not time");
    let again = store.fiscal_due(later, later, 10).await.unwrap();
    assert_eq!((again[0].sent, again[0].attempts), (true, 2));
    assert_eq!(store.fiscal_backlog().await.unwrap().waiting, 1);
    told(store).await;
    for _ in 0..2 {
        let body = r#"{"qr_code_url":"https://ofd.uz/1"}"#.to_owned();
        store.fiscal_done(job.payment, body, tell, NOW).await.unwrap();
        store.fiscal_state(job.payment, JobState::Failed, "late", NOW).await.unwrap();
    }
    let order = job.sale.order;
    let receipts = store.fiscal_receipts(order).await.unwrap();
    assert_eq!((receipts.len(), receipts[0].qr_url.as_str()), (1, "https://ofd.uz/1"));
    let backlog = store.fiscal_backlog().await.unwrap();
    assert_eq!((backlog.waiting, backlog.failed), (0, 0), "what has ended stays as it is");
    let heard = store.outbox().claim(mesh::Role::Order, later, 100).await.unwrap();
    assert_eq!(heard.iter().filter(|it| it.kind == "payment.receipt").count(), 1);
}

pub(crate) async fn a_run_has_one_worker_and_its_key_one_run(store: &dyn PaymentStore) {
    let added = join_all((0..6).map(|_| store.run_add(run("same"), NOW))).await;
    assert_eq!(added.into_iter().filter(|it| *it.as_ref().unwrap()).count(), 1);
    let until = NOW.plus(Duration::from_hours(1));
    let taken = join_all((0..6).map(|_| store.run_take(NOW, until))).await;
    let taken: Vec<Run> = taken.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(taken.len(), 1);
    let again = store.run_take(until, until).await.unwrap().unwrap();
    assert_eq!((again.id, again.state), (taken[0].id, RunState::Running), "its worker is gone");
    let ended = Run { state: RunState::Done, compared: 7, ended_at: Some(until), ..again };
    store.run_end(ended.clone(), Vec::new()).await.unwrap();
    assert!(store.run_take(until.plus(Duration::from_hours(9)), until).await.unwrap().is_none());
    assert_eq!(store.run(ended.id).await.unwrap(), Some(ended.clone()));
    store.run_add(run("other"), until).await.unwrap();
    assert!(store.run_take(NOW, until).await.unwrap().is_none(), "it is somebody's until then");
    let page = Page { after: None, limit: 10 };
    let listed = store.runs(page).await.unwrap();
    assert_eq!((listed.len(), listed[1].id), (2, ended.id), "newest first");
    let rest = store.runs(Page { after: Some(listed[0].id), limit: 10 }).await.unwrap();
    assert_eq!(rest.len(), 1);
}

pub(crate) async fn transactions_are_read_as_they_stand(store: &dyn PaymentStore) {
    for name in ["a", "b", "c"] {
        opened(store, name, Provider::Payme).await;
        store.create(draft(name, name), NOW).await.unwrap().unwrap();
    }
    store.perform("b", NOW).await.unwrap().unwrap();
    store.cancel("c", 1, NOW).await.unwrap().unwrap();
    let period = (NOW, NOW.plus(Duration::from_millis(1)));
    let ours = store.ours(Provider::Payme, period, 0, 2).await.unwrap();
    assert_eq!(ours.len(), 2);
    let rest = store.ours(Provider::Payme, period, ours[1].row, 10).await.unwrap();
    let found: Vec<_> =
        ours.iter().chain(&rest).map(|it| (it.id.as_str(), it.standing, it.amount)).collect();
    let expected =
        [("a", Standing::Open, SUM), ("b", Standing::Paid, SUM), ("c", Standing::Ended, SUM)];
    assert_eq!(found, expected);
    let earlier = (NOW.minus(Duration::from_hours(1)), NOW);
    assert!(store.ours(Provider::Payme, earlier, 0, 10).await.unwrap().is_empty());
    let named = vec!["b".to_owned(), "x".to_owned()];
    let named = store.ours_named(Provider::Payme, named).await.unwrap();
    assert_eq!((named.len(), named[0].reference.as_str()), (1, "b"));

    click_pays(store, "d", 40).await;
    let clicks = store.ours(Provider::Click, period, 0, 10).await.unwrap();
    assert_eq!((clicks[0].id.as_str(), clicks[0].attempt), ("41", 40));
    assert_eq!(clicks[0].standing, Standing::Paid);
    let named = vec!["41".to_owned(), "no number".to_owned()];
    assert_eq!(store.ours_named(Provider::Click, named).await.unwrap(), clicks);
}

pub(crate) async fn what_is_frozen_stays_one_until_somebody_has_looked(store: &dyn PaymentStore) {
    opened(store, "a", Provider::Payme).await;
    store.create(draft("a", "a"), NOW).await.unwrap().unwrap();
    let ours = store.ours_named(Provider::Payme, vec!["a".to_owned()]).await.unwrap().remove(0);
    let theirs = Theirs {
        id: "a".to_owned(),
        reference: "a".to_owned(),
        amount: Some(1),
        standing: Standing::Paid,
    };
    let verdict = judge(Some(&ours), Some(&theirs)).unwrap();
    assert_eq!(verdict, Verdict { class: Class::Amount, safe: false });
    let stranger = Theirs { id: "x".to_owned(), ..theirs.clone() };
    let unknown = judge(None, Some(&stranger)).unwrap();
    let later = NOW.plus(Duration::from_hours(24));
    for (key, at) in [("one", NOW), ("two", later)] {
        let run = run(key);
        store.run_add(run.clone(), at).await.unwrap();
        let both = (Some(&ours), Some(&theirs));
        let found = vec![
            Difference::new(&run, verdict, both, at),
            Difference::new(&run, unknown, (None, Some(&stranger)), at),
            Difference::new(&run, verdict, both, at).fixed("done", at),
        ];
        let ended = Run { state: RunState::Done, found: 3, fixed: 1, ended_at: Some(at), ..run };
        store.run_end(ended, found).await.unwrap();
    }
    let page = Page { after: None, limit: 10 };
    let all = store.differences(Wanted::default(), page).await.unwrap();
    assert_eq!(all.len(), 4, "two frozen once, two fixed");
    let frozen = Wanted { outcome: Some(Outcome::Frozen), ..Wanted::default() };
    let frozen = store.differences(frozen, page).await.unwrap();
    assert_eq!(frozen.len(), 2);
    assert!(frozen.iter().all(|it| it.found_at == NOW && it.seen_at == later));
    let amount =
        Wanted { class: Some(Class::Amount), provider: Some(Provider::Payme), ..Wanted::default() };
    assert_eq!(store.differences(amount, page).await.unwrap().len(), 3);
    let counts = store.frozen().await.unwrap();
    assert_eq!(counts.len(), 2);
    assert!(counts.contains(&(Provider::Payme, Class::PaidThereOnly, 1)));
    let it = frozen.iter().find(|it| it.class == Class::Amount).unwrap();
    assert_eq!(
        (it.ours, it.theirs),
        (Some((Standing::Open, SUM)), Some((Standing::Paid, Some(1))))
    );
    for note in ["looked", "again"] {
        let resolved = store.resolve(it.id, note, later).await.unwrap().unwrap();
        assert_eq!((resolved.outcome, resolved.note.as_str()), (Outcome::Resolved, "looked"));
    }
    let unknown = store.resolve(ids::DifferenceId::new(), "x", NOW).await.unwrap();
    assert_eq!(unknown, None);
    assert_eq!(store.frozen().await.unwrap().len(), 1);
}

pub(crate) async fn a_changed_key_replaces_the_configured_one_and_no_other(
    store: &dyn PaymentStore,
) {
    let (configured, new, newer) = ([1; 32], [2; 32], [3; 32]);
    assert_eq!(store.key(Provider::Payme, configured).await.unwrap(), None);
    for key in [new, newer] {
        let note = Box::new(|(): &()| line("changed".to_owned()));
        let entry = store.key_change(Provider::Payme, (configured, key), NOW, note).await.unwrap();
        assert_eq!(entry.answer, "changed");
        assert_eq!(store.key(Provider::Payme, configured).await.unwrap(), Some(key));
    }
    assert_eq!(store.key(Provider::Payme, new).await.unwrap(), None, "another key is configured");
}

pub(crate) async fn cash_is_paid_once_and_never_after_its_end(store: &dyn PaymentStore) {
    let payable = opened(store, "1K", Provider::Cash).await;
    let tries = join_all((0..6).map(|_| store.cash_paid(payable.order, SUM - 1, NOW))).await;
    let news = tries.into_iter().filter(|it| *it.as_ref().unwrap()).count();
    assert_eq!(news, 1);
    let paid = store.payments(payable.order, 1).await.unwrap().remove(0);
    assert_eq!((paid.status, paid.amount.amount, paid.paid_at), (Status::Paid, SUM - 1, Some(NOW)));
    assert_eq!(store.close(close(payable.order, false), NOW).await.unwrap(), store::Closing::Paid);
    let ended = opened(store, "2K", Provider::Cash).await;
    store.close(close(ended.order, false), NOW).await.unwrap();
    assert!(!store.cash_paid(ended.order, SUM, NOW).await.unwrap());
    assert!(!store.cash_paid(OrderId::new(), SUM, NOW).await.unwrap());
    let other = opened(store, "3K", Provider::Payme).await;
    assert!(!store.cash_paid(other.order, SUM, NOW).await.unwrap(), "no cash was agreed");
    let much = opened(store, "4K", Provider::Cash).await;
    assert!(store.cash_paid(much.order, SUM + 1, NOW).await.is_err());
}

pub(crate) async fn receipts_are_kept_for_known_transactions(store: &dyn PaymentStore) {
    opened(store, "15K", Provider::Payme).await;
    store.create(draft("p15", "15K"), NOW).await.unwrap().unwrap();
    let receipt = |transaction: &str| store::Receipt {
        transaction: transaction.to_owned(),
        kind: Kind::Sale,
        body: r#"{"receipt_id":1}"#.to_owned(),
        tell,
    };
    assert!(store.receipt(receipt("p15"), NOW).await.unwrap());
    assert!(store.receipt(receipt("p15"), NOW).await.unwrap(), "the last word counts");
    assert!(!store.receipt(receipt("unknown"), NOW).await.unwrap());
}
