//! Questions in tantivy's terms.

use std::ops::Bound;

use tantivy::{
    Term,
    query::{
        BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, Occur, Query, RangeQuery, TermQuery,
    },
    schema::IndexRecordOption,
};

use super::schema::Fields;
use crate::{
    domain::{Alternative, Clause, Filter, Search, Typed},
    terms::{Field, LIVE, TIE_BREAKER, filter_token},
    text::{PREFIX_MAX, Token},
};

type Part = Box<dyn Query>;

/// Fields whose keys are both sounds and stems.
const MIXED: [Field; 4] = [Field::Brand, Field::Category, Field::Attribute, Field::Description];

fn token(fields: &Fields, field: Field, text: &str, weight: f32) -> Part {
    let term = TermQuery::new(fields.term(field, text), IndexRecordOption::Basic);
    Box::new(ConstScoreQuery::new(Box::new(term), weight))
}

/// The whole question, with another filter than its own where a facet is counted without itself.
pub(super) fn search(fields: &Fields, search: &Search, filter: &Filter) -> BooleanQuery {
    let mut parts: Vec<(Occur, Part)> = Vec::new();
    if search.clauses.is_empty() {
        parts.push((Occur::Must, token(fields, Field::Filter, LIVE, 0.0)));
    }
    let clauses: Vec<Part> = search.clauses.iter().map(|clause| one(fields, clause)).collect();
    if search.least == 0 || search.least >= clauses.len() {
        parts.extend(clauses.into_iter().map(|clause| (Occur::Must, clause)));
    } else {
        let some = BooleanQuery::union_with_minimum_required_clauses(clauses, search.least);
        parts.push((Occur::Must, Box::new(some)));
    }
    if !search.clauses.is_empty() {
        if !search.whole.is_empty() {
            parts.push((
                Occur::Should,
                token(fields, Field::Whole, &search.whole, Field::Whole.weight()),
            ));
        }
        for word in leads(search) {
            parts.push((
                Occur::Should,
                token(fields, Field::Lead, &word.fold, Field::Lead.weight()),
            ));
        }
    }
    parts.extend(filters(fields, filter).into_iter().map(|part| (Occur::Must, part)));
    BooleanQuery::new(parts)
}

/// Words that a title may well begin with.
fn leads(search: &Search) -> impl Iterator<Item = &Token> {
    let alternatives = search.clauses.iter().flat_map(|clause| &clause.alternatives);
    alternatives.filter_map(|alternative| match alternative.words.as_slice() {
        [word] => Some(word),
        _ => None,
    })
}

fn one(fields: &Fields, clause: &Clause) -> Part {
    let mut ways = Vec::new();
    for alternative in &clause.alternatives {
        let share = f32::from(alternative.percent) / 100.0;
        match alternative.words.as_slice() {
            [word] => finds(fields, word, share, &mut ways),
            words => ways.push(all(fields, alternative, words)),
        }
    }
    if let Some(prefix) = &clause.prefix {
        let prefix: String = prefix.chars().take(PREFIX_MAX).collect();
        ways.push(token(fields, Field::Prefix, &prefix, Field::Prefix.weight()));
    }
    Box::new(DisjunctionMaxQuery::with_tie_breaker(ways, TIE_BREAKER))
}

/// Several words that together say one thing count as much as one.
fn all(fields: &Fields, alternative: &Alternative, words: &[Token]) -> Part {
    let count = u16::try_from(words.len()).unwrap_or(u16::MAX).max(1);
    let share = f32::from(alternative.percent) / 100.0 / f32::from(count);
    let each = words.iter().map(|word| -> Part {
        let mut ways = Vec::new();
        finds(fields, word, share, &mut ways);
        Box::new(DisjunctionMaxQuery::with_tie_breaker(ways, TIE_BREAKER))
    });
    Box::new(BooleanQuery::intersection(each.collect()))
}

/// Everywhere a word can be found.
fn finds(fields: &Fields, word: &Token, share: f32, ways: &mut Vec<Part>) {
    let mut find = |field: Field, text: &str, part: f32| {
        ways.push(token(fields, field, text, field.weight() * share * part));
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

fn filters(fields: &Fields, filter: &Filter) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut require = |name: &str, value: &str| {
        parts.push(token(fields, Field::Filter, &filter_token(name, value), 0.0));
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
            let rest = BooleanQuery::new(vec![
                (Occur::Must, token(fields, Field::Filter, LIVE, 0.0)),
                (Occur::MustNot, token(fields, Field::Filter, &filter_token("stock", "1"), 0.0)),
            ]);
            parts.push(Box::new(ConstScoreQuery::new(Box::new(rest), 0.0)));
        }
        None => {}
    }
    if filter.price_gte.is_some() || filter.price_lte.is_some() {
        let bound = |price: i64| Bound::Included(Term::from_field_i64(fields.price, price));
        // What has no price is in no range.
        let from = bound(filter.price_gte.unwrap_or_default().max(1));
        let to = filter.price_lte.map_or(Bound::Unbounded, bound);
        parts.push(Box::new(ConstScoreQuery::new(Box::new(RangeQuery::new(from, to)), 0.0)));
    }
    parts
}

/// Products some word of which begins with what was typed.
pub(super) fn typed(fields: &Fields, typed: &Typed, field: Field) -> BooleanQuery {
    let keys = typed.words.iter();
    let parts = keys.map(|key| {
        let key: String = key.chars().take(PREFIX_MAX).collect();
        token(fields, field, &key, 1.0)
    });
    BooleanQuery::intersection(parts.collect())
}

/// Products with a token of the filter field.
pub(super) fn marked(fields: &Fields, mark: &str) -> TermQuery {
    TermQuery::new(fields.term(Field::Filter, mark), IndexRecordOption::Basic)
}
