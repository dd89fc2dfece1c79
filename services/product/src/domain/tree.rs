//! The tree of categories, held whole: there are hundreds of them, not millions.

use std::collections::HashMap;

use ids::CategoryId;

use super::{Category, CategoryRef};

/// Levels at most; also what stops a walk up.
pub const MAX_DEPTH: usize = 8;

/// All categories.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    list: Vec<Category>,
    by_id: HashMap<CategoryId, usize>,
    by_slug: HashMap<String, usize>,
}

impl Tree {
    /// Takes over a list; its order is kept.
    pub fn new(list: Vec<Category>) -> Self {
        let by_id = list.iter().enumerate().map(|(at, category)| (category.id, at)).collect();
        let by_slug =
            list.iter().enumerate().map(|(at, category)| (category.slug.clone(), at)).collect();
        Self { list, by_id, by_slug }
    }

    /// All of them, in the order given.
    pub fn list(&self) -> &[Category] {
        &self.list
    }

    /// By id.
    pub fn get(&self, id: CategoryId) -> Option<&Category> {
        self.by_id.get(&id).and_then(|at| self.list.get(*at))
    }

    /// By slug or id.
    pub fn find(&self, slug_or_id: &str) -> Option<&Category> {
        match slug_or_id.parse() {
            Ok(id) => self.get(id),
            Err(_) => self.by_slug.get(slug_or_id).and_then(|at| self.list.get(*at)),
        }
    }

    /// From the root to the parent.
    pub fn ancestors(&self, category: &Category) -> Vec<&Category> {
        let mut above = Vec::new();
        let mut next = category.parent;
        while let Some(parent) = next.and_then(|id| self.get(id))
            && above.len() < MAX_DEPTH
        {
            above.push(parent);
            next = parent.parent;
        }
        above.reverse();
        above
    }

    /// As products show it.
    pub fn reference(&self, id: CategoryId) -> Option<CategoryRef> {
        let category = self.get(id)?;
        let ancestors = self.ancestors(category);
        Some(CategoryRef {
            id: category.id,
            slug: category.slug.clone(),
            title: category.title.clone(),
            ancestors: ancestors.into_iter().map(|above| above.slug.clone()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Text;

    fn category(number: u128, parent: Option<u128>) -> Category {
        Category {
            id: CategoryId::from_u128(number),
            slug: format!("c{number}"),
            title: Text::default(),
            parent: parent.map(CategoryId::from_u128),
            icon: String::new(),
            position: 0,
        }
    }

    #[test]
    fn the_way_to_a_category() {
        let tree = Tree::new(vec![category(3, Some(2)), category(2, Some(1)), category(1, None)]);
        let found = tree.reference(CategoryId::from_u128(3)).unwrap();
        assert_eq!(found.ancestors, ["c1", "c2"]);
        assert_eq!(tree.find("c2").unwrap().id, CategoryId::from_u128(2));
        assert_eq!(tree.find(&CategoryId::from_u128(1).to_string()).unwrap().slug, "c1");
        assert!(tree.find("c9").is_none());
    }

    #[test]
    fn a_circle_ends() {
        let tree = Tree::new(vec![category(1, Some(2)), category(2, Some(1))]);
        assert_eq!(tree.reference(CategoryId::from_u128(1)).unwrap().ancestors.len(), MAX_DEPTH);
    }
}
