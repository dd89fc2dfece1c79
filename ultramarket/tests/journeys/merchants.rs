//! Becoming a merchant, and keeping a shelf.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{
    client::Client,
    platform::Platform,
    shop::{self, HUNAR_UYI, PASSWORD, TEXNOQALA, ZARBOF, amount, register, text},
};

fn application(name: &str) -> Value {
    json!({ "name": name, "legal_name": format!("«{name}» MChJ"), "tin": format!("30{:07}", shop::unique()),
        "phone": "+998901234567", "email": "dokon@example.uz",
        "bank": { "account": "20208000900100001010", "mfo": "00444", "name": "Ipak" } })
}

/// The products that a search for this finds.
async fn found(guest: &Client, query: &str) -> Vec<String> {
    let answer = guest.get(&format!("/v1/store/search?q={query}&limit=100")).await.expect(200);
    let products = answer["data"].as_array().unwrap();
    products.iter().map(|product| text(&product["id"]).to_owned()).collect()
}

pub(crate) async fn somebody_becomes_a_merchant(platform: &'static Platform) {
    let guest = platform.guest();
    let admin = shop::admin(platform).await;
    let person = register(&guest).await;
    let name = format!("Savdo{:05}", shop::unique());
    person.client.get("/v1/merchant/me").await.problem(403, "FORBIDDEN");
    let applied =
        person.client.post("/v1/merchant/applications", application(&name)).await.expect(201);
    assert_eq!(applied["status"], "pending");
    let id = text(&applied["id"]);
    let again = person.client.post("/v1/merchant/applications", application(&name)).await;
    again.problem(409, "APPLICATION_EXISTS");
    let pending = admin.get("/v1/admin/merchants?status=pending&limit=100").await.expect(200);
    assert!(pending["data"].as_array().unwrap().iter().any(|merchant| merchant["id"] == id));

    let approve = format!("/v1/admin/merchants/{id}/approve");
    let plan = json!({ "plan": "basic" });
    person.client.post(&approve, plan.clone()).await.problem(403, "FORBIDDEN");
    assert_eq!(admin.post(&approve, plan).await.expect(200)["status"], "active");
    let owner = shop::login(&guest, &person.phone, PASSWORD).await;
    let me = owner.get("/v1/merchant/me").await.expect(200);
    assert_eq!((&me["merchant"]["id"], &me["plan"]), (&json!(id), &json!("basic")));
    assert_eq!(me["usage"]["products"], 0);

    let started = Instant::now();
    let product = shop::eventually("the order service has heard of the merchant", async || {
        let made = owner.post("/v1/merchant/products", shop::draft(&name, 1_500_000, 7)).await;
        (made.status == 201).then(|| made.json())
    })
    .await;
    let (product_id, slug) = (text(&product["id"]), text(&product["slug"]));
    shop::eventually("it is in the shop and can be bought", async || {
        let seen = guest.get(&format!("/v1/store/products/{slug}")).await;
        (seen.status == 200 && seen.json()["in_stock"] == true).then_some(())
    })
    .await;
    shop::eventually("it is found by its name", async || {
        found(&guest, &name).await.contains(&product_id.to_owned()).then_some(())
    })
    .await;
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());

    let goods = shop::Goods {
        id: product_id.to_owned(),
        slug: slug.to_owned(),
        offer: text(&product["variants"][0]["offers"][0]["id"]).to_owned(),
    };
    let bought = shop::order(&guest, &goods, 2, "cash").await;
    let orders = owner.get("/v1/merchant/orders").await.expect(200);
    assert_eq!(orders["data"][0]["id"], bought.id.as_str());
    assert_eq!(orders["data"].as_array().unwrap().len(), 1);

    let suspend = format!("/v1/admin/merchants/{id}/suspend");
    admin.post(&suspend, json!({ "reason": "tekshiruv" })).await.expect(200);
    shop::eventually("a suspended merchant sells nothing", async || {
        let seen = guest.get(&format!("/v1/store/products/{slug}")).await;
        let hidden = seen.status == 404 || seen.json()["in_stock"] == false;
        hidden.then_some(())
    })
    .await;
}

pub(crate) async fn a_rejected_applicant_sells_nothing(platform: &'static Platform) {
    let guest = platform.guest();
    let admin = shop::admin(platform).await;
    let person = register(&guest).await;
    let name = format!("Rad{:05}", shop::unique());
    let applied =
        person.client.post("/v1/merchant/applications", application(&name)).await.expect(201);
    let reject = format!("/v1/admin/merchants/{}/reject", text(&applied["id"]));
    let rejected = admin.post(&reject, json!({ "reason": "hujjat yoʻq" })).await.expect(200);
    assert_eq!(
        (&rejected["status"], &rejected["reject_reason"]),
        (&json!("rejected"), &json!("hujjat yoʻq"))
    );
    let client = shop::login(&guest, &person.phone, PASSWORD).await;
    let made = client.post("/v1/merchant/products", shop::draft(&name, 1_500_000, 7)).await;
    made.problem(403, "FORBIDDEN");
}

