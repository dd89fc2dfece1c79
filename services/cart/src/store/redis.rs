//! Carts in Redis. Every write that looks before it writes is one script. A second of writes may be lost with the server, as its log is
//! written once a second.
//!
//! Keys, after the prefix: `cart_..` a cart as a hash; `open:usr_..` the id of a user's open cart; `guests` the carts of guests by
//! the time of their last change; `wishes:usr_..` a wishlist by the time at which it was wished. Guests' carts and those that became
//! orders expire; users' open ones and wishlists do not.

use std::{collections::HashMap, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CartId, OrderId, ProductId, UserId};
use redis::{Script, ScriptInvocation, cmd};
use redis_link::Link;

use super::{CartStore, Wish};
use crate::domain::{Cart, Owner};

/// What stands before every key unless the address says `prefix=`.
pub(super) const PREFIX: &str = "um:cart:";

pub(super) struct RedisCarts {
    link: Link,
    /// Milliseconds after which a cart of nobody expires.
    keep: u64,
    scripts: Scripts,
}

struct Scripts {
    create: Script,
    replace: Script,
    merge: Script,
    complete: Script,
    forget: Script,
}

macro_rules! script {
    ($file:literal) => {
        Script::new(concat!(include_str!("redis/common.lua"), include_str!($file)))
    };
}

impl RedisCarts {
    /// Prepares the store behind an address of [`Link`]. A server that is away is waited for; one that may drop carts is refused.
    pub(super) async fn open(address: &str, keep: Duration) -> anyhow::Result<Self> {
        let store = Self::new(address, keep)?;
        store.link.greet().await.context("cart.store")?;
        Ok(store)
    }

    /// There is nothing to prepare in Redis, but its policy is checked.
    pub(super) async fn migrate(address: &str) -> anyhow::Result<()> {
        Self::new(address, Duration::ZERO)?.link.check().await.context("cart.store")
    }

    fn new(address: &str, keep: Duration) -> anyhow::Result<Self> {
        let link = Link::new(address, PREFIX).context("cart.store")?;
        let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX).max(1);
        let scripts = Scripts {
            create: script!("redis/create.lua"),
            replace: script!("redis/replace.lua"),
            merge: script!("redis/merge.lua"),
            complete: script!("redis/complete.lua"),
            forget: script!("redis/forget.lua"),
        };
        Ok(Self { link, keep, scripts })
    }

    /// A script with what all of them begin with.
    fn call<'a>(&self, script: &'a Script, now: Timestamp) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        call.arg(self.link.prefix()).arg(now.millis()).arg(self.keep);
        call
    }

    fn wishes_of(&self, user: UserId) -> String {
        format!("{}wishes:{user}", self.link.prefix())
    }
}

#[async_trait]
impl CartStore for RedisCarts {
    async fn create(&self, cart: Cart) -> Result<Cart, Fault> {
        let (user, token) = match &cart.owner {
            Owner::User(user) => (user.to_string(), &[][..]),
            Owner::Token(hash) => (String::new(), &hash[..]),
        };
        let mut call = self.call(&self.scripts.create, cart.updated_at);
        call.arg(cart.id.to_string()).arg(user).arg(token).arg(body(&cart)?);
        call.arg(cart.version).arg(cart.created_at.millis());
        let stored: Fields = self.link.script(&call).await?;
        decode(&stored)
    }

    async fn find(&self, id: CartId) -> Result<Option<Cart>, Fault> {
        let key = format!("{}{id}", self.link.prefix());
        let stored: Fields = self.link.command(cmd("HGETALL").arg(key)).await?;
        if stored.is_empty() { Ok(None) } else { decode(&stored).map(Some) }
    }

    async fn replace(&self, cart: &Cart, now: Timestamp) -> Result<bool, Fault> {
        let mut call = self.call(&self.scripts.replace, now);
        call.arg(cart.id.to_string()).arg(cart.version).arg(body(cart)?);
        Ok(self.link.script(&call).await?)
    }

    async fn replace_and_delete(
        &self,
        cart: &Cart,
        gone: CartId,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let mut call = self.call(&self.scripts.merge, now);
        call.arg(cart.id.to_string()).arg(cart.version).arg(body(cart)?).arg(gone.to_string());
        Ok(self.link.script(&call).await?)
    }

