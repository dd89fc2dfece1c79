//! Categories, products with their pictures and offers, reviews.

use anyhow::Context as _;
use mesh::Mesh;
use proto::{file as files, order as orders, product as pb, value};
use tonic::Code;

use crate::{
    catalogue::{Catalogue, Product, Review, SecondOffer, Text, Variant},
    merchants::Sellers,
    patience::patiently,
};

/// Tiyin in a so'm.
const TIYIN: i64 = 100;

pub(crate) async fn put_categories(mesh: &Mesh, catalogue: &Catalogue) -> anyhow::Result<()> {
    // In the order of the file: a parent stands before its children.
    for (position, category) in (0..).zip(&catalogue.categories) {
        let category = pb::Category {
            slug: category.slug.clone(),
            title: Some(text(&category.title)),
            parent: category.parent.clone(),
            icon: category.icon.clone(),
            position,
            ..Default::default()
        };
        let request = pb::PutCategoryRequest { category: Some(category) };
        patiently(async || mesh.product().put_category(request.clone()).await).await?;
    }
    Ok(())
}

pub(crate) async fn put_product(
    mesh: &Mesh,
    product: &Product,
    sellers: &Sellers,
) -> anyhow::Result<()> {
    let merchant = sellers.get(&product.merchant).context("an unknown merchant")?;
    let picture = upload(mesh, product, merchant).await?;
    let request = pb::CreateProductRequest {
        product: Some(draft(product, picture)),
        merchant_id: merchant.clone(),
    };
    let created = patiently(async || mesh.product().create_product(request.clone()).await).await;
    let created = match created {
        Err(status) if status.code() == Code::AlreadyExists => find(mesh, product).await?,
        created => created?.product,
    };
    let created = created.context("the product was not returned")?;
    if !product.second_offers.is_empty() {
        let offers = product
            .second_offers
            .iter()
            .map(|offer| second_offer(offer, &created, sellers))
            .collect::<anyhow::Result<_>>()?;
        let request = orders::PutOffersRequest { product: Some(created.clone()), offers };
        patiently(async || mesh.order().put_offers(request.clone()).await).await?;
    }
    for (reviewer, review) in (1..).zip(&product.reviews) {
        put_review(mesh, &created.id, reviewer, review).await?;
    }
    Ok(())
}

/// The one of a load that was cut off.
async fn find(mesh: &Mesh, product: &Product) -> anyhow::Result<Option<pb::Product>> {
    let request = pb::GetProductRequest { id_or_slug: product.key.clone() };
    let found = patiently(async || mesh.product().get_product(request.clone()).await).await?;
    Ok(found.product)
}

async fn upload(mesh: &Mesh, product: &Product, merchant: &str) -> anyhow::Result<value::Picture> {
    let request = files::UploadRequest {
        file_name: format!("{}.jpg", product.key),
        content: product.picture()?.into(),
        bucket: "products".to_owned(),
        merchant_id: merchant.to_owned(),
    };
    let uploaded = patiently(async || mesh.file().upload(request.clone()).await).await?;
    uploaded.file.and_then(|file| file.picture).context("the picture was not returned")
}

fn draft(product: &Product, picture: value::Picture) -> pb::ProductDraft {
    pb::ProductDraft {
        slug: product.key.clone(),
        title: Some(text(&product.title)),
        description: Some(text(&product.description)),
        category: product.category.clone(),
        brand: product.brand.clone(),
        attributes: product.attributes.clone(),
        media: vec![picture],
        status: pb::ProductStatus::Active.into(),
        fiscal: Some(value::Fiscal {
            mxik: product.mxik.clone(),
            package_code: product.package_code.clone(),
            vat_percent: product.vat_percent,
            unit_code: product.unit_code.clone(),
        }),
        variants: product.variants.iter().map(variant).collect(),
    }
}

fn variant(variant: &Variant) -> pb::VariantDraft {
    pb::VariantDraft {
        id: String::new(),
        sku: variant.sku.clone(),
        options: variant.options.clone(),
        barcode: variant.barcode.clone(),
        offer: Some(pb::OfferTerms {
            price: Some(money(variant.price)),
            compare_at_price: variant.compare_at.map(money),
            stock: variant.stock,
        }),
    }
}

fn second_offer(
    offer: &SecondOffer,
    product: &pb::Product,
    sellers: &Sellers,
) -> anyhow::Result<orders::OfferDraft> {
    let variant = product.variants.iter().find(|variant| variant.sku == offer.sku);
    let variant = variant.with_context(|| format!("no variant {}", offer.sku))?;
    Ok(orders::OfferDraft {
        merchant_id: sellers.get(&offer.merchant).context("an unknown merchant")?.clone(),
        product_id: product.id.clone(),
        variant_id: variant.id.clone(),
        sku: offer.sku.clone(),
        options: variant.options.clone(),
        price: Some(money(offer.price)),
        compare_at_price: None,
        stock: Some(offer.stock),
    })
}

/// Reviewers have no accounts; the same number is the same person in the next load.
async fn put_review(
    mesh: &Mesh,
    product: &str,
    reviewer: u128,
    review: &Review,
) -> anyhow::Result<()> {
    let request = pb::PutReviewRequest {
        product_id: product.to_owned(),
        rating: review.rating,
        text: review.text.clone(),
        author: review.author.clone(),
        user_id: ids::UserId::from_u128(reviewer).to_string(),
    };
    patiently(async || mesh.product().put_review(request.clone()).await).await?;
    Ok(())
}

fn text(text: &Text) -> value::LocalizedText {
    value::LocalizedText { uz: text.uz.clone(), ru: text.ru.clone(), en: text.en.clone() }
}

fn money(soum: i64) -> value::Money {
    value::Money { amount: soum.saturating_mul(TIYIN), currency: "UZS".to_owned() }
}
