use proptest::prelude::*;

use super::*;

/// Words that are one word to a shopper.
const SAME_FOLD: &[&[&str]] = &[
    &["kurtka", "Kurtka", "куртка", "КУРТКА", "kurttka"],
    &["futbolka", "футболка"],
    &["muzlatgich", "музлатгич", "Muzlatgich"],
    &["xolodilnik", "holodilnik", "kholodilnik", "холодильник"],
    &["telefon", "телефон", "Телефон"],
    &[
        "oʻyinchoq",
        "o'yinchoq",
        "o`yinchok",
        "oyinchoq",
        "ўйинчоқ",
        "õyinchoq",
        "o‘yinchoq",
        "o’yinchoq",
    ],
    &["gʻilof", "g'ilof", "gilof", "ғилоф", "ğilof"],
    &["choynak", "чойнак", "çoynak"],
    &["shampun", "шампун", "шампунь", "şampun"],
    &["maʼno", "ma'no", "mano", "маъно"],
    &["televizor", "телевизор"],
    &["ayfon", "айфон"],
    &["jins", "жинс"],
    &["djinsi", "джинсы", "jinsi"],
    &["pitsa", "пицца", "pitssa"],
    &["kamera", "camera", "камера"],
    &["haridor", "xaridor", "харидор", "ҳаридор"],
    &["obyekt", "объект", "obekt"],
    &["tsirk", "цирк", "sirk"],
    &["qozon", "қозон", "kozon", "козон"],
    &["zharovnya", "жаровня"],
    &["ruchka", "ручка"],
];

#[test]
fn spellings_of_one_word_share_a_key() {
    for row in SAME_FOLD {
        let keys: Vec<String> = row.iter().map(|word| fold(word)).collect();
        assert!(keys.iter().all(|key| Some(key) == keys.first()), "{row:?} gave {keys:?}");
    }
}

#[test]
fn different_words_keep_different_keys() {
    for (a, b) in [
        ("olma", "olcha"),
        ("soat", "sut"),
        ("telefon", "televizor"),
        ("256", "255"),
        ("a55", "a5"),
    ] {
        assert_ne!(fold(a), fold(b), "{a} {b}");
    }
}

/// Forms of one word.
const SAME_STEM: &[&[&str]] = &[
    &[
        "choynak",
        "choynaklar",
        "choynagi",
        "choynakni",
        "choynaklarning",
        "чойнак",
        "чойнаклар",
        "чойнаги",
    ],
    &["kurtka", "kurtkalar", "kurtkasi", "kurtkalarni", "куртка", "куртки", "куртку", "куртками"],
    &[
        "telefon",
        "telefonlar",
        "telefoni",
        "telefonga",
        "телефон",
        "телефоны",
        "телефонов",
        "телефонлар",
    ],
    &["muzlatgich", "muzlatgichlar", "muzlatgichi", "музлатгичлар"],
    &["koʻylak", "koʻylagi", "koʻylaklari", "кўйлак", "кўйлаклар"],
    &["oʻyinchoq", "oʻyinchogʻi", "oʻyinchoqlar", "ўйинчоқлар"],
    &["кроссовки", "кроссовок", "кроссовка", "krossovka", "krossovkalar"],
    &["красный", "красная", "красное", "красные", "красного"],
    &["холодильник", "холодильники", "холодильников", "xolodilnik", "xolodilniklar"],
    &["headphone", "headphones"],
    &["jacket", "jackets", "jacket's"],
];

#[test]
fn forms_of_one_word_share_a_stem() {
    let stems =
        |word: &str| tokens(word).into_iter().flat_map(|token| token.loose).collect::<Vec<_>>();
    for row in SAME_STEM {
        let first = stems(row[0]);
        for word in *row {
            let other = stems(word);
            assert!(
                other.iter().any(|stem| first.contains(stem)),
                "{} {first:?}, {word} {other:?}",
                row[0]
            );
        }
    }
}

#[test]
fn strict_keys_keep_letters_apart() {
    let strict = |word: &str| tokens(word)[0].strict.clone();
    assert_eq!(strict("Қозон"), "qozon");
    assert_ne!(strict("qozon"), strict("kozon"));
    assert_ne!(strict("haridor"), strict("xaridor"));
    assert_eq!(strict("O'YINCHOQ"), "oʻyinchoq");
    assert_eq!(strict("Исҳоқ"), "isʼhoq");
    assert_eq!(strict("лицей"), "litsey");
}

