//! The service through the mesh, local and remote, with a product service that holds a few products.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use fault::{Code, Fault};
use ids::{EventId, ProductId, UserId};
use mesh::{Caller, Role};
use proto::{
    event::{self as events, event::Data},
    product as products, search as pb, value,
};
use testkit::{Lab, RunningLab, WIRINGS, Wiring, eventually};

#[path = "search/away.rs"]
mod away;
#[path = "search/peers.rs"]
mod peers;
#[path = "support/places.rs"]
mod places;
#[path = "support/server.rs"]
mod server;
#[path = "support/way.rs"]
mod way;

use peers::{Shelf, product};
use places::Place;

async fn lab(wiring: Wiring, store: &str, shelf: &Shelf) -> RunningLab {
    let store = store.to_owned();
    let shelf = shelf.clone();
    Lab::new(wiring)
        .role(Role::Search, move |host, mesh, _| {
            Box::pin(async move {
                let config = search::Config {
                    listen: "127.0.0.1:0".parse()?,
                    store,
                    synonyms: vec![vec!["toshbaqa".to_owned(), "lampa".to_owned()]],
                };
                search::mount(host, config, mesh).await
            })
        })
        .role(Role::Product, move |host, _, _| {
            Box::pin(async move {
                host.grpc(Role::Product, shelf.service());
                Ok(())
            })
        })
        .start()
        .await
}

/// A lab whose index holds the whole shelf.
async fn filled(wiring: Wiring, place: &Place, shelf: &Shelf) -> RunningLab {
    let lab = lab(wiring, &place.address(), shelf).await;
    let expected = shelf.active();
    eventually("the index is filled at the start", || async {
        let answer =
            search(&lab, pb::SearchRequest { page: page(0, "", true), ..Default::default() }).await;
        answer.is_ok_and(|answer| answer.page.unwrap().count == Some(expected))
    })
    .await;
    lab
}

fn page(limit: u32, after: &str, count: bool) -> Option<value::PageRequest> {
    Some(value::PageRequest { limit, after: after.to_owned(), count })
}

async fn search(
    lab: &RunningLab,
    request: pb::SearchRequest,
) -> Result<pb::SearchResponse, tonic::Status> {
    let mut client = lab.mesh.search();
    Ok(lab.act(Caller::guest(), client.search(request)).await?.into_inner())
}

async fn ids(lab: &RunningLab, query: &str) -> Vec<String> {
    let request = pb::SearchRequest { query: query.to_owned(), ..Default::default() };
    search(lab, request).await.unwrap().product_ids
}

fn event(kind: &str, subject: &str, version: i64, data: Option<Data>) -> events::Event {
    events::Event {
        id: EventId::new().to_string(),
        r#type: kind.to_owned(),
        subject: subject.to_owned(),
        version,
        data,
        ..Default::default()
    }
}

fn changed(product: products::Product) -> events::Event {
    let (id, version) = (product.id.clone(), product.version);
    let data = Data::Product(events::ProductChanged { product: Some(product), offers: Vec::new() });
    event("product.changed", &id, version, Some(data))
}

fn offered(id: &str, price_from: i64, version: i64) -> events::Event {
    let data = events::OffersChanged {
        product_id: id.to_owned(),
        price_from,
        in_stock: true,
        currency: "UZS".to_owned(),
        merchant_ids: vec!["mer_x".to_owned()],
    };
    event("offers.changed", id, version, Some(Data::Offers(data)))
}

async fn deliver(lab: &RunningLab, events: Vec<events::Event>) -> events::DeliverResponse {
    let mut client = lab.mesh.events(Role::Search);
    lab.as_service(client.deliver(events::DeliverRequest { events })).await.unwrap().into_inner()
}

fn refusal(status: tonic::Status) -> (Code, String) {
    let fault = Fault::from(status);
    (
        fault.code,
        fault
            .fields
            .first()
            .map_or_else(|| fault.reason.to_string(), |field| field.code.to_string()),
    )
}

async fn an_empty_index_is_filled_when_the_catalogue_answers(wiring: Wiring, place: &Place) {
    let shelf = Shelf::new(230);
    // The product service is away at first.
    shelf.fail_calls(3);
    let lab = filled(wiring, place, &shelf).await;
    assert_eq!(ids(&lab, "lampa").await.len(), 20, "the default page");
    lab.stop().await;
}

