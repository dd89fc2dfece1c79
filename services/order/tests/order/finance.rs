//! From a sale to the merchant's bank, as merchants and the platform owner see it.

use std::time::Duration;

use fault::{Code, Fault};
use ids::{MerchantId, UserId};
use mesh::{Caller, Kind, StaffRole};
use proto::{order as pb, payment::PaymentStatus, value};
use testkit::{RunningLab, patiently};

use crate::{STAGES, lab, place, request, stocked, tell};

/// 1000 tiyin less a tenth, and VAT on that.
const SHARE: i64 = 1000 - 100 - 12;

fn staff(merchant: MerchantId) -> Caller {
    Caller { merchant: Some((merchant, StaffRole::Viewer)), ..Caller::user(UserId::new()) }
}

fn admin() -> Caller {
    Caller { roles: vec!["admin".to_owned()], ..Caller::user(UserId::new()) }
}

async fn balance(lab: &RunningLab, caller: Caller) -> Result<(i64, i64), Fault> {
    let mut client = lab.mesh.finance();
    let answer = lab.act(caller, client.get_balance(pb::GetBalanceRequest {})).await?.into_inner();
    Ok((answer.available.unwrap().amount, answer.pending.unwrap().amount))
}

async fn ledger(
    lab: &RunningLab,
    merchant: MerchantId,
    request: pb::ListLedgerRequest,
) -> Result<pb::ListLedgerResponse, Fault> {
    let mut client = lab.mesh.finance();
    Ok(lab.act(staff(merchant), client.list_ledger(request)).await?.into_inner())
}

async fn payouts(lab: &RunningLab, merchant: MerchantId) -> Vec<pb::Payout> {
    let mut client = lab.mesh.finance();
    let list = client.list_payouts(pb::ListPayoutsRequest::default());
    lab.act(staff(merchant), list).await.unwrap().into_inner().payouts
}

async fn step(
    lab: &RunningLab,
    caller: Caller,
    request: pb::MovePayoutRequest,
) -> Result<pb::MovePayoutResponse, Fault> {
    let mut client = lab.mesh.finance();
    Ok(lab.act(caller, client.move_payout(request)).await?.into_inner())
}

/// A delivered sale of so many pieces at 1000 tiyin.
async fn delivered(lab: &RunningLab, cart: &str, merchant: MerchantId, key: &str) -> pb::Order {
    let placed = place(lab, &Caller::guest(), request(cart, key)).await.unwrap();
    let order = placed.order.unwrap();
    tell(lab, "payment.paid", &order, PaymentStatus::Paid, 0).await;
    for step in [pb::ShipmentMove::Ship, pb::ShipmentMove::Deliver] {
        let request = pb::MoveShipmentRequest {
            order_id: order.id.clone(),
            r#move: step.into(),
            carrier: "BTS".to_owned(),
            tracking: "77".to_owned(),
            ..Default::default()
        };
        let operator = Caller {
            merchant: Some((merchant, StaffRole::Operator)),
            ..Caller::user(UserId::new())
        };
        let mut client = lab.mesh.order();
        lab.act(operator, client.move_shipment(request)).await.unwrap();
    }
    order
}

