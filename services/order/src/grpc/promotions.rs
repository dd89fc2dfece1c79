//! Promotions on the wire.

use clock::Timestamp;
use fault::{Fault, Field};
use ids::PromotionId;
use mesh::Context;
use money::Money;
use proto::{
    order::{self as pb, promotion_service_server::PromotionService},
    value,
};
use tonic::{Request, Response, Status};

use super::{Answer, Api, decode, discounts, encode};
use crate::{
    domain::{
        Funder,
        promotion::{CURRENCY, Draft, Kind, Promotion, Terms},
    },
    error::Error,
};

#[tonic::async_trait]
impl PromotionService for Api {
    async fn create_promotion(
        &self,
        request: Request<pb::CreatePromotionRequest>,
    ) -> Answer<pb::CreatePromotionResponse> {
        let request = request.into_inner();
        let draft = draft(request.draft.unwrap_or_default())?;
        let caller = Context::caller();
        let promotion = self.orders.create_promotion(&caller, request.platform, draft).await?;
        Ok(Response::new(pb::CreatePromotionResponse { promotion: Some(view(promotion)) }))
    }

    async fn update_promotion(
        &self,
        request: Request<pb::UpdatePromotionRequest>,
    ) -> Answer<pb::UpdatePromotionResponse> {
        let request = request.into_inner();
        let id = named(&request.id)?;
        let (fields, new) = (request.fields, draft_of_some(request.draft.unwrap_or_default())?);
        let change = move |old: Draft| overwritten(old, &new, &fields);
        let caller = Context::caller();
        let promotion = self.orders.update_promotion(&caller, request.platform, id, change).await?;
        Ok(Response::new(pb::UpdatePromotionResponse { promotion: Some(view(promotion)) }))
    }

    async fn get_promotion(
        &self,
        request: Request<pb::GetPromotionRequest>,
    ) -> Answer<pb::GetPromotionResponse> {
        let request = request.into_inner();
        let id = named(&request.id)?;
        let promotion = self.orders.promotion(&Context::caller(), request.platform, id).await?;
        Ok(Response::new(pb::GetPromotionResponse { promotion: Some(view(promotion)) }))
    }

    async fn list_promotions(
        &self,
        request: Request<pb::ListPromotionsRequest>,
    ) -> Answer<pb::ListPromotionsResponse> {
        let request = request.into_inner();
        let page = request.page.unwrap_or_default();
        let limit = if page.limit == 0 { 20 } else { page.limit.min(100) };
        let bad =
            |_| Fault::invalid(vec![Field::new("after", "INVALID", "not a cursor of this list")]);
        let after = (!page.after.is_empty())
            .then(|| page.after.parse::<PromotionId>())
            .transpose()
            .map_err(bad)?;
        let caller = Context::caller();
        let found =
            self.orders.promotions(&caller, request.platform, (after, limit, page.count)).await?;
        let (promotions, more, count) = found;
        let last = promotions.last().filter(|_| more);
        let next = last.map(|promotion| promotion.id.to_string()).unwrap_or_default();
        Ok(Response::new(pb::ListPromotionsResponse {
            promotions: promotions.into_iter().map(view).collect(),
            page: Some(value::PageInfo { next, count }),
        }))
    }
}

fn named(id: &str) -> Result<PromotionId, Status> {
    id.parse().map_err(|_| Error::PromotionNotFound.into())
}

/// A complete draft.
fn draft(draft: pb::PromotionDraft) -> Result<Draft, Status> {
    let mut wrong = Vec::new();
    if draft.kind() == pb::PromotionKind::Unspecified {
        let message = "expected percent, fixed, free_delivery or buy_x_get_y";
        wrong.push(Field::new("kind", "REQUIRED", message));
    }
    if draft.funded_by() == pb::Funder::Unspecified {
        wrong.push(Field::new("funded_by", "REQUIRED", "expected merchant or platform"));
    }
    if !wrong.is_empty() {
        return Err(Fault::invalid(wrong).into());
    }
    draft_of_some(draft)
}

