//! From what was typed to a question.

use super::synonyms::Synonyms;
use crate::{
    domain::{Alternative, Clause},
    text::{self, Chunk},
};

/// What words written as one count when the catalogue writes them apart.
const APART: u8 = 85;

/// What stands between two spaces of a query.
#[derive(Debug, Clone)]
pub(super) struct Word {
    /// As typed, for another reading of it.
    pub(super) raw: String,
    /// Its words. Several ways of saying it when it was corrected.
    pub(super) readings: Vec<Chunk>,
    /// Whether it may be the beginning of a word.
    pub(super) open: bool,
}

/// Splits a query. Words that say nothing are left out unless there are no others.
pub(super) fn words(query: &str) -> Vec<Word> {
    let all: Vec<Word> = query
        .split_whitespace()
        .flat_map(|raw| {
            // Commas and slashes part words too, unless the whole may be a word in the other layout.
            let chunks = text::chunks(raw);
            let single = chunks.len() <= 1;
            let word = |chunk: Chunk| Word {
                raw: if single { raw.to_owned() } else { surface(&chunk) },
                readings: vec![chunk],
                open: false,
            };
            chunks.into_iter().map(word).collect::<Vec<_>>()
        })
        .collect();
    let says = |word: &Word| {
        word.readings
            .iter()
            .any(|chunk| chunk.parts.iter().any(|part| !text::is_stop_word(&part.surface)))
    };
    let mut words: Vec<Word> =
        if all.iter().any(says) { all.into_iter().filter(says).collect() } else { all };
    if let Some(last) = words.last_mut() {
        last.open = true;
    }
    words
}

/// How a chunk was written.
pub(super) fn surface(chunk: &Chunk) -> String {
    match &chunk.joined {
        Some(joined) => joined.surface.clone(),
        None => chunk.parts.iter().map(|part| part.surface.as_str()).collect(),
    }
}

/// Makes questions.
#[derive(Debug)]
pub(super) struct Compiler {
    synonyms: Synonyms,
}

impl Compiler {
    pub(super) fn new(synonyms: &[Vec<String>]) -> Self {
        Self { synonyms: Synonyms::new(synonyms) }
    }

    /// A clause for each word, or for several that have synonyms together.
    pub(super) fn clauses(&self, words: &[Word]) -> Vec<Clause> {
        let mut clauses = Vec::new();
        let mut rest = words;
        while let Some((first, after)) = rest.split_first() {
            let keys: Vec<Option<&text::Token>> = rest.iter().map(single).collect();
            let (used, synonyms) = self.synonyms.longest(&keys);
            if used > 1 {
                let own = keys.iter().take(used).flatten().map(|token| (*token).clone()).collect();
                let mut alternatives = vec![Alternative { words: own, percent: 100 }];
                alternatives.extend(synonyms);
                clauses.push(Clause { alternatives, prefix: None });
                rest = rest.get(used..).unwrap_or_default();
            } else {
                let mut clause = self.clause(first);
                clause.alternatives.extend(synonyms);
                clauses.push(clause);
                rest = after;
            }
        }
        clauses
    }

    /// The clause of one word, without synonyms.
    #[expect(clippy::unused_self, reason = "reads as a question to the compiler")]
    pub(super) fn clause(&self, word: &Word) -> Clause {
        let mut clause = Clause::default();
        for chunk in &word.readings {
            match &chunk.joined {
                Some(joined) => {
                    clause
                        .alternatives
                        .push(Alternative { words: vec![joined.clone()], percent: 100 });
                    clause
                        .alternatives
                        .push(Alternative { words: chunk.parts.clone(), percent: APART });
                }
                None => clause
                    .alternatives
                    .push(Alternative { words: chunk.parts.clone(), percent: 100 }),
            }
        }
        if word.open
            && let [chunk] = word.readings.as_slice()
        {
            let key = text::fold_prefix(&surface(chunk));
            clause.prefix = (key.chars().count() >= 3).then_some(key);
        }
        clause
    }
}

/// The token of a word that is one word.
fn single(word: &Word) -> Option<&text::Token> {
    match word.readings.as_slice() {
        [Chunk { parts, joined: None }] => parts.first(),
        _ => None,
    }
}
