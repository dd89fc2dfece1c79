//! Promises about payments on pages of providers.

use std::time::Duration;

use clock::Timestamp;
use futures::future::join_all;
use ids::{PaymentId, RefundId};
use payment::{
    domain::{
        Provider, Snapshot, Status,
        hosted::{Act, Charge, Outcome, Refusal, State, Sum, Word},
        payme::Refusal as PaymeRefusal,
        refund::RefundState,
    },
    store::{
        Open, PaymentStore,
        hosted::{Acted, Acting, Which},
        refunds::Asking,
    },
};

use super::{
    NOW, SUM,
    fixtures::{Calls as _, close, draft, line, opening, snapshot, told},
};

fn charge(reference: &str) -> Charge {
    let sum = Sum { amount: 395, currency: "USD".to_owned(), account: reference.to_owned() };
    Charge { sum, rate: Some(1_265_000) }
}

fn money(reference: &str) -> Word {
    Word::Money { charge_id: format!("charge-{reference}"), sum: charge(reference).sum }
}

async fn act_at(store: &dyn PaymentStore, which: Which, act: Act, at: Timestamp) -> Acted {
    let acting = Acting { which, act, event: None };
    let note = Box::new(|acted: &Acted| line(format!("{:?}", acted.outcome)));
    let (acted, entry) = store.hosted_act(acting, at, Some(note)).await.unwrap();
    assert_eq!(entry.unwrap().answer, format!("{:?}", acted.outcome));
    acted
}

async fn act(store: &dyn PaymentStore, id: PaymentId, act: Act) -> Acted {
    act_at(store, Which::Payment(id), act, NOW).await
}

async fn begun(
    store: &dyn PaymentStore,
    reference: &str,
    provider: Provider,
) -> (Snapshot, PaymentId) {
    let payable = snapshot(reference);
    let request = Open { redirect_url: String::new(), ..opening(&payable, provider, reference) };
    let payment = store.open(request, NOW).await.unwrap().unwrap();
    for _ in 0..2 {
        let begun = act(store, payment.id, Act::Begin(charge(reference))).await;
        let hosted = begun.hosted.unwrap();
        assert_eq!((hosted.state, hosted.charge), (State::New, charge(reference)));
    }
    (payable, payment.id)
}

/// A payment whose page is there under the order's number.
async fn paged(
    store: &dyn PaymentStore,
    reference: &str,
    provider: Provider,
) -> (Snapshot, PaymentId) {
    let (payable, id) = begun(store, reference, provider).await;
    assert_eq!(act(store, id, Act::Ask { known: None }).await.outcome, Outcome::Yours(NOW));
    let (remote_id, page) = (reference.to_owned(), format!("http://page/{reference}"));
    let opened = act(store, id, Act::Open { asked_at: NOW, remote_id, page }).await;
    assert_eq!(opened.hosted.unwrap().state, State::Open);
    let payment = opened.payment.unwrap();
    assert_eq!(payment.redirect_url, format!("http://page/{reference}"));
    assert_eq!(store.payments(payable.order, 1).await.unwrap(), [payment]);
    (payable, id)
}

pub(crate) async fn a_page_is_asked_for_by_one_of_many(store: &dyn PaymentStore) {
    let (_, id) = begun(store, "20K", Provider::Stripe).await;
    let ask = |known, at| {
        let asks = (0..10).map(move |_| act_at(store, Which::Payment(id), Act::Ask { known }, at));
        async move {
            let all = join_all(asks).await;
            all.into_iter().filter(|it| it.outcome == Outcome::Yours(at)).count()
        }
    };
    assert_eq!(ask(None, NOW).await, 1);
    let later = NOW.plus(Duration::from_mins(1));
    assert_eq!(ask(None, later).await, 0);
    assert_eq!(ask(Some(NOW), later).await, 1, "who takes over what was lost is one, too");
    let late = Act::Open { asked_at: NOW, remote_id: "x".to_owned(), page: "y".to_owned() };
    let late = act(store, id, late).await;
    assert_eq!(late.hosted.unwrap().state, State::Asked, "a late answer does not count");
    act(store, id, Act::Unask { asked_at: later, spoilt: true }).await;
    let again = act(store, id, Act::Ask { known: None }).await;
    assert_eq!((again.outcome, again.hosted.unwrap().attempt), (Outcome::Yours(NOW), 2));
    let unknown = act(store, PaymentId::new(), Act::Ask { known: None }).await;
    assert_eq!(unknown, Acted { outcome: Outcome::Unknown, hosted: None, payment: None });
}

