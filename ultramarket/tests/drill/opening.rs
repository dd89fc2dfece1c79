//! Something to sell, and people who may look into the books.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    market::STOCK,
    support::{
        client::Client,
        shop::{self, Goods, HUNAR_UYI, PASSWORD, TEXNOQALA, text},
    },
};

/// The administrator of a shop that is no demo.
pub(crate) const ADMIN: (&str, &str) = ("boshliq@example.uz", "birinchi-parol-2026");

/// How somebody signs in.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    name: String,
    password: String,
}

impl Login {
    pub(crate) fn new(name: &str, password: &str) -> Self {
        Self { name: name.to_owned(), password: password.to_owned() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) async fn sign_in(&self, guest: &Client) -> Client {
        shop::login(guest, &self.name, &self.password).await
    }
}

/// What is sold by whom.
#[derive(Debug, Clone)]
pub(crate) struct Stall {
    pub(crate) owner: Login,
    pub(crate) goods: Goods,
}

/// A platform on which people buy.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) admin: Login,
    pub(crate) stalls: Vec<Stall>,
    /// What a search must find.
    pub(crate) word: &'static str,
    /// A picture's address and its bytes.
    pub(crate) picture: (String, Vec<u8>),
    /// Orders that somebody else looks after, and their numbers.
    pub(crate) aside: BTreeMap<String, String>,
}

/// Two stalls among those of the demo.
pub(crate) async fn in_the_demo(guest: &Client, accounts: &Value) -> Opened {
    let login = |account: &Value| Login::new(text(&account["login"]), text(&account["password"]));
    let password = text(&accounts["merchant"]["password"]);
    let mut stalls = Vec::new();
    for (owner, price) in [(TEXNOQALA, 4_500_000), (HUNAR_UYI, 1_250_050)] {
        let owner = Login::new(owner, password);
        let goods = shop::goods(&owner.sign_in(guest).await, price, STOCK).await;
        stalls.push(Stall { owner, goods });
    }
    let picture = picture(guest, &stalls[0].owner).await;
    Opened {
        admin: login(&accounts["admin"]),
        stalls,
        word: "telefon",
        picture,
        aside: BTreeMap::new(),
    }
}

/// Two stalls of one merchant on a platform that had nothing but its administrator.
pub(crate) async fn on_empty_ground(guest: &Client) -> Opened {
    let admin = Login::new(ADMIN.0, ADMIN.1);
    let administrator = admin.sign_in(guest).await;
    let category = json!({ "slug": "dishes", "title": { "uz": "Idishlar" } });
    administrator.post("/v1/admin/categories", category).await.expect(201);
    let owner = shop::register(guest).await;
    let application = json!({ "name": "Doʻkon", "legal_name": "«Doʻkon» MChJ", "tin": "301234567",
        "phone": "+998901234567", "email": "dokon@example.uz" });
    let applied = owner.client.post("/v1/merchant/applications", application).await.expect(201);
    let approve = format!("/v1/admin/merchants/{}/approve", text(&applied["id"]));
    administrator.post(&approve, json!({ "plan": "basic" })).await.expect(200);
    let owner = Login::new(&owner.phone, PASSWORD);
    let merchant = owner.sign_in(guest).await;
    let mut stalls = Vec::new();
    for price in [4_500_000, 1_250_050] {
        let goods = shop::goods(&merchant, price, STOCK).await;
        stalls.push(Stall { owner: owner.clone(), goods });
    }
    let picture = picture(guest, &owner).await;
    shop::eventually("everything can be bought", async || {
        let cart = shop::Cart::open(guest).await;
        for stall in &stalls {
            let body = json!({ "offer_id": stall.goods.offer, "quantity": 1 });
            let answer = cart.client.post(&cart.path("/items"), body).await;
            if answer.status != 200 || answer.json()["items"][0]["available"] != true {
                return None;
            }
        }
        Some(())
    })
    .await;
    Opened { admin, stalls, word: "piyola", picture, aside: BTreeMap::new() }
}

/// Uploads one.
async fn picture(guest: &Client, owner: &Login) -> (String, Vec<u8>) {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::from_fn(640, 480, |x, y| {
        image::Rgb([(x % 256).try_into().unwrap(), (y % 256).try_into().unwrap(), 7])
    });
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let merchant = owner.sign_in(guest).await;
    let path = "/v1/merchant/files";
    let stored = merchant.upload(path, "choynak.png", "image/png", bytes.get_ref()).await;
    let url = text(&stored.expect(201)["url"]).to_owned();
    let answer = guest.get(&url).await;
    assert_eq!(answer.status, 200);
    (url, answer.bytes)
}