async fn news_are_found_when_they_are_acknowledged(wiring: Wiring, place: &Place) {
    let shelf = Shelf::new(3);
    let lab = filled(wiring, place, &shelf).await;
    let id = ProductId::new().to_string();
    let answer =
        deliver(&lab, vec![changed(product(&id, "Samovar", 1)), offered(&id, 5000, 1)]).await;
    assert_eq!((answer.applied.len(), answer.rejected.len()), (2, 0));
    assert_eq!(ids(&lab, "самовар").await, std::slice::from_ref(&id));

    let filter = products::ProductFilter {
        price_gte: Some(5000),
        price_lte: Some(5000),
        ..Default::default()
    };
    let request = pb::SearchRequest { filter: Some(filter), ..Default::default() };
    let found = search(&lab, request.clone()).await.unwrap().product_ids;
    assert_eq!(found, std::slice::from_ref(&id));
    deliver(&lab, vec![offered(&id, 9000, 3), offered(&id, 5000, 2)]).await;
    assert!(
        search(&lab, request).await.unwrap().product_ids.is_empty(),
        "the older price came too late"
    );

    let review =
        events::ReviewChanged { product_id: id.clone(), rating_average: 4.9, rating_count: 10 };
    deliver(&lab, vec![event("review.added", &id, 1, Some(Data::Review(review)))]).await;
    let sort = products::ProductSort::Rating.into();
    let best = search(&lab, pb::SearchRequest { sort, ..Default::default() }).await.unwrap();
    assert_eq!(best.product_ids.first(), Some(&id));

    deliver(&lab, vec![event("product.deleted", &id, 2, None)]).await;
    assert!(ids(&lab, "samovar").await.is_empty());
    deliver(&lab, vec![changed(product(&id, "Samovar", 1))]).await;
    assert!(ids(&lab, "samovar").await.is_empty(), "a late event does not bring it back");
    lab.stop().await;
}

async fn events_of_others_are_passed_over_and_broken_ones_refused(wiring: Wiring, place: &Place) {
    let shelf = Shelf::new(1);
    let lab = filled(wiring, place, &shelf).await;
    let other = event("order.paid", "ord_1", 1, None);
    let broken = changed(products::Product { id: "nonsense".to_owned(), ..Default::default() });
    let answer = deliver(&lab, vec![other.clone(), broken.clone()]).await;
    assert_eq!(answer.applied, [other.id]);
    assert_eq!(answer.rejected[0].event_id, broken.id);

    let mut client = lab.mesh.events(Role::Search);
    let request = events::DeliverRequest { events: Vec::new() };
    let refused = lab.act(Caller::user(UserId::new()), client.deliver(request)).await.unwrap_err();
    assert_eq!(refusal(refused).0, Code::Forbidden);
    lab.stop().await;
}

