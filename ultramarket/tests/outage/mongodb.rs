//! MongoDB goes: the catalogue's content, and messages.

use serde_json::json;

use crate::{
    asked::{BACK, away, catalogue, fine, get, sign_in, wish, within},
    books,
    site::Site,
    support::{
        providers::{Click, Payme},
        shop::{PASSWORD, amount},
    },
};

pub(crate) async fn goes_and_comes_back(site: &Site) {
    println!("  MongoDB");
    let (one, two) = (site.filled_cart().await, site.filled_cart().await);
    let (guest, shopper) = (&site.guest, &site.shopper.client);
    let page = format!("/v1/store/products/{}", site.goods().slug);
    let offer = format!("/v1/merchant/offers/{}", site.goods().offer);

    site.servers.stop("mongodb").await;
    site.not_ready(&["product", "notification"], &["search"]).await;
    let waiting = site.waiting("product").await;
    let needs = catalogue(guest, &site.goods().slug);
    let needs: Vec<_> =
        needs.into_iter().filter(|(.., path, _)| !path.ends_with("regions")).collect();
    away("MongoDB", &needs).await;
    away("MongoDB", &[get(&site.merchant, "/v1/merchant/products")]).await;

    let (one, two) = (site.complete(&one).await.unwrap(), site.complete(&two).await.unwrap());
    Payme::new(guest).pay(&one.number, one.total).await;
    let click = Click::new(guest, &two.number, two.total);
    let prepared = click.prepare().await;
    assert_eq!(prepared["error"], 0, "{prepared}");
    let completed = click.complete(prepared["merchant_prepare_id"].as_i64().unwrap(), 0).await;
    assert_eq!(completed["error"], 0, "{completed}");
    for bought in [&one, &two] {
        bought.becomes("paid").await;
        site.keep(bought, "paid");
    }
    fine(
        "MongoDB",
        &[
            get(guest, "/v1/store/regions"),
            sign_in(guest, (&site.shopper.phone, PASSWORD)),
            get(shopper, "/v1/store/orders"),
            get(&two.client, &format!("/v1/store/orders/{}", two.id)),
            get(&site.merchant, "/v1/merchant/orders"),
        ],
    )
    .await;
    // The order service knows prices; whoever shows them hears of it later.
    let dearer = json!({ "price": { "amount": 4_600_000, "currency": "UZS" } });
    site.merchant.patch(&offer, dearer).await.expect(200);

    site.servers.start("mongodb").await;
    within(BACK, "products are shown", async || wish(guest.get(&page).await, 200)).await;
    waiting.becomes_ready().await;
    within(BACK, "notification is ready", async || match site.ready("notification").await {
        (200, _) => Ok(()),
        (status, body) => Err(format!("{status} {body}")),
    })
    .await;
    books::events_arrive(site).await;
    // The gateway may show what it knew two seconds ago.
    within(BACK, "the new price is shown", async || {
        let list = "/v1/store/products?price_gte=4600000&price_lte=4600000";
        let listed = guest.get(list).await.expect(200);
        let first = &listed["data"][0];
        let shown =
            first["id"] == site.goods().id.as_str() && amount(&first["price_from"]) == 4_600_000;
        if shown { Ok(()) } else { Err(listed.to_string()) }
    })
    .await;
}
