//! The merchant's own products, in all languages and with all terms.

use std::collections::{BTreeMap, HashMap};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use clock::Timestamp;
use fault::{Code, Fault, Field};
use ids::kind;
use proto::{order, product as pb, value};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

mod input;

use input::{ChangeProduct, NewProduct, media};

use super::offers::OwnOffer;
use crate::{
    app::App,
    body::Body,
    params::{Params, named},
    problem::{Problem, refuse},
    reply::{Answer, List, Localised, Money, at, locale, name, some},
    routes::store::products::{CategoryName, Picture, Rating, category},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read, update, remove))
}

/// A product as its merchant sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnProduct {
    id: String,
    slug: String,
    title: Localised,
    description: Localised,
    category: Option<CategoryName>,
    brand: Option<String>,
    media: Vec<Picture>,
    attributes: BTreeMap<String, String>,
    /// `draft`, `active` or `archived`.
    status: String,
    fiscal: Option<Fiscal>,
    rating: Rating,
    price_from: Option<Money>,
    in_stock: bool,
    variants: Vec<OwnVariant>,
    /// Name it in `If-Match` when you change the product.
    version: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// What tax law wants to know.
#[derive(Debug, Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fiscal {
    /// MXIK code, 17 digits.
    mxik: String,
    package_code: String,
    vat_percent: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit_code: Option<String>,
}

impl From<value::Fiscal> for Fiscal {
    fn from(fiscal: value::Fiscal) -> Self {
        Self {
            mxik: fiscal.mxik,
            package_code: fiscal.package_code,
            vat_percent: fiscal.vat_percent,
            unit_code: some(fiscal.unit_code),
        }
    }
}

impl From<Fiscal> for value::Fiscal {
    fn from(fiscal: Fiscal) -> Self {
        Self {
            mxik: fiscal.mxik,
            package_code: fiscal.package_code,
            vat_percent: fiscal.vat_percent,
            unit_code: fiscal.unit_code.unwrap_or_default(),
        }
    }
}

/// One form of a product, with the merchant's own terms.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnVariant {
    id: String,
    sku: String,
    options: BTreeMap<String, String>,
    barcode: Option<String>,
    offers: Vec<OwnOffer>,
}

fn view(product: pb::Product, offers: Vec<order::Offer>) -> OwnProduct {
    let status = name(product.status().as_str_name(), "PRODUCT_STATUS_");
    let mut by_variant: HashMap<String, Vec<OwnOffer>> = HashMap::new();
    let price_from = offers
        .iter()
        .filter(|offer| offer.active)
        .filter_map(|offer| offer.price.clone())
        .min_by_key(|price| price.amount);
    let in_stock = offers.iter().any(|offer| offer.active && offer.available > 0);
    for offer in offers {
        by_variant.entry(offer.variant_id.clone()).or_default().push(offer.into());
    }
    let variant = |variant: pb::Variant| OwnVariant {
        offers: by_variant.remove(&variant.id).unwrap_or_default(),
        id: variant.id,
        sku: variant.sku,
        options: variant.options,
        barcode: some(variant.barcode),
    };
    OwnProduct {
        variants: product.variants.into_iter().map(variant).collect(),
        id: product.id,
        slug: product.slug,
        title: product.title.into(),
        description: product.description.into(),
        category: product.category.map(|of| category(of, locale())),
        brand: some(product.brand),
        media: product.media.into_iter().map(Picture::from).collect(),
        attributes: product.attributes,
        status,
        fiscal: product.fiscal.map(Fiscal::from),
        rating: Rating::new(product.rating_average, product.rating_count),
        price_from: price_from.map(Money::from),
        in_stock,
        version: product.version,
        created_at: at(product.created_at_ms),
        updated_at: at(product.updated_at_ms),
    }
}

/// The caller's merchant's offers of these products, by product.
pub(super) async fn own_offers(
    app: &App,
    products: &[pb::Product],
) -> Result<HashMap<String, Vec<order::Offer>>, Problem> {
    let mut by_product: HashMap<String, Vec<order::Offer>> = HashMap::new();
    if products.is_empty() {
        return Ok(by_product);
    }
    let product_ids = products.iter().map(|product| product.id.clone()).collect();
    let request = order::ListOffersRequest { product_ids, own: true, ..Default::default() };
    for offer in app.mesh.order().list_offers(request).await?.into_inner().offers {
        by_product.entry(offer.product_id.clone()).or_default().push(offer);
    }
    Ok(by_product)
}

/// A page of the own products, in every status.
pub(super) async fn own_page(
    app: &App,
    params: Option<&Params>,
    page: value::PageRequest,
) -> Result<pb::ListProductsResponse, Problem> {
    let filter = params.map(Params::filter).transpose()?.unwrap_or_default();
    let sort = params.map(Params::sort).transpose()?.unwrap_or_default();
    let filter = pb::ProductFilter { own: true, ..filter };
    let request =
        pb::ListProductsRequest { page: Some(page), filter: Some(filter), sort: sort.into() };
    Ok(app.mesh.product().list_products(request).await?.into_inner())
}

