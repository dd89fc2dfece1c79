//! Words typed in the wrong keyboard layout.

/// The keys of a US keyboard and what they give in the Russian layout.
const KEYS: [(char, char); 34] = [
    ('q', 'й'),
    ('w', 'ц'),
    ('e', 'у'),
    ('r', 'к'),
    ('t', 'е'),
    ('y', 'н'),
    ('u', 'г'),
    ('i', 'ш'),
    ('o', 'щ'),
    ('p', 'з'),
    ('[', 'х'),
    (']', 'ъ'),
    ('a', 'ф'),
    ('s', 'ы'),
    ('d', 'в'),
    ('f', 'а'),
    ('g', 'п'),
    ('h', 'р'),
    ('j', 'о'),
    ('k', 'л'),
    ('l', 'д'),
    (';', 'ж'),
    ('\'', 'э'),
    ('z', 'я'),
    ('x', 'ч'),
    ('c', 'с'),
    ('v', 'м'),
    ('b', 'и'),
    ('n', 'т'),
    ('m', 'ь'),
    (',', 'б'),
    ('.', 'ю'),
    ('`', 'ё'),
    ('/', '.'),
];

/// What the same keys give in the other layout; none when the text is not of one layout.
pub fn switch(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let latin = text.chars().any(|c| c.is_ascii_alphabetic());
    let cyrillic = text.chars().any(|c| matches!(c, 'а'..='я' | 'ё'));
    let swap = |c: char| -> Option<char> {
        if latin {
            KEYS.iter().find(|(us, _)| *us == c).map(|(_, russian)| *russian)
        } else {
            KEYS.iter().find(|(_, russian)| *russian == c).map(|(us, _)| *us)
        }
    };
    if latin == cyrillic {
        return None;
    }
    // Digits and spaces lie on the same keys; a letter that lies on none was not typed by mistake.
    text.chars().map(|c| swap(c).or_else(|| (!c.is_alphabetic()).then_some(c))).collect()
}