#[tokio::test]
async fn a_sale_becomes_a_payout() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let ((offer, merchant), (_, other)) = (stocked(&lab, 9).await, stocked(&lab, 9).await);
        let order = delivered(&lab, &world.cart(&[(&offer.id, 2)]), merchant, "k").await;
        assert_eq!(balance(&lab, staff(merchant)).await.unwrap(), (0, 2 * SHARE));
        assert_eq!(balance(&lab, staff(other)).await.unwrap(), (0, 0), "tenants are strangers");
        let key = |scopes: &[&str]| Caller {
            kind: Kind::ApiKey,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            user: None,
            ..staff(merchant)
        };
        assert!(balance(&lab, key(&["finance:read"])).await.is_ok());
        let refused = balance(&lab, key(&["orders:read"])).await.unwrap_err();
        assert_eq!(refused.code, Code::Forbidden);

        // The ten days are over, and with the next Monday the period.
        lab.clock.advance(Duration::from_hours(24 * 10));
        assert_eq!(balance(&lab, staff(merchant)).await.unwrap(), (2 * SHARE, 0));
        lab.clock.advance(Duration::from_hours(24 * 7));
        patiently("the payout is drafted", async || payouts(&lab, merchant).await.len() == 1).await;
        let payout = payouts(&lab, merchant).await.remove(0);
        assert_eq!((payout.status.as_str(), payout.amount.unwrap().amount), ("draft", 2 * SHARE));
        assert_eq!(balance(&lab, staff(merchant)).await.unwrap(), (0, 0), "it is set aside");
        assert!(payouts(&lab, other).await.is_empty());

        let owner = admin();
        let ask = |to: pb::PayoutMove, key: &str| pb::MovePayoutRequest {
            id: payout.id.clone(),
            r#move: to.into(),
            reference: "PP-77".to_owned(),
            reason: "hisob yopilgan".to_owned(),
            idempotency_key: key.to_owned(),
            request_hash: vec![1].into(),
        };
        let strangers = [staff(merchant), Caller::guest(), Caller::user(UserId::new())];
        for stranger in strangers {
            let approve = step(&lab, stranger, ask(pb::PayoutMove::Approve, "k")).await;
            assert!(matches!(approve.unwrap_err().code, Code::Forbidden | Code::Unauthenticated));
        }
        let early = step(&lab, owner.clone(), ask(pb::PayoutMove::Paid, "a")).await.unwrap_err();
        assert_eq!((early.code, early.reason.as_ref()), (Code::Conflict, "PAYOUT_STATE"));
        let none = step(&lab, owner.clone(), ask(pb::PayoutMove::Approve, "")).await.unwrap_err();
        assert_eq!(none.reason, "IDEMPOTENCY_KEY_REQUIRED");
        let first = step(&lab, owner.clone(), ask(pb::PayoutMove::Approve, "b")).await.unwrap();
        let again = step(&lab, owner.clone(), ask(pb::PayoutMove::Approve, "b")).await.unwrap();
        assert!(!first.replayed && again.replayed && first.payout == again.payout);
        let other_body = pb::MovePayoutRequest {
            request_hash: vec![2].into(),
            ..ask(pb::PayoutMove::Approve, "b")
        };
        let reused = step(&lab, owner.clone(), other_body).await.unwrap_err();
        assert_eq!(reused.reason, "IDEMPOTENCY_KEY_REUSED");
        let blank =
            pb::MovePayoutRequest { reference: " ".to_owned(), ..ask(pb::PayoutMove::Paid, "c") };
        let blank = step(&lab, owner.clone(), blank).await.unwrap_err();
        assert_eq!(blank.fields[0].field, "reference");
        let paid = step(&lab, owner.clone(), ask(pb::PayoutMove::Paid, "c")).await.unwrap();
        assert_eq!(paid.payout.unwrap().status, "paid");

        let all = ledger(&lab, merchant, pb::ListLedgerRequest::default()).await.unwrap().entries;
        let sum = |entries: &[pb::LedgerEntry],
                   of: fn(&pb::LedgerEntry) -> &Option<value::Money>| {
            entries.iter().map(|entry| of(entry).as_ref().unwrap().amount).sum::<i64>()
        };
        assert_eq!(sum(&all, |it| &it.debit), sum(&all, |it| &it.credit));
        let kinds = ["sale", "commission", "commission", "payout", "payout"];
        assert_eq!(all.len(), 2 * kinds.len());
        let of_order = all.iter().filter(|entry| entry.order_id == order.id).count();
        assert_eq!(of_order, 6, "two sides of three postings");
        let own = pb::ListLedgerRequest { account: "merchant".to_owned(), ..Default::default() };
        let own = ledger(&lab, merchant, own).await.unwrap().entries;
        assert_eq!(sum(&own, |it| &it.credit) - sum(&own, |it| &it.debit), 0, "all is paid");
        lab.stop().await;
    }
}

#[tokio::test]
async fn a_ledger_is_read_in_pages_and_by_days() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (offer, merchant) = stocked(&lab, 9).await;
        for key in ["a", "b"] {
            delivered(&lab, &world.cart(&[(&offer.id, 1)]), merchant, key).await;
        }
        let all = ledger(&lab, merchant, pb::ListLedgerRequest::default()).await.unwrap().entries;
        assert_eq!(all.len(), 12);
        for (limit, account) in [(1, ""), (5, ""), (1, "merchant"), (100, "commission_vat")] {
            let (mut seen, mut after) = (Vec::new(), String::new());
            loop {
                let request = pb::ListLedgerRequest {
                    page: Some(value::PageRequest { limit, after, count: false }),
                    account: account.to_owned(),
                    ..Default::default()
                };
                let page = ledger(&lab, merchant, request).await.unwrap();
                assert!(page.entries.len() <= usize::try_from(limit).unwrap());
                seen.extend(page.entries);
                after = page.page.unwrap().next;
                if after.is_empty() {
                    break;
                }
            }
            let wanted: Vec<_> = all
                .iter()
                .filter(|entry| account.is_empty() || entry.account == account)
                .cloned()
                .collect();
            assert_eq!(seen, wanted, "{limit} {account}");
        }
        for (from, to, count) in [
            ("2026-11-21", "2026-11-21", 12),
            ("2026-11-22", "", 0),
            ("", "2026-11-20", 0),
            ("2026-11-21T09:30:00Z", "2026-11-21T09:30:01Z", 12),
            ("", "2026-11-21T09:30:00Z", 0),
        ] {
            let request = pb::ListLedgerRequest {
                from: from.to_owned(),
                to: to.to_owned(),
                ..Default::default()
            };
            let found = ledger(&lab, merchant, request).await.unwrap().entries.len();
            assert_eq!(found, count, "{from} {to}");
        }
        for (request, field) in [
            (pb::ListLedgerRequest { from: "kecha".to_owned(), ..Default::default() }, "from"),
            (
                pb::ListLedgerRequest { account: "pocket".to_owned(), ..Default::default() },
                "account",
            ),
            (
                pb::ListLedgerRequest {
                    page: Some(value::PageRequest { after: "x".to_owned(), ..Default::default() }),
                    ..Default::default()
                },
                "after",
            ),
        ] {
            let refused = ledger(&lab, merchant, request).await.unwrap_err();
            assert_eq!(refused.fields[0].field, field);
        }
        lab.stop().await;
    }
}

