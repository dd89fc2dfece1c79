//! What every store of payments promises, whichever it is.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clock::Timestamp;
use futures::future::join_all;
use ids::OrderId;
use money::Money;
use payment::{
    domain::{Provider, Snapshot, Status, click, payme},
    store::{self, Closing, Open, OpenRefusal, PaymentStore},
};
use testkit::{Folder, FreshDatabase};

#[path = "contract/books.rs"]
mod books;
#[path = "contract/clicks.rs"]
mod clicks;
#[path = "contract/fixtures.rs"]
mod fixtures;
#[path = "contract/hosted.rs"]
mod hosted;
#[path = "contract/numbering.rs"]
mod numbering;
#[path = "contract/races.rs"]
mod races;
#[path = "contract/refunds.rs"]
mod refunds;
#[path = "contract/schema.rs"]
mod schema;

use books::{
    a_changed_key_replaces_the_configured_one_and_no_other,
    a_run_has_one_worker_and_its_key_one_run, a_sale_by_click_asks_for_its_receipt_once,
    cash_is_paid_once_and_never_after_its_end, receipts_are_kept_for_known_transactions,
    transactions_are_read_as_they_stand, what_is_frozen_stays_one_until_somebody_has_looked,
};
use clicks::{
    a_completion_must_name_what_was_prepared, of_many_attempts_of_click_one_is_confirmed,
    the_last_attempt_that_gives_up_frees_the_order,
};
use fixtures::{Calls as _, call, close, draft, encode, opened, opening, snapshot, told};
use hosted::{
    a_page_is_asked_for_by_one_of_many, a_refund_gives_back_its_share_of_the_charge,
    an_agreed_debit_holds_the_order, an_event_has_its_effect_once,
    money_for_a_closed_order_is_kept_and_goes_back, money_on_a_page_pays_the_order_once,
    of_a_page_and_another_provider_one_is_paid, what_is_due_is_given_to_one,
};
use refunds::{
    a_refund_is_written_once_and_never_beyond_the_payment, one_caller_asks_the_provider,
    what_is_back_is_back_once, who_offers_no_call_leaves_it_to_people,
};

const NOW: Timestamp = testkit::START;
const SUM: i64 = 500_000;

async fn the_same_key_gives_the_same_payment(store: &dyn PaymentStore) {
    let payable = snapshot("1K");
    let first = opening(&payable, Provider::Payme, "a");
    let payment = store.open(first.clone(), NOW).await.unwrap().unwrap();
    assert_eq!((payment.status, payment.version), (Status::Pending, 1));
    assert_eq!(payment.expires_at, Some(payable.payable_until));
    let opens = (0..10).map(|_| store.open(first.clone(), NOW));
    for again in join_all(opens).await {
        assert_eq!(again.unwrap().unwrap(), payment);
    }
    let better = Open { redirect_url: "https://pay/back".to_owned(), returns: true, ..first };
    let better = store.open(better, NOW).await.unwrap().unwrap();
    assert_eq!((better.id, better.redirect_url.as_str()), (payment.id, "https://pay/back"));
    let other = store.open(opening(&payable, Provider::Click, "a"), NOW).await.unwrap();
    assert_eq!(other.unwrap_err(), OpenRefusal::Key);
    assert_eq!(store.payments(payable.order, 10).await.unwrap(), [better]);
    let twin = Snapshot { order: OrderId::new(), ..payable };
    let twin = store.open(opening(&twin, Provider::Payme, "b"), NOW).await.unwrap();
    assert_eq!(twin.unwrap_err(), OpenRefusal::Reference);
    assert!(store.is_opened("a").await.unwrap());
    assert!(!store.is_opened("b").await.unwrap(), "it was refused");
}

