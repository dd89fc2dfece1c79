//! Products, with what is derived from them: SKUs, attributes and listings.

use std::collections::{BTreeMap, HashMap};

use clock::Timestamp;
use ids::{MerchantId, ProductId};
use sqlite::{Connection, FromRow, Row, params, violates};

use super::{from_json, id, json, text};
use crate::{
    domain::{Event, OfferState, Product, Rating, Status},
    error::Error,
    store::{Encode, Write},
};

/// What a [`Product`] is read from, of `products p`.
macro_rules! columns {
    () => {
        "p.id, p.slug, p.merchant_id, p.category_id, p.status, p.body, p.version, p.created_at, \
         p.updated_at, p.price, p.in_stock, p.sellers, p.popularity, p.rating_sum, p.rating_count"
    };
}
pub(super) const COLUMNS: &str = columns!();

pub(super) fn create(
    connection: &Connection,
    write: Write,
    encode: Encode,
) -> Result<Product, Error> {
    let mut product = write.product.clone();
    let body = json(&product.content)?;
    let row = match insert(connection, &product, &body)? {
        Some(row) => row,
        None => {
            product.slug = write.spare_slug.clone().ok_or(Error::SlugTaken)?;
            insert(connection, &product, &body)?.ok_or(Error::SlugTaken)?
        }
    };
    derive(connection, row, &product, &body)?;
    list(connection, row)?;
    announce(connection, &product, write, encode)?;
    Ok(product)
}

/// The key of the new row; none when the slug is taken.
fn insert(
    connection: &Connection,
    product: &Product,
    body: &str,
) -> Result<Option<i64>, sqlite::Error> {
    connection.first(
        "insert into products (id, slug, merchant_id, category_id, status, brand, body, version,
         created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (slug) do nothing returning row",
        params![
            product.id.to_string(),
            product.slug,
            product.merchant.to_string(),
            product.category.to_string(),
            product.status.as_str(),
            fold(&product.content.brand),
            body,
            product.version,
            product.created_at.millis(),
            product.updated_at.millis(),
        ],
    )
}

/// What stays when a product is replaced: price, stock, sellers, popularity, rating.
type Kept = (i64, i64, bool, String, i64, u32, u32);

pub(super) fn replace(
    connection: &Connection,
    write: Write,
    encode: Encode,
) -> Result<Product, Error> {
    let mut product = write.product.clone();
    let body = json(&product.content)?;
    let updated = connection.first::<Kept>(
        "update products set slug = ?, category_id = ?, status = ?, brand = ?, body = ?,
         version = ?, updated_at = ?
         where id = ? and version = ? - 1 and status <> 'archived'
         returning row, price, in_stock, sellers, popularity, rating_sum, rating_count",
        params![
            product.slug,
            product.category.to_string(),
            product.status.as_str(),
            fold(&product.content.brand),
            body,
            product.version,
            product.updated_at.millis(),
            product.id.to_string(),
            product.version,
        ],
    );
    let (row, price_from, in_stock, sellers, popularity, sum, count) = match updated {
        Err(error) if violates(&error, "products.slug") => return Err(Error::SlugTaken),
        other => other?.ok_or(Error::VersionMismatch)?,
    };
    let sellers = serde_json::from_str(&sellers).map_err(sqlite::Error::value)?;
    product.offers = OfferState { price_from, in_stock, sellers };
    product.popularity = popularity;
    product.rating = Rating { sum, count };
    connection.execute("delete from skus where product = ?", [row])?;
    connection.execute("delete from product_attributes where product = ?", [row])?;
    connection.execute("delete from listings where product = ?", [row])?;
    if product.status != Status::Archived {
        derive(connection, row, &product, &body)?;
        list(connection, row)?;
    }
    announce(connection, &product, write, encode)?;
    Ok(product)
}

/// Writes SKUs and attributes.
fn derive(connection: &Connection, row: i64, product: &Product, body: &str) -> Result<(), Error> {
    let written = connection.execute(
        "insert into skus (merchant_id, sku, product, variant_id)
         select ?1, value ->> 'sku', ?2, value ->> 'id' from json_each(?3, '$.variants')
         where true on conflict do nothing",
        params![product.merchant.to_string(), row, body],
    )?;
    if usize::try_from(written).ok() != Some(product.content.variants.len()) {
        return Err(taken(connection, row, product, body)?);
    }
    if !product.content.attributes.is_empty() {
        connection.execute(
            "insert into product_attributes (product, name, value)
             select ?1, key, value from json_each(?2, '$.attributes')",
            params![row, body],
        )?;
    }
    Ok(())
}

/// Which SKU it was.
fn taken(
    connection: &Connection,
    row: i64,
    product: &Product,
    body: &str,
) -> Result<Error, sqlite::Error> {
    let sku: Option<String> = connection.first(
        "select s.sku from json_each(?1, '$.variants') v
         join skus s on s.merchant_id = ?2 and s.sku = v.value ->> 'sku' and s.product <> ?3
         order by v.key limit 1",
        params![body, product.merchant.to_string(), row],
    )?;
    let sku = sku.unwrap_or_default();
    let at = product.content.variants.iter().position(|variant| variant.sku == sku);
    Ok(Error::SkuTaken { at: at.unwrap_or(0), sku })
}

