//! The ledger, payouts and reports on the wire.

use clock::Timestamp;
use fault::{Fault, Field};
use ids::{Id, Kind, MerchantId};
use mesh::Context;
use money::{Currency, Money};
use proto::{
    order::{self as pb, finance_service_server::FinanceService},
    value,
};
use serde::Serialize;
use time::{Date, macros::format_description};
use tonic::{Request, Response, Status};

use super::{
    Answer, Api, adjustments,
    decode::{self, id},
    encode,
};
use crate::{
    domain::{
        ledger::Account,
        payout::{Payout, PayoutMove, PayoutState},
        report::{self, Figures, Group},
    },
    error::Error,
    service::Leg,
    store::ledger::{Place, Turnover},
};

/// Moments before and after everything.
const EVER: (Timestamp, Timestamp) =
    (Timestamp::from_millis(0), Timestamp::from_millis(253_402_214_400_000));

fn invalid(field: &str, message: &str) -> Status {
    Fault::invalid(vec![Field::new(field, "INVALID", message)]).into()
}

/// Where a page begins, and how long it is.
type Page<K> = (Option<Place<Id<K>>>, u32);

fn page<K: Kind>(page: Option<value::PageRequest>) -> Result<Page<K>, Status> {
    let page = page.unwrap_or_default();
    let limit = if page.limit == 0 { 20 } else { page.limit.min(100) };
    if page.after.is_empty() {
        return Ok((None, limit));
    }
    let place = page.after.split_once('.').and_then(|(at, id)| {
        Some(Place { at: Timestamp::from_millis(at.parse().ok()?), id: id.parse().ok()? })
    });
    place
        .map(|place| (Some(place), limit))
        .ok_or_else(|| invalid("after", "not a cursor of this list"))
}

fn next<K: Kind>(last: Option<(Timestamp, Id<K>)>, more: bool) -> Option<value::PageInfo> {
    let next = last.filter(|_| more).map(|(at, id)| format!("{}.{id}", at.millis()));
    Some(value::PageInfo { next: next.unwrap_or_default(), count: None })
}

/// The name that serde gives a value.
fn name<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

fn account(text: &str) -> Result<Option<Account>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let account = serde_json::from_value(serde_json::Value::String(text.to_owned()));
    account.map(Some).map_err(|_| invalid("account", "no such account"))
}

fn state(text: &str) -> Result<Option<PayoutState>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let known = PayoutState::parse(text);
    known.map(Some).ok_or_else(|| invalid("status", "expected draft, approved, paid or failed"))
}

/// A day, or the day of a moment.
enum When {
    Day(Date),
    Moment(Timestamp),
}

impl When {
    fn read(text: &str, field: &str) -> Result<Option<Self>, Status> {
        if text.is_empty() {
            return Ok(None);
        }
        if let Ok(day) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
            return Ok(Some(Self::Day(day)));
        }
        let moment = text.parse().ok().filter(|at| (EVER.0..EVER.1).contains(at));
        let expected = "expected a day like 2026-11-21 or a time like 2026-11-21T09:30:00Z";
        moment.map(|at| Some(Self::Moment(at))).ok_or_else(|| invalid(field, expected))
    }

    fn day(&self) -> Date {
        match self {
            Self::Day(day) => *day,
            Self::Moment(at) => report::day(*at),
        }
    }

    /// Where a time that begins with it begins.
    fn begin(&self) -> Timestamp {
        match self {
            Self::Day(day) => report::begin(*day),
            Self::Moment(at) => *at,
        }
    }

    /// Where a time that ends with it ends: a day is meant whole.
    fn end(&self) -> Timestamp {
        match self {
            Self::Day(day) => day.next_day().map_or(EVER.1, report::begin),
            Self::Moment(at) => *at,
        }
    }
}

fn leg(leg: &Leg) -> pb::LedgerEntry {
    let text = |id: Option<String>| id.unwrap_or_default();
    pb::LedgerEntry {
        id: leg.id.to_string(),
        at_ms: leg.at.millis(),
        kind: name(&leg.kind),
        order_id: text(leg.order.map(|id| id.to_string())),
        payout_id: text(leg.payout.map(|id| id.to_string())),
        account: name(&leg.account),
        debit: Some(encode::money(leg.debit)),
        credit: Some(encode::money(leg.credit)),
    }
}

