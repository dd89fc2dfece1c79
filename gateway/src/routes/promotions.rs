//! Promotions in the public form, the same for merchants and for the platform owner.

use axum::Json;
use clock::Timestamp;
use fault::{Fault, Field};
use ids::kind;
use proto::{order as pb, value};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{
    app::App,
    params::{Params, named},
    problem::Problem,
    reply::{Answer, List, Localised, Made, Money, MoneyInput, at, at_if, created, some},
};

/// What a promotion gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PromotionKind {
    /// A share of the price of the goods.
    Percent,
    /// A sum off the goods.
    Fixed,
    FreeDelivery,
    /// Of every X + Y pieces the Y cheapest cost less, or nothing.
    #[serde(rename = "buy_x_get_y")]
    BuyXGetY,
}

/// Whose money a promotion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FundedBy {
    Merchant,
    Platform,
}

/// A whole percentage, or a sum.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ValueInput {
    /// Percent; of `fixed` tiyin.
    Number(i64),
    Sum(MoneyInput),
}

/// A whole percentage, or a sum.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Value {
    Percent(i64),
    Sum(Money),
}

/// A promotion.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Promotion {
    id: String,
    /// Whose it is; null: the platform owner's.
    merchant_id: Option<String>,
    name: Localised,
    /// What shoppers type; null: it applies by itself.
    code: Option<String>,
    kind: PromotionKind,
    /// Percent of `percent` and `buy_x_get_y`, sum of `fixed`.
    value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buy_quantity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    get_quantity: Option<u32>,
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
    /// In how many orders.
    usage_limit: Option<u32>,
    /// In how many orders of one account, or of one phone number.
    per_customer_limit: Option<u32>,
    /// What the goods that it applies to must cost before discounts.
    min_total: Option<Money>,
    /// What it may give away in all.
    budget: Option<Money>,
    /// Slugs; what is below a category counts.
    categories: Vec<String>,
    products: Vec<String>,
    /// Only goods of these merchants; the platform owner's promotions only.
    merchants: Vec<String>,
    funded_by: FundedBy,
    /// The higher one is served first.
    priority: i32,
    /// May meet others on the same goods that may as well.
    combinable: bool,
    active: bool,
    /// Orders that it is in.
    used: i64,
    /// What it has given away.
    spent: Money,
    version: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<pb::Promotion> for Promotion {
    fn from(promotion: pb::Promotion) -> Self {
        let draft = promotion.draft.unwrap_or_default();
        let kind = match draft.kind() {
            pb::PromotionKind::Unspecified | pb::PromotionKind::Percent => PromotionKind::Percent,
            pb::PromotionKind::Fixed => PromotionKind::Fixed,
            pb::PromotionKind::FreeDelivery => PromotionKind::FreeDelivery,
            pb::PromotionKind::BuyXGetY => PromotionKind::BuyXGetY,
        };
        let funded_by = match draft.funded_by() {
            pb::Funder::Unspecified | pb::Funder::Merchant => FundedBy::Merchant,
            pb::Funder::Platform => FundedBy::Platform,
        };
        let value = |value: i64| match kind {
            PromotionKind::Fixed => Value::Sum(Money::uzs(value)),
            _ => Value::Percent(value),
        };
        let pieces = |count: u32| (count > 0).then_some(count);
        Self {
            id: promotion.id,
            merchant_id: some(promotion.merchant_id),
            name: draft.name.into(),
            code: some(draft.code),
            kind,
            value: draft.value.map(value),
            buy_quantity: pieces(draft.buy_quantity),
            get_quantity: pieces(draft.get_quantity),
            starts_at: at_if(draft.starts_at_ms),
            ends_at: at_if(draft.ends_at_ms),
            usage_limit: draft.usage_limit,
            per_customer_limit: draft.per_customer_limit,
            min_total: draft.min_total.map(Money::from),
            budget: draft.budget.map(Money::from),
            categories: draft.categories,
            products: draft.products,
            merchants: draft.merchants,
            funded_by,
            priority: draft.priority,
            combinable: draft.combinable,
            active: draft.active,
            used: promotion.used,
            spent: Money::of(promotion.spent),
            version: promotion.version,
            created_at: at(promotion.created_at_ms),
            updated_at: at(promotion.updated_at_ms),
        }
    }
}

