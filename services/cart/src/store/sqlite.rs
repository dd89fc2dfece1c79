//! Carts in SQLite. A cart may be lost with the power, not with the process: nobody pays by putting something into it.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CartId, OrderId, ProductId, UserId};
use sqlite::{Connection, Durability, Error, FromRow, Row, Sqlite, params};

use super::{CartStore, Wish};
use crate::domain::{Cart, Owner};

/// Append only: a step that was released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("../../migrations/sqlite/0001_carts.sql")];

pub(super) struct SqliteCarts {
    database: Sqlite,
}

impl SqliteCarts {
    pub(super) async fn open(address: &str) -> Result<Self, Error> {
        Ok(Self { database: Sqlite::open(address, Durability::Process, MIGRATIONS).await? })
    }
}

#[async_trait]
impl CartStore for SqliteCarts {
    async fn create(&self, cart: Cart) -> Result<Cart, Fault> {
        Ok(self.database.write(move |connection| insert(connection, cart)).await?)
    }

    async fn find(&self, id: CartId) -> Result<Option<Cart>, Fault> {
        let find = move |connection: &Connection| {
            connection.first(
                "select id, user_id, token_hash, body, version, order_id, created_at, updated_at
                 from carts where id = ?",
                [id.to_string()],
            )
        };
        Ok(self.database.read(find).await?)
    }

    async fn replace(&self, cart: &Cart, now: Timestamp) -> Result<bool, Fault> {
        let cart = cart.clone();
        Ok(self.database.write(move |connection| update(connection, &cart, now)).await?)
    }

    async fn replace_and_delete(
        &self,
        cart: &Cart,
        gone: CartId,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let cart = cart.clone();
        let replace = move |connection: &Connection| {
            if !update(connection, &cart, now)? {
                return Ok(false);
            }
            connection.execute(
                "delete from carts where id = ? and order_id is null",
                [gone.to_string()],
            )?;
            Ok::<_, Error>(true)
        };
        Ok(self.database.write(replace).await?)
    }

    async fn complete(&self, id: CartId, order: OrderId, now: Timestamp) -> Result<(), Fault> {
        let complete = move |connection: &Connection| {
            connection.execute(
                "update carts set order_id = ?, version = version + 1, updated_at = ?
                 where id = ? and order_id is null",
                params![order.to_string(), now.millis(), id.to_string()],
            )
        };
        self.database.write(complete).await?;
        Ok(())
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        let forget = move |connection: &Connection| {
            connection.execute(
                "delete from carts where id in
                 (select id from carts where user_id is null and updated_at < ? limit ?)",
                params![before.millis(), limit],
            )
        };
        Ok(self.database.write(forget).await?)
    }

    async fn wish(&self, user: UserId, product: ProductId, now: Timestamp) -> Result<(), Fault> {
        let wish = move |connection: &Connection| {
            connection.execute(
                "insert into wishlist values (?, ?, ?) on conflict do nothing",
                params![user.to_string(), product.to_string(), now.millis()],
            )
        };
        self.database.write(wish).await?;
        Ok(())
    }

    async fn unwish(&self, user: UserId, product: ProductId) -> Result<(), Fault> {
        let unwish = move |connection: &Connection| {
            connection.execute(
                "delete from wishlist where user_id = ? and product_id = ?",
                [user.to_string(), product.to_string()],
            )
        };
        self.database.write(unwish).await?;
        Ok(())
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
        let list = move |connection: &Connection| {
            connection.all(
                "select product_id, added_at from wishlist
                 where user_id = ? and (added_at, product_id) < (?, ?)
                 order by added_at desc, product_id desc limit ?",
                params![user.to_string(), at, product, limit],
            )
        };
        Ok(self.database.read(list).await?)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

fn insert(connection: &Connection, cart: Cart) -> Result<Cart, Error> {
    let (user, token) = match &cart.owner {
        Owner::User(user) => (Some(user.to_string()), None),
        Owner::Token(hash) => (None, Some(hash.to_vec())),
    };
    if let Some(user) = &user {
        let open = connection.first(
            "select id, user_id, token_hash, body, version, order_id, created_at, updated_at
             from carts where user_id = ? and order_id is null",
            [user],
        )?;
        if let Some(open) = open {
            return Ok(open);
        }
    }
    connection.execute(
        "insert into carts values (?, ?, ?, ?, ?, null, ?, ?)",
        params![
            cart.id.to_string(),
            user,
            token,
            body(&cart)?,
            cart.version,
            cart.created_at.millis(),
            cart.updated_at.millis(),
        ],
    )?;
    Ok(cart)
}

fn update(connection: &Connection, cart: &Cart, now: Timestamp) -> Result<bool, Error> {
    let updated = connection.execute(
        "update carts set body = ?, version = version + 1, updated_at = ?
         where id = ? and version = ? and order_id is null",
        params![body(cart)?, now.millis(), cart.id.to_string(), cart.version],
    )?;
    Ok(updated == 1)
}

fn body(cart: &Cart) -> Result<String, Error> {
    serde_json::to_string(&cart.body).map_err(Error::value)
}

impl FromRow for Cart {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let owner = match row.get::<_, Option<String>>("user_id")? {
            Some(user) => Owner::User(parsed(&user)?),
            None => Owner::Token(row.get("token_hash")?),
        };
        let order: Option<String> = row.get("order_id")?;
        Ok(Self {
            id: parsed(&row.get::<_, String>("id")?)?,
            owner,
            body: serde_json::from_str(row.get_ref("body")?.as_str().map_err(Error::value)?)
                .map_err(Error::value)?,
            version: row.get("version")?,
            order: order.as_deref().map(parsed).transpose()?,
            created_at: Timestamp::from_millis(row.get("created_at")?),
            updated_at: Timestamp::from_millis(row.get("updated_at")?),
        })
    }
}

impl FromRow for Wish {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            product: parsed(&row.get::<_, String>("product_id")?)?,
            added_at: Timestamp::from_millis(row.get("added_at")?),
        })
    }
}

fn parsed<K: ids::Kind>(text: &str) -> Result<ids::Id<K>, Error> {
    text.parse().map_err(|error: ids::ParseIdError| Error::value(error))
}
