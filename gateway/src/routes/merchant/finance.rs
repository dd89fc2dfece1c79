//! What the platform owes the merchant, and what the merchant sold.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use clock::Timestamp;
use futures::stream;
use ids::kind;
use mesh::Context;
use proto::{
    order as pb,
    value::{self, PageRequest},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    params::{Params, named},
    problem::Problem,
    reply::{Answer, List, Money, at, at_if, some},
};

/// Entries in a trip for a file.
const PAGE: u32 = 100;
/// Entries in a file at most: whoever has more asks for a shorter time.
const MOST: usize = 100_000;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(balance))
        .routes(routes!(ledger))
        .routes(routes!(payouts))
        .routes(routes!(sales))
        .routes(routes!(movements))
}

/// What the platform owes the merchant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Balance {
    /// May be paid out; below zero when more went back than was left.
    available: Money,
    /// Of sales that are not delivered yet, or whose goods may still come back.
    pending: Money,
    #[schema(example = "UZS")]
    currency: String,
}

/// What the platform owes the merchant.
#[utoipa::path(get, path = "/v1/merchant/finance/balance", tag = "merchant finance", responses((status = 200, body = Balance)))]
async fn balance(State(app): State<App>) -> Answer<Balance> {
    let answer = app.mesh.finance().get_balance(pb::GetBalanceRequest {}).await?.into_inner();
    let available = answer.available.unwrap_or_default();
    Ok(Json(Balance {
        currency: available.currency.clone(),
        available: available.into(),
        pending: Money::of(answer.pending),
    }))
}

/// One side of a posting: every sum that an account gives (debit) another one takes (credit).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LedgerEntry {
    id: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `sale`, `commission`, `refund`, `delivery`, `payout` or `adjustment`.
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payout_id: Option<String>,
    debit: Money,
    credit: Money,
    /// Whose: `merchant` is what the platform owes the merchant.
    account: String,
}

impl From<pb::LedgerEntry> for LedgerEntry {
    fn from(entry: pb::LedgerEntry) -> Self {
        Self {
            id: entry.id,
            at: at(entry.at_ms),
            kind: entry.kind,
            order_id: some(entry.order_id),
            payout_id: some(entry.payout_id),
            debit: Money::of(entry.debit),
            credit: Money::of(entry.credit),
            account: entry.account,
        }
    }
}

fn text(params: &Params, name: &str) -> String {
    params.get(name).unwrap_or_default().to_owned()
}

/// Whether a file is asked for.
fn wants_file(params: &Params, headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    match params.get("format") {
        Some(format) => format == "csv",
        None => accepted.is_some_and(|accepted| accepted.trim_start().starts_with("text/csv")),
    }
}

/// The merchant's ledger, newest first; as JSON, or all of a time as a CSV file.
#[utoipa::path(get, path = "/v1/merchant/finance/ledger", tag = "merchant finance",
    params(("from" = Option<String>, Query, description = "A day in Tashkent, or a moment"), ("to" = Option<String>, Query, description = "A day (the whole of it), or a moment"),
        ("account" = Option<String>, Query, description = "Only entries of this account: `merchant` for the statement"),
        ("format" = Option<String>, Query, description = "`csv` for a file; so does `Accept: text/csv`"),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, content((List<LedgerEntry> = "application/json"), (String = "text/csv")))))]
async fn ledger(
    State(app): State<App>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let request = pb::ListLedgerRequest {
        page: Some(params.page()?),
        from: text(&params, "from"),
        to: text(&params, "to"),
        account: text(&params, "account"),
    };
    if wants_file(&params, &headers) {
        return file(app, request).await;
    }
    let answer = app.mesh.finance().list_ledger(request).await?.into_inner();
    let list = List::new(answer.entries, answer.page, LedgerEntry::from);
    Ok(([(header::VARY, "accept")], list).into_response())
}

/// A page of entries as lines, and where the next one begins.
async fn lines(
    app: &App,
    request: &pb::ListLedgerRequest,
    after: String,
) -> Result<(String, usize, String), Problem> {
    let page = Some(PageRequest { limit: PAGE, after, count: false });
    let request = pb::ListLedgerRequest { page, ..request.clone() };
    let answer = app.mesh.finance().list_ledger(request).await?.into_inner();
    let next = answer.page.map(|page| page.next).unwrap_or_default();
    let rows = answer.entries.iter().map(row);
    Ok((csv(rows), answer.entries.len(), next))
}

fn row(entry: &pb::LedgerEntry) -> [String; 9] {
    let sum = |sum: &Option<value::Money>| {
        let amount = sum.as_ref().map_or(0, |sum| sum.amount);
        if amount == 0 { String::new() } else { money::format_decimal(amount) }
    };
    let currency = entry.debit.as_ref().map(|sum| sum.currency.clone()).unwrap_or_default();
    [
        at(entry.at_ms).to_string(),
        entry.id.clone(),
        entry.kind.clone(),
        entry.order_id.clone(),
        entry.payout_id.clone(),
        entry.account.clone(),
        sum(&entry.debit),
        sum(&entry.credit),
        currency,
    ]
}

/// Every value is ours: none can be a formula.
fn csv(rows: impl Iterator<Item = [String; 9]>) -> String {
    let mut text = String::new();
    for row in rows {
        text.push_str(&row.join(","));
        text.push_str("\r\n");
    }
    text
}

const HEADER: &str = "at,id,kind,order_id,payout_id,account,debit,credit,currency\r\n";

