//! Collections, their rules and indexes.

use mongo::{Shape, index, partial, unique};
use mongodb::bson::{Document, doc};

use super::{COUNTERS, DELIVERIES, INBOX, NOTIFICATIONS, REALTIME};

/// Raised with each change below.
pub(super) const VERSION: i32 = 1;

/// Brings the database of an address up to date.
pub(in crate::store) async fn migrate(address: &str) -> Result<(), mongo::Error> {
    mongo::migrate(address, VERSION, shapes()).await
}

fn there(field: &str) -> Document {
    doc! { field: { "$exists": true } }
}

fn shapes() -> Vec<Shape> {
    vec![
        // Lists in the application.
        Shape {
            name: NOTIFICATIONS,
            rule: Document::new(),
            indexes: vec![
                index("notifications_newest", doc! { "recipient": 1, "at": 1, "_id": 1 }),
                partial(
                    index("notifications_unread", doc! { "recipient": 1, "unread": 1 }),
                    there("unread"),
                ),
            ],
        },
        // Texts on their way to addresses, and what became of them.
        Shape {
            name: DELIVERIES,
            rule: doc! {
                "channel": { "$in": ["in_app", "log", "sms", "email"] },
                "state": { "$in": ["queued", "sent", "failed"] },
                // Emptied when it was secret and is sent or given up.
                "$or": [{ "secret": false }, { "state": "queued" }, { "text": "" }],
            },
            indexes: vec![
                // One event sends one text to one address through one channel.
                unique(index("deliveries_once", doc! { "event": 1, "channel": 1, "recipient": 1 })),
                partial(
                    index("deliveries_due", doc! { "state": 1, "next_at": 1 }),
                    doc! { "state": "queued" },
                ),
                partial(index("deliveries_old", doc! { "settled_at": 1 }), there("settled_at")),
            ],
        },
        // What subscribers are told, in order; the key is the place in the log.
        Shape {
            name: REALTIME,
            rule: Document::new(),
            indexes: vec![
                unique(index("realtime_id", doc! { "id": 1 })),
                index("realtime_of", doc! { "recipient": 1, "_id": 1 }),
                index("realtime_old", doc! { "at": 1 }),
            ],
        },
        Shape {
            name: INBOX,
            rule: Document::new(),
            indexes: vec![index("inbox_old", doc! { "at": 1 })],
        },
        Shape { name: COUNTERS, rule: Document::new(), indexes: Vec::new() },
    ]
}
