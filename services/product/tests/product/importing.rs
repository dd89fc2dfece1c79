//! Imports.

use std::fmt::Write as _;

use super::*;

const HEADER: &str = "sku,title_uz,title_ru,title_en,category,brand,price,stock,mxik,package_code,vat_percent,image_url";

fn rows(skus: std::ops::Range<u32>, title: &str) -> String {
    let mut csv = format!("{HEADER}\n");
    for sku in skus {
        let fiscal = "08517012001000000,1234567,12";
        writeln!(csv, "I-{sku},{title} {sku},,,telefonlar,Artel,1500.50,7,{fiscal},").unwrap();
    }
    csv
}

async fn import(lab: &RunningLab, caller: &Caller, csv: String) -> Outcome<pb::Job> {
    let request = pb::ImportProductsRequest { csv: csv.into_bytes().into() };
    let answer = lab.act(caller.clone(), lab.mesh.product().import_products(request)).await;
    Ok(outcome(answer)?.job.unwrap())
}

async fn job(lab: &RunningLab, caller: &Caller, id: &str) -> Outcome<pb::Job> {
    let request = pb::GetJobRequest { id: id.to_owned() };
    let answer = lab.act(caller.clone(), lab.mesh.product().get_job(request)).await;
    Ok(outcome(answer)?.job.unwrap())
}

async fn done(lab: &RunningLab, caller: &Caller, id: &str) -> pb::Job {
    eventually("the import ends", || async {
        job(lab, caller, id).await.unwrap().status() == pb::JobStatus::Done
    })
    .await;
    job(lab, caller, id).await.unwrap()
}

async fn own_count(lab: &RunningLab, caller: &Caller) -> u64 {
    let request = pb::ListProductsRequest {
        page: Some(value::PageRequest { limit: 1, count: true, ..Default::default() }),
        filter: Some(pb::ProductFilter { own: true, ..Default::default() }),
        ..Default::default()
    };
    let answer = lab.act(caller.clone(), lab.mesh.product().list_products(request)).await;
    outcome(answer).unwrap().page.unwrap().count.unwrap()
}

#[tokio::test]
async fn a_file_becomes_products_and_errors() {
    for ground in grounds() {
        let (lab, _ground, notes) = shop(ground).await;
        let operator = staff(MerchantId::new(), StaffRole::Operator);
        let existing = create(&lab, &operator, draft("Eski", "I-1")).await.unwrap();
        let existing = existing.product.unwrap();
        // A byte order mark in front, an existing SKU, a repeated one, and six lines with something wrong.
        let fiscal = "08517012001000000,1234567,12";
        let mut csv = format!("\u{feff}{}", rows(1..4, "Telefon"));
        writeln!(csv, "I-3,Yana,,,telefonlar,Artel,2000,7,{fiscal},").unwrap();
        writeln!(csv, "I-4,Telefon,,,yoq,Artel,2000,7,{fiscal},").unwrap();
        writeln!(csv, "I-5,Telefon,,,telefonlar,Artel,\"2,5\",7,{fiscal},").unwrap();
        writeln!(csv, "I-6,,,,telefonlar,Artel,2000,-7,{fiscal},").unwrap();
        writeln!(csv, "I-7,Telefon").unwrap();
        writeln!(csv, "I-8,Telefon,,,telefonlar,Artel,2000,7,{fiscal},http://x/a.png").unwrap();
        let queued = import(&lab, &operator, csv).await.unwrap();
        assert_eq!((queued.status(), queued.total), (pb::JobStatus::Queued, 9));
        let done = done(&lab, &operator, &queued.id).await;
        assert_eq!((done.total, done.imported), (9, 5));
        let errors: Vec<_> = done
            .errors
            .iter()
            .map(|error| (error.line, error.field.as_str(), error.code.as_str()))
            .collect();
        let expected = [
            (6, "category", "UNKNOWN"),
            (7, "price", "INVALID"),
            (8, "title_uz", "REQUIRED"),
            (8, "stock", "OUT_OF_RANGE"),
            (9, "", "COLUMN_COUNT"),
            (10, "image_url", "IMAGE_NOT_FETCHED"),
        ];
        assert_eq!(errors, expected);
        assert_eq!(own_count(&lab, &operator).await, 4);
        let updated = get(&lab, &Caller::guest(), &existing.id).await.unwrap();
        assert_eq!((updated.title.unwrap().uz.as_str(), updated.version), ("Telefon 1", 2));
        assert_eq!(updated.variants, existing.variants);
        eventually("offers go out by event alone", || async {
            let events = notes.events.lock().unwrap();
            let offers = events.iter().filter_map(|event| match &event.data {
                Some(events::event::Data::Product(changed)) => changed.offers.first(),
                _ => None,
            });
            let mut prices = offers.filter(|it| it.sku == "I-3").filter_map(|it| it.price.as_ref());
            prices.any(|price| price.amount == 200_000)
        })
        .await;
        assert_eq!(notes.put.lock().unwrap().len(), 1, "order was called for the created one only");
        lab.stop().await;
    }
}