#[tokio::test]
async fn sales_are_reported_by_days_in_tashkent() {
    for stage in STAGES {
        let Some((lab, world)) = lab(stage).await else { continue };
        let (offer, merchant) = stocked(&lab, 9).await;
        delivered(&lab, &world.cart(&[(&offer.id, 2)]), merchant, "a").await;
        // 14:30 in Tashkent and ten hours more: the next day there, not yet in Greenwich.
        lab.clock.advance(Duration::from_hours(10));
        delivered(&lab, &world.cart(&[(&offer.id, 1)]), merchant, "b").await;
        let mut client = lab.mesh.finance();
        let report = async |from: &str, to: &str, group: &str| {
            let request = pb::GetSalesReportRequest {
                from: from.to_owned(),
                to: to.to_owned(),
                group: group.to_owned(),
            };
            let answer = lab.act(staff(merchant), client.clone().get_sales_report(request)).await;
            answer.map(tonic::Response::into_inner).map_err(Fault::from)
        };
        let days = report("2026-11-21", "2026-11-23", "").await.unwrap().periods;
        let figures: Vec<_> = days
            .iter()
            .map(|day| {
                (day.period.as_str(), day.orders, day.items, day.net.clone().unwrap().amount)
            })
            .collect();
        assert_eq!(
            figures,
            [("2026-11-21", 1, 2, 2000), ("2026-11-22", 1, 1, 1000), ("2026-11-23", 0, 0, 0)]
        );
        let months = report("2026-11-21", "2026-11-23", "month").await.unwrap().periods;
        assert_eq!((months[0].period.as_str(), months[0].orders), ("2026-11", 2));
        let weeks = report("2026-11-22", "2026-11-22", "week").await.unwrap().periods;
        let first = &weeks[0];
        assert_eq!((first.period.as_str(), first.orders), ("2026-11-16", 1), "only of that time");
        assert_eq!(report("", "", "day").await.unwrap().periods.len(), 30);
        for (from, to, group) in [
            ("2020-01-01", "2026-01-01", "day"),
            ("2026-02-01", "2026-01-01", ""),
            ("", "", "year"),
        ] {
            assert_eq!(report(from, to, group).await.unwrap_err().code, Code::Invalid);
        }
        let board = client.get_dashboard(pb::GetDashboardRequest {});
        let board = lab.act(admin(), board).await.unwrap().into_inner();
        let today = board.today.unwrap();
        assert_eq!((today.orders, today.turnover.unwrap().amount), (1, 1000));
        assert_eq!(today.commission.unwrap().amount, 100);
        assert_eq!(board.week.unwrap().orders, 2);
        let mut client = lab.mesh.finance();
        let refused = lab.act(staff(merchant), client.get_dashboard(pb::GetDashboardRequest {}));
        assert_eq!(Fault::from(refused.await.unwrap_err()).code, Code::Forbidden);

        let mut client = lab.mesh.finance();
        let request = pb::ListMovementsRequest { offer_id: offer.id.clone(), ..Default::default() };
        let own = lab.act(staff(merchant), client.list_movements(request.clone())).await.unwrap();
        let causes: Vec<String> =
            own.into_inner().movements.into_iter().map(|it| it.cause).collect();
        assert_eq!(causes, ["sold", "held", "sold", "held", "counted"]);
        let foreign = lab.act(staff(MerchantId::new()), client.list_movements(request)).await;
        assert_eq!(Fault::from(foreign.unwrap_err()).reason, "OFFER_NOT_FOUND");
        lab.stop().await;
    }
}