async fn nothing_changes_under_a_live_transaction(store: &dyn PaymentStore) {
    let payable = opened(store, "2K", Provider::Payme).await;
    let dearer = Snapshot { amount: Money::uzs(SUM + 1), ..payable.clone() };
    store.open(opening(&dearer, Provider::Click, "dearer"), NOW).await.unwrap().unwrap();
    store.open(opening(&payable, Provider::Click, "again"), NOW).await.unwrap().unwrap();
    store.create(draft("p2", "2K"), NOW).await.unwrap().unwrap();
    let refused = store.open(opening(&dearer, Provider::Click, "late"), NOW).await.unwrap();
    let until = NOW.plus(payme::LIFETIME);
    assert_eq!(refused.unwrap_err(), OpenRefusal::Busy { until });
    let known = store.payable("2K", NOW).await.unwrap().unwrap();
    assert_eq!((known.snapshot, known.payable.terms.amount.amount), (payable.clone(), SUM));
    assert!(known.held);
    store.perform("p2", NOW).await.unwrap().unwrap();
    let refused = store.open(opening(&payable, Provider::Click, "paid"), NOW).await.unwrap();
    assert_eq!(refused.unwrap_err(), OpenRefusal::Paid);
    // Tries that nobody acted on have no use any more.
    let statuses = store.payments(payable.order, 10).await.unwrap();
    let statuses: Vec<Status> = statuses.into_iter().map(|payment| payment.status).collect();
    assert_eq!(statuses, [Status::Cancelled, Status::Cancelled, Status::Paid]);
    assert_eq!(told(store).await, ["payment.started", "payment.paid"]);
}

async fn of_200_creates_with_different_ids_exactly_one_is_live(store: &dyn PaymentStore) {
    opened(store, "3K", Provider::Payme).await;
    let drafts: Vec<payme::Draft> = (0..200).map(|id| draft(&format!("p3-{id}"), "3K")).collect();
    let outcomes = join_all(drafts.into_iter().map(|draft| store.create(draft, NOW))).await;
    let (won, lost): (Vec<_>, Vec<_>) =
        outcomes.into_iter().map(Result::unwrap).partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 199));
    assert!(lost.into_iter().all(|lost| lost == Err(payme::Refusal::Impossible)));
    assert_eq!(told(store).await, ["payment.started"]);
}

async fn of_two_providers_one_holds_the_order(store: &dyn PaymentStore) {
    opened(store, "4K", Provider::Payme).await;
    let (by_payme, by_click) =
        futures::join!(store.create(draft("p4", "4K"), NOW), store.prepare(call(40, "4K"), NOW));
    let (by_payme, by_click) = (by_payme.unwrap(), by_click.unwrap());
    assert_ne!(by_payme.is_ok(), by_click.is_ok());
    assert!(by_payme.is_ok() || by_payme == Err(payme::Refusal::Impossible));
    assert!(by_click.is_ok() || by_click == Err(click::Refusal::Cancelled));
}

async fn a_repeated_create_or_perform_answers_the_same(store: &dyn PaymentStore) {
    opened(store, "5K", Provider::Payme).await;
    let later = NOW.plus(Duration::from_secs(5));
    let created = store.create(draft("p5", "5K"), NOW).await.unwrap().unwrap();
    assert_eq!(store.create(draft("p5", "5K"), later).await.unwrap().unwrap(), created);
    let performs = join_all((0..20).map(|_| store.perform("p5", later))).await;
    let performs: Vec<_> = performs.into_iter().map(|done| done.unwrap().unwrap()).collect();
    assert_eq!(performs.iter().filter(|done| done.first).count(), 1);
    assert!(performs.iter().all(|done| done.now.perform_time == Some(later)));
    let repeat = store.perform("p5", NOW.plus(Duration::from_hours(20))).await;
    assert_eq!(repeat.unwrap().unwrap().now.perform_time, Some(later), "paid is paid");
    assert_eq!(told(store).await, ["payment.started", "payment.paid"]);
}

