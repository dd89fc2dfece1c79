//! Services that know only what a test asks.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use fault::{Fault, Field};
use futures::StreamExt as _;
use mesh::{Context, Role};
use proto::{
    auth::{
        self,
        auth_service_server::{AuthService, AuthServiceServer},
    },
    cart::{
        self,
        cart_service_server::{CartService, CartServiceServer},
    },
    file::{
        self,
        file_service_server::{FileService, FileServiceServer},
    },
    notification::{
        self,
        notification_service_server::{NotificationService, NotificationServiceServer},
    },
    order::{
        self,
        order_service_server::{OrderService, OrderServiceServer},
    },
    payment::{
        self,
        payment_service_server::{PaymentService, PaymentServiceServer},
    },
    product::{
        self,
        product_service_server::{ProductService, ProductServiceServer},
    },
    search::{
        self,
        search_service_server::{SearchService, SearchServiceServer},
    },
    value::{LocalizedText, Money, PageInfo},
};
use testkit::Lab;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// What the services saw, and how they behave.
pub(crate) struct World {
    jwks: String,
    pub(crate) product_id: String,
    pub(crate) carts_made: AtomicUsize,
    pub(crate) items_added: AtomicUsize,
    pub(crate) slow: AtomicBool,
    pub(crate) lists: AtomicUsize,
    pub(crate) orders_away: AtomicBool,
    pub(crate) payments_away: AtomicBool,
    pub(crate) placed: Mutex<Vec<order::PlaceOrderRequest>>,
    pub(crate) callbacks: Mutex<Vec<payment::HandleCallbackRequest>>,
    pub(crate) last_event_id: Mutex<String>,
}

impl World {
    pub(crate) fn new(jwks: String) -> Self {
        Self {
            jwks,
            product_id: ids::ProductId::new().to_string(),
            carts_made: AtomicUsize::default(),
            items_added: AtomicUsize::default(),
            slow: AtomicBool::default(),
            lists: AtomicUsize::default(),
            orders_away: AtomicBool::default(),
            payments_away: AtomicBool::default(),
            placed: Mutex::default(),
            callbacks: Mutex::default(),
            last_event_id: Mutex::default(),
        }
    }

    fn product(&self) -> product::Product {
        let title = LocalizedText {
            uz: "Choynak".to_owned(),
            ru: "Чайник".to_owned(),
            en: "Teapot".to_owned(),
        };
        product::Product {
            id: self.product_id.clone(),
            slug: "choynak".to_owned(),
            title: Some(title),
            variants: vec![product::Variant { id: "var_1".to_owned(), ..Default::default() }],
            status: product::ProductStatus::Active.into(),
            price_from: 500,
            in_stock: true,
            ..Default::default()
        }
    }
}

#[derive(Clone)]
struct Fake(Arc<World>);

macro_rules! mounted {
    ($lab:expr, $world:expr, $($role:ident => $server:ident),+) => {{
        let lab = $lab;
        $(
            let fake = Fake(Arc::clone($world));
            let lab = lab.role(Role::$role, move |host, _, _| {
                Box::pin(async move {
                    host.grpc(Role::$role, $server::new(fake));
                    Ok(())
                })
            });
        )+
        lab
    }};
}

/// The one that tells what happens.
pub(crate) fn mount_notification(lab: Lab, world: &Arc<World>) -> Lab {
    mounted!(lab, world, Notification => NotificationServiceServer)
}

/// All others.
pub(crate) fn mount(lab: Lab, world: &Arc<World>) -> Lab {
    mounted!(lab, world,
        Auth => AuthServiceServer, Cart => CartServiceServer, Product => ProductServiceServer,
        Order => OrderServiceServer, Payment => PaymentServiceServer, Search => SearchServiceServer,
        File => FileServiceServer)
}

#[tonic::async_trait]
impl AuthService for Fake {
    async fn get_keys(&self, _: Request<auth::GetKeysRequest>) -> Answer<auth::GetKeysResponse> {
        Ok(Response::new(auth::GetKeysResponse { jwks: self.0.jwks.clone() }))
    }

