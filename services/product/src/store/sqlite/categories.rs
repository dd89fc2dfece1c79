//! The tree of categories.

use std::collections::BTreeMap;

use ids::CategoryId;
use sqlite::{Connection, FromRow, Row, params};

use super::{from_json, id, json, parsed, unsigned};
use crate::{
    domain::{Category, tree::MAX_DEPTH},
    error::Error,
};

pub(super) fn all(connection: &Connection) -> Result<Vec<Category>, sqlite::Error> {
    connection.all(
        "select id, slug, title, parent_id, icon, position from categories order by position, slug",
        (),
    )
}

pub(super) fn counts(connection: &Connection) -> Result<BTreeMap<CategoryId, u64>, sqlite::Error> {
    let counts: Vec<(String, i64)> = connection.all(
        "select id, (select count(*) from listings l where l.scope = c.scope) from categories c",
        (),
    )?;
    counts.into_iter().map(|(id, count)| Ok((parsed(&id)?, unsigned(count)))).collect()
}

pub(super) fn put(connection: &Connection, mut category: Category) -> Result<Category, Error> {
    let known: Option<String> =
        connection.first("select id from categories where slug = ?", [&category.slug])?;
    let is_new = known.is_none();
    if let Some(known) = known {
        category.id = parsed(&known)?;
    }
    let before = above(connection, category.id)?;
    let parents = match category.parent {
        Some(parent) => check(connection, &category, parent)?,
        None => Vec::new(),
    };
    let scope = format!("category:{}", category.id);
    connection.execute("insert into scopes (name) values (?) on conflict do nothing", [&scope])?;
    connection.execute(
        "insert into categories (id, slug, title, parent_id, icon, position, scope)
         values (?, ?, ?, ?, ?, ?, (select row from scopes where name = ?))
         on conflict (slug) do update set title = excluded.title, parent_id = excluded.parent_id,
         icon = excluded.icon, position = excluded.position",
        params![
            category.id.to_string(),
            category.slug,
            json(&category.title)?,
            category.parent.map(|parent| parent.to_string()),
            category.icon,
            category.position,
            scope,
        ],
    )?;
    let own = before.first().map(|(_, scope)| *scope);
    let old: Vec<i64> = before.iter().skip(1).map(|(_, scope)| *scope).collect();
    let new: Vec<i64> = parents.iter().map(|(_, scope)| *scope).collect();
    if let Some(own) = own.filter(|_| !is_new && old != new) {
        relocate(connection, own, &old, &new)?;
    }
    Ok(category)
}

/// The category and all above it, with their scopes.
fn above(connection: &Connection, id: CategoryId) -> Result<Vec<(String, i64)>, sqlite::Error> {
    connection.all(
        "with recursive up (id, parent_id, scope, level) as (
             select id, parent_id, scope, 1 from categories where id = ?
             union all
             select c.id, c.parent_id, c.scope, up.level + 1
             from categories c join up on c.id = up.parent_id where up.level < 32)
         select id, scope from up order by level",
        [id.to_string()],
    )
}

/// The parent and all above it, if the category may stand below it.
fn check(
    connection: &Connection,
    category: &Category,
    parent: CategoryId,
) -> Result<Vec<(String, i64)>, Error> {
    let parents = above(connection, parent)?;
    if parents.is_empty() {
        return Err(Error::field("parent", "UNKNOWN", "no such category"));
    }
    let id = category.id.to_string();
    if parents.iter().any(|(above, _)| *above == id) {
        return Err(Error::field("parent", "CYCLE", "the parent stands below this category"));
    }
    let height: i64 = connection.one(
        "with recursive down (id, level) as (
             select ?1, 1
             union all
             select c.id, down.level + 1 from categories c join down on c.parent_id = down.id
             where down.level < 32)
         select max(level) from down",
        [id],
    )?;
    if parents.len() + usize::try_from(height).unwrap_or(usize::MAX) > MAX_DEPTH {
        return Err(Error::field("parent", "TOO_DEEP", format!("at most {MAX_DEPTH} levels")));
    }
    Ok(parents)
}

/// Takes the products of a moved category out of what was above it and puts them under what is above it now.
fn relocate(
    connection: &Connection,
    own: i64,
    old: &[i64],
    new: &[i64],
) -> Result<(), sqlite::Error> {
    for scope in old {
        connection.execute(
            "delete from listings where scope = ?
             and product in (select product from listings where scope = ?)",
            [*scope, own],
        )?;
    }
    for scope in new {
        connection.execute(
            "insert into listings
                 (scope, product, created_at, price, price_last, in_stock, rating, popularity)
             select ?, product, created_at, price, price_last, in_stock, rating, popularity
             from listings where scope = ?",
            [*scope, own],
        )?;
    }
    Ok(())
}

impl FromRow for Category {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        let parent: Option<String> = row.get(3)?;
        Ok(Self {
            id: id(row, 0)?,
            slug: row.get(1)?,
            title: from_json(row, 2)?,
            parent: parent.as_deref().map(parsed).transpose()?,
            icon: row.get(4)?,
            position: row.get(5)?,
        })
    }
}