async fn a_hold_ends_after_its_time_and_frees_the_order(store: &dyn PaymentStore) {
    let payable = Snapshot { payable_until: NOW.plus(Duration::from_hours(48)), ..snapshot("6K") };
    store.open(opening(&payable, Provider::Payme, "6"), NOW).await.unwrap().unwrap();
    store.create(draft("p6", "6K"), NOW).await.unwrap().unwrap();
    let last = NOW.plus(payme::LIFETIME);
    let over = last.plus(Duration::from_millis(1));
    assert_eq!(store.expire(last, 10).await.unwrap(), 0, "exactly twelve hours are in time");
    assert_eq!(store.expire(over, 10).await.unwrap(), 1);
    assert_eq!(store.expire(over, 10).await.unwrap(), 0);
    let ended = store.payme_find("p6").await.unwrap().unwrap();
    assert_eq!((ended.state, ended.reason), (payme::State::Cancelled, Some(payme::REASON_TIMEOUT)));
    let again = payme::Draft { time: over, ..draft("p6b", "6K") };
    store.create(again, over).await.unwrap().unwrap();
    // Nobody swept this one: whoever comes next ends it.
    let later = over.plus(Duration::from_hours(13));
    let third = payme::Draft { time: later, ..draft("p6c", "6K") };
    store.create(third, later).await.unwrap().unwrap();
    let second = store.payme_find("p6b").await.unwrap().unwrap();
    assert_eq!(second.cancel_time, Some(later));
    let much_later = later.plus(Duration::from_hours(13));
    let late = store.perform("p6c", much_later).await.unwrap();
    assert_eq!(late.unwrap_err(), payme::Refusal::Impossible);
    let third = store.payme_find("p6c").await.unwrap().unwrap();
    assert_eq!(third.reason, Some(payme::REASON_TIMEOUT), "a refusal keeps what it wrote");
    let story = ["payment.started", "payment.cancelled"].repeat(3);
    assert_eq!(told(store).await, story);
}

async fn a_closed_order_takes_no_money(store: &dyn PaymentStore) {
    let payable = opened(store, "7K", Provider::Payme).await;
    store.create(draft("p7", "7K"), NOW).await.unwrap().unwrap();
    let live = store.close(close(payable.order, true), NOW).await.unwrap();
    assert_eq!(live, Closing::Live(NOW.plus(payme::LIFETIME)));
    for _ in 0..2 {
        assert_eq!(store.close(close(payable.order, false), NOW).await.unwrap(), Closing::Closed);
    }
    let refused = store.perform("p7", NOW).await.unwrap();
    assert_eq!(refused.unwrap_err(), payme::Refusal::Impossible);
    let ended = store.payme_find("p7").await.unwrap().unwrap();
    assert_eq!((ended.state, ended.reason), (payme::State::Cancelled, Some(payme::REASON_CLOSED)));
    let refused = store.create(draft("p7b", "7K"), NOW).await.unwrap();
    assert_eq!(refused.unwrap_err(), payme::Refusal::Over);
    let refused = store.open(opening(&payable, Provider::Click, "7b"), NOW).await.unwrap();
    assert_eq!(refused.unwrap_err(), OpenRefusal::Over);

    let prepared = opened(store, "7L", Provider::Click).await;
    let attempt = store.prepare(call(70, "7L"), NOW).await.unwrap().unwrap();
    store.close(close(prepared.order, false), NOW).await.unwrap();
    let late = store.complete(attempt.prepare_id, call(70, "7L"), NOW).await.unwrap();
    assert_eq!(late.unwrap_err(), click::Refusal::Cancelled);
}

async fn closing_and_paying_at_once_ends_in_one_of_the_two(store: &dyn PaymentStore) {
    for round in 0..10 {
        let (id, reference) = (format!("p8-{round}"), format!("8{round}K"));
        let payable = opened(store, &reference, Provider::Payme).await;
        store.create(draft(&id, &reference), NOW).await.unwrap().unwrap();
        let (closing, performed) =
            futures::join!(store.close(close(payable.order, false), NOW), store.perform(&id, NOW));
        let paid = closing.unwrap() == Closing::Paid;
        assert_eq!(performed.unwrap().is_ok(), paid);
    }
}

async fn an_order_closed_before_it_was_heard_of_stays_closed(store: &dyn PaymentStore) {
    let payable = snapshot("9K");
    assert_eq!(store.close(close(payable.order, true), NOW).await.unwrap(), Closing::Closed);
    let late = store.open(opening(&payable, Provider::Payme, "9"), NOW).await.unwrap();
    assert_eq!(late.unwrap_err(), OpenRefusal::Over);
    assert!(store.payable("9K", NOW).await.unwrap().is_none());
}

