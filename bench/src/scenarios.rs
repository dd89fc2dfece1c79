//! What is asked of the program, apart from whole checkouts.

use std::{net::SocketAddr, time::Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::{
    Options, load,
    load::{Row, Watch},
    progress,
    server::Server,
    wire::{Connection, request},
};

/// What people search for: in both Uzbek scripts, Russian and English, whole words and beginnings, with a slip here and there.
const QUERIES: [&str; 50] = [
    "choynak",
    "чойнак",
    "чайник",
    "telefon",
    "телефон",
    "smartfon",
    "noutbuk",
    "ноутбук",
    "laptop",
    "muzlatgich",
    "музлатгич",
    "холодильник",
    "kir yuvish",
    "стиральная машина",
    "televizor",
    "телевизор",
    "adras",
    "атлас",
    "koʻylak",
    "ko'ylak",
    "кўйлак",
    "платье",
    "dress",
    "poyabzal",
    "пойабзал",
    "обувь",
    "kitob",
    "китоб",
    "книга",
    "piyola",
    "пиёла",
    "пиала",
    "guruch",
    "рис",
    "rice",
    "choy",
    "чай",
    "tea",
    "non",
    "velosiped",
    "велосипед",
    "koptok",
    "мяч",
    "divan",
    "диван",
    "sofa",
    "gilam",
    "ковёр",
    "smart",
    "tele",
];

/// Pieces of each offer, so that nothing is sold out while we measure.
const STOCK: i64 = 100_000_000;
/// Lines are limited; a cart is filled this often before the next one.
const ADDS: usize = 400;
/// Passwords are hashed on purpose slowly; more at once would only wait.
const SIGN_INS: usize = 8;

/// The bare handler.
pub(crate) async fn bare(server: &Server, options: &Options) -> anyhow::Result<Row> {
    let requests = vec![request("GET", "/", &[], "")];
    let target = (server.address()?, options.connections);
    load::rotating("bare axum handler", target, options.length(), requests).await
}

/// The program with what there is to buy.
#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) address: SocketAddr,
    slugs: Vec<String>,
    /// Offers with plenty in stock.
    pub(crate) offers: Vec<String>,
    shopper: Value,
}

/// The `authorization` of one of the demo's accounts.
pub(crate) async fn sign_in(
    server: &Server,
    connection: &mut Connection,
    account: &str,
) -> anyhow::Result<String> {
    let account = server.ready().pointer(&format!("/accounts/{account}")).context("no account")?;
    let login = json!({ "login": account.get("login"), "password": account.get("password") });
    let login = request("POST", "/v1/auth/login", &[], &login.to_string());
    let signed_in = connection.ask(&login).await?;
    let token = signed_in.get("access_token").and_then(Value::as_str).context("no token")?;
    Ok(format!("Bearer {token}"))
}

fn texts(value: &Value, pointer: &str) -> Vec<String> {
    let list = value.pointer("/data").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|entry| Some(entry.pointer(pointer)?.as_str()?.to_owned())).collect()
}

impl Market {
    /// Looks around, and fills the shelves of one merchant.
    pub(crate) async fn open(server: &Server) -> anyhow::Result<Self> {
        let address = server.address()?;
        let mut connection = Connection::open(address).await?;
        let list = request("GET", "/v1/store/products?limit=50", &[], "");
        let slugs = texts(&connection.ask(&list).await?, "/slug");

        let bearer = sign_in(server, &mut connection, "merchant").await?;
        let headers = [("authorization", bearer.as_str())];
        let own = request("GET", "/v1/merchant/products?limit=20", &headers, "");
        let own = connection.ask(&own).await?;
        let offers = texts(&own, "/variants/0/offers/0/id");
        let change: Vec<Value> =
            offers.iter().map(|id| json!({ "id": id, "stock": STOCK })).collect();
        let change = json!({ "offers": change }).to_string();
        let change = request("POST", "/v1/merchant/offers/bulk", &headers, &change);
        let changed = connection.ask(&change).await?;
        anyhow::ensure!(!changed.to_string().contains("\"ok\":false"), "{changed}");
        let shopper = server.ready().pointer("/accounts/shopper").context("no shopper")?.clone();
        Ok(Self { address, slugs, offers, shopper })
    }

