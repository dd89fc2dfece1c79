use proptest::prelude::*;

use super::*;

fn path() -> BlobPath {
    BlobPath { bucket: Bucket::Products, digest: Digest::new(&[0x3f; 32]), form: Form::Main }
}

#[test]
fn the_path_is_content_addressed() {
    let digits = "3f".repeat(20);
    assert_eq!(path().to_string(), format!("products/3f/{digits}-main.jpg"));
}

#[test]
fn hostile_paths_name_nothing() {
    let good = path().to_string();
    assert!(good.parse::<BlobPath>().is_ok());
    let digits = "3f".repeat(20);
    let hostile = [
        String::new(),
        "/".to_owned(),
        "..".to_owned(),
        "../../etc/passwd".to_owned(),
        "products/../../etc/passwd".to_owned(),
        "products/3f/../../files.db".to_owned(),
        "files.db".to_owned(),
        format!("/{good}"),
        format!("{good}/"),
        format!("{good}\0"),
        format!("{good}\n"),
        format!("./{good}"),
        format!("products//3f/{digits}-main.jpg"),
        format!("products/../products/{digits}-main.jpg"),
        format!("products/aa/{digits}-main.jpg"),
        format!("products/3f/{digits}-main.jpg/../x"),
        format!("products/3f/{digits}-MAIN.jpg"),
        format!("products/3f/{}-main.jpg", digits.to_uppercase()),
        format!("products/3f/{digits}-main.png"),
        format!("products/3f/{digits}"),
        format!("products/3f/{digits}.jpg"),
        format!("secrets/3f/{digits}-main.jpg"),
        format!("products\\3f\\{digits}-main.jpg"),
        format!("products/3f/..%2f{digits}-main.jpg"),
        format!("products/3f/{}-main.jpg", "ä".repeat(20)),
        "products/3f/3f-main.jpg".to_owned(),
    ];
    for text in hostile {
        assert!(text.parse::<BlobPath>().is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn every_path_is_read_back(bytes: [u8; 32], bucket in 0usize..3, form in 0usize..5) {
        let path = BlobPath { bucket: Bucket::ALL[bucket], digest: Digest::new(&bytes), form: Form::ALL[form] };
        prop_assert_eq!(path.to_string().parse::<BlobPath>().unwrap(), path);
    }

    #[test]
    fn what_is_read_is_what_is_written(text in ".{0,80}") {
        if let Ok(path) = text.parse::<BlobPath>() {
            prop_assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn names_are_short_and_flat(name in ".{0,400}") {
        let clean = clean_name(&name);
        prop_assert!(clean.len() <= 200);
        prop_assert!(!clean.contains(['/', '\\', '\n', '\0']));
    }

    #[test]
    fn sniffing_takes_any_bytes(content: Vec<u8>) {
        let _ = Format::sniff(&content);
    }
}

#[test]
fn content_is_what_its_bytes_say() {
    assert_eq!(Format::sniff(b"\xff\xd8\xff\xe0rest"), Some(Format::Jpeg));
    assert_eq!(Format::sniff(b"\x89PNG\r\n\x1a\nrest"), Some(Format::Png));
    assert_eq!(Format::sniff(b"RIFF\x10\0\0\0WEBPVP8 "), Some(Format::WebP));
    assert_eq!(Format::sniff(b"GIF89a"), Some(Format::Gif));
    assert_eq!(Format::sniff(b"%PDF-1.7"), Some(Format::Pdf));
    for other in [
        &b"<html>"[..],
        b"<svg xmlns=",
        b"<?xml",
        b"",
        b"GIF8",
        b"RIFF\x10\0\0\0WAVE",
        b"PK\x03\x04",
    ] {
        assert_eq!(Format::sniff(other), None);
    }
}

#[test]
fn only_documents_are_private_and_take_pdf() {
    for bucket in Bucket::ALL {
        let documents = bucket == Bucket::Documents;
        assert_eq!(bucket.is_public(), !documents);
        assert_eq!(bucket.takes(Format::Pdf), documents);
        assert!(bucket.takes(Format::Png));
        assert_eq!(Bucket::parse(bucket.as_str()), Some(bucket));
    }
}

#[test]
fn owners_are_read_back() {
    for owner in [Owner::Merchant(MerchantId::new()), Owner::User(UserId::new())] {
        assert_eq!(owner.to_string().parse::<Owner>().unwrap(), owner);
    }
    assert!("file_1".parse::<Owner>().is_err());
}
