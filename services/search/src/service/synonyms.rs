//! Words that mean the same to a shopper.

use crate::{
    domain::Alternative,
    text::{self, Token},
};

/// What a synonym counts.
const PERCENT: u8 = 80;

/// One meaning in each row. Latin stands for both scripts.
const BUILT_IN: [&[&str]; 46] = [
    &["muzlatgich", "xolodilnik", "sovutgich", "refrigerator", "fridge"],
    &["televizor", "tv", "телик"],
    &["noutbuk", "laptop", "notebook", "ноут"],
    &["smartfon", "telefon", "smartphone", "phone", "мобильник"],
    &["poyabzal", "poyafzal", "обувь", "shoes", "oyoq kiyim"],
    &["koʻylak", "платье", "dress"],
    &["erkaklar koʻylagi", "рубашка", "shirt"],
    &["kir yuvish mashinasi", "стиральная машина", "стиралка", "washing machine", "washer"],
    &["changyutgich", "пылесос", "vacuum cleaner", "vacuum"],
    &["konditsioner", "кондиционер", "air conditioner", "кондей"],
    &["choynak", "чайник", "kettle", "teapot"],
    &["piyola", "пиала", "teacup"],
    &["dazmol", "утюг", "iron"],
    &["quloqchin", "наушники", "headphones", "earphones", "naushnik"],
    &["soat", "часы", "watch"],
    &["sumka", "сумка", "bag"],
    &["ryukzak", "рюкзак", "backpack"],
    &["kurtka", "jacket", "камзол"],
    &["futbolka", "t-shirt", "tshirt", "майка"],
    &["shim", "брюки", "trousers", "pants"],
    &["jinsi", "jins", "джинсы", "jeans"],
    &["krossovka", "кроссовки", "sneakers", "кеды"],
    &["etik", "сапоги", "ботинки", "boots"],
    &["oʻyinchoq", "игрушка", "toy"],
    &["kitob", "книга", "book"],
    &["velosiped", "велосипед", "bicycle", "bike"],
    &["stul", "стул", "chair"],
    &["stol", "стол", "table", "desk"],
    &["divan", "диван", "sofa", "couch"],
    &["karavot", "krovat", "кровать", "bed"],
    &["gilam", "ковер", "carpet", "rug"],
    &["koʻrpa", "одеяло", "blanket"],
    &["yostiq", "подушка", "pillow"],
    &["sochiq", "полотенце", "towel"],
    &["sovun", "мыло", "soap"],
    &["atir", "духи", "парфюм", "perfume"],
    &["kir yuvish kukuni", "стиральный порошок", "detergent"],
    &["choy", "чай", "tea"],
    &["qahva", "кофе", "coffee", "kofe"],
    &["guruch", "рис", "rice"],
    &["shakar", "сахар", "sugar"],
    &["yogʻ", "масло", "oil"],
    &["qozon", "казан", "cauldron"],
    &["tagliklar", "подгузники", "pampers", "diapers"],
    &["gʻilof", "чехол", "case", "chexol"],
    &["quvvatlagich", "зарядка", "зарядное устройство", "charger", "zaryadka"],
];

/// The table, read once.
#[derive(Debug)]
pub(super) struct Synonyms {
    rows: Vec<Vec<Vec<Token>>>,
}

impl Synonyms {
    pub(super) fn new(more: &[Vec<String>]) -> Self {
        let words = |phrase: &str| -> Vec<Token> {
            text::chunks(phrase)
                .into_iter()
                .filter_map(|chunk| chunk.joined.or_else(|| chunk.parts.into_iter().next()))
                .collect()
        };
        let built_in = BUILT_IN.iter().map(|row| row.iter().map(|phrase| words(phrase)).collect());
        let added = more.iter().map(|row| row.iter().map(|phrase| words(phrase)).collect());
        Self { rows: built_in.chain(added).collect() }
    }

    /// The longest phrase at the front that has synonyms: how many words it takes, and other ways to say it.
    pub(super) fn longest(&self, front: &[Option<&Token>]) -> (usize, Vec<Alternative>) {
        let phrases = self.rows.iter().flat_map(|row| row.iter().map(move |phrase| (row, phrase)));
        let matching: Vec<_> = phrases.filter(|(_, phrase)| begins_with(front, phrase)).collect();
        let used = matching.iter().map(|(_, phrase)| phrase.len()).max().unwrap_or(0);
        let mut alternatives: Vec<Alternative> = Vec::new();
        for (row, phrase) in matching.into_iter().filter(|(_, phrase)| phrase.len() == used) {
            for other in row.iter().filter(|other| *other != phrase && !other.is_empty()) {
                let alternative = Alternative { words: other.clone(), percent: PERCENT };
                if !alternatives.contains(&alternative) {
                    alternatives.push(alternative);
                }
            }
        }
        (used, alternatives)
    }
}

fn begins_with(front: &[Option<&Token>], phrase: &[Token]) -> bool {
    !phrase.is_empty()
        && front.len() >= phrase.len()
        && phrase
            .iter()
            .zip(front)
            .all(|(word, typed)| typed.is_some_and(|typed| same(word, typed)))
}

fn same(word: &Token, typed: &Token) -> bool {
    word.fold == typed.fold || word.loose.iter().any(|stem| typed.loose.contains(stem))
}
