//! A large catalogue: filled through the merchant's own API, then read.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::{
    load::{self, Row},
    progress, rebuild, report, say, scenarios,
    server::Server,
    wire::{Connection, request},
};

/// How large, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The program under load.
    #[arg(long)]
    binary: std::path::PathBuf,
    /// Run servers on this core alone (needs `taskset`).
    #[arg(long)]
    server_core: Option<usize>,
    /// Products beside those of the demo.
    #[arg(long, default_value_t = 100_000)]
    products: usize,
    /// Variants of each product; each has one offer.
    #[arg(long, default_value_t = 10)]
    variants: usize,
    /// Lines of the import by CSV that is timed first.
    #[arg(long, default_value_t = 5_000)]
    lines: usize,
    /// Length of each scenario that reads.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections of the scenarios that read.
    #[arg(long, default_value_t = 16)]
    connections: usize,
}

/// Merchants write on so many connections.
const WRITERS: usize = 8;
/// What a product is called by: two of each make 1,600 different pairs.
const NAMES: [&str; 40] = [
    "choynak",
    "piyola",
    "lagan",
    "telefon",
    "noutbuk",
    "quloqchin",
    "sichqoncha",
    "klaviatura",
    "koʻylak",
    "shim",
    "poyabzal",
    "doʻppi",
    "chopon",
    "roʻmol",
    "kitob",
    "daftar",
    "qalam",
    "sumka",
    "koptok",
    "velosiped",
    "gilam",
    "divan",
    "stol",
    "kursi",
    "chiroq",
    "parda",
    "yostiq",
    "koʻrpa",
    "dazmol",
    "changyutgich",
    "muzlatgich",
    "televizor",
    "konditsioner",
    "blender",
    "qozon",
    "tova",
    "pichoq",
    "sochiq",
    "sovun",
    "atir",
];
const CATEGORIES: [&str; 4] = ["smartphones", "laptops", "books", "shoes"];

/// Fills, reads, and prints what it took.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let server = Server::demo(&options.binary, options.server_core)?;
    let address = server.address()?;
    let mut connection = Connection::open(address).await?;
    let token = scenarios::sign_in(&server, &mut connection, "merchant").await?;
    let categories = categories(&mut connection).await?;

    say(&import(&mut connection, &token, &categories, options.lines).await?);
    say(&fill(&server, &token, &categories, options).await?);
    say(&settle(&mut connection, options.products + options.lines).await?);

    let rows = read(&server, &categories, options).await?;
    let words = NAMES.iter().map(|name| scenarios::escape(name));
    let words =
        words.map(|word| request("GET", &format!("/v1/store/search?limit=20&q={word}"), &[], ""));
    say(&rebuild::while_searching(&server, words.collect(), options.connections).await?);
    let memory = (server.memory("VmRSS")?, server.memory("VmHWM")?);
    say(&format!(
        "\nMemory (RSS): {} MiB now, {} MiB at most.\n",
        memory.0 / 1024,
        memory.1 / 1024
    ));
    say(&report::table(&rows));
    Ok(())
}

/// Slugs of categories that products can be in.
async fn categories(connection: &mut Connection) -> anyhow::Result<Vec<String>> {
    let tree = connection.ask(&request("GET", "/v1/store/categories", &[], "")).await?;
    let text = tree.to_string();
    let found: Vec<String> = CATEGORIES
        .into_iter()
        .filter(|slug| text.contains(&format!("\"{slug}\"")))
        .map(str::to_owned)
        .collect();
    anyhow::ensure!(!found.is_empty(), "the demo has none of {CATEGORIES:?}");
    Ok(found)
}

fn title(number: usize) -> String {
    let first = NAMES.get(number % NAMES.len()).copied().unwrap_or_default();
    let second = NAMES.get(number / NAMES.len() % NAMES.len()).copied().unwrap_or_default();
    format!("{first} {second} {number}")
}

fn price(number: usize) -> usize {
    // Spread evenly and repeatably over 10,000 to 5,000,000 so'm.
    10_000 + number.wrapping_mul(7_919) % 4_990_000
}

