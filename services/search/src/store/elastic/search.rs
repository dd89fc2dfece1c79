//! One page of results with its facets.

use std::collections::BTreeMap;

use ids::ProductId;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value, json};

use super::{
    client::Failure,
    query,
    schema::{FACETS, facet_field, field},
};
use crate::{
    domain::{Facet, Hits, Place, Search, Sort},
    store::answers::{self, Counts, FACET_VALUES},
    terms::SEPARATOR,
};

/// Values of attributes that are counted for one page, over all attributes: the most frequent.
const ATTRIBUTE_VALUES: usize = 5_000;

/// What the server answers to a search.
#[derive(Debug, Deserialize)]
pub(super) struct Answer<S = IgnoredAny> {
    pub(super) hits: Found<S>,
    #[serde(default)]
    pub(super) aggregations: BTreeMap<String, Counted>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Found<S> {
    #[serde(default)]
    pub(super) total: Option<Total>,
    pub(super) hits: Vec<Hit<S>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Total {
    pub(super) value: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Hit<S> {
    #[serde(rename = "_id")]
    pub(super) id: String,
    #[serde(rename = "_source")]
    pub(super) source: Option<S>,
    #[serde(rename = "_seq_no")]
    pub(super) seq_no: Option<i64>,
    #[serde(default)]
    pub(super) sort: Vec<Value>,
}

/// A filter around counts.
#[derive(Debug, Deserialize)]
pub(super) struct Counted {
    pub(super) values: Buckets,
}

#[derive(Debug, Deserialize)]
pub(super) struct Buckets {
    pub(super) buckets: Vec<Bucket>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Bucket {
    pub(super) key: String,
    pub(super) doc_count: u64,
}

/// The question.
pub(super) fn body(search: &Search) -> Value {
    let (plain, counted) = query::halves(&search.filter);
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    // One more than a page tells whether there is another.
    put("size", json!(if search.limit == 0 { 0 } else { search.limit + 1 }));
    put("track_total_hits", json!(true));
    put("_source", json!(false));
    if search.limit > 0 {
        put("sort", sort(search));
        if let Some(after) = search.after {
            put(
                "search_after",
                json!([after_key(search, after.key), ProductId::from_u128(after.id)]),
            );
        }
    }
    if !search.facets {
        put("query", query::search(search, &search.filter));
        return Value::Object(body);
    }
    put("query", query::search(search, &plain));
    let within = query::filters(&counted);
    if !within.is_empty() {
        put("post_filter", json!({ "bool": { "filter": within } }));
    }
    let mut counts = Map::new();
    for name in FACETS {
        counts.insert(name.to_owned(), count(&within, name, None));
    }
    for (name, filter) in answers::relaxed(&counted) {
        let one = count(&query::filters(&filter), facet_field(&name), Some(&name));
        counts.insert(format!("around.{name}"), one);
    }
    put("aggs", Value::Object(counts));
    Value::Object(body)
}

/// Counts the values of a field within a filter; of one attribute only, when it is given.
fn count(within: &[Value], counted: &str, facet: Option<&str>) -> Value {
    let all = counted == facet_field("attr.");
    let size = if all { ATTRIBUTE_VALUES } else { FACET_VALUES };
    let mut values = json!({ "field": counted, "size": size });
    if let (true, Some(facet), Some(terms)) = (all, facet, values.as_object_mut()) {
        terms.insert("size".to_owned(), json!(FACET_VALUES));
        terms.insert("include".to_owned(), json!(format!("{}{SEPARATOR}.*", escaped(facet))));
    }
    json!({
        "filter": { "bool": { "filter": within } },
        "aggs": { "values": { "terms": values } },
    })
}

/// A text as the server's regular expressions take it literally.
pub(super) fn escaped(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            literal.push('\\');
        }
        literal.push(c);
    }
    literal
}

/// The order; equal places are settled by the product's id, the newest first.
fn sort(search: &Search) -> Value {
    let first = match search.sort {
        // Nothing is looked for: everything fits as well as the rest.
        Sort::Relevance if search.clauses.is_empty() => json!({ field::STANDING: "desc" }),
        Sort::Relevance => json!({ "_score": "desc" }),
        Sort::Newest => json!({ field::CREATED_AT: "desc" }),
        Sort::Price => json!({ field::PRICE: { "order": "asc", "missing": "_last" } }),
        Sort::PriceDesc => json!({ field::PRICE: { "order": "desc", "missing": "_last" } }),
        Sort::Rating => json!({ field::RATING: "desc" }),
        Sort::Popularity => json!({ field::POPULARITY: "desc" }),
    };
    json!([first, { field::ID: "desc" }])
}

/// The value sorted by as a key of which the larger is earlier.
fn key(search: &Search, value: &Value) -> u64 {
    if search.sort == Sort::Relevance && !search.clauses.is_empty() {
        #[expect(clippy::cast_possible_truncation, reason = "the server's scores are of this size")]
        let score = value.as_f64().unwrap_or_default() as f32;
        // Bits of positive numbers are in the order of the numbers.
        return u64::from(score.max(0.0).to_bits());
    }
    let number = value.as_i64().unwrap_or_default();
    match (search.sort, u64::try_from(number).unwrap_or(0)) {
        // What has no price stands behind the dearest.
        (Sort::Price, _) if number == i64::MAX => 0,
        (Sort::Price, price) => u64::MAX - price,
        (_, number) => number,
    }
}

/// The value behind a key. Keys come from outside: any of them gives a value that the server takes.
fn after_key(search: &Search, key: u64) -> Value {
    if search.sort == Sort::Relevance && !search.clauses.is_empty() {
        let score = f32::from_bits(u32::try_from(key).unwrap_or(u32::MAX));
        return json!(if score.is_finite() { score } else { f32::MAX });
    }
    let number = |key: u64| i64::try_from(key).unwrap_or(i64::MAX);
    match search.sort {
        Sort::Price if key == 0 => json!(i64::MAX),
        Sort::Price => json!(number(u64::MAX - key)),
        Sort::PriceDesc if key == 0 => json!(i64::MIN),
        _ => json!(number(key)),
    }
}

/// The page.
pub(super) fn hits(search: &Search, answer: Answer) -> Result<Hits, Failure> {
    let mut places = Vec::with_capacity(answer.hits.hits.len());
    for hit in answer.hits.hits {
        let id: ProductId = hit.id.parse().map_err(|error| {
            Failure::Garbled(serde::de::Error::custom(format_args!("{}: {error}", hit.id)))
        })?;
        let key = key(search, hit.sort.first().unwrap_or(&Value::Null));
        places.push(Place { key, id: id.as_u128() });
    }
    let more = places.len() > search.limit;
    places.truncate(search.limit);
    Ok(Hits {
        ids: places.iter().map(|place| ProductId::from_u128(place.id)).collect(),
        total: answer.hits.total.map_or(0, |total| total.value),
        next: places.last().filter(|_| more).copied(),
        facets: facets(answer.aggregations),
    })
}

fn facets(counted: BTreeMap<String, Counted>) -> Vec<Facet> {
    let mut counts = Counts::new();
    // What is counted around a filter replaces what is counted within it.
    let mut around = Vec::new();
    for (name, counted) in counted {
        if let Some(facet) = name.strip_prefix("around.") {
            around.push((facet.to_owned(), counted));
            continue;
        }
        for bucket in counted.values.buckets {
            let plain = name.strip_prefix("facet_").unwrap_or(&name);
            let (facet, value) = bucket.key.split_once(SEPARATOR).unwrap_or((plain, &bucket.key));
            answers::add(&mut counts, facet, value, bucket.doc_count);
        }
    }
    for (facet, counted) in around {
        let values: Vec<(String, u64)> = counted
            .values
            .buckets
            .into_iter()
            .map(|bucket| {
                let value = bucket.key.split_once(SEPARATOR).map(|(_, value)| value.to_owned());
                (value.unwrap_or(bucket.key), bucket.doc_count)
            })
            .collect();
        if !values.is_empty() {
            counts.insert(facet, values);
        }
    }
    answers::facets(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Clause;

    fn sorted(sort: Sort, clauses: usize) -> Search {
        Search { sort, clauses: vec![Clause::default(); clauses], ..Search::default() }
    }

    #[test]
    fn the_place_of_a_result_is_the_place_to_go_on_from() {
        for (search, value) in [
            (sorted(Sort::Relevance, 1), json!(14.04_f32)),
            (sorted(Sort::Relevance, 0), json!(72)),
            (sorted(Sort::Newest, 0), json!(1_790_000_000_000_i64)),
            (sorted(Sort::Price, 0), json!(4_990_000)),
            (sorted(Sort::Price, 0), json!(i64::MAX)),
            (sorted(Sort::PriceDesc, 0), json!(4_990_000)),
            (sorted(Sort::PriceDesc, 0), json!(i64::MIN)),
            (sorted(Sort::Rating, 0), json!((5000_i64 << 32) + 17)),
        ] {
            assert_eq!(after_key(&search, key(&search, &value)), value, "{search:?}");
        }
        let cheap = sorted(Sort::Price, 0);
        assert!(key(&cheap, &json!(1)) > key(&cheap, &json!(2)));
        assert!(key(&cheap, &json!(2)) > key(&cheap, &json!(i64::MAX)));
        let fit = sorted(Sort::Relevance, 1);
        assert!(key(&fit, &json!(12.5)) > key(&fit, &json!(12.25)));
    }

    #[test]
    fn no_cursor_makes_a_question_that_cannot_be_asked() {
        for sort in [Sort::Relevance, Sort::Newest, Sort::Price, Sort::PriceDesc] {
            for clauses in [0, 1] {
                for key in [0, 1, u64::from(u32::MAX), 0x7F80_0000, 0x7FC0_0000, u64::MAX] {
                    let value = after_key(&sorted(sort, clauses), key);
                    assert!(
                        value.is_i64() || value.as_f64().is_some_and(f64::is_finite),
                        "{value}"
                    );
                }
            }
        }
    }

    #[test]
    fn names_of_attributes_are_taken_literally() {
        assert_eq!(escaped("attr.size (sm)*"), r"attr\.size\ \(sm\)\*");
        assert_eq!(escaped("attr.oʻlcham"), r"attr\.oʻlcham");
    }
}
