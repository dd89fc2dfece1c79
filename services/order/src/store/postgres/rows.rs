//! Between rows and the domain.

use ids::{Id, Kind};
use money::{Currency, Money, ParseCurrencyError};
use postgres::timestamp;
use serde::{
    Serialize,
    de::{DeserializeOwned, IntoDeserializer as _, value::StrDeserializer},
};
use sqlx::{
    FromRow, Row as _,
    postgres::PgRow,
    types::{Json, Uuid},
};

use crate::domain::{Buyer, Order, offer::Offer, tiers};

pub(super) fn id<K: Kind>(row: &PgRow, column: &str) -> Result<Id<K>, sqlx::Error> {
    Ok(postgres::id(row.try_get(column)?))
}

pub(super) fn uuids<K: Kind>(ids: impl IntoIterator<Item = Id<K>>) -> Vec<Uuid> {
    ids.into_iter().map(postgres::uuid).collect()
}

pub(super) fn ids<K: Kind>(uuids: Vec<Uuid>) -> Vec<Id<K>> {
    uuids.into_iter().map(postgres::id).collect()
}

/// A value of a column-backed enum, by the name that serde gives it.
pub(super) fn name<T: Serialize>(value: &T) -> Result<String, sqlx::Error> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        Ok(_) => Err(sqlx::Error::Encode("a value without a name".into())),
        Err(error) => Err(sqlx::Error::Encode(error.into())),
    }
}

pub(super) fn named<T: DeserializeOwned>(row: &PgRow, column: &str) -> Result<T, sqlx::Error> {
    let name: &str = row.try_get(column)?;
    let name: StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
    T::deserialize(name).map_err(decode)
}

pub(super) fn document<T: DeserializeOwned>(row: &PgRow, column: &str) -> Result<T, sqlx::Error> {
    Ok(row.try_get::<Json<T>, _>(column)?.0)
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

/// Offers with their merchants, for [`Offer`]; followed by the rest of the query.
macro_rules! select_offers {
    ($rest:literal) => {
        concat!(
            "select o.id, o.merchant_id, coalesce(m.name, '') as merchant_name, coalesce(m.tin, '') as merchant_tin,
             coalesce(m.plan, '') as plan, m.delivery,
             o.product_id, o.variant_id, o.sku, o.title, o.options, o.fiscal, o.picture_url, o.categories, o.currency, o.price,
             o.compare_at, o.available, o.backorder_limit, o.low_stock_at, o.price_tiers, o.weight, o.reserved, o.active,
             o.active and o.listed and coalesce(m.active, false) as on_sale,
             o.version from offers o left join merchants m on m.id = o.merchant_id ",
            $rest
        )
    };
}
pub(super) use select_offers;

impl FromRow<'_, PgRow> for Offer {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let currency = row.try_get::<&str, _>("currency")?.parse::<Currency>();
        let currency = currency.map_err(|error: ParseCurrencyError| decode(error))?;
        let compare: Option<i64> = row.try_get("compare_at")?;
        let price = row.try_get("price")?;
        let tiers: Option<Json<_>> = row.try_get("price_tiers")?;
        Ok(Self {
            id: id(row, "id")?,
            merchant: id(row, "merchant_id")?,
            merchant_name: row.try_get("merchant_name")?,
            merchant_tin: row.try_get("merchant_tin")?,
            plan: row.try_get("plan")?,
            product: id(row, "product_id")?,
            variant: id(row, "variant_id")?,
            sku: row.try_get("sku")?,
            title: document(row, "title")?,
            options: document(row, "options")?,
            fiscal: document(row, "fiscal")?,
            picture_url: row.try_get("picture_url")?,
            categories: row.try_get::<Option<_>, _>("categories")?.unwrap_or_default(),
            price: Money::new(price, currency),
            compare_at: compare.map(|amount| Money::new(amount, currency)),
            available: row.try_get("available")?,
            backorder_limit: row.try_get("backorder_limit")?,
            low_stock_at: row.try_get("low_stock_at")?,
            tiers: tiers::below(tiers.map(|tiers| tiers.0).unwrap_or_default(), price),
            weight: row.try_get("weight")?,
            delivery: row.try_get::<Option<Json<_>>, _>("delivery")?.map(|delivery| delivery.0),
            reserved: row.try_get("reserved")?,
            active: row.try_get("active")?,
            on_sale: row.try_get("on_sale")?,
            version: row.try_get("version")?,
        })
    }
}

/// Orders, for [`Order`]; followed by the rest of the query.
macro_rules! select_orders {
    ($rest:literal) => {
        concat!(
            "select o.id, o.seq, o.cart_id, o.user_id, o.token_hash, o.status, o.payment_status, o.body, o.payment,
             o.reserved_until, o.version, o.placed_at from orders o ",
            $rest
        )
    };
}
pub(super) use select_orders;

impl FromRow<'_, PgRow> for Order {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let buyer = match row.try_get::<Option<_>, _>("user_id")? {
            Some(user) => Buyer::User(postgres::id(user)),
            None => Buyer::Token(row.try_get("token_hash")?),
        };
        Ok(Self {
            id: id(row, "id")?,
            seq: row.try_get("seq")?,
            cart: id(row, "cart_id")?,
            buyer,
            status: named(row, "status")?,
            payment_status: named(row, "payment_status")?,
            body: document(row, "body")?,
            payment: row.try_get::<Option<Json<_>>, _>("payment")?.map(|payment| payment.0),
            reserved_until: row.try_get::<Option<_>, _>("reserved_until")?.map(timestamp),
            version: row.try_get("version")?,
            placed_at: timestamp(row.try_get("placed_at")?),
        })
    }
}