/// A file of products from upload until the shop can find the last of them.
async fn import(
    connection: &mut Connection,
    token: &str,
    categories: &[String],
    lines: usize,
) -> anyhow::Result<String> {
    progress(&format!("importing {lines} lines of CSV"));
    let mut csv = String::from(
        "sku,title_uz,title_ru,title_en,category,brand,price,stock,mxik,package_code,vat_percent,image_url\n",
    );
    for number in 0..lines {
        let category = categories.get(number % categories.len()).context("no category")?;
        let title = title(number);
        let price = price(number);
        writeln!(
            csv,
            "CSV-{number},{title},,,{category},Zarbon,{price},100,06911001001000000,1495086,12,"
        )?;
    }
    let boundary = "bench-boundary";
    let body = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"p.csv\"\r\ncontent-type: text/csv\r\n\r\n{csv}\r\n--{boundary}--\r\n"
    );
    let kind = format!("multipart/form-data; boundary={boundary}");
    let headers = [("authorization", token), ("content-type", kind.as_str())];
    let before = found(connection).await?;
    let started = Instant::now();
    let job =
        connection.ask(&request("POST", "/v1/merchant/products/import", &headers, &body)).await?;
    let id = job.get("id").and_then(Value::as_str).context("no job")?;
    let look = request("GET", &format!("/v1/merchant/jobs/{id}"), &headers[..1], "");
    loop {
        let job = connection.ask(&look).await?;
        match job.get("status").and_then(Value::as_str) {
            Some("done") => {
                anyhow::ensure!(job.get("imported") == Some(&json!(lines)), "{job}");
                break;
            }
            Some("failed") | None => anyhow::bail!("{job}"),
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    let imported = started.elapsed();
    wait_for(connection, before + lines).await?;
    let all = started.elapsed();
    Ok(format!(
        "Import of {lines} products by CSV: {:.1} s, until the shop finds the last: {:.1} s ({:.0} a minute).",
        imported.as_secs_f64(),
        all.as_secs_f64(),
        per_minute(lines, all)
    ))
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn per_minute(count: usize, took: Duration) -> f64 {
    60.0 * count as f64 / took.as_secs_f64()
}

/// Products with many variants, one request each.
async fn fill(
    server: &Server,
    token: &str,
    categories: &[String],
    options: &Options,
) -> anyhow::Result<String> {
    let (total, variants) = (options.products, options.variants);
    let (token, categories) = (token.to_owned(), categories.to_vec());
    let started = Instant::now();
    let work = async move |index: usize, connection: &mut Connection| {
        let headers = [("authorization", token.as_str())];
        for number in (index..total).step_by(WRITERS) {
            if number % 10_000 == 0 {
                progress(&format!("{number} of {total} products"));
            }
            let category = categories.get(number % categories.len()).context("no category")?;
            let body = product(number, category, variants);
            connection.ask(&request("POST", "/v1/merchant/products", &headers, &body)).await?;
        }
        Ok(())
    };
    load::each(server.address()?, WRITERS, work).await?;
    let took = started.elapsed();
    Ok(format!(
        "{total} products with {} offers, one request each on {WRITERS} connections: {:.0} s ({:.0} products a minute).",
        total * variants,
        took.as_secs_f64(),
        per_minute(total, took)
    ))
}

fn product(number: usize, category: &str, variants: usize) -> String {
    let variants: Vec<Value> = (0..variants)
        .map(|variant| {
            json!({
                "sku": format!("B-{number}-{variant}"),
                "options": { "size": variant.to_string() },
                "offer": {
                    "price": { "amount": (price(number) + variant * 1_000) * 100, "currency": "UZS" },
                    "stock": 100,
                },
            })
        })
        .collect();
    json!({
        "title": { "uz": title(number) },
        "category": category,
        "brand": if number.is_multiple_of(2) { "Zarbon" } else { "Nurafon" },
        "status": "active",
        "fiscal": { "mxik": "06911001001000000", "package_code": "1495086", "vat_percent": 12 },
        "variants": variants,
    })
    .to_string()
}

/// Waits until everything written can be found.
async fn settle(connection: &mut Connection, products: usize) -> anyhow::Result<String> {
    let started = Instant::now();
    wait_for(connection, products).await?;
    Ok(format!("All of it found {:.1} s after the last write.", started.elapsed().as_secs_f64()))
}

async fn wait_for(connection: &mut Connection, count: usize) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        let there = found(connection).await?;
        if there >= count {
            return Ok(());
        }
        anyhow::ensure!(
            started.elapsed() < Duration::from_mins(20),
            "{there} of {count} can be found"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// How many products the search knows.
async fn found(connection: &mut Connection) -> anyhow::Result<usize> {
    let answer = connection.ask(&request("GET", "/v1/store/search?limit=1&q=", &[], "")).await?;
    let count = answer.pointer("/meta/count").and_then(Value::as_u64).context("no count")?;
    Ok(usize::try_from(count)?)
}

/// Lists, filters, searches and pages, each with a number of its own, so that no answer is kept.
async fn read(
    server: &Server,
    categories: &[String],
    options: &Options,
) -> anyhow::Result<Vec<Row>> {
    let category = categories.first().context("no category")?;
    let get = |path: String| request("GET", &path, &[], "");
    let names = NAMES.iter().map(|name| scenarios::escape(name));
    let sets: [(&str, Vec<Vec<u8>>); 4] = [
        (
            "list, newest first, 20 each",
            vec![get("/v1/store/products?limit=20&sort=-created_at".to_owned())],
        ),
        (
            "list of a category by price, in stock",
            vec![get(format!("/v1/store/products?limit=20&sort=price&in_stock=true&category={category}"))],
        ),
        (
            "search with facets, 40 words in turn",
            names.clone().map(|name| get(format!("/v1/store/search?limit=20&q={name}"))).collect(),
        ),
        (
            "search with filters and facets",
            names
                .map(|name| {
                    get(format!("/v1/store/search?limit=20&q={name}&category={category}&price_gte=5000000&in_stock=true&brand=Zarbon"))
                })
                .collect(),
        ),
    ];
    let target = (server.address()?, options.connections);
    let mut rows = Vec::new();
    for (name, requests) in sets {
        let parts = requests.iter().filter_map(|request| scenarios::parts(request)).collect();
        let length = Duration::from_secs(options.seconds);
        rows.push(load::many(name, target, length, scenarios::unseen(parts)).await?);
    }
    Ok(rows)
}