/// A promotion to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPromotion {
    name: Localised,
    code: Option<String>,
    kind: PromotionKind,
    #[schema(value_type = Option<ValueInput>)]
    value: Option<ValueInput>,
    buy_quantity: Option<u32>,
    get_quantity: Option<u32>,
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
    usage_limit: Option<u32>,
    per_customer_limit: Option<u32>,
    min_total: Option<MoneyInput>,
    budget: Option<MoneyInput>,
    /// Slugs or ids.
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    products: Vec<String>,
    #[serde(default)]
    merchants: Vec<String>,
    /// Merchants: `merchant`, which is also what is meant when it is absent.
    funded_by: Option<FundedBy>,
    #[serde(default)]
    priority: i32,
    #[serde(default)]
    combinable: bool,
    #[serde(default = "yes")]
    active: bool,
}

const fn yes() -> bool {
    true
}

/// A field that is absent, null, or there: null takes away what an absent field leaves.
pub(crate) type Maybe<T> = Option<Option<T>>;

pub(crate) fn maybe<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Maybe<T>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// What to change of a promotion; null takes a limit, a code or a date away. Orders that were placed keep what they were given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePromotion {
    name: Option<Localised>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<String>)]
    code: Maybe<String>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<ValueInput>)]
    value: Maybe<ValueInput>,
    buy_quantity: Option<u32>,
    get_quantity: Option<u32>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Maybe<Timestamp>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Maybe<Timestamp>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<u32>)]
    usage_limit: Maybe<u32>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<u32>)]
    per_customer_limit: Maybe<u32>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<MoneyInput>)]
    min_total: Maybe<MoneyInput>,
    #[serde(default, deserialize_with = "maybe")]
    #[schema(value_type = Option<MoneyInput>)]
    budget: Maybe<MoneyInput>,
    categories: Option<Vec<String>>,
    products: Option<Vec<String>>,
    merchants: Option<Vec<String>>,
    priority: Option<i32>,
    combinable: Option<bool>,
    active: Option<bool>,
}

fn number(value: Option<ValueInput>) -> Result<Option<i64>, Problem> {
    Ok(match value {
        None => None,
        Some(ValueInput::Number(number)) => Some(number),
        Some(ValueInput::Sum(sum)) => {
            let sum = value::Money::from(sum);
            if sum.currency != money::Currency::Uzs.code() {
                let field = Field::new("value", "CURRENCY", "expected the currency UZS");
                return Err(Fault::invalid(vec![field]).into());
            }
            Some(sum.amount)
        }
    })
}

fn millis(at: Option<Timestamp>) -> i64 {
    at.map_or(0, Timestamp::millis)
}

impl NewPromotion {
    fn draft(self, platform: bool) -> Result<pb::PromotionDraft, Problem> {
        let kind = match self.kind {
            PromotionKind::Percent => pb::PromotionKind::Percent,
            PromotionKind::Fixed => pb::PromotionKind::Fixed,
            PromotionKind::FreeDelivery => pb::PromotionKind::FreeDelivery,
            PromotionKind::BuyXGetY => pb::PromotionKind::BuyXGetY,
        };
        if matches!(self.value, Some(ValueInput::Sum(_))) && self.kind != PromotionKind::Fixed {
            let field = Field::new("value", "INVALID", "a whole percentage");
            return Err(Fault::invalid(vec![field]).into());
        }
        let funded_by = match self.funded_by {
            Some(FundedBy::Platform) => pb::Funder::Platform,
            None if platform => pb::Funder::Platform,
            Some(FundedBy::Merchant) | None => pb::Funder::Merchant,
        };
        Ok(pb::PromotionDraft {
            name: Some(self.name.into()),
            code: self.code.unwrap_or_default(),
            kind: kind.into(),
            value: number(self.value)?,
            buy_quantity: self.buy_quantity.unwrap_or_default(),
            get_quantity: self.get_quantity.unwrap_or_default(),
            starts_at_ms: millis(self.starts_at),
            ends_at_ms: millis(self.ends_at),
            usage_limit: self.usage_limit,
            per_customer_limit: self.per_customer_limit,
            min_total: self.min_total.map(Into::into),
            budget: self.budget.map(Into::into),
            categories: self.categories,
            products: self.products,
            merchants: self.merchants,
            funded_by: funded_by.into(),
            priority: self.priority,
            combinable: self.combinable,
            active: self.active,
        })
    }
}

