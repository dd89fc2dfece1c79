use proptest::prelude::*;

use super::*;

fn card(title: &str) -> Aspect {
    let title = Localized { uz: title.to_owned(), ..Localized::default() };
    let card = Card { active: true, title, ..Card::default() };
    let hint = Offers { price_from: 1, in_stock: true, sellers: Vec::new() };
    Aspect::Card(Box::new((card, hint, Rating::default())))
}

fn offers(price_from: i64) -> Aspect {
    Aspect::Offers(Offers { price_from, in_stock: true, sellers: Vec::new() })
}

#[test]
fn old_news_is_no_news() {
    let mut document = Document::new(ProductId::new());
    assert!(document.apply(3, card("new")));
    assert!(!document.apply(2, card("old")));
    assert!(!document.apply(2, Aspect::Gone));
    assert!(document.apply(4, Aspect::Gone));
    assert!(!document.apply(3, card("new")), "a deleted product does not come back");
    assert_eq!(document.visible(), None);
}

#[test]
fn aspects_do_not_disturb_each_other() {
    let mut document = Document::new(ProductId::new());
    document.apply(1, card("it"));
    assert_eq!(document.offers.price_from, 1, "a hint is better than nothing");
    document.apply(7, offers(500));
    document.apply(2, card("it"));
    assert_eq!(document.offers.price_from, 500, "the order service knows better");
}

#[test]
fn price_ranges_meet() {
    assert_eq!(price_step(0), None);
    assert_eq!(price_range(0), "1-4999999");
    assert_eq!(price_range(PRICE_STEPS.len() - 1), "2500000000-");
    for (step, from) in PRICE_STEPS.iter().enumerate() {
        assert_eq!(price_step(*from), Some(step));
        assert_eq!(price_step(from - 1), step.checked_sub(1));
    }
}

fn any_change() -> impl Strategy<Value = (i64, u8)> {
    (1..6_i64, 0..4_u8)
}

/// What a version of an aspect says is a function of the version, as it is of real senders.
fn aspect((version, kind): (i64, u8)) -> Aspect {
    match kind {
        0 | 1 if version == 5 => Aspect::Gone,
        0 | 1 => card(&version.to_string()),
        2 => offers(version * 100),
        _ => Aspect::Rating(Rating { thousandths: 1000, count: u32::try_from(version).unwrap() }),
    }
}

/// A product of which all this was told. The rest is known before, so that no hint is left standing.
fn told(id: ProductId, news: &[(i64, u8)]) -> Document {
    let mut document = Document::new(id);
    document.apply(1, offers(100));
    document.apply(1, Aspect::Rating(Rating { thousandths: 1000, count: 1 }));
    for change in news {
        document.apply(change.0, aspect(*change));
    }
    document
}

#[test]
fn hints_come_with_their_content() {
    let id = ProductId::new();
    let (mut here, mut there) = (Document::new(id), Document::new(id));
    here.apply(1, card("old"));
    there.apply(2, card("new"));
    there.offers.price_from = 9;
    assert!(here.merge(there.clone()));
    assert_eq!(here.offers.price_from, 9);
    here.apply(1, offers(500));
    there.apply(3, Aspect::Gone);
    assert!(here.merge(there));
    assert_eq!((here.visible(), here.offers.price_from), (None, 500));
}

proptest! {
    #[test]
    fn any_order_of_arrival_ends_the_same(mut news in prop::collection::vec(any_change(), 0..12)) {
        let id = ProductId::new();
        let first = told(id, &news);
        news.reverse();
        prop_assert_eq!(told(id, &news), first);
    }

    #[test]
    fn two_copies_together_know_all_news(
        here in prop::collection::vec(any_change(), 0..8),
        there in prop::collection::vec(any_change(), 0..8),
    ) {
        let id = ProductId::new();
        let (before, other) = (told(id, &here), told(id, &there));
        let mut merged = before.clone();
        let changed = merged.merge(other.clone());
        prop_assert_eq!(&merged, &told(id, &[here, there].concat()));
        prop_assert_eq!(changed, merged != before);
        prop_assert!(!merged.merge(other), "what is known is no news");
    }
}
