//! The mapping, and products as rows of it.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::names::{Index, Names, SCHEMA};
use crate::{
    domain::{Document, Localized, Rebuild},
    terms::{Field, SEPARATOR, Terms, standing},
};

/// Names of fields that hold no tokens.
pub(super) mod field {
    pub(crate) const ID: &str = "id";
    pub(crate) const DOCUMENT: &str = "document";
    pub(crate) const PRICE: &str = "price";
    pub(crate) const RATING: &str = "rating";
    pub(crate) const POPULARITY: &str = "popularity";
    pub(crate) const CREATED_AT: &str = "created_at";
    /// What stock and sales add to the place among results.
    pub(crate) const STANDING: &str = "standing";
    /// The keys of `word`, without how they are written.
    pub(crate) const WORD_KEY: &str = "word_key";
    pub(crate) const BRAND_LABEL: &str = "brand_label";
    pub(crate) const CATEGORY_LABEL: &str = "category_label";
}

/// The longest value that is indexed as a whole: the server takes 32,766 bytes.
const WHOLE_MAX: usize = 8_000;

/// The field whose values are counted for a facet.
pub(super) fn facet_field(facet: &str) -> &'static str {
    match facet {
        "category" => "facet_category",
        "brand" => "facet_brand",
        "price" => "facet_price",
        _ => "facet_attribute",
    }
}

/// Every field whose values are counted.
pub(super) const FACETS: [&str; 4] =
    ["facet_category", "facet_brand", "facet_price", "facet_attribute"];

/// Fields that hold tokens as wholes: they contain spaces, are longer than a word can be, or are counted.
fn is_whole(field: Field) -> bool {
    matches!(field, Field::Whole | Field::Filter | Field::Word)
}

/// What an index is made of. `live` puts it behind the alias at once, unless another is there.
pub(super) fn index(names: &Names, index: &Index, live: bool) -> Value {
    let keyword = |counted: bool| json!({ "type": "keyword", "doc_values": counted, "ignore_above": WHOLE_MAX });
    let counted = || json!({ "type": "keyword", "index": false, "ignore_above": WHOLE_MAX });
    // Tokens count as they are: neither how often nor where they stand matters.
    let tokens = json!({ "type": "text", "analyzer": "whitespace", "norms": false, "index_options": "docs" });
    let sorted = || json!({ "type": "long", "index": false });

    let mut properties = Map::new();
    let mut put = |name: &str, kind: Value| drop(properties.insert(name.to_owned(), kind));
    put(field::DOCUMENT, json!({ "type": "object", "enabled": false }));
    put(field::ID, json!({ "type": "keyword" }));
    for field in Field::ALL {
        let kind = if is_whole(field) { keyword(field == Field::Word) } else { tokens.clone() };
        put(field.name(), kind);
    }
    put(field::WORD_KEY, keyword(false));
    put(field::PRICE, json!({ "type": "long" }));
    for name in [field::RATING, field::POPULARITY, field::CREATED_AT, field::STANDING] {
        put(name, sorted());
    }
    for name in FACETS.into_iter().chain([field::BRAND_LABEL, field::CATEGORY_LABEL]) {
        put(name, counted());
    }

    let mut aliases = Map::new();
    aliases.insert(index.writing(), json!({}));
    if live {
        // An alias has one index that is written to: of two processes that make one at once, one is refused.
        aliases.insert(names.alias().to_owned(), json!({ "is_write_index": true }));
    }
    json!({
        "settings": {
            // Sequence numbers belong to a shard, and a rebuild follows them.
            "number_of_shards": 1,
            "auto_expand_replicas": "0-1",
            // A rebuild decides itself when its rows are found.
            "refresh_interval": if live { "1s" } else { "-1" },
        },
        "mappings": {
            "dynamic": "strict",
            "_source": { "includes": [field::DOCUMENT] },
            "_meta": meta(false, None),
            "properties": properties,
        },
        "aliases": aliases,
    })
}

/// What an index says of itself.
pub(super) fn meta(complete: bool, rebuild: Option<&Rebuild>) -> Value {
    json!({ "schema": SCHEMA, "complete": complete, "rebuild": rebuild })
}

/// What is indexed of a product.
pub(super) fn encode(document: &Document) -> serde_json::Result<Vec<u8>> {
    let terms = Terms::of(document);
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| drop(row.insert(name.to_owned(), value));
    put(field::DOCUMENT, serde_json::to_value(document)?);
    put(field::ID, json!(document.id));
    for field in Field::ALL {
        let tokens: Vec<&str> = terms
            .tokens
            .iter()
            .filter(|(of, token)| *of == field && !token.is_empty())
            .map(|(_, token)| token.as_str())
            .collect();
        if tokens.is_empty() {
            continue;
        }
        if field == Field::Word {
            let keys = tokens.iter().filter_map(|word| word.split_once('=')).map(|(key, _)| key);
            put(field::WORD_KEY, keys.collect());
        }
        put(field.name(), if is_whole(field) { json!(tokens) } else { json!(tokens.join(" ")) });
    }
    if document.visible().is_none() {
        return serde_json::to_vec(&row);
    }
    let mut put = |name: &str, value: Value| drop(row.insert(name.to_owned(), value));
    let numbers = terms.numbers;
    if numbers.price > 0 {
        put(field::PRICE, json!(numbers.price));
    }
    put(field::RATING, json!(numbers.rating));
    put(field::POPULARITY, json!(numbers.popularity.max(0)));
    put(field::CREATED_AT, json!(numbers.created_at.max(0)));
    put(field::STANDING, json!(standing(numbers.in_stock, numbers.popularity)));
    for (name, label) in
        [(field::BRAND_LABEL, terms.labels.brand), (field::CATEGORY_LABEL, terms.labels.category)]
    {
        if !label.is_empty() {
            put(name, json!(label));
        }
    }
    for counted in FACETS {
        let values: Vec<&str> = terms
            .facets
            .iter()
            .filter_map(|facet| {
                let (name, value) = facet.split_once(SEPARATOR)?;
                let whole = if counted == "facet_attribute" { facet } else { value };
                (facet_field(name) == counted).then_some(whole)
            })
            .collect();
        if !values.is_empty() {
            put(counted, json!(values));
        }
    }
    serde_json::to_vec(&row)
}

/// What is kept of a row.
#[derive(Debug, Deserialize)]
pub(super) struct Source {
    /// The product as it was given.
    pub(super) document: Document,
}

/// What a suggestion needs of a row.
#[derive(Debug, Deserialize)]
pub(super) struct Titled {
    document: TitledDocument,
}

#[derive(Debug, Deserialize)]
struct TitledDocument {
    card: TitledCard,
}

#[derive(Debug, Deserialize)]
struct TitledCard {
    title: Localized,
}

impl Titled {
    /// The part of a row that it is read from.
    pub(super) const PATH: &'static str = "document.card.title";

    /// The title in all languages, as a label.
    pub(super) fn label(&self) -> String {
        let title = &self.document.card.title;
        [title.uz.as_str(), &title.ru, &title.en].join(&SEPARATOR.to_string())
    }
}
