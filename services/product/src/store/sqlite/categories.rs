//! The tree of categories.

use std::collections::BTreeMap;

use fault::Fault;
use ids::CategoryId;
use sqlite::{Sqlite, SqliteConnection};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{fault, from_json, json, parsed, unsigned};
use crate::{
    domain::{Category, tree::MAX_DEPTH},
    error::Error,
};

pub(super) async fn all(database: &Sqlite) -> Result<Vec<Category>, Fault> {
    let rows = sqlx::query(
        "select id, slug, title, parent_id, icon, position from categories order by position, slug",
    )
    .fetch_all(database.read())
    .await
    .map_err(fault)?;
    rows.iter().map(read).collect::<Result<_, _>>().map_err(fault)
}

pub(super) async fn counts(database: &Sqlite) -> Result<BTreeMap<CategoryId, u64>, Fault> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select id, (select count(*) from listings l where l.scope = c.scope) from categories c",
    )
    .fetch_all(database.read())
    .await
    .map_err(fault)?;
    let pair = |(id, count): (String, i64)| Ok((parsed(&id)?, unsigned(count)));
    rows.into_iter().map(pair).collect::<Result<_, sqlx::Error>>().map_err(fault)
}

pub(super) async fn put(
    connection: &mut SqliteConnection,
    mut category: Category,
) -> Result<Category, Error> {
    let known: Option<String> = sqlx::query_scalar("select id from categories where slug = ?")
        .bind(&category.slug)
        .fetch_optional(&mut *connection)
        .await?;
    let is_new = known.is_none();
    if let Some(known) = known {
        category.id = parsed(&known)?;
    }
    let before = above(connection, category.id).await?;
    let parents = match category.parent {
        Some(parent) => check(connection, &category, parent).await?,
        None => Vec::new(),
    };
    let name = format!("category:{}", category.id);
    sqlx::query("insert into scopes (name) values (?) on conflict do nothing")
        .bind(&name)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "insert into categories (id, slug, title, parent_id, icon, position, scope)
         values (?, ?, ?, ?, ?, ?, (select row from scopes where name = ?))
         on conflict (slug) do update set title = excluded.title, parent_id = excluded.parent_id,
         icon = excluded.icon, position = excluded.position",
    )
    .bind(category.id.to_string())
    .bind(&category.slug)
    .bind(json(&category.title)?)
    .bind(category.parent.map(|parent| parent.to_string()))
    .bind(&category.icon)
    .bind(category.position)
    .bind(&name)
    .execute(&mut *connection)
    .await?;
    let own = before.first().map(|(_, scope)| *scope);
    let old: Vec<i64> = before.iter().skip(1).map(|(_, scope)| *scope).collect();
    let new: Vec<i64> = parents.iter().map(|(_, scope)| *scope).collect();
    if let Some(own) = own.filter(|_| !is_new && old != new) {
        relocate(connection, own, &old, &new).await?;
    }
    Ok(category)
}

/// The category and all above it, with their scopes.
async fn above(
    connection: &mut SqliteConnection,
    id: CategoryId,
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "with recursive up (id, parent_id, scope, level) as (
             select id, parent_id, scope, 1 from categories where id = ?
             union all
             select c.id, c.parent_id, c.scope, up.level + 1
             from categories c join up on c.id = up.parent_id where up.level < 32)
         select id, scope from up order by level",
    )
    .bind(id.to_string())
    .fetch_all(connection)
    .await
}

/// The parent and all above it, if the category may stand below it.
async fn check(
    connection: &mut SqliteConnection,
    category: &Category,
    parent: CategoryId,
) -> Result<Vec<(String, i64)>, Error> {
    let parents = above(connection, parent).await?;
    if parents.is_empty() {
        return Err(Error::field("parent", "UNKNOWN", "no such category"));
    }
    let id = category.id.to_string();
    if parents.iter().any(|(above, _)| *above == id) {
        return Err(Error::field("parent", "CYCLE", "the parent stands below this category"));
    }
    let height: i64 = sqlx::query_scalar(
        "with recursive down (id, level) as (
             select ?1, 1
             union all
             select c.id, down.level + 1 from categories c join down on c.parent_id = down.id
             where down.level < 32)
         select max(level) from down",
    )
    .bind(id)
    .fetch_one(&mut *connection)
    .await?;
    if parents.len() + usize::try_from(height).unwrap_or(usize::MAX) > MAX_DEPTH {
        return Err(Error::field("parent", "TOO_DEEP", format!("at most {MAX_DEPTH} levels")));
    }
    Ok(parents)
}

/// Takes the products of a moved category out of what was above it and puts them under what is above it now.
async fn relocate(
    connection: &mut SqliteConnection,
    own: i64,
    old: &[i64],
    new: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "delete from listings where scope in (select value from json_each(?))
         and product in (select product from listings where scope = ?)",
    )
    .bind(json(&old)?)
    .bind(own)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "insert into listings
             (scope, product, created_at, price, price_last, in_stock, rating, popularity)
         select n.value, l.product, l.created_at, l.price, l.price_last, l.in_stock, l.rating,
             l.popularity
         from json_each(?) n cross join listings l on l.scope = ?",
    )
    .bind(json(&new)?)
    .bind(own)
    .execute(connection)
    .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Category, sqlx::Error> {
    Ok(Category {
        id: parsed(row.try_get("id")?)?,
        slug: row.try_get("slug")?,
        title: from_json(row.try_get("title")?)?,
        parent: row.try_get::<Option<&str>, _>("parent_id")?.map(parsed).transpose()?,
        icon: row.try_get("icon")?,
        position: row.try_get("position")?,
    })
}
