//! The service through the mesh, local and remote, with an order and a search service that note what they are told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fault::{Code, Fault};
use ids::{EventId, MerchantId, UserId};
use mesh::{Caller, Kind, Role, StaffRole};
use proto::{event as events, product as pb, value};
use testkit::{Lab, RunningLab, Wiring, eventually};

#[path = "product/grounds.rs"]
mod grounds;
#[path = "product/importing.rs"]
mod importing;
#[path = "product/lists.rs"]
mod lists;
#[path = "product/peers.rs"]
mod peers;

use grounds::{Ground, grounds};
use peers::Notes;

/// A platform over the store of a ground; without order when it is to be away.
async fn start(ground: &Ground, notes: &Notes, with_order: bool) -> RunningLab {
    let (wiring, store) = (ground.wiring, ground.store().await);
    let (orders, search) = (notes.clone(), notes.clone());
    let mut lab = Lab::new(wiring).real_time().role(Role::Product, move |host, mesh, _| {
        Box::pin(async move {
            let config = product::Config { listen: "127.0.0.1:0".parse()?, store };
            product::mount(host, config, mesh).await
        })
    });
    lab = lab.role(Role::Search, move |host, _, _| {
        Box::pin(async move {
            host.grpc(Role::Search, search.listener());
            Ok(())
        })
    });
    if with_order {
        lab = lab.role(Role::Order, move |host, _, _| {
            Box::pin(async move {
                host.grpc(Role::Order, orders.orders());
                host.grpc(Role::Order, orders.listener());
                Ok(())
            })
        });
    }
    lab.start().await
}

/// A platform with the category "telefonlar" below "elektronika".
async fn shop(ground: Ground) -> (RunningLab, Ground, Notes) {
    let notes = Notes::default();
    let lab = start(&ground, &notes, true).await;
    put_category(&lab, "elektronika", "").await;
    put_category(&lab, "telefonlar", "elektronika").await;
    (lab, ground, notes)
}

async fn put_category(lab: &RunningLab, slug: &str, parent: &str) -> pb::Category {
    let category = pb::Category {
        slug: slug.to_owned(),
        title: Some(text(slug)),
        parent: parent.to_owned(),
        ..pb::Category::default()
    };
    let request = pb::PutCategoryRequest { category: Some(category) };
    let mut client = lab.mesh.product();
    let answer = lab.as_service(client.put_category(request)).await.unwrap();
    answer.into_inner().category.unwrap()
}

fn text(uz: &str) -> value::LocalizedText {
    value::LocalizedText { uz: uz.to_owned(), ..Default::default() }
}

fn staff(merchant: MerchantId, role: StaffRole) -> Caller {
    Caller { merchant: Some((merchant, role)), ..Caller::user(UserId::new()) }
}

fn draft(title: &str, sku: &str) -> pb::ProductDraft {
    let price = value::Money { amount: 129_900_000, currency: "UZS".to_owned() };
    pb::ProductDraft {
        title: Some(text(title)),
        category: "telefonlar".to_owned(),
        status: pb::ProductStatus::Active.into(),
        fiscal: Some(value::Fiscal {
            mxik: "08517012001000000".to_owned(),
            package_code: "1234567".to_owned(),
            vat_percent: 12,
            ..value::Fiscal::default()
        }),
        variants: vec![pb::VariantDraft {
            sku: sku.to_owned(),
            offer: Some(pb::OfferTerms { price: Some(price), stock: 5, ..Default::default() }),
            ..pb::VariantDraft::default()
        }],
        ..pb::ProductDraft::default()
    }
}

type Outcome<T> = Result<T, (Code, String, Vec<String>)>;

fn outcome<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> Outcome<T> {
    answer.map(tonic::Response::into_inner).map_err(|status| {
        let fault = Fault::from(status);
        let fields = fault.fields.into_iter().map(|it| it.field).collect();
        (fault.code, fault.reason.into_owned(), fields)
    })
}

async fn create(
    lab: &RunningLab,
    caller: &Caller,
    draft: pb::ProductDraft,
) -> Outcome<pb::CreateProductResponse> {
    let request = pb::CreateProductRequest { product: Some(draft), ..Default::default() };
    outcome(lab.act(caller.clone(), lab.mesh.product().create_product(request)).await)
}

