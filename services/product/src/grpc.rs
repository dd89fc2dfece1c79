//! The service on the wire: decode, act, encode. No rules here.

use mesh::{Context, Link};
use proto::{
    event::{self as events, event_service_server::EventService},
    order::order_service_client::OrderServiceClient,
    product::{self as pb, product_service_server::ProductService},
};
use tonic::{Request, Response, Status};

mod convert;
mod events_out;
mod offers;
mod read;

use crate::{
    domain::{OfferState, Product},
    error::Error,
    service::{Catalogue, Filter, NewReview, Saved},
    store::ReviewsOf,
};
use convert::{cursors, id};
pub use events_out::encode;

type Answer<T> = Result<Response<T>, Status>;

/// The service as tonic sees it.
#[derive(Clone)]
pub(crate) struct Api {
    catalogue: Catalogue,
    orders: OrderServiceClient<Link>,
}

impl Api {
    pub(crate) fn new(catalogue: Catalogue, orders: OrderServiceClient<Link>) -> Self {
        Self { catalogue, orders }
    }

    /// Sends a product's offers on to the order service. When that is away, the event carries them later.
    async fn with_offers(&self, saved: Saved) -> (pb::Product, Vec<proto::order::Offer>) {
        let drafts = offers::drafts(&saved.product, &saved.offers);
        let product = convert::product(saved.product, Some(saved.category));
        let offers = offers::put(&self.orders, product.clone(), drafts).await;
        (product, offers)
    }
}

#[tonic::async_trait]
impl ProductService for Api {
    async fn create_product(
        &self,
        request: Request<pb::CreateProductRequest>,
    ) -> Answer<pb::CreateProductResponse> {
        let request = request.into_inner();
        let draft = read::draft(request.product.unwrap_or_default());
        let caller = Context::caller();
        let saved = self.catalogue.create(&caller, &request.merchant_id, draft).await?;
        let (product, offers) = self.with_offers(saved).await;
        Ok(Response::new(pb::CreateProductResponse { product: Some(product), offers }))
    }

    async fn update_product(
        &self,
        request: Request<pb::UpdateProductRequest>,
    ) -> Answer<pb::UpdateProductResponse> {
        let request = request.into_inner();
        let product = id(&request.id).ok_or(Error::ProductNotFound)?;
        let fields = read::fields(&request.fields)?;
        let draft = read::draft(request.product.unwrap_or_default());
        let change = (&draft, fields.as_slice());
        let expected = request.expected_version;
        let saved = self.catalogue.update(&Context::caller(), product, change, expected).await?;
        let (product, offers) = self.with_offers(saved).await;
        Ok(Response::new(pb::UpdateProductResponse { product: Some(product), offers }))
    }

    async fn delete_product(
        &self,
        request: Request<pb::DeleteProductRequest>,
    ) -> Answer<pb::DeleteProductResponse> {
        let product = id(&request.into_inner().id).ok_or(Error::ProductNotFound)?;
        self.catalogue.delete(&Context::caller(), product).await?;
        Ok(Response::new(pb::DeleteProductResponse {}))
    }

    async fn get_product(
        &self,
        request: Request<pb::GetProductRequest>,
    ) -> Answer<pb::GetProductResponse> {
        let name = request.into_inner().id_or_slug;
        let product = self.catalogue.get(&Context::caller(), &name).await?;
        let product = self.shown(vec![product]).await?.pop();
        Ok(Response::new(pb::GetProductResponse { product }))
    }

    async fn batch_get_products(
        &self,
        request: Request<pb::BatchGetProductsRequest>,
    ) -> Answer<pb::BatchGetProductsResponse> {
        let ids = request.into_inner().ids;
        if ids.len() > 100 {
            return Err(Error::field("ids", "TOO_MANY", "at most 100").into());
        }
        let ids: Vec<_> = ids.iter().filter_map(|text| id(text)).collect();
        let products = self.catalogue.batch(&Context::caller(), &ids).await?;
        let products = self.shown(products).await?;
        Ok(Response::new(pb::BatchGetProductsResponse { products }))
    }

    async fn list_products(
        &self,
        request: Request<pb::ListProductsRequest>,
    ) -> Answer<pb::ListProductsResponse> {
        let request = request.into_inner();
        let sort = read::sort(request.sort());
        let page = request.page.unwrap_or_default();
        let filter = request.filter.unwrap_or_default();
        let filter = Filter {
            own: filter.own,
            category: filter.category,
            brand: filter.brand,
            seller: filter.seller_id,
            price_gte: filter.price_gte,
            price_lte: filter.price_lte,
            in_stock: filter.in_stock,
            attributes: filter.attributes,
            sort,
            after: cursors::parse_product(sort, &page.after)?,
            limit: read::limit(&page),
            count: page.count,
        };
        let page = self.catalogue.list(&Context::caller(), filter).await?;
        let next = page.next.map(|after| cursors::product(sort, after)).unwrap_or_default();
        let info = Some(proto::value::PageInfo { next, count: page.count });
        let products = self.shown(page.products).await?;
        Ok(Response::new(pb::ListProductsResponse { products, page: info }))
    }

    async fn list_categories(
        &self,
        _: Request<pb::ListCategoriesRequest>,
    ) -> Answer<pb::ListCategoriesResponse> {
        let (tree, counts) = self.catalogue.categories().await?;
        let category = |it| convert::category(it, &tree, counts.get(&it.id).copied());
        let categories = tree.list().iter().map(category).collect();
        Ok(Response::new(pb::ListCategoriesResponse { categories }))
    }

