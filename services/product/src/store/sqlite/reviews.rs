//! Reviews, and the rating that follows from them.

use clock::Timestamp;
use ids::{ProductId, ReviewId};
use sqlite::{Connection, FromRow, Row, params};

use super::{id, parsed, unsigned};
use crate::{
    domain::{Event, Rating, Review},
    error::Error,
    store::{Encode, ReviewsOf},
};

pub(super) fn put(
    connection: &Connection,
    mut review: Review,
    encode: Encode,
) -> Result<Review, Error> {
    let written: Option<String> = connection.first(
        "insert into reviews (id, product_id, user_id, author, rating, text, created_at)
         select ?, id, ?, ?, ?, ?, ? from products where id = ? and status = 'active'
         on conflict (product_id, user_id) do update set author = excluded.author,
         rating = excluded.rating, text = excluded.text, created_at = excluded.created_at
         returning id",
        params![
            review.id.to_string(),
            review.user.to_string(),
            review.author,
            review.rating,
            review.text,
            review.created_at.millis(),
            review.product.to_string(),
        ],
    )?;
    review.id = parsed(&written.ok_or(Error::ProductNotFound)?)?;
    rate(connection, review.product, review.created_at, encode)?;
    Ok(review)
}

pub(super) fn delete(
    connection: &Connection,
    review: ReviewId,
    now: Timestamp,
    encode: Encode,
) -> Result<(), sqlite::Error> {
    let product: Option<String> = connection
        .first("delete from reviews where id = ? returning product_id", [review.to_string()])?;
    match product {
        Some(product) => rate(connection, parsed(&product)?, now, encode),
        None => Ok(()),
    }
}

/// Counts the reviews of a product anew and tells of it.
fn rate(
    connection: &Connection,
    product: ProductId,
    at: Timestamp,
    encode: Encode,
) -> Result<(), sqlite::Error> {
    let (row, sort, sum, count, version): (i64, i64, u32, u32, i64) = connection.one(
        "update products set (rating_sum, rating_count) =
             (select coalesce(sum(rating), 0), count(*) from reviews where product_id = ?1),
         rating_version = rating_version + 1
         where id = ?1 returning row, rating, rating_sum, rating_count, rating_version",
        [product.to_string()],
    )?;
    connection.execute("update listings set rating = ? where product = ?", [sort, row])?;
    let event = Event::Reviewed { product, rating: Rating { sum, count }, version, at };
    outbox::sqlite::append(connection, &[encode(&event)], at)
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, product_id, user_id, author, rating, text, created_at from reviews ",
            $rest
        )
    };
}

pub(super) fn find(
    connection: &Connection,
    review: ReviewId,
) -> Result<Option<Review>, sqlite::Error> {
    connection.first(select!("where id = ?"), [review.to_string()])
}

pub(super) fn page(
    connection: &Connection,
    of: ReviewsOf,
    after: Option<(Timestamp, ReviewId)>,
    limit: u32,
) -> Result<Vec<Review>, sqlite::Error> {
    let (at, review) =
        after.map_or((i64::MAX, String::new()), |(at, id)| (at.millis(), id.to_string()));
    match of {
        ReviewsOf::Product(product) => connection.all(
            select!(
                "where product_id = ? and (created_at, id) < (?, ?)
                 order by created_at desc, id desc limit ?"
            ),
            params![product.to_string(), at, review, limit],
        ),
        ReviewsOf::User(user) => connection.all(
            select!(
                "where user_id = ? and (created_at, id) < (?, ?)
                 order by created_at desc, id desc limit ?"
            ),
            params![user.to_string(), at, review, limit],
        ),
    }
}

pub(super) fn count(connection: &Connection, of: ReviewsOf) -> Result<u64, sqlite::Error> {
    let count = match of {
        ReviewsOf::Product(product) => connection
            .one("select count(*) from reviews where product_id = ?", [product.to_string()])?,
        ReviewsOf::User(user) => {
            connection.one("select count(*) from reviews where user_id = ?", [user.to_string()])?
        }
    };
    Ok(unsigned(count))
}

impl FromRow for Review {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        Ok(Self {
            id: id(row, 0)?,
            product: id(row, 1)?,
            user: id(row, 2)?,
            author: row.get(3)?,
            rating: row.get(4)?,
            text: row.get(5)?,
            created_at: Timestamp::from_millis(row.get(6)?),
        })
    }
}
