//! Collections, their rules and indexes.

use mongo::{Shape, index, partial, unique};
use mongodb::bson::{Bson, Document, doc};

use super::{CATEGORIES, FILES, INBOX, JOBS, PRODUCTS, REVIEWS, TURNS, outbox};

/// Raised with each change below.
pub(super) const VERSION: i32 = 1;

/// Brings the database of an address up to date.
pub(in crate::store) async fn migrate(address: &str) -> Result<(), mongo::Error> {
    mongo::migrate(address, VERSION, shapes()).await
}

/// A list by one scope in one order, as [`super::find`] walks it.
fn listing(name: &str, key: &str) -> mongodb::IndexModel {
    index(name, doc! { "scopes": 1, key: 1, "_id": 1 })
}

fn there(field: &str) -> Document {
    doc! { field: { "$exists": true } }
}

fn shapes() -> Vec<Shape> {
    vec![
        Shape {
            name: PRODUCTS,
            rule: products_rule(),
            indexes: vec![
                unique(index("products_slug", doc! { "slug": 1 })),
                // Archived products have no SKUs.
                partial(
                    unique(index("products_skus", doc! { "merchant": 1, "skus": 1 })),
                    there("skus"),
                ),
                listing("products_newest", "created_at"),
                // Ascending, what has no price comes last; descending, `price` = 0 puts it last too.
                listing("products_cheapest", "price_last"),
                listing("products_dearest", "price"),
                listing("products_rating", "rating"),
                listing("products_popularity", "popularity"),
                // Covers the count of each category, and finds what was left behind by a move.
                index("products_category", doc! { "category": 1, "status": 1, "placed": 1 }),
                partial(
                    unique(index("products_outbox", doc! { "outbox.row": 1 })),
                    there("outbox.row"),
                ),
                partial(
                    index(
                        "products_due",
                        doc! { "outbox.subscriber": 1, "outbox.parked": 1, "outbox.next_at": 1 },
                    ),
                    there("outbox.row"),
                ),
            ],
        },
        Shape {
            name: CATEGORIES,
            rule: Document::new(),
            indexes: vec![
                unique(index("categories_slug", doc! { "slug": 1 })),
                index("categories_order", doc! { "position": 1, "slug": 1 }),
                partial(index("categories_moved", doc! { "moved": 1 }), there("moved")),
            ],
        },
        Shape {
            name: REVIEWS,
            rule: doc! { "rating": { "$gte": 1, "$lte": 5 } },
            indexes: vec![
                unique(index("reviews_one", doc! { "product": 1, "user": 1 })),
                index("reviews_product", doc! { "product": 1, "created_at": 1, "_id": 1 }),
                index("reviews_user", doc! { "user": 1, "created_at": 1, "_id": 1 }),
            ],
        },
        Shape {
            name: JOBS,
            rule: doc! { "status": { "$in": ["queued", "running", "done", "failed"] } },
            indexes: vec![partial(
                index("jobs_waiting", doc! { "waiting": 1, "_id": 1 }),
                there("waiting"),
            )],
        },
        Shape { name: FILES, rule: Document::new(), indexes: Vec::new() },
        Shape { name: INBOX, rule: Document::new(), indexes: vec![inbox_ends()] },
        Shape { name: TURNS, rule: Document::new(), indexes: Vec::new() },
    ]
}

/// Events are delivered again for minutes, not for months.
fn inbox_ends() -> mongodb::IndexModel {
    let mut index = index("inbox_ends", doc! { "at": 1 });
    if let Some(options) = &mut index.options {
        options.expire_after = Some(std::time::Duration::from_hours(60 * 24));
    }
    index
}

fn products_rule() -> Document {
    let last = format!("outbox.{}", outbox::MOST);
    doc! {
        "status": { "$in": ["draft", "active", "archived"] },
        "version": { "$gt": 0 },
        "price": { "$gte": 0 },
        "popularity": { "$gte": 0 },
        "rating_count": { "$gte": 0 },
        "$expr": { "$and": [
            { "$gte": ["$rating_sum", "$rating_count"] },
            { "$lte": ["$rating_sum", { "$multiply": ["$rating_count", Bson::Int64(5)] }] },
        ] },
        // No more events wait in a document than this.
        last: { "$exists": false },
    }
}
