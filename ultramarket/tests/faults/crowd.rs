//! Many people at the same moment, at the same thing.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, future::join_all, stream};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    dice::{Dice, scale},
    market::{Market, wish},
    opening::Stall,
    support::{
        client::{Answer, Client},
        providers::{Payme, now, payme_id},
        shop::{self, Bought, Cart, Goods, amount, text},
    },
};

/// Carts that are filled at the same time.
const TILLS: usize = 16;

/// Carts with a piece of these goods, ready to be paid.
pub(crate) async fn carts(guest: &Client, goods: &Goods, count: usize) -> Vec<Cart> {
    let fill = async |_| {
        let cart = Cart::open(guest).await;
        cart.add(goods, 1).await;
        cart.deliver().await;
        cart
    };
    stream::iter(0..count).map(fill).buffer_unordered(TILLS).collect().await
}

pub(crate) fn key(cart: &Cart) -> String {
    format!("key-{}", cart.id)
}

pub(crate) async fn complete(cart: &Cart) -> Answer {
    cart.complete(&key(cart), wish()).await
}

/// Five pieces and many buyers: five orders, and everybody else is told that it is sold out.
pub(crate) async fn the_last_pieces_are_sold_once(
    guest: &Client,
    stall: &Stall,
    (market, buyers): (&Market, usize),
) {
    const PIECES: usize = 5;
    let merchant = stall.owner.sign_in(guest).await;
    let goods = shop::goods(&merchant, 9_900_000, 5).await;
    on_sale(guest, &goods).await;
    let carts = carts(guest, &goods, buyers).await;
    let began = Instant::now();
    let answers = join_all(carts.iter().map(complete)).await;
    let took = began.elapsed();
    let mut orders = 0;
    for (cart, answer) in carts.iter().zip(&answers) {
        match answer.status {
            201 => {
                market.note(cart, answer);
                orders += 1;
            }
            409 => assert_eq!(answer.json()["code"], "OUT_OF_STOCK", "{}", answer.text()),
            other => panic!("{other}: {}", answer.text()),
        }
    }
    println!("{buyers} buyers of {PIECES} pieces: {orders} orders in {took:?}");
    assert_eq!(orders, PIECES);
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(shop::stock(&merchant, &goods).await, (0, 5));
}

pub(crate) async fn on_sale(guest: &Client, goods: &Goods) {
    shop::eventually("it can be bought", async || {
        let cart = Cart::open(guest).await;
        let body = json!({ "offer_id": goods.offer, "quantity": 1 });
        let answer = cart.client.post(&cart.path("/items"), body).await;
        (answer.status == 200 && answer.json()["items"][0]["available"] == true).then_some(())
    })
    .await;
}

/// A hundred requests with one key: one order, and nobody is told of another.
pub(crate) async fn one_key_is_one_order(guest: &Client, goods: &Goods, market: &Market) {
    let cart = carts(guest, goods, 1).await.remove(0);
    let answers = join_all((0..100).map(|_| complete(&cart))).await;
    let made: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    market.note(&cart, made.first().expect("somebody is told of the order"));
    for answer in &answers {
        match answer.status {
            201 => assert_eq!(answer.bytes, made[0].bytes, "all are told the same"),
            409 => {
                assert_eq!(answer.json()["code"], "IDEMPOTENCY_IN_PROGRESS", "{}", answer.text());
            }
            other => panic!("{other}: {}", answer.text()),
        }
    }
    let again = complete(&cart).await;
    assert_eq!((again.status, &again.bytes), (201, &made[0].bytes));
}

/// The line breaks at any moment of a checkout: with its key, the shopper has the whole order in the end.
pub(crate) async fn a_broken_line_leaves_no_half_order(
    guest: &Client,
    gateway: &str,
    goods: &Goods,
    (market, dice): (&Market, &mut Dice),
) {
    let address = gateway.trim_start_matches("http://");
    let tries = usize::try_from(20 * scale()).unwrap().min(200);
    for cart in carts(guest, goods, tries).await {
        let body = wish().to_string();
        let request = format!(
            "POST {} HTTP/1.1\r\nhost: {address}\r\nx-cart-token: {}\r\nidempotency-key: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            cart.path("/complete"),
            cart.token,
            key(&cart),
            body.len()
        );
        let mut line = TcpStream::connect(address).await.unwrap();
        line.write_all(request.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_micros(dice.below(60_000))).await;
        drop(line);
        let answer = shop::eventually("the key has its answer", async || {
            let answer = complete(&cart).await;
            assert!(answer.status < 500, "{}", answer.text());
            (answer.status != 409).then_some(answer)
        })
        .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        market.note(&cart, &answer);
    }
}