async fn file(app: App, request: pb::ListLedgerRequest) -> Result<Response, Problem> {
    let (first, count, next) = lines(&app, &request, String::new()).await?;
    let context = Context::current();
    let rest = stream::unfold((next, count), move |(next, count)| {
        let (app, request) = (app.clone(), request.clone());
        let context = Context { deadline: None, ..context.clone() };
        async move {
            if next.is_empty() || count >= MOST {
                return None;
            }
            match context.scope(lines(&app, &request, next)).await {
                Ok((text, more, next)) => Some((Ok(text), (next, count + more))),
                // The answer has begun: it can only break off.
                Err(problem) => Some((Err(problem.0), (String::new(), count))),
            }
        }
    });
    let head = stream::iter([Ok(HEADER.to_owned()), Ok(first)]);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"ledger.csv\""),
        (header::VARY, "accept"),
    ];
    Ok((headers, Body::from_stream(futures::StreamExt::chain(head, rest))).into_response())
}

/// A payment of the platform to the merchant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Payout {
    id: String,
    merchant_id: String,
    amount: Money,
    /// `draft`, `approved`, `paid` or `failed`.
    status: String,
    /// Of what became available until then.
    #[schema(value_type = String, format = DateTime)]
    period_end: Timestamp,
    /// What the bank calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    changed_at: Option<Timestamp>,
}

impl From<pb::Payout> for Payout {
    fn from(payout: pb::Payout) -> Self {
        Self {
            id: payout.id,
            merchant_id: payout.merchant_id,
            amount: Money::of(payout.amount),
            status: payout.status,
            period_end: at(payout.period_end_ms),
            reference: some(payout.reference),
            reason: some(payout.reason),
            created_at: at(payout.created_at_ms),
            changed_at: at_if(payout.changed_at_ms),
        }
    }
}

/// The merchant's payouts, newest first.
#[utoipa::path(get, path = "/v1/merchant/finance/payouts", tag = "merchant finance",
    params(("status" = Option<String>, Query), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Payout>)))]
async fn payouts(State(app): State<App>, params: Params) -> Answer<List<Payout>> {
    let request =
        pb::ListPayoutsRequest { page: Some(params.page()?), status: text(&params, "status") };
    let answer = app.mesh.finance().list_payouts(request).await?.into_inner();
    Ok(List::new(answer.payouts, answer.page, Payout::from))
}

/// What was sold in a period.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SalesPeriod {
    /// Its first day in Tashkent; of a month, year and month.
    #[schema(example = "2026-11-21")]
    period: String,
    orders: i64,
    /// Pieces.
    items: i64,
    gross: Money,
    discounts: Money,
    /// What went back in this time, of whichever sale.
    refunds: Money,
    /// `gross - discounts - refunds`.
    net: Money,
}

/// Sales by periods.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SalesReport {
    data: Vec<SalesPeriod>,
    meta: SalesMeta,
}

/// Of which time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SalesMeta {
    /// The first day.
    from: String,
    /// The last day.
    to: String,
    /// Always null: a report is one page.
    next: Option<String>,
}

/// What the merchant sold, by days, weeks or months in Tashkent: the last thirty days, unless said otherwise.
#[utoipa::path(get, path = "/v1/merchant/reports/sales", tag = "merchant finance",
    params(("from" = Option<String>, Query, description = "A day, or a moment"), ("to" = Option<String>, Query, description = "A day, or a moment"),
        ("group" = Option<String>, Query, description = "`day`, `week` or `month`")),
    responses((status = 200, body = SalesReport)))]
async fn sales(State(app): State<App>, params: Params) -> Answer<SalesReport> {
    let request = pb::GetSalesReportRequest {
        from: text(&params, "from"),
        to: text(&params, "to"),
        group: text(&params, "group"),
    };
    let answer = app.mesh.finance().get_sales_report(request).await?.into_inner();
    let period = |period: pb::SalesPeriod| SalesPeriod {
        period: period.period,
        orders: period.orders,
        items: period.items,
        gross: Money::of(period.gross),
        discounts: Money::of(period.discounts),
        refunds: Money::of(period.refunds),
        net: Money::of(period.net),
    };
    Ok(Json(SalesReport {
        data: answer.periods.into_iter().map(period).collect(),
        meta: SalesMeta { from: answer.from, to: answer.to, next: None },
    }))
}

/// A movement of an offer's stock.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Movement {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `counted`, `held`, `sold`, `released` or `returned`.
    cause: String,
    /// Pieces that became available; below zero: that were taken.
    available: i64,
    /// Pieces that became reserved; below zero: that were let go of.
    reserved: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
}

/// Every movement of an offer's stock with its cause, newest first.
#[utoipa::path(get, path = "/v1/merchant/offers/{id}/movements", tag = "merchant catalogue",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Movement>)))]
async fn movements(
    State(app): State<App>,
    Path(id): Path<String>,
    params: Params,
) -> Answer<List<Movement>> {
    let offer_id = named::<kind::Offer>(id, "OFFER")?;
    let request = pb::ListMovementsRequest { offer_id, page: Some(params.page()?) };
    let answer = app.mesh.finance().list_movements(request).await?.into_inner();
    Ok(List::new(answer.movements, answer.page, |movement| Movement {
        at: at(movement.at_ms),
        cause: movement.cause,
        available: movement.available,
        reserved: movement.reserved,
        order_id: some(movement.order_id),
    }))
}
