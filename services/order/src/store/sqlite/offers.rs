//! Offers and the merchants behind them.

use clock::Timestamp;
use ids::{MerchantId, OfferId, ProductId};
use sqlite::SqliteConnection;

use super::{Encode, Merchant, Wanted, rows, stock};
use crate::{
    domain::offer::{Offer, Refusal, Snapshot, Terms, Update},
    error::Error,
};

pub(super) async fn read(
    connection: &mut SqliteConnection,
    wanted: Wanted,
) -> Result<Vec<Offer>, Error> {
    let (column, list) = match wanted {
        Wanted::Offers(ids) => ("o.id", rows::ids(&ids)),
        Wanted::Products(ids) => ("o.product_id", rows::ids(&ids)),
    };
    let sql = format!(
        "{} where {column} in (select value from json_each(?)) order by o.price, o.id",
        rows::OFFER
    );
    let found = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(list).fetch_all(connection).await?;
    found.iter().map(rows::offer).collect()
}

pub(super) async fn put(
    connection: &mut SqliteConnection,
    product: Snapshot,
    terms: Vec<Terms>,
    now: Timestamp,
    encode: Encode,
) -> Result<(), Error> {
    let known: Option<i64> =
        sqlx::query_scalar("select max(product_version) from offers where product_id = ?")
            .bind(product.product.to_string())
            .fetch_one(&mut *connection)
            .await?;
    // The same version twice must not set the stock again: some of it may be sold by now. It may bring offers that are not here yet.
    let newer = known.is_none_or(|known| known < product.version);
    if newer {
        refresh(connection, &product, now).await?;
    }
    for terms in terms {
        put_one(connection, &product, terms, newer, now).await?;
    }
    stock::redisplay(connection, &[product.product], now, encode).await
}

/// Takes over title, codes and picture for all offers of the product, and takes off those whose variant is gone.
async fn refresh(
    connection: &mut SqliteConnection,
    product: &Snapshot,
    now: Timestamp,
) -> Result<(), Error> {
    let variants: Vec<_> = product.variants.iter().map(|(id, ..)| *id).collect();
    sqlx::query(
        "update offers set title = ?2, fiscal = ?3, picture_url = ?4, product_version = ?5,
         listed = ?6 and variant_id in (select value from json_each(?7)),
         version = version + 1, updated_at = ?8 where product_id = ?1",
    )
    .bind(product.product.to_string())
    .bind(rows::json(&product.title)?)
    .bind(rows::json(&product.fiscal)?)
    .bind(&product.picture_url)
    .bind(product.version)
    .bind(product.on_show)
    .bind(rows::ids(&variants))
    .bind(now.millis())
    .execute(connection)
    .await?;
    Ok(())
}

async fn put_one(
    connection: &mut SqliteConnection,
    product: &Snapshot,
    terms: Terms,
    replace: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(price) = terms.price else { return Ok(()) };
    let (merchant, variant) = (terms.merchant.to_string(), terms.variant.to_string());
    let before: Option<i64> =
        sqlx::query_scalar("select available from offers where merchant_id = ? and variant_id = ?")
            .bind(&merchant)
            .bind(&variant)
            .fetch_optional(&mut *connection)
            .await?;
    if before.is_some() && !replace {
        return Ok(());
    }
    let id: String = sqlx::query_scalar(
        "insert into offers (id, merchant_id, product_id, variant_id, sku, title, options, fiscal, picture_url,
                             currency, price, compare_at, available, active, listed, product_version, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, coalesce(?13, 0), 1, ?14, ?15, ?16)
         on conflict (merchant_id, variant_id) do update set
             sku = excluded.sku, options = excluded.options, price = excluded.price,
             compare_at = excluded.compare_at, available = coalesce(?13, available),
             listed = excluded.listed, updated_at = excluded.updated_at
         returning id",
    )
    .bind(OfferId::new().to_string())
    .bind(&merchant)
    .bind(product.product.to_string())
    .bind(&variant)
    .bind(&terms.sku)
    .bind(rows::json(&product.title)?)
    .bind(rows::json(&terms.options)?)
    .bind(rows::json(&product.fiscal)?)
    .bind(&product.picture_url)
    .bind(price.currency.code())
    .bind(price.amount)
    .bind(terms.compare_at.map(|compare| compare.amount))
    .bind(terms.stock)
    .bind(product.on_show)
    .bind(product.version)
    .bind(now.millis())
    .fetch_one(&mut *connection)
    .await?;
    let delta = terms.stock.map_or(0, |stock| stock - before.unwrap_or(0));
    counted(connection, &id, delta, now).await
}

