//! What two processes at one database may not do to a promotion.

use std::sync::Arc;

use ids::UserId;
use money::Money;
use order::{
    Error,
    domain::{
        Buyer,
        promotion::{CodeRefusal, Promotion},
    },
    store::{OrderStore, Placed, promotions::Scope},
};

use crate::{
    NOW,
    moves::moved,
    placing,
    promotions::{cancel, coded, lost, of, somebody, with_code},
    races::Two,
    stocked,
};

fn placed(outcomes: &[Result<Placed, Error>]) -> usize {
    outcomes.iter().filter(|outcome| matches!(outcome, Ok(Placed::New(_)))).count()
}

#[tokio::test]
async fn a_hundred_buyers_race_for_five_uses() {
    let Some(two) = Two::open().await else { return };
    let goods = stocked(two.one(), 1000, 100_000).await;
    let promotion = coded(two.one(), "FIVE", |it| it.usage_limit = Some(5)).await;
    let bought = two
        .at_once(100, |store, nth| async move {
            store.place(somebody(with_code(placing(&[(goods.id, 1)]), "FIVE"), nth)).await
        })
        .await;
    assert_eq!(placed(&bought), 5);
    let discounted = bought.iter().filter_map(|outcome| match outcome {
        Ok(Placed::New(order)) => Some(order.body.totals.discount),
        _ => None,
    });
    assert!(discounted.into_iter().all(|discount| discount == Money::uzs(10_000)));
    for refused in bought.into_iter().filter(Result::is_err) {
        assert_eq!(lost(refused), CodeRefusal::Exhausted);
    }
    assert_eq!(of(two.one(), &promotion).await.used, 5);
    two.close().await;
}

#[tokio::test]
async fn one_shopper_races_with_themselves() {
    let Some(two) = Two::open().await else { return };
    let goods = stocked(two.one(), 1000, 100_000).await;
    coded(two.one(), "TWICE", |it| it.per_customer_limit = Some(2)).await;
    let shopper = Buyer::User(UserId::new());
    let bought = two
        .at_once(40, |store, _| {
            let mut request = with_code(placing(&[(goods.id, 1)]), "TWICE");
            request.buyer = shopper.clone();
            async move { store.place(request).await }
        })
        .await;
    assert_eq!(placed(&bought), 2);
    for refused in bought.into_iter().filter(Result::is_err) {
        assert_eq!(lost(refused), CodeRefusal::Used);
    }
    two.close().await;
}

#[tokio::test]
async fn uses_come_and_go_and_are_counted() {
    let Some(two) = Two::open().await else { return };
    let goods = stocked(two.one(), 1000, 100_000).await;
    let promotion = coded(two.one(), "THREE", |it| {
        it.usage_limit = Some(3);
        it.budget = Some(Money::uzs(30_000));
    })
    .await;
    let rounds = two
        .at_once(60, |store, nth| async move {
            let request = somebody(with_code(placing(&[(goods.id, 1)]), "THREE"), nth);
            let Placed::New(order) = store.place(request).await? else { return Ok(false) };
            moved(&*store, order.id, None, cancel).await?;
            Ok::<bool, Error>(true)
        })
        .await;
    assert!(rounds.iter().filter(|round| round.is_ok()).count() >= 3);
    for refused in rounds.into_iter().filter_map(Result::err) {
        assert!(matches!(refused, Error::CodesRefused(_)), "{refused}");
    }
    let after = of(two.one(), &promotion).await;
    assert_eq!((after.used, after.spent), (0, 0));
    two.close().await;
}

/// An owner puts a limit on what had none, while it is used.
#[tokio::test]
async fn a_limit_that_comes_late_counts_what_was_before_it() {
    let Some(two) = Two::open().await else { return };
    let goods = stocked(two.one(), 1000, 100_000).await;
    let promotion = coded(two.one(), "LATE", |_| {}).await;
    let limit = |store: Arc<dyn OrderStore>, id| async move {
        let rewrite = move |before: &Promotion| {
            let mut draft = before.draft.clone();
            // As many as there are by now, and one more.
            draft.usage_limit = Some(u32::try_from(before.used).unwrap() + 1);
            Ok(draft)
        };
        store.change_promotion(Scope::Platform, id, Box::new(rewrite), NOW).await.unwrap();
    };
    let bought = two
        .at_once(60, |store, nth| {
            let id = promotion.id;
            async move {
                if nth == 20 {
                    limit(Arc::clone(&store), id).await;
                }
                store.place(somebody(with_code(placing(&[(goods.id, 1)]), "LATE"), nth)).await
            }
        })
        .await;
    let after = of(two.one(), &promotion).await;
    assert_eq!(usize::try_from(after.used).unwrap(), placed(&bought));
    assert!(after.used <= i64::from(after.draft.usage_limit.unwrap()));
    two.close().await;
}
