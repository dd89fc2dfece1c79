//! Reviews, and the rating that follows from them.

use clock::Timestamp;
use fault::Fault;
use ids::{ProductId, ReviewId};
use sqlite::{Sqlite, SqliteConnection};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{fault, parsed, unsigned};
use crate::{
    domain::{Event, Rating, Review},
    error::Error,
    store::{Encode, ReviewsOf},
};

pub(super) async fn put(
    connection: &mut SqliteConnection,
    mut review: Review,
    encode: Encode,
) -> Result<Review, Error> {
    let id: Option<String> = sqlx::query_scalar(
        "insert into reviews (id, product_id, user_id, author, rating, text, created_at)
         select ?, id, ?, ?, ?, ?, ? from products where id = ? and status = 'active'
         on conflict (product_id, user_id) do update set author = excluded.author,
         rating = excluded.rating, text = excluded.text, created_at = excluded.created_at
         returning id",
    )
    .bind(review.id.to_string())
    .bind(review.user.to_string())
    .bind(&review.author)
    .bind(review.rating)
    .bind(&review.text)
    .bind(review.created_at.millis())
    .bind(review.product.to_string())
    .fetch_optional(&mut *connection)
    .await?;
    review.id = parsed(&id.ok_or(Error::ProductNotFound)?)?;
    rate(connection, review.product, review.created_at, encode).await?;
    Ok(review)
}

pub(super) async fn delete(
    connection: &mut SqliteConnection,
    id: ReviewId,
    now: Timestamp,
    encode: Encode,
) -> Result<(), sqlite::Error> {
    let product: Option<String> =
        sqlx::query_scalar("delete from reviews where id = ? returning product_id")
            .bind(id.to_string())
            .fetch_optional(&mut *connection)
            .await?;
    if let Some(product) = product {
        rate(connection, parsed(&product)?, now, encode).await?;
    }
    Ok(())
}

/// Counts the reviews of a product anew and tells of it.
async fn rate(
    connection: &mut SqliteConnection,
    product: ProductId,
    at: Timestamp,
    encode: Encode,
) -> Result<(), sqlx::Error> {
    let (row, sort, sum, count, version): (i64, i64, u32, u32, i64) = sqlx::query_as(
        "update products set (rating_sum, rating_count) =
             (select coalesce(sum(rating), 0), count(*) from reviews where product_id = ?1),
         rating_version = rating_version + 1
         where id = ?1 returning row, rating, rating_sum, rating_count, rating_version",
    )
    .bind(product.to_string())
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("update listings set rating = ? where product = ?")
        .bind(sort)
        .bind(row)
        .execute(&mut *connection)
        .await?;
    let event = Event::Reviewed { product, rating: Rating { sum, count }, version, at };
    outbox::sqlite::append(connection, &[encode(&event)], at).await
}

const COLUMNS: &str =
    "select id, product_id, user_id, author, rating, text, created_at from reviews";

pub(super) async fn find(database: &Sqlite, id: ReviewId) -> Result<Option<Review>, Fault> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} where id = ?")))
        .bind(id.to_string())
        .fetch_optional(database.read());
    row.await.and_then(|row| row.as_ref().map(read).transpose()).map_err(fault)
}

pub(super) async fn page(
    database: &Sqlite,
    of: ReviewsOf,
    after: Option<(Timestamp, ReviewId)>,
    limit: u32,
) -> Result<Vec<Review>, Fault> {
    let (column, owner) = column(of);
    let (at, id) =
        after.map_or((i64::MAX, String::new()), |(at, id)| (at.millis(), id.to_string()));
    let sql = format!(
        "{COLUMNS} where {column} = ? and (created_at, id) < (?, ?)
         order by created_at desc, id desc limit ?"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(owner)
        .bind(at)
        .bind(id)
        .bind(limit)
        .fetch_all(database.read())
        .await
        .map_err(fault)?;
    rows.iter().map(read).collect::<Result<_, _>>().map_err(fault)
}

pub(super) async fn count(database: &Sqlite, of: ReviewsOf) -> Result<u64, Fault> {
    let (column, owner) = column(of);
    let sql = format!("select count(*) from reviews where {column} = ?");
    let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(owner)
        .fetch_one(database.read())
        .await
        .map_err(fault)?;
    Ok(unsigned(count))
}

fn column(of: ReviewsOf) -> (&'static str, String) {
    match of {
        ReviewsOf::Product(product) => ("product_id", product.to_string()),
        ReviewsOf::User(user) => ("user_id", user.to_string()),
    }
}

fn read(row: &SqliteRow) -> Result<Review, sqlx::Error> {
    Ok(Review {
        id: parsed(row.try_get("id")?)?,
        product: parsed(row.try_get("product_id")?)?,
        user: parsed(row.try_get("user_id")?)?,
        author: row.try_get("author")?,
        rating: row.try_get("rating")?,
        text: row.try_get("text")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
    })
}