pub(crate) async fn a_product_changes_and_goes(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let foreign = shop::merchant(platform, TEXNOQALA).await;
    let goods = shop::goods(&merchant, 2_000_000, 5).await;
    let path = format!("/v1/merchant/products/{}", goods.id);
    foreign.get(&path).await.problem(404, "PRODUCT_NOT_FOUND");
    let theft = json!({ "brand": "Begona" });
    foreign.patch(&path, theft.clone()).await.problem(404, "PRODUCT_NOT_FOUND");
    assert_eq!(foreign.delete(&path).await.status, 404);

    let read = merchant.get(&path).await;
    let tag = read.header("etag").to_owned();
    assert_eq!(read.json()["status"], "active");
    let changed = merchant.with("if-match", &tag).patch(&path, json!({ "brand": "Yangi" })).await;
    assert_eq!(changed.expect(200)["brand"], "Yangi");
    let stale = merchant.with("if-match", &tag).patch(&path, theft).await;
    stale.problem(412, "VERSION_MISMATCH");

    let offer = format!("/v1/merchant/offers/{}", goods.offer);
    let update = json!({ "price": { "amount": 1_800_000, "currency": "UZS" },
        "compare_at_price": { "amount": 2_000_000, "currency": "UZS" }, "stock": 11 });
    foreign.patch(&offer, update.clone()).await.problem(404, "OFFER_NOT_FOUND");
    let updated = merchant.patch(&offer, update).await.expect(200);
    assert_eq!((amount(&updated["price"]), &updated["stock"]), (1_800_000, &json!(11)));
    let shown = shop::eventually("the shop shows the new price", async || {
        let product = guest.get(&format!("/v1/store/products/{}", goods.slug)).await.expect(200);
        (amount(&product["price_from"]) == 1_800_000).then_some(product)
    })
    .await;
    assert_eq!(amount(&shown["variants"][0]["offers"][0]["compare_at_price"]), 2_000_000);
    let many = json!({ "offers": [{ "id": goods.offer, "stock": 3 },
        { "id": "off_00000000000000000000000000", "stock": 3 }, { "id": goods.offer, "stock": -1 }] });
    let outcome = merchant.post("/v1/merchant/offers/bulk", many).await.expect(200);
    let ok: Vec<&Value> =
        outcome["data"].as_array().unwrap().iter().map(|one| &one["ok"]).collect();
    assert_eq!(ok, [&json!(true), &json!(false), &json!(false)]);
    assert_eq!(shop::stock(&merchant, &goods).await.0, 3);
    merchant.patch(&offer, json!({ "active": false })).await.expect(200);
    let cart = shop::Cart::open(&guest).await;
    let body = json!({ "offer_id": goods.offer, "quantity": 1 });
    let refused = cart.client.post(&cart.path("/items"), body).await;
    assert!(matches!(refused.status, 404 | 409), "not on sale: {}", refused.text());

    assert_eq!(merchant.delete(&path).await.status, 204);
    shop::eventually("it is gone from the shop and from search", async || {
        let page = guest.get(&format!("/v1/store/products/{}", goods.slug)).await;
        let name = goods.slug.split('-').next().unwrap_or_default();
        (page.status == 404 && !found(&guest, name).await.contains(&goods.id)).then_some(())
    })
    .await;
}

pub(crate) async fn servers_and_staff_work_for_a_merchant(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, ZARBOF).await;
    let goods = shop::goods(&merchant, 2_000_000, 5).await;
    let key = json!({ "name": "ombor", "scopes": ["products:read", "orders:read"] });
    let made = merchant.post("/v1/merchant/api-keys", key).await.expect(201);
    assert!(text(&made["key"]).starts_with("sk_"));
    let server = guest.bearer(text(&made["key"]));
    let path = format!("/v1/merchant/products/{}", goods.id);
    assert_eq!(server.get(&path).await.expect(200)["id"], goods.id.as_str());
    server.get("/v1/merchant/orders").await.expect(200);
    server.patch(&path, json!({ "brand": "X" })).await.problem(403, "FORBIDDEN");
    let listed = merchant.get("/v1/merchant/api-keys").await.expect(200);
    assert!(!listed.to_string().contains(text(&made["key"])), "shown once");
    let remove = format!("/v1/merchant/api-keys/{}", text(&made["id"]));
    assert_eq!(merchant.delete(&remove).await.status, 204);
    assert_eq!(server.get(&path).await.status, 401, "at once");

    let person = register(&guest).await;
    let staff = json!({ "login": person.phone, "role": "viewer" });
    let member = merchant.post("/v1/merchant/staff", staff).await.expect(201);
    let viewer = shop::login(&guest, &person.phone, PASSWORD).await;
    viewer.get(&path).await.expect(200);
    viewer.patch(&path, json!({ "brand": "X" })).await.problem(403, "FORBIDDEN");
    let remove = format!("/v1/merchant/staff/{}", text(&member["id"]));
    assert_eq!(merchant.delete(&remove).await.status, 204);
    let former = shop::login(&guest, &person.phone, PASSWORD).await;
    former.get(&path).await.problem(403, "FORBIDDEN");
}