    async fn complete(&self, id: CartId, order: OrderId, now: Timestamp) -> Result<(), Fault> {
        let mut call = self.call(&self.scripts.complete, now);
        call.arg(id.to_string()).arg(order.to_string());
        Ok(self.link.script(&call).await?)
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        let mut call = self.call(&self.scripts.forget, before);
        call.arg(before.millis()).arg(limit);
        Ok(self.link.script(&call).await?)
    }

    async fn wish(&self, user: UserId, product: ProductId, now: Timestamp) -> Result<(), Fault> {
        let mut add = cmd("ZADD");
        add.arg(self.wishes_of(user)).arg("NX").arg(now.millis()).arg(product.to_string());
        Ok(self.link.command(&add).await?)
    }

    async fn unwish(&self, user: UserId, product: ProductId) -> Result<(), Fault> {
        let mut remove = cmd("ZREM");
        remove.arg(self.wishes_of(user)).arg(product.to_string());
        Ok(self.link.command(&remove).await?)
    }

    async fn wishes(
        &self,
        user: UserId,
        after: Option<Wish>,
        limit: u32,
    ) -> Result<Vec<Wish>, Fault> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let newest = after.map_or("+inf".to_owned(), |wish| wish.added_at.millis().to_string());
        let (mut wishes, mut passed) = (Vec::new(), 0);
        loop {
            // Of the moment of the place some come before it, usually nothing but the place itself.
            let asked = limit.saturating_sub(wishes.len()) + 1;
            let mut range = cmd("ZREVRANGEBYSCORE");
            range.arg(self.wishes_of(user)).arg(&newest).arg("-inf").arg("WITHSCORES");
            range.arg("LIMIT").arg(passed).arg(asked);
            let found: Vec<(String, i64)> = self.link.command(&range).await?;
            let ended = found.len() < asked;
            passed += found.len();
            for (product, at) in found {
                let wish = Wish {
                    product: product.parse().map_err(Fault::internal)?,
                    added_at: Timestamp::from_millis(at),
                };
                let order = |wish: Wish| (wish.added_at, wish.product);
                if after.is_none_or(|after| order(wish) < order(after)) {
                    wishes.push(wish);
                }
            }
            if ended || wishes.len() >= limit {
                wishes.truncate(limit);
                return Ok(wishes);
            }
        }
    }

    async fn ping(&self) -> Result<(), Fault> {
        Ok(self.link.check().await?)
    }

    async fn close(&self) {
        self.link.close().await;
    }
}

/// The fields of a hash.
type Fields = HashMap<String, Vec<u8>>;

/// A stored value is not what is written here.
#[derive(Debug, thiserror::Error)]
#[error("the field {0} of a cart is broken")]
struct Broken(&'static str);

fn decode(fields: &Fields) -> Result<Cart, Fault> {
    cart(fields).map_err(Fault::internal)
}

fn cart(fields: &Fields) -> Result<Cart, Broken> {
    let text = |name| {
        let bytes = fields.get(name)?;
        std::str::from_utf8(bytes).ok()
    };
    let number = |name| text(name).and_then(|text| text.parse().ok()).ok_or(Broken(name));
    let order = |text: &str| text.parse().map_err(|_| Broken("order"));
    let owner = match text("user") {
        Some(user) => Owner::User(user.parse().map_err(|_| Broken("user"))?),
        None => {
            let hash = fields.get("token").and_then(|hash| hash.as_slice().try_into().ok());
            Owner::Token(hash.ok_or(Broken("token"))?)
        }
    };
    Ok(Cart {
        id: text("id").and_then(|id| id.parse().ok()).ok_or(Broken("id"))?,
        owner,
        body: text("body")
            .and_then(|body| serde_json::from_str(body).ok())
            .ok_or(Broken("body"))?,
        version: number("version")?,
        order: text("order").map(order).transpose()?,
        created_at: Timestamp::from_millis(number("created")?),
        updated_at: Timestamp::from_millis(number("updated")?),
    })
}

fn body(cart: &Cart) -> Result<String, Fault> {
    serde_json::to_string(&cart.body).map_err(Fault::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_value_is_named() {
        let fields = |id: &str| {
            let pairs = [("id", id), ("user", "nobody")];
            pairs.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())).into()
        };
        assert_eq!(
            cart(&fields("x")).unwrap_err().to_string(),
            "the field user of a cart is broken"
        );
        assert!(decode(&Fields::new()).is_err());
    }
}
