//! From whatever somebody uploaded to plain pixels and JPEGs. Pure computing: no store, no network, no clock.
//!
//! A crate of its own, so that this code alone is optimised in every build: the decoders and encoders of [`image`] are generic and
//! compiled here.

use std::io::Cursor;

use bytes::Bytes;
use image::{
    DynamicImage, ImageDecoder as _, ImageReader, Limits, codecs::jpeg::JpegEncoder,
    metadata::Orientation,
};

mod scale;

pub use image::{ImageFormat, RgbImage};
pub use scale::shrink;

/// Pixels of an uploaded picture at most.
const MAX_PIXELS: u64 = 40_000_000;
/// Width and height of an uploaded picture at most.
const MAX_SIDE: u32 = 20_000;
/// Bytes that a decoder may ask for: 40 megapixels of four bytes, and some room.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;
/// JPEG quality: the lowest at which product pictures show no blocks.
const QUALITY: u8 = 82;

/// Why a picture cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Spoiled {
    /// It would unfold to more pixels than we hold.
    #[error("a picture has at most {MAX_PIXELS} pixels and {MAX_SIDE} in each direction")]
    TooLarge,
    /// It cannot be decoded.
    #[error("the picture is damaged")]
    Broken,
}

/// Decodes `content`, puts it on white, makes it fit into a box that is this wide and high without making it larger, and turns it
/// upright.
pub fn open(content: &[u8], format: ImageFormat, fit: (u32, u32)) -> Result<RgbImage, Spoiled> {
    let (image, orientation) = decode(content, format)?;
    let (width, height) = fitting(image.width(), image.height(), turned(fit, orientation));
    let image = flatten(image);
    let image = shrink(&image, width, height);
    // The small picture is turned, not the large one.
    let mut image = DynamicImage::ImageRgb8(image);
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}

/// The picture as a JPEG.
pub fn encode(image: &RgbImage) -> Result<Bytes, Spoiled> {
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    image.write_with_encoder(encoder).map_err(|_| Spoiled::Broken)?;
    Ok(jpeg.into())
}

/// The largest measures of the same shape that fit into a box without growing; at least one pixel.
pub fn fitting(width: u32, height: u32, (most_wide, most_high): (u32, u32)) -> (u32, u32) {
    if width <= most_wide && height <= most_high {
        return (width, height);
    }
    let scaled = |side: u32, most: u32, of: u32| {
        // Rounded to the nearest.
        let (side, most, of) = (u64::from(side), u64::from(most), u64::from(of.max(1)));
        u32::try_from((side * most + of / 2) / of).unwrap_or(u32::MAX).max(1)
    };
    // width / most_wide >= height / most_high: the width decides.
    if u64::from(width) * u64::from(most_high) >= u64::from(height) * u64::from(most_wide) {
        (most_wide, scaled(height, most_wide, width).min(most_high))
    } else {
        (scaled(width, most_high, height).min(most_wide), most_high)
    }
}

fn decode(content: &[u8], format: ImageFormat) -> Result<(DynamicImage, Orientation), Spoiled> {
    let mut reader = ImageReader::with_format(Cursor::new(content), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(spoiled)?;
    let (width, height) = decoder.dimensions();
    // Before a single pixel is unpacked.
    if u64::from(width) * u64::from(height) > MAX_PIXELS || decoder.total_bytes() > MAX_MEMORY {
        return Err(Spoiled::TooLarge);
    }
    if width == 0 || height == 0 {
        return Err(Spoiled::Broken);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(spoiled)?;
    Ok((image, orientation))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn spoiled(error: image::ImageError) -> Spoiled {
    match error {
        image::ImageError::Limits(_) => Spoiled::TooLarge,
        _ => Spoiled::Broken,
    }
}

/// Puts a picture on white, 8 bits a channel: before it is scaled, else hidden colours would show at the edges.
fn flatten(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    let mut flat = RgbImage::new(image.width(), image.height());
    for (to, from) in flat.pixels_mut().zip(image.pixels()) {
        let [red, green, blue, alpha] = from.0.map(u32::from);
        let over_white = |channel: u32| {
            let sum = channel * alpha + 255 * (255 - alpha) + 127;
            u8::try_from(sum / 255).unwrap_or(u8::MAX)
        };
        to.0 = [red, green, blue].map(over_white);
    }
    flat
}

/// The box as it lies before the picture is turned into it.
fn turned((width, height): (u32, u32), orientation: Orientation) -> (u32, u32) {
    match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => (height, width),
        _ => (width, height),
    }
}