    /// Scenarios that read: as it comes, and with a number in each request that makes it one that nobody asked for before, because
    /// answers of the catalogue are kept for a moment.
    pub(crate) async fn browse(&self, options: &Options) -> anyhow::Result<Vec<Row>> {
        let get = |path: &str| request("GET", path, &[], "");
        let list = vec![get("/v1/store/products?limit=20")];
        let pages: Vec<_> =
            self.slugs.iter().map(|slug| get(&format!("/v1/store/products/{slug}"))).collect();
        let searches: Vec<_> = QUERIES
            .iter()
            .map(|query| get(&format!("/v1/store/search?limit=20&q={}", escape(query))))
            .collect();
        let target = (self.address, options.connections);
        let mut rows = Vec::new();
        for (name, requests) in [
            ("product list", list),
            ("product page, 50 in turn", pages),
            ("search with facets, 50 queries in turn", searches),
        ] {
            if options.wants(name) {
                let length = options.length();
                rows.push(load::rotating(name, target, length, requests.clone()).await?);
                let name = format!("{name}, never the same");
                let parts = requests.iter().filter_map(|request| parts(request)).collect();
                rows.push(load::many(&name, target, length, unseen(parts)).await?);
            }
        }
        Ok(rows)
    }

    /// Scenarios that change something.
    pub(crate) async fn change(&self, options: &Options) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        if options.wants("add to cart") {
            rows.push(self.add_to_cart(options).await?);
        }
        if options.wants("login") {
            let (login, password) = (self.shopper.get("login"), self.shopper.get("password"));
            let body = json!({ "login": login, "password": password }).to_string();
            let requests = vec![request("POST", "/v1/auth/login", &[], &body)];
            let target = (self.address, SIGN_INS);
            rows.push(load::rotating("login", target, options.length(), requests).await?);
        }
        Ok(rows)
    }

    async fn add_to_cart(&self, options: &Options) -> anyhow::Result<Row> {
        let offers = self.offers.clone();
        let work = async move |index: usize, connection: &mut Connection, watch: &mut Watch| {
            let offer = offers.get(index % offers.len().max(1)).context("no offers")?;
            let body = json!({ "offer_id": offer, "quantity": 1 }).to_string();
            while watch.goes_on() {
                let create = request("POST", "/v1/store/carts", &[], "{}");
                let cart = connection.ask(&create).await?;
                let field = |name: &str| cart.get(name).and_then(Value::as_str).context("no cart");
                let path = format!("/v1/store/carts/{}/items", field("id")?);
                let add = request("POST", &path, &[("x-cart-token", field("token")?)], &body);
                for _ in 0..ADDS {
                    if !watch.goes_on() {
                        break;
                    }
                    let asked = Instant::now();
                    let status = connection.send(&add).await?;
                    watch.note(asked, status == 200);
                }
            }
            Ok(())
        };
        let target = (self.address, options.connections);
        load::many("add to cart", target, options.length(), work).await
    }
}

/// The beginning and the end of a request between which a number fits.
pub(crate) fn parts(request: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(request);
    let (start, rest) = text.split_once(" HTTP/1.1")?;
    let joint = if start.contains('?') { '&' } else { '?' };
    Some((format!("{start}{joint}price_lte="), format!(" HTTP/1.1{rest}")))
}

/// Sends these in turn, each with a number of its own: a price that is above every other.
pub(crate) fn unseen(
    parts: Vec<(String, String)>,
) -> impl AsyncFn(usize, &mut Connection, &mut Watch) -> anyhow::Result<()> {
    async move |index: usize, connection: &mut Connection, watch: &mut Watch| {
        let mut number = 900_000_000_000 + index * 10_000_000;
        for (start, end) in parts.iter().cycle().skip(index * 7 % parts.len().max(1)) {
            if !watch.goes_on() {
                break;
            }
            number += 1;
            let request = format!("{start}{number}{end}");
            let asked = Instant::now();
            let status = connection.send(request.as_bytes()).await?;
            watch.note(asked, status == 200);
        }
        Ok(())
    }
}

pub(crate) fn escape(text: &str) -> String {
    let escaped: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    escaped.concat()
}

/// Says what is being looked at when something other than figures comes out.
pub(crate) fn complain(what: &str, status: u16, answer: &Value) {
    progress(&format!("{what}: {status} {answer}"));
}
