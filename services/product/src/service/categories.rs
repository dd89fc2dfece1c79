//! The tree of categories.

use std::{collections::BTreeMap, sync::Arc};

use ids::CategoryId;
use mesh::Caller;

use super::Catalogue;
use crate::{
    domain::{Category, Text, Tree, Violation, slug},
    error::Error,
};

impl Catalogue {
    /// The tree, and how many active products are in and below each category.
    pub(crate) async fn categories(
        &self,
    ) -> Result<(Arc<Tree>, Arc<BTreeMap<CategoryId, u64>>), Error> {
        let tree = self.tree().await?;
        let count = async { self.store.category_counts().await.map(Arc::new) };
        let counts = self.counts.try_get_with((), count).await;
        Ok((tree, counts.map_err(Arc::unwrap_or_clone)?))
    }

    /// Creates a category or replaces the one with this slug. For the platform owner and services. `parent` is a slug or an id; empty
    /// for a root.
    pub(crate) async fn put_category(
        &self,
        caller: &Caller,
        category: Category,
        parent: &str,
    ) -> Result<(Category, Arc<Tree>), Error> {
        if !caller.is_service() {
            caller.require_admin()?;
        }
        let mut wrong = check(&category);
        let tree = self.tree_with(|tree| parent.is_empty() || tree.find(parent).is_some()).await?;
        let parent_id = tree.find(parent).map(|found| found.id);
        if !parent.is_empty() && parent_id.is_none() {
            wrong.push(violation("parent", "UNKNOWN", "no such category"));
        }
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let category = Category { parent: parent_id, ..category };
        let category = self.store.put_category(category).await?;
        self.tree.invalidate(&()).await;
        self.counts.invalidate(&()).await;
        let tree = self.tree_with(|tree| tree.get(category.id) == Some(&category)).await?;
        Ok((category, tree))
    }
}

fn violation(field: &str, code: &'static str, message: &str) -> Violation {
    Violation { field: field.to_owned(), code, message: message.to_owned() }
}

fn check(category: &Category) -> Vec<Violation> {
    let mut wrong = Vec::new();
    if !slug::is_valid(&category.slug) {
        let expected = "expected lower-case words and digits joined by hyphens";
        wrong.push(violation("slug", "INVALID", expected));
    }
    let Text { uz, ru, en } = &category.title;
    if uz.trim().is_empty() {
        wrong.push(violation("title.uz", "REQUIRED", "must not be empty"));
    }
    for (field, text) in [("title.uz", uz), ("title.ru", ru), ("title.en", en)] {
        if text.chars().count() > 200 {
            wrong.push(violation(field, "LENGTH", "at most 200 characters"));
        }
    }
    if category.icon.len() > 64 {
        wrong.push(violation("icon", "LENGTH", "at most 64 bytes"));
    }
    wrong
}
