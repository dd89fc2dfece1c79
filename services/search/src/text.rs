//! Words as the index sees them.
//!
//! No engine has an Uzbek analyser, so all analysis happens here, at index time and at query time, and an engine only ever sees plain
//! tokens separated by spaces. One word has three forms, from exact to forgiving:
//!
//! | form | keeps | forgets | example: `Қўйлаклари` |
//! |---|---|---|---|
//! | [`Token::strict`] | every letter of Uzbek Latin | case, script, kind of apostrophe | `qoʻylaklari` |
//! | [`Token::fold`] | the sound | apostrophes, h/x, q/k, doubled letters, spellings of Russian | `koylaklari` |
//! | [`Token::loose`] | the stem | endings of Uzbek, Russian and English | `koylak` |
//!
//! ```
//! use search::text::fold;
//! assert_eq!(fold("Қўйлак"), fold("qo'ylak"));
//! assert_eq!(fold("холодильник"), fold("Holodilnik"));
//! ```

mod edit;
mod fold;
mod layout;
mod normal;
mod script;
mod stem;
mod stop;

pub use edit::{distance, tolerance};
pub use fold::{fold, fold_prefix};
pub use layout::switch;
pub use normal::canonical;
pub use script::{is_cyrillic, to_cyrillic, to_latin};
pub use stop::{Turn, is_stop_word, turn};

/// The shortest prefix that completes a word.
pub const PREFIX_MIN: usize = 2;
/// The longest prefix that is indexed.
pub const PREFIX_MAX: usize = 15;

/// Characters of a word that are looked at; the rest of a longer one is dropped.
const WORD_MAX: usize = 64;

/// One word in its forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// As written, in lower case and with one kind of apostrophe.
    pub surface: String,
    /// In Latin script, all letters kept.
    pub strict: String,
    /// The key of the sound.
    pub fold: String,
    /// Keys of the stem; never empty. Several when the word may be Russian or Uzbek.
    pub loose: Vec<String>,
}

impl Token {
    /// Reads one word; none when nothing of it can be searched for.
    fn read(surface: &str) -> Option<Self> {
        let mark = |c: char| c == normal::TUTUQ || c == normal::OKINA;
        let surface: String = surface.trim_start_matches(mark).chars().take(WORD_MAX).collect();
        let strict = to_latin(&surface);
        let fold = fold(&strict);
        if fold.is_empty() || fold.contains(char::is_whitespace) {
            return None;
        }
        let loose = stem::stems(&surface, &strict, &fold);
        Some(Self { surface, strict, fold, loose })
    }
}

/// What stands between two spaces: its words, and all of them written as one when there are several.
///
/// `256GB` has the parts `256` and `gb`, `Wi-Fi` has `wi` and `fi`; each is found written either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The words, in order; never empty.
    pub parts: Vec<Token>,
    /// The words as one.
    pub joined: Option<Token>,
}

impl Chunk {
    /// Every token of it, for an index.
    pub fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.parts.iter().chain(&self.joined)
    }
}

/// Splits a text.
pub fn chunks(text: &str) -> Vec<Chunk> {
    canonical(text)
        .split(|c: char| !is_word_char(c) && !is_hyphen(c))
        .filter_map(|run| {
            let words: Vec<&str> = run.split(is_hyphen).filter(|word| !word.is_empty()).collect();
            let parts: Vec<Token> = words
                .iter()
                .flat_map(|word| at_digits(word))
                .filter_map(|part| Token::read(&part))
                .collect();
            let joined = (parts.len() > 1).then(|| Token::read(&words.concat())).flatten();
            (!parts.is_empty()).then_some(Chunk { parts, joined })
        })
        .collect()
}

/// Every token of a text, for an index.
pub fn tokens(text: &str) -> Vec<Token> {
    chunks(text).iter().flat_map(|chunk| chunk.tokens().cloned().collect::<Vec<_>>()).collect()
}

/// The keys under which a word is found before it is complete.
pub fn prefixes(key: &str) -> impl Iterator<Item = String> + '_ {
    let length = key.chars().count().min(PREFIX_MAX);
    (PREFIX_MIN..=length).map(|end| key.chars().take(end).collect())
}

/// The key of a whole text: equal texts in either script have equal ones.
pub fn whole(text: &str) -> String {
    let keys: Vec<String> =
        chunks(text).into_iter().flat_map(|chunk| chunk.parts).map(|token| token.fold).collect();
    keys.join("_")
}

fn is_word_char(c: char) -> bool {
    // Includes the two apostrophes that are letters of Uzbek.
    c.is_alphanumeric()
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}')
}

/// Splits where digits and letters meet.
fn at_digits(word: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut digits = None;
    for c in word.chars() {
        let is_digit = c.is_numeric();
        match parts.last_mut() {
            Some(part) if digits == Some(is_digit) => part.push(c),
            _ => parts.push(c.to_string()),
        }
        digits = Some(is_digit);
    }
    parts
}

#[cfg(test)]
mod tests;
