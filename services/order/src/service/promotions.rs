//! Promotions as their owners keep them, and the categories that they look at.

use std::time::Duration;

use ids::{MerchantId, ProductId, PromotionId};
use mesh::{Caller, StaffRole};
use tokio_util::sync::CancellationToken;

use super::Orders;
use crate::{
    domain::{
        Funder, Order,
        promotion::{Draft, Promotion, Violation, normal_code},
    },
    error::Error,
    store::{Placed, promotions::Scope},
};

/// Products asked for at once.
const BATCH: u32 = 100;
/// When to ask again while the catalogue is away.
const AGAIN: Duration = Duration::from_mins(1);

/// A page of promotions: them, whether there are more, and how many there are if that was asked.
pub(crate) type Page = (Vec<Promotion>, bool, Option<u64>);

/// What the caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Read,
    Write,
}

impl Orders {
    /// Makes a promotion of the caller's merchant, or of the platform.
    pub(crate) async fn create_promotion(
        &self,
        caller: &Caller,
        platform: bool,
        draft: Draft,
    ) -> Result<Promotion, Error> {
        let scope = scope(caller, platform, Right::Write)?;
        let draft = self.normal(draft).await?;
        let promotion = Promotion::new(owner(scope), draft, self.now());
        checked(&promotion)?;
        self.0.store.create_promotion(promotion.clone()).await?;
        tracing::info!(promotion.id = %promotion.id, "promotion made");
        Ok(promotion)
    }

    /// Changes a promotion as `change` says. Orders that were placed keep what they were given.
    pub(crate) async fn update_promotion(
        &self,
        caller: &Caller,
        platform: bool,
        id: PromotionId,
        change: impl Fn(Draft) -> Draft + Send + 'static,
    ) -> Result<Promotion, Error> {
        let scope = scope(caller, platform, Right::Write)?;
        let known = self.0.store.promotion(scope, id).await?.ok_or(Error::PromotionNotFound)?;
        // Categories are looked up before the transaction: they do not depend on what else is changed meanwhile.
        let named = self.normal(change(known.draft)).await?.terms.categories;
        let now = self.now();
        let rewrite = move |before: &Promotion| {
            let mut draft = change(before.draft.clone());
            draft.code = draft.code.as_deref().map(normal_code);
            draft.terms.categories.clone_from(&named);
            checked(&Promotion { draft: draft.clone(), ..before.clone() })?;
            Ok(draft)
        };
        self.0.store.change_promotion(scope, id, Box::new(rewrite), now).await
    }

    /// A promotion of the caller's merchant, or any for the platform owner.
    pub(crate) async fn promotion(
        &self,
        caller: &Caller,
        platform: bool,
        id: PromotionId,
    ) -> Result<Promotion, Error> {
        let scope = scope(caller, platform, Right::Read)?;
        self.0.store.promotion(scope, id).await?.ok_or(Error::PromotionNotFound)
    }

    /// A page of promotions, newest first.
    pub(crate) async fn promotions(
        &self,
        caller: &Caller,
        platform: bool,
        (after, limit, count): (Option<PromotionId>, u32, bool),
    ) -> Result<Page, Error> {
        let scope = scope(caller, platform, Right::Read)?;
        let mut promotions = self.0.store.promotions(scope, after, limit + 1).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = promotions.len() > limit;
        promotions.truncate(limit);
        let count = if count { Some(self.0.store.count_promotions(scope).await?) } else { None };
        Ok((promotions, more, count))
    }

    /// With its code as it is compared, and its categories by their slugs.
    async fn normal(&self, mut draft: Draft) -> Result<Draft, Error> {
        draft.code = draft.code.as_deref().map(normal_code);
        let named = std::mem::take(&mut draft.terms.categories);
        if named.is_empty() {
            return Ok(draft);
        }
        for slug in self.0.catalogue.slugs(named).await? {
            let message = "there is no such category";
            let unknown = || Violation { field: "categories", code: "UNKNOWN", message };
            let slug = slug.ok_or_else(|| Error::BadPromotion(vec![unknown()]))?;
            if !draft.terms.categories.contains(&slug) {
                draft.terms.categories.push(slug);
            }
        }
        Ok(draft)
    }

    /// Counts what an order uses.
    pub(super) fn note_redeemed(&self, order: &Order) {
        let lines = order.body.items.iter().flat_map(|item| &item.adjustments);
        let delivery = order.body.delivery_discounts.iter().map(|it| &it.adjustment);
        let mut seen: Vec<PromotionId> = Vec::new();
        for adjustment in lines.chain(delivery) {
            if seen.contains(&adjustment.promotion) {
                continue;
            }
            seen.push(adjustment.promotion);
            let funder = match adjustment.funded_by {
                Funder::Merchant => "merchant",
                Funder::Platform => "platform",
            };
            self.0.redeemed.with_label_values(&[funder]).inc();
        }
    }

    /// Counts checkouts that ended because a code had.
    pub(super) fn note_refused(&self, placed: &Result<Placed, Error>) {
        if let Err(Error::CodesRefused(refused)) = placed {
            for refused in refused {
                self.0.lost.with_label_values(&[refused.why.reason()]).inc();
            }
        }
    }

    /// Learns the categories of offers that were here before offers had any; ends when all are known.
    pub(crate) async fn categorise(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut after = None;
        loop {
            let products = self.0.store.uncategorised(after, BATCH).await?;
            let Some(last) = products.last().copied() else { return Ok(()) };
            match self.0.catalogue.categories(products.clone()).await {
                Ok(known) => {
                    // What the catalogue no longer knows is in no category.
                    let of = |product: ProductId| {
                        let found = known.iter().find(|(id, _)| *id == product);
                        (product, found.map(|(_, slugs)| slugs.clone()).unwrap_or_default())
                    };
                    let products = products.into_iter().map(of).collect();
                    self.0.store.categorise(products).await?;
                    after = Some(last);
                }
                Err(fault) => {
                    tracing::warn!(%fault, "the categories of some offers are not known yet");
                    tokio::select! {
                        () = stop.cancelled() => return Ok(()),
                        () = tokio::time::sleep(AGAIN) => {}
                    }
                }
            }
        }
    }
}

fn checked(promotion: &Promotion) -> Result<(), Error> {
    let wrong = promotion.check();
    if wrong.is_empty() { Ok(()) } else { Err(Error::BadPromotion(wrong)) }
}

fn owner(scope: Scope) -> Option<MerchantId> {
    match scope {
        Scope::Merchant(merchant) => Some(merchant),
        Scope::Platform => None,
    }
}

/// Whose promotions the caller may read or write.
fn scope(caller: &Caller, platform: bool, right: Right) -> Result<Scope, Error> {
    if platform {
        caller.require_admin()?;
        return Ok(Scope::Platform);
    }
    let (least, key) = match right {
        Right::Read => (StaffRole::Viewer, "products:read"),
        Right::Write => (StaffRole::Operator, "products:write"),
    };
    let merchant = caller.require_merchant(least)?;
    caller.require_scope(key)?;
    Ok(Scope::Merchant(merchant))
}
