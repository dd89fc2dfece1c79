//! People: registration, sign-in, sessions, profile.

use serde_json::{Value, json};

use crate::support::{
    platform::Platform,
    shop::{self, PASSWORD, register, text},
};

pub(crate) async fn somebody_registers_and_signs_in(platform: &'static Platform) {
    let guest = platform.guest();
    let person = register(&guest).await;
    let user = &person.answer["user"];
    assert!(text(&user["id"]).starts_with("usr_"));
    assert_eq!(user["phone"], person.phone.as_str());
    assert_eq!(user["email"], Value::Null);
    assert_eq!(user["phone_verified"], false);
    assert!(user["roles"].is_array());
    assert_eq!(person.answer["token_type"], "Bearer");
    assert_eq!(person.answer["expires_in"], 900);

    let body = json!({ "phone": person.phone, "password": PASSWORD, "name": "Boshqa" });
    guest.post("/v1/auth/register", body).await.problem(409, "LOGIN_TAKEN");

    let spaced = person.phone.replace("+998", "998 ");
    let answer = guest
        .post("/v1/auth/login", json!({ "login": spaced, "password": PASSWORD }))
        .await
        .expect(200);
    assert_eq!(answer["user"]["id"], user["id"], "a phone is read as people write it");

    let wrong = |login: &str| json!({ "login": login, "password": "not the password" });
    let known = guest.post("/v1/auth/login", wrong(&person.phone)).await;
    let unknown = guest.post("/v1/auth/login", wrong("+998209999999")).await;
    let known = known.problem(401, "INVALID_CREDENTIALS");
    let unknown = unknown.problem(401, "INVALID_CREDENTIALS");
    assert_eq!((&known["title"], &known["detail"]), (&unknown["title"], &unknown["detail"]));

    let email = format!("nodira{}@example.uz", shop::unique());
    let body = json!({ "email": email, "password": PASSWORD, "name": "Nodira", "locale": "ru" });
    let answer = guest.post("/v1/auth/register", body).await.expect(201);
    assert_eq!(answer["user"]["email"], email.as_str());
    shop::login(&guest, &email, PASSWORD).await;
}

pub(crate) async fn a_refresh_token_works_once(platform: &'static Platform) {
    let guest = platform.guest();
    let person = register(&guest).await;
    let first = text(&person.answer["refresh_token"]).to_owned();
    let refresh = |token: &str| json!({ "refresh_token": token });
    let second = guest.post("/v1/auth/refresh", refresh(&first)).await.expect(200);
    let client = guest.bearer(text(&second["access_token"]));
    assert_eq!(client.get("/v1/auth/me").await.expect(200)["id"], person.answer["user"]["id"]);
    let second = text(&second["refresh_token"]);
    assert_ne!(first, second);

    let again = guest.post("/v1/auth/refresh", refresh(&first)).await;
    again.problem(401, "REFRESH_TOKEN_REUSED");
    let rest = guest.post("/v1/auth/refresh", refresh(second)).await;
    assert_eq!(rest.status, 401, "the whole family has ended: {}", rest.text());
    let never = guest.post("/v1/auth/refresh", refresh("rt_never_issued")).await;
    assert_eq!(never.status, 401, "{}", never.text());
}

pub(crate) async fn sessions_end(platform: &'static Platform) {
    let guest = platform.guest();
    let person = register(&guest).await;
    let other = shop::login(&guest, &person.phone, PASSWORD).await;
    let sessions = other.get("/v1/auth/sessions").await.expect(200);
    let sessions = sessions["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions.iter().filter(|session| session["current"] == true).count(), 1);

    let body = json!({ "login": person.phone, "password": PASSWORD });
    let third = guest.post("/v1/auth/login", body).await.expect(200);
    let client = guest.bearer(text(&third["access_token"]));
    assert_eq!(client.post("/v1/auth/logout", json!({})).await.status, 204);
    let refresh = json!({ "refresh_token": third["refresh_token"] });
    assert_eq!(guest.post("/v1/auth/refresh", refresh).await.status, 401);

    assert_eq!(other.delete("/v1/auth/sessions").await.status, 204);
    let refresh = json!({ "refresh_token": person.answer["refresh_token"] });
    assert_eq!(guest.post("/v1/auth/refresh", refresh).await.status, 401);
}

pub(crate) async fn a_profile_has_addresses_wishes_and_reviews(platform: &'static Platform) {
    let guest = platform.guest();
    let person = register(&guest).await.client;
    let renamed = person.patch("/v1/auth/me", json!({ "name": "Nodira Karimova" })).await;
    assert_eq!(renamed.expect(200)["name"], "Nodira Karimova");

    let address = json!({ "region": "1726", "district": "1726264", "street": "Bobur", "house": "3",
        "recipient": "Nodira", "phone": "90 123 45 67", "is_default": true });
    let saved = person.post("/v1/store/addresses", address).await.expect(201);
    assert_eq!(saved["phone"], "+998901234567");
    let path = format!("/v1/store/addresses/{}", text(&saved["id"]));
    let changed = person.patch(&path, json!({ "street": "Navoiy" })).await.expect(200);
    assert_eq!((&changed["street"], &changed["house"]), (&json!("Navoiy"), &json!("3")));
    let stranger = register(&guest).await.client;
    assert_eq!(stranger.delete(&path).await.status, 404, "others' addresses are not there");
    assert_eq!(person.delete(&path).await.status, 204);
    let left = person.get("/v1/store/addresses").await.expect(200);
    assert_eq!(left["data"], json!([]));

    let product = guest.get("/v1/store/products/teapot-rishton").await.expect(200);
    let wish = json!({ "product_id": product["id"] });
    person.post("/v1/store/wishlist", wish).await.expect(201);
    let wishes = person.get("/v1/store/wishlist").await.expect(200);
    assert_eq!(wishes["data"][0]["slug"], "teapot-rishton");
    let path = format!("/v1/store/wishlist/{}", text(&product["id"]));
    assert_eq!(person.delete(&path).await.status, 204);

    let review = json!({ "product_id": product["id"], "rating": 5, "text": "Zoʻr choynak" });
    let review = person.post("/v1/store/reviews", review).await.expect(201);
    assert_eq!(review["author"], "Nodira Karimova");
    let path = format!("/v1/store/reviews/{}", text(&review["id"]));
    let changed = person.patch(&path, json!({ "rating": 4 })).await.expect(200);
    assert_eq!((&changed["rating"], &changed["text"]), (&json!(4), &json!("Zoʻr choynak")));
    assert_eq!(stranger.delete(&path).await.status, 404);
    assert_eq!(person.delete(&path).await.status, 204);
}
