use std::collections::BTreeMap;

use ids::{ProductId, UserId};
use proptest::prelude::*;

use super::*;
use crate::domain::{
    Address, Delivery, Funder, Method,
    offer::Offer,
    pricing::{self, Line, Quote, Tariff},
    promotion::{Draft, Shopper, Terms},
    testing,
};

const TARIFF: Tariff =
    Tariff { courier_capital: 2_500_001, courier_regions: 4_000_000, post: 1, free_from: 0 };
const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn promotion(kind: Kind, value: Option<i64>) -> Promotion {
    let terms = Terms {
        name: Text { uz: "Navroʻz".to_owned(), ..Text::default() },
        kind,
        value,
        buy: if kind == Kind::BuyXGetY { 2 } else { 0 },
        get: u32::from(kind == Kind::BuyXGetY),
        min_total: None,
        merchants: Vec::new(),
        categories: Vec::new(),
        products: Vec::new(),
        combinable: false,
    };
    let draft = Draft {
        code: None,
        funded_by: Funder::Platform,
        active: true,
        starts_at: None,
        ends_at: None,
        usage_limit: None,
        per_customer_limit: None,
        budget: None,
        priority: 0,
        terms,
    };
    Promotion::new(None, draft, NOW)
}

fn coded(code: &str, mut promotion: Promotion) -> Promotion {
    promotion.draft.code = Some(code.to_owned());
    promotion
}

fn combinable(mut promotion: Promotion) -> Promotion {
    promotion.draft.terms.combinable = true;
    promotion
}

fn offered(promotions: impl IntoIterator<Item = Promotion>, codes: &[&str]) -> Offered {
    let candidates = promotions.into_iter().map(|promotion| Candidate { promotion, uses: 0 });
    Offered {
        candidates: candidates.collect(),
        codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        now: NOW,
    }
}

fn quoted(offers: &[(Offer, u32)], offered: &Offered) -> Quote {
    let address = Address { region: "1726".to_owned(), ..Address::default() };
    let delivery = Delivery { method: Method::Courier, address };
    let line = |(offer, quantity): &(Offer, u32)| Line { offer: offer.id, quantity: *quantity };
    let lines: Vec<Line> = offers.iter().map(line).collect();
    let known = offers.iter().map(|(offer, _)| offer.clone()).collect();
    pricing::quote(&lines, known, Some(&delivery), &TARIFF, offered).unwrap()
}

fn offer(price: i64) -> Offer {
    testing::offer(price, 1_000_000)
}

fn off(quote: &Quote) -> Vec<i64> {
    quote.lines.iter().map(|line| line.discount.amount).collect()
}

fn why(quote: &Quote) -> Vec<CodeRefusal> {
    quote.refused.iter().map(|refused| refused.why).collect()
}

#[test]
fn a_percentage_is_shared_out_to_the_tiyin() {
    let goods = [(offer(333), 1), (offer(333), 1), (offer(334), 1)];
    let quote = quoted(&goods, &offered([promotion(Kind::Percent, Some(10))], &[]));
    assert_eq!(off(&quote).iter().sum::<i64>(), 100, "ten percent of 1000");
    assert_eq!(quote.totals.discount.amount, 100);
    assert_eq!(quote.totals.total.amount, 900 + 2_500_001);
}

#[test]
fn a_sum_takes_no_more_than_there_is_and_leaves_one_soum() {
    let goods = [(offer(30_000), 1), (offer(20_000), 1)];
    let fixed = |sum| offered([promotion(Kind::Fixed, Some(sum))], &[]);
    assert_eq!(off(&quoted(&goods, &fixed(10_000))), [6_000, 4_000]);
    let all = quoted(&goods, &fixed(10_000_000));
    assert_eq!(all.totals.discount.amount, 49_900);
    assert!(all.lines.iter().all(|line| line.total.amount >= 0));
}

