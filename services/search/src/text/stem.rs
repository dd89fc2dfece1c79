//! Stems without a dictionary: light rules that take off endings which products are named and asked for with.

use super::{fold::fold, normal::OKINA, script};

/// The keys of the stem of a word; the key of the word itself when there is nothing to take off.
pub(super) fn stems(surface: &str, strict: &str, key: &str) -> Vec<String> {
    let mut stems = Vec::new();
    let mut add = |stem: String| {
        if !stem.is_empty() && !stems.contains(&stem) {
            stems.push(stem);
        }
    };
    if key.chars().count() <= 4 || key.chars().any(|c| !c.is_alphabetic()) {
        add(key.to_owned());
    } else {
        for stem in uzbek(strict) {
            add(without_vowel(fold(&stem)));
        }
        if script::is_cyrillic(surface) {
            add(without_vowel(fold(&script::to_latin(&russian(surface)))));
        } else if let Some(singular) = strict.strip_suffix('s')
            && singular.chars().count() >= 4
        {
            // Before folding, which hears the end of "jackets" as one sound.
            add(without_vowel(fold(singular)));
        }
    }
    // Russian is mostly typed without its dots, Uzbek never is.
    if surface.contains('ё') {
        let plain = surface.replace('ё', "е");
        add(fold(&plain));
        add(without_vowel(fold(&script::to_latin(&russian(&plain)))));
    }
    stems
}

/// Takes a last vowel off a stem that stays long enough: it is an ending in Russian and a possessive in Uzbek.
fn without_vowel(stem: String) -> String {
    match stem.strip_suffix(['a', 'e', 'i', 'o', 'u']) {
        Some(short) if short.chars().count() >= 4 => short.to_owned(),
        _ => stem,
    }
}

fn letters(stem: &str) -> usize {
    stem.chars().filter(|c| c.is_alphabetic() && *c != OKINA).count()
}

fn ends_in_vowel(stem: &str) -> bool {
    stem.ends_with(['a', 'e', 'i', 'o', 'u']) || stem.ends_with("oʻ")
}

/// Case, then possessive, then plural, from right to left. Two readings: `telefoni` ends in the possessive i, `kurtkani` in the
/// case ni, and only a dictionary could tell.
fn uzbek(word: &str) -> [String; 2] {
    let without_case = ["ning", "gacha", "dagi", "dan", "ni", "ga", "da", "ka", "qa"]
        .into_iter()
        .find_map(|ending| {
            let stem = word.strip_suffix(ending)?;
            let fits = match ending {
                "ka" => stem.ends_with('k'),
                "qa" => stem.ends_with('q'),
                _ => true,
            };
            (fits && letters(stem) >= 4).then_some(stem)
        })
        .unwrap_or(word);
    [without_case, word].map(without_owner)
}

fn without_owner(word: &str) -> String {
    let owned = ["larimiz", "laringiz", "imiz", "ingiz", "lari", "ing", "im", "si", "i"]
        .into_iter()
        .find_map(|ending| {
            let stem = word.strip_suffix(ending)?;
            let fits = match ending {
                "si" => ends_in_vowel(stem),
                "imiz" | "ingiz" | "ing" | "im" | "i" => !ends_in_vowel(stem),
                _ => true,
            };
            (fits && letters(stem) >= 4)
                .then(|| if ending.starts_with('l') { stem.to_owned() } else { hardened(stem) })
        });
    let stem = owned.unwrap_or_else(|| word.to_owned());
    match stem.strip_suffix("lar") {
        Some(one) if letters(one) >= 3 => one.to_owned(),
        _ => stem,
    }
}

/// Before a possessive q and k sound as gʻ and g: choynagi is the choynak of somebody.
fn hardened(stem: &str) -> String {
    if let Some(short) = stem.strip_suffix("gʻ") {
        format!("{short}q")
    } else if let Some(short) = stem.strip_suffix('g').filter(|short| !short.ends_with('n')) {
        format!("{short}k")
    } else {
        stem.to_owned()
    }
}

/// Endings of Russian nouns and adjectives, longest first.
const RUSSIAN: [&str; 46] = [
    "иями", "ями", "ами", "ыми", "ими", "ого", "его", "ому", "ему", "иях", "иям", "ией", "ях",
    "ах", "ям", "ам", "ов", "ев", "ей", "ой", "ий", "ый", "ая", "яя", "ое", "ее", "ые", "ие", "ую",
    "юю", "ия", "ью", "ом", "ем", "ых", "их", "ым", "а", "я", "о", "е", "и", "ы", "у", "ю", "й",
];

fn russian(word: &str) -> String {
    let stem = RUSSIAN
        .into_iter()
        .find_map(|ending| word.strip_suffix(ending).filter(|stem| stem.chars().count() >= 3))
        .unwrap_or(word);
    let stem = stem.strip_suffix('ь').unwrap_or(stem);
    // кроссовок is the same shoe as кроссовки.
    for fleeting in ["ок", "ек", "ёк"] {
        if let Some(short) = stem.strip_suffix(fleeting)
            && short.chars().count() >= 4
        {
            return format!("{short}к");
        }
    }
    stem.to_owned()
}
