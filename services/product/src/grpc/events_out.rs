//! Events as they leave.

use mesh::Role;
use proto::event::{ProductChanged, ReviewChanged, event::Data};

use super::{convert, offers};
use crate::domain::Event;

/// An event for the outbox.
pub fn encode(event: &Event) -> outbox::Draft {
    match event {
        Event::Changed { product, category, offers } => {
            let data = ProductChanged {
                product: Some(convert::product(product.clone(), Some(category.clone()))),
                offers: offers::drafts(product, offers),
            };
            let (id, version, at) = (product.id.to_string(), product.version, product.updated_at);
            outbox::Draft::new("product.changed", id, version, at, Data::Product(data))
                .to(&[Role::Order, Role::Search])
        }
        Event::Deleted { product, category } => {
            let data = ProductChanged {
                product: Some(convert::product(product.clone(), Some(category.clone()))),
                offers: Vec::new(),
            };
            let (id, version, at) = (product.id.to_string(), product.version, product.updated_at);
            outbox::Draft::new("product.deleted", id, version, at, Data::Product(data))
                .to(&[Role::Order, Role::Search])
        }
        Event::Reviewed { product, rating, version, at } => {
            let data = ReviewChanged {
                product_id: product.to_string(),
                rating_average: rating.average(),
                rating_count: rating.count,
            };
            outbox::Draft::new(
                "review.added",
                product.to_string(),
                *version,
                *at,
                Data::Review(data),
            )
            .to(&[Role::Search])
        }
    }
}
