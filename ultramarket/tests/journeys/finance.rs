//! A merchant follows its money.

use serde_json::json;

use crate::support::{
    client::Client,
    platform::Platform,
    shop::{self, Goods, PASSWORD, TEXNOQALA, amount, register, text},
};

/// Twelve hundredths for the platform, and VAT of twelve hundredths on that.
fn share(price: i64) -> i64 {
    price - price * 12 / 100 - price * 144 / 10_000
}

pub(crate) async fn a_merchant_follows_its_money(platform: &'static Platform) {
    let guest = platform.guest();
    let admin = shop::admin(platform).await;
    let foreign = shop::merchant(platform, TEXNOQALA).await;
    let person = register(&guest).await;
    let name = format!("Hisob{:05}", shop::unique());
    let application = json!({ "name": name, "legal_name": name, "tin": format!("31{:07}", shop::unique()),
        "phone": "+998901234567", "email": "hisob@example.uz" });
    let applied = person.client.post("/v1/merchant/applications", application).await.expect(201);
    let approve = format!("/v1/admin/merchants/{}/approve", text(&applied["id"]));
    admin.post(&approve, json!({ "plan": "basic" })).await.expect(200);
    let owner = shop::login(&guest, &person.phone, PASSWORD).await;
    let empty = owner.get("/v1/merchant/finance/balance").await.expect(200);
    assert_eq!((amount(&empty["available"]), amount(&empty["pending"])), (0, 0));
    assert_eq!(empty["currency"], "UZS");

    let goods = shop::eventually("the order service has heard of the merchant", async || {
        let body = shop::draft(&name, 1_500_000, 9);
        let made = owner.post("/v1/merchant/products", body).await;
        (made.status == 201).then(|| made.json())
    })
    .await;
    let goods = Goods {
        id: text(&goods["id"]).to_owned(),
        slug: text(&goods["slug"]).to_owned(),
        offer: text(&goods["variants"][0]["offers"][0]["id"]).to_owned(),
    };
    shop::eventually("it can be bought", async || {
        let seen = guest.get(&format!("/v1/store/products/{}", goods.slug)).await;
        (seen.status == 200 && seen.json()["in_stock"] == true).then_some(())
    })
    .await;
    let bought = shop::order(&guest, &goods, 2, "cash").await;
    let path = format!("/v1/merchant/orders/{}", bought.id);
    let tracking = json!({ "carrier": "UzPost", "tracking": "UZ1" });
    owner.post(&format!("{path}/ship"), tracking).await.expect(200);
    let before = owner.get("/v1/merchant/finance/balance").await.expect(200);
    assert_eq!(amount(&before["pending"]), 0, "cash is earned when it is handed over");
    owner.post(&format!("{path}/deliver"), json!({})).await.expect(200);
    let after = owner.get("/v1/merchant/finance/balance").await.expect(200);
    let earned = (amount(&after["available"]), amount(&after["pending"]));
    assert_eq!(earned, (0, share(3_000_000)), "the goods may still come back");

    books(&owner, &bought.id).await;
    reports(&owner, &goods).await;
    others_see_nothing(&guest, &owner, (&foreign, &bought.id, &goods)).await;
    payouts(&admin, &owner).await;
    corrections(&admin, &owner).await;
}

/// The ledger, by pages and as a statement.
async fn books(owner: &Client, order: &str) {
    let ledger = owner.get("/v1/merchant/finance/ledger?limit=100").await.expect(200);
    let entries = ledger["data"].as_array().unwrap();
    let (mut debits, mut credits, mut own) = (0, 0, 0);
    for entry in entries {
        assert_eq!(entry["order_id"], order, "{entry}");
        let (debit, credit) = (amount(&entry["debit"]), amount(&entry["credit"]));
        debits += debit;
        credits += credit;
        if entry["account"] == "merchant" {
            own += credit - debit;
        }
    }
    assert_eq!((debits, own), (credits, share(3_000_000)));
    assert!(ledger["meta"]["next"].is_null());
    let page = owner.get("/v1/merchant/finance/ledger?limit=2").await.expect(200);
    let next = text(&page["meta"]["next"]);
    let rest = owner.get(&format!("/v1/merchant/finance/ledger?after={next}")).await.expect(200);
    let rest = rest["data"].as_array().unwrap();
    assert_eq!(rest.as_slice(), &entries[2..]);
    let file = owner.with("accept", "text/csv").get("/v1/merchant/finance/ledger").await;
    assert!(file.header("content-type").starts_with("text/csv"));
    let lines = file.text();
    assert_eq!(lines.lines().count(), 1 + entries.len(), "{lines}");
    assert!(lines.starts_with("at,id,kind,order_id,") && lines.contains("30000.00"), "{lines}");
    let same = owner.get("/v1/merchant/finance/ledger?format=csv&account=merchant").await.text();
    assert_eq!(same.lines().count(), 1 + 3, "{same}");
    owner.get("/v1/merchant/finance/ledger?from=kecha").await.problem(400, "INVALID");
}