async fn money_goes_back_unless_the_goods_are_delivered(store: &dyn PaymentStore) {
    for (reference, delivered) in [("10K", false), ("10L", true)] {
        let payable = opened(store, reference, Provider::Payme).await;
        store.create(draft(reference, reference), NOW).await.unwrap().unwrap();
        store.perform(reference, NOW).await.unwrap().unwrap();
        if delivered {
            store.delivered(payable.order, NOW).await.unwrap();
        }
        let taken = store.cancel(reference, 5, NOW).await.unwrap();
        if delivered {
            assert_eq!(taken.unwrap_err(), payme::Refusal::Delivered);
            continue;
        }
        let taken = taken.unwrap();
        assert_eq!((taken.now.state, taken.first), (payme::State::Refunded, true));
        let again = store.cancel(reference, 7, NOW.plus(Duration::from_secs(9))).await;
        let again = again.unwrap().unwrap();
        assert_eq!((again.now, again.first), (taken.now, false), "time and reason stay");
        let payment = store.payments(payable.order, 1).await.unwrap().remove(0);
        assert_eq!(payment.status, Status::Refunded);
        let refused = store.open(opening(&payable, Provider::Payme, "10b"), NOW).await.unwrap();
        assert_eq!(refused.unwrap_err(), OpenRefusal::Over);
    }
    let kinds = told(store).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "payment.refunded").count(), 1);
}

async fn a_statement_has_both_ends_and_every_state(store: &dyn PaymentStore) {
    for (number, minutes) in [(0u64, 3), (1, 1), (2, 2), (3, 1)] {
        let (id, reference) = (format!("p11-{number}"), format!("11{number}K"));
        opened(store, &reference, Provider::Payme).await;
        let time = NOW.plus(Duration::from_mins(minutes));
        let draft = payme::Draft { time, ..draft(&id, &reference) };
        store.create(draft, NOW).await.unwrap().unwrap();
    }
    store.perform("p11-1", NOW).await.unwrap().unwrap();
    store.cancel("p11-2", 3, NOW).await.unwrap().unwrap();
    store.perform("p11-0", NOW).await.unwrap().unwrap();
    store.cancel("p11-0", 5, NOW).await.unwrap().unwrap();
    let between = |from, to| {
        let at = |minutes| NOW.plus(Duration::from_mins(minutes));
        store.payme_statement(at(from), at(to), 10)
    };
    let all = between(1, 3).await.unwrap();
    let found: Vec<(&str, i64)> = all.iter().map(|it| (it.id.as_str(), it.state.code())).collect();
    assert_eq!(found, [("p11-1", 2), ("p11-3", 1), ("p11-2", -1), ("p11-0", -2)]);
    assert_eq!(between(2, 2).await.unwrap().len(), 1, "from and to may be the same");
    assert!(between(4, 9).await.unwrap().is_empty());
    assert!(between(3, 1).await.unwrap().is_empty());
}

async fn a_number_that_nobody_gave_is_not_found(store: &dyn PaymentStore) {
    opened(store, "17K", Provider::Payme).await;
    for reference in ["", "17", "17K\0", "\0"] {
        assert!(store.payable(reference, NOW).await.unwrap().is_none());
        let created = store.create(draft("p17", reference), NOW).await.unwrap();
        assert_eq!(created.unwrap_err(), payme::Refusal::NoOrder);
        let prepared = store.prepare(call(170, reference), NOW).await.unwrap();
        assert_eq!(prepared.unwrap_err(), click::Refusal::NoOrder);
    }
    for id in ["p17", "p17\0"] {
        assert!(store.payme_find(id).await.unwrap().is_none());
        assert_eq!(store.perform(id, NOW).await.unwrap().unwrap_err(), payme::Refusal::NotFound);
        assert_eq!(store.cancel(id, 1, NOW).await.unwrap().unwrap_err(), payme::Refusal::NotFound);
    }
    let strange = fixtures::line("a\0b".repeat(3000));
    store.journal(vec![strange.clone(), strange]).await.unwrap();
    store.trim_journal(NOW, 1).await.unwrap();
    let far = Timestamp::from_millis(i64::MAX);
    assert!(store.payme_statement(NOW, far, 10).await.unwrap().is_empty());
    store.create(payme::Draft { time: far, ..draft("p17", "17K") }, NOW).await.unwrap().unwrap();
    assert_eq!(store.payme_statement(NOW, far, 10).await.unwrap().len(), 1);
    assert_eq!(store.expire(NOW, 10).await.unwrap(), 0, "a time to come holds");
}

