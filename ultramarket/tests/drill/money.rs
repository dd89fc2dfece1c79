//! Money that has gone other ways than from a shopper to an order: a part that went back, a payout to a merchant, a code that was used up.

use clock::Clock;
use order::store::{self, ledger::Drafted};
use serde_json::{Value, json};

use crate::{
    account::pages,
    opening::{Login, Opened},
    support::{
        client::{Answer, Client},
        providers::Payme,
        shop::{self, Cart, Goods, PASSWORD, amount, text},
    },
};

const CODE: &str = "BIR-MARTA";

/// What was done, and what was answered.
pub(crate) struct Kept {
    owner: Login,
    goods: Goods,
    promotion: String,
    orders: Vec<(String, Client)>,
    payout: String,
    /// Requests with a key: path, body, answer.
    keyed: Vec<(bool, String, Value, Vec<u8>)>,
    /// What everybody saw afterwards.
    seen: Value,
}

impl Kept {
    /// `address` is that of the orders' store: a payout is due at the end of a week, and nobody waits for it.
    pub(crate) async fn make(guest: &Client, opened: &mut Opened, address: &str) -> Self {
        let admin = opened.admin.sign_in(guest).await;
        let person = shop::register(guest).await;
        let application = json!({ "name": "Hisob", "legal_name": "«Hisob» MChJ", "tin": "302345678",
            "phone": "+998901234567", "email": "hisob@example.uz" });
        let applied =
            person.client.post("/v1/merchant/applications", application).await.expect(201);
        let approve = format!("/v1/admin/merchants/{}/approve", text(&applied["id"]));
        admin.post(&approve, json!({ "plan": "basic" })).await.expect(200);
        let owner = Login::new(&person.phone, PASSWORD);
        let merchant = owner.sign_in(guest).await;
        let goods = shop::eventually("the merchant can sell", async || {
            let body = shop::draft(&format!("Hisob{:05}", shop::unique()), 1_500_000, 9);
            let made = merchant.post("/v1/merchant/products", body).await;
            (made.status == 201).then(|| made.json())
        })
        .await;
        let goods = Goods {
            id: text(&goods["id"]).to_owned(),
            slug: text(&goods["slug"]).to_owned(),
            offer: text(&goods["variants"][0]["offers"][0]["id"]).to_owned(),
        };
        let names = json!({ "uz": "Bir marta", "ru": "Один раз", "en": "Once" });
        let promotion = json!({ "name": names, "funded_by": "platform", "products": [goods.id], "code": CODE,
            "kind": "percent", "value": 10, "usage_limit": 1 });
        let promotion = admin.post("/v1/admin/promotions", promotion).await.expect(201);
        let mut kept = Self {
            owner,
            goods,
            promotion: text(&promotion["id"]).to_owned(),
            orders: Vec::new(),
            payout: String::new(),
            keyed: Vec::new(),
            seen: Value::Null,
        };
        kept.sell_with_the_code(guest, (&merchant, &admin)).await;
        kept.give_back(guest, (&merchant, &admin)).await;
        kept.pay_out((&merchant, &admin), address).await;
        for (order, buyer) in &kept.orders {
            let seen = buyer.get(&format!("/v1/store/orders/{order}")).await.expect(200);
            opened.aside.insert(order.clone(), text(&seen["number"]).to_owned());
        }
        kept.seen = kept.look(guest, opened).await;
        assert_eq!(kept.seen["promotion"]["used"], 1, "{}", kept.seen);
        assert_eq!(amount(&kept.seen["promotion"]["spent"]), 300_000);
        assert_eq!(kept.seen["payouts"][0]["status"], "paid", "{}", kept.seen);
        kept
    }

    /// In cash, and handed over: the merchant has earned it.
    async fn sell_with_the_code(&mut self, guest: &Client, (merchant, admin): (&Client, &Client)) {
        let cart = shop::eventually("the code applies", async || {
            let cart = Cart::open(guest).await;
            let item = json!({ "offer_id": self.goods.offer, "quantity": 2 });
            let added = cart.client.post(&cart.path("/items"), item).await;
            let coded = self.use_code(&cart).await;
            (added.status == 200 && coded.status == 200).then_some(cart)
        })
        .await;
        cart.deliver().await;
        let bought = cart.buy("cash").await;
        let path = format!("/v1/merchant/orders/{}", bought.id);
        let tracking = json!({ "carrier": "UzPost", "tracking": "UZ1" });
        merchant.post(&format!("{path}/ship"), tracking).await.expect(200);
        merchant.post(&format!("{path}/deliver"), json!({})).await.expect(200);
        // Nobody may bring it back, and the money is noted: nothing moves any more.
        bought.becomes("completed").await;
        noted(admin, &bought.id, "paid").await;
        self.orders.push((bought.id, bought.client));
    }

    async fn use_code(&self, cart: &Cart) -> Answer {
        cart.client.post(&cart.path("/discount-codes"), json!({ "code": CODE })).await
    }