#[tokio::test]
async fn jobs_are_for_their_merchant_and_bad_files_are_refused_at_once() {
    for ground in grounds() {
        let (lab, _ground, _) = shop(ground).await;
        let merchant = MerchantId::new();
        let operator = staff(merchant, StaffRole::Operator);
        let queued = import(&lab, &operator, rows(0..1, "Telefon")).await.unwrap();
        let stranger = staff(MerchantId::new(), StaffRole::Admin);
        let hidden = job(&lab, &stranger, &queued.id).await.unwrap_err();
        assert_eq!((hidden.0, hidden.1.as_str()), (Code::NotFound, "JOB_NOT_FOUND"));
        let viewer = staff(merchant, StaffRole::Viewer);
        assert!(job(&lab, &viewer, &queued.id).await.is_ok());
        let low = import(&lab, &viewer, rows(0..1, "Telefon")).await.unwrap_err();
        assert_eq!(low.0, Code::Forbidden);
        for wrong in ["", "sku,title", "sku;title_uz;price\n1;2;3"] {
            let refused = import(&lab, &operator, wrong.to_owned()).await.unwrap_err();
            assert_eq!((refused.0, refused.2), (Code::Invalid, vec!["csv".to_owned()]));
        }
        let latin1 = pb::ImportProductsRequest { csv: vec![b'a', 0xe9].into() };
        let mut client = lab.mesh.product();
        let refused = lab.act(operator.clone(), client.import_products(latin1)).await.unwrap_err();
        assert_eq!(Fault::from(refused).fields[0].code, "NOT_UTF8");
        let large = rows(0..1, &"x".repeat(8 * 1024 * 1024));
        let refused = import(&lab, &operator, large).await.unwrap_err();
        assert_eq!(refused.0, Code::Invalid);
        let empty = import(&lab, &operator, HEADER.to_owned()).await.unwrap();
        assert_eq!(empty.status(), pb::JobStatus::Done);
        lab.stop().await;
    }
}

#[tokio::test]
async fn an_interrupted_import_goes_on_without_repeating_itself() {
    const ROWS: u32 = 5000;
    let (lab, ground, notes) = shop(Ground::embedded(Wiring::Local)).await;
    let operator = staff(MerchantId::new(), StaffRole::Operator);
    let started = std::time::Instant::now();
    let id = import(&lab, &operator, rows(0..ROWS, "Telefon")).await.unwrap().id;
    eventually("it has begun", || async { job(&lab, &operator, &id).await.unwrap().imported > 0 })
        .await;
    lab.stop().await;

    let lab = start(&ground, &notes, true).await;
    let resumed = job(&lab, &operator, &id).await.unwrap();
    assert!(resumed.imported < ROWS, "it was interrupted");
    eventually("half of it", || async {
        job(&lab, &operator, &id).await.unwrap().imported > ROWS / 2
    })
    .await;
    let done = done(&lab, &operator, &id).await;
    println!("{ROWS} rows in {:?}", started.elapsed());
    assert_eq!((done.imported, done.errors.len()), (ROWS, 0));
    assert_eq!(own_count(&lab, &operator).await, u64::from(ROWS));
    let request = pb::ListProductsRequest {
        page: Some(value::PageRequest { limit: 100, ..Default::default() }),
        ..Default::default()
    };
    let list = lab.act(Caller::guest(), lab.mesh.product().list_products(request)).await;
    let products = outcome(list).unwrap().products;
    assert!(products.iter().all(|product| product.version == 1), "no row was imported twice");
    lab.stop().await;
}
