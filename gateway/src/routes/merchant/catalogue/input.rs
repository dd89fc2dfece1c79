//! What a merchant sends of a product.

use std::collections::{BTreeMap, HashMap};

use fault::Fault;
use proto::{file::BatchGetFilesRequest, product as pb, value};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Fiscal, no_such_file};
use crate::{
    app::App,
    problem::Problem,
    reply::{Localised, MoneyInput},
};

/// A product to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProduct {
    /// Unique; made from the Uzbek title when it is not given.
    slug: Option<String>,
    title: Localised,
    #[serde(default)]
    description: Localised,
    /// Slug or id.
    category: String,
    #[serde(default)]
    brand: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    /// Ids of uploaded files.
    #[serde(default)]
    pub(super) media: Vec<String>,
    status: Status,
    fiscal: Fiscal,
    variants: Vec<VariantInput>,
}

/// Whether shoppers see it.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Draft,
    Active,
}

impl From<Status> for i32 {
    fn from(status: Status) -> Self {
        match status {
            Status::Draft => pb::ProductStatus::Draft.into(),
            Status::Active => pb::ProductStatus::Active.into(),
        }
    }
}

/// One form of a product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariantInput {
    /// Of the variant that this replaces.
    id: Option<String>,
    sku: String,
    #[serde(default)]
    options: BTreeMap<String, String>,
    #[serde(default)]
    barcode: String,
    /// Absent leaves the terms as they are.
    offer: Option<OfferInput>,
}

/// The merchant's terms.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfferInput {
    price: MoneyInput,
    compare_at_price: Option<MoneyInput>,
    stock: i64,
}

impl From<VariantInput> for pb::VariantDraft {
    fn from(variant: VariantInput) -> Self {
        let offer = |offer: OfferInput| pb::OfferTerms {
            price: Some(offer.price.into()),
            compare_at_price: offer.compare_at_price.map(Into::into),
            stock: offer.stock,
        };
        Self {
            id: variant.id.unwrap_or_default(),
            sku: variant.sku,
            options: variant.options,
            barcode: variant.barcode,
            offer: variant.offer.map(offer),
        }
    }
}

impl NewProduct {
    pub(super) fn draft(self, media: Vec<value::Picture>) -> pb::ProductDraft {
        pb::ProductDraft {
            slug: self.slug.unwrap_or_default(),
            title: Some(self.title.into()),
            description: Some(self.description.into()),
            category: self.category,
            brand: self.brand,
            attributes: self.attributes,
            media,
            status: self.status.into(),
            fiscal: Some(self.fiscal.into()),
            variants: self.variants.into_iter().map(Into::into).collect(),
        }
    }
}

/// What to change of a product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeProduct {
    slug: Option<String>,
    title: Option<Localised>,
    description: Option<Localised>,
    category: Option<String>,
    brand: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
    pub(super) media: Option<Vec<String>>,
    status: Option<Status>,
    fiscal: Option<Fiscal>,
    variants: Option<Vec<VariantInput>>,
}

impl ChangeProduct {
    /// The new values and the names of the fields that have one.
    pub(super) fn draft(self, media: Vec<value::Picture>) -> (pb::ProductDraft, Vec<String>) {
        let given = [
            ("slug", self.slug.is_some()),
            ("title", self.title.is_some()),
            ("description", self.description.is_some()),
            ("category", self.category.is_some()),
            ("brand", self.brand.is_some()),
            ("attributes", self.attributes.is_some()),
            ("media", self.media.is_some()),
            ("status", self.status.is_some()),
            ("fiscal", self.fiscal.is_some()),
            ("variants", self.variants.is_some()),
        ];
        let fields = given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name.to_owned());
        let draft = pb::ProductDraft {
            slug: self.slug.unwrap_or_default(),
            title: self.title.map(Into::into),
            description: self.description.map(Into::into),
            category: self.category.unwrap_or_default(),
            brand: self.brand.unwrap_or_default(),
            attributes: self.attributes.unwrap_or_default(),
            media,
            status: self.status.map(Into::into).unwrap_or_default(),
            fiscal: self.fiscal.map(Into::into),
            variants: self.variants.unwrap_or_default().into_iter().map(Into::into).collect(),
        };
        (draft, fields.collect())
    }
}

/// The pictures behind uploaded files.
pub(super) async fn media(app: &App, files: &[String]) -> Result<Vec<value::Picture>, Problem> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let request = BatchGetFilesRequest { ids: files.to_vec() };
    let answer = app.mesh.file().batch_get_files(request).await?.into_inner();
    let mut known: HashMap<String, value::Picture> = answer
        .files
        .into_iter()
        .filter_map(|file| file.picture.map(|picture| (file.id, picture)))
        .collect();
    let mut pictures = Vec::with_capacity(files.len());
    let mut missing = Vec::new();
    for (index, id) in files.iter().enumerate() {
        match known.remove(id) {
            Some(picture) => pictures.push(picture),
            None => missing.push(no_such_file(index)),
        }
    }
    if missing.is_empty() { Ok(pictures) } else { Err(Fault::invalid(missing).into()) }
}
