//! A product service with a shelf of lamps.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use ids::ProductId;
use proto::{
    product::{
        self as pb, product_service_server::ProductService,
        product_service_server::ProductServiceServer,
    },
    value,
};
use tonic::{Request, Response, Status};

/// What it holds. Clones share it.
#[derive(Clone)]
pub(crate) struct Shelf {
    products: Arc<Mutex<Vec<pb::Product>>>,
    failures: Arc<AtomicU32>,
    first_page_only: Arc<AtomicBool>,
}

impl Shelf {
    /// So many lamps, and a draft that nobody may see.
    pub(crate) fn new(lamps: usize) -> Self {
        let mut products: Vec<pb::Product> = (0..lamps)
            .map(|lamp| product(&ProductId::new().to_string(), &format!("Lampa {lamp}"), 1))
            .collect();
        let mut draft = product(&ProductId::new().to_string(), "Lampa qoralama", 1);
        draft.status = pb::ProductStatus::Draft.into();
        products.insert(0, draft);
        Self { products: Arc::new(Mutex::new(products)), ..Self::empty() }
    }

    /// Products that may be seen.
    pub(crate) fn active(&self) -> u64 {
        self.products.lock().unwrap().len() as u64 - 1
    }

    /// Lets the next calls fail.
    pub(crate) fn fail_calls(&self, count: u32) {
        self.failures.store(count, Ordering::SeqCst);
    }

    fn empty() -> Self {
        Self { products: Arc::default(), failures: Arc::default(), first_page_only: Arc::default() }
    }

    /// Lets all calls for later pages fail.
    pub(crate) fn fail_after_the_first_page(&self) {
        self.first_page_only.store(true, Ordering::SeqCst);
    }

    /// Takes all lamps off but so many.
    pub(crate) fn keep(&self, lamps: usize) {
        self.products.lock().unwrap().truncate(lamps + 1);
    }

    /// The service over it.
    pub(crate) fn service(self) -> ProductServiceServer<Self> {
        ProductServiceServer::new(self)
    }
}

/// An active product.
pub(crate) fn product(id: &str, title: &str, version: i64) -> pb::Product {
    let text = |uz: &str| Some(value::LocalizedText { uz: uz.to_owned(), ..Default::default() });
    pb::Product {
        id: id.to_owned(),
        title: text(title),
        category: Some(pb::CategoryRef {
            id: "cat_1".to_owned(),
            slug: "lamps".to_owned(),
            title: text("Lampalar"),
            ancestors: Vec::new(),
        }),
        brand: "Yulduz".to_owned(),
        attributes: [("color".to_owned(), "oq".to_owned())].into(),
        status: pb::ProductStatus::Active.into(),
        version,
        price_from: 100_000,
        in_stock: true,
        ..Default::default()
    }
}

macro_rules! not_here {
    ($($method:ident, $request:ident, $response:ident;)+) => {
        #[tonic::async_trait]
        impl ProductService for Shelf {
            async fn list_products(
                &self,
                request: Request<pb::ListProductsRequest>,
            ) -> Result<Response<pb::ListProductsResponse>, Status> {
                list(self, request.into_inner())
            }
            $(
                async fn $method(&self, _: Request<pb::$request>) -> Result<Response<pb::$response>, Status> {
                    Err(Status::unimplemented("not on this shelf"))
                }
            )+
        }
    };
}

fn list(
    shelf: &Shelf,
    request: pb::ListProductsRequest,
) -> Result<Response<pb::ListProductsResponse>, Status> {
    mesh::Context::caller().require_service()?;
    if shelf
        .failures
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        .is_ok()
    {
        return Err(Status::unavailable("away"));
    }
    let page = request.page.unwrap_or_default();
    let from: usize = page.after.parse().unwrap_or(0);
    if from > 0 && shelf.first_page_only.load(Ordering::SeqCst) {
        return Err(Status::unavailable("away"));
    }
    let to = from + page.limit as usize;
    let products = shelf.products.lock().unwrap().clone();
    let next = if to < products.len() { to.to_string() } else { String::new() };
    let products = products.iter().skip(from).take(page.limit as usize).cloned().collect();
    let count = page.count.then_some(shelf.active() + 1);
    let page = Some(value::PageInfo { next, count });
    Ok(Response::new(pb::ListProductsResponse { products, page }))
}

not_here! {
    create_product, CreateProductRequest, CreateProductResponse;
    update_product, UpdateProductRequest, UpdateProductResponse;
    delete_product, DeleteProductRequest, DeleteProductResponse;
    get_product, GetProductRequest, GetProductResponse;
    batch_get_products, BatchGetProductsRequest, BatchGetProductsResponse;
    list_categories, ListCategoriesRequest, ListCategoriesResponse;
    put_category, PutCategoryRequest, PutCategoryResponse;
    list_reviews, ListReviewsRequest, ListReviewsResponse;
    put_review, PutReviewRequest, PutReviewResponse;
    delete_review, DeleteReviewRequest, DeleteReviewResponse;
    import_products, ImportProductsRequest, ImportProductsResponse;
    get_job, GetJobRequest, GetJobResponse;
}
