//! Offers and the merchants behind them.

use clock::Timestamp;
use ids::{MerchantId, OfferId, ProductId};
use sqlite::{Connection, Error, params};

use super::{
    Encode, Merchant, Wanted, levels,
    rows::{self, select_offers},
    stock,
};
use crate::{
    domain::{
        offer::{Offer, Refusal, Snapshot, Terms, Update},
        tiers::Tier,
    },
    store::levels::{Filled, changed as changes},
};

pub(super) fn read(connection: &Connection, wanted: &Wanted) -> Result<Vec<Offer>, Error> {
    match wanted {
        Wanted::Offers(ids) => connection.all(
            select_offers!("where o.id in (select value from json_each(?)) order by o.price, o.id"),
            [rows::ids(ids)?],
        ),
        Wanted::Products(ids) => connection.all(
            select_offers!(
                "where o.product_id in (select value from json_each(?)) order by o.price, o.id"
            ),
            [rows::ids(ids)?],
        ),
    }
}

pub(super) fn put(
    connection: &Connection,
    product: &Snapshot,
    terms: &[Terms],
    now: Timestamp,
    encode: Encode,
) -> Result<(), Error> {
    let known: Option<i64> = connection.one(
        "select max(product_version) from offers where product_id = ?",
        [product.product.to_string()],
    )?;
    // The same version twice must not set the stock again: some of it may be sold by now. It may bring offers that are not here yet.
    let newer = known.is_none_or(|known| known < product.version);
    if newer {
        refresh(connection, product, now)?;
    }
    let mut counted = Vec::new();
    for terms in terms {
        counted.extend(put_one(connection, product, terms, newer, now)?);
    }
    levels::tell(connection, &counted, now, encode)?;
    stock::redisplay(connection, &[product.product], now, encode)
}

/// Takes over title, codes and picture for all offers of the product, and takes off those whose variant is gone.
fn refresh(connection: &Connection, product: &Snapshot, now: Timestamp) -> Result<(), Error> {
    let variants: Vec<_> = product.variants.iter().map(|(id, ..)| *id).collect();
    connection.execute(
        "update offers set title = ?2, fiscal = ?3, picture_url = ?4, product_version = ?5,
         listed = ?6 and variant_id in (select value from json_each(?7)),
         version = version + 1, updated_at = ?8, categories = coalesce(?9, categories) where product_id = ?1",
        params![
            product.product.to_string(),
            rows::json(&product.title)?,
            rows::json(&product.fiscal)?,
            product.picture_url,
            product.version,
            product.on_show,
            rows::ids(&variants)?,
            now.millis(),
            categories(product)?,
        ],
    )?;
    Ok(())
}

fn categories(product: &Snapshot) -> Result<Option<String>, Error> {
    product.categories.as_ref().map(rows::json).transpose()
}

fn put_one(
    connection: &Connection,
    product: &Snapshot,
    terms: &Terms,
    replace: bool,
    now: Timestamp,
) -> Result<Option<Filled>, Error> {
    let Some(price) = terms.price else { return Ok(None) };
    let (merchant, variant) = (terms.merchant.to_string(), terms.variant.to_string());
    let before: Option<i64> = connection.first(
        "select available from offers where merchant_id = ? and variant_id = ?",
        [&merchant, &variant],
    )?;
    if before.is_some() && !replace {
        return Ok(None);
    }
    let id: String = connection.one(
        "insert into offers (id, merchant_id, product_id, variant_id, sku, title, options, fiscal, picture_url,
                             currency, price, compare_at, available, active, listed, product_version, updated_at, categories)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, coalesce(?13, 0), 1, ?14, ?15, ?16, ?17)
         on conflict (merchant_id, variant_id) do update set
             sku = excluded.sku, options = excluded.options, price = excluded.price,
             compare_at = excluded.compare_at, available = coalesce(?13, available),
             listed = excluded.listed, updated_at = excluded.updated_at
         returning id",
        params![
            OfferId::new().to_string(),
            merchant,
            product.product.to_string(),
            variant,
            terms.sku,
            rows::json(&product.title)?,
            rows::json(&terms.options)?,
            rows::json(&product.fiscal)?,
            product.picture_url,
            price.currency.code(),
            price.amount,
            terms.compare_at.map(|compare| compare.amount),
            terms.stock,
            product.on_show,
            product.version,
            now.millis(),
            categories(product)?,
        ],
    )?;
    let pieces = terms.stock.map_or(0, |stock| stock - before.unwrap_or(0));
    counted(connection, &id, pieces, now)?;
    Ok(Some(Filled { product: product.product, offer: rows::parsed(&id)?, pieces }))
}