#[test]
fn of_three_pieces_the_cheapest_is_free() {
    let goods = [(offer(50_000), 2), (offer(10_000), 2), (offer(70_000), 2)];
    let quote = quoted(&goods, &offered([promotion(Kind::BuyXGetY, None)], &[]));
    assert_eq!(off(&quote), [0, 20_000, 0], "two groups of three: the two cheapest pieces");
    let half = quoted(&goods, &offered([promotion(Kind::BuyXGetY, Some(50))], &[]));
    assert_eq!(off(&half), [0, 10_000, 0]);
    let few =
        quoted(&goods[..1], &offered([coded("X3", promotion(Kind::BuyXGetY, None))], &["X3"]));
    assert_eq!((off(&few), why(&few)), (vec![0], vec![CodeRefusal::NotApplicable]));
}

#[test]
fn only_what_it_names_is_cheaper() {
    let (one, mut two) = (offer(10_000), offer(10_000));
    two.categories = vec!["home".to_owned(), "dishes".to_owned()];
    let goods = [(one.clone(), 1), (two, 1)];
    let mut home = promotion(Kind::Percent, Some(50));
    home.draft.terms.categories = vec!["home".to_owned()];
    assert_eq!(off(&quoted(&goods, &offered([home.clone()], &[]))), [0, 5_000], "below it too");
    home.draft.terms.products = vec![one.product];
    assert_eq!(off(&quoted(&goods, &offered([home.clone()], &[]))), [5_000, 5_000]);
    home.draft.terms.merchants = vec![one.merchant];
    assert_eq!(off(&quoted(&goods, &offered([home], &[]))), [5_000, 0]);
    let own =
        Promotion { merchant: Some(goods[1].0.merchant), ..promotion(Kind::Percent, Some(50)) };
    assert_eq!(off(&quoted(&goods, &offered([own], &[]))), [0, 5_000], "a merchant's own goods");
}

#[test]
fn a_line_takes_one_discount_unless_all_combine() {
    let goods = [(offer(100_000), 1)];
    let (small, large) = (promotion(Kind::Percent, Some(10)), promotion(Kind::Percent, Some(20)));
    let best = quoted(&goods, &offered([small.clone(), large.clone()], &[]));
    assert_eq!(off(&best), [20_000], "of equals the larger");
    let mut first = small.clone();
    first.draft.priority = 1;
    let first = quoted(&goods, &offered([first, coded("BIG", large.clone())], &["BIG"]));
    assert_eq!((off(&first), why(&first)), (vec![10_000], vec![CodeRefusal::NotCombinable]));
    let both = quoted(&goods, &offered([combinable(small), combinable(large)], &[]));
    assert_eq!(off(&both), [28_000], "20 %, then 10 % of what is left");
    assert_eq!(both.lines[0].adjustments.len(), 2);
}

#[test]
fn free_delivery_goes_with_everything_and_by_the_share() {
    let goods = [(offer(100_000), 1), (offer(50_000), 1)];
    let (percent, free) = (promotion(Kind::Percent, Some(10)), promotion(Kind::FreeDelivery, None));
    let all = quoted(&goods, &offered([percent, free.clone()], &[]));
    assert_eq!((all.totals.delivery.amount, all.totals.discount.amount), (0, 15_000));
    assert_eq!(all.totals.total.amount, 135_000);
    let given: i64 = all.delivery.iter().map(|it| it.adjustment.amount.amount).sum();
    assert_eq!(given, 2_500_001);
    let own = Promotion { merchant: Some(goods[1].0.merchant), ..free.clone() };
    let share = quoted(&goods, &offered([own], &[]));
    assert_eq!(share.totals.delivery.amount, 1_250_001, "half of it is the other merchant's");
    let twice = quoted(&goods, &offered([free.clone(), coded("FREE", free)], &["FREE"]));
    assert_eq!(why(&twice), [CodeRefusal::NotCombinable]);
}