impl ChangePromotion {
    /// The draft, and the names of the fields in it that count.
    fn draft(self) -> Result<(pb::PromotionDraft, Vec<String>), Problem> {
        let named = [
            ("name", self.name.is_some()),
            ("code", self.code.is_some()),
            ("value", self.value.is_some()),
            ("buy_quantity", self.buy_quantity.is_some()),
            ("get_quantity", self.get_quantity.is_some()),
            ("starts_at", self.starts_at.is_some()),
            ("ends_at", self.ends_at.is_some()),
            ("usage_limit", self.usage_limit.is_some()),
            ("per_customer_limit", self.per_customer_limit.is_some()),
            ("min_total", self.min_total.is_some()),
            ("budget", self.budget.is_some()),
            ("categories", self.categories.is_some()),
            ("products", self.products.is_some()),
            ("merchants", self.merchants.is_some()),
            ("priority", self.priority.is_some()),
            ("combinable", self.combinable.is_some()),
            ("active", self.active.is_some()),
        ];
        let fields = named.iter().filter(|(_, there)| *there).map(|(name, _)| (*name).to_owned());
        let draft = pb::PromotionDraft {
            name: self.name.map(Into::into),
            code: self.code.flatten().unwrap_or_default(),
            value: number(self.value.flatten())?,
            buy_quantity: self.buy_quantity.unwrap_or_default(),
            get_quantity: self.get_quantity.unwrap_or_default(),
            starts_at_ms: millis(self.starts_at.flatten()),
            ends_at_ms: millis(self.ends_at.flatten()),
            usage_limit: self.usage_limit.flatten(),
            per_customer_limit: self.per_customer_limit.flatten(),
            min_total: self.min_total.flatten().map(Into::into),
            budget: self.budget.flatten().map(Into::into),
            categories: self.categories.unwrap_or_default(),
            products: self.products.unwrap_or_default(),
            merchants: self.merchants.unwrap_or_default(),
            priority: self.priority.unwrap_or_default(),
            combinable: self.combinable.unwrap_or_default(),
            active: self.active.unwrap_or_default(),
            ..pb::PromotionDraft::default()
        };
        Ok((draft, fields.collect()))
    }
}

/// A page of promotions, newest first.
pub(super) async fn list(app: &App, params: &Params, platform: bool) -> Answer<List<Promotion>> {
    let request = pb::ListPromotionsRequest { page: Some(params.page()?), platform };
    let answer = app.mesh.promotions().list_promotions(request).await?.into_inner();
    Ok(List::new(answer.promotions, answer.page, Promotion::from))
}

/// A new promotion.
pub(super) async fn create(app: &App, new: NewPromotion, platform: bool) -> Made<Promotion> {
    let draft = Some(new.draft(platform)?);
    let request = pb::CreatePromotionRequest { draft, platform };
    let answer = app.mesh.promotions().create_promotion(request).await?.into_inner();
    Ok(created(answer.promotion.unwrap_or_default().into()))
}

/// One promotion.
pub(super) async fn read(app: &App, id: String, platform: bool) -> Answer<Promotion> {
    let id = named::<kind::Promotion>(id, "PROMOTION")?;
    let request = pb::GetPromotionRequest { id, platform };
    let answer = app.mesh.promotions().get_promotion(request).await?.into_inner();
    Ok(Json(answer.promotion.unwrap_or_default().into()))
}

/// A promotion with other fields.
pub(super) async fn update(
    app: &App,
    id: String,
    change: ChangePromotion,
    platform: bool,
) -> Answer<Promotion> {
    let id = named::<kind::Promotion>(id, "PROMOTION")?;
    let (draft, fields) = change.draft()?;
    let request = pb::UpdatePromotionRequest { id, draft: Some(draft), fields, platform };
    let answer = app.mesh.promotions().update_promotion(request).await?.into_inner();
    Ok(Json(answer.promotion.unwrap_or_default().into()))
}
