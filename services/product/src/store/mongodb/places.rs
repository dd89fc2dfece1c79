//! Where products stand in the tree. Each product names all the categories that it is in, so that a list is a walk along one index;
//! when a category moves, its products are told one after the other.
//!
//! A category counts its moves (`place`), a product notes the count that its path was made from (`placed`). Whoever writes a product
//! looks afterwards whether the category has moved meanwhile, and who moves one tells the products that are written already: one of
//! the two sees the other.

use ids::{CategoryId, ProductId};
use mongo::Error;
use mongodb::bson::{Document, doc};
use serde::{Deserialize, Serialize};

use super::{CATEGORIES, MongoProducts, PRODUCTS};

/// Products told of a move at once.
const BATCH: i64 = 500;

/// Where a category stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Place {
    #[serde(rename = "_id")]
    pub(super) id: CategoryId,
    /// From the root to itself.
    pub(super) path: Vec<CategoryId>,
    /// How often it was put somewhere.
    #[serde(rename = "place")]
    pub(super) moves: i64,
}

#[derive(Debug, Deserialize)]
struct Name {
    #[serde(rename = "_id")]
    id: ProductId,
}

impl MongoProducts {
    /// Where a category stands; an error when there is none.
    pub(super) async fn place(&self, id: CategoryId) -> Result<Place, Error> {
        let found = self.places(&[id]).await?.pop();
        found.ok_or_else(|| Error::value(format!("no category {id}")))
    }

    /// Where these categories stand.
    pub(super) async fn places(&self, ids: &[CategoryId]) -> Result<Vec<Place>, Error> {
        let ids: Vec<String> = ids.iter().map(CategoryId::to_string).collect();
        let categories = self.database.collection::<Place>(CATEGORIES).await?;
        let these = categories.find(doc! { "_id": { "$in": ids } });
        self.database.all(these.projection(doc! { "path": 1, "place": 1 })).await
    }

    /// After products were written: tells them when a category has moved since its place was looked up.
    pub(super) async fn confirm(&self, then: &[Place]) -> Result<(), Error> {
        let ids: Vec<CategoryId> = then.iter().map(|place| place.id).collect();
        for now in self.places(&ids).await? {
            if then.iter().any(|place| place.id == now.id && place.moves != now.moves) {
                self.tell(&now).await?;
            }
        }
        Ok(())
    }

    /// Tells the products of categories that were moved, and notes that they are told.
    pub(super) async fn finish_moves(&self) -> Result<(), Error> {
        let categories = self.database.collection::<Place>(CATEGORIES).await?;
        let moved = categories.find(doc! { "moved": true });
        let moved = self.database.all(moved.projection(doc! { "path": 1, "place": 1 })).await?;
        for place in moved {
            self.tell(&place).await?;
            // Not when it was moved again meanwhile.
            let same = doc! { "_id": place.id.to_string(), "place": place.moves };
            let done = categories.update_one(same, doc! { "$unset": { "moved": "" } });
            self.database.bounded(done).await?;
        }
        Ok(())
    }

    /// Tells the products of a category where it stands, as far as they do not know.
    async fn tell(&self, place: &Place) -> Result<(), Error> {
        let products = self.database.collection::<Name>(PRODUCTS).await?;
        let behind = doc! { "category": place.id.to_string(), "placed": { "$lt": place.moves } };
        loop {
            let names = products.find(behind.clone()).projection(doc! { "_id": 1 }).limit(BATCH);
            let names = self.database.all(names).await?;
            if names.is_empty() {
                return Ok(());
            }
            let ids: Vec<String> = names.iter().map(|name| name.id.to_string()).collect();
            let mut of = behind.clone();
            of.insert("_id", doc! { "$in": ids });
            self.database.bounded(products.update_many(of, vec![moved(place)])).await?;
        }
    }
}

/// The step that puts a product where its category stands; every value in it is an id of ours or a number.
fn moved(place: &Place) -> Document {
    let path: Vec<String> = place.path.iter().map(CategoryId::to_string).collect();
    let scopes: Vec<String> = path.iter().map(|id| format!("category:{id}")).collect();
    let others = doc! { "$filter": {
        "input": "$scopes",
        "as": "scope",
        "cond": { "$ne": [{ "$substrCP": ["$$scope", 0, 9] }, "category:"] },
    } };
    doc! { "$set": {
        "path": path,
        "placed": place.moves,
        "revision": { "$add": ["$revision", 1_i64] },
        "scopes": { "$cond": [
            { "$eq": ["$status", "active"] },
            { "$concatArrays": [others, scopes] },
            "$scopes",
        ] },
    } }
}