/// Payme says everything several times at once: it happens once, and each time the same is answered.
pub(crate) async fn repeats_happen_once(guest: &Client, goods: &Goods, market: &Market) {
    let payme = Payme::new(guest);
    for cart in carts(guest, goods, usize::try_from(5 * scale()).unwrap().min(50)).await {
        let answer = complete(&cart).await;
        let order = market.note(&cart, &answer);
        is_known(guest, &answer.json()).await;
        let id = payme_id();
        let account = json!({ "order_id": order.number });
        let create = json!({ "id": id, "time": now(), "amount": order.total, "account": account });
        for (method, params) in
            [("CreateTransaction", create), ("PerformTransaction", json!({ "id": id }))]
        {
            let said = join_all((0..8).map(|_| payme.call(method, params.clone()))).await;
            // One that met another under way is told to come again.
            let told: Vec<Value> = said
                .iter()
                .filter(|answer| answer["error"]["code"] != -32400)
                .map(Payme::result)
                .collect();
            assert!(!told.is_empty(), "{said:?}");
            assert!(told.iter().all(|result| *result == told[0]), "{said:?}");
            let again = Payme::result(&payme.call(method, params).await);
            assert_eq!(again, told[0]);
        }
        market.note_payment(&order.order, id);
    }
}

/// Somebody cancels while the provider takes the money: either the order is cancelled and nothing was taken, or it is paid, or it was
/// paid first and its money goes back.
pub(crate) async fn cancelling_and_paying_exclude_each_other(
    guest: &Client,
    goods: &Goods,
    (market, dice): (&Market, &mut Dice),
) {
    let payme = Payme::new(guest);
    let (mut cancelled, mut paid) = (0, 0);
    for cart in carts(guest, goods, usize::try_from(10 * scale()).unwrap().min(500)).await {
        let answer = complete(&cart).await;
        let order = market.note(&cart, &answer);
        is_known(guest, &answer.json()).await;
        let id = payme_id();
        let account = json!({ "order_id": order.number });
        let create = json!({ "id": id, "time": now(), "amount": order.total, "account": account });
        let buyer = guest.with("x-order-token", &told_token(&answer));
        let path = format!("/v1/store/orders/{}/cancel", order.order);
        let pay = async {
            let created = insist(&payme, "CreateTransaction", create).await;
            if created["result"]["state"] != 1 {
                return created;
            }
            insist(&payme, "PerformTransaction", json!({ "id": id })).await
        };
        let thinks = Duration::from_micros(dice.below(40_000));
        let cancel = async {
            tokio::time::sleep(thinks).await;
            buyer.post(&path, json!({})).await
        };
        let (performed, cancel) = futures::join!(pay, cancel);
        assert!(cancel.status < 500, "{}", cancel.text());
        let bought = Bought {
            id: order.order.clone(),
            number: order.number.clone(),
            total: order.total,
            client: buyer,
            answer: answer.json(),
        };
        if performed["result"]["state"] == 2 {
            market.note_payment(&order.order, id);
            if cancel.status == 200 {
                // It was paid first and called off then: all of the money is on its way back.
                let ended = bought.becomes("cancelled").await;
                let refunds = ended["refunds"].as_array().unwrap();
                let back: i64 = refunds.iter().map(|refund| amount(&refund["amount"])).sum();
                assert_eq!(back, bought.total, "{ended}");
            } else {
                bought.becomes("paid").await;
            }
            paid += 1;
        } else {
            // Whoever comes too late is told so: one of the two has got what was asked for.
            assert_eq!(cancel.status, 200, "neither: {} and {performed}", cancel.text());
            bought.becomes("cancelled").await;
            cancelled += 1;
        }
    }
    println!("{paid} paid and {cancelled} cancelled in a race");
}

/// Calls until it is no longer told to come again.
async fn insist(payme: &Payme, method: &str, params: Value) -> Value {
    shop::eventually("Payme is answered", async || {
        let answer = payme.call(method, params.clone()).await;
        (answer["error"]["code"] != -32400).then_some(answer)
    })
    .await
}

pub(crate) fn told_token(answer: &Answer) -> String {
    text(&answer.json()["order_token"]).to_owned()
}

/// Waits until the payment is open: the order may have been answered before it was.
pub(crate) async fn is_known(guest: &Client, told: &Value) {
    let buyer = guest.with("x-order-token", text(&told["order_token"]));
    let path = format!("/v1/store/orders/{}", text(&told["order"]["id"]));
    shop::eventually("it can be paid", async || {
        buyer.get(&path).await.json()["payment"]["redirect_url"].is_string().then_some(())
    })
    .await;
    assert!(amount(&told["order"]["totals"]["total"]) > 0);
}
