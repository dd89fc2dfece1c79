//! Between rows and the domain.

use clock::Timestamp;
use ids::{Id, Kind};
use money::{Currency, Money};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row as _, sqlite::SqliteRow};

use crate::{
    domain::{Buyer, Order, offer::Offer},
    error::Error,
};

pub(super) fn decode(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    sqlx::Error::Decode(Box::new(error)).into()
}

pub(super) fn parsed<K: Kind>(text: &str) -> Result<Id<K>, Error> {
    text.parse().map_err(decode)
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(Box::new(error)).into())
}

pub(super) fn unjson<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(decode)
}

/// Ids as the JSON array that `json_each` reads.
pub(super) fn ids<K: Kind>(ids: &[Id<K>]) -> String {
    let list: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    format!("[{}]", list.join(","))
}

/// A value of a column-backed enum, by the name that serde gives it.
pub(super) fn name<T: Serialize>(value: &T) -> Result<String, Error> {
    let json = json(value)?;
    Ok(json.trim_matches('"').to_owned())
}

pub(super) fn named<T: DeserializeOwned>(name: &str) -> Result<T, Error> {
    unjson(&format!("\"{name}\""))
}

/// Columns of an offer with its merchant, for [`offer`].
pub(super) const OFFER: &str =
    "select o.id, o.merchant_id, coalesce(m.name, '') as merchant_name, coalesce(m.tin, '') as merchant_tin,
     o.product_id, o.variant_id, o.sku, o.title, o.options, o.fiscal, o.picture_url, o.currency, o.price,
     o.compare_at, o.available, o.reserved, o.active, o.active and o.listed and coalesce(m.active, 0) as on_sale,
     o.version from offers o left join merchants m on m.id = o.merchant_id";

pub(super) fn offer(row: &SqliteRow) -> Result<Offer, Error> {
    let currency: Currency = row.try_get::<&str, _>("currency")?.parse().map_err(decode)?;
    let compare: Option<i64> = row.try_get("compare_at")?;
    Ok(Offer {
        id: parsed(row.try_get("id")?)?,
        merchant: parsed(row.try_get("merchant_id")?)?,
        merchant_name: row.try_get("merchant_name")?,
        merchant_tin: row.try_get("merchant_tin")?,
        product: parsed(row.try_get("product_id")?)?,
        variant: parsed(row.try_get("variant_id")?)?,
        sku: row.try_get("sku")?,
        title: unjson(row.try_get("title")?)?,
        options: unjson(row.try_get("options")?)?,
        fiscal: unjson(row.try_get("fiscal")?)?,
        picture_url: row.try_get("picture_url")?,
        price: Money::new(row.try_get("price")?, currency),
        compare_at: compare.map(|amount| Money::new(amount, currency)),
        available: row.try_get("available")?,
        reserved: row.try_get("reserved")?,
        active: row.try_get("active")?,
        on_sale: row.try_get("on_sale")?,
        version: row.try_get("version")?,
    })
}

/// Columns of an order, for [`order`].
pub(super) const ORDER: &str =
    "select o.id, o.seq, o.cart_id, o.user_id, o.token_hash, o.status, o.payment_status, o.body, o.payment,
     o.reserved_until, o.version, o.placed_at from orders o";

pub(super) fn order(row: &SqliteRow) -> Result<Order, Error> {
    let buyer = match row.try_get::<Option<&str>, _>("user_id")? {
        Some(user) => Buyer::User(parsed(user)?),
        None => {
            let hash: &[u8] = row.try_get("token_hash")?;
            Buyer::Token(hash.try_into().map_err(decode)?)
        }
    };
    let payment: Option<&str> = row.try_get("payment")?;
    let reserved: Option<i64> = row.try_get("reserved_until")?;
    Ok(Order {
        id: parsed(row.try_get("id")?)?,
        seq: row.try_get("seq")?,
        cart: parsed(row.try_get("cart_id")?)?,
        buyer,
        status: named(row.try_get("status")?)?,
        payment_status: named(row.try_get("payment_status")?)?,
        body: unjson(row.try_get("body")?)?,
        payment: payment.map(unjson).transpose()?,
        reserved_until: reserved.map(Timestamp::from_millis),
        version: row.try_get("version")?,
        placed_at: Timestamp::from_millis(row.try_get("placed_at")?),
    })
}
