//! Words of the catalogue: corrections and completions.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    query,
    schema::{Titled, field},
    search::{Answer, Counted, Hit, escaped},
};
use crate::{
    domain::{Similar, Suggested, Suggestion, Typed},
    store::answers::{self, NAMES, Suggestions, localized},
    terms::Field,
    text,
};

/// Keys near the one that was typed that are looked at.
const NEAR: usize = 100;
/// The server refuses longer regular expressions than 1,000 characters.
const PATTERN_MAX: usize = 900;
/// Ways in which keys are written that are looked at.
const SPELLINGS: usize = 1_000;

/// What the server answers when asked for keys near another.
#[derive(Debug, Deserialize)]
pub(super) struct NearAnswer {
    suggest: BTreeMap<String, Vec<Near>>,
}

#[derive(Debug, Deserialize)]
struct Near {
    options: Vec<NearKey>,
}

#[derive(Debug, Deserialize)]
struct NearKey {
    text: String,
    freq: u64,
}

/// Asks for keys near another.
pub(super) fn near(key: &str, distance: usize) -> Value {
    json!({
        "size": 0,
        "suggest": { "near": { "text": key, "term": {
            "field": field::WORD_KEY,
            "suggest_mode": "always",
            "max_edits": distance.clamp(1, 2),
            "prefix_length": 0,
            "min_word_length": 1,
            "accuracy": 0.0,
            "max_term_freq": i32::MAX,
            "size": NEAR,
        } } },
    })
}

/// The keys that are near enough, nearest and then most frequent first. A key is near to itself.
pub(super) fn keys(key: &str, distance: usize, answer: NearAnswer) -> Vec<String> {
    let typed: Vec<char> = key.chars().collect();
    let options = answer.suggest.into_values().flatten().flat_map(|near| near.options);
    let mut keys: Vec<(usize, u64, String)> = options
        .filter_map(|option| {
            let candidate: Vec<char> = option.text.chars().collect();
            let distance = text::distance(&typed, &candidate, distance)?;
            Some((distance, u64::MAX - option.freq, option.text))
        })
        .collect();
    keys.push((0, 0, key.to_owned()));
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().map(|(_, _, key)| key).collect()
}

/// Asks how keys are written.
pub(super) fn spellings(keys: &[String]) -> Value {
    let mut pattern = String::new();
    for key in keys {
        let key = escaped(key);
        if pattern.len() + key.len() > PATTERN_MAX {
            break;
        }
        if !pattern.is_empty() {
            pattern.push('|');
        }
        pattern.push_str(&key);
    }
    json!({
        "size": 0,
        "track_total_hits": false,
        "query": { "bool": { "filter": [{ "terms": { field::WORD_KEY: keys } }] } },
        "aggs": { "words": {
            "filter": { "match_all": {} },
            "aggs": { "values": { "terms": {
                "field": Field::Word.name(),
                "size": SPELLINGS,
                "include": format!("({pattern})=.*"),
            } } },
        } },
    })
}

/// The words behind the keys.
pub(super) fn similar(key: &str, limit: usize, answer: Answer) -> Vec<Similar> {
    let typed: Vec<char> = key.chars().collect();
    let words = answer.aggregations.into_values().flat_map(|counted| counted.values.buckets);
    let similar = words.filter_map(|word| {
        let (key, surface) = word.key.split_once('=')?;
        let candidate: Vec<char> = key.chars().collect();
        Some(Similar {
            key: key.to_owned(),
            surface: surface.to_owned(),
            distance: text::distance(&typed, &candidate, limit)?,
            products: word.doc_count,
        })
    });
    answers::nearest(similar.collect())
}

/// Asks for completions. Whatever completes a brand or a category completes a product that has it, so one question does.
pub(super) fn completions(typed: &Typed) -> Value {
    let names = |prefix: Field, label: &str| {
        json!({
            "filter": query::typed(typed, prefix),
            "aggs": { "values": { "terms": { "field": label, "size": NAMES } } },
        })
    };
    json!({
        // Some have one title.
        "size": typed.limit * 2,
        "track_total_hits": false,
        "_source": [Titled::PATH],
        "query": query::typed(typed, Field::Prefix),
        "sort": [{ field::STANDING: "desc" }, { field::ID: "desc" }],
        "aggs": {
            "brands": names(Field::BrandPrefix, field::BRAND_LABEL),
            "categories": names(Field::CategoryPrefix, field::CATEGORY_LABEL),
        },
    })
}

/// The completions.
pub(super) fn suggestions(typed: &Typed, mut answer: Answer<Titled>) -> Vec<Suggestion> {
    let mut suggestions = Suggestions::new(typed.limit);
    let mut labels = |name: &str| {
        let counted = answer.aggregations.remove(name);
        counted.map_or_else(Vec::new, |Counted { values }| values.buckets)
    };
    for brand in labels("brands") {
        suggestions.add(brand.key, Suggested::Brand);
    }
    for category in labels("categories") {
        suggestions.add(localized(&category.key, &typed.locale), Suggested::Category);
    }
    for Hit { source, .. } in answer.hits.hits {
        if let Some(titled) = source {
            suggestions.add(localized(&titled.label(), &typed.locale), Suggested::Product);
        }
    }
    suggestions.list()
}
