//! The only place that knows every service.

use std::sync::Arc;

use anyhow::Context as _;
use host::Host;
use mesh::{Mesh, Role};
use outbox::OutboxStore;

use crate::config::Config;

/// Mounts a role. A new role does not compile until it stands here.
pub(crate) async fn mount(
    host: &mut Host,
    role: Role,
    config: &Config,
    mesh: &Mesh,
) -> anyhow::Result<()> {
    let mounted = match role {
        Role::Gateway => gateway::mount(host, config.gateway.clone(), mesh).await,
        Role::Auth => auth::mount(host, config.auth.clone(), mesh).await,
        Role::Product => product::mount(host, config.product.clone(), mesh).await,
        Role::Order => order::mount(host, config.order.clone(), mesh).await,
        Role::Payment => payment::mount(host, config.payment.clone(), mesh).await,
        Role::Cart => cart::mount(host, config.cart.clone(), mesh).await,
        Role::File => file::mount(host, config.file.clone(), mesh).await,
        Role::Search => search::mount(host, config.search.clone(), mesh).await,
        Role::Notification => notification::mount(host, config.notification.clone(), mesh).await,
    };
    mounted.with_context(|| format!("the {role} role"))
}

/// The version of the schema that this program works with in the store of a role; 0 where there is none.
pub(crate) fn schema(role: Role, config: &Config) -> i64 {
    match role {
        Role::Gateway => gateway::schema(&config.gateway),
        Role::Auth => auth::schema(&config.auth),
        Role::Product => product::schema(&config.product),
        Role::Order => order::schema(&config.order),
        Role::Payment => payment::schema(&config.payment),
        Role::Cart => cart::schema(&config.cart),
        Role::File => file::schema(&config.file),
        Role::Search => 0,
        Role::Notification => notification::schema(&config.notification),
    }
}

/// Brings the tables of a role to this version, which may be an older one.
pub(crate) async fn migrate_to(role: Role, config: &Config, version: i64) -> anyhow::Result<()> {
    match role {
        Role::Auth => auth::migrate_to(&config.auth, version).await,
        Role::Order => order::migrate_to(&config.order, version).await,
        Role::Payment => payment::migrate_to(&config.payment, version).await,
        other => anyhow::bail!("the {other} role has no tables of versions"),
    }
}

/// Leaves out so many of the numbers that a role gives to people and providers one after the other.
pub(crate) async fn skip_numbers(role: Role, config: &Config, count: i64) -> anyhow::Result<()> {
    match role {
        Role::Order => order::skip_numbers(&config.order, count).await,
        Role::Payment => payment::skip_numbers(&config.payment, count).await,
        // Their ids are drawn, and places in their lists are nobody's but their own.
        Role::Gateway
        | Role::Auth
        | Role::Product
        | Role::Cart
        | Role::File
        | Role::Search
        | Role::Notification => Ok(()),
    }
}

/// Roles that tell others what happened.
pub(crate) const SENDERS: [Role; 4] = [Role::Auth, Role::Product, Role::Order, Role::Payment];

/// The events of a role that wait for their subscribers.
pub(crate) async fn outbox(role: Role, config: &Config) -> anyhow::Result<Arc<dyn OutboxStore>> {
    let opened = match role {
        Role::Auth => auth::outbox(&config.auth).await,
        Role::Product => product::outbox(&config.product).await,
        Role::Order => order::outbox(&config.order).await,
        Role::Payment => payment::outbox(&config.payment).await,
        Role::Gateway | Role::Cart | Role::File | Role::Search | Role::Notification => {
            let senders = SENDERS.map(Role::as_str).join(", ");
            anyhow::bail!("the {role} role sends no events; these do: {senders}")
        }
    };
    opened.with_context(|| format!("the {role} role"))
}

/// The way to the keys of a role in Redis.
pub(crate) fn keys(role: Role, config: &Config) -> anyhow::Result<redis_link::Link> {
    let keys = match role {
        Role::Gateway => gateway::store::KEYS,
        Role::Cart => cart::store::KEYS,
        other => anyhow::bail!("the {other} role has no keys in Redis"),
    };
    redis_link::Link::new(config.store(role), keys)
}

/// Prepares the store of a role: tables, indexes, buckets. Embedded stores prepare themselves when they are opened.
pub(crate) async fn migrate(role: Role, config: &Config) -> anyhow::Result<()> {
    let migrated = match role {
        Role::Gateway => gateway::migrate(&config.gateway).await,
        Role::Auth => auth::migrate(&config.auth).await,
        Role::Product => product::migrate(&config.product).await,
        Role::Order => order::migrate(&config.order).await,
        Role::Payment => payment::migrate(&config.payment).await,
        Role::Cart => cart::migrate(&config.cart).await,
        Role::File => file::migrate(&config.file).await,
        Role::Search => search::migrate(&config.search).await,
        Role::Notification => notification::migrate(&config.notification).await,
    };
    migrated.with_context(|| format!("the {role} role"))
}
