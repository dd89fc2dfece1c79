//! Carts in SQLite. A cart may be lost with the power, not with the process: nobody pays by putting something into it.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CartId, OrderId, ProductId, UserId};
use sqlite::{Durability, Error, FutureExt as _, Sqlite, SqliteConnection};
use sqlx::{Row as _, migrate::Migrator, sqlite::SqliteRow};

use super::{CartStore, Wish};
use crate::domain::{Cart, Owner};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

pub(super) struct SqliteCarts {
    database: Sqlite,
}

impl SqliteCarts {
    pub(super) async fn open(address: &str) -> Result<Self, Error> {
        Ok(Self { database: Sqlite::open(address, Durability::Process, &MIGRATIONS).await? })
    }
}

const COLUMNS: &str =
    "select id, user_id, token_hash, body, version, order_id, created_at, updated_at from carts";

#[async_trait]
impl CartStore for SqliteCarts {
    async fn create(&self, cart: Cart) -> Result<Cart, Fault> {
        Ok(self.database.write(move |connection| insert(connection, cart).boxed()).await?)
    }

    async fn find(&self, id: CartId) -> Result<Option<Cart>, Fault> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} where id = ?")))
            .bind(id.to_string())
            .fetch_optional(self.database.read())
            .await
            .map_err(Error::from)?;
        Ok(row.map(|row| read(&row)).transpose().map_err(Error::from)?)
    }

    async fn replace(&self, cart: &Cart, now: Timestamp) -> Result<bool, Fault> {
        let cart = cart.clone();
        Ok(self.database.write(move |connection| update(connection, cart, now).boxed()).await?)
    }

    async fn replace_and_delete(
        &self,
        cart: &Cart,
        gone: CartId,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let cart = cart.clone();
        let write = self.database.write::<_, Error, _>(move |connection| {
            async move {
                if !update(&mut *connection, cart, now).await? {
                    return Ok(false);
                }
                sqlx::query("delete from carts where id = ? and order_id is null")
                    .bind(gone.to_string())
                    .execute(connection)
                    .await?;
                Ok(true)
            }
            .boxed()
        });
        Ok(write.await?)
    }

    async fn complete(&self, id: CartId, order: OrderId, now: Timestamp) -> Result<(), Fault> {
        let write = self.database.write::<_, Error, _>(move |connection| {
            async move {
                sqlx::query(
                    "update carts set order_id = ?, version = version + 1, updated_at = ?
                     where id = ? and order_id is null",
                )
                .bind(order.to_string())
                .bind(now.millis())
                .bind(id.to_string())
                .execute(connection)
                .await?;
                Ok(())
            }
            .boxed()
        });
        Ok(write.await?)
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        let write = self.database.write::<_, Error, _>(move |connection| {
            async move {
                let deleted = sqlx::query(
                    "delete from carts where id in
                     (select id from carts where user_id is null and updated_at < ? limit ?)",
                )
                .bind(before.millis())
                .bind(limit)
                .execute(connection)
                .await?;
                Ok(deleted.rows_affected())
            }
            .boxed()
        });
        Ok(write.await?)
    }

    async fn wish(&self, user: UserId, product: ProductId, now: Timestamp) -> Result<(), Fault> {
        let write = self.database.write::<_, Error, _>(move |connection| {
            async move {
                sqlx::query("insert into wishlist values (?, ?, ?) on conflict do nothing")
                    .bind(user.to_string())
                    .bind(product.to_string())
                    .bind(now.millis())
                    .execute(connection)
                    .await?;
                Ok(())
            }
            .boxed()
        });
        Ok(write.await?)
    }

    async fn unwish(&self, user: UserId, product: ProductId) -> Result<(), Fault> {
        let write = self.database.write::<_, Error, _>(move |connection| {
            async move {
                sqlx::query("delete from wishlist where user_id = ? and product_id = ?")
                    .bind(user.to_string())
                    .bind(product.to_string())
                    .execute(connection)
                    .await?;
                Ok(())
            }
            .boxed()
        });
        Ok(write.await?)
    }

    async fn wishes(
        &self,
        user: UserId,
        after: Option<Wish>,
        limit: u32,
    ) -> Result<Vec<Wish>, Fault> {
        let (at, product) = after.map_or((i64::MAX, String::new()), |wish| {
            (wish.added_at.millis(), wish.product.to_string())
        });
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "select product_id, added_at from wishlist
             where user_id = ? and (added_at, product_id) < (?, ?)
             order by added_at desc, product_id desc limit ?",
        )
        .bind(user.to_string())
        .bind(at)
        .bind(product)
        .bind(limit)
        .fetch_all(self.database.read())
        .await
        .map_err(Error::from)?;
        let wish = |(product, at): (String, i64)| {
            Ok(Wish { product: parsed(&product)?, added_at: Timestamp::from_millis(at) })
        };
        Ok(rows.into_iter().map(wish).collect::<Result<_, sqlx::Error>>().map_err(Error::from)?)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

async fn insert(connection: &mut SqliteConnection, cart: Cart) -> Result<Cart, Error> {
    let (user, token) = match &cart.owner {
        Owner::User(user) => (Some(user.to_string()), None),
        Owner::Token(hash) => (None, Some(hash.to_vec())),
    };
    if let Some(user) = &user {
        let open = format!("{COLUMNS} where user_id = ? and order_id is null");
        let open = sqlx::query(sqlx::AssertSqlSafe(open)).bind(user);
        if let Some(row) = open.fetch_optional(&mut *connection).await? {
            return Ok(read(&row)?);
        }
    }
    sqlx::query("insert into carts values (?, ?, ?, ?, ?, null, ?, ?)")
        .bind(cart.id.to_string())
        .bind(user)
        .bind(token)
        .bind(body(&cart)?)
        .bind(cart.version)
        .bind(cart.created_at.millis())
        .bind(cart.updated_at.millis())
        .execute(connection)
        .await?;
    Ok(cart)
}

async fn update(
    connection: &mut SqliteConnection,
    cart: Cart,
    now: Timestamp,
) -> Result<bool, Error> {
    let updated = sqlx::query(
        "update carts set body = ?, version = version + 1, updated_at = ?
         where id = ? and version = ? and order_id is null",
    )
    .bind(body(&cart)?)
    .bind(now.millis())
    .bind(cart.id.to_string())
    .bind(cart.version)
    .execute(connection)
    .await?;
    Ok(updated.rows_affected() == 1)
}

fn body(cart: &Cart) -> Result<String, sqlx::Error> {
    serde_json::to_string(&cart.body).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn read(row: &SqliteRow) -> Result<Cart, sqlx::Error> {
    let decode = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
    let owner = match row.try_get::<Option<&str>, _>("user_id")? {
        Some(user) => Owner::User(parsed(user)?),
        None => {
            let hash: &[u8] = row.try_get("token_hash")?;
            Owner::Token(hash.try_into().map_err(|error| decode(Box::new(error)))?)
        }
    };
    let body: &str = row.try_get("body")?;
    Ok(Cart {
        id: parsed(row.try_get("id")?)?,
        owner,
        body: serde_json::from_str(body).map_err(|error| decode(error.into()))?,
        version: row.try_get("version")?,
        order: row.try_get::<Option<&str>, _>("order_id")?.map(parsed).transpose()?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        updated_at: Timestamp::from_millis(row.try_get("updated_at")?),
    })
}

fn parsed<K: ids::Kind>(text: &str) -> Result<ids::Id<K>, sqlx::Error> {
    text.parse().map_err(|error: ids::ParseIdError| sqlx::Error::Decode(error.into()))
}
