//! Questions in the server's terms.

use serde_json::{Value, json};

use super::schema::field;
use crate::{
    domain::{Alternative, Clause, Filter, Search, Sort, Typed},
    terms::{Field, LIVE, TIE_BREAKER, filter_token},
    text::{PREFIX_MAX, Token},
};

/// Fields whose keys are both sounds and stems.
const MIXED: [Field; 4] = [Field::Brand, Field::Category, Field::Attribute, Field::Description];

/// Has a token; counts nothing.
pub(super) fn has(field: Field, token: &str) -> Value {
    json!({ "term": { field.name(): token } })
}

/// Has a token, which counts as much wherever it is found: nothing depends on how frequent it is.
fn token(field: Field, token: &str, weight: f32) -> Value {
    json!({ "constant_score": { "filter": has(field, token), "boost": weight } })
}

/// Products that shoppers may see.
pub(super) fn live() -> Value {
    has(Field::Filter, LIVE)
}

/// The whole question, with another filter than its own where facets are counted around it.
pub(super) fn search(search: &Search, filter: &Filter) -> Value {
    let mut filters = filters(filter);
    if search.clauses.is_empty() {
        filters.push(live());
        return json!({ "bool": { "filter": filters } });
    }
    let clauses: Vec<Value> = search.clauses.iter().map(one).collect();
    let must = if search.least == 0 || search.least >= clauses.len() {
        clauses
    } else {
        vec![json!({ "bool": { "should": clauses, "minimum_should_match": search.least } })]
    };
    let mut should = Vec::new();
    if !search.whole.is_empty() {
        should.push(token(Field::Whole, &search.whole, Field::Whole.weight()));
    }
    for word in leads(search) {
        should.push(token(Field::Lead, &word.fold, Field::Lead.weight()));
    }
    let fits = json!({ "bool": { "must": must, "should": should, "filter": filters } });
    if search.sort != Sort::Relevance {
        return fits;
    }
    json!({ "function_score": {
        "query": fits,
        "functions": [{ "field_value_factor": { "field": field::STANDING, "factor": 0.01, "missing": 0 } }],
        "score_mode": "sum",
        "boost_mode": "sum",
    } })
}

/// Words that a title may well begin with.
fn leads(search: &Search) -> impl Iterator<Item = &Token> {
    let alternatives = search.clauses.iter().flat_map(|clause| &clause.alternatives);
    alternatives.filter_map(|alternative| match alternative.words.as_slice() {
        [word] => Some(word),
        _ => None,
    })
}

fn one(clause: &Clause) -> Value {
    let mut ways = Vec::new();
    for alternative in &clause.alternatives {
        let share = f32::from(alternative.percent) / 100.0;
        match alternative.words.as_slice() {
            [word] => finds(word, share, &mut ways),
            words => ways.push(all(alternative, words)),
        }
    }
    if let Some(prefix) = &clause.prefix {
        let prefix: String = prefix.chars().take(PREFIX_MAX).collect();
        ways.push(token(Field::Prefix, &prefix, Field::Prefix.weight()));
    }
    best_of(&ways)
}

/// The best of several finds, and a share of the others.
fn best_of(ways: &[Value]) -> Value {
    if ways.is_empty() {
        return json!({ "match_none": {} });
    }
    json!({ "dis_max": { "queries": ways, "tie_breaker": TIE_BREAKER } })
}

/// Several words that together say one thing count as much as one.
fn all(alternative: &Alternative, words: &[Token]) -> Value {
    let count = u16::try_from(words.len()).unwrap_or(u16::MAX).max(1);
    let share = f32::from(alternative.percent) / 100.0 / f32::from(count);
    let each: Vec<Value> = words
        .iter()
        .map(|word| {
            let mut ways = Vec::new();
            finds(word, share, &mut ways);
            best_of(&ways)
        })
        .collect();
    json!({ "bool": { "must": each } })
}

/// Everywhere a word can be found.
fn finds(word: &Token, share: f32, ways: &mut Vec<Value>) {
    let mut find = |field: Field, text: &str, part: f32| {
        ways.push(token(field, text, field.weight() * share * part));
    };
    find(Field::Strict, &word.strict, 1.0);
    find(Field::Fold, &word.fold, 1.0);
    for stem in &word.loose {
        find(Field::Loose, stem, 1.0);
    }
    for field in MIXED {
        find(field, &word.fold, 1.0);
        for stem in word.loose.iter().filter(|stem| **stem != word.fold) {
            find(field, stem, 0.9);
        }
    }
}

/// What the results must have.
pub(super) fn filters(filter: &Filter) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut require = |name: &str, value: &str| {
        parts.push(has(Field::Filter, &filter_token(name, value)));
    };
    for (name, value) in
        [("category", &filter.category), ("brand", &filter.brand), ("seller", &filter.seller)]
    {
        if let Some(value) = value {
            require(name, value);
        }
    }
    for (name, value) in &filter.attributes {
        require(&format!("attr.{name}"), value);
    }
    match filter.in_stock {
        Some(true) => require("stock", "1"),
        Some(false) => {
            let stock = has(Field::Filter, &filter_token("stock", "1"));
            parts.push(json!({ "bool": { "filter": [live()], "must_not": [stock] } }));
        }
        None => {}
    }
    if filter.price_gte.is_some() || filter.price_lte.is_some() {
        // What has no price is in no range.
        let mut range = json!({ "gte": filter.price_gte.unwrap_or_default().max(1) });
        if let (Some(to), Some(bounds)) = (filter.price_lte, range.as_object_mut()) {
            bounds.insert("lte".to_owned(), json!(to));
        }
        parts.push(json!({ "range": { field::PRICE: range } }));
    }
    parts
}

/// A filter in two: what is never counted around, and what is.
pub(super) fn halves(filter: &Filter) -> (Filter, Filter) {
    let plain =
        Filter { seller: filter.seller.clone(), in_stock: filter.in_stock, ..Filter::default() };
    let counted = Filter { seller: None, in_stock: None, ..filter.clone() };
    (plain, counted)
}

/// Products some word of which begins with what was typed.
pub(super) fn typed(typed: &Typed, field: Field) -> Value {
    let parts: Vec<Value> = typed
        .words
        .iter()
        .map(|key| {
            let key: String = key.chars().take(PREFIX_MAX).collect();
            has(field, &key)
        })
        .collect();
    if parts.is_empty() {
        return json!({ "match_none": {} });
    }
    json!({ "bool": { "filter": parts } })
}