#[test]
fn the_wrong_layout_is_read() {
    for (typed, meant) in [
        ("еудуащт", "telefon"),
        ("ntktajy", "телефон"),
        ("[jkjlbkmybr", "холодильник"),
        ("rehnrf", "куртка"),
        ("ыфьыгтп", "samsung"),
        ("ajnjuhfa", "фотограф"),
    ] {
        assert_eq!(switch(typed).as_deref(), Some(meant));
    }
    for neither in ["ўйинчоқ", "256", "", "telefon телефон"] {
        assert_eq!(switch(neither), None, "{neither}");
    }
}

#[test]
fn words_with_digits_are_found_both_ways() {
    let folds = |text: &str| tokens(text).into_iter().map(|token| token.fold).collect::<Vec<_>>();
    assert_eq!(folds("256GB"), ["256", "gb", "256gb"]);
    assert_eq!(folds("256 GB"), ["256", "gb"]);
    assert_eq!(folds("Wi-Fi"), ["vi", "fi", "vifi"]);
    assert_eq!(folds("«Galaxy S24», 5G!"), ["galaxy", "s", "24", "s24", "5", "g", "5g"]);
}

#[test]
fn prefixes_of_a_key() {
    assert_eq!(prefixes("kurtka").collect::<Vec<_>>(), ["ku", "kur", "kurt", "kurtk", "kurtka"]);
    assert_eq!(prefixes("k").count(), 0);
    assert_eq!(prefixes("abcdefghijklmnopqrstuvw").last().unwrap().len(), PREFIX_MAX);
    assert_eq!(fold_prefix("muzlatgic"), "muzlatgi");
}

#[test]
fn distances() {
    let far = |a: &str, b: &str, limit| {
        distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>(), limit)
    };
    assert_eq!(far("telefon", "telefon", 1), Some(0));
    assert_eq!(far("telefon", "telfon", 1), Some(1));
    assert_eq!(far("telefon", "tleefon", 1), Some(1), "neighbours swapped");
    assert_eq!(far("muzlatgich", "muslatgch", 2), Some(2));
    assert_eq!(far("telefon", "televizor", 2), None);
    assert_eq!(far("", "ab", 2), Some(2));
}

#[test]
fn cyrillic_keeps_capitals() {
    assert_eq!(to_cyrillic("Oʻyinchoq"), "Ўйинчоқ");
    assert_eq!(to_cyrillic("Shampun va Choynak"), "Шампун ва Чойнак");
    assert_eq!(to_cyrillic("Erkaklar koʻylagi"), "Эркаклар кўйлаги");
    assert_eq!(to_cyrillic("yoʻl, yer, poyezd, Yangi"), "йўл, ер, поезд, Янги");
    assert_eq!(to_cyrillic("O'zbekiston"), "Ўзбекистон");
}

/// Words of Uzbek sound, from its syllables.
fn uzbek_word() -> impl Strategy<Value = String> {
    let onset = prop::sample::select(vec![
        "b", "ch", "d", "f", "g", "gʻ", "h", "j", "k", "l", "m", "n", "p", "q", "r", "s", "sh",
        "t", "v", "x", "y", "z", "",
    ]);
    let vowel = prop::sample::select(vec!["a", "e", "i", "o", "oʻ", "u"]);
    let coda =
        prop::sample::select(vec!["", "", "k", "q", "l", "m", "n", "ng", "r", "sh", "z", "t"]);
    prop::collection::vec((onset, vowel, coda), 1..5)
        .prop_map(|parts| parts.into_iter().flat_map(|(a, b, c)| [a, b, c]).collect())
}

proptest! {
    #[test]
    fn folding_a_key_gives_the_key(text in any::<String>()) {
        let key = fold(&text);
        prop_assert_eq!(fold(&key), key);
    }

    #[test]
    fn folding_words_gives_keys(text in "[a-zʻʼ'а-яёўқғҳ0-9]{0,24}") {
        let key = fold(&text);
        prop_assert_eq!(fold(&key), key);
    }

    #[test]
    fn both_scripts_share_a_key(word in uzbek_word()) {
        prop_assert_eq!(fold(&to_cyrillic(&word)), fold(&word));
    }

    #[test]
    fn no_text_breaks_anything(text in any::<String>()) {
        for token in tokens(&text) {
            for form in [&token.strict, &token.fold].into_iter().chain(&token.loose) {
                prop_assert!(!form.is_empty() && !form.contains(char::is_whitespace), "{:?}", form);
            }
            prop_assert!(prefixes(&token.fold).count() <= PREFIX_MAX);
        }
        let _ = (switch(&text), to_cyrillic(&text), whole(&text), fold_prefix(&text));
    }

    #[test]
    fn distance_is_the_same_both_ways(a in "[a-d]{0,8}", b in "[a-d]{0,8}") {
        let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        prop_assert_eq!(distance(&a, &b, 3), distance(&b, &a, 3));
    }
}