#[test]
fn free_delivery_is_no_less_a_code_before_delivery_is_chosen() {
    let goods = offer(100_000);
    let free = coded("FREE", promotion(Kind::FreeDelivery, None));
    let line = Line { offer: goods.id, quantity: 1 };
    let offered = offered([free], &["FREE"]);
    let quote = pricing::quote(&[line], vec![goods], None, &TARIFF, &offered).unwrap();
    assert_eq!((quote.refused.len(), quote.applied.len()), (0, 1));
    assert_eq!(quote.applied[0].amount.amount, 0);
}

#[test]
fn every_refusal_of_a_code_says_why() {
    let goods = [(offer(100_000), 1)];
    let code = |change: fn(&mut Promotion)| {
        let mut promotion = coded("X", promotion(Kind::Percent, Some(10)));
        change(&mut promotion);
        why(&quoted(&goods, &offered([promotion], &["X"]))).first().copied()
    };
    assert_eq!(code(|_| {}), None);
    let later = NOW.plus(std::time::Duration::from_secs(1));
    assert_eq!(later.millis(), 1_001_000);
    assert_eq!(code(|it| it.draft.active = false), Some(CodeRefusal::Ended));
    assert_eq!(code(|it| it.draft.ends_at = Some(NOW)), Some(CodeRefusal::Ended), "not at its end");
    assert_eq!(code(|it| it.draft.starts_at = Some(NOW)), None, "at its start");
    assert_eq!(
        code(|it| it.draft.starts_at = Some(Timestamp::from_millis(1_000_001))),
        Some(CodeRefusal::NotStarted)
    );
    let used = |it: &mut Promotion| {
        it.draft.usage_limit = Some(5);
        it.used = 5;
    };
    assert_eq!(code(used), Some(CodeRefusal::Exhausted));
    let spent = |it: &mut Promotion| {
        it.draft.budget = Some(Money::uzs(10_000));
        it.spent = 1;
    };
    assert_eq!(code(spent), Some(CodeRefusal::Exhausted), "it would give 10 000 away");
    assert_eq!(code(|it| it.draft.budget = Some(Money::uzs(10_000))), None);
    let least = |it: &mut Promotion| it.draft.terms.min_total = Some(Money::uzs(100_001));
    assert_eq!(code(least), Some(CodeRefusal::MinTotal));
    assert_eq!(code(|it| it.draft.terms.min_total = Some(Money::uzs(100_000))), None);
    let other = |it: &mut Promotion| it.draft.terms.products = vec![ProductId::new()];
    assert_eq!(code(other), Some(CodeRefusal::NotApplicable));
    assert_eq!(why(&quoted(&goods, &offered([], &["X"]))), [CodeRefusal::Unknown]);
}

#[test]
fn a_shopper_is_an_account_and_a_phone() {
    let user = UserId::new();
    let names = |user, phone: &str| Shopper { user, phone: phone.to_owned() }.names();
    assert_eq!(
        names(Some(user), "+998 90 123-45-67"),
        [user.to_string(), "tel:998901234567".into()]
    );
    assert_eq!(names(None, "998901234567"), ["tel:998901234567"]);
    assert!(names(None, "").is_empty());
}

#[derive(Debug, Clone)]
struct Drawn {
    kind: u8,
    value: i64,
    merchant: Option<usize>,
    least: i64,
    combinable: bool,
    priority: i32,
    budget: Option<i64>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (
        0u8..4,
        1i64..=100,
        proptest::option::of(0usize..4),
        0i64..1_000_000,
        any::<bool>(),
        -3i32..3,
        proptest::option::of(1i64..10_000_000),
    )
        .prop_map(|(kind, value, merchant, least, combinable, priority, budget)| Drawn {
            kind,
            value,
            merchant,
            least,
            combinable,
            priority,
            budget,
        })
}