/// What was sold, and where the stock went.
async fn reports(owner: &Client, goods: &Goods) {
    let report = owner.get("/v1/merchant/reports/sales?group=month").await.expect(200);
    let month = report["data"].as_array().unwrap().last().unwrap();
    assert_eq!((&month["orders"], &month["items"]), (&json!(1), &json!(2)));
    assert_eq!((amount(&month["gross"]), amount(&month["net"])), (3_000_000, 3_000_000));
    let movements = owner.get(&movements_of(goods)).await.expect(200);
    assert_eq!(movements["data"][0]["cause"], "sold");
    assert_eq!(movements["data"][0]["available"], -2);
}

fn movements_of(goods: &Goods) -> String {
    format!("/v1/merchant/offers/{}/movements", goods.offer)
}

async fn others_see_nothing(
    guest: &Client,
    owner: &Client,
    (foreign, order, goods): (&Client, &str, &Goods),
) {
    foreign.get(&movements_of(goods)).await.problem(404, "OFFER_NOT_FOUND");
    let theirs = foreign.get("/v1/merchant/finance/ledger?limit=100").await.expect(200);
    assert!(!theirs.to_string().contains(order));
    guest.get("/v1/merchant/finance/balance").await.problem(401, "UNAUTHENTICATED");
    let key = json!({ "name": "hisobchi", "scopes": ["orders:read"] });
    let made = owner.post("/v1/merchant/api-keys", key).await.expect(201);
    let server = guest.bearer(text(&made["key"]));
    server.get("/v1/merchant/finance/balance").await.problem(403, "FORBIDDEN");
    let key = json!({ "name": "hisobchi 2", "scopes": ["finance:read"] });
    let made = owner.post("/v1/merchant/api-keys", key).await.expect(201);
    let server = guest.bearer(text(&made["key"]));
    for path in ["finance/balance", "finance/ledger", "finance/payouts", "reports/sales"] {
        server.get(&format!("/v1/merchant/{path}")).await.expect(200);
    }
}

async fn payouts(admin: &Client, owner: &Client) {
    let payouts = owner.get("/v1/merchant/finance/payouts").await.expect(200);
    assert_eq!(payouts["data"], json!([]), "nothing is available yet");
    admin.get("/v1/admin/payouts?status=draft").await.expect(200);
    owner.get("/v1/admin/payouts").await.problem(403, "FORBIDDEN");
    let nobody = format!("/v1/admin/payouts/{}", ids::PayoutId::new());
    let paid = json!({ "reference": "PP-1" });
    let refused = admin.post(&format!("{nobody}/paid"), paid.clone()).await;
    refused.problem(400, "IDEMPOTENCY_KEY_REQUIRED");
    let keyed = admin.with("idempotency-key", "finance-1");
    keyed.post(&format!("{nobody}/paid"), paid).await.problem(404, "PAYOUT_NOT_FOUND");
    keyed.post(&format!("{nobody}/approve"), json!({})).await.problem(404, "PAYOUT_NOT_FOUND");
    let board = admin.get("/v1/admin/dashboard").await.expect(200);
    assert!(board["today"]["orders"].as_i64().unwrap() > 0, "{board}");
    assert!(amount(&board["last_30_days"]["commission"]) >= 360_000);
}

/// The platform's owner corrects what it owes; the merchant reads why.
async fn corrections(admin: &Client, owner: &Client) {
    let me = owner.get("/v1/merchant/me").await.expect(200);
    let path = format!("/v1/admin/merchants/{}/adjustments", text(&me["merchant"]["id"]));
    let sum = |amount: i64| json!({ "amount": amount, "currency": "UZS" });
    let given =
        json!({ "direction": "credit", "amount": sum(50_000), "reason": "Yoʻqolgan posilka" });
    admin.post(&path, given.clone()).await.problem(400, "IDEMPOTENCY_KEY_REQUIRED");
    let key = format!("correction-{}", shop::unique());
    let keyed = admin.with("idempotency-key", &key);
    owner.with("idempotency-key", &key).post(&path, given.clone()).await.problem(403, "FORBIDDEN");
    let before = owner.get("/v1/merchant/finance/balance").await.expect(200);
    let made = keyed.post(&path, given.clone()).await;
    let again = keyed.post(&path, given).await;
    assert_eq!((made.status, &made.bytes), (201, &again.bytes));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = json!({ "direction": "debit", "amount": sum(1), "reason": "x" });
    keyed.post(&path, other.clone()).await.problem(422, "IDEMPOTENCY_KEY_REUSED");
    let nobody = format!("/v1/admin/merchants/{}/adjustments", ids::MerchantId::new());
    let fresh = admin.with("idempotency-key", &format!("{key}-2"));
    fresh.post(&nobody, other.clone()).await.problem(404, "MERCHANT_NOT_FOUND");
    let wrong = json!({ "direction": "debit", "amount": sum(0), "reason": "x" });
    fresh.post(&path, wrong).await.problem(400, "INVALID");
    let after = owner.get("/v1/merchant/finance/balance").await.expect(200);
    assert_eq!(amount(&after["available"]) - amount(&before["available"]), 50_000);
    let list = owner.get("/v1/merchant/finance/adjustments").await.expect(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(list["data"][0]["reason"], "Yoʻqolgan posilka");
    assert_eq!(admin.get(&path).await.expect(200), list);
    let ledger = owner.get("/v1/merchant/finance/ledger?account=merchant").await.expect(200);
    assert_eq!(ledger["data"][0]["kind"], "adjustment");
    assert_eq!(amount(&ledger["data"][0]["credit"]), 50_000);
}
