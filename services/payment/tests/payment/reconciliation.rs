//! Payments held against what their providers say.

use ids::UserId;
use mesh::Caller;
use proto::payment as pb;
use serde_json::json;
use testkit::{FreshDatabase, WIRINGS, Wiring};

use crate::{
    click::{call, prepare},
    desk::Desk,
    lab::{Shop, shop, shop_with},
};

fn admin() -> Caller {
    Caller { roles: vec!["admin".to_owned()], ..Caller::user(UserId::new()) }
}

async fn start(
    shop: &Shop,
    provider: &str,
    csv: &str,
) -> Result<pb::Reconciliation, tonic::Status> {
    let mut client = shop.lab.mesh.reconciliation();
    // Payments of the tests are of the day that the clock shows.
    let today = payment::domain::day::day(shop.lab.clock.now());
    let request = pb::StartReconciliationRequest {
        provider: provider.to_owned(),
        from: today.clone(),
        to: today,
        csv: csv.to_owned(),
    };
    let answer = shop.lab.act(admin(), client.start_reconciliation(request)).await?;
    Ok(answer.into_inner().reconciliation.unwrap())
}

async fn ended(shop: &Shop, id: &str) -> pb::Reconciliation {
    let find = async || {
        let mut client = shop.lab.mesh.reconciliation();
        let request = pb::ListReconciliationsRequest::default();
        let runs = shop.lab.act(admin(), client.list_reconciliations(request)).await.unwrap();
        runs.into_inner().reconciliations.into_iter().find(|run| run.id == id).unwrap()
    };
    testkit::eventually("the run ends", || async { find().await.ended_at_ms > 0 }).await;
    find().await
}

/// Class, outcome and the order's number, oldest first.
async fn differences(shop: &Shop) -> Vec<(String, String, String)> {
    let mut client = shop.lab.mesh.reconciliation();
    let request = pb::ListDifferencesRequest::default();
    let found = shop.lab.act(admin(), client.list_differences(request)).await.unwrap();
    let mut found: Vec<_> = found
        .into_inner()
        .differences
        .into_iter()
        .map(|it| (it.class, it.outcome, it.reference))
        .collect();
    found.sort();
    found
}

fn texts(found: &[(String, String, String)]) -> Vec<(&str, &str, &str)> {
    found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect()
}

/// Nothing is compared at night.
const BY_HAND: u8 = 24;

/// A shop whose payments by Click are compared with what a desk knows.
async fn compared(desk: &Desk, (wiring, address): (Wiring, Option<&str>), hour: u8) -> Shop {
    let url = desk.url.clone();
    shop_with(wiring, address, move |config| {
        config.click.api_url = url;
        "30001".clone_into(&mut config.click.merchant_user_id);
        config.reconciliation.hour = hour;
    })
    .await
}

