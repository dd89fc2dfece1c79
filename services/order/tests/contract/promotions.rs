//! Promises about promotions: what is limited is never exceeded, and what an order used comes back with its end.

use std::time::Duration;

use futures::future::join_all;
use ids::{MerchantId, ProductId, UserId};
use money::Money;
use order::{
    Error,
    domain::{
        Buyer, Funder, Order, Provider, Text,
        discounts::Offered,
        promotion::{CodeRefusal, Draft, Kind, Promotion, Shopper, Terms},
    },
    store::{
        OrderStore, Placed, Placing,
        promotions::{Basis, Scope},
    },
};

use crate::{NOW, moves::moved, offer, placed, placing, stocked};

pub(crate) fn draft(kind: Kind, value: i64) -> Draft {
    let name = Text { uz: "Navroʻz".to_owned(), ..Text::default() };
    let terms = Terms {
        name,
        kind,
        value: (kind != Kind::FreeDelivery).then_some(value),
        buy: 0,
        get: 0,
        min_total: None,
        merchants: Vec::new(),
        categories: Vec::new(),
        products: Vec::new(),
        combinable: false,
    };
    Draft {
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
    }
}

/// A promotion of the platform with a code, with what `limit` makes of it.
pub(crate) async fn coded(
    store: &dyn OrderStore,
    code: &str,
    limit: impl FnOnce(&mut Draft),
) -> Promotion {
    let mut draft = Draft { code: Some(code.to_owned()), ..draft(Kind::Percent, 10) };
    limit(&mut draft);
    let promotion = Promotion::new(None, draft, NOW);
    store.create_promotion(promotion.clone()).await.unwrap();
    promotion
}

pub(crate) fn with_code(placing: Placing, code: &str) -> Placing {
    Placing { codes: vec![code.to_owned()], ..placing }
}

/// Another shopper each time.
pub(crate) fn somebody(placing: Placing, number: usize) -> Placing {
    let mut placing = Placing { buyer: Buyer::User(UserId::new()), ..placing };
    placing.customer.phone = format!("+99890{number:07}");
    placing
}

pub(crate) async fn of(store: &dyn OrderStore, promotion: &Promotion) -> Promotion {
    store.promotion(Scope::Platform, promotion.id).await.unwrap().unwrap()
}

pub(crate) fn cancel(order: &Order) -> Result<Option<order::domain::Transition>, Error> {
    Ok(Some(order.expire(NOW)?))
}

pub(crate) fn lost(outcome: Result<Placed, Error>) -> CodeRefusal {
    match outcome.unwrap_err() {
        Error::CodesRefused(refused) => refused[0].why,
        other => panic!("{other}"),
    }
}

pub(crate) async fn an_order_keeps_what_it_was_given(store: &dyn OrderStore) {
    let goods = stocked(store, 9, 33_333).await;
    let promotion = coded(store, "NAVROZ", |_| {}).await;
    let order = placed(store, with_code(placing(&[(goods.id, 3)]), "NAVROZ")).await;
    let item = &order.body.items[0];
    assert_eq!((item.discount, item.total), (Money::uzs(10_000), Money::uzs(89_999)));
    assert_eq!(order.body.totals.discount, Money::uzs(10_000));
    assert_eq!(order.body.totals.total, Money::uzs(89_999));
    let kept = &item.adjustments[0];
    assert_eq!((kept.promotion, kept.amount), (promotion.id, Money::uzs(10_000)));
    assert_eq!((kept.code.as_str(), kept.funded_by), ("NAVROZ", Funder::Platform));

    let dearer = |before: &Promotion| {
        let mut draft = before.draft.clone();
        draft.terms.value = Some(90);
        Ok(draft)
    };
    let changed =
        store.change_promotion(Scope::Platform, promotion.id, Box::new(dearer), NOW).await.unwrap();
    assert_eq!((changed.version, changed.used, changed.spent), (2, 1, 10_000));
    assert_eq!(store.find(order.id).await.unwrap().unwrap(), order);
}

