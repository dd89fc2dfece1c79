//! Uzbek from Latin into Cyrillic script.
//!
//! The letters follow a table; what the table cannot know (the soft sign and ц of loanwords) stands in a list of exceptions; brand
//! names, models and measures stay as they are.

use crate::cyrillic::exceptions::{KEPT, STEMS};

mod exceptions;

/// Turned comma of oʻ and gʻ.
const TURNED: char = '\u{2bb}';
/// Tutuq belgisi.
const STOP: char = '\u{2bc}';

/// The text in Cyrillic script. Text that is not Uzbek in Latin script comes back unchanged.
pub fn from_latin(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut word = String::new();
    for letter in text.chars() {
        if letter.is_alphanumeric() || is_apostrophe(letter) {
            word.push(letter);
        } else {
            push_word(&mut out, &word);
            word.clear();
            out.push(letter);
        }
    }
    push_word(&mut out, &word);
    out
}

/// U+02BB and U+02BC count as letters in Unicode; the others are what people type.
fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '`' | '\u{2018}' | '\u{2019}' | TURNED | STOP)
}

fn push_word(out: &mut String, word: &str) {
    if word.is_empty() {
        return;
    }
    let word = canonical(word);
    if stays(&word) {
        out.push_str(&word);
        return;
    }
    let lower = word.to_lowercase();
    let stem = STEMS
        .iter()
        .filter(|(latin, _)| lower.starts_with(latin))
        .max_by_key(|(latin, _)| latin.len());
    match stem {
        Some((latin, cyrillic)) => {
            let capitals = Capitals::of(&word);
            capitals.push(out, cyrillic);
            let after_vowel = latin.ends_with(is_vowel);
            let rest: String = word.chars().skip(latin.chars().count()).collect();
            push_letters(out, &rest, Some(after_vowel));
        }
        None => push_letters(out, &word, None),
    }
}

/// One spelling of apostrophes: U+02BB after o and g, U+02BC elsewhere.
fn canonical(word: &str) -> String {
    let mut before = ' ';
    word.chars()
        .map(|letter| {
            let after_o_or_g = matches!(before.to_ascii_lowercase(), 'o' | 'g');
            before = letter;
            match letter {
                _ if !is_apostrophe(letter) => letter,
                _ if after_o_or_g => TURNED,
                _ => STOP,
            }
        })
        .collect()
}

/// Models (X5), abbreviations (HDMI), measures and names of companies, words with letters that Uzbek does not have.
fn stays(word: &str) -> bool {
    let lower = word.to_lowercase();
    let foreign = lower
        .char_indices()
        .any(|(at, letter)| letter == 'w' || (letter == 'c' && !followed_by_h(&lower, at)));
    let letters = word.chars().filter(|letter| letter.is_alphabetic()).count();
    let capitals = word.chars().filter(char::is_ascii_uppercase).count();
    let known = STEMS.iter().any(|(latin, _)| *latin == lower);
    // "Note S" is a model; "U", "O" and "A" are words.
    let short = letters > 1 || !lower.contains(['a', 'e', 'i', 'o', 'u']);
    let abbreviation = short && letters > 0 && capitals == letters && letters <= 5 && !known;
    foreign
        || abbreviation
        || word.chars().any(|letter| letter.is_ascii_digit())
        || KEPT.contains(&lower.as_str())
}

fn followed_by_h(text: &str, at: usize) -> bool {
    text.get(at + 1..).is_some_and(|rest| rest.starts_with('h'))
}

