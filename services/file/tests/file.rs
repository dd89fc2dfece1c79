//! The service through the mesh, local and remote, on each store.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::Cursor;

use fault::{Code, Fault};
use ids::{FileId, MerchantId, UserId};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use mesh::{Caller, Kind, Role, StaffRole};
use proto::file as pb;
use testkit::{Lab, RunningLab, WIRINGS, Wiring};

#[path = "support/place.rs"]
mod place;
#[path = "file/start.rs"]
mod start;

use place::Place;

/// Where the files of a test are kept.
enum Store {
    Embedded,
    S3(Place),
}

async fn lab(wiring: Wiring, store: &Store) -> RunningLab {
    let address = match store {
        Store::Embedded => None,
        Store::S3(place) => Some(place.address()),
    };
    lab_on(wiring, address).await
}

async fn lab_on(wiring: Wiring, address: Option<String>) -> RunningLab {
    Lab::new(wiring)
        .role(Role::File, |host, mesh, folder| {
            Box::pin(async move {
                let embedded = || format!("file:{}", folder.join("files").display());
                let config = file::Config {
                    listen: "127.0.0.1:0".parse()?,
                    store: address.unwrap_or_else(embedded),
                    public_url: "/files".to_owned(),
                    access_key: String::new(),
                    secret_key: String::new().into(),
                };
                file::mount(host, config, mesh).await
            })
        })
        .start()
        .await
}

fn staff(merchant: MerchantId, role: StaffRole) -> Caller {
    Caller { merchant: Some((merchant, role)), ..Caller::user(UserId::new()) }
}

fn operator() -> Caller {
    staff(MerchantId::new(), StaffRole::Operator)
}

/// A picture that differs from those of other seeds.
fn picture(seed: u8, width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(width, height, |x, y| {
        Rgb([seed, u8::try_from(x % 256).unwrap(), u8::try_from(y % 256).unwrap()])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(image).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn upload(bucket: &str, name: &str, content: Vec<u8>) -> pb::UploadRequest {
    pb::UploadRequest {
        file_name: name.to_owned(),
        content: content.into(),
        bucket: bucket.to_owned(),
        merchant_id: String::new(),
    }
}

async fn send(
    lab: &RunningLab,
    caller: &Caller,
    request: pb::UploadRequest,
) -> Result<pb::File, Fault> {
    let mut client = lab.mesh.file();
    let answer = lab.act(caller.clone(), client.upload(request)).await?;
    Ok(answer.into_inner().file.unwrap())
}

async fn read(lab: &RunningLab, caller: &Caller, path: &str) -> Result<pb::ReadResponse, Fault> {
    let mut client = lab.mesh.file();
    let request = pb::ReadRequest { path: path.to_owned() };
    Ok(lab.act(caller.clone(), client.read(request)).await?.into_inner())
}

fn path(url: &str) -> &str {
    url.strip_prefix("/files/").unwrap()
}

async fn a_product_picture_is_seen_by_everybody_in_four_sizes(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let content = picture(1, 1200, 800, ImageFormat::Png);
        let file =
            send(&lab, &operator(), upload("products", "kettle.png", content)).await.unwrap();
        assert!(file.id.parse::<FileId>().is_ok());
        assert_eq!((file.bucket.as_str(), file.content_type.as_str()), ("products", "image/jpeg"));
        assert_eq!(file.created_at_ms, testkit::START.millis());
        let picture = file.picture.unwrap();
        assert_eq!((picture.width, picture.height, &picture.file_id), (800, 533, &file.id));

        let guest = Caller::guest();
        let forms = [
            (&picture.url, 800, 533),
            (&picture.large_url, 600, 400),
            (&picture.medium_url, 300, 200),
            (&picture.small_url, 120, 80),
        ];
        for (url, width, height) in forms {
            let answer = read(&lab, &guest, path(url)).await.unwrap();
            assert_eq!(answer.content_type, "image/jpeg");
            assert!(url.contains(&answer.etag) && answer.etag.len() == 40);
            let image =
                image::load_from_memory_with_format(&answer.content, ImageFormat::Jpeg).unwrap();
            assert_eq!((image.width(), image.height()), (width, height));
        }
        let main = read(&lab, &guest, path(&picture.url)).await.unwrap();
        assert_eq!(u64::try_from(main.content.len()).unwrap(), file.size);
        lab.stop().await;
    }
}

async fn the_same_content_again_is_the_same_file(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let (first, second) = (operator(), operator());
        let request = upload("products", "a.jpg", picture(2, 300, 300, ImageFormat::Jpeg));
        let uploads = (0..4).map(|_| send(&lab, &first, request.clone()));
        let files = futures::future::join_all(uploads).await;
        let files: Vec<pb::File> = files.into_iter().map(Result::unwrap).collect();
        assert!(files.iter().all(|file| *file == files[0]));
        let other = send(&lab, &second, request).await.unwrap();
        assert_ne!(other.id, files[0].id, "a file of another merchant");
        assert_eq!(other.picture.unwrap().url, files[0].picture.as_ref().unwrap().url);
        lab.stop().await;
    }
}

async fn who_may_upload_what(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let merchant = MerchantId::new();
        let shopper = Caller::user(UserId::new());
        let viewer = staff(merchant, StaffRole::Viewer);
        let key = |scope: &str| Caller {
            kind: Kind::ApiKey,
            merchant: Some((merchant, StaffRole::Operator)),
            scopes: vec![scope.to_owned()],
            ..Caller::guest()
        };
        let content = picture(3, 64, 64, ImageFormat::Png);
        let table = [
            (Caller::guest(), "products", Some(Code::Unauthenticated)),
            (shopper.clone(), "products", Some(Code::Forbidden)),
            (viewer, "products", Some(Code::Forbidden)),
            (operator(), "products", None),
            (key("products:write"), "products", None),
            (key("products:read"), "products", Some(Code::Forbidden)),
            (Caller::guest(), "avatars", Some(Code::Unauthenticated)),
            (shopper.clone(), "avatars", None),
            (shopper.clone(), "documents", Some(Code::Forbidden)),
            (key("products:write"), "documents", Some(Code::Forbidden)),
            (operator(), "documents", None),
            (operator(), "secrets", Some(Code::Invalid)),
            (operator(), "", Some(Code::Invalid)),
            (Caller::service("demo"), "products", Some(Code::Invalid)),
        ];
        for (caller, bucket, refused) in table {
            let outcome = send(&lab, &caller, upload(bucket, "x.png", content.clone())).await;
            assert_eq!(
                outcome.err().map(|fault| fault.code),
                refused,
                "{:?} {bucket}",
                caller.kind
            );
        }
        // A service acts for a merchant, who then owns the file.
        let request = pb::UploadRequest {
            merchant_id: merchant.to_string(),
            ..upload("products", "demo.png", content.clone())
        };
        let file = send(&lab, &Caller::service("demo"), request.clone()).await.unwrap();
        let admin = staff(merchant, StaffRole::Admin);
        let own = send(&lab, &admin, upload("products", "", content)).await.unwrap();
        assert_eq!(own.id, file.id);
        // Nobody else acts for a merchant by naming it.
        let outcome = send(&lab, &shopper, request).await;
        assert_eq!(outcome.unwrap_err().code, Code::Forbidden);
        lab.stop().await;
    }
}