pub(crate) async fn an_agreed_debit_holds_the_order(store: &dyn PaymentStore) {
    let (payable, id) = paged(store, "21K", Provider::Uzcard).await;
    let which = || Which::Remote(Provider::Uzcard, "21K".to_owned());
    let debits = (0..10).map(|_| act_at(store, which(), Act::Debit(charge("21K").sum), NOW));
    for agreed in join_all(debits).await {
        assert_eq!(agreed.outcome, Outcome::Agreed);
        assert_eq!(agreed.payment.unwrap().status, Status::Processing);
    }
    let refused = store.create(draft("p21", "21K"), NOW).await.unwrap();
    assert_eq!(refused.unwrap_err(), PaymeRefusal::Impossible);
    for strange in [
        Which::Remote(Provider::Uzcard, "unknown".to_owned()),
        Which::Remote(Provider::Stripe, "21K".to_owned()),
        Which::Remote(Provider::Uzcard, "21K\0".to_owned()),
    ] {
        let unknown = act_at(store, strange, Act::Debit(charge("21K").sum), NOW).await;
        assert_eq!(unknown.outcome, Outcome::Unknown);
    }
    // It is not there: what that was, only the provider can say.
    assert_eq!(store.expire(NOW.plus(Duration::from_hours(23)), 10).await.unwrap(), 0);
    assert_eq!(act(store, id, Act::Heard(money("21K"))).await.outcome, Outcome::Paid);
    assert_eq!(told(store).await, ["payment.started", "payment.paid"]);
    assert_eq!(store.payments(payable.order, 1).await.unwrap()[0].provider_ref, "21K");

    // A hold of another one ends by the clock before this one begins.
    let (other, _) = paged(store, "21L", Provider::Uzcard).await;
    let long = Snapshot { payable_until: NOW.plus(Duration::from_hours(48)), ..other };
    store.open(opening(&long, Provider::Payme, "21M"), NOW).await.unwrap().unwrap();
    store.create(draft("p21l", "21L"), NOW).await.unwrap().unwrap();
    let which = || Which::Remote(Provider::Uzcard, "21L".to_owned());
    let busy = act_at(store, which(), Act::Debit(charge("21L").sum), NOW).await;
    assert_eq!(busy.outcome, Outcome::Refused(Refusal::Busy));
    let later = NOW.plus(Duration::from_hours(13));
    let agreed = act_at(store, which(), Act::Debit(charge("21L").sum), later).await;
    assert_eq!(agreed.outcome, Outcome::Agreed);
}

pub(crate) async fn money_on_a_page_pays_the_order_once(store: &dyn PaymentStore) {
    let (payable, id) = paged(store, "22K", Provider::Stripe).await;
    let other = store.open(opening(&payable, Provider::Click, "22b"), NOW).await;
    let other = other.unwrap().unwrap();
    let heard = join_all((0..10).map(|_| act(store, id, Act::Heard(money("22K"))))).await;
    assert_eq!(heard.iter().filter(|it| it.outcome == Outcome::Paid).count(), 1);
    for word in [Word::Waiting, Word::Over, Word::Silence, money("22K")] {
        let after = act(store, id, Act::Heard(word)).await;
        assert_eq!(after.payment.unwrap().status, Status::Paid, "nothing regresses");
        assert_eq!(after.hosted.unwrap().state, State::Paid);
    }
    let payments = store.payments(payable.order, 10).await.unwrap();
    assert_eq!((payments[0].id, payments[0].status), (other.id, Status::Cancelled));
    assert_eq!(told(store).await, ["payment.started", "payment.paid"]);
}

pub(crate) async fn of_a_page_and_another_provider_one_is_paid(store: &dyn PaymentStore) {
    for round in 0..10 {
        let reference = format!("23{round}K");
        let (payable, id) = paged(store, &reference, Provider::Stripe).await;
        let payme = format!("p23-{round}");
        store.create(draft(&payme, &reference), NOW).await.unwrap().unwrap();
        let (heard, performed) = futures::join!(
            act(store, id, Act::Heard(money(&reference))),
            store.perform(&payme, NOW)
        );
        let paid = heard.outcome == Outcome::Paid;
        assert!(paid || heard.outcome == Outcome::Stray, "{heard:?}");
        assert_ne!(performed.unwrap().is_ok(), paid);
        let payments = store.payments(payable.order, 10).await.unwrap();
        let paid = payments.iter().filter(|it| it.status == Status::Paid).count();
        assert_eq!((paid, payments.len()), (1, 2));
    }
}

pub(crate) async fn an_event_has_its_effect_once(store: &dyn PaymentStore) {
    let (_, id) = begun(store, "24K", Provider::Stripe).await;
    let tell = async |name: &str| {
        let (which, act) = (Which::Payment(id), Act::Heard(money("24K")));
        let event = Some((Provider::Stripe, name.to_owned()));
        let acting = Acting { which, act, event };
        store.hosted_act(acting, NOW, None).await.unwrap().0.outcome
    };
    assert_eq!(tell("evt_1").await, Outcome::Early, "its page is not known yet");
    act(store, id, Act::Ask { known: None }).await;
    let opened = Act::Open { asked_at: NOW, remote_id: "cs".to_owned(), page: "p".to_owned() };
    act(store, id, opened).await;
    let all = join_all((0..8).map(|_| tell("evt_1"))).await;
    assert_eq!(all.iter().filter(|it| **it == Outcome::Paid).count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|it| **it == Outcome::Repeated).count(), 7);
    assert_eq!(tell("evt_2").await, Outcome::Stands);
    store.forget_events(NOW.plus(Duration::from_millis(1))).await.unwrap();
    assert_eq!(tell("evt_1").await, Outcome::Stands, "forgotten, and still of no effect");
}

