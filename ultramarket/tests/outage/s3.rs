//! The object store goes: pictures and documents.

use crate::{
    asked::{BACK, catalogue, fine, get, sign_in, wish, within},
    site::Site,
    support::{
        client::Answer,
        providers::Payme,
        shop::{PASSWORD, text},
    },
};

const PATH: &str = "/v1/merchant/files";

fn picture(shade: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::from_fn(320, 240, |x, _| {
        image::Rgb([(x % 256).try_into().unwrap(), shade, 7])
    });
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

async fn upload(site: &Site, shade: u8) -> Answer {
    site.merchant.upload(PATH, "choynak.png", "image/png", &picture(shade)).await
}

pub(crate) async fn goes_and_comes_back(site: &Site) {
    println!("  S3");
    let (url, before) = &site.opened.picture;
    assert_eq!(site.guest.get(url).await.bytes, *before);

    site.servers.stop("s3").await;
    site.not_ready(&["file"], &["search"]).await;
    let waiting = site.waiting("file").await;
    let refused = upload(site, 1).await;
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0, "{}", refused.text());
    refused.problem(503, "STORE_FAILED");
    // Kept ones are shown; others say when to come back.
    let shown = site.guest.get(url).await;
    match shown.status {
        200 => assert_eq!(shown.bytes, *before),
        _ => {
            assert!(shown.header("retry-after").parse::<u64>().unwrap() > 0, "{}", shown.text());
            assert_eq!(shown.status, 503, "{}", shown.text());
        }
    }
    let mut calls = catalogue(&site.guest, &site.goods().slug);
    calls.push(sign_in(&site.guest, (&site.shopper.phone, PASSWORD)));
    calls.push(get(&site.merchant, "/v1/merchant/products"));
    fine("S3", &calls).await;
    let bought = site.buy().await.unwrap();
    Payme::new(&site.guest).pay(&bought.number, bought.total).await;
    bought.becomes("paid").await;
    site.keep(&bought, "paid");

    site.servers.start("s3").await;
    let stored =
        within(BACK, "a picture is stored", async || wish(upload(site, 2).await, 201)).await;
    for url in [url.as_str(), text(&stored["url"])] {
        within(BACK, "a picture is shown", async || wish(site.guest.get(url).await, 200)).await;
    }
    assert_eq!(site.guest.get(url).await.bytes, *before);
    waiting.becomes_ready().await;
}
