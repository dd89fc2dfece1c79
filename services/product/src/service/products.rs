//! Writing and reading products.

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::{MerchantId, ProductId};
use mesh::Caller;

use super::{Catalogue, Saved, TRIES, may_see, reader, writer};
use crate::{
    domain::{
        Draft, FieldName, OfferDraft, OfferState, Product, Rating, Status, Tree, Violation, slug,
    },
    error::Error,
    store::{After, Query, Sort, Write},
};

/// What a list is asked for.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    /// Products of the caller's merchant in any status.
    pub(crate) own: bool,
    /// Slug or id; empty for any.
    pub(crate) category: String,
    pub(crate) brand: String,
    /// Empty for any.
    pub(crate) seller: String,
    pub(crate) price_gte: Option<i64>,
    pub(crate) price_lte: Option<i64>,
    pub(crate) in_stock: Option<bool>,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) sort: Sort,
    pub(crate) after: Option<After>,
    pub(crate) limit: u32,
    pub(crate) count: bool,
}

/// Part of a list.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) products: Vec<Product>,
    /// Where the next page begins.
    pub(crate) next: Option<After>,
    /// When it was asked for.
    pub(crate) count: Option<u64>,
}

impl Catalogue {
    /// Writes a new product of the caller's merchant; a service names the merchant.
    pub(crate) async fn create(
        &self,
        caller: &Caller,
        merchant: &str,
        draft: Draft,
    ) -> Result<Saved, Error> {
        let merchant = writer(caller, merchant)?;
        let tree = self.tree_with(|tree| tree.find(&draft.category).is_some()).await?;
        let write = new(&tree, merchant, draft, self.clock.now()).map_err(Error::Invalid)?;
        let (category, offers) = (write.category.clone(), write.offers.clone());
        let product = self.store.create(write).await?;
        self.changed().await;
        Ok(Saved { product, category, offers })
    }

