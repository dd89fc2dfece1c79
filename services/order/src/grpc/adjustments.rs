//! Corrections of what merchants are owed, on the wire.

use ids::{EntryId, MerchantId};
use mesh::Context;
use prost::Message as _;
use proto::{order as pb, value};
use tonic::Status;

use super::{Api, decode, encode};
use crate::{
    domain::adjusting::{Adjustment, Wish},
    error::Error,
};

fn adjustment(adjustment: &Adjustment) -> pb::BalanceAdjustment {
    let Adjustment { id, at, wish } = adjustment;
    pb::BalanceAdjustment {
        id: id.to_string(),
        at_ms: at.millis(),
        merchant_id: wish.merchant.to_string(),
        amount: Some(encode::money(wish.amount)),
        gives: wish.gives,
        reason: wish.reason.clone(),
    }
}

fn merchant(text: &str) -> Result<MerchantId, Error> {
    decode::id(text).ok_or(Error::MerchantNotFound)
}

pub(super) async fn adjust(
    api: &Api,
    request: pb::AdjustBalanceRequest,
) -> Result<pb::AdjustBalanceResponse, Status> {
    let wish = Wish {
        merchant: merchant(&request.merchant_id)?,
        amount: decode::money(&request.amount.unwrap_or_default(), "amount")?,
        gives: request.gives,
        reason: request.reason,
    };
    let key = (request.idempotency_key, request.request_hash.to_vec());
    let encode = |it: &Adjustment| adjustment(it).encode_to_vec();
    let (response, replayed) = api.orders.adjust(&Context::caller(), wish, key, encode).await?;
    Ok(pb::AdjustBalanceResponse { adjustment: Some(decode::kept(&response)?), replayed })
}

pub(super) async fn list(
    api: &Api,
    request: pb::ListAdjustmentsRequest,
) -> Result<pb::ListAdjustmentsResponse, Status> {
    let of = match request.merchant_id.as_str() {
        "" => None,
        named => Some(merchant(named)?),
    };
    let page = request.page.unwrap_or_default();
    let limit = if page.limit == 0 { 20 } else { page.limit.min(100) };
    let after: Option<EntryId> = match page.after.as_str() {
        "" => None,
        cursor => Some(decode::cursor(cursor)?),
    };
    let (found, more) = api.orders.adjustments(&Context::caller(), of, after, limit).await?;
    let next = found.last().filter(|_| more).map(|last| last.id.to_string()).unwrap_or_default();
    let adjustments = found.iter().map(adjustment).collect();
    Ok(pb::ListAdjustmentsResponse {
        adjustments,
        page: Some(value::PageInfo { next, count: None }),
    })
}
