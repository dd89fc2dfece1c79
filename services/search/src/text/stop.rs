//! Words that say nothing about what is looked for.

/// In Uzbek (both scripts), Russian and English, as written in lower case.
const STOP: [&str; 66] = [
    "va",
    "bilan",
    "ham",
    "yoki",
    "uchun",
    "bu",
    "shu",
    "u",
    "eng",
    "bir",
    "har",
    "esa",
    "lekin",
    "kerak",
    "ва",
    "билан",
    "ҳам",
    "ёки",
    "учун",
    "бу",
    "шу",
    "энг",
    "бир",
    "ҳар",
    "эса",
    "лекин",
    "керак",
    "и",
    "в",
    "во",
    "на",
    "для",
    "с",
    "со",
    "по",
    "из",
    "от",
    "до",
    "или",
    "не",
    "к",
    "ко",
    "о",
    "об",
    "у",
    "за",
    "под",
    "над",
    "при",
    "как",
    "the",
    "a",
    "an",
    "for",
    "and",
    "or",
    "of",
    "with",
    "in",
    "on",
    "to",
    "by",
    "from",
    "нужен",
    "нужна",
    "купить",
];

/// Whether the word, in its canonical form, may be left out of a query.
pub fn is_stop_word(surface: &str) -> bool {
    STOP.contains(&surface)
}

/// Words that turn their neighbours from the thing into what the thing is for: "telefon uchun gʻilof", "чехол для телефона".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The word before it.
    Before,
    /// The words after it.
    After,
}

/// Which neighbours a word turns.
pub fn turn(surface: &str) -> Option<Turn> {
    match surface {
        "uchun" | "учун" => Some(Turn::Before),
        "для" | "for" => Some(Turn::After),
        _ => None,
    }
}