/// A draft of which only some fields mean anything.
fn draft_of_some(draft: pb::PromotionDraft) -> Result<Draft, Status> {
    let ids = |what: &[String], field: &str| -> Result<Vec<_>, Status> {
        what.iter().map(|id| required(id, field)).collect()
    };
    let kind = match draft.kind() {
        pb::PromotionKind::Unspecified | pb::PromotionKind::Percent => Kind::Percent,
        pb::PromotionKind::Fixed => Kind::Fixed,
        pb::PromotionKind::FreeDelivery => Kind::FreeDelivery,
        pb::PromotionKind::BuyXGetY => Kind::BuyXGetY,
    };
    let funded_by = match draft.funded_by() {
        pb::Funder::Unspecified | pb::Funder::Merchant => Funder::Merchant,
        pb::Funder::Platform => Funder::Platform,
    };
    let merchants = draft.merchants.iter().map(|id| required(id, "merchants"));
    let merchants = merchants.collect::<Result<_, _>>()?;
    Ok(Draft {
        code: (!draft.code.trim().is_empty()).then_some(draft.code),
        funded_by,
        active: draft.active,
        starts_at: moment(draft.starts_at_ms),
        ends_at: moment(draft.ends_at_ms),
        usage_limit: draft.usage_limit,
        per_customer_limit: draft.per_customer_limit,
        budget: decode::optional_money(draft.budget.as_ref(), "budget")?,
        priority: draft.priority,
        terms: Terms {
            name: decode::localized(draft.name),
            kind,
            value: draft.value,
            buy: draft.buy_quantity,
            get: draft.get_quantity,
            min_total: decode::optional_money(draft.min_total.as_ref(), "min_total")?,
            merchants,
            categories: draft.categories,
            products: ids(&draft.products, "products")?,
            combinable: draft.combinable,
        },
    })
}

fn required<K: ids::Kind>(id: &str, field: &str) -> Result<ids::Id<K>, Status> {
    let bad = |error: ids::ParseIdError| {
        Fault::invalid(vec![Field::new(field, "INVALID", error.to_string())])
    };
    Ok(id.parse().map_err(bad)?)
}

fn moment(millis: i64) -> Option<Timestamp> {
    (millis != 0).then(|| Timestamp::from_millis(millis))
}

/// The old draft with the named fields of the new one. Kind and funder stay: another one is another promotion.
fn overwritten(mut old: Draft, new: &Draft, fields: &[String]) -> Draft {
    for field in fields {
        match field.as_str() {
            "name" => old.terms.name.clone_from(&new.terms.name),
            "code" => old.code.clone_from(&new.code),
            "value" => old.terms.value = new.terms.value,
            "buy_quantity" => old.terms.buy = new.terms.buy,
            "get_quantity" => old.terms.get = new.terms.get,
            "starts_at" => old.starts_at = new.starts_at,
            "ends_at" => old.ends_at = new.ends_at,
            "usage_limit" => old.usage_limit = new.usage_limit,
            "per_customer_limit" => old.per_customer_limit = new.per_customer_limit,
            "min_total" => old.terms.min_total = new.terms.min_total,
            "budget" => old.budget = new.budget,
            "categories" => old.terms.categories.clone_from(&new.terms.categories),
            "products" => old.terms.products.clone_from(&new.terms.products),
            "merchants" => old.terms.merchants.clone_from(&new.terms.merchants),
            "priority" => old.priority = new.priority,
            "combinable" => old.terms.combinable = new.terms.combinable,
            "active" => old.active = new.active,
            _ => {}
        }
    }
    old
}

fn view(promotion: Promotion) -> pb::Promotion {
    let Promotion { draft, .. } = promotion;
    let terms = draft.terms;
    let kind = match terms.kind {
        Kind::Percent => pb::PromotionKind::Percent,
        Kind::Fixed => pb::PromotionKind::Fixed,
        Kind::FreeDelivery => pb::PromotionKind::FreeDelivery,
        Kind::BuyXGetY => pb::PromotionKind::BuyXGetY,
    };
    let draft = pb::PromotionDraft {
        name: Some(encode::text(terms.name)),
        code: draft.code.unwrap_or_default(),
        kind: kind.into(),
        value: terms.value,
        buy_quantity: terms.buy,
        get_quantity: terms.get,
        starts_at_ms: draft.starts_at.map_or(0, Timestamp::millis),
        ends_at_ms: draft.ends_at.map_or(0, Timestamp::millis),
        usage_limit: draft.usage_limit,
        per_customer_limit: draft.per_customer_limit,
        min_total: terms.min_total.map(encode::money),
        budget: draft.budget.map(encode::money),
        categories: terms.categories,
        products: terms.products.iter().map(ToString::to_string).collect(),
        merchants: terms.merchants.iter().map(ToString::to_string).collect(),
        funded_by: discounts::funder(draft.funded_by).into(),
        priority: draft.priority,
        combinable: terms.combinable,
        active: draft.active,
    };
    pb::Promotion {
        id: promotion.id.to_string(),
        merchant_id: promotion.merchant.map(|id| id.to_string()).unwrap_or_default(),
        draft: Some(draft),
        used: promotion.used,
        spent: Some(encode::money(Money::new(promotion.spent, CURRENCY))),
        version: promotion.version,
        created_at_ms: promotion.created_at.millis(),
        updated_at_ms: promotion.updated_at.millis(),
    }
}
