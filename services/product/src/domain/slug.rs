//! Names in addresses, made from titles.

/// Characters at most.
pub const MAX: usize = 100;

/// Lower-case ASCII words joined by hyphens, from Uzbek in either script or Russian. Apostrophes are dropped; empty when nothing is left.
pub fn from_title(title: &str) -> String {
    let mut slug = String::with_capacity(title.len());
    let mut gap = false;
    let mut push = |text: &str, gap: &mut bool| {
        // Whole words are not kept whole at the limit: the suffix tells two apart.
        if slug.len() + text.len() + usize::from(*gap) > MAX - 8 {
            return;
        }
        if *gap && !slug.is_empty() {
            slug.push('-');
        }
        *gap = false;
        slug.push_str(text);
    };
    for letter in title.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => push(letter.encode_utf8(&mut [0; 4]), &mut gap),
            '\'' | '`' | '‘' | '’' | 'ʻ' | 'ʼ' | '´' | 'ъ' | 'ь' | '\u{301}' | '\u{307}' =>
                {}
            _ => match ascii(letter) {
                Some(text) => push(text, &mut gap),
                None => gap = true,
            },
        }
    }
    slug
}

/// Whether a text may be a slug.
pub fn is_valid(slug: &str) -> bool {
    (1..=MAX).contains(&slug.len())
        && slug.split('-').all(|word| {
            !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// The same with the end of an id behind it, for a slug that is taken.
pub fn with_suffix(slug: &str, id: &str) -> String {
    let tail: String = id.chars().rev().take(6).collect::<Vec<_>>().into_iter().rev().collect();
    let room = MAX.saturating_sub(tail.len() + 1);
    let slug: String = slug.chars().take(room).collect();
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { format!("mahsulot-{tail}") } else { format!("{slug}-{tail}") }
}

/// Uzbek Cyrillic and Russian as today's Uzbek Latin without apostrophes; letters with marks as those without.
fn ascii(letter: char) -> Option<&'static str> {
    Some(match letter {
        'а' | 'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ā' => "a",
        'б' => "b",
        'в' => "v",
        'г' | 'ғ' | 'ğ' | 'ǵ' => "g",
        'д' => "d",
        'е' | 'э' | 'é' | 'è' | 'ê' | 'ë' => "e",
        'ё' => "yo",
        'ж' => "j",
        'з' => "z",
        'и' | 'ы' | 'í' | 'ì' | 'î' | 'ï' | 'ı' => "i",
        'й' => "y",
        'к' => "k",
        'қ' => "q",
        'л' => "l",
        'м' => "m",
        'н' | 'ñ' => "n",
        'о' | 'ў' | 'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' | 'ú' | 'ù' | 'û' | 'ü' => "u",
        'ф' => "f",
        'х' | 'ҳ' => "h",
        'ц' => "ts",
        'ч' | 'ç' => "ch",
        'ш' | 'ş' => "sh",
        'щ' => "shch",
        'ю' => "yu",
        'я' => "ya",
        'ß' => "ss",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_scripts_give_the_same_words() {
        assert_eq!(from_title("O‘zbek gʻisht, 5 kg!"), "ozbek-gisht-5-kg");
        assert_eq!(from_title("Ўзбек ғишт, 5 кг!"), "ozbek-gisht-5-kg");
        assert_eq!(from_title("Samsung Galaxy A55 (8/256)"), "samsung-galaxy-a55-8-256");
        assert_eq!(from_title("  --Чойнак--  "), "choynak");
        assert_eq!(from_title("手机"), "");
    }

    #[test]
    fn a_taken_slug_gets_a_tail() {
        assert_eq!(with_suffix("choynak", "prod_01jd8x0m2qf4v8r6t3k5w7y9za"), "choynak-w7y9za");
        assert_eq!(with_suffix("", "prod_01jd8x0m2qf4v8r6t3k5w7y9za"), "mahsulot-w7y9za");
    }

    proptest! {
        #[test]
        fn every_title_gives_a_valid_slug(title in "\\PC{0,300}") {
            let slug = from_title(&title);
            prop_assert!(slug.is_empty() || is_valid(&slug), "{slug}");
            let longer = with_suffix(&slug, "prod_01jd8x0m2qf4v8r6t3k5w7y9za");
            prop_assert!(is_valid(&longer), "{longer}");
        }

        #[test]
        fn uzbek_titles_are_never_empty(title in "[а-яўқғҳa-z]{1,40}") {
            prop_assume!(title.chars().any(|letter| !matches!(letter, 'ъ' | 'ь')));
            prop_assert!(!from_title(&title).is_empty());
        }
    }
}
