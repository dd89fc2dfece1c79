use clock::Timestamp;
use proptest::prelude::*;

use super::{
    click,
    payme::{self, LIFETIME, REASON_TIMEOUT, Refusal, State},
    *,
};

const NOW: Timestamp = Timestamp::from_millis(1_795_253_400_000);

fn snapshot() -> Snapshot {
    Snapshot {
        order: OrderId::new(),
        reference: "1000001K".to_owned(),
        amount: Money::uzs(500_000),
        payable_until: NOW.plus(std::time::Duration::from_hours(1)),
        lines: Vec::new(),
        delivery: 0,
        customer_phone: String::new(),
        locale: "uz".to_owned(),
    }
}

fn draft() -> payme::Draft {
    payme::Draft {
        id: "5f0000000000000000000001".to_owned(),
        time: NOW,
        amount: 500_000,
        account: r#"{"order_id":"1000001K"}"#.to_owned(),
        reference: "1000001K".to_owned(),
    }
}

#[test]
fn names_round_trip() {
    for provider in Provider::ALL {
        assert_eq!(Provider::parse(provider.as_str()), Some(provider));
    }
    for status in Status::ALL {
        assert_eq!(Status::parse(status.as_str()), Some(status));
    }
}

#[test]
fn a_receipt_needs_lines_that_add_up_and_have_codes() {
    let line = FiscalLine {
        title: "Choynak".to_owned(),
        unit_price: 200_000,
        quantity: 2,
        discount: 20_000,
        mxik: "06912001001000000".to_owned(),
        package_code: "1501319".to_owned(),
        vat_percent: 12,
        unit_code: String::new(),
        seller_tin: String::new(),
    };
    let whole = Snapshot { lines: vec![line.clone()], delivery: 120_000, ..snapshot() };
    assert!(whole.is_fiscal());
    assert!(!Snapshot { delivery: 120_001, ..whole.clone() }.is_fiscal());
    let uncoded = FiscalLine { mxik: String::new(), ..line };
    assert!(!Snapshot { lines: vec![uncoded], ..whole }.is_fiscal());
    assert!(!snapshot().is_fiscal());
}

#[test]
fn a_payable_accepts_until_its_time_is_over() {
    let mut payable = Payable::new(snapshot().terms());
    let until = payable.terms.payable_until;
    assert_eq!(payable.accepts(until), Ok(()));
    assert_eq!(payable.accepts(until.plus(LIFETIME)), Err(NotPayable::Over));
    payable.pay().unwrap();
    assert_eq!(payable.accepts(until.plus(LIFETIME)), Err(NotPayable::Paid));
    payable.refund().unwrap();
    assert_eq!(payable.closed_reason, "refunded");
    assert_eq!(payable.accepts(NOW), Err(NotPayable::Over));
}

#[test]
fn a_transaction_of_payme_lives_exactly_twelve_hours() {
    let mut transaction = payme::Transaction::new(draft(), PaymentId::new(), OrderId::new(), NOW);
    let last = NOW.plus(LIFETIME);
    let over = last.plus(std::time::Duration::from_millis(1));
    assert!(!transaction.is_due(last));
    assert_eq!(transaction.clone().perform(last), Ok(true));
    assert_eq!(transaction.clone().perform(over), Err(Refusal::Impossible));
    assert!(transaction.expire(over));
    assert_eq!((transaction.state, transaction.reason), (State::Cancelled, Some(REASON_TIMEOUT)));
    assert!(!transaction.expire(over), "once");
}

#[test]
fn the_order_of_paymes_checks() {
    let open = Payable::new(snapshot().terms());
    let creates = |draft: &payme::Draft, busy| {
        payme::may_create(Some(open.clone()), busy, draft, NOW).unwrap_err()
    };
    let wrong = payme::Draft { amount: 1, ..draft() };
    let old = payme::Draft { time: Timestamp::from_millis(0), ..draft() };
    assert_eq!(payme::check(&open, true, 1, NOW), Err(Refusal::Busy));
    assert_eq!(payme::check(&open, false, 1, NOW), Err(Refusal::Amount));
    assert_eq!(payme::check(&open, false, 500_000, NOW), Ok(()));
    assert_eq!(payme::may_create(None, true, &wrong, NOW).unwrap_err(), Refusal::NoOrder);
    assert_eq!(creates(&wrong, true), Refusal::Amount);
    assert_eq!(creates(&draft(), true), Refusal::Impossible);
    assert_eq!(creates(&old, false), Refusal::Impossible);
    let mut paid = Payable::new(snapshot().terms());
    paid.pay().unwrap();
    assert_eq!(payme::may_create(Some(paid), true, &draft(), NOW).unwrap_err(), Refusal::Paid);
}

