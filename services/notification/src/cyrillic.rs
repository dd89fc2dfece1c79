//! Uzbek in Latin script to Uzbek in Cyrillic script.
//!
//! The longest spelling counts first (`yoʻ`, `sh`, `oʻ`), every apostrophe that people type is one sign, and `e` is э at the beginning
//! of a word and after a vowel. Cyrillic knows more than Latin tells (`ц`, `ь`): such words stand in [`EXCEPTIONS`].

use std::borrow::Cow;

/// Words that no rule gives: names that stay, and loanwords. Compared without regard to case, longest beginning first.
const EXCEPTIONS: [(&str, &str); 9] = [
    ("ultramarket", "UltraMarket"),
    ("sms", "SMS"),
    ("aksiya", "акция"),
    ("konstitutsiya", "конституция"),
    ("sentabr", "сентябрь"),
    ("oktabr", "октябрь"),
    ("noyabr", "ноябрь"),
    ("dekabr", "декабрь"),
    ("aprel", "апрель"),
];

/// Spellings of more than one letter, longest first; `ʼ` stands for every apostrophe.
const GROUPS: [(&str, &str); 10] = [
    ("yoʼ", "йў"),
    ("sʼh", "сҳ"),
    ("oʼ", "ў"),
    ("gʼ", "ғ"),
    ("sh", "ш"),
    ("ch", "ч"),
    ("yo", "ё"),
    ("yu", "ю"),
    ("ya", "я"),
    ("ye", "е"),
];

const LETTERS: [(char, char); 25] = [
    ('a', 'а'),
    ('b', 'б'),
    ('d', 'д'),
    ('e', 'е'),
    ('f', 'ф'),
    ('g', 'г'),
    ('h', 'ҳ'),
    ('i', 'и'),
    ('j', 'ж'),
    ('k', 'к'),
    ('l', 'л'),
    ('m', 'м'),
    ('n', 'н'),
    ('o', 'о'),
    ('p', 'п'),
    ('q', 'қ'),
    ('r', 'р'),
    ('s', 'с'),
    ('t', 'т'),
    ('u', 'у'),
    ('v', 'в'),
    ('x', 'х'),
    ('y', 'й'),
    ('z', 'з'),
    ('ʼ', 'ъ'),
];

/// The same text in Cyrillic script; what is not Uzbek Latin stays as it is.
pub fn from_latin(text: &str) -> Cow<'_, str> {
    let mut out = String::with_capacity(text.len() * 2);
    let mut word = String::new();
    for character in text.chars() {
        let unified = unify(character);
        // An apostrophe belongs to a word only inside of it: otherwise it is a quotation mark.
        if unified.is_ascii_alphabetic() || (unified == 'ʼ' && !word.is_empty()) {
            word.push(unified);
        } else {
            flush(&mut word, &mut out);
            out.push(character);
        }
    }
    flush(&mut word, &mut out);
    Cow::Owned(out)
}

fn unify(character: char) -> char {
    match character {
        '\'' | '`' | '‘' | '’' | 'ʻ' | 'ʼ' | '´' => 'ʼ',
        other => other,
    }
}

fn flush(word: &mut String, out: &mut String) {
    let lower = word.to_ascii_lowercase();
    let exception = EXCEPTIONS.iter().find_map(|(latin, cyrillic)| {
        let rest = lower.strip_prefix(latin)?;
        let shown =
            if cyrillic.is_ascii() { (*cyrillic).to_owned() } else { cased(cyrillic, word) };
        Some((shown, rest.len()))
    });
    if let Some((shown, left)) = exception {
        out.push_str(&shown);
        letters(word.get(word.len() - left..).unwrap_or_default(), true, out);
    } else {
        letters(word, false, out);
    }
    word.clear();
}

/// One word, or the rest of one.
fn letters(word: &str, inside: bool, out: &mut String) {
    let shouting = word.chars().filter(char::is_ascii_alphabetic).count() > 1
        && !word.chars().any(|character| character.is_ascii_lowercase());
    let mut rest = word;
    let mut first = !inside;
    let mut after_vowel = false;
    while let Some(next) = rest.chars().next() {
        let lower = rest.to_ascii_lowercase();
        let group = GROUPS.iter().find(|(latin, _)| lower.starts_with(latin));
        let (length, cyrillic) = if let Some((latin, cyrillic)) = group {
            (latin.len(), (*cyrillic).to_owned())
        } else if next.eq_ignore_ascii_case(&'e') && (first || after_vowel) {
            (1, "э".to_owned())
        } else {
            let small = next.to_ascii_lowercase();
            let known = LETTERS.iter().find(|(latin, _)| *latin == small);
            (next.len_utf8(), known.map_or(next, |(_, cyrillic)| *cyrillic).to_string())
        };
        let shown = match (next.is_ascii_uppercase(), shouting) {
            (true, true) => cyrillic.to_uppercase(),
            (true, false) => cased(&cyrillic, "A"),
            (false, _) => cyrillic.clone(),
        };
        out.push_str(&shown);
        let vowel = |character: char| "аеёиоуўэюя".contains(character);
        after_vowel = cyrillic.chars().last().is_some_and(vowel);
        first = false;
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// With a capital first letter when the model has one.
fn cased(text: &str, model: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) if model.starts_with(|first: char| first.is_uppercase()) => {
            first.to_uppercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::from_latin;

    #[test]
    fn the_table() {
        for (latin, cyrillic) in [
            ("Oʻzbekiston", "Ўзбекистон"),
            ("o'zbek, O’zbek, o‘zbek, o`zbek", "ўзбек, Ўзбек, ўзбек, ўзбек"),
            ("bo‘lib", "бўлиб"),
            ("gʻoya", "ғоя"),
            ("yoʻl", "йўл"),
            ("Yoʻl YOʻL", "Йўл ЙЎЛ"),
            ("Isʼhoq", "Исҳоқ"),
            ("shahar SHAHAR Shahar", "шаҳар ШАҲАР Шаҳар"),
            ("choy", "чой"),
            ("ertaga", "эртага"),
            ("yetkazildi", "етказилди"),
            ("poeziya", "поэзия"),
            ("keldi", "келди"),
            ("yulduz yaxshi yomon", "юлдуз яхши ёмон"),
            ("maʼno e’tibor", "маъно эътибор"),
            ("tong singil", "тонг сингил"),
            ("qabul qilindi", "қабул қилинди"),
            ("sentabrda Sentabr", "сентябрьда Сентябрь"),
            ("UltraMarket: SMS", "UltraMarket: SMS"),
            ("1000001, 12 %", "1000001, 12 %"),
            ("уже кириллица", "уже кириллица"),
            ("", ""),
        ] {
            assert_eq!(from_latin(latin), cyrillic, "{latin}");
        }
    }

    proptest! {
        #[test]
        fn nothing_latin_is_left_but_w_and_c(text in "[a-zA-Z' ]{0,60}") {
            let kept = from_latin(&text).replace("UltraMarket", "").replace("SMS", "");
            prop_assert!(kept.chars().all(|c| !c.is_ascii_alphabetic() || "wcWC".contains(c)));
        }

        #[test]
        fn any_text_is_taken(text: String) {
            let _ = from_latin(&text);
        }
    }
}
