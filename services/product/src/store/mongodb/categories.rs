//! The tree of categories. It changes in turns: a move is checked against the tree as it is.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use ids::CategoryId;
use mongo::{Aborted, Error as Failure, Work, all_within};
use mongodb::{
    ClientSession, Database,
    bson::{Document, doc},
};
use serde::{Deserialize, Serialize};

use super::{CATEGORIES, MongoProducts, PRODUCTS, TURNS};
use crate::{
    domain::{Category, Text, tree::MAX_DEPTH},
    error::Error,
};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Node {
    #[serde(rename = "_id")]
    id: CategoryId,
    slug: String,
    title: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<CategoryId>,
    icon: String,
    position: i64,
    /// From the root to itself.
    path: Vec<CategoryId>,
    /// How often it was put somewhere.
    place: i64,
    /// Its products have yet to be told; absent when they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved: Option<bool>,
}

impl Node {
    fn category(self) -> Result<Category, Failure> {
        Ok(Category {
            id: self.id,
            slug: self.slug,
            title: self.title,
            parent: self.parent,
            icon: self.icon,
            position: u32::try_from(self.position).map_err(Failure::value)?,
        })
    }
}

#[derive(Debug, Deserialize)]
struct Count {
    #[serde(rename = "_id")]
    category: CategoryId,
    count: i64,
}

impl MongoProducts {
    pub(super) async fn all_categories(&self) -> Result<Vec<Category>, Failure> {
        self.nodes().await?.into_iter().map(Node::category).collect()
    }

    async fn nodes(&self) -> Result<Vec<Node>, Failure> {
        let categories = self.database.collection::<Node>(CATEGORIES).await?;
        let sorted = categories.find(Document::new()).sort(doc! { "position": 1, "slug": 1 });
        self.database.all(sorted).await
    }

    /// Counts each category by itself, from an index alone, and adds them up along the tree.
    pub(super) async fn count_by_category(&self) -> Result<BTreeMap<CategoryId, u64>, Failure> {
        let nodes = self.nodes().await?;
        let products = self.database.collection::<Document>(PRODUCTS).await?;
        let pipeline = [
            doc! { "$match": {
                "category": { "$in": nodes.iter().map(|it| it.id.to_string()).collect::<Vec<_>>() },
                "status": "active",
            } },
            doc! { "$group": { "_id": "$category", "count": { "$sum": 1_i64 } } },
        ];
        let counts = products.aggregate(pipeline).with_type::<Count>();
        let own: HashMap<CategoryId, i64> = self
            .database
            .all(counts)
            .await?
            .into_iter()
            .map(|count| (count.category, count.count))
            .collect();
        let mut sums: BTreeMap<CategoryId, u64> = nodes.iter().map(|it| (it.id, 0)).collect();
        for node in &nodes {
            let count = own.get(&node.id).copied().unwrap_or(0);
            for above in &node.path {
                if let Some(sum) = sums.get_mut(above) {
                    *sum += u64::try_from(count).unwrap_or(0);
                }
            }
        }
        Ok(sums)
    }

    pub(super) async fn write_category(&self, category: Category) -> Result<Category, Error> {
        let put = Put { category };
        let category = self.database.transaction(&put).await.map_err(Aborted::told::<Error>)?;
        self.finish_moves().await?;
        Ok(category)
    }
}

struct Put {
    category: Category,
}

#[async_trait]
impl Work for Put {
    type Output = Category;
    type Refusal = Error;

    async fn run(
        &self,
        database: &Database,
        session: &mut ClientSession,
    ) -> Result<Category, Aborted<Error>> {
        let turn = doc! { "$inc": { "turn": 1_i64 } };
        let turns = database.collection::<Document>(TURNS);
        turns.update_one(doc! { "_id": "tree" }, turn).upsert(true).session(&mut *session).await?;
        let categories = database.collection::<Node>(CATEGORIES);
        let all = categories.find(Document::new()).session(&mut *session).await?;
        let mut tree: HashMap<CategoryId, Node> =
            all_within(session, all).await?.into_iter().map(|node| (node.id, node)).collect();

        let mut category = self.category.clone();
        let known = tree.values().find(|node| node.slug == category.slug).cloned();
        if let Some(known) = &known {
            category.id = known.id;
        }
        let path = path(&tree, &category).map_err(Aborted::Refused)?;
        let node = Node {
            id: category.id,
            slug: category.slug.clone(),
            title: category.title.clone(),
            parent: category.parent,
            icon: category.icon.clone(),
            position: i64::from(category.position),
            path,
            place: 1,
            moved: None,
        };
        let Some(known) = known else {
            categories.insert_one(&node).session(&mut *session).await?;
            return Ok(category);
        };
        if known.path == node.path {
            let same = Node { place: known.place, moved: known.moved, ..node };
            let this = doc! { "_id": same.id.to_string() };
            categories.replace_one(this, &same).session(&mut *session).await?;
            return Ok(category);
        }
        let depth = known.path.len();
        tree.insert(known.id, Node { place: known.place, ..node.clone() });
        for below in tree.values() {
            let is_it = below.id == known.id;
            if !is_it && !below.path.contains(&known.id) {
                continue;
            }
            let rest = if is_it { &[] } else { below.path.get(depth..).unwrap_or_default() };
            let moved = Node {
                path: node.path.iter().chain(rest).copied().collect(),
                place: below.place + 1,
                moved: Some(true),
                ..below.clone()
            };
            let this = doc! { "_id": moved.id.to_string() };
            categories.replace_one(this, &moved).session(&mut *session).await?;
        }
        Ok(category)
    }
}

/// The way from the root to a category, if it may stand below its parent.
fn path(tree: &HashMap<CategoryId, Node>, category: &Category) -> Result<Vec<CategoryId>, Error> {
    let Some(parent) = category.parent else { return Ok(vec![category.id]) };
    let unknown = || Error::field("parent", "UNKNOWN", "no such category");
    let mut path = tree.get(&parent).ok_or_else(unknown)?.path.clone();
    if path.contains(&category.id) {
        return Err(Error::field("parent", "CYCLE", "the parent stands below this category"));
    }
    let own = tree.get(&category.id).map_or(0, |node| node.path.len() - 1);
    let below = tree.values().filter(|node| node.path.contains(&category.id));
    let height = below.map(|node| node.path.len() - own).max().unwrap_or(1);
    if path.len() + height > MAX_DEPTH {
        return Err(Error::field("parent", "TOO_DEEP", format!("at most {MAX_DEPTH} levels")));
    }
    path.push(category.id);
    Ok(path)
}
