//! The demo catalogue as the fakes hold it.

use std::{collections::BTreeMap, path::Path, sync::Mutex};

use proto::{
    cart as carts,
    order::{Offer, Order},
    product::{Category, CategoryRef, Product, ProductStatus, Review, Variant},
    value::{LocalizedText, Money, Picture},
};
use serde::Deserialize;

/// A test's own text, where escaping is tried out.
pub(crate) const HOSTILE: &str = "<script>alert('x')</script> & \"quoted\"";

/// Everything that the fakes know.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) categories: Vec<Category>,
    pub(crate) products: Vec<Product>,
    pub(crate) offers: Vec<Offer>,
    pub(crate) reviews: Vec<Review>,
    pub(crate) state: Mutex<State>,
}

/// What changes while a visitor shops.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Cart and token, by id.
    pub(crate) carts: BTreeMap<String, (carts::Cart, String)>,
    /// Order and token, by id.
    pub(crate) orders: BTreeMap<String, (Order, String)>,
    /// Orders by idempotency key.
    pub(crate) keys: BTreeMap<String, String>,
    /// Every request that changes something, as text, in order.
    pub(crate) calls: Vec<String>,
    /// Refresh tokens that were used.
    pub(crate) used: Vec<String>,
    /// Services that answer nothing.
    pub(crate) away: Vec<&'static str>,
    pub(crate) delivery_price: i64,
}

#[derive(Deserialize)]
struct Words {
    uz: String,
    ru: String,
    en: String,
}

impl Words {
    fn text(&self) -> LocalizedText {
        LocalizedText { uz: self.uz.clone(), ru: self.ru.clone(), en: self.en.clone() }
    }
}

#[derive(Deserialize)]
struct Categories {
    category: Vec<CategoryRow>,
}
#[derive(Deserialize)]
struct CategoryRow {
    slug: String,
    icon: String,
    #[serde(default)]
    parent: String,
    title: Words,
}
#[derive(Deserialize)]
struct Products {
    product: Vec<ProductRow>,
}
#[derive(Deserialize)]
struct ProductRow {
    key: String,
    merchant: String,
    brand: String,
    title: Words,
    description: Words,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    variants: Vec<VariantRow>,
    #[serde(default)]
    second_offers: Vec<SecondOffer>,
    #[serde(default)]
    reviews: Vec<ReviewRow>,
}
#[derive(Deserialize)]
struct VariantRow {
    sku: String,
    options: BTreeMap<String, String>,
    price: i64,
    compare_at: Option<i64>,
    stock: i64,
}
#[derive(Deserialize)]
struct SecondOffer {
    merchant: String,
    sku: String,
    price: i64,
    stock: i64,
}
#[derive(Deserialize)]
struct ReviewRow {
    author: String,
    rating: u32,
    text: String,
}

pub(crate) fn sum(soum: i64) -> Money {
    Money { amount: soum * 100, currency: "UZS".to_owned() }
}

