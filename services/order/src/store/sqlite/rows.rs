//! Between rows and the domain.

use clock::Timestamp;
use ids::{Id, Kind, ParseIdError};
use money::{Currency, Money, ParseCurrencyError};
use serde::{Serialize, de::DeserializeOwned};
use sqlite::{Error, FromRow, Row};

use crate::domain::{Buyer, Order, offer::Offer, tiers};

pub(super) fn parsed<K: Kind>(text: &str) -> Result<Id<K>, Error> {
    text.parse().map_err(|error: ParseIdError| Error::value(error))
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(Error::value)
}

pub(super) fn unjson<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(Error::value)
}

/// Ids as the JSON array that `json_each` reads.
pub(super) fn ids<K: Kind>(ids: &[Id<K>]) -> Result<String, Error> {
    json(&ids)
}

/// A value of a column-backed enum, by the name that serde gives it.
pub(super) fn name<T: Serialize>(value: &T) -> Result<String, Error> {
    let json = json(value)?;
    Ok(json.trim_matches('"').to_owned())
}

pub(super) fn named<T: DeserializeOwned>(name: &str) -> Result<T, Error> {
    unjson(&format!("\"{name}\""))
}

fn text<'row>(row: &'row Row<'_>, column: &str) -> Result<&'row str, Error> {
    row.get_ref(column)?.as_str().map_err(Error::value)
}

fn maybe_text<'row>(row: &'row Row<'_>, column: &str) -> Result<Option<&'row str>, Error> {
    row.get_ref(column)?.as_str_or_null().map_err(Error::value)
}

/// Offers with their merchants, for [`Offer`]; followed by the rest of the query.
macro_rules! select_offers {
    ($rest:literal) => {
        concat!(
            "select o.id, o.merchant_id, coalesce(m.name, '') as merchant_name, coalesce(m.tin, '') as merchant_tin,
             coalesce(m.plan, '') as plan, m.delivery,
             o.product_id, o.variant_id, o.sku, o.title, o.options, o.fiscal, o.picture_url, o.categories, o.currency, o.price,
             o.compare_at, o.available, o.backorder_limit, o.low_stock_at, o.price_tiers, o.weight, o.reserved, o.active,
             o.active and o.listed and coalesce(m.active, 0) as on_sale,
             o.version from offers o left join merchants m on m.id = o.merchant_id ",
            $rest
        )
    };
}
pub(super) use select_offers;

impl FromRow for Offer {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let currency = text(row, "currency")?.parse::<Currency>();
        let currency = currency.map_err(|error: ParseCurrencyError| Error::value(error))?;
        let compare: Option<i64> = row.get("compare_at")?;
        let price = row.get("price")?;
        let tiers = maybe_text(row, "price_tiers")?.map(unjson).transpose()?;
        Ok(Self {
            id: parsed(text(row, "id")?)?,
            merchant: parsed(text(row, "merchant_id")?)?,
            merchant_name: row.get("merchant_name")?,
            merchant_tin: row.get("merchant_tin")?,
            plan: row.get("plan")?,
            product: parsed(text(row, "product_id")?)?,
            variant: parsed(text(row, "variant_id")?)?,
            sku: row.get("sku")?,
            title: unjson(text(row, "title")?)?,
            options: unjson(text(row, "options")?)?,
            fiscal: unjson(text(row, "fiscal")?)?,
            picture_url: row.get("picture_url")?,
            categories: maybe_text(row, "categories")?.map(unjson).transpose()?.unwrap_or_default(),
            price: Money::new(price, currency),
            compare_at: compare.map(|amount| Money::new(amount, currency)),
            available: row.get("available")?,
            backorder_limit: row.get("backorder_limit")?,
            low_stock_at: row.get("low_stock_at")?,
            tiers: tiers::below(tiers.unwrap_or_default(), price),
            weight: row.get("weight")?,
            delivery: maybe_text(row, "delivery")?.map(unjson).transpose()?,
            reserved: row.get("reserved")?,
            active: row.get("active")?,
            on_sale: row.get("on_sale")?,
            version: row.get("version")?,
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

impl FromRow for Order {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let buyer = match maybe_text(row, "user_id")? {
            Some(user) => Buyer::User(parsed(user)?),
            None => Buyer::Token(row.get("token_hash")?),
        };
        let reserved: Option<i64> = row.get("reserved_until")?;
        Ok(Self {
            id: parsed(text(row, "id")?)?,
            seq: row.get("seq")?,
            cart: parsed(text(row, "cart_id")?)?,
            buyer,
            status: named(text(row, "status")?)?,
            payment_status: named(text(row, "payment_status")?)?,
            body: unjson(text(row, "body")?)?,
            payment: maybe_text(row, "payment")?.map(unjson).transpose()?,
            reserved_until: reserved.map(Timestamp::from_millis),
            version: row.get("version")?,
            placed_at: Timestamp::from_millis(row.get("placed_at")?),
        })
    }
}