/// A merchant's own change of what can be sold, in the ledger.
async fn counted(
    connection: &mut SqliteConnection,
    offer: &str,
    delta: i64,
    now: Timestamp,
) -> Result<(), Error> {
    if delta != 0 {
        sqlx::query(
            "insert into stock_ledger (offer_id, available, reserved, cause, at) values (?, ?, 0, 'counted', ?)",
        )
        .bind(offer)
        .bind(delta)
        .bind(now.millis())
        .execute(connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn update(
    connection: &mut SqliteConnection,
    merchant: MerchantId,
    updates: Vec<Update>,
    now: Timestamp,
    encode: Encode,
) -> Result<Vec<Result<Offer, Refusal>>, Error> {
    let wanted = Wanted::Offers(updates.iter().map(|update| update.id).collect());
    let known = read(connection, wanted).await?;
    let mut results = Vec::with_capacity(updates.len());
    let mut products: Vec<ProductId> = Vec::new();
    for update in updates {
        let offer = known.iter().find(|offer| offer.id == update.id && offer.merchant == merchant);
        let checked =
            offer.ok_or(Refusal::NotFound).and_then(|offer| update.check(offer).map(|()| offer));
        match checked {
            Ok(offer) => {
                write(connection, &update, offer, now).await?;
                products.push(offer.product);
                results.push(Ok(update.id));
            }
            Err(refusal) => results.push(Err(refusal)),
        }
    }
    stock::redisplay(connection, &products, now, encode).await?;
    let changed = results.iter().filter_map(|result| result.ok()).collect();
    let after = read(connection, Wanted::Offers(changed)).await?;
    Ok(results
        .into_iter()
        .map(|result| {
            let id = result?;
            after.iter().find(|offer| offer.id == id).cloned().ok_or(Refusal::NotFound)
        })
        .collect())
}

async fn write(
    connection: &mut SqliteConnection,
    update: &Update,
    offer: &Offer,
    now: Timestamp,
) -> Result<(), Error> {
    let price = update.price.unwrap_or(offer.price).amount;
    let compare = update.compare_at.or(offer.compare_at).map(|compare| compare.amount);
    let before: i64 = sqlx::query_scalar("select available from offers where id = ?")
        .bind(offer.id.to_string())
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query(
        "update offers set price = ?2, compare_at = ?3, available = coalesce(?4, available),
         active = coalesce(?5, active), version = version + 1, updated_at = ?6 where id = ?1",
    )
    .bind(offer.id.to_string())
    .bind(price)
    .bind(compare.filter(|compare| *compare > price))
    .bind(update.stock)
    .bind(update.active)
    .bind(now.millis())
    .execute(&mut *connection)
    .await?;
    let delta = update.stock.map_or(0, |stock| stock - before);
    counted(connection, &offer.id.to_string(), delta, now).await
}

pub(super) async fn put_merchant(
    connection: &mut SqliteConnection,
    merchant: Merchant,
    now: Timestamp,
    encode: Encode,
) -> Result<(), Error> {
    let id = merchant.id.to_string();
    let written = sqlx::query(
        "insert into merchants (id, name, tin, active, version) values (?, ?, ?, ?, ?)
         on conflict (id) do update set name = excluded.name, tin = excluded.tin, active = excluded.active,
         version = excluded.version where excluded.version > merchants.version",
    )
    .bind(&id)
    .bind(merchant.name)
    .bind(merchant.tin)
    .bind(merchant.active)
    .bind(merchant.version)
    .execute(&mut *connection)
    .await?;
    if written.rows_affected() == 0 {
        return Ok(());
    }
    let products: Vec<String> =
        sqlx::query_scalar("select distinct product_id from offers where merchant_id = ?")
            .bind(&id)
            .fetch_all(&mut *connection)
            .await?;
    let products = products.iter().map(|id| rows::parsed(id)).collect::<Result<Vec<_>, _>>()?;
    stock::redisplay(connection, &products, now, encode).await
}