    /// Replaces the named fields, over `expected` when it is not 0.
    pub(crate) async fn update(
        &self,
        caller: &Caller,
        id: ProductId,
        (draft, fields): (&Draft, &[FieldName]),
        expected: i64,
    ) -> Result<Saved, Error> {
        for _ in 0..TRIES {
            let old = self.own(caller, id).await?;
            if old.status == Status::Archived {
                return Err(Error::Archived);
            }
            if expected != 0 && expected != old.version {
                return Err(Error::VersionMismatch);
            }
            let next = Draft::of(&old).with(draft, fields);
            let tree = self.tree_with(|tree| tree.find(&next.category).is_some()).await?;
            let write = changed(&tree, &old, next, self.clock.now()).map_err(Error::Invalid)?;
            let (category, offers) = (write.category.clone(), write.offers.clone());
            match self.store.replace(write).await {
                Ok(product) => {
                    self.changed().await;
                    return Ok(Saved { product, category, offers });
                }
                Err(Error::VersionMismatch) if expected == 0 => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended)
    }

    /// Archives; a second time changes nothing.
    pub(crate) async fn delete(&self, caller: &Caller, id: ProductId) -> Result<(), Error> {
        for _ in 0..TRIES {
            let old = self.own(caller, id).await?;
            if old.status == Status::Archived {
                return Ok(());
            }
            let tree = self.tree_of(std::slice::from_ref(&old)).await?;
            let category = tree.reference(old.category).ok_or(Error::ProductNotFound)?;
            let product = Product {
                status: Status::Archived,
                version: old.version + 1,
                updated_at: self.clock.now(),
                ..old
            };
            let write = Write { product, spare_slug: None, category, offers: Vec::new() };
            match self.store.replace(write).await {
                Ok(_) => {
                    self.changed().await;
                    return Ok(());
                }
                Err(Error::VersionMismatch) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended)
    }

    /// A product that the caller may see, by id or slug.
    pub(crate) async fn get(&self, caller: &Caller, id_or_slug: &str) -> Result<Product, Error> {
        let found = match id_or_slug.parse() {
            Ok(id) => self.store.find(&[id]).await?.pop(),
            Err(_) if slug::is_valid(id_or_slug) => self.store.find_slug(id_or_slug).await?,
            Err(_) => None,
        };
        found.filter(|product| may_see(caller, product)).ok_or(Error::ProductNotFound)
    }

    /// Those of the products that the caller may see, in the order asked.
    pub(crate) async fn batch(
        &self,
        caller: &Caller,
        ids: &[ProductId],
    ) -> Result<Vec<Product>, Error> {
        let mut found = self.store.find(ids).await?;
        found.retain(|product| may_see(caller, product));
        Ok(found)
    }

    /// A page of products.
    pub(crate) async fn list(&self, caller: &Caller, filter: Filter) -> Result<Page, Error> {
        let owner = if filter.own { Some(reader(caller)?) } else { None };
        let category = if filter.category.is_empty() {
            None
        } else {
            let tree = self.tree_with(|tree| tree.find(&filter.category).is_some()).await?;
            let Some(category) = tree.find(&filter.category) else {
                return Ok(Page { count: filter.count.then_some(0), ..Page::default() });
            };
            Some(category.id)
        };
        let seller = if filter.seller.is_empty() {
            None
        } else {
            let bad = |_| Error::field("merchant", "INVALID", "expected the id of a merchant");
            Some(filter.seller.parse::<MerchantId>().map_err(bad)?)
        };
        let query = Query {
            owner,
            category,
            brand: Some(filter.brand).filter(|brand| !brand.trim().is_empty()),
            seller,
            price_gte: filter.price_gte,
            price_lte: filter.price_lte,
            in_stock: filter.in_stock,
            attributes: filter.attributes,
            sort: filter.sort,
            after: filter.after,
            limit: filter.limit + 1,
        };
        let mut products = self.store.list(&query).await?;
        let count = if filter.count { Some(self.store.count(&query).await?) } else { None };
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let more = products.len() > limit;
        products.truncate(limit);
        let next = products.last().filter(|_| more);
        let next = next.map(|last| After { key: query.sort.key(last), product: last.id });
        Ok(Page { products, next, count })
    }

    /// A product that the caller may change.
    async fn own(&self, caller: &Caller, id: ProductId) -> Result<Product, Error> {
        let merchant = if caller.is_service() { None } else { Some(writer(caller, "")?) };
        let found = self.store.find(&[id]).await?.pop().ok_or(Error::ProductNotFound)?;
        if merchant.is_some_and(|merchant| merchant != found.merchant) {
            return Err(Error::ProductNotFound);
        }
        Ok(found)
    }
}

/// A new product, or everything that is wrong with it.
pub(super) fn new(
    tree: &Tree,
    merchant: MerchantId,
    draft: Draft,
    now: Timestamp,
) -> Result<Write, Vec<Violation>> {
    let (category, checked) = both(tree.find(&draft.category), draft.check(&[]))?;
    let id = ProductId::new();
    let named = slug::from_title(&checked.content.title.uz);
    let spare = slug::with_suffix(&named, &id.to_string());
    let (slug, spare_slug) = match checked.slug {
        Some(slug) => (slug, None),
        None if named.is_empty() => (spare, None),
        None => (named, Some(spare)),
    };
    let product = Product {
        id,
        slug,
        merchant,
        category: category.id,
        status: checked.status,
        content: checked.content,
        version: 1,
        created_at: now,
        updated_at: now,
        offers: OfferState::default(),
        rating: Rating::default(),
        popularity: 0,
    };
    write(tree, product, spare_slug, checked.offers)
}

/// A product with what its merchant sent, or everything that is wrong with that.
pub(super) fn changed(
    tree: &Tree,
    old: &Product,
    draft: Draft,
    now: Timestamp,
) -> Result<Write, Vec<Violation>> {
    let category = tree.find(&draft.category);
    let (category, checked) = both(category, draft.check(&old.content.variants))?;
    let product = Product {
        slug: checked.slug.unwrap_or_else(|| old.slug.clone()),
        category: category.id,
        status: checked.status,
        content: checked.content,
        version: old.version + 1,
        updated_at: now,
        ..old.clone()
    };
    write(tree, product, None, checked.offers)
}

/// The category beside the checked draft, or the violations of both.
fn both<C, T>(
    category: Option<C>,
    checked: Result<T, Vec<Violation>>,
) -> Result<(C, T), Vec<Violation>> {
    match (category, checked) {
        (Some(category), Ok(checked)) => Ok((category, checked)),
        (Some(_), Err(violations)) => Err(violations),
        (None, checked) => {
            let mut violations = checked.err().unwrap_or_default();
            violations.push(unknown_category());
            Err(violations)
        }
    }
}

fn unknown_category() -> Violation {
    Violation {
        field: "category".to_owned(),
        code: "UNKNOWN",
        message: "no such category".to_owned(),
    }
}

fn write(
    tree: &Tree,
    product: Product,
    spare_slug: Option<String>,
    offers: Vec<OfferDraft>,
) -> Result<Write, Vec<Violation>> {
    let category = tree.reference(product.category).ok_or_else(|| vec![unknown_category()])?;
    Ok(Write { product, spare_slug, category, offers })
}