async fn hostile_content_is_refused_with_its_reason(store: &Store) {
    let png = picture(4, 200, 200, ImageFormat::Png);
    let mut bomb = png.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
    // The checksum of that header.
    bomb[29..33].copy_from_slice(&[0x35, 0x2c, 0xf5, 0x70]);
    let mut large = picture(5, 10, 10, ImageFormat::Jpeg);
    large.resize(10 * 1024 * 1024 + 1, 0);
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
    let html = b"<!doctype html><script>alert(1)</script>";
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let table = [
            ("html.jpg", html.to_vec(), "UNSUPPORTED_MEDIA_TYPE"),
            ("picture.svg", svg.to_vec(), "UNSUPPORTED_MEDIA_TYPE"),
            ("picture.jpg", b"%PDF-1.7 a document".to_vec(), "UNSUPPORTED_MEDIA_TYPE"),
            ("program.png", b"MZ\x90\0".to_vec(), "UNSUPPORTED_MEDIA_TYPE"),
            ("truncated.png", png[..png.len() / 2].to_vec(), "IMAGE_BROKEN"),
            ("start.jpg", b"\xff\xd8\xff\xe0".to_vec(), "IMAGE_BROKEN"),
            ("large.jpg", large.clone(), "FILE_TOO_LARGE"),
            // 10,000 x 10,000 pixels by its header: refused before anything is unpacked.
            ("bomb.png", bomb.clone(), "FILE_TOO_LARGE"),
            ("empty.jpg", Vec::new(), "INVALID"),
        ];
        for (name, content, reason) in table {
            let refused =
                send(&lab, &operator(), upload("products", name, content)).await.unwrap_err();
            assert_eq!((refused.code, refused.reason.as_ref()), (Code::Invalid, reason), "{name}");
            assert_eq!(refused.fields[0].field, "content");
        }
        lab.stop().await;
    }
}

