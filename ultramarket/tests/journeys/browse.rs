//! The catalogue as a guest sees it.

use serde_json::Value;

use crate::support::{
    client::Client,
    platform::Platform,
    shop::{self, amount, text},
};

async fn list(guest: &Client, query: &str) -> Vec<Value> {
    let answer = guest.get(&format!("/v1/store/products?{query}")).await.expect(200);
    answer["data"].as_array().unwrap().clone()
}

pub(crate) async fn products_are_listed_filtered_and_sorted(platform: &'static Platform) {
    let guest = platform.guest();
    let first = guest.get("/v1/store/products?limit=30&count=exact").await.expect(200);
    assert!(first["meta"]["count"].as_u64().unwrap() >= 96);
    let mut seen = std::collections::HashSet::new();
    let mut page = first;
    let mut late = Vec::new();
    loop {
        for product in page["data"].as_array().unwrap() {
            assert!(seen.insert(text(&product["id"]).to_owned()), "no product stands on two pages");
            if product["price_from"].is_null() {
                late.push(text(&product["slug"]).to_owned());
            } else {
                assert!(amount(&product["price_from"]) > 0);
            }
            assert!(!text(&product["title"]).is_empty());
        }
        let Some(next) = page["meta"]["next"].as_str() else { break };
        let path = format!("/v1/store/products?limit=30&after={next}");
        page = guest.get(&path).await.expect(200);
    }
    assert!(seen.len() - late.len() >= 96, "{} without {late:?}", seen.len());
    // What somebody else puts on sale at this moment has its price a moment later, unless it is gone by then.
    for slug in late {
        shop::eventually("it has a price", async || {
            let shown = guest.get(&format!("/v1/store/products/{slug}")).await;
            let priced = || amount(&shown.json()["price_from"]) > 0;
            (shown.status == 404 || !shown.json()["price_from"].is_null() && priced()).then_some(())
        })
        .await;
    }

    for product in list(&guest, "category=dishes&limit=50").await {
        assert_eq!(product["category"]["slug"], "dishes");
    }
    let home = list(&guest, "category=home&limit=100").await;
    let slugs: std::collections::BTreeSet<&str> =
        home.iter().map(|product| text(&product["category"]["slug"])).collect();
    assert!(slugs.contains("dishes") && slugs.contains("furniture"), "with all below: {slugs:?}");
    let brand = list(&guest, "brand=Rishton%20Sopol").await;
    assert!(!brand.is_empty() && brand.iter().all(|product| product["brand"] == "Rishton Sopol"));
    let cheap = list(&guest, "price_lte=10000000&price_gte=2000000&limit=100").await;
    assert!(!cheap.is_empty());
    for product in &cheap {
        assert!((2_000_000..=10_000_000).contains(&amount(&product["price_from"])), "{product}");
    }
    let material = list(&guest, "attr.material=ceramic&category=dishes").await;
    assert!(!material.is_empty());
    assert!(material.iter().all(|product| product["attributes"]["material"] == "ceramic"));
    assert!(list(&guest, "in_stock=true&limit=50").await.iter().all(|p| p["in_stock"] == true));
    for (sort, falling) in [("price", false), ("-price", true)] {
        let sorted = list(&guest, &format!("sort={sort}&category=smartphones&limit=50")).await;
        let prices: Vec<i64> =
            sorted.iter().map(|product| amount(&product["price_from"])).collect();
        let mut expected = prices.clone();
        expected.sort_unstable();
        if falling {
            expected.reverse();
        }
        assert_eq!(prices, expected, "{sort}");
    }
    let merchant = &list(&guest, "category=laptops&limit=1").await[0];
    let merchant = &merchant["variants"][0]["offers"][0]["merchant"]["id"];
    let own = list(&guest, &format!("merchant={}&limit=10", text(merchant))).await;
    assert!(!own.is_empty());
}