pub(crate) async fn of_many_with_a_code_as_many_as_it_allows_have_it(store: &dyn OrderStore) {
    let goods = stocked(store, 1000, 100_000).await;
    let promotion = coded(store, "FIVE", |it| it.usage_limit = Some(5)).await;
    let tries = (0..100)
        .map(|nth| store.place(somebody(with_code(placing(&[(goods.id, 1)]), "FIVE"), nth)));
    let outcomes = join_all(tries).await;
    let got = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(got, 5);
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(lost(refused), CodeRefusal::Exhausted);
    }
    let after = of(store, &promotion).await;
    assert_eq!((after.used, after.spent), (5, 50_000));
    assert_eq!(offer(store, goods.id).await.available, 995, "the refused took nothing");
    // Whoever has seen the full price may still buy.
    let mut seen = somebody(with_code(placing(&[(goods.id, 1)]), "FIVE"), 500);
    seen.expected_total = Some(Money::uzs(100_000));
    assert_eq!(placed(store, seen).await.body.totals.discount, Money::uzs(0));
    // And whoever counts on the old one is told of the code.
    let mut late = somebody(with_code(placing(&[(goods.id, 1)]), "FIVE"), 501);
    late.expected_total = Some(Money::uzs(90_000));
    assert_eq!(lost(store.place(late).await), CodeRefusal::Exhausted);
}

pub(crate) async fn a_budget_is_not_exceeded(store: &dyn OrderStore) {
    let goods = stocked(store, 100, 100_000).await;
    let promotion = coded(store, "BUDGET", |it| it.budget = Some(Money::uzs(35_000))).await;
    let tries = (0..20)
        .map(|nth| store.place(somebody(with_code(placing(&[(goods.id, 1)]), "BUDGET"), nth)));
    let outcomes = join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    assert_eq!(of(store, &promotion).await.spent, 30_000);
}

pub(crate) async fn one_shopper_uses_it_as_often_as_they_may(store: &dyn OrderStore) {
    let goods = stocked(store, 100, 100_000).await;
    coded(store, "TWICE", |it| it.per_customer_limit = Some(2)).await;
    let shopper = Buyer::User(UserId::new());
    let try_one = |phone: &str| {
        let mut placing = with_code(placing(&[(goods.id, 1)]), "TWICE");
        placing.buyer = shopper.clone();
        phone.clone_into(&mut placing.customer.phone);
        store.place(placing)
    };
    // With another phone each time it is the same account; the same phone in another spelling is the same shopper.
    let tries = join_all((0..8).map(|nth| {
        let phone = format!("+99890000000{nth}");
        async move { try_one(&phone).await }
    }));
    let outcomes = tries.await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(lost(refused), CodeRefusal::Used);
    }
    let guest = |phone: &str| {
        let mut placing = with_code(placing(&[(goods.id, 1)]), "TWICE");
        placing.buyer = Buyer::Token([7; 32]);
        phone.clone_into(&mut placing.customer.phone);
        placing
    };
    placed(store, guest("+998 91 111-22-33")).await;
    placed(store, guest("998911112233")).await;
    assert_eq!(lost(store.place(guest("+998911112233")).await), CodeRefusal::Used);
    placed(store, guest("+998911112234")).await;
}

pub(crate) async fn what_an_order_used_comes_back_with_its_end(store: &dyn OrderStore) {
    let goods = stocked(store, 100, 100_000).await;
    let promotion = coded(store, "ONCE", |it| {
        it.usage_limit = Some(1);
        it.per_customer_limit = Some(1);
    })
    .await;
    let request = || {
        let mut placing = with_code(placing(&[(goods.id, 1)]), "ONCE");
        "+998901112233".clone_into(&mut placing.customer.phone);
        placing
    };
    let order = placed(store, request()).await;
    assert_eq!(lost(store.place(request()).await), CodeRefusal::Exhausted);
    moved(store, order.id, None, cancel).await.unwrap();
    let after = of(store, &promotion).await;
    assert_eq!((after.used, after.spent), (0, 0));
    // Ended twice is given back once.
    let again = moved(store, order.id, None, cancel).await;
    assert!(again.is_err());
    let second = placed(store, request()).await;
    assert_eq!(second.body.totals.discount, Money::uzs(10_000));
    assert_eq!(of(store, &promotion).await.used, 1);
}