#[test]
fn click_is_told_already_paid_only_of_its_own_money() {
    let call = click::Call {
        trans_id: 1,
        paydoc_id: 2,
        reference: "1000001K".to_owned(),
        amount: 500_000,
        amount_text: "5000".to_owned(),
        error: 0,
    };
    let mut paid = Payable::new(snapshot().terms());
    paid.pay().unwrap();
    for (provider, refusal) in
        [(Provider::Click, click::Refusal::Paid), (Provider::Payme, click::Refusal::Cancelled)]
    {
        let payment = Payment::new(&paid.terms, provider, "k".to_owned(), NOW);
        let told = click::may_prepare(Some(paid.clone()), Some(&payment), &call, NOW);
        assert_eq!(told.unwrap_err(), refusal);
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Start,
    Pay,
    Cancel,
    Refund,
    Expire,
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop::sample::select(vec![
        Step::Start,
        Step::Pay,
        Step::Cancel,
        Step::Refund,
        Step::Expire,
        Step::Wait,
    ]);
    prop::collection::vec(step, 0..24)
}

proptest! {
    #[test]
    fn no_path_leaves_the_machine_of_payments(steps in steps()) {
        let mut payment = Payment::new(&snapshot().terms(), Provider::Payme, "k".to_owned(), NOW);
        for step in steps {
            let before = payment.clone();
            let outcome = match step {
                Step::Start => payment.start("ref", NOW),
                Step::Pay => payment.pay(NOW),
                Step::Cancel | Step::Expire => payment.cancel(),
                Step::Refund => payment.refund(),
                Step::Wait => continue,
            };
            let edge = (before.status, payment.status);
            if outcome.is_err() {
                prop_assert_eq!(&payment, &before, "a refusal changes nothing");
                continue;
            }
            let legal = matches!(
                edge,
                (Status::Pending | Status::Processing, Status::Processing | Status::Cancelled)
                    | (Status::Processing, Status::Paid)
                    | (Status::Paid, Status::Refunded)
            );
            prop_assert!(legal, "{:?}", edge);
            prop_assert_eq!(payment.version, before.version + 1);
            let moneyed = matches!(payment.status, Status::Paid | Status::Refunded);
            prop_assert_eq!(payment.paid_at.is_some(), moneyed);
        }
    }

    #[test]
    fn no_path_leaves_the_machine_of_payme(steps in steps(), delivered: bool) {
        let mut transaction = payme::Transaction::new(draft(), PaymentId::new(), OrderId::new(), NOW);
        let mut now = NOW;
        for step in steps {
            let before = transaction.clone();
            match step {
                Step::Start => {}
                Step::Pay => drop(transaction.perform(now)),
                Step::Cancel | Step::Refund => drop(transaction.cancel(5, delivered, now)),
                Step::Expire => drop(transaction.expire(now)),
                Step::Wait => now = now.plus(std::time::Duration::from_hours(5)),
            }
            let edge = (before.state.code(), transaction.state.code());
            prop_assert!(matches!(edge, (1, 1 | 2 | -1) | (2, 2 | -2) | (-1, -1) | (-2, -2)), "{:?}", edge);
            if edge.0 == edge.1 {
                prop_assert_eq!(&transaction, &before, "what does not move does not change");
            }
            prop_assert_eq!(transaction.perform_time.is_some(), matches!(edge.1, 2 | -2));
            prop_assert_eq!(transaction.cancel_time.is_some(), edge.1 < 0);
            prop_assert!(!(delivered && edge.1 == -2));
        }
    }

    #[test]
    fn no_path_leaves_the_machine_of_click(sums in prop::collection::vec((0i64..3, any::<bool>()), 0..12)) {
        let mut transaction = click::Transaction {
            prepare_id: 1,
            trans_id: 1,
            paydoc_id: 1,
            payment: PaymentId::new(),
            order: OrderId::new(),
            reference: "1000001K".to_owned(),
            amount: 1,
            state: click::State::Prepared,
        };
        for (amount, gives_up) in sums {
            let before = transaction.state;
            if gives_up {
                transaction.cancel();
            } else {
                let told = transaction.confirm(amount);
                prop_assert_eq!(told.is_ok(), before == click::State::Prepared && amount == 1);
            }
            prop_assert!(before == click::State::Prepared || before == transaction.state);
        }
    }
}
