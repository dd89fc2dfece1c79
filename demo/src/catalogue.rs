//! The data of the demo, as it stands in `data/`.

use std::collections::BTreeMap;

use anyhow::Context as _;
use include_dir::{Dir, include_dir};
use serde::Deserialize;

static DATA: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/data");
static PICTURES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pictures");

/// Everything.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Catalogue {
    pub categories: Vec<Category>,
    pub merchants: Vec<Merchant>,
    pub products: Vec<Product>,
}

/// One text in three languages.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Text {
    pub uz: String,
    pub ru: String,
    pub en: String,
}

/// A category.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Category {
    pub slug: String,
    pub icon: String,
    pub title: Text,
    #[serde(default)]
    pub parent: String,
}

/// A merchant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Merchant {
    pub key: String,
    pub name: String,
    pub legal_name: String,
    pub tin: String,
    pub phone: String,
    pub email: String,
    pub owner_phone: String,
    pub region: String,
    pub description: Text,
}

/// A product.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Product {
    pub key: String,
    pub merchant: String,
    #[serde(default)]
    pub brand: String,
    pub vat_percent: u32,
    pub mxik: String,
    pub package_code: String,
    pub unit_code: String,
    pub title: Text,
    pub description: Text,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    pub variants: Vec<Variant>,
    #[serde(default)]
    pub second_offers: Vec<SecondOffer>,
    #[serde(default)]
    pub reviews: Vec<Review>,
    /// The file that it stands in.
    #[serde(skip)]
    pub category: String,
}

/// A form of a product; prices in whole so'm.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Variant {
    pub sku: String,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    pub barcode: String,
    pub price: i64,
    pub compare_at: Option<i64>,
    pub stock: i64,
}

/// Another merchant sells the same variant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SecondOffer {
    pub merchant: String,
    pub sku: String,
    pub price: i64,
    pub stock: i64,
}

/// What somebody thinks of a product.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Review {
    pub author: String,
    pub rating: u32,
    pub text: String,
    pub lang: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    category: Vec<Category>,
    merchant: Vec<Merchant>,
    product: Vec<Product>,
}

impl Catalogue {
    /// Reads the data that is built in.
    pub fn read() -> anyhow::Result<Self> {
        let categories = parse("categories.toml")?.category;
        let merchants = parse("merchants.toml")?.merchant;
        let mut products = Vec::new();
        let folder = DATA.get_dir("products").context("demo/data/products")?;
        for file in folder.files() {
            let name = file.path().file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let path = file.path().to_str().unwrap_or_default();
            for mut product in parse(path)?.product {
                name.clone_into(&mut product.category);
                products.push(product);
            }
        }
        Ok(Self { categories, merchants, products })
    }
}

impl Product {
    /// Its picture, a JPEG.
    pub fn picture(&self) -> anyhow::Result<&'static [u8]> {
        let name = format!("{}.jpg", self.key);
        let file = PICTURES.get_file(&name).with_context(|| format!("demo/pictures/{name}"))?;
        Ok(file.contents())
    }
}

/// The rows for an import, a CSV file.
pub fn more_rows() -> anyhow::Result<&'static [u8]> {
    Ok(DATA.get_file("more.csv").context("demo/data/more.csv")?.contents())
}

fn parse(path: &str) -> anyhow::Result<File> {
    let text = DATA.get_file(path).and_then(include_dir::File::contents_utf8);
    let text = text.with_context(|| format!("demo/data/{path} is missing"))?;
    toml::from_str(text).with_context(|| format!("demo/data/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole() {
        let catalogue = Catalogue::read().unwrap();
        let leaves = catalogue.categories.iter().filter(|category| !category.parent.is_empty());
        assert!(leaves.count() >= 16);
        assert_eq!(catalogue.merchants.len(), 4);
        assert!(catalogue.products.len() >= 96);
        for product in &catalogue.products {
            assert!(product.picture().unwrap().starts_with(&[0xff, 0xd8]), "{}", product.key);
            assert!(catalogue.categories.iter().any(|category| category.slug == product.category));
            assert!(!product.title.uz.is_empty() && !product.title.ru.is_empty());
        }
        let rows = more_rows().unwrap();
        assert_eq!(String::from_utf8_lossy(rows).lines().count(), 5001);
    }
}