pub(crate) async fn a_refused_checkout_uses_nothing(store: &dyn OrderStore) {
    let goods = stocked(store, 1, 100_000).await;
    let promotion = coded(store, "SPARE", |it| it.usage_limit = Some(5)).await;
    let many = store.place(with_code(placing(&[(goods.id, 2)]), "SPARE")).await;
    assert!(matches!(many, Err(Error::OutOfStock(_))));
    let mut dear = with_code(placing(&[(goods.id, 1)]), "SPARE");
    dear.expected_total = Some(Money::uzs(1));
    assert!(matches!(store.place(dear).await, Err(Error::PriceChanged(90_000))));
    assert_eq!(of(store, &promotion).await.used, 0);
    let unknown = store.place(with_code(placing(&[(goods.id, 1)]), "NOBODY")).await;
    assert_eq!(lost(unknown), CodeRefusal::Unknown);
}

pub(crate) async fn automatic_promotions_apply_where_they_belong(store: &dyn OrderStore) {
    let (ours, theirs) = (stocked(store, 9, 100_000).await, stocked(store, 9, 100_000).await);
    let mut own = draft(Kind::Percent, 20);
    own.funded_by = Funder::Merchant;
    let own = Promotion::new(Some(ours.merchant), own, NOW);
    store.create_promotion(own.clone()).await.unwrap();
    let mut later = draft(Kind::Percent, 50);
    later.starts_at = Some(NOW.plus(Duration::from_hours(1)));
    store.create_promotion(Promotion::new(None, later, NOW)).await.unwrap();
    let order = placed(store, placing(&[(ours.id, 1), (theirs.id, 1)])).await;
    let discounts: Vec<Money> = order.body.items.iter().map(|item| item.discount).collect();
    assert_eq!(discounts, [Money::uzs(20_000), Money::uzs(0)]);
    let part = order.for_merchant(ours.merchant);
    assert_eq!(part.body.totals.discount, Money::uzs(20_000));

    let mut then = placing(&[(ours.id, 1), (theirs.id, 1)]);
    then.now = NOW.plus(Duration::from_hours(1));
    let order = placed(store, then).await;
    let discounts: Vec<Money> = order.body.items.iter().map(|item| item.discount).collect();
    assert_eq!(discounts, [Money::uzs(50_000), Money::uzs(50_000)], "the larger of equals");
}

pub(crate) async fn free_delivery_is_a_discount_of_the_delivery(store: &dyn OrderStore) {
    let goods = stocked(store, 9, 100_000).await;
    let promotion = coded(store, "FREE", |it| {
        it.terms.kind = Kind::FreeDelivery;
        it.terms.value = None;
        it.usage_limit = Some(1);
    })
    .await;
    let mut request = with_code(placing(&[(goods.id, 1)]), "FREE");
    // Fetched by the shopper: there is nothing to give, so it is not used.
    let fetched = placed(store, request.clone()).await;
    assert!(fetched.body.delivery_discounts.is_empty());
    assert_eq!(of(store, &promotion).await.used, 0);
    request =
        Placing { delivery: request.delivery, ..with_code(placing(&[(goods.id, 1)]), "FREE") };
    request.delivery.method = order::domain::Method::Courier;
    request.provider = Provider::Cash;
    let order = placed(store, request).await;
    assert_eq!(order.body.totals.delivery, Money::uzs(0));
    assert_eq!(order.body.totals.total, Money::uzs(100_000));
    let given = &order.body.delivery_discounts[0];
    assert_eq!((given.merchant, given.adjustment.amount), (goods.merchant, Money::uzs(2_500_000)));
    assert_eq!(of(store, &promotion).await.spent, 2_500_000);
    assert_eq!(store.find(order.id).await.unwrap().unwrap(), order);
}

pub(crate) async fn owners_see_and_change_their_own(store: &dyn OrderStore) {
    let (ours, theirs) = (MerchantId::new(), MerchantId::new());
    let mut made = Vec::new();
    for owner in [Some(ours), Some(theirs), None, Some(ours)] {
        let mut draft = draft(Kind::Fixed, 5);
        draft.funded_by = if owner.is_some() { Funder::Merchant } else { Funder::Platform };
        let promotion = Promotion::new(owner, draft, NOW);
        store.create_promotion(promotion.clone()).await.unwrap();
        made.push(promotion);
    }
    let own = Scope::Merchant(ours);
    let ids = |list: Vec<Promotion>| list.into_iter().map(|it| it.id).collect::<Vec<_>>();
    let first = store.promotions(own, None, 1).await.unwrap();
    assert_eq!(ids(first), [made[3].id], "newest first");
    let rest = store.promotions(own, Some(made[3].id), 10).await.unwrap();
    assert_eq!(ids(rest), [made[0].id]);
    assert_eq!(store.count_promotions(own).await.unwrap(), 2);
    assert_eq!(store.promotions(Scope::Platform, None, 10).await.unwrap().len(), 4);
    assert_eq!(store.promotion(own, made[0].id).await.unwrap().as_ref(), Some(&made[0]));
    let keep = || Box::new(|before: &Promotion| Ok(before.draft.clone()));
    for foreign in [&made[1], &made[2]] {
        assert_eq!(store.promotion(own, foreign.id).await.unwrap(), None);
        let refused = store.change_promotion(own, foreign.id, keep(), NOW).await;
        assert!(matches!(refused, Err(Error::PromotionNotFound)));
    }
    assert_eq!(store.change_promotion(own, made[0].id, keep(), NOW).await.unwrap().version, 2);
}

