//! Pages of products. A public list walks one index of `listings` from where the page before ended; conditions beyond the first are
//! looked up for each row on the way. Those look-ups are scalar subqueries on purpose: `exists` may become a join and lose the order.

use fault::Fault;
use ids::ProductId;
use sqlite::Sqlite;
use sqlx::{QueryBuilder, sqlite::Sqlite as Engine};

use super::{
    fault,
    products::{COLUMNS, fold, read},
    unsigned,
};
use crate::{
    domain::Product,
    store::{Query, Sort},
};

pub(super) async fn page(database: &Sqlite, query: &Query) -> Result<Vec<Product>, Fault> {
    let after = match query.after {
        Some(after) => Some((after.key, row(database, after.product).await?)),
        None => None,
    };
    let mut sql = statement(query, after);
    let rows = sql.build().fetch_all(database.read()).await.map_err(fault)?;
    rows.iter().map(read).collect::<Result<_, _>>().map_err(fault)
}

/// The key behind an id. Asked for first: as a subquery it would keep the index from being entered at the very place.
async fn row(database: &Sqlite, product: ProductId) -> Result<i64, Fault> {
    let row: Option<i64> = sqlx::query_scalar("select row from products where id = ?")
        .bind(product.to_string())
        .fetch_optional(database.read())
        .await
        .map_err(fault)?;
    Ok(row.unwrap_or_default())
}

pub(super) async fn count(database: &Sqlite, query: &Query) -> Result<u64, Fault> {
    let mut sql = QueryBuilder::new("select count(*)");
    match query.owner {
        Some(_) => sql.push(" from products p"),
        None => sql.push(" from listings l"),
    };
    conditions(&mut sql, query);
    let count: i64 = sql.build_query_scalar().fetch_one(database.read()).await.map_err(fault)?;
    Ok(unsigned(count))
}

/// The statement of a page that begins after a key and row.
fn statement(query: &Query, after: Option<(i64, i64)>) -> QueryBuilder<Engine> {
    let mut sql = QueryBuilder::new("select ");
    sql.push(COLUMNS);
    let (column, index, descending) = match query.sort {
        Sort::Newest => ("created_at", "listings_newest", true),
        Sort::Price => ("price_last", "listings_cheapest", false),
        Sort::PriceDesc => ("price", "listings_dearest", true),
        Sort::Rating => ("rating", "listings_rating", true),
        Sort::Popularity => ("popularity", "listings_popularity", true),
    };
    let (column, row) = if query.owner.is_some() {
        sql.push(" from products p");
        (format!("p.{column}"), "p.row")
    } else {
        sql.push(" from listings l indexed by ").push(index);
        sql.push(" cross join products p on p.row = l.product");
        (format!("l.{column}"), "l.product")
    };
    conditions(&mut sql, query);
    let (order, beyond) = if descending { ("desc", "<") } else { ("asc", ">") };
    if let Some((key, last)) = after {
        sql.push(format!(" and ({column}, {row}) {beyond} (")).push_bind(key);
        sql.push(", ").push_bind(last).push(")");
    }
    sql.push(format!(" order by {column} {order}, {row} {order} limit "));
    sql.push_bind(query.limit);
    sql
}

fn conditions(sql: &mut QueryBuilder<Engine>, query: &Query) {
    let (table, row) = if query.owner.is_some() {
        owned(sql, query);
        ("p", "p.row")
    } else {
        listed(sql, query);
        ("l", "l.product")
    };
    if query.price_gte.is_some() || query.price_lte.is_some() {
        sql.push(format!(" and {table}.price > 0"));
    }
    // Bounds of the column that is walked also say where to begin and to end. After a cursor, which says it better, the bound of the
    // beginning is kept from the planner by a plus.
    let price = if query.sort == Sort::Price { "price_last" } else { "price" };
    let plus = |begins: Sort| if query.after.is_some() && query.sort == begins { "+" } else { "" };
    if let Some(least) = query.price_gte {
        sql.push(format!(" and {}{table}.{price} >= ", plus(Sort::Price))).push_bind(least);
    }
    if let Some(most) = query.price_lte {
        sql.push(format!(" and {}{table}.{price} <= ", plus(Sort::PriceDesc))).push_bind(most);
    }
    if let Some(in_stock) = query.in_stock {
        sql.push(format!(" and {table}.in_stock = ")).push_bind(in_stock);
    }
    for (name, value) in &query.attributes {
        let of = format!(" and (select value from product_attributes where product = {row}");
        sql.push(of).push(" and name = ").push_bind(name.clone());
        sql.push(") = ").push_bind(value.clone());
    }
}

