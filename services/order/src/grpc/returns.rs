//! Returns and refunds on the wire.

use clock::Timestamp;
use fault::{Fault, Field};
use ids::RefundId;
use mesh::Context;
use money::Money;
use prost::Message as _;
use proto::{
    order::{self as pb, return_service_server::ReturnService},
    value,
};
use tonic::{Request, Response, Status};

use super::{
    Answer, Api,
    decode::{self, id, item_quantities, text},
    encode,
};
use crate::{
    domain::{
        Ask, Giving, Order, Refund, RefundCause, RefundState, Return, ReturnMove, ReturnState,
        returns::Wish,
    },
    error::Error,
    store::returns::Mark,
};

/// Pictures of one return.
const PHOTOS: usize = 10;
/// Where a page begins, and how long it is.
type Page<K> = (Option<Mark<ids::Id<K>>>, u32);
/// Bytes of a text that people write.
const TEXT: usize = 500;

#[tonic::async_trait]
impl ReturnService for Api {
    async fn request_return(
        &self,
        request: Request<pb::RequestReturnRequest>,
    ) -> Answer<pb::RequestReturnResponse> {
        let request = request.into_inner();
        let order = id(&request.order_id).ok_or(Error::OrderNotFound)?;
        if request.photos.len() > PHOTOS {
            return Err(wrong("photos", "TOO_MANY", "at most 10 pictures"));
        }
        for (index, photo) in request.photos.iter().enumerate() {
            let field = format!("photos[{index}]");
            text(photo, &field, TEXT)?;
            let known = ["https://", "http://", "/files/"];
            if !known.iter().any(|start| photo.starts_with(start)) && !is_file(photo) {
                return Err(wrong(&field, "INVALID", "expected the address of a picture"));
            }
        }
        let wish = Wish {
            id: ids::ReturnId::new(),
            parts: item_quantities(&request.items)?,
            reason: filled(&request.reason, "reason")?,
            comment: text(&request.comment, "comment", 2000)?.to_owned(),
            photos: request.photos,
        };
        let place = (order, request.order_token.as_str());
        let (order, name) = self.orders.request_return(&Context::caller(), place, wish).await?;
        let found = order.find_return(name).ok_or(Error::OrderNotFound)?;
        Ok(Response::new(pb::RequestReturnResponse { r#return: Some(returned(&order, found)) }))
    }

    async fn list_returns(
        &self,
        request: Request<pb::ListReturnsRequest>,
    ) -> Answer<pb::ListReturnsResponse> {
        let request = request.into_inner();
        let state = return_state(&request.status)?;
        let (after, limit) = page(request.page)?;
        let caller = Context::caller();
        let (found, more) = self.orders.returns(&caller, state, after, limit).await?;
        let mut last = None;
        let mut returns = Vec::with_capacity(found.len());
        for (id, order) in &found {
            if let Some(it) = order.find_return(*id) {
                returns.push(returned(order, it));
                last = Some((it.at, it.id.to_string()));
            }
        }
        Ok(Response::new(pb::ListReturnsResponse { returns, page: Some(next(last, more)) }))
    }

    async fn get_return(
        &self,
        request: Request<pb::GetReturnRequest>,
    ) -> Answer<pb::GetReturnResponse> {
        let name = id(&request.into_inner().id).ok_or_else(|| Fault::not_found("RETURN"))?;
        let order = self.orders.order_of_return(&Context::caller(), name).await?;
        let found = order.find_return(name).ok_or_else(|| Fault::not_found("RETURN"))?;
        Ok(Response::new(pb::GetReturnResponse { r#return: Some(returned(&order, found)) }))
    }

    async fn move_return(
        &self,
        request: Request<pb::MoveReturnRequest>,
    ) -> Answer<pb::MoveReturnResponse> {
        let request = request.into_inner();
        let name = id(&request.id).ok_or_else(|| Fault::not_found("RETURN"))?;
        let step = match request.r#move() {
            pb::ReturnMove::Approve => ReturnMove::Approve,
            pb::ReturnMove::Refuse => {
                ReturnMove::Refuse { reason: filled(&request.reason, "reason")? }
            }
            pb::ReturnMove::Receive => ReturnMove::Receive { restock: request.restock },
            pb::ReturnMove::Unspecified => {
                return Err(wrong("move", "REQUIRED", "expected approve, refuse or receive"));
            }
        };
        let order = self.orders.move_return(&Context::caller(), name, step).await?;
        let found = order.find_return(name).ok_or_else(|| Fault::not_found("RETURN"))?;
        Ok(Response::new(pb::MoveReturnResponse { r#return: Some(returned(&order, found)) }))
    }

    async fn give_refund(
        &self,
        request: Request<pb::GiveRefundRequest>,
    ) -> Answer<pb::GiveRefundResponse> {
        let request = request.into_inner();
        let order = id(&request.order_id).ok_or(Error::OrderNotFound)?;
        let giving = match (&request.amount, request.items.is_empty()) {
            (Some(amount), true) => Giving::Sum(sum(amount)?),
            (None, false) => Giving::Pieces(item_quantities(&request.items)?),
            _ => return Err(wrong("amount", "REQUIRED", "either an amount or items")),
        };
        let reason = filled(&request.reason, "reason")?;
        let ask = Ask { id: RefundId::new(), giving, reason };
        let key = (request.idempotency_key.as_str(), request.request_hash.to_vec());
        let caller = Context::caller();
        let (response, replayed) =
            self.orders.give_refund(&caller, order, ask, key, refund_bytes).await?;
        let refund: pb::Refund = decode::kept(&response)?;
        Ok(Response::new(pb::GiveRefundResponse { refund: Some(refund), replayed }))
    }

    async fn list_refunds(
        &self,
        request: Request<pb::ListRefundsRequest>,
    ) -> Answer<pb::ListRefundsResponse> {
        let request = request.into_inner();
        let state = refund_state(&request.status)?;
        let (after, limit) = page(request.page)?;
        let (found, more) = self.orders.refunds(&Context::caller(), state, after, limit).await?;
        let mut last = None;
        let mut refunds = Vec::with_capacity(found.len());
        for (id, order) in &found {
            if let Some(it) = order.body.refunds.iter().find(|it| it.id == *id) {
                refunds.push(refund(order, it));
                last = Some((it.at, it.id.to_string()));
            }
        }
        Ok(Response::new(pb::ListRefundsResponse { refunds, page: Some(next(last, more)) }))
    }

    async fn complete_refund(
        &self,
        request: Request<pb::CompleteRefundRequest>,
    ) -> Answer<pb::CompleteRefundResponse> {
        let request = request.into_inner();
        let name = id(&request.id).ok_or_else(|| Fault::not_found("REFUND"))?;
        let note = text(&request.note, "note", TEXT)?;
        let order = self.orders.complete_refund(&Context::caller(), name, note).await?;
        let found = order.body.refunds.iter().find(|it| it.id == name);
        let found = found.ok_or_else(|| Fault::not_found("REFUND"))?;
        Ok(Response::new(pb::CompleteRefundResponse { refund: Some(refund(&order, found)) }))
    }
}

fn wrong(field: &str, code: &'static str, message: &str) -> Status {
    Fault::invalid(vec![Field::new(field, code, message)]).into()
}

fn is_file(photo: &str) -> bool {
    photo.parse::<ids::FileId>().is_ok()
}

fn filled(value: &str, field: &str) -> Result<String, Status> {
    if value.trim().is_empty() {
        return Err(wrong(field, "REQUIRED", "must not be empty"));
    }
    text(value, field, TEXT).map(str::to_owned)
}

fn sum(amount: &value::Money) -> Result<Money, Status> {
    let sum = decode::money(amount, "amount")?;
    if sum.amount > 0 { Ok(sum) } else { Err(wrong("amount", "INVALID", "must be above zero")) }
}

fn name_of_return(state: ReturnState) -> &'static str {
    match state {
        ReturnState::Requested => "requested",
        ReturnState::Approved => "approved",
        ReturnState::Refused => "refused",
        ReturnState::Received => "received",
        ReturnState::Refunded => "refunded",
    }
}

fn return_state(name: &str) -> Result<Option<ReturnState>, Status> {
    if name.is_empty() {
        return Ok(None);
    }
    let known = ReturnState::ALL.into_iter().find(|state| name_of_return(*state) == name);
    let message = "expected requested, approved, refused, received or refunded";
    known.map(Some).ok_or_else(|| wrong("status", "INVALID", message))
}

fn refund_state(name: &str) -> Result<Option<RefundState>, Status> {
    let all = [
        RefundState::Pending,
        RefundState::Succeeded,
        RefundState::Failed,
        RefundState::NeedsManual,
    ];
    if name.is_empty() {
        return Ok(None);
    }
    let known = all.into_iter().find(|state| state.as_str() == name);
    let message = "expected pending, succeeded, failed or needs_manual";
    known.map(Some).ok_or_else(|| wrong("status", "INVALID", message))
}

fn page<K: ids::Kind>(page: Option<value::PageRequest>) -> Result<Page<K>, Status> {
    let page = page.unwrap_or_default();
    let limit = if page.limit == 0 { 20 } else { page.limit.min(100) };
    if page.after.is_empty() {
        return Ok((None, limit));
    }
    let mark = page.after.split_once('.').and_then(|(at, id)| {
        Some(Mark { at: Timestamp::from_millis(at.parse().ok()?), id: id.parse().ok()? })
    });
    let mark = mark.ok_or_else(|| wrong("after", "INVALID", "not a cursor of this list"))?;
    Ok((Some(mark), limit))
}

fn next(last: Option<(i64, String)>, more: bool) -> value::PageInfo {
    let next = last.filter(|_| more).map(|(at, id)| format!("{at}.{id}")).unwrap_or_default();
    value::PageInfo { next, count: None }
}

fn refund_bytes(of: &Order, it: &Refund) -> Vec<u8> {
    refund(of, it).encode_to_vec()
}

pub(super) fn refund(of: &Order, it: &Refund) -> pb::Refund {
    let part = |part: &crate::domain::RefundPart| pb::RefundPart {
        item_id: part.item.to_string(),
        quantity: part.quantity,
        amount: Some(encode::money(part.amount)),
    };
    pb::Refund {
        id: it.id.to_string(),
        order_id: of.id.to_string(),
        merchant_id: it.merchant.map(|merchant| merchant.to_string()).unwrap_or_default(),
        parts: it.parts.iter().map(part).collect(),
        amount: Some(encode::money(it.amount)),
        cause: match it.cause {
            RefundCause::Cancelled => "cancelled",
            RefundCause::Returned => "returned",
            RefundCause::Goodwill => "goodwill",
        }
        .to_owned(),
        reason: it.reason.clone(),
        return_id: it.return_id.map(|id| id.to_string()).unwrap_or_default(),
        status: it.state.as_str().to_owned(),
        at_ms: it.at,
        order_number: of.number(),
        provider: of.body.provider.as_str().to_owned(),
    }
}

pub(super) fn returned(of: &Order, it: &Return) -> pb::Return {
    let item = |part: &crate::domain::returns::Pieces| pb::ItemQuantity {
        item_id: part.item.to_string(),
        quantity: part.quantity,
    };
    let money = of.body.refunds.iter().find(|refund| refund.return_id == Some(it.id));
    pb::Return {
        id: it.id.to_string(),
        order_id: of.id.to_string(),
        order_number: of.number(),
        merchant_id: it.merchant.to_string(),
        items: it.parts.iter().map(item).collect(),
        reason: it.reason.clone(),
        comment: it.comment.clone(),
        photos: it.photos.clone(),
        status: name_of_return(it.state).to_owned(),
        answer: it.answer.clone(),
        restocked: it.restocked,
        at_ms: it.at,
        changed_at_ms: it.changed_at,
        refund: money.map(|money| refund(of, money)),
    }
}