pub(crate) async fn a_product_has_its_page(platform: &'static Platform) {
    let guest = platform.guest();
    let product = guest.get("/v1/store/products/teapot-rishton").await.expect(200);
    let by_id = format!("/v1/store/products/{}", text(&product["id"]));
    assert_eq!(guest.get(&by_id).await.expect(200), product);
    assert_eq!(product["category"]["slug"], "dishes");
    assert_eq!(product["variants"].as_array().unwrap().len(), 2);
    let blue = &product["variants"][0];
    assert_eq!(
        (text(&blue["sku"]), text(&blue["options"]["color"])),
        ("TEAPOT-RISHTON-BLU", "blue")
    );
    assert_eq!(blue["offers"][0]["in_stock"], false);
    assert_eq!(amount(&blue["offers"][0]["price"]), 12_900_000);
    assert_eq!(blue["offers"][0]["merchant"]["name"], "Hunar Uyi");
    assert_eq!(product["in_stock"], true, "the other colour is there");
    assert!(product["rating"]["count"].as_u64().unwrap() >= 2);

    let picture = &product["media"][0];
    for url in [
        &picture["url"],
        &picture["thumbnails"]["small"],
        &picture["thumbnails"]["medium"],
        &picture["thumbnails"]["large"],
    ] {
        let file = guest.get(text(url)).await;
        assert_eq!(file.status, 200, "{url}");
        assert!(file.header("content-type").starts_with("image/"));
        assert!(file.header("cache-control").contains("immutable"));
    }
    let reviews = format!("/v1/store/reviews?product_id={}", text(&product["id"]));
    assert!(guest.get(&reviews).await.expect(200)["data"].as_array().unwrap().len() >= 2);
    for (language, title) in [
        ("uz", "Rishton choynagi, 1,2 l"),
        ("ru", "Риштанский чайник, 1,2 л"),
        ("en", "Rishton teapot, 1.2 l"),
        ("de, ru;q=0.5", "Риштанский чайник, 1,2 л"),
    ] {
        let guest = guest.with("accept-language", language);
        let product = guest.get("/v1/store/products/teapot-rishton").await.expect(200);
        assert_eq!(product["title"], title);
    }
    guest.get("/v1/store/products/no-such-thing").await.problem(404, "PRODUCT_NOT_FOUND");

    let tree = guest.get("/v1/store/categories").await.expect(200);
    let parents = tree["data"].as_array().unwrap();
    assert!(parents.iter().any(|category| category["slug"] == "home"), "{tree}");
    let regions = guest.get("/v1/store/regions").await.expect(200);
    assert_eq!(regions["data"].as_array().unwrap().len(), 14);
}

pub(crate) async fn search_reads_both_scripts_and_russian(platform: &'static Platform) {
    let guest = platform.guest();
    for query in ["choynak", "чойнак", "чайник", "teapot", "CHOYNAGI", "xjqyfr"] {
        let found = guest.get(&format!("/v1/store/search?q={}", escape(query))).await.expect(200);
        let slugs: Vec<&str> = found["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|product| text(&product["slug"]))
            .collect();
        // The last one is a word typed with the wrong keyboard layout; all others find the teapot.
        if query != "xjqyfr" {
            assert!(slugs.contains(&"teapot-rishton"), "{query}: {slugs:?}");
        }
        assert!(found["meta"]["count"].as_u64().unwrap() >= slugs.len() as u64);
    }
    let found = guest.get("/v1/store/search?q=telefon&limit=5").await.expect(200);
    let facets = found["facets"].as_array().unwrap();
    let brand = facets.iter().find(|facet| facet["name"] == "brand").unwrap();
    let value = &brand["values"][0];
    assert!(value["count"].as_u64().unwrap() > 0);
    let narrowed =
        format!("/v1/store/search?q=telefon&limit=50&brand={}", escape(text(&value["value"])));
    let narrowed = guest.get(&narrowed).await.expect(200);
    assert_eq!(narrowed["meta"]["count"], value["count"], "a facet counts what it would leave");
    for product in narrowed["data"].as_array().unwrap() {
        assert_eq!(product["brand"], value["value"]);
    }
    let suggested = guest.get("/v1/store/search/suggest?q=choy").await.expect(200);
    let first = &suggested["data"][0];
    assert!(!text(&first["text"]).is_empty() && !text(&first["type"]).is_empty());
    let none = guest.get("/v1/store/search?q=zzzzqqqqxxxx").await.expect(200);
    assert_eq!(none["data"].as_array().unwrap().len(), 0);
}

fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut escaped, byte| {
        write!(escaped, "%{byte:02X}").unwrap();
        escaped
    })
}

pub(crate) async fn answers_are_tagged_and_cached(platform: &'static Platform) {
    let guest = platform.guest();
    for path in [
        "/v1/store/products?category=shoes",
        "/v1/store/products/teapot-rishton",
        "/v1/store/categories",
    ] {
        shop::eventually("the same tag twice", async || {
            let first = guest.get(path).await;
            assert_eq!(first.status, 200);
            let tag = first.header("etag").to_owned();
            assert!(!tag.is_empty(), "{path}");
            assert!(first.header("cache-control").contains("max-age"), "{path}");
            let vary: Vec<&str> = first
                .headers
                .get_all("vary")
                .iter()
                .filter_map(|value| value.to_str().ok())
                .collect();
            assert!(vary.join(",").contains("Accept-Language"), "{path}: {vary:?}");
            let again = guest.with("if-none-match", &tag).get(path).await;
            (again.status == 304 && again.bytes.is_empty() && again.header("etag") == tag)
                .then_some(())
        })
        .await;
        let other = guest.with("if-none-match", "\"another\"").get(path).await;
        assert_eq!(other.status, 200);
    }
    let named = guest.with("x-request-id", "journey-77").get("/v1/store/regions").await;
    assert_eq!(named.header("x-request-id"), "journey-77");
    let unnamed = guest.get("/v1/store/regions").await;
    assert!(!unnamed.header("x-request-id").is_empty());
}
