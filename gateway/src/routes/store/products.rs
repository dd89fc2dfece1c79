//! Products as shoppers see them: content from the product service, prices and stock from the order service.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use axum::{
    Json,
    extract::{Path, State},
};
use clock::Timestamp;
use fault::{Code, Fault};
use mesh::Context;
use proto::{order, product as pb, value};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    locale::Locale,
    params::Params,
    problem::Problem,
    reply::{Answer, List, Money, Seller, at, locale, some},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}

/// A product in the language of the client.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Product {
    id: String,
    slug: String,
    title: String,
    description: String,
    category: Option<CategoryName>,
    brand: Option<String>,
    media: Vec<Picture>,
    attributes: BTreeMap<String, String>,
    rating: Rating,
    /// The lowest price it can be had for; null when nobody offers it.
    price_from: Option<Money>,
    in_stock: bool,
    variants: Vec<Variant>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// Where a product stands in the tree of categories.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CategoryName {
    id: String,
    slug: String,
    title: String,
    /// Slugs from the root to the parent.
    ancestors: Vec<String>,
}

/// A picture with its smaller forms.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Picture {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    url: String,
    width: u32,
    height: u32,
    thumbnails: Thumbnails,
}

/// Smaller forms of a picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Thumbnails {
    small: String,
    medium: String,
    large: String,
}

impl From<value::Picture> for Picture {
    fn from(picture: value::Picture) -> Self {
        Self {
            id: some(picture.file_id),
            url: picture.url,
            width: picture.width,
            height: picture.height,
            thumbnails: Thumbnails {
                small: picture.small_url,
                medium: picture.medium_url,
                large: picture.large_url,
            },
        }
    }
}

impl Picture {
    /// Where it is and where its smaller forms are.
    pub(crate) fn into_urls(self) -> (String, Thumbnails) {
        (self.url, self.thumbnails)
    }
}

/// What buyers think of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rating {
    /// 1 to 5; 0 when nobody has rated it.
    average: f64,
    count: u32,
}

impl Rating {
    pub(crate) fn new(average: f64, count: u32) -> Self {
        Self { average, count }
    }
}

/// One form of a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Variant {
    id: String,
    sku: String,
    options: BTreeMap<String, String>,
    offers: Vec<Offer>,
}

/// A merchant's terms for a variant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Offer {
    id: String,
    merchant: Seller,
    price: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    compare_at_price: Option<Money>,
    in_stock: bool,
    /// None is there, and it can be ordered all the same: it is sent as soon as there are some.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    backorder: bool,
    /// Lower prices of larger quantities, by quantity.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    price_tiers: Vec<PriceTier>,
}

/// From so many pieces on, each costs so much.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PriceTier {
    from: u32,
    price: Money,
}

impl From<order::PriceTier> for PriceTier {
    fn from(tier: order::PriceTier) -> Self {
        Self { from: tier.from_quantity, price: Money::of(tier.price) }
    }
}

impl From<order::Offer> for Offer {
    fn from(offer: order::Offer) -> Self {
        Self {
            id: offer.id,
            merchant: Seller { id: offer.merchant_id, name: offer.merchant_name },
            price: Money::of(offer.price),
            compare_at_price: offer.compare_at_price.map(Money::from),
            in_stock: offer.available > 0,
            backorder: offer.available <= 0 && offer.available + offer.backorder_limit > 0,
            price_tiers: offer.price_tiers.into_iter().map(PriceTier::from).collect(),
        }
    }
}

/// The name of a category in one language.
pub(crate) fn category(category: pb::CategoryRef, locale: Locale) -> CategoryName {
    CategoryName {
        id: category.id,
        slug: category.slug,
        title: locale.pick(category.title),
        ancestors: category.ancestors,
    }
}

