//! What was probably meant.

use super::{Finder, compile::Word};
use crate::{
    domain::Similar,
    error::Error,
    text::{self, Chunk},
};

/// A query after its repair.
pub(super) struct Repaired {
    /// Words that the catalogue has.
    pub(super) words: Vec<Word>,
    /// How the query should have been typed; empty when nothing was repaired.
    pub(super) corrected: String,
    /// Words that nothing could be made of.
    pub(super) unknown: usize,
}

impl Finder {
    /// Replaces each word that the catalogue lacks: by what the same keys give in the other layout, else by the nearest words.
    pub(super) async fn repair(&self, words: Vec<Word>) -> Result<Repaired, Error> {
        let mut repaired = Repaired { words: Vec::new(), corrected: String::new(), unknown: 0 };
        let (mut spelling, mut changed) = (Vec::new(), false);
        for word in words {
            if self.known(&word).await? {
                spelling.push(word.raw.clone());
                repaired.words.push(word);
            } else if let Some((surface, word)) = self.meant(&word).await? {
                changed = true;
                spelling.push(surface);
                repaired.words.push(word);
            } else {
                repaired.unknown += 1;
            }
        }
        if changed {
            repaired.corrected = spelling.join(" ");
        }
        Ok(repaired)
    }

    async fn known(&self, word: &Word) -> Result<bool, Error> {
        for clause in self.compiler.clauses(std::slice::from_ref(word)) {
            if !self.exists(clause).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn meant(&self, word: &Word) -> Result<Option<(String, Word)>, Error> {
        let switched = text::switch(&word.raw).and_then(|raw| {
            let readings = text::chunks(&raw);
            (readings.len() == 1).then_some(Word { raw, readings, open: word.open })
        });
        if let Some(other) = &switched
            && self.known(other).await?
        {
            return Ok(Some((other.raw.clone(), other.clone())));
        }
        for reading in [Some(word), switched.as_ref()].into_iter().flatten() {
            if let Some(found) = self.spelled(reading).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn spelled(&self, word: &Word) -> Result<Option<(String, Word)>, Error> {
        let [Chunk { parts, joined: None }] = word.readings.as_slice() else { return Ok(None) };
        let [token] = parts.as_slice() else { return Ok(None) };
        let limit = text::tolerance(token.fold.chars().count());
        if limit == 0 {
            return Ok(None);
        }
        let similar = self.index.similar(&token.fold, limit).await?;
        let Some(nearest) = similar.first().map(|word| word.distance) else { return Ok(None) };
        let near: Vec<&Similar> = similar.iter().filter(|word| word.distance == nearest).collect();
        let same_script = |word: &&&Similar| {
            text::is_cyrillic(&word.surface) == text::is_cyrillic(&token.surface)
        };
        let best = near.iter().find(same_script).or_else(|| near.first());
        let Some(surface) = best.map(|word| word.surface.clone()) else { return Ok(None) };
        // In the script in which it was typed; names of brands stay as they are.
        let surface =
            if text::is_cyrillic(&token.surface) { surface } else { text::to_latin(&surface) };
        let readings = near.iter().flat_map(|word| text::chunks(&word.surface)).collect();
        Ok(Some((surface.clone(), Word { raw: surface, readings, open: false })))
    }
}
