//! Products, with what is derived from them: SKUs, attributes and listings.

use std::collections::{BTreeMap, HashMap};

use clock::Timestamp;
use fault::Fault;
use ids::{MerchantId, ProductId};
use sqlite::{Sqlite, SqliteConnection, violates};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{decode, fault, from_json, json, parsed};
use crate::{
    domain::{Event, OfferState, Product, Rating, Status},
    error::Error,
    store::{Encode, Write},
};

/// What [`read`] reads, of `products p`.
pub(super) const COLUMNS: &str = "p.id, p.slug, p.merchant_id, p.category_id, p.status, p.body, \
    p.version, p.created_at, p.updated_at, p.price, p.in_stock, p.sellers, p.popularity, \
    p.rating_sum, p.rating_count";

pub(super) async fn create(
    connection: &mut SqliteConnection,
    write: Write,
    encode: Encode,
) -> Result<Product, Error> {
    let mut product = write.product.clone();
    let body = json(&product.content)?;
    let row = match insert(connection, &product, &body).await? {
        Some(row) => row,
        None => {
            product.slug = write.spare_slug.clone().ok_or(Error::SlugTaken)?;
            insert(connection, &product, &body).await?.ok_or(Error::SlugTaken)?
        }
    };
    derive(connection, row, &product, &body).await?;
    list(connection, row).await?;
    announce(connection, &product, write, encode).await?;
    Ok(product)
}

/// The key of the new row; none when the slug is taken.
async fn insert(
    connection: &mut SqliteConnection,
    product: &Product,
    body: &str,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "insert into products (id, slug, merchant_id, category_id, status, brand, body, version,
         created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (slug) do nothing returning row",
    )
    .bind(product.id.to_string())
    .bind(&product.slug)
    .bind(product.merchant.to_string())
    .bind(product.category.to_string())
    .bind(product.status.as_str())
    .bind(fold(&product.content.brand))
    .bind(body)
    .bind(product.version)
    .bind(product.created_at.millis())
    .bind(product.updated_at.millis())
    .fetch_optional(connection)
    .await
}

pub(super) async fn replace(
    connection: &mut SqliteConnection,
    write: Write,
    encode: Encode,
) -> Result<Product, Error> {
    let mut product = write.product.clone();
    let body = json(&product.content)?;
    let updated = sqlx::query(
        "update products set slug = ?, category_id = ?, status = ?, brand = ?, body = ?,
         version = ?, updated_at = ?
         where id = ? and version = ? - 1 and status <> 'archived'
         returning row, price, in_stock, sellers, popularity, rating_sum, rating_count",
    )
    .bind(&product.slug)
    .bind(product.category.to_string())
    .bind(product.status.as_str())
    .bind(fold(&product.content.brand))
    .bind(&body)
    .bind(product.version)
    .bind(product.updated_at.millis())
    .bind(product.id.to_string())
    .bind(product.version)
    .fetch_optional(&mut *connection)
    .await;
    let updated = match updated {
        Err(error) if violates(&error, "products.slug") => return Err(Error::SlugTaken),
        other => other?.ok_or(Error::VersionMismatch)?,
    };
    let row: i64 = updated.try_get("row")?;
    product.offers = offers(&updated)?;
    product.rating = rating(&updated)?;
    product.popularity = updated.try_get("popularity")?;
    for sql in [
        "delete from skus where product = ?",
        "delete from product_attributes where product = ?",
        "delete from listings where product = ?",
    ] {
        sqlx::query(sql).bind(row).execute(&mut *connection).await?;
    }
    if product.status != Status::Archived {
        derive(connection, row, &product, &body).await?;
        list(connection, row).await?;
    }
    announce(connection, &product, write, encode).await?;
    Ok(product)
}

/// Writes SKUs and attributes.
async fn derive(
    connection: &mut SqliteConnection,
    row: i64,
    product: &Product,
    body: &str,
) -> Result<(), Error> {
    let written = sqlx::query(
        "insert into skus (merchant_id, sku, product, variant_id)
         select ?1, value ->> 'sku', ?2, value ->> 'id' from json_each(?3, '$.variants')
         where true on conflict do nothing",
    )
    .bind(product.merchant.to_string())
    .bind(row)
    .bind(body)
    .execute(&mut *connection)
    .await?;
    if usize::try_from(written.rows_affected()).ok() != Some(product.content.variants.len()) {
        return Err(taken(connection, row, product, body).await?);
    }
    if !product.content.attributes.is_empty() {
        sqlx::query(
            "insert into product_attributes (product, name, value)
             select ?1, key, value from json_each(?2, '$.attributes')",
        )
        .bind(row)
        .bind(body)
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Which SKU it was.
async fn taken(
    connection: &mut SqliteConnection,
    row: i64,
    product: &Product,
    body: &str,
) -> Result<Error, sqlx::Error> {
    let sku: Option<String> = sqlx::query_scalar(
        "select s.sku from json_each(?1, '$.variants') v
         join skus s on s.merchant_id = ?2 and s.sku = v.value ->> 'sku' and s.product <> ?3
         order by v.key limit 1",
    )
    .bind(body)
    .bind(product.merchant.to_string())
    .bind(row)
    .fetch_optional(connection)
    .await?;
    let sku = sku.unwrap_or_default();
    let at = product.content.variants.iter().position(|variant| variant.sku == sku);
    Ok(Error::SkuTaken { at: at.unwrap_or(0), sku })
}

/// Lists an active product under all that it belongs to. Nothing is listed of it yet.
async fn list(connection: &mut SqliteConnection, row: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into scopes (name)
         select 'brand:' || brand from products where row = ?1 and brand <> ''
         union all
         select 'seller:' || s.value from products p, json_each(p.sellers) s where p.row = ?1
         on conflict do nothing",
    )
    .bind(row)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
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
    )
    .bind(row)
    .execute(connection)
    .await?;
    Ok(())
}