proptest! {
    #[test]
    fn whatever_promotions_meet_all_sums_add_up(
        lines in prop::collection::vec((1i64..5_000_000_000, 1u32..=50, 0usize..4, 0u32..=15), 1..20),
        promotions in prop::collection::vec(drawn(), 0..12),
    ) {
        let merchants: Vec<MerchantId> = (0..4).map(|_| MerchantId::new()).collect();
        let goods: Vec<(Offer, u32)> = lines
            .into_iter()
            .map(|(price, quantity, merchant, vat)| {
                let mut offer = offer(price);
                offer.merchant = merchants[merchant];
                offer.fiscal.vat_percent = vat;
                (offer, quantity)
            })
            .collect();
        let promotions: Vec<Promotion> = promotions
            .into_iter()
            .map(|drawn| {
                let mut made = match drawn.kind {
                    0 => promotion(Kind::Percent, Some(drawn.value)),
                    1 => promotion(Kind::Fixed, Some(drawn.value * drawn.value * 997)),
                    2 => promotion(Kind::BuyXGetY, Some(drawn.value)),
                    _ => promotion(Kind::FreeDelivery, None),
                };
                made.merchant = drawn.merchant.map(|index| merchants[index]);
                made.draft.terms.combinable = drawn.combinable;
                made.draft.terms.min_total = (drawn.least > 0).then(|| Money::uzs(drawn.least));
                made.draft.priority = drawn.priority;
                made.draft.budget = drawn.budget.map(Money::uzs);
                made
            })
            .collect();
        let known: BTreeMap<PromotionId, Promotion> =
            promotions.iter().map(|it| (it.id, it.clone())).collect();
        let quote = quoted(&goods, &offered(promotions, &[]));
        let totals = quote.totals;

        // The lines and the whole.
        let mut given: BTreeMap<PromotionId, i64> = BTreeMap::new();
        for (line, (offer, quantity)) in quote.lines.iter().zip(&goods) {
            let gross = offer.price.amount * i64::from(*quantity);
            prop_assert_eq!(line.total.amount + line.discount.amount, gross);
            prop_assert!(line.total.amount >= 0 && line.discount.amount >= 0);
            let parts: i64 = line.adjustments.iter().map(|it| it.amount.amount).sum();
            prop_assert_eq!(parts, line.discount.amount);
            prop_assert!(line.adjustments.iter().all(|it| it.amount.amount > 0));
            let alone = line.adjustments.len() < 2
                || line.adjustments.iter().all(|it| known[&it.promotion].draft.terms.combinable);
            prop_assert!(alone, "only what may be combined meets on a line");
            for part in &line.adjustments {
                let promotion = &known[&part.promotion];
                prop_assert!(promotion.merchant.is_none_or(|own| own == offer.merchant));
                *given.entry(part.promotion).or_default() += part.amount.amount;
            }
        }
        for part in &quote.delivery {
            *given.entry(part.adjustment.promotion).or_default() += part.adjustment.amount.amount;
        }
        let sum = |of: fn(&Priced) -> i64| quote.lines.iter().map(of).sum::<i64>();
        prop_assert_eq!(totals.discount.amount, sum(|line| line.discount.amount));
        prop_assert_eq!(totals.items.amount, sum(|line| line.total.amount + line.discount.amount));
        prop_assert_eq!(totals.total.amount, totals.items.amount - totals.discount.amount + totals.delivery.amount);
        prop_assert!(totals.tax_included.amount <= totals.total.amount);
        prop_assert!(sum(|line| line.total.amount) >= FLOOR.min(totals.items.amount));

        // The delivery.
        let off: i64 = quote.delivery.iter().map(|it| it.adjustment.amount.amount).sum();
        prop_assert_eq!(totals.delivery.amount + off, 2_500_001);
        prop_assert!(totals.delivery.amount >= 0);

        // What is told of the promotions is what they gave, and none spends more than it has.
        for applied in &quote.applied {
            let sum = given.remove(&applied.promotion).unwrap_or(0);
            prop_assert_eq!(sum, applied.amount.amount);
            let budget = known[&applied.promotion].draft.budget;
            prop_assert!(budget.is_none_or(|budget| sum <= budget.amount));
        }
        prop_assert!(given.is_empty());
    }
}
