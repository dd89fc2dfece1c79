use std::io::Cursor;

use image::{
    DynamicImage, ExtendedColorType, ImageEncoder as _, Rgb, RgbImage, Rgba, RgbaImage,
    codecs::jpeg::JpegEncoder,
};
use proptest::prelude::*;

use super::*;

fn photo(width: u32, height: u32) -> DynamicImage {
    let shade = |value: u32| u8::try_from(value % 256).unwrap();
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| {
        Rgb([shade(x), shade(y), shade(x + y)])
    }))
}

fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn sizes(forms: &Forms) -> Vec<(Form, u32, u32)> {
    let size = |(form, jpeg): &(Form, Bytes)| {
        let image = image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg).unwrap();
        (*form, image.width(), image.height())
    };
    forms.blobs.iter().map(size).collect()
}

#[test]
fn a_photograph_in_every_format_gets_all_forms() {
    let photo = photo(960, 540);
    let formats = [
        (Format::Jpeg, ImageFormat::Jpeg),
        (Format::Png, ImageFormat::Png),
        (Format::WebP, ImageFormat::WebP),
        (Format::Gif, ImageFormat::Gif),
    ];
    for (format, written_as) in formats {
        let content = written(&photo, written_as);
        assert_eq!(Format::sniff(&content), Some(format));
        let forms = forms(&content, format, (800, 600)).unwrap();
        assert_eq!(
            sizes(&forms),
            [
                (Form::Main, 800, 450),
                (Form::Large, 600, 338),
                (Form::Medium, 300, 169),
                (Form::Small, 120, 68)
            ]
        );
        assert_eq!((forms.picture.width, forms.picture.height), (800, 450));
    }
}

#[test]
fn a_square_picture_is_its_own_large_thumbnail() {
    let forms =
        forms(&written(&photo(640, 640), ImageFormat::Jpeg), Format::Jpeg, (800, 600)).unwrap();
    assert_eq!(
        sizes(&forms),
        [(Form::Main, 600, 600), (Form::Medium, 300, 300), (Form::Small, 120, 120)]
    );
    assert_eq!(forms.picture.large, FormName::Main);
    assert_eq!(forms.picture.small, FormName::Small);
}

#[test]
fn nothing_is_made_larger() {
    let forms = forms(&written(&photo(40, 30), ImageFormat::Png), Format::Png, (800, 600)).unwrap();
    assert_eq!(sizes(&forms), [(Form::Main, 40, 30)]);
    assert_eq!(forms.picture.small, FormName::Main);
}

#[test]
fn what_shines_through_becomes_white() {
    let mut image = RgbaImage::from_pixel(64, 64, Rgba([255, 0, 0, 0]));
    for x in 0..32 {
        for y in 0..64 {
            image.put_pixel(x, y, Rgba([0, 0, 255, 255]));
        }
    }
    let content = written(&DynamicImage::ImageRgba8(image), ImageFormat::Png);
    let forms = forms(&content, Format::Png, (800, 600)).unwrap();
    let main = image::load_from_memory(&forms.blobs[0].1).unwrap().into_rgb8();
    assert!(main.get_pixel(60, 32).0.iter().all(|channel| *channel > 250), "white, not red");
    assert!(main.get_pixel(4, 32).0[2] > 200 && main.get_pixel(4, 32).0[0] < 60, "still blue");
}

/// A JPEG 80 wide and 40 high, black in its left half, whose EXIF says how it is to be turned, and where it was taken.
fn with_orientation(orientation: u8) -> Vec<u8> {
    let image = RgbImage::from_fn(80, 40, |x, _| Rgb([if x < 40 { 0 } else { 255 }; 3]));
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    tiff.extend(b"GPS 41.3111 69.2797");
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, 95);
    encoder.set_exif_metadata(tiff).unwrap();
    encoder.write_image(&image, 80, 40, ExtendedColorType::Rgb8).unwrap();
    jpeg
}