/// Lists an active product under all that it belongs to. Nothing is listed of it yet.
fn list(connection: &Connection, row: i64) -> Result<(), sqlite::Error> {
    connection.execute(
        "insert into scopes (name)
         select 'brand:' || brand from products where row = ?1 and brand <> ''
         union all
         select 'seller:' || s.value from products p, json_each(p.sellers) s where p.row = ?1
         on conflict do nothing",
        [row],
    )?;
    connection.execute(
        "with recursive up (parent_id, scope) as (
             select parent_id, scope from categories
             where id = (select category_id from products where row = ?1)
             union
             select c.parent_id, c.scope from categories c join up on c.id = up.parent_id)
         insert into listings
             (scope, product, created_at, price, price_last, in_stock, rating, popularity)
         select s.scope, p.row, p.created_at, p.price, p.price_last, p.in_stock, p.rating,
             p.popularity
         from (
             select 0 as scope
             union select scope from up
             union select row from scopes where name in (
                 select 'brand:' || brand from products where row = ?1 and brand <> ''
                 union all
                 select 'seller:' || j.value from products p, json_each(p.sellers) j
                 where p.row = ?1)
         ) s
         join products p on p.row = ?1
         where p.status = 'active'",
        [row],
    )?;
    Ok(())
}

fn announce(
    connection: &Connection,
    product: &Product,
    write: Write,
    encode: Encode,
) -> Result<(), sqlite::Error> {
    let (product, category, now) = (product.clone(), write.category, product.updated_at);
    let event = if product.status == Status::Archived {
        Event::Deleted { product, category }
    } else {
        Event::Changed { product, category, offers: write.offers }
    };
    outbox::sqlite::append(connection, &[encode(&event)], now)
}

pub(super) fn set_offers(
    connection: &Connection,
    product: ProductId,
    offers: &OfferState,
    version: i64,
) -> Result<bool, sqlite::Error> {
    let row: Option<i64> = connection.first(
        "update products set price = ?1, in_stock = ?2, sellers = ?3, offers_version = ?4
         where id = ?5 and offers_version < ?4 returning row",
        params![
            offers.price_from,
            offers.in_stock,
            json(&offers.sellers)?,
            version,
            product.to_string(),
        ],
    )?;
    let Some(row) = row else { return Ok(false) };
    connection.execute("delete from listings where product = ?", [row])?;
    list(connection, row)?;
    Ok(true)
}

pub(super) fn sold(
    connection: &Connection,
    event: &str,
    pieces: &[(ProductId, i64)],
    now: Timestamp,
) -> Result<(), sqlite::Error> {
    if !outbox::sqlite::first_time(connection, event, now)? {
        return Ok(());
    }
    for (product, pieces) in pieces {
        let updated: Option<(i64, i64)> = connection.first(
            "update products set popularity = popularity + ? where id = ?
             returning popularity, row",
            params![pieces, product.to_string()],
        )?;
        if let Some((popularity, row)) = updated {
            connection.execute(
                "update listings set popularity = ? where product = ?",
                [popularity, row],
            )?;
        }
    }
    Ok(())
}

pub(super) fn find(
    connection: &Connection,
    ids: &[ProductId],
) -> Result<Vec<Product>, sqlite::Error> {
    let found: Vec<Product> = connection.all(
        concat!(
            "select ",
            columns!(),
            " from json_each(?) v cross join products p on p.id = v.value"
        ),
        [json(&ids)?],
    )?;
    let mut found: HashMap<ProductId, Product> =
        found.into_iter().map(|product| (product.id, product)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

pub(super) fn find_slug(
    connection: &Connection,
    slug: &str,
) -> Result<Option<Product>, sqlite::Error> {
    connection.first(concat!("select ", columns!(), " from products p where p.slug = ?"), [slug])
}

pub(super) fn find_skus(
    connection: &Connection,
    merchant: MerchantId,
    skus: Vec<String>,
) -> Result<BTreeMap<String, Product>, sqlite::Error> {
    let (mut found, merchant) = (BTreeMap::new(), merchant.to_string());
    for sku in skus {
        let product: Option<Product> = connection.first(
            concat!(
                "select ",
                columns!(),
                " from skus s join products p on p.row = s.product
                 where s.merchant_id = ? and s.sku = ?"
            ),
            [&merchant, &sku],
        )?;
        found.extend(product.map(|product| (sku, product)));
    }
    Ok(found)
}

/// From [`COLUMNS`], by number: to look each up by its name, row by row, takes as long as to read it.
impl FromRow for Product {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        let status = text(row, 4)?;
        Ok(Self {
            id: id(row, 0)?,
            slug: row.get(1)?,
            merchant: id(row, 2)?,
            category: id(row, 3)?,
            status: Status::parse(status)
                .ok_or_else(|| sqlite::Error::value(format!("status {status}")))?,
            content: from_json(row, 5)?,
            version: row.get(6)?,
            created_at: Timestamp::from_millis(row.get(7)?),
            updated_at: Timestamp::from_millis(row.get(8)?),
            offers: OfferState {
                price_from: row.get(9)?,
                in_stock: row.get(10)?,
                sellers: from_json(row, 11)?,
            },
            popularity: row.get(12)?,
            rating: Rating { sum: row.get(13)?, count: row.get(14)? },
        })
    }
}

/// A brand as it is compared.
pub(super) fn fold(brand: &str) -> String {
    brand.trim().to_lowercase()
}