async fn get(lab: &RunningLab, caller: &Caller, id_or_slug: &str) -> Outcome<pb::Product> {
    let request = pb::GetProductRequest { id_or_slug: id_or_slug.to_owned() };
    let answer = lab.act(caller.clone(), lab.mesh.product().get_product(request)).await;
    Ok(outcome(answer)?.product.unwrap())
}

async fn update(
    lab: &RunningLab,
    caller: &Caller,
    id: &str,
    (product, field): (pb::ProductDraft, &str),
    expected_version: i64,
) -> Outcome<pb::UpdateProductResponse> {
    let request = pb::UpdateProductRequest {
        id: id.to_owned(),
        product: Some(product),
        fields: vec![field.to_owned()],
        expected_version,
    };
    outcome(lab.act(caller.clone(), lab.mesh.product().update_product(request)).await)
}

fn not_found<T>() -> Outcome<T> {
    Err((Code::NotFound, "PRODUCT_NOT_FOUND".to_owned(), Vec::new()))
}

#[tokio::test]
async fn a_product_is_created_with_its_offers_and_read_by_everybody() {
    for ground in grounds() {
        let (lab, _ground, notes) = shop(ground).await;
        let merchant = MerchantId::new();
        let operator = staff(merchant, StaffRole::Operator);
        let created = create(&lab, &operator, draft("Oʻzbek telefoni", "T-1")).await.unwrap();
        let product = created.product.unwrap();
        assert_eq!(product.slug, "ozbek-telefoni");
        assert_eq!((product.version, product.merchant_id.clone()), (1, merchant.to_string()));
        let category = product.category.clone().unwrap();
        assert_eq!(
            (category.slug.as_str(), category.ancestors),
            ("telefonlar", vec!["elektronika".to_owned()])
        );
        assert_eq!((created.offers[0].sku.as_str(), created.offers[0].available), ("T-1", 5));
        let put = notes.put.lock().unwrap()[0].clone();
        assert_eq!(put.product.as_ref(), Some(&product));
        assert_eq!(put.offers[0].variant_id, product.variants[0].id);

        let guest = Caller::guest();
        assert_eq!(get(&lab, &guest, &product.id).await.unwrap(), product);
        assert_eq!(get(&lab, &guest, "ozbek-telefoni").await.unwrap(), product);
        assert_eq!(get(&lab, &guest, "yoq").await, not_found());
        let second = create(&lab, &operator, draft("Ўзбек телефони", "T-2")).await.unwrap();
        let slug = second.product.unwrap().slug;
        assert!(slug.starts_with("ozbek-telefoni-"), "{slug}");

        let ids = vec!["prod_x".to_owned(), product.id.clone()];
        let mut client = lab.mesh.product();
        let batch = client.batch_get_products(pb::BatchGetProductsRequest { ids });
        let batch = lab.act(guest, batch).await.unwrap().into_inner().products;
        assert_eq!(batch, std::slice::from_ref(&product));
        // Both services hear of it: what the two fakes were told stands in one list.
        eventually("the event arrives twice", || async {
            notes.told(&product.id) == ["product.changed", "product.changed"]
        })
        .await;
        lab.stop().await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_by_field() {
    for ground in grounds() {
        let (lab, _ground, notes) = shop(ground).await;
        let operator = staff(MerchantId::new(), StaffRole::Operator);
        let mut wrong = draft("", "");
        wrong.category = "yoq".to_owned();
        wrong.fiscal.as_mut().unwrap().mxik = "1".to_owned();
        let (code, reason, fields) = create(&lab, &operator, wrong).await.unwrap_err();
        assert_eq!((code, reason.as_str()), (Code::Invalid, "INVALID"));
        assert_eq!(fields, ["title.uz", "fiscal.mxik", "variants[0].sku", "category"]);

        create(&lab, &operator, draft("Telefon", "T-1")).await.unwrap();
        let (code, reason, fields) =
            create(&lab, &operator, draft("Boshqa", "T-1")).await.unwrap_err();
        assert_eq!((code, reason.as_str()), (Code::AlreadyExists, "SKU_TAKEN"));
        assert_eq!(fields, ["variants[0].sku"]);
        let mut slugged = draft("Uchinchi", "T-3");
        slugged.slug = "telefon".to_owned();
        let (code, reason, _) = create(&lab, &operator, slugged).await.unwrap_err();
        assert_eq!((code, reason.as_str()), (Code::AlreadyExists, "SLUG_TAKEN"));
        assert_eq!(notes.put.lock().unwrap().len(), 1, "refusals reach nobody");
        lab.stop().await;
    }
}

#[tokio::test]
async fn updates_replace_the_named_fields_over_the_version_seen() {
    for ground in grounds() {
        let (lab, _ground, notes) = shop(ground).await;
        let operator = staff(MerchantId::new(), StaffRole::Operator);
        let mut first = draft("Telefon", "T-1");
        first.variants.push(pb::VariantDraft { sku: "T-2".to_owned(), ..Default::default() });
        let product = create(&lab, &operator, first).await.unwrap().product.unwrap();

        let title = (draft("Yangi", "ignored"), "title");
        let updated = update(&lab, &operator, &product.id, title.clone(), 1).await.unwrap();
        let updated = updated.product.unwrap();
        assert_eq!(updated.title.unwrap().uz, "Yangi");
        assert_eq!((updated.version, updated.slug.as_str()), (2, "telefon"));
        assert_eq!(updated.variants, product.variants);
        let put = notes.put.lock().unwrap()[1].clone();
        assert!(put.offers.iter().all(|draft| draft.price.is_none()), "terms stay as they are");

        let stale = update(&lab, &operator, &product.id, title.clone(), 1).await.unwrap_err();
        assert_eq!((stale.0, stale.1.as_str()), (Code::Precondition, "VERSION_MISMATCH"));
        let fewer = (draft("", "T-1"), "variants");
        let fewer = update(&lab, &operator, &product.id, fewer, 0).await.unwrap();
        assert_eq!(fewer.product.unwrap().variants, product.variants[..1], "known by its SKU");
        let unknown = update(&lab, &operator, &product.id, (draft("", ""), "price"), 0).await;
        assert_eq!(unknown.unwrap_err().2, ["fields"]);

        let mut client = lab.mesh.product();
        let delete = pb::DeleteProductRequest { id: product.id.clone() };
        for _ in 0..2 {
            lab.act(operator.clone(), client.delete_product(delete.clone())).await.unwrap();
        }
        assert_eq!(get(&lab, &Caller::guest(), &product.id).await, not_found());
        let archived = get(&lab, &operator, &product.id).await.unwrap();
        assert_eq!(archived.status(), pb::ProductStatus::Archived);
        let closed = update(&lab, &operator, &product.id, title, 0).await.unwrap_err();
        assert_eq!((closed.0, closed.1.as_str()), (Code::Conflict, "PRODUCT_ARCHIVED"));
        eventually("both are told of the end", || async {
            notes.told(&product.id).iter().filter(|kind| *kind == "product.deleted").count() == 2
        })
        .await;
        lab.stop().await;
    }
}

#[tokio::test]
async fn merchants_do_not_see_or_touch_what_belongs_to_others() {
    for ground in grounds() {
        let (lab, _ground, _) = shop(ground).await;
        let merchant = MerchantId::new();
        let operator = staff(merchant, StaffRole::Operator);
        let mut hidden = draft("Qoralama", "T-1");
        hidden.status = pb::ProductStatus::Draft.into();
        let product = create(&lab, &operator, hidden).await.unwrap().product.unwrap();
        let stranger = staff(MerchantId::new(), StaffRole::Admin);
        let admin = Caller { roles: vec!["admin".to_owned()], ..Caller::user(UserId::new()) };
        for caller in [Caller::guest(), Caller::user(UserId::new()), stranger.clone()] {
            assert_eq!(get(&lab, &caller, &product.id).await, not_found());
            assert_eq!(get(&lab, &caller, &product.slug).await, not_found());
        }
        for caller in [staff(merchant, StaffRole::Viewer), admin, Caller::service("order")] {
            assert_eq!(get(&lab, &caller, &product.id).await.unwrap(), product);
        }
        let change = || (draft("Yangi", "T-1"), "title");
        assert_eq!(update(&lab, &stranger, &product.id, change(), 0).await, not_found());
        let mut client = lab.mesh.product();
        let delete = pb::DeleteProductRequest { id: product.id.clone() };
        let refused = lab.act(stranger, client.delete_product(delete)).await;
        assert_eq!(outcome(refused).unwrap_err().0, Code::NotFound);

        let key = |scope: &str| Caller {
            kind: Kind::ApiKey,
            scopes: vec![scope.to_owned()],
            merchant: Some((merchant, StaffRole::Operator)),
            ..Caller::guest()
        };
        let viewer = staff(merchant, StaffRole::Viewer);
        for (caller, code) in [
            (Caller::guest(), Code::Unauthenticated),
            (Caller::user(UserId::new()), Code::Forbidden),
            (viewer, Code::Forbidden),
            (key("products:read"), Code::Forbidden),
        ] {
            let refused = create(&lab, &caller, draft("Telefon", "T-9")).await.unwrap_err();
            assert_eq!(refused.0, code, "{caller:?}");
        }
        let written = update(&lab, &key("products:write"), &product.id, change(), 0).await;
        assert_eq!(written.unwrap().product.unwrap().version, 2);
        lab.stop().await;
    }
}

#[tokio::test]
async fn while_order_is_away_products_are_created_and_the_event_waits() {
    for ground in grounds() {
        let notes = Notes::default();
        let lab = start(&ground, &notes, false).await;
        put_category(&lab, "elektronika", "").await;
        put_category(&lab, "telefonlar", "elektronika").await;
        let operator = staff(MerchantId::new(), StaffRole::Operator);
        let created = create(&lab, &operator, draft("Telefon", "T-1")).await.unwrap();
        assert!(created.offers.is_empty());
        let product = created.product.unwrap();
        lab.stop().await;

        let notes = Notes::default();
        let lab = start(&ground, &notes, true).await;
        let offers = || async {
            let events = notes.events.lock().unwrap();
            let of = events.iter().filter(|it| it.subject == product.id);
            of.filter_map(|event| match &event.data {
                Some(events::event::Data::Product(changed)) => Some(changed.offers.clone()),
                _ => None,
            })
            .next_back()
        };
        eventually("order is told when it is back", || async { offers().await.is_some() }).await;
        let offers = offers().await.unwrap();
        assert_eq!((offers[0].sku.as_str(), offers[0].stock), ("T-1", Some(5)));
        assert_eq!(offers[0].price.as_ref().unwrap().amount, 129_900_000);
        lab.stop().await;
    }
}

#[tokio::test]
async fn prices_and_sales_arrive_by_event() {
    for ground in grounds() {
        let (lab, _ground, _) = shop(ground).await;
        let operator = staff(MerchantId::new(), StaffRole::Operator);
        let product = create(&lab, &operator, draft("Telefon", "T-1")).await.unwrap();
        let product = product.product.unwrap();
        let offers = |version, price_from| events::Event {
            id: EventId::new().to_string(),
            r#type: "offers.changed".to_owned(),
            version,
            data: Some(events::event::Data::Offers(events::OffersChanged {
                product_id: product.id.clone(),
                price_from,
                in_stock: true,
                merchant_ids: vec![product.merchant_id.clone()],
                ..Default::default()
            })),
            ..Default::default()
        };
        let unknown = events::Event { id: EventId::new().to_string(), ..events::Event::default() };
        let batch = vec![offers(2, 700), offers(1, 900), unknown];
        let count = batch.len();
        let request = events::DeliverRequest { events: batch };
        let mut client = lab.mesh.events(Role::Product);
        let refused = lab.act(operator, client.deliver(request.clone())).await;
        assert_eq!(outcome(refused).unwrap_err().0, Code::Forbidden);
        let answer = lab.as_service(client.deliver(request)).await.unwrap().into_inner();
        assert_eq!(answer.applied.len(), count);
        let read = get(&lab, &Caller::guest(), &product.id).await.unwrap();
        let expected = pb::Product {
            price_from: 700,
            in_stock: true,
            seller_ids: vec![product.merchant_id.clone()],
            ..product
        };
        assert_eq!(read, expected, "version and times stay");
        lab.stop().await;
    }
}