/// Active products: the first scope is walked, membership in the others is looked up.
fn listed(sql: &mut QueryBuilder<Engine>, query: &Query) {
    let scopes = [
        query.seller.map(|seller| format!("seller:{seller}")),
        query.brand.as_ref().map(|brand| format!("brand:{}", fold(brand))),
        query.category.map(|category| format!("category:{category}")),
    ];
    let mut scopes = scopes.into_iter().flatten();
    let first = scopes.next().unwrap_or_else(|| "all".to_owned());
    sql.push(" where l.scope = (select row from scopes where name = ").push_bind(first).push(")");
    for scope in scopes {
        sql.push(" and (select 1 from listings o where o.product = l.product and o.scope = ");
        sql.push("(select row from scopes where name = ").push_bind(scope).push(")) is not null");
    }
}

/// A merchant's own products: few enough to filter one by one.
fn owned(sql: &mut QueryBuilder<Engine>, query: &Query) {
    let owner = query.owner.map(|owner| owner.to_string());
    sql.push(" where p.merchant_id = ").push_bind(owner);
    if let Some(category) = query.category {
        sql.push(" and p.category_id in (with recursive down (id) as (select ");
        sql.push_bind(category.to_string());
        sql.push(" union select c.id from categories c join down on c.parent_id = down.id)");
        sql.push(" select id from down)");
    }
    if let Some(brand) = &query.brand {
        sql.push(" and p.brand = ").push_bind(fold(brand));
    }
    if let Some(seller) = query.seller {
        sql.push(" and ").push_bind(seller.to_string());
        sql.push(" in (select value from json_each(p.sellers))");
    }
}

#[cfg(test)]
mod tests {
    use ids::{CategoryId, MerchantId};
    use sqlx::Row as _;

    use super::*;
    use crate::store::After;

    #[tokio::test]
    async fn no_public_list_sorts() {
        let folder = testkit::Folder::new("product");
        let address = format!("sqlite:{}", folder.path().join("product.db").display());
        let database =
            Sqlite::open(&address, sqlite::Durability::Process, &super::super::MIGRATIONS)
                .await
                .unwrap();
        let everything = Query {
            category: Some(CategoryId::new()),
            brand: Some("Artel".to_owned()),
            seller: Some(MerchantId::new()),
            price_gte: Some(1),
            price_lte: Some(9),
            in_stock: Some(true),
            attributes: [("color".to_owned(), "qora".to_owned())].into(),
            ..Query::default()
        };
        let category = Query { category: Some(CategoryId::new()), ..Query::default() };
        for query in [Query::default(), category, everything] {
            for (sort, after) in
                Sort::ALL.into_iter().flat_map(|it| [(it, None), (it, Some((5, 5)))])
            {
                let place = after.map(|(key, _)| After { key, product: ProductId::new() });
                let query = Query { sort, after: place, limit: 20, ..query.clone() };
                let built = statement(&query, after);
                let sql = format!("explain query plan {}", built.sql().as_str());
                // A plan needs no values.
                let plan = sqlx::query(sqlx::AssertSqlSafe(sql));
                let rows = plan.fetch_all(database.read()).await.unwrap();
                let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
                let plan = plan.join("\n");
                assert!(!plan.contains("TEMP B-TREE"), "{sort:?}\n{plan}");
                assert!(plan.contains("INDEX listings_"), "{plan}");
                if after.is_some() {
                    assert!(plan.contains("(?,?)"), "starts at the cursor:\n{plan}");
                }
            }
        }
        database.close().await;
    }
}