async fn searches_answer_with_facets_pages_and_corrections(wiring: Wiring, place: &Place) {
    let shelf = Shelf::new(25);
    let lab = filled(wiring, place, &shelf).await;
    let request = |query: &str, after: &str| pb::SearchRequest {
        query: query.to_owned(),
        page: page(10, after, true),
        facets: true,
        ..Default::default()
    };
    let first = search(&lab, request("лампа", "")).await.unwrap();
    let info = first.page.unwrap();
    assert_eq!((first.product_ids.len(), info.count), (10, Some(25)));
    let names: Vec<&str> = first.facets.iter().map(|facet| facet.name.as_str()).collect();
    assert_eq!(names, ["category", "brand", "price", "attr.color"]);
    assert_eq!(first.facets[0].values[0], pb::FacetValue { value: "lamps".to_owned(), count: 25 });
    let second = search(&lab, request("лампа", &info.next)).await.unwrap();
    assert_eq!(second.product_ids.len(), 10);
    assert!(second.product_ids.iter().all(|id| !first.product_ids.contains(id)));

    let switched = search(&lab, request("kfvgf", "")).await.unwrap();
    assert_eq!(
        (switched.page.unwrap().count, switched.corrected_query.as_str()),
        (Some(25), "лампа")
    );
    let misspelt = search(&lab, request("lqmpa", "")).await.unwrap();
    assert_eq!(misspelt.corrected_query, "lampa");
    let configured = search(&lab, request("toshbaqa", "")).await.unwrap();
    assert_eq!(
        (configured.page.unwrap().count, configured.corrected_query.as_str()),
        (Some(25), "")
    );
    let nothing = search(&lab, request("dinozavr", "")).await.unwrap();
    assert_eq!((nothing.product_ids.len(), nothing.corrected_query.as_str()), (0, ""));

    let mut client = lab.mesh.search();
    let typed =
        pb::SuggestRequest { query: "лам".to_owned(), limit: 5, locale: "uz".to_owned() };
    let list =
        lab.act(Caller::guest(), client.suggest(typed)).await.unwrap().into_inner().suggestions;
    assert_eq!((list[0].text.as_str(), list[0].r#type.as_str()), ("Lampalar", "category"));
    lab.stop().await;
}

async fn what_cannot_be_asked_is_refused(wiring: Wiring, place: &Place) {
    let shelf = Shelf::new(1);
    let lab = filled(wiring, place, &shelf).await;
    let cursor = pb::SearchRequest { page: page(10, "nonsense", false), ..Default::default() };
    let long = pb::SearchRequest { query: "a".repeat(201), ..Default::default() };
    let filter = Some(products::ProductFilter { own: true, ..Default::default() });
    let own = pb::SearchRequest { filter, ..Default::default() };
    for (request, code) in [(cursor, "INVALID_CURSOR"), (long, "TOO_LONG"), (own, "NOT_SUPPORTED")]
    {
        let refused = search(&lab, request).await.unwrap_err();
        assert_eq!(refusal(refused), (Code::Invalid, code.to_owned()));
    }
    lab.stop().await;
}

async fn only_services_and_the_owner_rebuild(wiring: Wiring, place: &Place) {
    let shelf = Shelf::new(5);
    let lab = filled(wiring, place, &shelf).await;
    shelf.keep(2);
    let mut client = lab.mesh.search();
    let guest = lab.act(Caller::guest(), client.rebuild(pb::RebuildRequest {})).await.unwrap_err();
    assert_eq!(refusal(guest).0, Code::Unauthenticated);
    let user = lab
        .act(Caller::user(UserId::new()), client.rebuild(pb::RebuildRequest {}))
        .await
        .unwrap_err();
    assert_eq!(refusal(user).0, Code::Forbidden);
    assert_eq!(ids(&lab, "lampa").await.len(), 5);

    let user = lab
        .act(Caller::user(UserId::new()), client.get_rebuild(pb::GetRebuildRequest {}))
        .await
        .unwrap_err();
    assert_eq!(refusal(user).0, Code::Forbidden);

    let owner = Caller { roles: vec!["admin".to_owned()], ..Caller::user(UserId::new()) };
    let begun = loop {
        match lab.act(owner.clone(), client.rebuild(pb::RebuildRequest {})).await {
            Ok(begun) => break begun.into_inner().rebuild.unwrap(),
            // The one at the start shows its result a moment before it ends.
            Err(status) => {
                assert_eq!(refusal(status).1, "REBUILD_RUNNING");
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    };
    assert_eq!((begun.total, begun.started_at_ms), (3, lab.clock.now().millis()));
    let ended = ended(&lab).await;
    assert_eq!((ended.state(), ended.indexed), (pb::RebuildState::Done, 2));
    assert_eq!((ended.total, ended.started_at_ms), (3, begun.started_at_ms));
    assert_eq!(ids(&lab, "lampa").await.len(), 2);
    lab.stop().await;
}

/// The last rebuild, as soon as it has ended.
async fn ended(lab: &RunningLab) -> pb::Rebuild {
    let mut client = lab.mesh.search();
    loop {
        let told = lab.as_service(client.get_rebuild(pb::GetRebuildRequest {})).await.unwrap();
        let told = told.into_inner().rebuild.unwrap();
        if told.state() != pb::RebuildState::Running {
            assert!(told.finished_at_ms > 0, "{told:?}");
            return told;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn a_rebuild_that_fails_leaves_the_old_index(wiring: Wiring, place: &Place) {
    let shelf = Shelf::new(130);
    let lab = filled(wiring, place, &shelf).await;
    let first = ended(&lab).await;
    assert_eq!((first.state(), first.indexed, first.total), (pb::RebuildState::Done, 130, 131));
    let mut client = lab.mesh.search();
    shelf.fail_calls(1);
    let failed = lab.as_service(client.rebuild(pb::RebuildRequest {})).await.unwrap_err();
    assert_eq!(refusal(failed).0, Code::Unavailable, "there is nothing to begin with");
    assert_eq!(ended(&lab).await, first, "nothing has begun");

    // The product service goes away after its first page.
    lab.clock.advance(std::time::Duration::from_mins(1));
    shelf.fail_after_the_first_page();
    lab.as_service(client.rebuild(pb::RebuildRequest {})).await.unwrap();
    let told = ended(&lab).await;
    assert_eq!((told.state(), told.error.as_str()), (pb::RebuildState::Failed, "UNAVAILABLE"));
    let request = pb::SearchRequest { page: page(0, "", true), ..Default::default() };
    let found = search(&lab, request).await.unwrap();
    assert_eq!(found.page.unwrap().count, Some(130), "the old index stays");
    lab.stop().await;
}

macro_rules! served {
    ($($test:ident),+ $(,)?) => {
        served!(@adapter tantivy, $($test),+);
        served!(@adapter elastic, $($test),+);
    };
    (@adapter $adapter:ident, $($test:ident),+) => {
        mod $adapter {
            $(
                #[tokio::test]
                async fn $test() {
                    for wiring in super::WIRINGS {
                        let Some(place) = super::Place::$adapter() else { return };
                        super::$test(wiring, &place).await;
                    }
                }
            )+
        }
    };
}

served!(
    an_empty_index_is_filled_when_the_catalogue_answers,
    news_are_found_when_they_are_acknowledged,
    events_of_others_are_passed_over_and_broken_ones_refused,
    searches_answer_with_facets_pages_and_corrections,
    what_cannot_be_asked_is_refused,
    only_services_and_the_owner_rebuild,
    a_rebuild_that_fails_leaves_the_old_index,
);
