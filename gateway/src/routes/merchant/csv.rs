//! Products as lines of CSV, in the form that an import reads.

use std::collections::HashMap;

use proto::{order, product as pb};

const COLUMNS: [&str; 12] = [
    "sku",
    "title_uz",
    "title_ru",
    "title_en",
    "category",
    "brand",
    "price",
    "stock",
    "mxik",
    "package_code",
    "vat_percent",
    "image_url",
];

/// The first line.
pub(super) fn header() -> String {
    text(std::iter::once(COLUMNS.map(str::to_owned)))
}

/// One line for each variant.
pub(super) fn rows(
    products: &[pb::Product],
    offers: &HashMap<String, Vec<order::Offer>>,
) -> String {
    text(products.iter().flat_map(|product| {
        let offers = offers.get(&product.id).map(Vec::as_slice).unwrap_or_default();
        product.variants.iter().map(|variant| row(product, variant, offers))
    }))
}

fn row(product: &pb::Product, variant: &pb::Variant, offers: &[order::Offer]) -> [String; 12] {
    let title = product.title.clone().unwrap_or_default();
    let fiscal = product.fiscal.clone().unwrap_or_default();
    let offer = offers.iter().find(|offer| offer.variant_id == variant.id);
    let price = offer.and_then(|offer| offer.price.as_ref());
    [
        variant.sku.clone(),
        title.uz,
        title.ru,
        title.en,
        product.category.as_ref().map(|category| category.slug.clone()).unwrap_or_default(),
        product.brand.clone(),
        price.map(|price| money::format_decimal(price.amount)).unwrap_or_default(),
        offer.map(|offer| offer.available.to_string()).unwrap_or_default(),
        fiscal.mxik,
        fiscal.package_code,
        fiscal.vat_percent.to_string(),
        product.media.first().map(|picture| picture.url.clone()).unwrap_or_default(),
    ]
}

fn text(rows: impl Iterator<Item = [String; 12]>) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Memory takes everything.
        drop(writer.write_record(&row));
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proto::value::{LocalizedText, Money};

    use super::*;

    #[test]
    fn a_line_for_each_variant() {
        let variant = |id: &str, sku: &str| pb::Variant {
            id: id.to_owned(),
            sku: sku.to_owned(),
            ..Default::default()
        };
        let title = LocalizedText { uz: "Choynak, \"koʻk\"".to_owned(), ..Default::default() };
        let product = pb::Product {
            id: "prod_1".to_owned(),
            title: Some(title),
            variants: vec![variant("var_1", "A-1"), variant("var_2", "A-2")],
            ..Default::default()
        };
        let price = Some(Money { amount: 1_250_050, currency: "UZS".to_owned() });
        let offer = order::Offer {
            variant_id: "var_1".to_owned(),
            available: 3,
            price,
            ..Default::default()
        };
        let offers = HashMap::from([("prod_1".to_owned(), vec![offer])]);
        insta::assert_snapshot!(format!("{}{}", header(), rows(&[product], &offers)));
    }
}