/// A merchant's own change of what can be sold, in the ledger.
fn counted(connection: &Connection, offer: &str, delta: i64, now: Timestamp) -> Result<(), Error> {
    if delta != 0 {
        connection.execute(
            "insert into stock_ledger (offer_id, available, reserved, cause, at) values (?, ?, 0, 'counted', ?)",
            params![offer, delta, now.millis()],
        )?;
    }
    Ok(())
}

pub(super) fn update(
    connection: &Connection,
    merchant: MerchantId,
    updates: &[Update],
    now: Timestamp,
    encode: Encode,
) -> Result<Vec<Result<Offer, Refusal>>, Error> {
    let wanted = Wanted::Offers(updates.iter().map(|update| update.id).collect());
    let known = read(connection, &wanted)?;
    let mut offers = known.clone();
    let mut results = Vec::with_capacity(updates.len());
    let mut products: Vec<ProductId> = Vec::new();
    for update in updates {
        let mut own = offers.iter_mut().filter(|offer| offer.merchant == merchant);
        let offer = own.find(|offer| offer.id == update.id).ok_or(Refusal::NotFound);
        match offer.and_then(|offer| update.check(offer).map(|()| offer)) {
            Ok(offer) => {
                let changed = update.apply(offer.clone());
                write(connection, offer, &changed, now)?;
                *offer = changed;
                products.push(offer.product);
                results.push(Ok(update.id));
            }
            Err(refusal) => results.push(Err(refusal)),
        }
    }
    stock::redisplay(connection, &products, now, encode)?;
    let changed = results.iter().filter_map(|result| result.ok()).collect();
    let after = read(connection, &Wanted::Offers(changed))?;
    for offer in &after {
        let before = known.iter().find(|known| known.id == offer.id);
        let signals = before.map(|before| changes(before, offer)).unwrap_or_default();
        levels::told(connection, signals, now, encode)?;
    }
    let after = |id| after.iter().find(|offer| offer.id == id).cloned().ok_or(Refusal::NotFound);
    Ok(results.into_iter().map(|result| result.and_then(after)).collect())
}

fn write(
    connection: &Connection,
    before: &Offer,
    offer: &Offer,
    now: Timestamp,
) -> Result<(), Error> {
    let id = offer.id.to_string();
    connection.execute(
        "update offers set price = ?2, compare_at = ?3, available = ?4, active = ?5, backorder_limit = ?6, low_stock_at = ?7,
         price_tiers = ?8, weight = ?9, version = version + 1, updated_at = ?10 where id = ?1",
        params![
            id,
            offer.price.amount,
            offer.compare_at.map(|compare| compare.amount),
            offer.available,
            offer.active,
            offer.backorder_limit,
            offer.low_stock_at,
            tiers(&offer.tiers)?,
            offer.weight,
            now.millis(),
        ],
    )?;
    counted(connection, &id, offer.available - before.available, now)
}

fn tiers(tiers: &[Tier]) -> Result<Option<String>, Error> {
    (!tiers.is_empty()).then(|| rows::json(&tiers)).transpose()
}

pub(super) fn put_merchant(
    connection: &Connection,
    merchant: &Merchant,
    now: Timestamp,
    encode: Encode,
) -> Result<(), Error> {
    let id = merchant.id.to_string();
    let before: Option<bool> =
        connection.first("select active from merchants where id = ?", [&id])?;
    let written = connection.execute(
        "insert into merchants (id, name, tin, plan, active, version) values (?, ?, ?, ?, ?, ?)
         on conflict (id) do update set name = excluded.name, tin = excluded.tin, plan = excluded.plan, active = excluded.active,
         version = excluded.version where excluded.version > merchants.version",
        params![
            id,
            merchant.name,
            merchant.tin,
            merchant.plan,
            merchant.active,
            merchant.version
        ],
    )?;
    // A name changes no price.
    if written == 0 || before == Some(merchant.active) {
        return Ok(());
    }
    let products: Vec<String> =
        connection.all("select distinct product_id from offers where merchant_id = ?", [&id])?;
    let products = products.iter().map(|id| rows::parsed(id)).collect::<Result<Vec<_>, _>>()?;
    stock::redisplay(connection, &products, now, encode)
}

pub(super) fn known_merchants(
    connection: &Connection,
    ids: &[MerchantId],
) -> Result<Vec<MerchantId>, Error> {
    let known: Vec<String> = connection.all(
        "select id from merchants where id in (select value from json_each(?))",
        [rows::ids(ids)?],
    )?;
    known.iter().map(|id| rows::parsed(id)).collect()
}
