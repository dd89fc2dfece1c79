//! The forms of an uploaded picture: plain JPEGs of known sizes.
//!
//! Everything is decoded and encoded again, so that nothing of the original file but its pixels reaches a visitor: no EXIF with the
//! place where a picture was taken, no script behind an image header, no trailing archive.

use bytes::Bytes;
use pictures::{ImageFormat, Spoiled, encode, fitting, shrink};

use crate::domain::{Form, FormName, Format, Picture};

/// Names the way pictures are made here. It is part of what addresses are computed from: another way gives other addresses, so that
/// caches never mix two ways.
pub const RECIPE: &[u8] = b"jpeg 82, 800x600 600 300 120, v1";

/// A picture in all its forms.
#[derive(Debug)]
pub struct Forms {
    /// Measures, and which form stands for which.
    pub picture: Picture,
    /// JPEGs, the main one first.
    pub blobs: Vec<(Form, Bytes)>,
}

/// Decodes `content`, turns it upright, puts it on white, and makes the main form (within `fit`) and the thumbnails. Nothing is made
/// larger than it was; a thumbnail that would be as large as the form before it is that form.
pub fn forms(content: &[u8], format: Format, fit: (u32, u32)) -> Result<Forms, Spoiled> {
    let format = match format {
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Png => ImageFormat::Png,
        Format::WebP => ImageFormat::WebP,
        Format::Gif => ImageFormat::Gif,
        Format::Pdf => return Err(Spoiled::Broken),
    };
    let image = pictures::open(content, format, fit)?;
    let mut blobs = vec![(Form::Main, encode(&image)?)];
    let mut names = [FormName::Main; 3];
    let (width, height) = (image.width(), image.height());
    let mut source = image;
    let mut current = FormName::Main;
    let own = [FormName::Large, FormName::Medium, FormName::Small];
    for (((form, side), own), name) in Form::THUMBNAILS.into_iter().zip(own).zip(&mut names) {
        // From the main form's measures, so that rounding does not add up.
        let (wide, high) = fitting(width, height, (side, side));
        if (wide, high) != (source.width(), source.height()) {
            source = shrink(&source, wide, high);
            blobs.push((form, encode(&source)?));
            current = own;
        }
        *name = current;
    }
    let [large, medium, small] = names;
    Ok(Forms { picture: Picture { width, height, large, medium, small }, blobs })
}

#[cfg(test)]
#[path = "forms_tests.rs"]
mod tests;
