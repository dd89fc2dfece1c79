//! The key that words with one sound share, however they are written.

use super::{
    normal::{OKINA, TUTUQ, canonical},
    script::to_latin,
};

/// Rounds after which a key is taken as it is. Each rule shortens the key or maps a letter to one that no rule maps, so words of
/// any plausible length settle in two or three.
const ROUNDS: usize = 16;

/// The key of a word: the same for Latin and Cyrillic, with and without apostrophes, for the usual confusions of h and x, q and k,
/// single and doubled letters, and for Russian and English words as people type them. Folding a key gives the key.
pub fn fold(word: &str) -> String {
    let mut key = word.to_owned();
    for _ in 0..ROUNDS {
        let latin = to_latin(&canonical(&key));
        // A mark at an end was a quotation mark and has become a space.
        let next = round(latin.trim());
        if next == key {
            break;
        }
        key = next;
    }
    key
}

/// The key of a word that is still being typed: a last letter that may become another with the next one is left out.
pub fn fold_prefix(word: &str) -> String {
    let latin = to_latin(&canonical(word));
    let settled =
        latin.strip_suffix('c').filter(|rest| rest.chars().count() >= 2).unwrap_or(&latin);
    fold(settled)
}

fn round(latin: &str) -> String {
    let letters: Vec<char> = latin.chars().filter(|c| *c != OKINA && *c != TUTUQ).collect();
    let mut key = String::with_capacity(latin.len());
    let mut rest = letters.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let (written, used) = rule(*first, after);
        match written {
            "" => key.push(*first),
            _ => key.push_str(written),
        }
        rest = rest.get(used..).unwrap_or_default();
    }
    undoubled(&key)
}

/// Doubled letters are one. Doubled digits are not, and three of a letter are no spelling of anything.
fn undoubled(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    letters
        .chunk_by(|a, b| a == b)
        .flat_map(|run| match run {
            [a, _] if a.is_alphabetic() => run.get(..1).unwrap_or_default(),
            _ => run,
        })
        .collect()
}

/// What the letters at the front become and how many of them are used up; "" keeps the letter.
fn rule(first: char, after: &[char]) -> (&'static str, usize) {
    match (first, after) {
        ('s', ['h', 'c', 'h', ..]) => ("sh", 4),
        ('s', ['h', ..]) => ("sh", 2),
        ('c', ['h', ..]) => ("ch", 2),
        ('k', ['h', ..]) => ("x", 2),
        ('z', ['h', ..]) | ('d', ['j', ..]) => ("j", 2),
        ('p', ['h', ..]) => ("f", 2),
        ('t', ['s', ..]) => ("s", 2),
        ('c', ['k', ..]) => ("k", 2),
        ('y', ['e', ..]) => ("e", 2),
        ('i', ['y'] | ['y', 'a' | 'e' | 'i' | 'o' | 'u', ..]) => ("i", 2),
        ('c', ['e' | 'i' | 'y', ..]) => ("s", 1),
        ('c' | 'q', _) => ("k", 1),
        ('h', _) => ("x", 1),
        ('w', _) => ("v", 1),
        _ => ("", 1),
    }
}