fn view(product: pb::Product, offers: Option<Vec<order::Offer>>, locale: Locale) -> Product {
    // Without the order service, what it said last.
    let mut price_from = (product.price_from > 0).then(|| Money::uzs(product.price_from));
    let mut in_stock = product.in_stock;
    let mut by_variant: HashMap<String, Vec<Offer>> = HashMap::new();
    if let Some(offers) = offers {
        in_stock = offers.iter().any(|offer| offer.available > 0);
        let best = |offer: &&order::Offer| {
            let price = offer.price.as_ref().map_or(i64::MAX, |price| price.amount);
            (offer.available <= 0, price)
        };
        let cheapest = offers.iter().min_by_key(best).and_then(|offer| offer.price.clone());
        price_from = cheapest.map(Money::from);
        for offer in offers {
            by_variant.entry(offer.variant_id.clone()).or_default().push(offer.into());
        }
    }
    let variant = |variant: pb::Variant| Variant {
        offers: by_variant.remove(&variant.id).unwrap_or_default(),
        id: variant.id,
        sku: variant.sku,
        options: variant.options,
    };
    Product {
        variants: product.variants.into_iter().map(variant).collect(),
        id: product.id,
        slug: product.slug,
        title: locale.pick(product.title),
        description: locale.pick(product.description),
        category: product.category.map(|name| category(name, locale)),
        brand: some(product.brand),
        media: product.media.into_iter().map(Picture::from).collect(),
        attributes: product.attributes,
        rating: Rating::new(product.rating_average, product.rating_count),
        price_from,
        in_stock,
        created_at: at(product.created_at_ms),
    }
}

/// Products with their offers, asked for in one call; without offers when the order service is away.
pub(crate) async fn with_offers(
    app: &App,
    products: Vec<pb::Product>,
) -> Result<Vec<Product>, Problem> {
    const PATIENCE: Duration = Duration::from_secs(2);
    let locale = locale();
    if products.is_empty() {
        return Ok(Vec::new());
    }
    let product_ids = products.iter().map(|product| product.id.clone()).collect();
    let request = order::ListOffersRequest { product_ids, ..Default::default() };
    let context = Context::current().within(PATIENCE);
    let offers = context.scope(app.mesh.order().list_offers(request)).await;
    let mut by_product = match offers.map_err(Fault::from) {
        Ok(answer) => {
            let mut by_product: HashMap<String, Vec<order::Offer>> = HashMap::new();
            for offer in answer.into_inner().offers {
                by_product.entry(offer.product_id.clone()).or_default().push(offer);
            }
            Some(by_product)
        }
        Err(fault) if matches!(fault.code, Code::Unavailable | Code::Timeout | Code::Internal) => {
            tracing::warn!(reason = %fault.reason, "products are shown without offers");
            None
        }
        Err(fault) => return Err(fault.into()),
    };
    let view = |product: pb::Product| {
        let offers = by_product.as_mut().map(|map| map.remove(&product.id).unwrap_or_default());
        view(product, offers, locale)
    };
    Ok(products.into_iter().map(view).collect())
}

/// Products, newest first unless sorted otherwise.
#[utoipa::path(get, path = "/v1/store/products", tag = "catalogue",
    params(
        ("category" = Option<String>, Query, description = "Slug or id; includes everything below it"),
        ("brand" = Option<String>, Query),
        ("merchant" = Option<String>, Query, description = "Id of a merchant that offers it"),
        ("price_gte" = Option<i64>, Query, description = "Tiyin"),
        ("price_lte" = Option<i64>, Query, description = "Tiyin"),
        ("in_stock" = Option<bool>, Query),
        ("attr.<name>" = Option<String>, Query, description = "Value of an attribute"),
        ("sort" = Option<String>, Query, description = "-created_at, price, -price, rating or popularity"),
        ("limit" = Option<u32>, Query, description = "1 to 100, 20 by default"),
        ("after" = Option<String>, Query, description = "`meta.next` of the page before"),
        ("count" = Option<String>, Query, description = "exact or estimated: adds `meta.count`"),
    ),
    responses((status = 200, body = List<Product>)))]
async fn list(State(app): State<App>, params: Params) -> Answer<List<Product>> {
    let request = pb::ListProductsRequest {
        page: Some(params.page()?),
        filter: Some(params.filter()?),
        sort: params.sort()?.into(),
    };
    let answer = app.mesh.product().list_products(request).await?.into_inner();
    let data = with_offers(&app, answer.products).await?;
    Ok(Json(List { data, meta: answer.page.into() }))
}

/// A product by id or slug.
#[utoipa::path(get, path = "/v1/store/products/{id}", tag = "catalogue", responses((status = 200, body = Product)))]
async fn read(State(app): State<App>, Path(id): Path<String>) -> Answer<Product> {
    let request = pb::GetProductRequest { id_or_slug: id };
    let answer = app.mesh.product().get_product(request).await?.into_inner();
    let product = answer.product.into_iter().collect();
    let product = with_offers(&app, product).await?.pop();
    Ok(Json(product.ok_or_else(|| Problem(Fault::not_found("PRODUCT")))?))
}