    async fn get_me(&self, _: Request<auth::GetMeRequest>) -> Answer<auth::GetMeResponse> {
        let id = Context::caller().require_user()?.to_string();
        let user = auth::User { id, name: "Aziza".to_owned(), ..Default::default() };
        Ok(Response::new(auth::GetMeResponse { user: Some(user) }))
    }

    async fn register(
        &self,
        request: Request<auth::RegisterRequest>,
    ) -> Answer<auth::SignedInResponse> {
        if request.into_inner().password.len() < 8 {
            let field = Field::new("password", "LENGTH", "at least 8 characters");
            return Err(Fault::invalid(vec![field]).into());
        }
        let tokens =
            auth::Tokens { refresh_token: ids::token::secret("rt_"), ..Default::default() };
        Ok(Response::new(auth::SignedInResponse { user: None, tokens: Some(tokens) }))
    }

    async fn login(&self, _: Request<auth::LoginRequest>) -> Answer<auth::SignedInResponse> {
        Err(Fault::new(fault::Code::Unauthenticated, "INVALID_CREDENTIALS", "no").into())
    }

    async fn authenticate_api_key(
        &self,
        request: Request<auth::AuthenticateApiKeyRequest>,
    ) -> Answer<auth::AuthenticateApiKeyResponse> {
        if request.into_inner().key != "sk_good" {
            return Err(Fault::unauthenticated().into());
        }
        Ok(Response::new(auth::AuthenticateApiKeyResponse {
            merchant_id: ids::MerchantId::new().to_string(),
            scopes: vec!["products:read".to_owned()],
            key_id: String::new(),
        }))
    }
}

#[tonic::async_trait]
impl CartService for Fake {
    async fn create_cart(
        &self,
        _: Request<cart::CreateCartRequest>,
    ) -> Answer<cart::CreateCartResponse> {
        self.0.carts_made.fetch_add(1, Ordering::SeqCst);
        let id = ids::CartId::new().to_string();
        let cart = cart::Cart { id, ..Default::default() };
        let cart = Some(cart::PricedCart { cart: Some(cart), ..Default::default() });
        Ok(Response::new(cart::CreateCartResponse { cart, token: ids::token::secret("ct_") }))
    }

    async fn add_item(&self, _: Request<cart::AddItemRequest>) -> Answer<cart::AddItemResponse> {
        if self.0.slow.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        self.0.items_added.fetch_add(1, Ordering::SeqCst);
        Ok(Response::new(cart::AddItemResponse::default()))
    }
}

#[tonic::async_trait]
impl ProductService for Fake {
    async fn list_products(
        &self,
        request: Request<product::ListProductsRequest>,
    ) -> Answer<product::ListProductsResponse> {
        let own = request.into_inner().filter.is_some_and(|filter| filter.own);
        if !own {
            self.0.lists.fetch_add(1, Ordering::SeqCst);
        }
        let page = Some(PageInfo { next: "more".to_owned(), count: Some(1) });
        let products = vec![self.0.product()];
        Ok(Response::new(product::ListProductsResponse { products, page }))
    }

    async fn get_product(
        &self,
        request: Request<product::GetProductRequest>,
    ) -> Answer<product::GetProductResponse> {
        let name = request.into_inner().id_or_slug;
        if name != "choynak" && name != self.0.product_id {
            return Err(Fault::not_found("PRODUCT").into());
        }
        Ok(Response::new(product::GetProductResponse { product: Some(self.0.product()) }))
    }

    async fn batch_get_products(
        &self,
        request: Request<product::BatchGetProductsRequest>,
    ) -> Answer<product::BatchGetProductsResponse> {
        let product = |id| product::Product { id, ..self.0.product() };
        let products = request.into_inner().ids.into_iter().map(product).collect();
        Ok(Response::new(product::BatchGetProductsResponse { products }))
    }

    async fn delete_product(
        &self,
        _: Request<product::DeleteProductRequest>,
    ) -> Answer<product::DeleteProductResponse> {
        Ok(Response::new(product::DeleteProductResponse {}))
    }
}

#[tonic::async_trait]
impl SearchService for Fake {
    async fn search(&self, _: Request<search::SearchRequest>) -> Answer<search::SearchResponse> {
        let product_ids = vec!["prod_b".to_owned(), "prod_a".to_owned()];
        Ok(Response::new(search::SearchResponse { product_ids, ..Default::default() }))
    }
}

