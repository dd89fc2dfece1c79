//! Products as they are read. A list walks one index of a scope from where the page before ended; conditions beyond the first are
//! looked at for each product on the way.

use std::collections::{BTreeMap, HashMap};

use ids::{MerchantId, ProductId};
use mongo::Error;
use mongodb::{
    Collection,
    bson::{Bson, DateTime, Document, doc},
    options::Hint,
};

use super::{
    MongoProducts, PRODUCTS,
    card::{Card, fold, order},
    limit,
};
use crate::{
    domain::Product,
    store::{After, Query, Sort},
};

impl MongoProducts {
    async fn cards(&self) -> Result<Collection<Card>, Error> {
        self.database.collection(PRODUCTS).await
    }

    pub(super) async fn find_cards(&self, filter: Document) -> Result<Vec<Card>, Error> {
        let cards = self.cards().await?;
        self.database.all(cards.find(filter).projection(doc! { "outbox": 0 })).await
    }

    pub(super) async fn find_products(&self, ids: &[ProductId]) -> Result<Vec<Product>, Error> {
        let names: Vec<String> = ids.iter().map(ProductId::to_string).collect();
        let found = self.find_cards(doc! { "_id": { "$in": names } }).await?;
        let mut found: HashMap<ProductId, Card> =
            found.into_iter().map(|card| (card.id, card)).collect();
        ids.iter().filter_map(|id| found.remove(id)).map(Card::product).collect()
    }

    pub(super) async fn find_product_by_slug(&self, slug: &str) -> Result<Option<Product>, Error> {
        self.find_cards(doc! { "slug": slug }).await?.pop().map(Card::product).transpose()
    }

    pub(super) async fn find_products_by_sku(
        &self,
        merchant: MerchantId,
        skus: &[&str],
    ) -> Result<BTreeMap<String, Product>, Error> {
        let these = doc! {
            "merchant": merchant.to_string(), "skus": { "$exists": true, "$in": skus },
        };
        let mut found = BTreeMap::new();
        for card in self.find_cards(these).await? {
            let product = card.product()?;
            for variant in &product.content.variants {
                if skus.contains(&variant.sku.as_str()) {
                    found.insert(variant.sku.clone(), product.clone());
                }
            }
        }
        Ok(found)
    }

    pub(super) async fn page(&self, query: &Query) -> Result<Vec<Product>, Error> {
        let most = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let mut cards = Vec::new();
        for part in parts(query) {
            if cards.len() < most {
                cards.extend(self.walk(query, part, most - cards.len()).await?);
            }
        }
        cards.into_iter().map(Card::product).collect()
    }

    async fn walk(&self, query: &Query, part: Document, most: usize) -> Result<Vec<Card>, Error> {
        let (field, index, down) = order(query.sort);
        let direction = if down { -1 } else { 1 };
        let cards = self.cards().await?;
        let page = cards
            .find(part)
            .projection(doc! { "outbox": 0 })
            .sort(doc! { field: direction, "_id": direction })
            // Any other of the indexes by scope would have to sort.
            .hint(Hint::Name(index.to_owned()))
            .limit(limit(u32::try_from(most).unwrap_or(u32::MAX)));
        self.database.all(page).await
    }

    pub(super) async fn count_products(&self, query: &Query) -> Result<u64, Error> {
        let cards = self.cards().await?;
        self.database.bounded(cards.count_documents(conditions(query)).into_future()).await
    }
}

/// What a page is read from: all of the list, or, after a cursor, the rest of those with its key and then what lies beyond. Each is
/// one stretch of the index.
fn parts(query: &Query) -> Vec<Document> {
    let all = conditions(query);
    let Some(After { key, product }) = query.after else { return vec![all] };
    let (field, _, down) = order(query.sort);
    let beyond = if down { "$lt" } else { "$gt" };
    let key = match query.sort {
        Sort::Newest => Bson::DateTime(DateTime::from_millis(key)),
        _ => Bson::Int64(key),
    };
    let with = |conditions: Document| doc! { "$and": [all.clone(), conditions] };
    vec![
        with(doc! { field: key.clone(), "_id": { beyond: product.to_string() } }),
        with(doc! { field: { beyond: key } }),
    ]
}

/// All conditions. Values are text and numbers and stand where only values can stand.
fn conditions(query: &Query) -> Document {
    let seller = query.seller.map(|seller| seller.to_string());
    let brand = query.brand.as_deref().map(fold);
    let category = query.category.map(|category| category.to_string());
    let scopes = [
        query.owner.map(|owner| format!("own:{owner}")),
        seller.as_ref().map(|seller| format!("seller:{seller}")),
        brand.as_ref().map(|brand| format!("brand:{brand}")),
        category.as_ref().map(|category| format!("category:{category}")),
    ];
    let scope = scopes.into_iter().flatten().next().unwrap_or_else(|| "all".to_owned());
    let mut all = doc! { "scopes": scope };
    if let Some(seller) = seller {
        all.insert("sellers", seller);
    }
    if let Some(brand) = brand {
        all.insert("brand", brand);
    }
    if let Some(category) = category {
        all.insert("path", category);
    }
    if query.price_gte.is_some() || query.price_lte.is_some() {
        let mut price = doc! { "$gt": 0_i64 };
        if let Some(least) = query.price_gte {
            price.insert("$gte", least);
        }
        if let Some(most) = query.price_lte {
            price.insert("$lte", most);
        }
        // The field that is walked says also where to begin and to end.
        if query.sort == Sort::Price {
            all.insert("price_last", price.clone());
        }
        all.insert("price", price);
    }
    if let Some(in_stock) = query.in_stock {
        all.insert("in_stock", in_stock);
    }
    let attributes: Vec<Document> = query
        .attributes
        .iter()
        .map(|(name, value)| doc! { "$elemMatch": { "name": name, "value": value } })
        .collect();
    if !attributes.is_empty() {
        all.insert("content.attributes", doc! { "$all": attributes });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_never_become_operators() {
        let query = Query {
            brand: Some("$where".to_owned()),
            attributes: [("$ne".to_owned(), "{$gt: ''}".to_owned())].into(),
            ..Query::default()
        };
        let expected = doc! {
            "scopes": "brand:$where",
            "brand": "$where",
            "content.attributes": { "$all": [
                { "$elemMatch": { "name": "$ne", "value": "{$gt: ''}" } },
            ] },
        };
        assert_eq!(conditions(&query), expected);
    }
}