pub(crate) async fn what_is_due_is_given_to_one(store: &dyn PaymentStore) {
    for number in 0..5 {
        paged(store, &format!("25{number}K"), Provider::Uzcard).await;
    }
    let (until, first) = (NOW.plus(Duration::from_mins(9)), NOW.plus(Duration::from_mins(1)));
    assert!(store.hosted_due(NOW, until, 10).await.unwrap().is_empty(), "60 s are not over");
    let takes = (0..6).map(|_| store.hosted_due(first, until, 2));
    let taken: Vec<_> = join_all(takes).await.into_iter().flat_map(Result::unwrap).collect();
    let mut names: Vec<_> = taken.iter().map(|(hosted, _)| hosted.remote_id.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!((names.len(), taken.len()), (5, 5));
    assert!(taken.iter().all(|(hosted, payment)| hosted.payment == payment.id));
    assert!(store.hosted_due(first, until, 10).await.unwrap().is_empty());
    assert_eq!(store.hosted_due(until, until, 10).await.unwrap().len(), 5, "whoever died");

    // Of an order that is closed, the page is to be taken down at once.
    let (payable, id) = paged(store, "25L", Provider::Stripe).await;
    store.close(close(payable.order, false), NOW).await.unwrap();
    let due = store.hosted_due(NOW, NOW.plus(Duration::from_mins(1)), 10).await.unwrap();
    assert_eq!((due.len(), due[0].0.payment, due[0].1.status), (1, id, Status::Cancelled));
    act(store, id, Act::Heard(Word::Over)).await;
    let later = NOW.plus(Duration::from_hours(99));
    let due = store.hosted_due(later, later, 10).await.unwrap();
    assert!(due.iter().all(|(hosted, _)| hosted.payment != id), "it has ended");
}

pub(crate) async fn a_refund_gives_back_its_share_of_the_charge(store: &dyn PaymentStore) {
    let (payable, id) = paged(store, "26K", Provider::Stripe).await;
    act(store, id, Act::Heard(money("26K"))).await;
    let mut back = 0;
    for (amount, cents) in [(200_000, 158), (200_001, 158), (SUM - 400_001, 79)] {
        let refund = Asking { id: RefundId::new(), order: payable.order, amount };
        let begun = store.refund_begin(refund, NOW).await.unwrap().unwrap();
        assert_eq!((begun.state, begun.provider), (RefundState::Pending, Some(Provider::Stripe)));
        let shares = join_all((0..4).map(|_| store.hosted_back(refund.id))).await;
        for share in shares {
            assert_eq!(share.unwrap().unwrap().amount, cents, "worked out once");
        }
        store.hosted_back_named(refund.id, "re_1").await.unwrap();
        let known = store.hosted_back(refund.id).await.unwrap().unwrap();
        assert_eq!((known.remote_id.as_str(), known.hosted.payment), ("re_1", id));
        assert_eq!(known.hosted.charge_id, "charge-26K");
        store.refund_settled(refund.id, RefundState::Succeeded, "", NOW).await.unwrap();
        back += cents;
    }
    assert_eq!(back, 395);
    assert_eq!(store.payments(payable.order, 1).await.unwrap()[0].status, Status::Refunded);
    assert_eq!(store.hosted_back(RefundId::new()).await.unwrap(), None);
}

pub(crate) async fn money_for_a_closed_order_is_kept_and_goes_back(store: &dyn PaymentStore) {
    let (payable, id) = paged(store, "27K", Provider::Stripe).await;
    store.close(close(payable.order, false), NOW).await.unwrap();
    let stray = act(store, id, Act::Heard(money("27K"))).await;
    assert_eq!((stray.outcome, stray.payment.unwrap().status), (Outcome::Stray, Status::Cancelled));
    assert_eq!(store.hosted_trouble().await.unwrap(), 0);
    let due = store.hosted_due(NOW, NOW.plus(Duration::from_mins(1)), 10).await.unwrap();
    assert_eq!((due.len(), due[0].0.charge_id.as_str()), (1, "charge-27K"));
    let asks = join_all((0..8).map(|_| act(store, id, Act::Ask { known: None }))).await;
    assert_eq!(asks.iter().filter(|it| it.outcome == Outcome::Yours(NOW)).count(), 1);
    let stuck = act(store, id, Act::Stuck("refused".to_owned())).await;
    assert_eq!(stuck.outcome, Outcome::Odd);
    assert_eq!(store.hosted_trouble().await.unwrap(), 1, "for people");
    assert!(told(store).await.is_empty(), "the order has nothing to do with it");
}
