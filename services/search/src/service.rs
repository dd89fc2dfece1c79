//! What can be asked of the index.

use std::sync::Arc;

use clock::Clock;
use telemetry::{IntCounterVec, Metrics};

use crate::{
    domain::{Change, Clause, Filter, Hits, Place, Search, Sort, Suggestion, Typed},
    error::Error,
    store::SearchIndex,
    text,
};

mod compile;
mod rebuild;
mod repair;
mod synonyms;

use compile::Compiler;
use rebuild::Rebuilds;
pub(crate) use rebuild::{Catalogue, Page};
use repair::Repaired;

/// Characters that a query may have.
const QUERY_MAX: usize = 200;
/// Words of a query that are looked for; the rest is dropped.
const WORDS_MAX: usize = 12;
/// Suggestions at most.
const SUGGESTIONS_MAX: usize = 10;
/// What somebody wants to find.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// As typed.
    pub query: String,
    /// What the results must be.
    pub filter: Filter,
    /// Their order.
    pub sort: Sort,
    /// The end of the page before.
    pub after: Option<Place>,
    /// Results on a page.
    pub limit: usize,
    /// Whether to count facets.
    pub facets: bool,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The results.
    pub hits: Hits,
    /// What was searched for instead; empty when it was the query as typed.
    pub corrected: String,
}

/// Finds. Cheap to clone.
#[derive(Clone)]
pub struct Finder {
    index: Arc<dyn SearchIndex>,
    compiler: Arc<Compiler>,
    rebuilds: Rebuilds,
    searches: IntCounterVec,
}

impl std::fmt::Debug for Finder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finder").finish_non_exhaustive()
    }
}

impl Finder {
    /// A finder over an index. `synonyms` are added to those built in.
    pub fn new(
        index: Arc<dyn SearchIndex>,
        synonyms: &[Vec<String>],
        clock: Clock,
        metrics: &Metrics,
    ) -> Self {
        let searches = metrics.counter(
            "searches_total",
            "Searches for words that found something (found), found it after a correction (corrected) or without some of the words (relaxed), or found nothing (nothing).",
            &["outcome"],
        );
        let compiler = Arc::new(Compiler::new(synonyms));
        Self { index, compiler, rebuilds: Rebuilds::new(clock), searches }
    }

    /// Finds what was typed; what was probably meant, when that finds nothing; and most of the words, when even that finds nothing.
    pub async fn find(&self, question: &Question) -> Result<Found, Error> {
        if question.query.chars().count() > QUERY_MAX {
            return Err(Error::QueryTooLong { limit: QUERY_MAX });
        }
        let mut words = compile::words(&question.query);
        words.truncate(WORDS_MAX);
        let mut search = Search {
            clauses: self.compiler.clauses(&words),
            least: 0,
            whole: text::whole(&question.query),
            filter: question.filter.clone(),
            sort: question.sort,
            after: question.after,
            limit: question.limit,
            facets: question.facets,
        };
        if search.clauses.is_empty() && !question.query.trim().is_empty() {
            // Nothing but punctuation: that is not the wish to see everything.
            return Ok(Found::default());
        }
        let hits = self.index.search(&search).await?;
        if search.clauses.is_empty() {
            return Ok(Found { hits, corrected: String::new() });
        }
        if hits.total > 0 {
            return Ok(self.told("found", hits, String::new()));
        }

        let Repaired { words, corrected, unknown } = self.repair(words).await?;
        search.clauses = self.compiler.clauses(&words);
        if search.clauses.is_empty() {
            return Ok(self.told("nothing", Hits::default(), String::new()));
        }
        if unknown == 0 && !corrected.is_empty() {
            search.whole = text::whole(&corrected);
            let hits = self.index.search(&search).await?;
            if hits.total > 0 {
                return Ok(self.told("corrected", hits, corrected));
            }
        }
        // Words that nothing has are left out; when all are known, any one of them may be.
        search.least = search.clauses.len() - usize::from(unknown == 0);
        if search.least == 0 {
            return Ok(self.told("nothing", hits, String::new()));
        }
        let hits = self.index.search(&search).await?;
        if hits.total > 0 {
            return Ok(self.told("relaxed", hits, corrected));
        }
        Ok(self.told("nothing", hits, String::new()))
    }

    fn told(&self, outcome: &str, hits: Hits, corrected: String) -> Found {
        self.searches.with_label_values(&[outcome]).inc();
        Found { hits, corrected }
    }

    /// Whether anything in the whole index fits.
    async fn exists(&self, clause: Clause) -> Result<bool, Error> {
        let search = Search { clauses: vec![clause], sort: Sort::Newest, ..Search::default() };
        Ok(self.index.search(&search).await?.total > 0)
    }

    /// Completes what was typed, in either script and, when that completes nothing, in the other keyboard layout.
    pub async fn suggest(
        &self,
        typed: &str,
        locale: &str,
        limit: usize,
    ) -> Result<Vec<Suggestion>, Error> {
        let limit = if limit == 0 { SUGGESTIONS_MAX } else { limit.min(SUGGESTIONS_MAX) };
        let typed: String = typed.chars().take(QUERY_MAX).collect();
        for reading in [Some(typed.clone()), text::switch(&typed)].into_iter().flatten() {
            let words = text::chunks(&reading).into_iter().flat_map(|chunk| chunk.parts);
            let mut words: Vec<text::Token> = words.take(WORDS_MAX).collect();
            let Some(last) = words.pop() else { continue };
            let last = text::fold_prefix(&last.surface);
            if last.chars().count() < text::PREFIX_MIN && words.is_empty() {
                continue;
            }
            let typed = Typed {
                words: words
                    .into_iter()
                    .map(|word| word.fold)
                    .chain([last])
                    .filter(|key| key.chars().count() >= text::PREFIX_MIN)
                    .collect(),
                locale: locale.to_owned(),
                limit,
            };
            let suggestions = self.index.suggest(&typed).await?;
            if !suggestions.is_empty() {
                return Ok(suggestions);
            }
        }
        Ok(Vec::new())
    }

    /// Takes over news. When it returns, they are durable and can be found.
    pub(crate) async fn apply(&self, changes: Vec<Change>) -> Result<(), Error> {
        Ok(self.index.apply(changes).await?)
    }
}
