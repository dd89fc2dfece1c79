//! From the domain to messages.

use proto::{product as pb, value};

use crate::domain::{
    Category, CategoryRef, Fiscal, Picture, Product, Review, Status, Text, Tree, Variant,
    import::{Job, JobStatus},
};

pub(super) mod cursors;

pub(super) fn id<K: ids::Kind>(text: &str) -> Option<ids::Id<K>> {
    text.parse().ok()
}

/// Takes the product apart: a list copies none of its texts.
pub(super) fn product(product: Product, category: Option<CategoryRef>) -> pb::Product {
    let content = product.content;
    pb::Product {
        id: product.id.to_string(),
        slug: product.slug,
        title: Some(text(content.title)),
        description: Some(text(content.description)),
        category: category.map(reference),
        brand: content.brand,
        media: content.media.into_iter().map(picture).collect(),
        attributes: content.attributes,
        variants: content.variants.into_iter().map(variant).collect(),
        fiscal: Some(fiscal(content.fiscal)),
        status: status(product.status).into(),
        merchant_id: product.merchant.to_string(),
        rating_average: product.rating.average(),
        rating_count: product.rating.count,
        created_at_ms: product.created_at.millis(),
        updated_at_ms: product.updated_at.millis(),
        version: product.version,
        price_from: product.offers.price_from,
        in_stock: product.offers.in_stock,
        popularity: product.popularity,
        seller_ids: product.offers.sellers.iter().map(ToString::to_string).collect(),
    }
}

fn text(text: Text) -> value::LocalizedText {
    let Text { uz, ru, en } = text;
    value::LocalizedText { uz, ru, en }
}

fn reference(category: CategoryRef) -> pb::CategoryRef {
    let CategoryRef { id, slug, title, ancestors } = category;
    pb::CategoryRef { id: id.to_string(), slug, title: Some(text(title)), ancestors }
}

fn picture(picture: Picture) -> value::Picture {
    let Picture { url, width, height, small_url, medium_url, large_url, file_id } = picture;
    value::Picture { url, width, height, small_url, medium_url, large_url, file_id }
}

fn variant(variant: Variant) -> pb::Variant {
    let Variant { id, sku, options, barcode } = variant;
    pb::Variant { id: id.to_string(), sku, options, barcode }
}

fn fiscal(fiscal: Fiscal) -> value::Fiscal {
    let Fiscal { mxik, package_code, vat_percent, unit_code } = fiscal;
    value::Fiscal { mxik, package_code, vat_percent, unit_code }
}

fn status(status: Status) -> pb::ProductStatus {
    match status {
        Status::Draft => pb::ProductStatus::Draft,
        Status::Active => pb::ProductStatus::Active,
        Status::Archived => pb::ProductStatus::Archived,
    }
}

pub(super) fn category(category: &Category, tree: &Tree, count: Option<u64>) -> pb::Category {
    let parent = category.parent.and_then(|parent| tree.get(parent));
    pb::Category {
        id: category.id.to_string(),
        slug: category.slug.clone(),
        title: Some(text(category.title.clone())),
        parent: parent.map(|parent| parent.slug.clone()).unwrap_or_default(),
        icon: category.icon.clone(),
        position: category.position,
        product_count: count.unwrap_or(0),
    }
}

pub(super) fn review(review: Review) -> pb::Review {
    pb::Review {
        id: review.id.to_string(),
        product_id: review.product.to_string(),
        user_id: review.user.to_string(),
        author: review.author,
        rating: review.rating.into(),
        text: review.text,
        created_at_ms: review.created_at.millis(),
    }
}

pub(super) fn job(job: Job) -> pb::Job {
    let status = match job.status {
        JobStatus::Queued => pb::JobStatus::Queued,
        JobStatus::Running => pb::JobStatus::Running,
        JobStatus::Done => pb::JobStatus::Done,
        JobStatus::Failed => pb::JobStatus::Failed,
    };
    let errors = job.progress.errors.into_iter().map(|error| pb::JobError {
        line: error.line,
        field: error.field,
        code: error.code,
        message: error.message,
    });
    pb::Job {
        id: job.id.to_string(),
        merchant_id: job.merchant.to_string(),
        status: status.into(),
        total: job.progress.total,
        imported: job.progress.imported,
        errors: errors.collect(),
        created_at_ms: job.created_at.millis(),
    }
}