pub(crate) async fn a_code_belongs_to_one_promotion(store: &dyn OrderStore) {
    coded(store, "ONE", |_| {}).await;
    let taken = Draft { code: Some("ONE".to_owned()), ..draft(Kind::Percent, 1) };
    let twice = store.create_promotion(Promotion::new(None, taken.clone(), NOW)).await;
    assert!(matches!(twice, Err(Error::CodeTaken)));
    let other = coded(store, "TWO", |_| {}).await;
    let rewrite = Box::new(move |_: &Promotion| Ok(taken.clone()));
    let renamed = store.change_promotion(Scope::Platform, other.id, rewrite, NOW).await;
    assert!(matches!(renamed, Err(Error::CodeTaken)));
    assert_eq!(of(store, &other).await, other, "nothing has changed");
}

pub(crate) async fn categories_are_learned_once(store: &dyn OrderStore) {
    let (one, two) = (stocked(store, 5, 1000).await, stocked(store, 5, 1000).await);
    let mut unknown = store.uncategorised(None, 10).await.unwrap();
    unknown.sort_unstable();
    let mut expected: Vec<ProductId> = vec![one.product, two.product];
    expected.sort_unstable();
    assert_eq!(unknown, expected);
    assert_eq!(store.uncategorised(Some(expected[0]), 10).await.unwrap(), expected[1..]);
    let path = vec!["home".to_owned(), "dishes".to_owned()];
    store.categorise(vec![(one.product, path.clone()), (two.product, Vec::new())]).await.unwrap();
    assert!(store.uncategorised(None, 10).await.unwrap().is_empty());
    // What the product itself has told is not overwritten by what was asked for before.
    store.categorise(vec![(one.product, vec!["toys".to_owned()])]).await.unwrap();
    assert_eq!(offer(store, one.id).await.categories, path);

    let mut home = draft(Kind::Percent, 10);
    home.terms.categories = vec!["home".to_owned()];
    store.create_promotion(Promotion::new(None, home, NOW)).await.unwrap();
    let order = placed(store, placing(&[(one.id, 1), (two.id, 1)])).await;
    let discounts: Vec<Money> = order.body.items.iter().map(|item| item.discount).collect();
    assert_eq!(discounts, [Money::uzs(100), Money::uzs(0)]);
}

pub(crate) async fn a_quote_reads_what_a_checkout_would(store: &dyn OrderStore) {
    let goods = stocked(store, 5, 100_000).await;
    let promotion = coded(store, "MINE", |it| it.per_customer_limit = Some(1)).await;
    let user = UserId::new();
    let basis = |user| {
        let shopper = Shopper { user: Some(user), phone: String::new() };
        store.basis(vec![goods.id], vec!["MINE".to_owned(), "NONE".to_owned()], shopper, NOW)
    };
    let Basis { offers, offered } = basis(user).await.unwrap();
    assert_eq!((offers.len(), offered.candidates.len()), (1, 1));
    assert_eq!((offered.candidates[0].promotion.id, offered.candidates[0].uses), (promotion.id, 0));
    let mut request = with_code(placing(&[(goods.id, 1)]), "MINE");
    request.buyer = Buyer::User(user);
    placed(store, request).await;
    let Offered { candidates, codes, .. } = basis(user).await.unwrap().offered;
    assert_eq!((candidates[0].uses, codes.len()), (1, 2));
    assert_eq!(basis(UserId::new()).await.unwrap().offered.candidates[0].uses, 0);
}
