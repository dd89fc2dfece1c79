//! The rules for the fields of a draft.

use std::collections::{BTreeMap, HashSet};

use super::{AskedTerms, Draft, Fiscal, Terms, Text, VariantDraft, Violation, price, slug};
use crate::domain::{Picture, Status};

/// Variants of a product at most.
const MAX_VARIANTS: usize = 100;
/// Attributes of a product at most.
const MAX_ATTRIBUTES: usize = 50;
/// Options of a variant at most.
const MAX_OPTIONS: usize = 10;
/// Pictures of a product at most.
const MAX_MEDIA: usize = 30;
/// Pieces at most.
const MAX_STOCK: i64 = 1_000_000_000;
/// Tiyin at most: leaves room for any sum of lines.
pub(super) const MAX_PRICE: i64 = 10_000_000_000_000;

/// What was found so far.
#[derive(Default)]
pub(super) struct Findings(Vec<Violation>);

impl Findings {
    pub(super) fn add(
        &mut self,
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        self.0.push(Violation { field: field.into(), code, message: message.into() });
    }

    pub(super) fn done(self) -> Result<(), Vec<Violation>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }

    fn length(&mut self, field: &str, text: &str, least: usize, most: usize) {
        let length = text.trim().chars().take(most + 1).count();
        if length == 0 && least > 0 {
            self.add(field, "REQUIRED", "must not be empty");
        } else if length > most {
            self.add(field, "LENGTH", format!("at most {most} characters"));
        } else if text.contains('\0') {
            self.add(field, "INVALID", "must not contain NUL");
        }
    }

    fn digits(&mut self, field: &str, text: &str, lengths: std::ops::RangeInclusive<usize>) {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) || !lengths.contains(&text.len()) {
            let (least, most) = (lengths.start(), lengths.end());
            let count =
                if least == most { least.to_string() } else { format!("{least} to {most}") };
            self.add(field, "INVALID", format!("expected {count} digits"));
        }
    }
}

/// Everything but terms and the names of variants.
pub(super) fn draft(draft: &Draft, found: &mut Findings) {
    localized("title", &draft.title, 1, 200, found);
    localized("description", &draft.description, 0, 20_000, found);
    if !draft.slug.is_empty() && !slug::is_valid(&draft.slug) {
        found.add("slug", "INVALID", "expected lower-case words and digits joined by hyphens");
    }
    if draft.status == Some(Status::Archived) {
        found.add("status", "INVALID", "delete the product to archive it");
    }
    found.length("brand", &draft.brand, 0, 100);
    named("attributes", &draft.attributes, MAX_ATTRIBUTES, found);
    media(&draft.media, found);
    match &draft.fiscal {
        Some(fiscal) => codes(fiscal, found),
        None => found.add("fiscal", "REQUIRED", "the codes of the tax catalogue are needed"),
    }
    variants(&draft.variants, found);
}

fn localized(field: &str, text: &Text, least: usize, most: usize, found: &mut Findings) {
    found.length(&format!("{field}.uz"), &text.uz, least, most);
    found.length(&format!("{field}.ru"), &text.ru, 0, most);
    found.length(&format!("{field}.en"), &text.en, 0, most);
}

fn named(field: &str, values: &BTreeMap<String, String>, most: usize, found: &mut Findings) {
    if values.len() > most {
        found.add(field, "TOO_MANY", format!("at most {most}"));
        return;
    }
    for (name, value) in values {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=40).contains(&name.len()) || !name.bytes().all(plain) {
            found.add(field, "NAME", "names are 1 to 40 of a-z, 0-9 and _");
        } else {
            found.length(&format!("{field}.{name}"), value, 1, 200);
        }
    }
}

fn media(pictures: &[Picture], found: &mut Findings) {
    if pictures.len() > MAX_MEDIA {
        found.add("media", "TOO_MANY", format!("at most {MAX_MEDIA}"));
        return;
    }
    for (at, picture) in pictures.iter().enumerate() {
        found.length(&format!("media[{at}].url"), &picture.url, 1, 2048);
        let smaller = [&picture.small_url, &picture.medium_url, &picture.large_url];
        if smaller.iter().any(|url| url.len() > 2048) || picture.file_id.len() > 64 {
            found.add(format!("media[{at}]"), "LENGTH", "too long");
        }
    }
}

fn codes(fiscal: &Fiscal, found: &mut Findings) {
    found.digits("fiscal.mxik", &fiscal.mxik, 17..=17);
    found.digits("fiscal.package_code", &fiscal.package_code, 1..=20);
    if !matches!(fiscal.vat_percent, 0 | 12 | 15) {
        found.add("fiscal.vat_percent", "INVALID", "expected 0, 12 or 15");
    }
    if !fiscal.unit_code.is_empty() {
        found.digits("fiscal.unit_code", &fiscal.unit_code, 1..=20);
    }
}

fn variants(drafts: &[VariantDraft], found: &mut Findings) {
    if drafts.is_empty() {
        found.add("variants", "REQUIRED", "a product has at least one variant");
    } else if drafts.len() > MAX_VARIANTS {
        found.add("variants", "TOO_MANY", format!("at most {MAX_VARIANTS}"));
        return;
    }
    let mut skus = HashSet::new();
    for (at, draft) in drafts.iter().enumerate() {
        let sku = format!("variants[{at}].sku");
        if draft.sku.trim() != draft.sku || draft.sku.chars().any(char::is_control) {
            found.add(&sku, "INVALID", "no spaces around it and no control characters");
        }
        found.length(&sku, &draft.sku, 1, 64);
        if !skus.insert(draft.sku.as_str()) {
            found.add(&sku, "DUPLICATE", "each variant has a SKU of its own");
        }
        if !draft.barcode.is_empty() {
            found.digits(&format!("variants[{at}].barcode"), &draft.barcode, 8..=14);
        }
        named(&format!("variants[{at}].options"), &draft.options, MAX_OPTIONS, found);
    }
}

/// Terms in which everything is right; None after adding what is not.
pub(super) fn terms(asked: &AskedTerms, at: usize, found: &mut Findings) -> Option<Terms> {
    let path = |name: &str| format!("variants[{at}].offer.{name}");
    let stock_is_right = (0..=MAX_STOCK).contains(&asked.stock);
    if !stock_is_right {
        found.add(path("stock"), "OUT_OF_RANGE", format!("expected 0 to {MAX_STOCK} pieces"));
    }
    let Some(sum) = &asked.price else {
        found.add(path("price"), "REQUIRED", "an offer has a price");
        return None;
    };
    let now = price(sum).map_err(|(code, message)| found.add(path("price"), code, message)).ok();
    let before = match asked.compare_at_price.as_ref().map(price) {
        None => None,
        Some(Err((code, message))) => {
            found.add(path("compare_at_price"), code, message);
            return None;
        }
        Some(Ok(before)) => Some(before),
    };
    let now = now?;
    if before.is_some_and(|before| before.amount <= now.amount) {
        found.add(path("compare_at_price"), "OUT_OF_RANGE", "must be above the price");
        return None;
    }
    stock_is_right.then_some(Terms { price: now, compare_at_price: before, stock: asked.stock })
}