    async fn put_category(
        &self,
        request: Request<pb::PutCategoryRequest>,
    ) -> Answer<pb::PutCategoryResponse> {
        let category = request.into_inner().category.unwrap_or_default();
        let parent = category.parent.clone();
        let category = read::category(category);
        let caller = Context::caller();
        let (category, tree) = self.catalogue.put_category(&caller, category, &parent).await?;
        let (_, counts) = self.catalogue.categories().await?;
        let count = counts.get(&category.id).copied();
        let category = Some(convert::category(&category, &tree, count));
        Ok(Response::new(pb::PutCategoryResponse { category }))
    }

    async fn list_reviews(
        &self,
        request: Request<pb::ListReviewsRequest>,
    ) -> Answer<pb::ListReviewsResponse> {
        let request = request.into_inner();
        let of = match (request.product_id.as_str(), request.user_id.as_str()) {
            (product, "") if !product.is_empty() => {
                ReviewsOf::Product(id(product).ok_or(Error::ProductNotFound)?)
            }
            ("", user) if !user.is_empty() => {
                let unknown = || Error::field("user_id", "INVALID", "not the id of a user");
                ReviewsOf::User(id(user).ok_or_else(unknown)?)
            }
            _ => {
                let message = "either a product or a user";
                return Err(Error::field("product_id", "REQUIRED", message).into());
            }
        };
        let page = request.page.unwrap_or_default();
        let (after, limit) = (cursors::parse_review(&page.after)?, read::limit(&page));
        let caller = Context::caller();
        let page = self.catalogue.reviews(&caller, of, after, (limit, page.count)).await?;
        let next = page.reviews.last().filter(|_| page.more).map(cursors::review);
        let info = proto::value::PageInfo { next: next.unwrap_or_default(), count: page.count };
        let reviews = page.reviews.into_iter().map(convert::review).collect();
        Ok(Response::new(pb::ListReviewsResponse { reviews, page: Some(info) }))
    }

    async fn put_review(
        &self,
        request: Request<pb::PutReviewRequest>,
    ) -> Answer<pb::PutReviewResponse> {
        let request = request.into_inner();
        let new = NewReview {
            product: id(&request.product_id).ok_or(Error::ProductNotFound)?,
            rating: request.rating,
            text: request.text,
            author: request.author,
            user: request.user_id,
        };
        let review = self.catalogue.put_review(&Context::caller(), new).await?;
        Ok(Response::new(pb::PutReviewResponse { review: Some(convert::review(review)) }))
    }

    async fn delete_review(
        &self,
        request: Request<pb::DeleteReviewRequest>,
    ) -> Answer<pb::DeleteReviewResponse> {
        let review = id(&request.into_inner().id).ok_or(Error::ReviewNotFound)?;
        self.catalogue.delete_review(&Context::caller(), review).await?;
        Ok(Response::new(pb::DeleteReviewResponse {}))
    }

    async fn import_products(
        &self,
        request: Request<pb::ImportProductsRequest>,
    ) -> Answer<pb::ImportProductsResponse> {
        let csv = request.into_inner().csv;
        let job = self.catalogue.start_import(&Context::caller(), &csv).await?;
        Ok(Response::new(pb::ImportProductsResponse { job: Some(convert::job(job)) }))
    }

    async fn get_job(&self, request: Request<pb::GetJobRequest>) -> Answer<pb::GetJobResponse> {
        let job = id(&request.into_inner().id).ok_or(Error::JobNotFound)?;
        let job = self.catalogue.job(&Context::caller(), job).await?;
        Ok(Response::new(pb::GetJobResponse { job: Some(convert::job(job)) }))
    }
}

impl Api {
    /// Products with their categories.
    async fn shown(&self, products: Vec<Product>) -> Result<Vec<pb::Product>, Error> {
        let tree = self.catalogue.tree_of(&products).await?;
        let product = |it: Product| {
            let category = tree.reference(it.category);
            convert::product(it, category)
        };
        Ok(products.into_iter().map(product).collect())
    }
}

#[tonic::async_trait]
impl EventService for Api {
    async fn deliver(
        &self,
        request: Request<events::DeliverRequest>,
    ) -> Answer<events::DeliverResponse> {
        Context::caller().require_service()?;
        let apply = |event: events::Event| async move {
            match event.data {
                Some(events::event::Data::Offers(offers)) => {
                    if let Some(product) = id(&offers.product_id) {
                        let sellers = offers.merchant_ids.iter().filter_map(|it| id(it));
                        let state = OfferState {
                            price_from: offers.price_from.max(0),
                            in_stock: offers.in_stock,
                            sellers: sellers.collect(),
                        };
                        self.catalogue.offers_changed(product, &state, event.version).await?;
                    }
                }
                Some(events::event::Data::Order(order)) if event.r#type == "order.paid" => {
                    let items = order.order.unwrap_or_default().items;
                    let sold = |item: &proto::order::OrderItem| {
                        Some((id(&item.product_id)?, i64::from(item.quantity)))
                    };
                    let pieces = items.iter().filter_map(sold).collect();
                    self.catalogue.sold(&event.id, pieces).await?;
                }
                _ => {}
            }
            Ok(())
        };
        Ok(Response::new(outbox::apply_each(request.into_inner(), apply).await))
    }
}