#[test]
fn pictures_are_turned_upright_and_forget_where_they_were_taken() {
    // 6: turn by 90 degrees clockwise, so what was left is above.
    let content = with_orientation(6);
    assert!(content.windows(3).any(|window| window == b"GPS"));
    let turned = forms(&content, Format::Jpeg, (800, 600)).unwrap();
    assert_eq!((turned.picture.width, turned.picture.height), (40, 80));
    let main = image::load_from_memory(&turned.blobs[0].1).unwrap().into_rgb8();
    assert!(main.get_pixel(20, 10).0[0] < 30 && main.get_pixel(20, 70).0[0] > 220);
    for (_, jpeg) in &turned.blobs {
        assert!(!jpeg.windows(4).any(|window| window == b"Exif" || window == b"GPS "));
    }
    // 3: upside down; 1: as it is.
    let main = |orientation: u8| {
        let forms = forms(&with_orientation(orientation), Format::Jpeg, (800, 600)).unwrap();
        image::load_from_memory(&forms.blobs[0].1).unwrap().into_rgb8()
    };
    assert!(main(3).get_pixel(10, 20).0[0] > 220);
    assert!(main(1).get_pixel(10, 20).0[0] < 30);
}

#[test]
fn a_turned_picture_fits_the_box_it_is_turned_into() {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    tiff.extend([8, 0, 0, 0, 0, 0, 0, 0]);
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, 80);
    encoder.set_exif_metadata(tiff).unwrap();
    photo(1000, 2000).write_with_encoder(encoder).unwrap();
    let forms = forms(&jpeg, Format::Jpeg, (800, 600)).unwrap();
    assert_eq!((forms.picture.width, forms.picture.height), (800, 400));
}

/// A PNG whose header promises so many pixels and whose data holds none.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.extend(13u32.to_be_bytes());
    png.extend(&header);
    png.extend(crc(&header).to_be_bytes());
    for chunk in [&b"IDAT"[..], b"IEND"] {
        png.extend(0u32.to_be_bytes());
        png.extend(chunk);
        png.extend(crc(chunk).to_be_bytes());
    }
    png
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[test]
fn a_bomb_is_known_by_its_header() {
    for (width, height) in [(10_000, 10_000), (60_000, 60_000), (1, 4_000_000), (u32::MAX >> 1, 1)]
    {
        let refused = forms(&bomb(width, height), Format::Png, (800, 600)).unwrap_err();
        assert_eq!(refused, Spoiled::TooLarge, "{width} x {height}");
    }
    // The same file with a small promise is only broken: it is the promise that counts above.
    assert_eq!(forms(&bomb(10, 10), Format::Png, (800, 600)).unwrap_err(), Spoiled::Broken);
}

#[test]
fn damaged_pictures_are_refused() {
    let png = written(&photo(200, 200), ImageFormat::Png);
    let gif = written(&photo(200, 200), ImageFormat::Gif);
    for (content, format) in [
        (&png[..png.len() / 2], Format::Png),
        (&png[..20], Format::Png),
        (&gif[..gif.len() / 2], Format::Gif),
        (&b"\xff\xd8\xff\xe0 no picture"[..], Format::Jpeg),
        (b"RIFF\x10\0\0\0WEBPVP8 nothing", Format::WebP),
    ] {
        assert_eq!(forms(content, format, (800, 600)).unwrap_err(), Spoiled::Broken, "{format:?}");
    }
}

proptest! {
    #[test]
    fn what_fits_has_the_same_shape(width in 1u32..20_000, height in 1u32..20_000) {
        let (wide, high) = fitting(width, height, (800, 600));
        prop_assert!((1..=800).contains(&wide) && (1..=600).contains(&high));
        prop_assert!(wide <= width && high <= height);
        // The exact height for this width is less than a pixel away, or the side is one pixel already.
        let exact = f64::from(height) * f64::from(wide) / f64::from(width);
        let slack = f64::from(height).max(f64::from(width)) / f64::from(width);
        prop_assert!(high == 1 || (exact - f64::from(high)).abs() <= slack);
    }

    #[test]
    fn no_bytes_break_the_decoders(mut content in prop::collection::vec(any::<u8>(), 0..300), kind in 0usize..4) {
        let (format, start): (Format, &[u8]) = [
            (Format::Jpeg, &b"\xff\xd8\xff\xe0"[..]),
            (Format::Png, b"\x89PNG\r\n\x1a\n"),
            (Format::WebP, b"RIFF\x40\0\0\0WEBPVP8L"),
            (Format::Gif, b"GIF89a"),
        ][kind];
        content.splice(0..0, start.iter().copied());
        let _ = forms(&content, format, (800, 600));
    }
}