#[tonic::async_trait]
impl OrderService for Fake {
    async fn list_offers(
        &self,
        request: Request<order::ListOffersRequest>,
    ) -> Answer<order::ListOffersResponse> {
        if self.0.orders_away.load(Ordering::SeqCst) {
            return Err(Fault::unavailable("away").into());
        }
        let offer = |(product_id, price, available)| order::Offer {
            id: ids::OfferId::new().to_string(),
            product_id,
            variant_id: "var_1".to_owned(),
            price: Some(Money { amount: price, currency: "UZS".to_owned() }),
            available,
            active: true,
            ..Default::default()
        };
        let ids = request.into_inner().product_ids.into_iter();
        let terms = ids.flat_map(|id| [(id.clone(), 900, 3), (id, 700, 0)]);
        Ok(Response::new(order::ListOffersResponse { offers: terms.map(offer).collect() }))
    }

    async fn place_order(
        &self,
        request: Request<order::PlaceOrderRequest>,
    ) -> Answer<order::PlaceOrderResponse> {
        let request = request.into_inner();
        let mut placed = self.0.placed.lock().unwrap();
        let before = placed.iter().find(|old| old.idempotency_key == request.idempotency_key);
        if before.is_some_and(|old| old.request_hash != request.request_hash) {
            let fault = Fault::new(fault::Code::Invalid, "IDEMPOTENCY_KEY_REUSED", "another body");
            return Err(fault.into());
        }
        let replayed = before.is_some();
        placed.push(request);
        let order = order::Order {
            id: "ord_1".to_owned(),
            number: "1000001K".to_owned(),
            status: order::OrderStatus::AwaitingPayment.into(),
            locale: "ru".to_owned(),
            ..Default::default()
        };
        let payment = payment::Payment {
            provider: "payme".to_owned(),
            reference: "1000001K".to_owned(),
            redirect_url: "https://pay.example".to_owned(),
            ..Default::default()
        };
        Ok(Response::new(order::PlaceOrderResponse {
            order: Some(order),
            payment: Some(payment),
            order_token: "ot_1".to_owned(),
            replayed,
        }))
    }
}

#[tonic::async_trait]
impl PaymentService for Fake {
    async fn handle_callback(
        &self,
        request: Request<payment::HandleCallbackRequest>,
    ) -> Answer<payment::HandleCallbackResponse> {
        Context::caller().require_service()?;
        if self.0.payments_away.load(Ordering::SeqCst) {
            return Err(Fault::unavailable("away").into());
        }
        let request = request.into_inner();
        let body = request.body.clone();
        self.0.callbacks.lock().unwrap().push(request);
        let content_type = "application/x-echo".to_owned();
        Ok(Response::new(payment::HandleCallbackResponse { status: 207, content_type, body }))
    }
}

#[tonic::async_trait]
impl FileService for Fake {
    async fn read(&self, request: Request<file::ReadRequest>) -> Answer<file::ReadResponse> {
        let path = request.into_inner().path;
        if path != "products/2026/a.jpg" {
            return Err(Fault::not_found("FILE").into());
        }
        Ok(Response::new(file::ReadResponse {
            content: vec![7; 2000].into(),
            content_type: "image/jpeg".to_owned(),
            etag: "abc".to_owned(),
        }))
    }
}

#[tonic::async_trait]
impl NotificationService for Fake {
    async fn subscribe(
        &self,
        request: Request<notification::SubscribeRequest>,
    ) -> Answer<tonic::codegen::BoxStream<notification::RealtimeMessage>> {
        Context::caller().require_user()?;
        self.0.last_event_id.lock().unwrap().clone_from(&request.into_inner().last_event_id);
        let message = notification::RealtimeMessage {
            id: "evt_1".to_owned(),
            r#type: "order.paid".to_owned(),
            at_ms: 1_795_253_400_000,
            data: r#"{"order_id":"ord_1"}"#.to_owned(),
        };
        let stream = futures::stream::iter([Ok(message)]).chain(futures::stream::pending());
        Ok(Response::new(Box::pin(stream)))
    }
}

/// A map from pairs, for headers that a test expects.
pub(crate) fn lines(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