fn is_vowel(letter: char) -> bool {
    matches!(letter.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u' | TURNED)
}

/// How a word is written.
#[derive(Clone, Copy, PartialEq)]
enum Capitals {
    None,
    First,
    All,
}

impl Capitals {
    fn of(text: &str) -> Self {
        let mut letters =
            text.chars().filter(|letter| letter.is_alphabetic() && !is_apostrophe(*letter));
        match (letters.next(), letters.next()) {
            (Some(first), Some(second)) if first.is_uppercase() && second.is_uppercase() => {
                Self::All
            }
            (Some(first), _) if first.is_uppercase() => Self::First,
            _ => Self::None,
        }
    }

    fn push(self, out: &mut String, lower: &str) {
        let mut letters = lower.chars();
        match self {
            Self::None => out.push_str(lower),
            Self::First => {
                out.extend(letters.next().into_iter().flat_map(char::to_uppercase));
                out.push_str(letters.as_str());
            }
            Self::All => out.push_str(&lower.to_uppercase()),
        }
    }
}

/// Pairs and triples, longest first. `е` after `y` in front is listed because y + e is one letter.
const GROUPS: [(&str, &str); 11] = [
    ("yo\u{2bb}", "йў"),
    ("s\u{2bc}h", "сҳ"),
    ("sh", "ш"),
    ("ch", "ч"),
    ("o\u{2bb}", "ў"),
    ("g\u{2bb}", "ғ"),
    ("yo", "ё"),
    ("yu", "ю"),
    ("ya", "я"),
    ("ye", "е"),
    ("\u{2bc}", "ъ"),
];

/// `after_vowel` says what stands before; `None` is the beginning of a word.
fn push_letters(out: &mut String, text: &str, mut after_vowel: Option<bool>) {
    let lower: Vec<char> =
        text.chars().map(|letter| letter.to_lowercase().next().unwrap_or(letter)).collect();
    let original: Vec<char> = text.chars().collect();
    let mut at = 0;
    while let Some(letter) = lower.get(at) {
        let rest: String = lower.iter().skip(at).take(3).collect();
        let (taken, cyrillic) = match GROUPS.iter().find(|(latin, _)| rest.starts_with(latin)) {
            Some((latin, cyrillic)) => (latin.chars().count(), (*cyrillic).to_owned()),
            None => (1, single(*letter, after_vowel).to_string()),
        };
        let here: String = original.iter().skip(at).take(taken).collect();
        let next_is_capital = original.get(at + taken).is_some_and(|next| next.is_uppercase());
        let capitals = match Capitals::of(&here) {
            // A pair at the beginning of a word in capitals: "Sh" of "SHAR" comes as S and H, both capital.
            Capitals::First if taken > 1 && next_is_capital => Capitals::All,
            other => other,
        };
        capitals.push(out, &cyrillic);
        after_vowel = lower.get(at + taken - 1).map(|last| is_vowel(*last));
        at += taken;
    }
}

fn single(letter: char, after_vowel: Option<bool>) -> char {
    match letter {
        'a' => 'а',
        'b' => 'б',
        'd' => 'д',
        'e' if after_vowel == Some(false) => 'е',
        'e' => 'э',
        'f' => 'ф',
        'g' => 'г',
        'h' => 'ҳ',
        'i' => 'и',
        'j' => 'ж',
        'k' => 'к',
        'l' => 'л',
        'm' => 'м',
        'n' => 'н',
        'o' => 'о',
        'p' => 'п',
        'q' => 'қ',
        'r' => 'р',
        's' => 'с',
        't' => 'т',
        'u' => 'у',
        'v' => 'в',
        'x' => 'х',
        'y' => 'й',
        'z' => 'з',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(table: &[(&str, &str)]) {
        for (latin, cyrillic) in table {
            assert_eq!(from_latin(latin), *cyrillic, "{latin}");
        }
    }

    #[test]
    fn letters() {
        check(&[
            ("Oʻzbekiston", "Ўзбекистон"),
            ("gʻisht, gʻilof", "ғишт, ғилоф"),
            ("choynak", "чойнак"),
            ("shisha", "шиша"),
            ("maʼno", "маъно"),
            ("Isʼhoq", "Исҳоқ"),
            ("yoʻq, yoʻl", "йўқ, йўл"),
            ("yorugʻ", "ёруғ"),
            ("yuz yangi", "юз янги"),
            ("yer, poyezd", "ер, поезд"),
            ("ekran, eshik", "экран, эшик"),
            ("kerak, beqasam", "керак, беқасам"),
            ("aeroport, shoir", "аэропорт, шоир"),
            ("tong, dengiz", "тонг, денгиз"),
            ("qozon, hovli, xona", "қозон, ҳовли, хона"),
            ("joʻja", "жўжа"),
        ]);
    }

    #[test]
    fn apostrophes_of_every_keyboard() {
        check(&[("o'zbek g`oz O‘zbek ma'no ma’no", "ўзбек ғоз Ўзбек маъно маъно")]);
    }

    #[test]
    fn capitals() {
        check(&[
            ("Chust", "Чуст"),
            ("CHEGIRMA", "ЧЕГИРМА"),
            ("Yoʻl", "Йўл"),
            ("SHARQONA", "ШАРҚОНА"),
            ("YANGILIK", "ЯНГИЛИК"),
        ]);
    }

    #[test]
    fn loanwords() {
        check(&[
            ("sentyabr", "сентябрь"),
            ("oktyabrda", "октябрда"),
            ("kompyuterlar", "компьютерлар"),
            ("Konditsioner", "Кондиционер"),
            ("shampunlar", "шампунлар"),
            ("kolleksiya", "коллекция"),
            ("shampun", "шампунь"),
            ("multivarka", "мультиварка"),
        ]);
    }

    #[test]
    fn names_models_and_measures_stay() {
        check(&[
            ("UltraMarket, Payme, Click", "UltraMarket, Payme, Click"),
            ("Nurafon X5 Pro, 128 GB", "Нурафон X5 Pro, 128 GB"),
            ("HDMI va USB, QQS", "HDMI ва USB, ҚҚС"),
            ("Zarbon Note S. U yaxshi", "Зарбон Note S. У яхши"),
            ("Windows", "Windows"),
        ]);
    }

    #[test]
    fn other_text_is_left_alone() {
        check(&[
            ("", ""),
            ("Чайник 5", "Чайник 5"),
            ("<b>&</b>", "<b>&</b>"),
            ("5+1 = 6", "5+1 = 6"),
        ]);
    }
}
