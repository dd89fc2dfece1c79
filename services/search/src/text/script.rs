//! Uzbek in Cyrillic and in Latin.

use super::normal::{OKINA, TUTUQ};

/// Whether a word has letters of the Cyrillic script.
pub fn is_cyrillic(word: &str) -> bool {
    word.chars().any(|c| matches!(c, '\u{0400}'..='\u{052F}'))
}

/// Writes a canonical word in Latin letters: Uzbek by the rules of its alphabet, Russian by the nearest sound.
pub fn to_latin(word: &str) -> String {
    let mut latin = String::with_capacity(word.len() + 4);
    let letters: Vec<char> = word.chars().collect();
    let mut before: Option<char> = None;
    for (at, &c) in letters.iter().enumerate() {
        let next = letters.get(at + 1).copied();
        match c {
            'е' | 'є' if before.is_none_or(|b| is_vowel(b) || is_sign(b)) => latin.push_str("ye"),
            'ц' if before.is_some_and(is_vowel) => latin.push_str("ts"),
            // Before these the sign is heard in the vowel.
            'ъ' if matches!(next, Some('е' | 'ё' | 'ю' | 'я')) => {}
            'ъ' => latin.push(TUTUQ),
            'ҳ' if before == Some('с') => latin.extend([TUTUQ, 'h']),
            _ => match sound(c) {
                Some(sound) => latin.push_str(sound),
                None => latin.push(c),
            },
        }
        before = Some(c);
    }
    latin
}

fn sound(c: char) -> Option<&'static str> {
    Some(match c {
        'а' | 'ә' => "a",
        'б' => "b",
        'в' => "v",
        'г' | 'ґ' => "g",
        'д' => "d",
        'е' | 'э' | 'є' | 'ѐ' => "e",
        'ё' => "yo",
        'ж' | 'җ' | 'ј' => "j",
        'з' => "z",
        'и' | 'ы' | 'і' | 'ѝ' => "i",
        'ї' => "yi",
        'й' => "y",
        'к' => "k",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' | 'ц' => "s",
        'т' => "t",
        'у' | 'ү' | 'ұ' => "u",
        'ф' => "f",
        'х' => "x",
        'ч' => "ch",
        'ш' | 'щ' => "sh",
        'ь' => "",
        'ю' => "yu",
        'я' => "ya",
        'ў' | 'ө' => "oʻ",
        'қ' => "q",
        'ғ' => "gʻ",
        'ҳ' | 'һ' => "h",
        'ң' => "ng",
        _ => return None,
    })
}

fn is_vowel(c: char) -> bool {
    matches!(
        c,
        'а' | 'е'
            | 'ё'
            | 'и'
            | 'о'
            | 'у'
            | 'ы'
            | 'э'
            | 'ю'
            | 'я'
            | 'ў'
            | 'a'
            | 'e'
            | 'i'
            | 'o'
            | 'u'
            | OKINA
    )
}

fn is_sign(c: char) -> bool {
    matches!(c, 'ъ' | 'ь')
}

/// Spellings of Uzbek Latin that are one letter or two in Cyrillic, longest first.
const CYRILLIC: [(&str, &str); 37] = [
    ("yoʻ", "йў"),
    ("sʼh", "сҳ"),
    ("sh", "ш"),
    ("ch", "ч"),
    ("oʻ", "ў"),
    ("gʻ", "ғ"),
    ("yo", "ё"),
    ("yu", "ю"),
    ("ya", "я"),
    ("ye", "е"),
    ("a", "а"),
    ("b", "б"),
    ("c", "с"),
    ("d", "д"),
    ("f", "ф"),
    ("g", "г"),
    ("h", "ҳ"),
    ("i", "и"),
    ("j", "ж"),
    ("k", "к"),
    ("l", "л"),
    ("m", "м"),
    ("n", "н"),
    ("o", "о"),
    ("p", "п"),
    ("q", "қ"),
    ("r", "р"),
    ("s", "с"),
    ("t", "т"),
    ("u", "у"),
    ("v", "в"),
    ("w", "в"),
    ("x", "х"),
    ("y", "й"),
    ("z", "з"),
    ("ʼ", "ъ"),
    ("ʻ", "ъ"),
];

/// Writes Uzbek in Cyrillic letters, keeping capitals. What Latin spelling has lost (ь, most ц) is not brought back.
pub fn to_cyrillic(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c == '\'' || c == '’' { TUTUQ } else { c }).collect();
    let text = ["o", "O", "g", "G"]
        .iter()
        .fold(text, |text, letter| text.replace(&format!("{letter}ʼ"), &format!("{letter}ʻ")));
    let mut cyrillic = String::with_capacity(text.len() * 2);
    let mut before: Option<char> = None;
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let (length, written) = letter(rest, before).unwrap_or((1, first.to_string()));
        let upper = first.is_uppercase();
        let whole_upper = rest.chars().take(2).filter(|c| c.is_uppercase()).count() == 2;
        for (at, c) in written.chars().enumerate() {
            if upper && (at == 0 || whole_upper) {
                cyrillic.extend(c.to_uppercase());
            } else {
                cyrillic.push(c);
            }
        }
        before = rest.chars().take(length).last().map(|c| c.to_ascii_lowercase());
        let mut after = rest.chars();
        after.by_ref().take(length).for_each(drop);
        rest = after.as_str();
    }
    cyrillic
}

/// The longest spelling at the start of `rest`: its length in characters and its Cyrillic form.
fn letter(rest: &str, before: Option<char>) -> Option<(usize, String)> {
    let start: String = rest.chars().take(3).flat_map(char::to_lowercase).collect();
    if start.starts_with('e') {
        let open = before.is_none_or(|b| is_vowel(b) || !b.is_alphabetic());
        return Some((1, if open { "э" } else { "е" }.to_owned()));
    }
    CYRILLIC
        .iter()
        .find(|(latin, _)| start.starts_with(latin))
        .map(|(latin, cyrillic)| (latin.chars().count(), (*cyrillic).to_owned()))
}