async fn script_behind_a_picture_does_not_survive(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let mut content = picture(6, 100, 100, ImageFormat::Gif);
        content.extend(b"<script>alert(1)</script>");
        let file = send(&lab, &operator(), upload("products", "<b>.html", content)).await.unwrap();
        let url = file.picture.unwrap().url;
        let kept = read(&lab, &Caller::guest(), path(&url)).await.unwrap();
        assert_eq!(kept.content_type, "image/jpeg");
        assert!(!kept.content.windows(7).any(|window| window == b"<script"));
        lab.stop().await;
    }
}

async fn documents_are_for_their_merchant(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let merchant = MerchantId::new();
        let content = b"%PDF-1.7 certificate".to_vec();
        let owner = staff(merchant, StaffRole::Operator);
        let file = send(&lab, &owner, upload("documents", "c.pdf", content.clone())).await.unwrap();
        assert_eq!(file.content_type, "application/pdf");
        let url = file.picture.unwrap().url;
        let admin = Caller { roles: vec!["admin".to_owned()], ..Caller::user(UserId::new()) };
        for caller in [owner, staff(merchant, StaffRole::Viewer), admin, Caller::service("order")] {
            assert_eq!(read(&lab, &caller, path(&url)).await.unwrap().content, content);
        }
        for caller in [Caller::guest(), Caller::user(UserId::new()), operator()] {
            let refused = read(&lab, &caller, path(&url)).await.unwrap_err();
            assert_eq!((refused.code, refused.reason.as_ref()), (Code::NotFound, "FILE_NOT_FOUND"));
        }
        lab.stop().await;
    }
}

async fn no_path_leads_out_of_the_store(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let request = upload("products", "../../etc/passwd", picture(7, 20, 20, ImageFormat::Png));
        let url = send(&lab, &operator(), request).await.unwrap().picture.unwrap().url;
        let good = path(&url);
        assert!(read(&lab, &Caller::guest(), good).await.is_ok());
        let hostile = [
            "../files.db".to_owned(),
            "files.db".to_owned(),
            "products/../../files.db".to_owned(),
            "/etc/passwd".to_owned(),
            format!("products/../{good}"),
            format!("{good}/../../../../files.db"),
            format!("{good}\0.png"),
            good.to_uppercase(),
            good.replace("-main.jpg", ""),
            String::new(),
        ];
        for path in hostile {
            let refused = read(&lab, &Caller::service("gateway"), &path).await.unwrap_err();
            assert_eq!(refused.code, Code::NotFound, "{path}");
        }
        lab.stop().await;
    }
}

async fn a_batch_holds_only_own_files(store: &Store) {
    for wiring in WIRINGS {
        let lab = lab(wiring, store).await;
        let (own, other) = (operator(), operator());
        let mut ids = Vec::new();
        for (seed, caller) in [(8, &own), (9, &other), (10, &own)] {
            let request = upload("products", "x.png", picture(seed, 16, 16, ImageFormat::Png));
            ids.push(send(&lab, caller, request).await.unwrap().id);
        }
        let asked = vec![ids[2].clone(), ids[1].clone(), "nonsense".to_owned(), ids[0].clone()];
        let batch = |caller: Caller, ids: Vec<String>| {
            let mut client = lab.mesh.file();
            let request = pb::BatchGetFilesRequest { ids };
            let lab = &lab;
            async move {
                let answer = lab.act(caller, client.batch_get_files(request)).await?;
                let files = answer.into_inner().files;
                Ok::<_, tonic::Status>(files.into_iter().map(|file| file.id).collect::<Vec<_>>())
            }
        };
        let both = [ids[2].clone(), ids[0].clone()];
        assert_eq!(batch(own.clone(), asked.clone()).await.unwrap(), both);
        assert!(batch(Caller::guest(), asked.clone()).await.unwrap().is_empty());
        assert_eq!(batch(Caller::service("product"), asked).await.unwrap().len(), 3);
        let many = vec![ids[0].clone(); 101];
        assert_eq!(batch(own, many).await.unwrap_err().code(), tonic::Code::InvalidArgument);
        lab.stop().await;
    }
}

/// Lists every test once for each store.
macro_rules! on_each_store {
    ($($test:ident,)+) => {
        mod embedded {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&super::Store::Embedded).await;
                }
            )+
        }
        mod s3 {
            $(
                #[tokio::test]
                async fn $test() {
                    let Some(place) = super::Place::create().await else { return };
                    super::$test(&super::Store::S3(place)).await;
                }
            )+
        }
    };
}

on_each_store!(
    a_product_picture_is_seen_by_everybody_in_four_sizes,
    the_same_content_again_is_the_same_file,
    who_may_upload_what,
    hostile_content_is_refused_with_its_reason,
    script_behind_a_picture_does_not_survive,
    documents_are_for_their_merchant,
    no_path_leads_out_of_the_store,
    a_batch_holds_only_own_files,
);
