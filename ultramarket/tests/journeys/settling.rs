//! What comes after the money: fiscal receipts, comparing with the provider, cash at the door, and the way to the page by a form.

use serde_json::json;

use crate::support::{
    client::Client,
    platform::Platform,
    providers::{Payme, now, payme_id},
    shop::{self, HUNAR_UYI, register, text},
};

pub(crate) async fn a_fiscal_receipt_stands_on_the_order(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 1_500_000, 4).await;
    let bought = shop::order(&guest, &goods, 1, "payme").await;

    let path = format!("/v1/store/orders/{}/payment-form", bought.id);
    guest.get(&path).await.problem(404, "ORDER_NOT_FOUND");
    let form = bought.client.get(&path).await.expect(200);
    assert_eq!(form["method"], "POST");
    assert_eq!(form["fields"]["account[order_id]"], bought.number.as_str());
    assert_eq!(form["fields"]["amount"], bought.total.to_string());

    let payme = Payme::new(&guest);
    let id = payme.pay(&bought.number, bought.total).await;
    bought.becomes("paid").await;
    bought.client.get(&path).await.problem(404, "PAYMENT_NOT_FOUND");
    assert!(bought.read().await.get("fiscal_receipts").is_none());
    let data = json!({
        "receipt_id": 121, "status_code": 0, "message": "accepted", "terminal_id": "EP000000000025",
        "fiscal_sign": "800031554082", "qr_code_url": "https://ofd.soliq.uz/check?r=121", "date": "20261121143000",
    });
    let receipt = json!({ "id": id, "type": "PERFORM", "fiscal_data": data });
    for _ in 0..2 {
        let kept = Payme::result(&payme.call("SetFiscalData", receipt.clone()).await);
        assert_eq!(kept, json!({ "success": true }));
    }
    let receipts = shop::eventually("the receipt", async || {
        bought.read().await.get("fiscal_receipts").cloned()
    })
    .await;
    assert_eq!(
        receipts,
        json!([{
            "kind": "sale", "qr_url": "https://ofd.soliq.uz/check?r=121", "receipt_id": "121",
            "fiscal_sign": "800031554082", "terminal_id": "EP000000000025", "issued_at": "20261121143000",
        }])
    );
}

pub(crate) async fn what_a_provider_says_is_compared(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 1_600_000, 4).await;
    let bought = shop::order(&guest, &goods, 1, "payme").await;
    let payme = Payme::new(&guest);
    let (id, account) = (payme_id(), json!({ "order_id": bought.number }));
    let create = json!({ "id": id, "time": now(), "amount": bought.total, "account": account });
    Payme::result(&payme.call("CreateTransaction", create).await);
    // Payme has the money, and its call did not come. A day without payments: the table speaks of these two alone.
    let unknown = payme_id();
    let csv = format!(
        "id,order_id,amount_tiyin,state\n{id},{},{},paid\n{unknown},9Z,100,paid\n",
        bought.number, bought.total
    );
    let day = "2026-01-01";
    let body = json!({ "provider": "payme", "from": day, "to": day, "csv": csv });
    let path = "/v1/admin/payments/reconciliation";
    let runs = format!("{path}/runs");
    merchant.post(&runs, body.clone()).await.problem(403, "FORBIDDEN");
    let admin = shop::admin(platform).await;
    admin.post(&runs, json!({ "provider": "payme" })).await.problem(400, "INVALID");
    let run = admin.post(&runs, body).await.expect(201);
    assert_eq!(
        (&run["state"], &run["found"], &run["fixed"]),
        (&json!("done"), &json!(2), &json!(1)),
        "{run}"
    );
    bought.becomes("paid").await;
    let listed = admin.get(&runs).await.expect(200);
    assert!(listed["data"].as_array().unwrap().iter().any(|it| it["id"] == run["id"]));

    let frozen =
        admin.get(&format!("{path}?outcome=frozen&provider=payme&limit=100")).await.expect(200);
    let frozen = frozen["data"].as_array().unwrap();
    let it = frozen.iter().find(|it| it["provider_ref"] == unknown.as_str()).unwrap();
    assert_eq!((&it["class"], &it["reference"]), (&json!("paid_there_only"), &json!("9Z")));
    assert_eq!(
        it["theirs"],
        json!({ "state": "paid", "amount": { "amount": 100, "currency": "UZS" } })
    );
    let resolve = format!("{path}/{}/resolve", text(&it["id"]));
    merchant.post(&resolve, json!({ "note": "x" })).await.problem(403, "FORBIDDEN");
    let resolved =
        admin.post(&resolve, json!({ "note": "sent back in the cabinet" })).await.expect(200);
    assert_eq!(resolved["outcome"], "resolved");
    admin.get(&format!("{path}?outcome=lost")).await.problem(400, "INVALID");
}

pub(crate) async fn cash_is_paid_at_the_door(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 1_700_000, 4).await;
    let shopper = register(&guest).await.client;
    let bought = shop::order(&shopper, &goods, 1, "cash").await;
    let admin = shop::admin(platform).await;
    let payments = format!("/v1/admin/orders/{}/payments", bought.id);
    let waiting = admin.get(&payments).await.expect(200);
    assert_eq!(waiting["data"][0]["status"], "pending", "{waiting}");
    let path = format!("/v1/merchant/orders/{}", bought.id);
    merchant.post(&format!("{path}/accept"), json!({})).await.expect(200);
    let tracking = json!({ "carrier": "UzPost", "tracking": "UZ1" });
    merchant.post(&format!("{path}/ship"), tracking).await.expect(200);
    merchant.post(&format!("{path}/deliver"), json!({})).await.expect(200);
    shop::eventually("the cash is paid", async || {
        let payments = admin.get(&payments).await.expect(200);
        let it = &payments["data"][0];
        (it["status"] == "paid" && it["amount"]["amount"] == bought.total).then_some(())
    })
    .await;
    let order = bought.read().await;
    assert_eq!((&order["status"], &order["payment_status"]), (&json!("delivered"), &json!("paid")));
}

/// Click issues the receipt of a sale when it is sent the lines.
pub(crate) async fn click_issues_a_receipt(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 1_800_000, 4).await;
    let bought = shop::order(&guest, &goods, 2, "click").await;
    let sandbox = Client::new(text(&platform.sandboxes["click"]));
    let paid = sandbox.post("/pay", json!({ "reference": bought.number })).await.expect(200);
    assert_eq!(paid["ok"], true, "{paid}");
    bought.becomes("paid").await;
    let receipts = shop::eventually("the receipt", async || {
        bought.read().await.get("fiscal_receipts").cloned()
    })
    .await;
    assert_eq!(receipts[0]["kind"], "sale");
    let url = format!("https://ofd.example/check?payment={}", paid["click_paydoc_id"]);
    assert_eq!(receipts[0]["qr_url"], url.as_str());
}
