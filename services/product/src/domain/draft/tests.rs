use proptest::{collection, option, prelude::*};

use super::*;

pub(crate) fn valid() -> Draft {
    Draft {
        title: Text { uz: "Choynak".to_owned(), ..Text::default() },
        category: "idishlar".to_owned(),
        status: Some(Status::Active),
        fiscal: Some(Fiscal {
            mxik: "06912001001000000".to_owned(),
            package_code: "1234567".to_owned(),
            vat_percent: 12,
            unit_code: String::new(),
        }),
        variants: vec![VariantDraft {
            sku: "CH-1".to_owned(),
            offer: Some(AskedTerms {
                price: Some(Sum { amount: 5_000_000, currency: "UZS".to_owned() }),
                compare_at_price: None,
                stock: 3,
            }),
            ..VariantDraft::default()
        }],
        ..Draft::default()
    }
}

fn found(change: impl FnOnce(&mut Draft)) -> Vec<(String, &'static str)> {
    let mut draft = valid();
    change(&mut draft);
    let violations = draft.check(&[]).err().unwrap_or_default();
    violations.into_iter().map(|violation| (violation.field, violation.code)).collect()
}

fn one(field: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(field.to_owned(), code)]
}

#[test]
fn a_valid_draft_passes() {
    let checked = valid().check(&[]).unwrap();
    assert_eq!(checked.offers[0].terms.as_ref().unwrap().price, Money::uzs(5_000_000));
    assert_eq!(checked.offers[0].variant, checked.content.variants[0].id);
}

#[test]
fn each_field_is_named_by_its_path() {
    assert_eq!(found(|it| it.title.uz.clear()), one("title.uz", "REQUIRED"));
    assert_eq!(found(|it| it.title.uz = "o".repeat(201)), one("title.uz", "LENGTH"));
    assert_eq!(found(|it| it.title.uz = "ў".repeat(200)), []);
    assert_eq!(found(|it| it.slug = "Choynak".to_owned()), one("slug", "INVALID"));
    assert_eq!(found(|it| it.status = Some(Status::Archived)), one("status", "INVALID"));
    assert_eq!(found(|it| it.fiscal = None), one("fiscal", "REQUIRED"));
    assert_eq!(found(|it| it.variants.clear()), one("variants", "REQUIRED"));
    let attribute = |name: &str, value: &str| {
        found(|it| drop(it.attributes.insert(name.to_owned(), value.to_owned())))
    };
    assert_eq!(attribute("Color", "qora"), one("attributes", "NAME"));
    assert_eq!(attribute("color", ""), one("attributes.color", "REQUIRED"));
    assert_eq!(attribute("color", "qora"), []);
}

#[test]
fn fiscal_codes() {
    let code =
        |change: fn(&mut Fiscal)| found(|it| it.fiscal.as_mut().into_iter().for_each(change));
    assert_eq!(code(|it| it.mxik = "123".to_owned()), one("fiscal.mxik", "INVALID"));
    assert_eq!(code(|it| it.mxik = "0691200100100000x".to_owned()), one("fiscal.mxik", "INVALID"));
    assert_eq!(code(|it| it.package_code.clear()), one("fiscal.package_code", "INVALID"));
    assert_eq!(code(|it| it.vat_percent = 20), one("fiscal.vat_percent", "INVALID"));
    for percent in [0, 12, 15] {
        assert_eq!(found(|it| it.fiscal.as_mut().unwrap().vat_percent = percent), []);
    }
}