    async fn give_back(&mut self, guest: &Client, (merchant, admin): (&Client, &Client)) {
        let bought = shop::order(guest, &self.goods, 1, "payme").await;
        Payme::new(guest).pay(&bought.number, bought.total).await;
        bought.becomes("paid").await;
        let path = format!("/v1/merchant/orders/{}/refunds", bought.id);
        let body =
            json!({ "amount": { "amount": 400_000, "currency": "UZS" }, "reason": "a scratch" });
        self.keyed_call((merchant, false), (path, body), 201).await;
        let refund = shop::eventually("somebody has to send it", async || {
            let refund = bought.read().await["refunds"][0].clone();
            (refund["status"] == "needs_manual").then_some(refund)
        })
        .await;
        let done = format!("/v1/admin/refunds/{}/done", text(&refund["id"]));
        admin.post(&done, json!({ "note": "T-1" })).await.expect(200);
        shop::eventually("it has gone back", async || {
            (bought.read().await["payment_status"] == "partially_refunded").then_some(())
        })
        .await;
        noted(admin, &bought.id, "partially_refunded").await;
        self.orders.push((bought.id, bought.client));
    }

    async fn pay_out(&mut self, (merchant, admin): (&Client, &Client), address: &str) {
        let balance = merchant.get("/v1/merchant/finance/balance").await.expect(200);
        assert!(amount(&balance["available"]) > 0, "{balance}");
        let store = store::open(address, order::encode_event).await.unwrap();
        let now = Clock::system().now();
        loop {
            match store.draft_payouts(now, 1, now).await.unwrap() {
                Drafted::Finished => break,
                Drafted::Some(_) => {}
                Drafted::Busy => shop::pause().await,
            }
        }
        store.close().await;
        let drafts = merchant.get("/v1/merchant/finance/payouts").await.expect(200);
        let draft = &drafts["data"][0];
        assert_eq!(draft["status"], "draft", "{drafts}");
        assert_eq!(draft["amount"], balance["available"]);
        text(&draft["id"]).clone_into(&mut self.payout);
        let path = format!("/v1/admin/payouts/{}", self.payout);
        self.keyed_call((admin, true), (format!("{path}/approve"), json!({})), 200).await;
        let reference = json!({ "reference": "PP-77" });
        self.keyed_call((admin, true), (format!("{path}/paid"), reference), 200).await;
    }

    async fn keyed_call(
        &mut self,
        (client, admin): (&Client, bool),
        (path, body): (String, Value),
        status: u16,
    ) {
        let answer = client.with("idempotency-key", &key(&path)).post(&path, body.clone()).await;
        let bytes = answer.bytes.clone();
        answer.expect(status);
        self.keyed.push((admin, path, body, bytes));
    }

    /// Everything that may be seen of it.
    async fn look(&self, guest: &Client, opened: &Opened) -> Value {
        let admin = opened.admin.sign_in(guest).await;
        let merchant = self.owner.sign_in(guest).await;
        let mut orders = Vec::new();
        for (order, _) in &self.orders {
            orders.push(admin.get(&format!("/v1/admin/orders/{order}")).await.expect(200));
            let payments = format!("/v1/admin/orders/{order}/payments");
            orders.push(admin.get(&payments).await.expect(200)["data"].clone());
        }
        let promotion = format!("/v1/admin/promotions/{}", self.promotion);
        let stock = shop::stock(&merchant, &self.goods).await;
        json!({
            "orders": orders,
            "promotion": admin.get(&promotion).await.expect(200),
            "balance": merchant.get("/v1/merchant/finance/balance").await.expect(200),
            "ledger": pages(&merchant, "/v1/merchant/finance/ledger").await,
            "payouts": pages(&merchant, "/v1/merchant/finance/payouts").await,
            "stock": [stock.0, stock.1],
        })
    }

    /// It is all there, nothing happens twice, and a code that was used up stays so.
    pub(crate) async fn check(&self, guest: &Client, opened: &Opened) {
        let seen = self.look(guest, opened).await;
        for part in ["orders", "promotion", "balance", "ledger", "payouts", "stock"] {
            assert_eq!(seen[part], self.seen[part], "{part}");
        }
        let admin = opened.admin.sign_in(guest).await;
        let merchant = self.owner.sign_in(guest).await;
        for (by_admin, path, body, bytes) in &self.keyed {
            let client = if *by_admin { &admin } else { &merchant };
            let again = client.with("idempotency-key", &key(path)).post(path, body.clone()).await;
            assert_eq!(again.header("idempotent-replayed"), "true", "{path}: {}", again.text());
            assert_eq!(&again.bytes, bytes, "{path}");
        }
        let cart = Cart::open(guest).await;
        cart.add(&self.goods, 1).await;
        self.use_code(&cart).await.problem(409, "DISCOUNT_CODE_EXHAUSTED");
        let after = self.look(guest, opened).await;
        assert_eq!(after["balance"], self.seen["balance"], "nothing was done twice");
    }
}

/// Payments hear of it an event later.
async fn noted(admin: &Client, order: &str, status: &str) {
    shop::eventually("it is noted with the payment", async || {
        let payments = format!("/v1/admin/orders/{order}/payments");
        let payments = admin.get(&payments).await.expect(200);
        (payments["data"][0]["status"] == status).then_some(())
    })
    .await;
}

fn key(path: &str) -> String {
    format!("once-{}", path.replace('/', "-"))
}
