//! Things to write.

use std::{collections::BTreeMap, time::Duration};

use clock::Timestamp;
use ids::{CategoryId, MerchantId, ProductId, ReviewId, UserId, VariantId};
use mesh::Role;
use product::{
    domain::{
        Category, CategoryRef, Content, Fiscal, OfferState, Picture, Product, Rating, Review,
        Status, Text, Variant,
    },
    store::{ProductStore, Write},
};

/// When the tests begin.
pub(crate) const NOW: Timestamp = testkit::START;

fn text(uz: &str) -> Text {
    Text { uz: uz.to_owned(), ..Text::default() }
}

/// Writes a category.
pub(crate) async fn category(
    store: &dyn ProductStore,
    slug: &str,
    parent: Option<CategoryId>,
) -> Category {
    let category = Category {
        id: CategoryId::new(),
        slug: slug.to_owned(),
        title: text(slug),
        parent,
        icon: String::new(),
        position: 1,
    };
    store.put_category(category).await.unwrap()
}

/// An active product with the SKU `sku`, not written yet.
pub(crate) fn new(category: &Category, merchant: MerchantId, sku: &str) -> Write {
    let variant = Variant {
        id: VariantId::new(),
        sku: sku.to_owned(),
        options: BTreeMap::new(),
        barcode: String::new(),
    };
    let content = Content {
        title: text(sku),
        description: Text::default(),
        brand: "Artel".to_owned(),
        attributes: [("color".to_owned(), "qora".to_owned())].into(),
        media: vec![Picture { url: "/p.webp".to_owned(), width: 3, ..Picture::default() }],
        fiscal: Fiscal::default(),
        variants: vec![variant],
    };
    let id = ProductId::new();
    let product = Product {
        id,
        slug: format!("slug-{}", sku.to_lowercase()),
        merchant,
        category: category.id,
        status: Status::Active,
        content,
        version: 1,
        created_at: NOW,
        updated_at: NOW,
        offers: OfferState::default(),
        rating: Rating::default(),
        popularity: 0,
    };
    let reference = CategoryRef {
        id: category.id,
        slug: category.slug.clone(),
        title: category.title.clone(),
        ancestors: Vec::new(),
    };
    Write { product, spare_slug: None, category: reference, offers: Vec::new() }
}

/// The write that makes the next version of a product.
pub(crate) fn next(write: &Write, product: &Product) -> Write {
    let product = Product { version: product.version + 1, ..product.clone() };
    Write { product, ..write.clone() }
}

/// Types and subjects of what waits for a subscriber.
pub(crate) async fn events(store: &dyn ProductStore, subscriber: Role) -> Vec<(String, String)> {
    let parcels = store.outbox().claim(subscriber, NOW.plus(Duration::from_hours(1)), 100).await;
    parcels.unwrap().into_iter().map(|parcel| (parcel.kind, parcel.subject)).collect()
}

/// Their names.
pub(crate) fn ids(products: &[Product]) -> Vec<ProductId> {
    products.iter().map(|product| product.id).collect()
}

/// A review, not written yet.
pub(crate) fn review(product: ProductId, user: UserId, rating: u8) -> Review {
    Review {
        id: ReviewId::new(),
        product,
        user,
        author: "Lola".to_owned(),
        rating,
        text: "Yaxshi".to_owned(),
        created_at: NOW,
    }
}
