//! Shapes that every resource shares.

use std::time::Duration;

use axum::{Json, http::StatusCode};
use clock::Timestamp;
use mesh::Context;
use proto::value::{self, PageInfo};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{locale::Locale, problem::Problem};

/// What a handler answers.
pub(crate) type Answer<T> = Result<Json<T>, Problem>;
/// What a handler answers that made something.
pub(crate) type Made<T> = Result<(StatusCode, Json<T>), Problem>;

/// 201 with the new thing.
pub(crate) fn created<T>(value: T) -> (StatusCode, Json<T>) {
    (StatusCode::CREATED, Json(value))
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    pub(crate) meta: Meta,
}

/// Where the page ends.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Meta {
    /// Give it as `after` for the next page; null on the last one.
    pub(crate) next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
}

impl From<Option<PageInfo>> for Meta {
    fn from(page: Option<PageInfo>) -> Self {
        let page = page.unwrap_or_default();
        Self { next: some(page.next), count: page.count }
    }
}

impl<T> List<T> {
    /// A page, each entry in the public form.
    pub(crate) fn new<P>(
        entries: Vec<P>,
        page: Option<PageInfo>,
        view: impl FnMut(P) -> T,
    ) -> Json<Self> {
        Json(Self { data: entries.into_iter().map(view).collect(), meta: page.into() })
    }

    /// All there is.
    pub(crate) fn all<P>(entries: Vec<P>, view: impl FnMut(P) -> T) -> Json<Self> {
        Self::new(entries, None, view)
    }
}

/// A sum: minor units (tiyin) with a currency.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Money {
    #[schema(example = 12_990_000)]
    amount: i64,
    #[schema(example = "UZS")]
    currency: String,
}

impl From<value::Money> for Money {
    fn from(sum: value::Money) -> Self {
        Self { amount: sum.amount, currency: sum.currency }
    }
}

impl Money {
    /// So many tiyin.
    pub(crate) fn uzs(amount: i64) -> Self {
        Self { amount, currency: money::Currency::Uzs.code().to_owned() }
    }

    /// A sum that the message always has.
    pub(crate) fn of(sum: Option<value::Money>) -> Self {
        sum.map_or_else(|| Self::uzs(0), Self::from)
    }
}

/// A sum in a request.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoneyInput {
    amount: i64,
    #[schema(value_type = String, example = "UZS")]
    currency: money::Currency,
}

impl From<MoneyInput> for value::Money {
    fn from(sum: MoneyInput) -> Self {
        Self { amount: sum.amount, currency: sum.currency.code().to_owned() }
    }
}

/// One text in the languages of the platform.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Localised {
    uz: String,
    #[serde(default)]
    ru: String,
    #[serde(default)]
    en: String,
}

impl From<Localised> for value::LocalizedText {
    fn from(text: Localised) -> Self {
        Self { uz: text.uz, ru: text.ru, en: text.en }
    }
}

impl From<Option<value::LocalizedText>> for Localised {
    fn from(text: Option<value::LocalizedText>) -> Self {
        let value::LocalizedText { uz, ru, en } = text.unwrap_or_default();
        Self { uz, ru, en }
    }
}

/// Who sells.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Seller {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Empty text is how messages say "none".
pub(crate) fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// A moment that is always there.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A moment, where 0 says "none".
pub(crate) fn at_if(millis: i64) -> Option<Timestamp> {
    (millis != 0).then(|| at(millis))
}

/// The name of a value of an enum on the wire in the public form: `ORDER_STATUS_PAID` without its prefix is `paid`.
pub(crate) fn name(wire: &str, prefix: &str) -> String {
    wire.strip_prefix(prefix).unwrap_or(wire).to_ascii_lowercase()
}

/// The language of the request that is being answered.
pub(crate) fn locale() -> Locale {
    Locale::named(&Context::current().locale)
}

/// Makes a call with a deadline of its own: for work that follows a long upload, and for what may be left out.
pub(crate) async fn within<F: Future>(limit: Duration, call: F) -> F::Output {
    let context = Context { deadline: None, ..Context::current() };
    context.within(limit).scope(call).await
}
