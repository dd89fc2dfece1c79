//! One way of writing each letter.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// The mark of oʻ and gʻ.
pub(super) const OKINA: char = '\u{02BB}';
/// The tutuq belgisi.
pub(super) const TUTUQ: char = '\u{02BC}';

/// Lower case, compatibility forms resolved, one mark for oʻ and gʻ, one tutuq belgisi; scripts stay as they are.
///
/// Letters of the proposed alphabets (õ, ö, ğ, ş, ç) become those in force; other marks over Latin letters are dropped.
pub fn canonical(text: &str) -> String {
    // Before the compatibility forms: they would take some apostrophes apart.
    let marked: String = text.chars().map(|c| if is_apostrophe(c) { TUTUQ } else { c }).collect();
    let lower = marked.nfkc().collect::<String>().to_lowercase();
    let mut plain = String::with_capacity(lower.len());
    for c in lower.nfkc() {
        match c {
            'õ' | 'ö' | 'ō' | 'ŏ' => plain.extend(['o', OKINA]),
            'ğ' | 'ǧ' | 'ǵ' => plain.extend(['g', OKINA]),
            'ş' | 'ș' => plain.push_str("sh"),
            'ç' => plain.push_str("ch"),
            'ı' => plain.push('i'),
            // Their decompositions would make й an и and ё an е.
            '\u{0400}'..='\u{052F}' => plain.push(c),
            _ if c.is_ascii() => plain.push(c),
            _ => plain.extend(
                c.to_string()
                    .nfkd()
                    .filter(|part| !is_combining_mark(*part))
                    .flat_map(char::to_lowercase),
            ),
        }
    }
    settle_marks(&plain)
}

/// After o and g the mark is theirs; between letters it is the tutuq belgisi; elsewhere it is a quotation mark and goes.
fn settle_marks(text: &str) -> String {
    let mut settled = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == TUTUQ || c == OKINA || is_apostrophe(c) {
            let letter_follows =
                rest.peek().is_some_and(|next| next.is_alphabetic() && !is_mark(*next));
            match before {
                Some('o' | 'g') => settled.push(OKINA),
                Some(letter)
                    if char::is_alphabetic(letter) && !is_mark(letter) && letter_follows =>
                {
                    settled.push(TUTUQ);
                }
                Some(OKINA | TUTUQ) => {}
                _ => settled.push(' '),
            }
        } else {
            settled.push(c);
        }
        before = settled.chars().next_back();
    }
    settled
}

fn is_mark(c: char) -> bool {
    c == OKINA || c == TUTUQ
}

fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '\'' | '`'
            | '\u{00B4}'
            | '\u{2018}'
            | '\u{2019}'
            | '\u{201B}'
            | '\u{201D}'
            | '\u{2032}'
            | '\u{02B9}'
            | '\u{02BB}'
            | '\u{02BC}'
            | '\u{02BD}'
            | '\u{FF07}'
    )
}