#[tokio::test]
async fn a_table_of_paymes_cabinet_is_compared() {
    for (wiring, on_servers) in [(WIRINGS[0], false), (WIRINGS[1], false), (WIRINGS[0], true)] {
        let database = if on_servers { FreshDatabase::create().await } else { None };
        if on_servers && database.is_none() {
            return;
        }
        let address = database.as_ref().map(|database| database.address.as_str());
        let shop = shop_with(wiring, address, |_| {}).await;
        for (name, perform) in [
            ("good", true),
            ("lost", false),
            ("gone", true),
            ("sum", true),
            ("over", false),
            ("open", false),
        ] {
            shop.ordered(&format!("{name}-K"), "payme").await;
            shop.payme("CreateTransaction", shop.creation(name, &format!("{name}-K"))).await;
            if perform {
                shop.payme("PerformTransaction", json!({ "id": name })).await;
            }
        }
        shop.payme("CancelTransaction", json!({ "id": "over", "reason": 4 })).await;
        let csv = "id;order_id;amount;state\n\
                   good;good-K;5 000,00;paid\n\
                   lost;lost-K;5000;Оплачен\n\
                   sum;sum-K;5000.01;paid\n\
                   over;over-K;5000;2\n\
                   open;open-K;5000;1\n\
                   never;9-K;100;paid\n";
        let run = start(&shop, "payme", csv).await.unwrap();
        assert_eq!(
            (run.state.as_str(), run.cause.as_str(), run.note.as_str()),
            ("done", "upload", "")
        );
        assert_eq!((run.compared, run.found, run.fixed), (7, 5, 1));
        let found = differences(&shop).await;
        assert_eq!(
            texts(&found),
            [
                ("amount", "frozen", "sum-K"),
                ("paid_here_only", "frozen", "gone-K"),
                ("paid_there_only", "fixed", "lost-K"),
                ("paid_there_only", "frozen", "9-K"),
                ("paid_there_only", "frozen", "over-K"),
            ]
        );
        // What was lost is paid, and the order knows.
        let state = shop.payme("CheckTransaction", json!({ "id": "lost" })).await;
        assert_eq!(state["result"]["state"], 2);
        testkit::eventually("the order hears of four payments", || async {
            shop.orders.told().iter().filter(|(kind, _)| kind == "payment.paid").count() == 4
        })
        .await;
        // Again: nothing new, the frozen ones are the same.
        let again = start(&shop, "payme", csv).await.unwrap();
        assert_eq!((again.found, again.fixed), (4, 0));
        assert_eq!(differences(&shop).await.len(), 5);
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn click_is_asked_for_each_order() {
    for (wiring, on_servers) in [(WIRINGS[0], false), (WIRINGS[1], false), (WIRINGS[0], true)] {
        let database = if on_servers { FreshDatabase::create().await } else { None };
        if on_servers && database.is_none() {
            return;
        }
        let desk = Desk::open().await;
        let address = database.as_ref().map(|database| database.address.as_str());
        let shop = compared(&desk, (wiring, address), BY_HAND).await;
        // Attempt, payment number there, whether Complete came, and what Click says.
        for (attempt, order, complete, says) in [
            ("1", "1K", true, Some(2)),
            ("2", "2K", false, Some(2)),
            ("3", "3K", true, Some(-2)),
            ("4", "4K", true, None),
            ("5", "5K", false, Some(1)),
        ] {
            shop.ordered(order, "click").await;
            let paydoc = format!("400{attempt}");
            let fields = [("click_paydoc_id", paydoc.as_str())];
            let prepared = call(&shop, "0", attempt, order, &fields).await;
            let id = prepared["merchant_prepare_id"].to_string();
            if complete {
                let fields = [fields[0], ("merchant_prepare_id", id.as_str())];
                assert_eq!(call(&shop, "1", attempt, order, &fields).await["error"], 0);
            }
            if let Some(status) = says {
                desk.knows(order, paydoc.parse().unwrap(), status);
            }
        }
        let run = start(&shop, "click", "").await.unwrap();
        let run = ended(&shop, &run.id).await;
        assert_eq!((run.state.as_str(), run.cause.as_str()), ("done", "demand"), "{run:?}");
        assert_eq!((run.compared, run.unanswered, run.found, run.fixed), (5, 0, 3, 1));
        let found = differences(&shop).await;
        assert_eq!(
            texts(&found),
            [
                ("paid_here_only", "frozen", "3K"),
                ("paid_here_only", "frozen", "4K"),
                ("paid_there_only", "fixed", "2K"),
            ]
        );
        // The lost Complete comes late: it is told what it would have been told.
        let late = call(&shop, "0", "2", "2K", &[("click_paydoc_id", "4002")]).await;
        assert_eq!(late["error"], -4);
        // Somebody looks at a frozen one.
        let mut client = shop.lab.mesh.reconciliation();
        let request =
            pb::ListDifferencesRequest { outcome: "frozen".to_owned(), ..Default::default() };
        let frozen = shop.lab.act(admin(), client.list_differences(request)).await.unwrap();
        let id = frozen.into_inner().differences[0].id.clone();
        let resolve =
            |note: &str| pb::ResolveDifferenceRequest { id: id.clone(), note: note.to_owned() };
        let wordless = client.resolve_difference(resolve(" "));
        assert!(shop.lab.act(admin(), wordless).await.is_err());
        for _ in 0..2 {
            let resolved = client.resolve_difference(resolve("sent back by Click"));
            let resolved = shop.lab.act(admin(), resolved).await.unwrap().into_inner();
            let difference = resolved.difference.unwrap();
            assert_eq!(difference.outcome, "resolved");
            assert!(difference.note.starts_with("sent back by Click (usr_"), "{}", difference.note);
        }
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn of_several_attempts_the_one_that_click_speaks_of_counts() {
    let desk = Desk::open().await;
    let shop = compared(&desk, (WIRINGS[0], None), BY_HAND).await;
    for order in ["1K", "2K"] {
        shop.ordered(order, "click").await;
    }
    // The first attempt took the money, and its Complete was lost; the shopper had begun anew.
    for (attempt, paydoc) in [("1", "4001"), ("2", "4002")] {
        call(&shop, "0", attempt, "1K", &[("click_paydoc_id", paydoc)]).await;
    }
    desk.knows("1K", 4001, 2);
    // Paid here by one payment, and there by one that nobody knows here.
    let id = call(&shop, "0", "3", "2K", &[("click_paydoc_id", "4003")]).await;
    let id = id["merchant_prepare_id"].to_string();
    let fields = [("click_paydoc_id", "4003"), ("merchant_prepare_id", id.as_str())];
    assert_eq!(call(&shop, "1", "3", "2K", &fields).await["error"], 0);
    desk.knows("2K", 5555, 2);
    let run = start(&shop, "click", "").await.unwrap();
    let run = ended(&shop, &run.id).await;
    assert_eq!((run.compared, run.found, run.fixed), (2, 2, 1));
    let found = differences(&shop).await;
    let expected = [("paid_there_only", "fixed", "1K"), ("state", "frozen", "2K")];
    assert_eq!(texts(&found), expected);
    shop.lab.stop().await;
}

#[tokio::test]
async fn a_provider_that_does_not_answer_fails_the_run_and_freezes_nothing() {
    let desk = Desk::open().await;
    let shop = compared(&desk, (WIRINGS[0], None), BY_HAND).await;
    shop.ordered("1K", "click").await;
    let id = prepare(&shop, "1", "1K").await;
    call(&shop, "1", "1", "1K", &[("merchant_prepare_id", &id)]).await;
    desk.books.lock().unwrap().failures = 1000;
    let run = start(&shop, "click", "").await.unwrap();
    let run = ended(&shop, &run.id).await;
    assert_eq!((run.state.as_str(), run.unanswered, run.found), ("failed", 1, 0));
    assert!(differences(&shop).await.is_empty());
    shop.lab.stop().await;
}

#[tokio::test]
async fn the_day_before_is_compared_every_night_once() {
    let desk = Desk::open().await;
    let shop = compared(&desk, (WIRINGS[0], None), 0).await;
    let mut client = shop.lab.mesh.reconciliation();
    let request = pb::ListReconciliationsRequest::default();
    let first = async || {
        let mut client = shop.lab.mesh.reconciliation();
        let runs = client.list_reconciliations(request.clone());
        shop.lab.act(admin(), runs).await.unwrap().into_inner().reconciliations
    };
    testkit::eventually("the night has its run", || async {
        let runs = first().await;
        runs.len() == 1 && runs[0].state == "done" && runs[0].cause == "nightly"
    })
    .await;
    let run = first().await.remove(0);
    assert_eq!(run.to_ms - run.from_ms, 24 * 3_600_000);
    let again = client.list_reconciliations(pb::ListReconciliationsRequest::default());
    assert_eq!(shop.lab.act(admin(), again).await.unwrap().into_inner().reconciliations.len(), 1);
    shop.lab.stop().await;
}

#[tokio::test]
async fn what_cannot_be_compared_says_why_and_strangers_see_nothing() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        for (provider, csv) in
            [("payme", ""), ("click", ""), ("cash", "id"), ("stripe", ""), ("payme", "a,b\n")]
        {
            let refused = start(&shop, provider, csv).await.unwrap_err();
            assert_eq!(crate::reason(refused).0, fault::Code::Invalid, "{provider}");
        }
        for caller in [Caller::guest(), Caller::user(UserId::new())] {
            let mut client = shop.lab.mesh.reconciliation();
            let list = client.list_differences(pb::ListDifferencesRequest::default());
            assert!(shop.lab.act(caller.clone(), list).await.is_err());
            let begin = client.start_reconciliation(pb::StartReconciliationRequest::default());
            assert!(shop.lab.act(caller.clone(), begin).await.is_err());
            let form = client.get_checkout_form(pb::GetCheckoutFormRequest::default());
            assert!(shop.lab.act(caller, form).await.is_err());
        }
        shop.lab.stop().await;
    }
}