fn payout(payout: &Payout) -> pb::Payout {
    pb::Payout {
        id: payout.id.to_string(),
        merchant_id: payout.merchant.to_string(),
        amount: Some(encode::money(payout.amount)),
        status: payout.state.as_str().to_owned(),
        period_end_ms: payout.period_end.millis(),
        reference: payout.reference.clone(),
        reason: payout.reason.clone(),
        created_at_ms: payout.created_at.millis(),
        changed_at_ms: payout.changed_at.millis(),
    }
}

fn payout_bytes(it: &Payout) -> Vec<u8> {
    prost::Message::encode_to_vec(&payout(it))
}

fn sum(amount: i64) -> Option<value::Money> {
    Some(encode::money(Money::new(amount, Currency::default())))
}

fn period((first, figures): &(Date, Figures), group: Group) -> pb::SalesPeriod {
    let text = first.to_string();
    // Of a month, year and month: without the day.
    let period = match group {
        Group::Month => text.rsplit_once('-').map_or(text.clone(), |(month, _)| month.to_owned()),
        Group::Day | Group::Week => text,
    };
    pb::SalesPeriod {
        period,
        orders: figures.orders,
        items: figures.items,
        gross: sum(figures.gross),
        discounts: sum(figures.discounts),
        refunds: sum(figures.refunds),
        net: sum(figures.net()),
    }
}

fn filled(text: &str, field: &str) -> Result<String, Status> {
    if text.trim().is_empty() {
        let field = Field::new(field, "REQUIRED", "must not be empty");
        return Err(Fault::invalid(vec![field]).into());
    }
    decode::text(text.trim(), field, 200).map(str::to_owned)
}

fn payout_move(request: &pb::MovePayoutRequest) -> Result<PayoutMove, Status> {
    Ok(match request.r#move() {
        pb::PayoutMove::Approve => PayoutMove::Approve,
        pb::PayoutMove::Paid => {
            PayoutMove::Paid { reference: filled(&request.reference, "reference")? }
        }
        pb::PayoutMove::Fail => PayoutMove::Fail { reason: filled(&request.reason, "reason")? },
        pb::PayoutMove::Unspecified => {
            return Err(invalid("move", "expected approve, paid or fail"));
        }
    })
}

fn payouts((payouts, more): &(Vec<Payout>, bool)) -> (Vec<pb::Payout>, Option<value::PageInfo>) {
    let last = payouts.last().map(|payout| (payout.created_at, payout.id));
    (payouts.iter().map(payout).collect(), next(last, *more))
}

#[tonic::async_trait]
impl FinanceService for Api {
    async fn get_balance(
        &self,
        _: Request<pb::GetBalanceRequest>,
    ) -> Answer<pb::GetBalanceResponse> {
        let balance = self.orders.balance(&Context::caller()).await?;
        Ok(Response::new(pb::GetBalanceResponse {
            available: Some(encode::money(balance.available)),
            pending: Some(encode::money(balance.pending)),
        }))
    }

    async fn list_ledger(
        &self,
        request: Request<pb::ListLedgerRequest>,
    ) -> Answer<pb::ListLedgerResponse> {
        let request = request.into_inner();
        let (after, limit) = page(request.page)?;
        let from = When::read(&request.from, "from")?.map_or(EVER.0, |from| from.begin());
        let to = When::read(&request.to, "to")?.map_or(EVER.1, |to| to.end());
        let account = account(&request.account)?;
        let caller = Context::caller();
        let (legs, more) =
            self.orders.statement(&caller, (from, to), account, after, limit).await?;
        let page = next(legs.last().map(|leg| (leg.at, leg.id)), more);
        Ok(Response::new(pb::ListLedgerResponse { entries: legs.iter().map(leg).collect(), page }))
    }

    async fn list_payouts(
        &self,
        request: Request<pb::ListPayoutsRequest>,
    ) -> Answer<pb::ListPayoutsResponse> {
        let request = request.into_inner();
        let ((after, limit), state) = (page(request.page)?, state(&request.status)?);
        let found = self.orders.payouts(&Context::caller(), state, after, limit).await?;
        let (payouts, page) = payouts(&found);
        Ok(Response::new(pb::ListPayoutsResponse { payouts, page }))
    }