impl World {
    /// Reads `demo/data`; the first product's words are hostile when asked for.
    pub(crate) fn load(hostile: bool) -> Self {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/data");
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let rows: Categories = toml::from_str(&read(&data.join("categories.toml"))).unwrap();
        let categories: Vec<Category> = rows
            .category
            .iter()
            .zip(0..)
            .map(|(row, position)| Category {
                id: format!("cat_{}", row.slug),
                slug: row.slug.clone(),
                title: Some(row.title.text()),
                parent: row.parent.clone(),
                icon: row.icon.clone(),
                position,
                product_count: 1,
            })
            .collect();
        let mut world = Self {
            categories,
            products: Vec::new(),
            offers: Vec::new(),
            reviews: Vec::new(),
            state: Mutex::new(State { delivery_price: 2_500_000, ..State::default() }),
        };
        let mut files: Vec<_> = std::fs::read_dir(data.join("products"))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            let slug = file.file_stem().unwrap().to_string_lossy().into_owned();
            let rows: Products = toml::from_str(&read(&file)).unwrap();
            for row in rows.product {
                world.add(&slug, row);
            }
        }
        if hostile {
            let text = || {
                Some(LocalizedText { uz: HOSTILE.into(), ru: HOSTILE.into(), en: HOSTILE.into() })
            };
            let product = world.products.first_mut().unwrap();
            product.title = text();
            product.description = text();
            HOSTILE.clone_into(&mut product.brand);
            product.attributes.insert("color".to_owned(), HOSTILE.to_owned());
            let id = product.id.clone();
            for offer in world.offers.iter_mut().filter(|offer| offer.product_id == id) {
                offer.title = text();
                HOSTILE.clone_into(&mut offer.merchant_name);
            }
            world.reviews.push(Review {
                product_id: id,
                author: HOSTILE.to_owned(),
                text: HOSTILE.to_owned(),
                rating: 1,
                ..Review::default()
            });
        }
        world
    }

    fn add(&mut self, category: &str, row: ProductRow) {
        let id = format!("prod_{}", row.key);
        let parent = self.categories.iter().find(|known| known.slug == category).unwrap();
        let url = format!("/files/{}.jpg", row.key);
        let picture = Picture { url: url.clone(), width: 640, height: 640, ..Picture::default() };
        let merchant_name = |key: &str| {
            let name = match key {
                "texnoqala" => "Texnoqalʼa",
                "hunar-uyi" => "Hunar Uyi",
                "zarbof-moda" => "Zarbof Moda",
                _ => "Baraka Savat",
            };
            name.to_owned()
        };
        let offer =
            |number: usize, merchant: &str, variant: &VariantRow, price: i64, stock: i64| Offer {
                id: format!("off_{}{number}", variant.sku.to_lowercase()),
                merchant_id: format!("mer_{merchant}"),
                merchant_name: merchant_name(merchant),
                product_id: id.clone(),
                variant_id: format!("var_{}", variant.sku),
                sku: variant.sku.clone(),
                title: Some(row.title.text()),
                options: variant.options.clone(),
                price: Some(sum(price)),
                available: stock,
                active: true,
                picture_url: url.clone(),
                ..Offer::default()
            };
        for variant in &row.variants {
            let mut own = offer(0, &row.merchant, variant, variant.price, variant.stock);
            own.compare_at_price = variant.compare_at.map(sum);
            self.offers.push(own);
            for second in row.second_offers.iter().filter(|second| second.sku == variant.sku) {
                self.offers.push(offer(1, &second.merchant, variant, second.price, second.stock));
            }
        }
        let count = u32::try_from(row.reviews.len()).unwrap();
        let stars: u32 = row.reviews.iter().map(|review| review.rating).sum();
        for review in &row.reviews {
            self.reviews.push(Review {
                id: format!("rev_{}", self.reviews.len()),
                product_id: id.clone(),
                author: review.author.clone(),
                rating: review.rating,
                text: review.text.clone(),
                created_at_ms: 1_794_000_000_000,
                ..Review::default()
            });
        }
        let first = row.variants.first().unwrap();
        self.products.push(Product {
            id,
            slug: row.key.clone(),
            title: Some(row.title.text()),
            description: Some(row.description.text()),
            category: Some(CategoryRef {
                id: parent.id.clone(),
                slug: parent.slug.clone(),
                title: parent.title.clone(),
                ancestors: vec![parent.parent.clone()],
            }),
            brand: row.brand,
            media: vec![picture],
            attributes: row.attributes,
            variants: row
                .variants
                .iter()
                .map(|variant| Variant {
                    id: format!("var_{}", variant.sku),
                    sku: variant.sku.clone(),
                    options: variant.options.clone(),
                    barcode: String::new(),
                })
                .collect(),
            status: ProductStatus::Active.into(),
            rating_average: if count == 0 { 0.0 } else { f64::from(stars) / f64::from(count) },
            rating_count: count,
            price_from: first.price * 100,
            in_stock: row.variants.iter().any(|variant| variant.stock > 0),
            ..Product::default()
        });
    }

    /// The product is in the category or below it.
    pub(crate) fn within(product: &Product, category: &str) -> bool {
        let own = product.category.as_ref().unwrap();
        category.is_empty()
            || own.slug == category
            || own.ancestors.iter().any(|slug| slug == category)
    }

    pub(crate) fn is_away(&self, service: &str) -> bool {
        self.state.lock().unwrap().away.contains(&service)
    }
}
