//! The services behind the pages, as far as pages see them: the demo catalogue, carts, orders and accounts in memory.
use std::sync::{Arc, MutexGuard};

use mesh::{Context, Role};
use proto::{
    order as orders,
    product::{self as products, product_service_server::ProductService},
    search::{self as searches, search_service_server::SearchService},
    value::PageInfo,
};
use testkit::{Lab, RunningLab, Wiring};
use tonic::{Request, Response, Status};

#[path = "accounts.rs"]
pub(crate) mod accounts;
#[path = "buying.rs"]
pub(crate) mod buying;
#[path = "ordering.rs"]
pub(crate) mod ordering;
#[path = "world.rs"]
pub(crate) mod world;

use world::{State, World};

pub(crate) type Answer<T> = Result<Response<T>, Status>;

/// One fake for all services.
#[derive(Clone)]
pub(crate) struct Fake(pub(crate) Arc<World>, pub(crate) Arc<accounts::Keys>);

impl Fake {
    pub(crate) fn new(hostile: bool) -> Self {
        Self(Arc::new(World::load(hostile)), Arc::new(accounts::Keys::new()))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    pub(crate) fn up(&self, service: &str) -> Result<(), Status> {
        if self.0.is_away(service) { Err(Status::unavailable("away")) } else { Ok(()) }
    }

    /// Notes a call with who made it and in which language.
    pub(crate) fn note(&self, what: &str) {
        let context = Context::current();
        let user = context.caller.user.map_or_else(|| "guest".to_owned(), |_| "user".to_owned());
        self.state().calls.push(format!("{user} {} {what}", context.locale));
    }

    /// A platform of fakes.
    pub(crate) async fn lab(&self, wiring: Wiring) -> RunningLab {
        let mut lab = Lab::new(wiring);
        for role in
            [Role::Product, Role::Order, Role::Search, Role::Cart, Role::Payment, Role::Auth]
        {
            let fake = self.clone();
            lab = lab.role(role, move |host, _, _| {
                Box::pin(async move {
                    match role {
                        Role::Product => host.grpc(
                            role,
                            products::product_service_server::ProductServiceServer::new(fake),
                        ),
                        Role::Search => host.grpc(
                            role,
                            searches::search_service_server::SearchServiceServer::new(fake),
                        ),
                        Role::Order => host.grpc(
                            role,
                            orders::order_service_server::OrderServiceServer::new(fake),
                        ),
                        Role::Cart => host.grpc(
                            role,
                            proto::cart::cart_service_server::CartServiceServer::new(fake),
                        ),
                        Role::Payment => host.grpc(
                            role,
                            proto::payment::payment_service_server::PaymentServiceServer::new(fake),
                        ),
                        _ => host.grpc(
                            role,
                            proto::auth::auth_service_server::AuthServiceServer::new(fake),
                        ),
                    }
                    Ok(())
                })
            });
        }
        lab.start().await
    }
}

/// A page of a list; the cursor is the number of what came before.
fn page<T: Clone>(all: &[T], request: Option<&proto::value::PageRequest>) -> (Vec<T>, PageInfo) {
    let request = request.cloned().unwrap_or_default();
    let from: usize = request.after.parse().unwrap_or(0);
    let limit = usize::try_from(request.limit.max(1)).unwrap();
    let next = if from + limit < all.len() { (from + limit).to_string() } else { String::new() };
    let count = request.count.then_some(all.len() as u64);
    (all.iter().skip(from).take(limit).cloned().collect(), PageInfo { next, count })
}

impl Fake {
    fn filtered(&self, filter: Option<&products::ProductFilter>) -> Vec<products::Product> {
        let filter = filter.cloned().unwrap_or_default();
        let all = self.0.products.iter();
        all.filter(|product| World::within(product, &filter.category))
            .filter(|product| filter.brand.is_empty() || product.brand == filter.brand)
            .filter(|product| filter.price_gte.is_none_or(|least| product.price_from >= least))
            .filter(|product| filter.price_lte.is_none_or(|most| product.price_from <= most))
            .filter(|product| {
                filter
                    .attributes
                    .iter()
                    .all(|(name, value)| product.attributes.get(name) == Some(value))
            })
            .cloned()
            .collect()
    }
}

#[tonic::async_trait]
impl ProductService for Fake {
    async fn list_products(
        &self,
        request: Request<products::ListProductsRequest>,
    ) -> Answer<products::ListProductsResponse> {
        self.up("product")?;
        let request = request.into_inner();
        let mut all = self.filtered(request.filter.as_ref());
        match request.sort() {
            products::ProductSort::Newest => all.reverse(),
            products::ProductSort::Price => all.sort_by_key(|product| product.price_from),
            products::ProductSort::PriceDesc => all.sort_by_key(|product| -product.price_from),
            // A stride through the catalogue, so that the first page shows many kinds.
            products::ProductSort::Popularity
                if request.filter.is_none_or(|filter| filter.category.is_empty()) =>
            {
                let count = all.len();
                all = (0..count).map(|index| all[(index * 19) % count].clone()).collect();
            }
            _ => {}
        }
        let (products, info) = page(&all, request.page.as_ref());
        Ok(Response::new(products::ListProductsResponse { products, page: Some(info) }))
    }