/// The own products, in every status.
#[utoipa::path(get, path = "/v1/merchant/products", tag = "merchant catalogue",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query), ("count" = Option<String>, Query)),
    responses((status = 200, body = List<OwnProduct>)))]
async fn list(State(app): State<App>, params: Params) -> Answer<List<OwnProduct>> {
    let answer = own_page(&app, Some(&params), params.page()?).await?;
    let mut offers = own_offers(&app, &answer.products).await?;
    Ok(List::new(answer.products, answer.page, |product| {
        let offers = offers.remove(&product.id).unwrap_or_default();
        view(product, offers)
    }))
}

/// Makes a product with its variants and offers.
#[utoipa::path(post, path = "/v1/merchant/products", tag = "merchant catalogue", request_body = NewProduct, responses((status = 201, body = OwnProduct)))]
async fn create(State(app): State<App>, Body(body): Body<NewProduct>) -> Result<Response, Problem> {
    let pictures = media(&app, &body.media).await?;
    let product = Some(body.draft(pictures));
    let request = pb::CreateProductRequest { product, merchant_id: String::new() };
    let answer = app.mesh.product().create_product(request).await?.into_inner();
    let product = view(answer.product.unwrap_or_default(), answer.offers);
    Ok((StatusCode::CREATED, tagged(product)).into_response())
}

fn tagged(product: OwnProduct) -> impl axum::response::IntoResponse {
    ([(header::ETAG, format!("\"{}\"", product.version))], Json(product))
}

/// An own product.
#[utoipa::path(get, path = "/v1/merchant/products/{id}", tag = "merchant catalogue", responses((status = 200, body = OwnProduct)))]
async fn read(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let product = own(&app, named::<kind::Product>(id, "PRODUCT")?).await?;
    let mut offers = own_offers(&app, std::slice::from_ref(&product)).await?;
    let offers = offers.remove(&product.id).unwrap_or_default();
    Ok(tagged(view(product, offers)).into_response())
}

/// A product that the caller's merchant owns; another merchant's is not found here.
async fn own(app: &App, id: String) -> Result<pb::Product, Problem> {
    let merchant = mesh::Context::caller().require_merchant(mesh::StaffRole::Viewer)?;
    let request = pb::GetProductRequest { id_or_slug: id };
    let answer = app.mesh.product().get_product(request).await?.into_inner();
    answer
        .product
        .filter(|product| product.merchant_id == merchant.to_string())
        .ok_or_else(|| Fault::not_found("PRODUCT").into())
}

/// Changes the fields that are given. With `If-Match`, only the version named there.
#[utoipa::path(patch, path = "/v1/merchant/products/{id}", tag = "merchant catalogue", request_body = ChangeProduct, responses((status = 200, body = OwnProduct)))]
async fn update(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<ChangeProduct>,
) -> Result<Response, Problem> {
    let id = named::<kind::Product>(id, "PRODUCT")?;
    let expected_version = expected_version(&headers)?;
    let pictures = match &body.media {
        Some(files) => media(&app, files).await?,
        None => Vec::new(),
    };
    let (product, fields) = body.draft(pictures);
    let request = pb::UpdateProductRequest { id, product: Some(product), fields, expected_version };
    let answer = app.mesh.product().update_product(request).await?.into_inner();
    let product = answer.product.unwrap_or_default();
    let mut offers = own_offers(&app, std::slice::from_ref(&product)).await?;
    let offers = offers.remove(&product.id).filter(|offers| !offers.is_empty());
    Ok(tagged(view(product, offers.unwrap_or(answer.offers))).into_response())
}

/// The version in `If-Match`; 0 without one.
fn expected_version(headers: &HeaderMap) -> Result<i64, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(0) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(0);
    }
    let bare = text.trim_start_matches("W/").trim_matches('"');
    bare.parse().ok().filter(|version| *version > 0).ok_or_else(|| {
        let message = "If-Match names no version of this";
        refuse(Code::Precondition, "VERSION_MISMATCH", message)
    })
}

/// Takes a product out of the shop. Orders keep what they say of it.
#[utoipa::path(delete, path = "/v1/merchant/products/{id}", tag = "merchant catalogue", responses((status = 204)))]
async fn remove(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = named::<kind::Product>(id, "PRODUCT")?;
    app.mesh.product().delete_product(pb::DeleteProductRequest { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn no_such_file(index: usize) -> Field {
    Field::new(format!("media[{index}]"), "FILE_NOT_FOUND", "no such file of yours")
}
