//! From messages to the domain. Whether values make sense is judged there.

use ids::CategoryId;
use proto::{product as pb, value};

use crate::{
    domain::{
        AskedTerms, Category, Draft, FieldName, Fiscal, Picture, Status, Sum, Text, VariantDraft,
    },
    error::Error,
    store::Sort,
};

pub(super) fn draft(draft: pb::ProductDraft) -> Draft {
    Draft {
        status: match draft.status() {
            pb::ProductStatus::Unspecified => None,
            pb::ProductStatus::Draft => Some(Status::Draft),
            pb::ProductStatus::Active => Some(Status::Active),
            pb::ProductStatus::Archived => Some(Status::Archived),
        },
        slug: draft.slug,
        title: text(draft.title),
        description: text(draft.description),
        category: draft.category,
        brand: draft.brand,
        attributes: draft.attributes,
        media: draft.media.into_iter().map(picture).collect(),
        fiscal: draft.fiscal.map(fiscal),
        variants: draft.variants.into_iter().map(variant).collect(),
    }
}

fn text(text: Option<value::LocalizedText>) -> Text {
    let value::LocalizedText { uz, ru, en } = text.unwrap_or_default();
    Text { uz, ru, en }
}

fn picture(picture: value::Picture) -> Picture {
    let value::Picture { url, width, height, small_url, medium_url, large_url, file_id } = picture;
    Picture { url, width, height, small_url, medium_url, large_url, file_id }
}

fn fiscal(fiscal: value::Fiscal) -> Fiscal {
    let value::Fiscal { mxik, package_code, vat_percent, unit_code } = fiscal;
    Fiscal { mxik, package_code, vat_percent, unit_code }
}

fn variant(draft: pb::VariantDraft) -> VariantDraft {
    let sum = |sum: value::Money| Sum { amount: sum.amount, currency: sum.currency };
    let terms = |terms: pb::OfferTerms| AskedTerms {
        price: terms.price.map(sum),
        compare_at_price: terms.compare_at_price.map(sum),
        stock: terms.stock,
    };
    VariantDraft {
        id: draft.id,
        sku: draft.sku,
        options: draft.options,
        barcode: draft.barcode,
        offer: draft.offer.map(terms),
    }
}

pub(super) fn fields(names: &[String]) -> Result<Vec<FieldName>, Error> {
    let known = |name: &String| {
        let unknown = || Error::field("fields", "UNKNOWN", format!("no field {name:?}"));
        FieldName::parse(name).ok_or_else(unknown)
    };
    if names.is_empty() {
        return Err(Error::field("fields", "REQUIRED", "name the fields to replace"));
    }
    names.iter().map(known).collect()
}

pub(super) fn sort(sort: pb::ProductSort) -> Sort {
    match sort {
        pb::ProductSort::Unspecified | pb::ProductSort::Newest => Sort::Newest,
        pb::ProductSort::Price => Sort::Price,
        pb::ProductSort::PriceDesc => Sort::PriceDesc,
        pb::ProductSort::Rating => Sort::Rating,
        pb::ProductSort::Popularity => Sort::Popularity,
    }
}

/// A category whose parent is not looked up yet.
pub(super) fn category(category: pb::Category) -> Category {
    Category {
        id: CategoryId::new(),
        slug: category.slug,
        title: text(category.title),
        parent: None,
        icon: category.icon,
        position: category.position,
    }
}

/// 1 to 100; 20 when nothing is asked for.
pub(super) fn limit(page: &value::PageRequest) -> u32 {
    if page.limit == 0 { 20 } else { page.limit.min(100) }
}
