use proptest::prelude::*;

use super::*;

const FORM: [&str; 6] = ["Anor", "Anor MChJ", "123456789", "", "+998901234567", "anor@example.uz"];

fn merchant() -> Merchant {
    let about = Application::parse(FORM, None).unwrap();
    Merchant::new(UserId::new(), about, Timestamp::from_millis(0))
}

fn decision() -> impl Strategy<Value = Decision> {
    let plan = prop::sample::select(vec![Plan::Basic, Plan::Professional, Plan::Enterprise]);
    prop_oneof![
        prop::option::of(plan).prop_map(Decision::Approve),
        "[a-z]{1,8}".prop_map(Decision::Reject),
        "[a-z]{1,8}".prop_map(Decision::Suspend),
    ]
}

#[test]
fn the_table_of_decisions() {
    let approve = || Decision::Approve(Some(Plan::Basic));
    let (reject, suspend) =
        (|| Decision::Reject("no".to_owned()), || Decision::Suspend("no".to_owned()));
    let rows: [(Status, Decision, Option<Status>); 12] = [
        (Status::Pending, approve(), Some(Status::Active)),
        (Status::Pending, reject(), Some(Status::Rejected)),
        (Status::Pending, suspend(), None),
        (Status::Active, approve(), Some(Status::Active)),
        (Status::Active, reject(), None),
        (Status::Active, suspend(), Some(Status::Suspended)),
        (Status::Rejected, approve(), None),
        (Status::Rejected, reject(), Some(Status::Rejected)),
        (Status::Rejected, suspend(), None),
        (Status::Suspended, approve(), Some(Status::Active)),
        (Status::Suspended, reject(), None),
        (Status::Suspended, suspend(), Some(Status::Suspended)),
    ];
    for (from, decision, to) in rows {
        let mut merchant = Merchant { status: from, ..merchant() };
        let outcome = merchant.decide(&decision);
        assert_eq!(outcome.is_ok(), to.is_some(), "{from:?} {decision:?}");
        assert_eq!(merchant.status, to.unwrap_or(from), "{from:?} {decision:?}");
    }
}

#[test]
fn the_first_approval_names_a_plan_and_later_ones_keep_it() {
    let mut merchant = merchant();
    assert_eq!(merchant.decide(&Decision::Approve(None)), Err(IllegalDecision::PlanMissing));
    merchant.decide(&Decision::Approve(Some(Plan::Enterprise))).unwrap();
    merchant.decide(&Decision::Suspend("unpaid".to_owned())).unwrap();
    assert_eq!(merchant.reason, "unpaid");
    merchant.decide(&Decision::Approve(None)).unwrap();
    assert_eq!((merchant.plan, merchant.reason.as_str()), (Some(Plan::Enterprise), ""));
    let again = merchant.decide(&Decision::Approve(Some(Plan::Enterprise))).unwrap();
    assert_eq!(again, None);
    let other = merchant.decide(&Decision::Approve(Some(Plan::Basic))).unwrap();
    assert!(matches!(other, Some(Event::MerchantApproved(_))), "a change of plan");
}

#[test]
fn all_wrong_fields_of_an_application_are_told() {
    let wrong = Application::parse(["", "", "", "", "1", "x"], Some(["1", "2", ""])).unwrap_err();
    let fields: Vec<_> = wrong.iter().map(|wrong| wrong.field).collect();
    assert_eq!(fields, ["name", "legal_name", "tin", "phone", "email", "bank.account", "bank.mfo"]);
    let empty = Application::parse(FORM, Some(["", " ", ""])).unwrap();
    assert_eq!(empty.bank, None);
    let half = Application::parse(FORM, Some(["", "00014", ""])).unwrap_err();
    assert_eq!((half[0].field, half[0].code), ("bank.account", "REQUIRED"));
}

proptest! {
    #[test]
    fn no_history_breaks_the_machine(decisions in prop::collection::vec(decision(), 0..40)) {
        let mut merchant = merchant();
        for decision in decisions {
            let before = merchant.clone();
            match merchant.decide(&decision) {
                Err(_) | Ok(None) => prop_assert_eq!(&merchant, &before),
                Ok(Some(event)) => {
                    prop_assert_eq!(merchant.version, before.version + 1);
                    let told = match event {
                        Event::MerchantApplied(told) | Event::MerchantApproved(told)
                        | Event::MerchantRejected(told) | Event::MerchantSuspended(told) => told,
                        Event::Message(_) => panic!("no decision sends a text"),
                    };
                    prop_assert_eq!(&told, &merchant, "others are told the state after the change");
                }
            }
            prop_assert!(before.status != Status::Rejected || merchant.status == Status::Rejected);
            prop_assert!(merchant.status != Status::Pending || merchant.version == 1);
            prop_assert_eq!(merchant.plan.is_some(), matches!(merchant.status, Status::Active | Status::Suspended));
        }
    }

    #[test]
    fn a_tin_is_nine_digits_and_a_pinfl_fourteen(text in "[0-9a ]{0,16}") {
        let [name, legal, _, _, phone, email] = FORM;
        let trimmed = text.trim();
        let all_digits = trimmed.bytes().all(|digit| digit.is_ascii_digit());
        let tin = Application::parse([name, legal, &text, "", phone, email], None);
        prop_assert_eq!(tin.is_ok(), all_digits && trimmed.len() == 9);
        let pinfl = Application::parse([name, legal, "", &text, phone, email], None);
        prop_assert_eq!(pinfl.is_ok(), all_digits && trimmed.len() == 14);
    }
}