/// The first 200 rows of the demo's CSV file.
fn rows() -> String {
    let file = std::fs::read_to_string("../demo/data/more.csv").unwrap();
    file.lines().take(201).fold(String::new(), |text, line| text + line + "\n")
}

pub(crate) async fn two_hundred_products_come_from_a_table(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, TEXNOQALA).await;
    let mut table = rows();
    table.push_str("BAD-1,,,,no-such-category,,12.345,-1,1,1,77,\n");
    let file = table.as_bytes();
    let path = "/v1/merchant/products/import";
    let job = merchant.upload(path, "more.csv", "text/csv", file).await.expect(202);
    let path = format!("/v1/merchant/jobs/{}", text(&job["id"]));
    let done = shop::eventually("the job is done", async || {
        let job = merchant.get(&path).await.expect(200);
        matches!(text(&job["status"]), "done" | "failed").then_some(job)
    })
    .await;
    assert_eq!((&done["status"], &done["total"]), (&json!("done"), &json!(201)), "{done}");
    assert_eq!(done["imported"], 200, "{done}");
    let errors = done["errors"].as_array().unwrap();
    assert!(!errors.is_empty() && errors.iter().all(|error| error["line"] == 202), "{errors:?}");
    let foreign = shop::merchant(platform, HUNAR_UYI).await;
    foreign.get(&path).await.problem(404, "JOB_NOT_FOUND");

    let titles = ["Zarbon%20gʻilofi", "Nurafon%20чехол"];
    for title in titles {
        shop::eventually("an imported product is found", async || {
            let answer = guest.get(&format!("/v1/store/search?q={title}&in_stock=true")).await;
            (answer.expect(200)["meta"]["count"].as_u64() > Some(0)).then_some(())
        })
        .await;
    }
    let export = merchant.get("/v1/merchant/products/export").await;
    assert_eq!(export.status, 200);
    assert!(export.header("content-type").starts_with("text/csv"));
    let text = export.text();
    let mut lines = text.lines();
    assert_eq!(lines.next(), table.lines().next(), "the header of an import");
    let line = text.lines().find(|line| line.starts_with("MORE01-0001,")).unwrap();
    assert!(line.contains("49000") && line.contains(",17,"), "{line}");
}

pub(crate) async fn a_picture_is_stored_in_four_sizes(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let seed = shop::unique();
    let picture = image::RgbImage::from_fn(900, 700, |x, y| {
        let mix = |factor: u32| u8::try_from((x * factor + y * seed) % 256).unwrap();
        image::Rgb([mix(1), mix(3), mix(7)])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let path = "/v1/merchant/files";
    let stored = merchant.upload(path, "piyola.png", "image/png", png.get_ref()).await.expect(201);
    assert!(text(&stored["id"]).starts_with("file_"));
    assert_eq!((&stored["width"], &stored["height"]), (&json!(771), &json!(600)), "fits 800 x 600");
    let thumbnails = &stored["thumbnails"];
    for (name, url, most) in [
        ("main", &stored["url"], 771),
        ("large", &thumbnails["large"], 600),
        ("medium", &thumbnails["medium"], 300),
        ("small", &thumbnails["small"], 120),
    ] {
        let file = guest.get(text(url)).await;
        assert_eq!(file.status, 200, "{name}");
        assert!(file.header("content-type").starts_with("image/"), "{name}");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        let seen = image::load_from_memory(&file.bytes).unwrap();
        assert_eq!(seen.width(), most, "{name}");
        let again = guest.with("if-none-match", file.header("etag")).get(text(url)).await;
        assert_eq!(again.status, 304, "{name}");
    }
    let script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let refused = merchant.upload(path, "x.png", "image/png", script).await;
    assert!(matches!(refused.status, 400 | 415 | 422), "{}: {}", refused.status, refused.text());
    let shopper = register(&guest).await.client;
    shopper.upload(path, "x.png", "image/png", png.get_ref()).await.problem(403, "FORBIDDEN");

    let mut draft = shop::draft(&format!("Rasm{:05}", shop::unique()), 900_000, 1);
    draft["media"] = json!([stored["id"]]);
    let product = merchant.post("/v1/merchant/products", draft.clone()).await.expect(201);
    assert_eq!(product["media"][0]["url"], stored["url"]);
    draft["media"] = json!(["file_00000000000000000000000000"]);
    let refused = merchant.post("/v1/merchant/products", draft).await.problem(400, "INVALID");
    assert_eq!(refused["errors"][0]["field"], "media[0]");
}