    async fn get_sales_report(
        &self,
        request: Request<pb::GetSalesReportRequest>,
    ) -> Answer<pb::GetSalesReportResponse> {
        let request = request.into_inner();
        let group = match request.group.as_str() {
            "" | "day" => Group::Day,
            "week" => Group::Week,
            "month" => Group::Month,
            _ => return Err(invalid("group", "expected day, week or month")),
        };
        let to = When::read(&request.to, "to")?.map_or(self.orders.today(), |to| to.day());
        let month_ago = to.checked_sub(time::Duration::days(29)).unwrap_or(to);
        let from = When::read(&request.from, "from")?.map_or(month_ago, |from| from.day());
        if from > to {
            return Err(invalid("from", "must not be after `to`"));
        }
        let periods = self.orders.sales_report(&Context::caller(), (from, to), group).await?;
        Ok(Response::new(pb::GetSalesReportResponse {
            periods: periods.iter().map(|it| period(it, group)).collect(),
            from: from.to_string(),
            to: to.to_string(),
        }))
    }

    async fn list_movements(
        &self,
        request: Request<pb::ListMovementsRequest>,
    ) -> Answer<pb::ListMovementsResponse> {
        let request = request.into_inner();
        let offer = id(&request.offer_id).ok_or(Error::OfferNotFound)?;
        let page = request.page.unwrap_or_default();
        let limit = if page.limit == 0 { 20 } else { page.limit.min(100) };
        let before = match page.after.as_str() {
            "" => None,
            text => {
                let entry = text.parse().map_err(|_| invalid("after", "not a cursor of this list"));
                Some(entry?)
            }
        };
        let found = self.orders.movements(&Context::caller(), offer, before, limit).await?;
        let (movements, more) = found;
        let last = movements.last().filter(|_| more);
        let next = last.map(|movement| movement.entry.to_string()).unwrap_or_default();
        let movement = |movement: crate::store::ledger::Movement| pb::StockMovement {
            at_ms: movement.at.millis(),
            available: movement.available,
            reserved: movement.reserved,
            cause: movement.cause,
            order_id: movement.order.map(|id| id.to_string()).unwrap_or_default(),
        };
        Ok(Response::new(pb::ListMovementsResponse {
            movements: movements.into_iter().map(movement).collect(),
            page: Some(value::PageInfo { next, count: None }),
        }))
    }

    async fn list_all_payouts(
        &self,
        request: Request<pb::ListAllPayoutsRequest>,
    ) -> Answer<pb::ListAllPayoutsResponse> {
        let request = request.into_inner();
        let ((after, limit), state) = (page(request.page)?, state(&request.status)?);
        let merchant = match request.merchant_id.as_str() {
            "" => None,
            // A name that is none is nobody's.
            text => Some(id(text).unwrap_or(MerchantId::from_u128(0))),
        };
        let caller = Context::caller();
        let found = self.orders.all_payouts(&caller, merchant, state, after, limit).await?;
        let (payouts, page) = payouts(&found);
        Ok(Response::new(pb::ListAllPayoutsResponse { payouts, page }))
    }

    async fn move_payout(
        &self,
        request: Request<pb::MovePayoutRequest>,
    ) -> Answer<pb::MovePayoutResponse> {
        let request = request.into_inner();
        let payout = id(&request.id).ok_or(Error::PayoutNotFound)?;
        let step = payout_move(&request)?;
        let key = (request.idempotency_key, request.request_hash.to_vec());
        let caller = Context::caller();
        let (response, replayed) =
            self.orders.move_payout(&caller, payout, step, key, payout_bytes).await?;
        let payout: pb::Payout = decode::kept(&response)?;
        Ok(Response::new(pb::MovePayoutResponse { payout: Some(payout), replayed }))
    }

    async fn adjust_balance(
        &self,
        request: Request<pb::AdjustBalanceRequest>,
    ) -> Answer<pb::AdjustBalanceResponse> {
        Ok(Response::new(adjustments::adjust(self, request.into_inner()).await?))
    }

    async fn list_adjustments(
        &self,
        request: Request<pb::ListAdjustmentsRequest>,
    ) -> Answer<pb::ListAdjustmentsResponse> {
        Ok(Response::new(adjustments::list(self, request.into_inner()).await?))
    }

    async fn get_dashboard(
        &self,
        _: Request<pb::GetDashboardRequest>,
    ) -> Answer<pb::GetDashboardResponse> {
        let figures = |figures: Turnover| {
            Some(pb::Turnover {
                orders: figures.orders,
                turnover: sum(figures.turnover),
                commission: sum(figures.commission),
            })
        };
        let [today, week, month] = self.orders.dashboard(&Context::caller()).await?;
        Ok(Response::new(pb::GetDashboardResponse {
            today: figures(today),
            week: figures(week),
            month: figures(month),
        }))
    }
}
