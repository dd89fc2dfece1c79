//! Pages of products. A public list walks one index of `listings` from where the page before ended; conditions beyond the first are
//! looked up for each row on the way. Those look-ups are scalar subqueries on purpose: `exists` may become a join and lose the order.

use ids::ProductId;
use sqlite::{Connection, Error, ToSql, params_from_iter};

use super::{
    products::{COLUMNS, fold},
    unsigned,
};
use crate::{
    domain::Product,
    store::{Query, Sort},
};

/// A statement as it is put together.
struct Statement {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Statement {
    fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), values: Vec::new() }
    }

    fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    fn bind(&mut self, value: impl ToSql + 'static) -> &mut Self {
        self.values.push(Box::new(value));
        self.push("?")
    }
}

pub(super) fn page(connection: &Connection, query: &Query) -> Result<Vec<Product>, Error> {
    let after = match query.after {
        Some(after) => Some((after.key, row(connection, after.product)?)),
        None => None,
    };
    let Statement { sql, values } = statement(query, after);
    connection.all(&sql, params_from_iter(values))
}

/// The key behind an id. Asked for first: as a subquery it would keep the index from being entered at the very place.
fn row(connection: &Connection, product: ProductId) -> Result<i64, Error> {
    let row = connection.first("select row from products where id = ?", [product.to_string()])?;
    Ok(row.unwrap_or_default())
}

pub(super) fn count(connection: &Connection, query: &Query) -> Result<u64, Error> {
    let mut sql = Statement::new(match query.owner {
        Some(_) => "select count(*) from products p",
        None => "select count(*) from listings l",
    });
    conditions(&mut sql, query);
    Ok(unsigned(connection.one(&sql.sql, params_from_iter(sql.values))?))
}

/// The statement of a page that begins after a key and row.
fn statement(query: &Query, after: Option<(i64, i64)>) -> Statement {
    let mut sql = Statement::new("select ");
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
        sql.push(&format!(" and ({column}, {row}) {beyond} (")).bind(key);
        sql.push(", ").bind(last).push(")");
    }
    // The plus keeps the engine from looking at the number: it would plan the statement anew, every time, to suit it.
    sql.push(&format!(" order by {column} {order}, {row} {order} limit +")).bind(query.limit);
    sql
}

fn conditions(sql: &mut Statement, query: &Query) {
    let (table, row) = if query.owner.is_some() {
        owned(sql, query);
        ("p", "p.row")
    } else {
        listed(sql, query);
        ("l", "l.product")
    };
    if query.price_gte.is_some() || query.price_lte.is_some() {
        sql.push(&format!(" and {table}.price > 0"));
    }
    // Bounds of the column that is walked also say where to begin and to end. After a cursor, which says it better, the bound of the
    // beginning is kept from the planner by a plus.
    let price = if query.sort == Sort::Price { "price_last" } else { "price" };
    let plus = |begins: Sort| if query.after.is_some() && query.sort == begins { "+" } else { "" };
    if let Some(least) = query.price_gte {
        sql.push(&format!(" and {}{table}.{price} >= ", plus(Sort::Price))).bind(least);
    }
    if let Some(most) = query.price_lte {
        sql.push(&format!(" and {}{table}.{price} <= ", plus(Sort::PriceDesc))).bind(most);
    }
    if let Some(in_stock) = query.in_stock {
        sql.push(&format!(" and {table}.in_stock = ")).bind(in_stock);
    }
    for (name, value) in &query.attributes {
        let of = format!(" and (select value from product_attributes where product = {row}");
        sql.push(&of).push(" and name = ").bind(name.clone());
        sql.push(") = ").bind(value.clone());
    }
}

/// Active products: the first scope is walked, membership in the others is looked up.
fn listed(sql: &mut Statement, query: &Query) {
    let scopes = [
        query.seller.map(|seller| format!("seller:{seller}")),
        query.brand.as_ref().map(|brand| format!("brand:{}", fold(brand))),
        query.category.map(|category| format!("category:{category}")),
    ];
    let mut scopes = scopes.into_iter().flatten();
    let first = scopes.next().unwrap_or_else(|| "all".to_owned());
    sql.push(" where l.scope = (select row from scopes where name = ").bind(first).push(")");
    for scope in scopes {
        sql.push(" and (select 1 from listings o where o.product = l.product and o.scope = ");
        sql.push("(select row from scopes where name = ").bind(scope).push(")) is not null");
    }
}

/// A merchant's own products: few enough to filter one by one.
fn owned(sql: &mut Statement, query: &Query) {
    let owner = query.owner.map(|owner| owner.to_string());
    sql.push(" where p.merchant_id = ").bind(owner);
    if let Some(category) = query.category {
        sql.push(" and p.category_id in (with recursive down (id) as (select ");
        sql.bind(category.to_string());
        sql.push(" union select c.id from categories c join down on c.parent_id = down.id)");
        sql.push(" select id from down)");
    }
    if let Some(brand) = &query.brand {
        sql.push(" and p.brand = ").bind(fold(brand));
    }
    if let Some(seller) = query.seller {
        sql.push(" and ").bind(seller.to_string());
        sql.push(" in (select value from json_each(p.sellers))");
    }
}

#[cfg(test)]
mod tests {
    use ids::{CategoryId, MerchantId};
    use sqlite::{Durability, Sqlite};

    use super::*;
    use crate::store::After;

    #[tokio::test]
    async fn no_public_list_sorts() {
        let folder = testkit::Folder::new("product");
        let address = format!("sqlite:{}", folder.path().join("product.db").display());
        let migrations = super::super::MIGRATIONS;
        let database = Sqlite::open(&address, Durability::Process, migrations).await.unwrap();
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
                let explain = move |connection: &Connection| {
                    let Statement { sql, values } = statement(&query, after);
                    let sql = format!("explain query plan {sql}");
                    connection.all::<(i64, i64, i64, String)>(&sql, params_from_iter(values))
                };
                let plan = database.read(explain).await.unwrap();
                let plan: Vec<String> = plan.into_iter().map(|(.., detail)| detail).collect();
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