async fn events_wake_and_nothing_else_does(store: &dyn PaymentStore) {
    let wakes = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&wakes);
    store.when_told(Box::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
    }));
    let woken = || wakes.load(Ordering::SeqCst);
    let payable = opened(store, "16K", Provider::Payme).await;
    store.perform("unknown", NOW).await.unwrap().unwrap_err();
    assert_eq!(woken(), 0, "opening tells nobody");
    for _ in 0..2 {
        store.create(draft("p16", "16K"), NOW).await.unwrap().unwrap();
    }
    assert_eq!(woken(), 1);
    for _ in 0..2 {
        store.perform("p16", NOW).await.unwrap().unwrap();
    }
    assert_eq!(store.close(close(payable.order, false), NOW).await.unwrap(), Closing::Paid);
    assert_eq!(woken(), 2);
    let late = opened(store, "16L", Provider::Payme).await;
    store.create(draft("p16l", "16L"), NOW).await.unwrap().unwrap();
    let over = NOW.plus(Duration::from_hours(13));
    let refused = store.open(opening(&late, Provider::Click, "late"), over).await.unwrap();
    assert_eq!(
        (refused.unwrap_err(), woken()),
        (OpenRefusal::Over, 4),
        "a refusal may tell as well"
    );
}

/// Lists every promise once for an adapter.
macro_rules! contract {
    ($adapter:ident, $open:expr) => {
        mod $adapter {
            contract!(@each $open,
                the_same_key_gives_the_same_payment,
                nothing_changes_under_a_live_transaction,
                of_200_creates_with_different_ids_exactly_one_is_live,
                of_two_providers_one_holds_the_order,
                a_repeated_create_or_perform_answers_the_same,
                a_hold_ends_after_its_time_and_frees_the_order,
                a_closed_order_takes_no_money,
                closing_and_paying_at_once_ends_in_one_of_the_two,
                an_order_closed_before_it_was_heard_of_stays_closed,
                money_goes_back_unless_the_goods_are_delivered,
                a_statement_has_both_ends_and_every_state,
                of_many_attempts_of_click_one_is_confirmed,
                the_last_attempt_that_gives_up_frees_the_order,
                a_completion_must_name_what_was_prepared,
                receipts_are_kept_for_known_transactions,
                a_number_that_nobody_gave_is_not_found,
                events_wake_and_nothing_else_does,
                a_refund_is_written_once_and_never_beyond_the_payment,
                one_caller_asks_the_provider,
                what_is_back_is_back_once,
                who_offers_no_call_leaves_it_to_people,
                a_page_is_asked_for_by_one_of_many,
                an_agreed_debit_holds_the_order,
                money_on_a_page_pays_the_order_once,
                of_a_page_and_another_provider_one_is_paid,
                an_event_has_its_effect_once,
                what_is_due_is_given_to_one,
                a_refund_gives_back_its_share_of_the_charge,
                money_for_a_closed_order_is_kept_and_goes_back,
                a_sale_by_click_asks_for_its_receipt_once,
                a_run_has_one_worker_and_its_key_one_run,
                transactions_are_read_as_they_stand,
                what_is_frozen_stays_one_until_somebody_has_looked,
                a_changed_key_replaces_the_configured_one_and_no_other,
                cash_is_paid_once_and_never_after_its_end,
            );
        }
    };
    (@each $open:expr, $($promise:ident,)+) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let Some((store, place)) = $open().await else { return };
                super::$promise(store.as_ref()).await;
                store.close_store().await;
                drop(place);
            }
        )+
    };
}

async fn sqlite() -> Option<(Arc<dyn PaymentStore>, Folder)> {
    let folder = Folder::new("payment");
    let address = format!("sqlite:{}", folder.path().join("payment.db").display());
    store::migrate(&address).await.unwrap();
    Some((store::open(&address, encode).await.unwrap(), folder))
}

async fn postgres() -> Option<(Arc<dyn PaymentStore>, FreshDatabase)> {
    let fresh = FreshDatabase::create().await?;
    store::migrate(&fresh.address).await.unwrap();
    Some((store::open(&fresh.address, encode).await.unwrap(), fresh))
}

contract!(embedded, super::sqlite);
contract!(production, super::postgres);

#[tokio::test]
async fn an_unknown_scheme_is_refused_with_the_key() {
    let opened = store::open("file:payments", encode).await.err().unwrap();
    let migrated = store::migrate("file:payments").await.err().unwrap();
    for error in [opened.to_string(), migrated.to_string()] {
        assert!(error.contains("payment.store"), "{error}");
    }
}