async fn announce(
    connection: &mut SqliteConnection,
    product: &Product,
    write: Write,
    encode: Encode,
) -> Result<(), sqlx::Error> {
    let (product, category, now) = (product.clone(), write.category, product.updated_at);
    let event = if product.status == Status::Archived {
        Event::Deleted { product, category }
    } else {
        Event::Changed { product, category, offers: write.offers }
    };
    outbox::sqlite::append(connection, &[encode(&event)], now).await
}

pub(super) async fn set_offers(
    connection: &mut SqliteConnection,
    product: ProductId,
    offers: OfferState,
    version: i64,
) -> Result<bool, sqlite::Error> {
    let row: Option<i64> = sqlx::query_scalar(
        "update products set price = ?, in_stock = ?, sellers = ?, offers_version = ?
         where id = ? and offers_version < ? returning row",
    )
    .bind(offers.price_from)
    .bind(offers.in_stock)
    .bind(json(&offers.sellers)?)
    .bind(version)
    .bind(product.to_string())
    .bind(version)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(false) };
    sqlx::query("delete from listings where product = ?")
        .bind(row)
        .execute(&mut *connection)
        .await?;
    list(connection, row).await?;
    Ok(true)
}

pub(super) async fn sold(
    connection: &mut SqliteConnection,
    event: String,
    pieces: Vec<(ProductId, i64)>,
    now: Timestamp,
) -> Result<(), sqlite::Error> {
    if !outbox::sqlite::first_time(&mut *connection, &event, now).await? {
        return Ok(());
    }
    for (product, pieces) in pieces {
        sqlx::query("update products set popularity = popularity + ? where id = ?")
            .bind(pieces)
            .bind(product.to_string())
            .execute(&mut *connection)
            .await?;
        sqlx::query(
            "update listings set popularity = p.popularity from products p
             where p.id = ? and listings.product = p.row",
        )
        .bind(product.to_string())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

pub(super) async fn find(database: &Sqlite, ids: &[ProductId]) -> Result<Vec<Product>, Fault> {
    let list = json(&ids).map_err(fault)?;
    let sql =
        format!("select {COLUMNS} from products p where p.id in (select value from json_each(?))");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(list)
        .fetch_all(database.read())
        .await
        .map_err(fault)?;
    let found = rows.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(fault)?;
    let mut found: HashMap<ProductId, Product> =
        found.into_iter().map(|product| (product.id, product)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

pub(super) async fn find_slug(database: &Sqlite, slug: &str) -> Result<Option<Product>, Fault> {
    let sql = format!("select {COLUMNS} from products p where p.slug = ?");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(slug).fetch_optional(database.read());
    row.await.and_then(|row| row.as_ref().map(read).transpose()).map_err(fault)
}

pub(super) async fn find_skus(
    database: &Sqlite,
    merchant: MerchantId,
    skus: &[&str],
) -> Result<BTreeMap<String, Product>, Fault> {
    let list = json(&skus).map_err(fault)?;
    let sql = format!(
        "select s.sku, {COLUMNS} from json_each(?) v
         cross join skus s on s.merchant_id = ? and s.sku = v.value
         cross join products p on p.row = s.product"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(list)
        .bind(merchant.to_string())
        .fetch_all(database.read())
        .await
        .map_err(fault)?;
    let pair = |row: &SqliteRow| Ok((row.try_get("sku")?, read(row)?));
    rows.iter().map(pair).collect::<Result<_, sqlx::Error>>().map_err(fault)
}

/// A product from [`COLUMNS`].
pub(super) fn read(row: &SqliteRow) -> Result<Product, sqlx::Error> {
    let status: &str = row.try_get("status")?;
    Ok(Product {
        id: parsed(row.try_get("id")?)?,
        slug: row.try_get("slug")?,
        merchant: parsed(row.try_get("merchant_id")?)?,
        category: parsed(row.try_get("category_id")?)?,
        status: Status::parse(status)
            .ok_or_else(|| decode(std::io::Error::other(format!("status {status}"))))?,
        content: from_json(row.try_get("body")?)?,
        version: row.try_get("version")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        updated_at: Timestamp::from_millis(row.try_get("updated_at")?),
        offers: offers(row)?,
        rating: rating(row)?,
        popularity: row.try_get("popularity")?,
    })
}

fn offers(row: &SqliteRow) -> Result<OfferState, sqlx::Error> {
    Ok(OfferState {
        price_from: row.try_get("price")?,
        in_stock: row.try_get("in_stock")?,
        sellers: from_json(row.try_get("sellers")?)?,
    })
}

fn rating(row: &SqliteRow) -> Result<Rating, sqlx::Error> {
    Ok(Rating { sum: row.try_get("rating_sum")?, count: row.try_get("rating_count")? })
}

/// A brand as it is compared.
pub(super) fn fold(brand: &str) -> String {
    brand.trim().to_lowercase()
}