    async fn get_product(
        &self,
        request: Request<products::GetProductRequest>,
    ) -> Answer<products::GetProductResponse> {
        self.up("product")?;
        let name = request.into_inner().id_or_slug;
        let found =
            self.0.products.iter().find(|product| product.slug == name || product.id == name);
        let product =
            found.cloned().ok_or_else(|| Status::from(fault::Fault::not_found("PRODUCT")))?;
        Ok(Response::new(products::GetProductResponse { product: Some(product) }))
    }

    async fn batch_get_products(
        &self,
        request: Request<products::BatchGetProductsRequest>,
    ) -> Answer<products::BatchGetProductsResponse> {
        self.up("product")?;
        let ids = request.into_inner().ids;
        let find = |id: &String| self.0.products.iter().find(|product| product.id == *id).cloned();
        Ok(Response::new(products::BatchGetProductsResponse {
            products: ids.iter().filter_map(find).collect(),
        }))
    }

    async fn list_categories(
        &self,
        _: Request<products::ListCategoriesRequest>,
    ) -> Answer<products::ListCategoriesResponse> {
        self.up("product")?;
        Ok(Response::new(products::ListCategoriesResponse {
            categories: self.0.categories.clone(),
        }))
    }

    async fn list_reviews(
        &self,
        request: Request<products::ListReviewsRequest>,
    ) -> Answer<products::ListReviewsResponse> {
        let id = request.into_inner().product_id;
        let reviews =
            self.0.reviews.iter().filter(|review| review.product_id == id).cloned().collect();
        Ok(Response::new(products::ListReviewsResponse { reviews, page: None }))
    }
}

#[tonic::async_trait]
impl SearchService for Fake {
    async fn search(
        &self,
        request: Request<searches::SearchRequest>,
    ) -> Answer<searches::SearchResponse> {
        self.up("search")?;
        let request = request.into_inner();
        let corrected =
            if request.query == "chaynak" { "choyna".to_owned() } else { String::new() };
        let query =
            if corrected.is_empty() { request.query.to_lowercase() } else { corrected.clone() };
        let mut found = self.filtered(request.filter.as_ref());
        found.retain(|product| {
            let title = product.title.clone().unwrap_or_default();
            format!("{} {} {}", title.uz, title.ru, title.en).to_lowercase().contains(&query)
        });
        let count = |name: &str, values: Vec<String>| {
            let mut counts = std::collections::BTreeMap::<String, u64>::new();
            for value in values {
                *counts.entry(value).or_default() += 1;
            }
            let values = counts
                .into_iter()
                .map(|(value, count)| searches::FacetValue { value, count })
                .collect();
            searches::Facet { name: name.to_owned(), values }
        };
        let attribute = |name: &str| {
            found.iter().filter_map(|product| product.attributes.get(name).cloned()).collect()
        };
        let facets = vec![
            count(
                "category",
                found
                    .iter()
                    .map(|product| product.category.clone().unwrap_or_default().slug)
                    .collect(),
            ),
            count("brand", found.iter().map(|product| product.brand.clone()).collect()),
            count("attr.material", attribute("material")),
            count("attr.color", attribute("color")),
        ];
        let (found, info) = page(&found, request.page.as_ref());
        Ok(Response::new(searches::SearchResponse {
            product_ids: found.into_iter().map(|product| product.id).collect(),
            page: Some(info),
            facets,
            corrected_query: corrected,
        }))
    }
}