#[test]
fn variants_and_their_terms() {
    let variant = |change: fn(&mut VariantDraft)| found(|it| change(&mut it.variants[0]));
    let offer =
        |change: fn(&mut AskedTerms)| found(|it| change(it.variants[0].offer.as_mut().unwrap()));
    assert_eq!(variant(|it| it.sku.clear()), one("variants[0].sku", "REQUIRED"));
    assert_eq!(variant(|it| it.sku = "x".repeat(65)), one("variants[0].sku", "LENGTH"));
    assert_eq!(variant(|it| it.barcode = "1".to_owned()), one("variants[0].barcode", "INVALID"));
    assert_eq!(variant(|it| it.barcode = "47800001".to_owned()), []);
    assert_eq!(variant(|it| it.id = "var_x".to_owned()), one("variants[0].id", "UNKNOWN"));
    assert_eq!(variant(|it| it.offer = None), []);
    assert_eq!(offer(|it| it.price = None), one("variants[0].offer.price", "REQUIRED"));
    let price = |amount, currency: &str| Some(Sum { amount, currency: currency.to_owned() });
    let with_price = |amount, currency| {
        found(|it| it.variants[0].offer.as_mut().unwrap().price = price(amount, currency))
    };
    assert_eq!(with_price(0, "UZS"), one("variants[0].offer.price", "OUT_OF_RANGE"));
    assert_eq!(with_price(i64::MAX, "UZS"), one("variants[0].offer.price", "OUT_OF_RANGE"));
    assert_eq!(with_price(1, "USD"), one("variants[0].offer.price", "CURRENCY"));
    let before = |amount| {
        found(|it| {
            it.variants[0].offer.as_mut().unwrap().compare_at_price = price(amount, "UZS");
        })
    };
    let path = "variants[0].offer.compare_at_price";
    assert_eq!(before(5_000_000), one(path, "OUT_OF_RANGE"));
    assert_eq!(before(5_000_001), []);
    assert_eq!(offer(|it| it.stock = -1), one("variants[0].offer.stock", "OUT_OF_RANGE"));
    assert_eq!(
        offer(|it| it.stock = 1_000_000_001),
        one("variants[0].offer.stock", "OUT_OF_RANGE")
    );
    let twice = found(|it| it.variants.push(it.variants[0].clone()));
    assert_eq!(twice, one("variants[1].sku", "DUPLICATE"));
    let many = found(|it| it.variants = vec![it.variants[0].clone(); 101]);
    assert!(many.contains(&("variants".to_owned(), "TOO_MANY")));
}

#[test]
fn a_variant_that_comes_again_keeps_its_id() {
    let first = valid().check(&[]).unwrap();
    let by_sku = valid().check(&first.content.variants).unwrap();
    assert_eq!(by_sku.content.variants[0].id, first.content.variants[0].id);
    let mut renamed = valid();
    renamed.variants[0].id = first.content.variants[0].id.to_string();
    renamed.variants[0].sku = "CH-2".to_owned();
    let renamed = renamed.check(&first.content.variants).unwrap();
    assert_eq!(renamed.content.variants[0].id, first.content.variants[0].id);
    assert_eq!(renamed.content.variants[0].sku, "CH-2");
}

prop_compose! {
    fn any_variant()(
        id in "\\PC{0,8}", sku in ".{0,70}", barcode in "[0-9a]{0,16}", name in ".{0,5}",
        amount: i64, before in option::of(any::<i64>()), currency in "(UZS|USD|.{0,3})", stock: i64,
    ) -> VariantDraft {
        VariantDraft {
            id, sku, barcode,
            options: [(name.clone(), name)].into(),
            offer: Some(AskedTerms {
                price: Some(Sum { amount, currency: currency.clone() }),
                compare_at_price: before.map(|amount| Sum { amount, currency }),
                stock,
            }),
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_is_judged(
        title in ".{0,220}", slug in ".{0,20}", mxik in "[0-9x]{0,18}", vat: u32,
        variants in collection::vec(any_variant(), 0..4),
    ) {
        let mut draft = valid();
        draft.title.uz = title;
        draft.slug = slug;
        draft.variants = variants;
        draft.fiscal = Some(Fiscal { mxik, vat_percent: vat, ..Fiscal::default() });
        if let Ok(checked) = draft.check(&[]) {
            prop_assert!(!checked.content.title.uz.is_empty());
            for offer in checked.offers {
                prop_assert!(offer.terms.is_some_and(|terms| terms.price.amount > 0 && terms.stock >= 0));
            }
        }
    }
}
