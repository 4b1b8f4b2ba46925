//! Names for URLs.

/// What some languages spell out or transliterate in their own way: names of the language, and pairs of characters and text.
type Pairs = [(&'static str, &'static str)];
const LANGUAGES: &[(&[&str], &Pairs)] = &[
    (&["cs", "ces"], &[("&", "a"), ("@", "zavinac")]),
    (
        &["de", "deu"],
        &[
            ("&", "und"),
            ("@", "an"),
            ("äÄ", "ae"),
            ("öÖ", "oe"),
            ("üÜ", "ue"),
        ],
    ),
    (&["es", "spa"], &[("&", "y"), ("@", "en")]),
    (&["fi", "fin"], &[("&", "ja"), ("@", "at")]),
    (&["fr", "fra"], &[("&", "et"), ("@", "arobase")]),
    (
        &["gr", "el", "ell"],
        &[
            ("&", "kai"),
            ("βΒ", "v"),
            ("ηΗήΉιΙίΊϊΪΐ", "i"),
            ("ξΞ", "x"),
            ("υΥύΎϋΫΰ", "y"),
            ("φΦ", "f"),
            ("χΧ", "ch"),
            ("ωΩώΏ", "o"),
        ],
    ),
    (
        &["hu", "hun"],
        &[
            ("áÁ", "a"),
            ("éÉ", "e"),
            ("íÍ", "i"),
            ("óÓöÖőŐ", "o"),
            ("úÚüÜűŰ", "u"),
        ],
    ),
    (&["id", "idn", "ind"], &[("&", "dan")]),
    (&["it", "ita"], &[("&", "e"), ("@", "chiocciola")]),
    (
        &["kz", "kk", "kaz"],
        &[
            ("&", "jane"),
            ("әӘ", "a"),
            ("ғҒ", "g"),
            ("қҚ", "q"),
            ("ңҢ", "n"),
            ("өӨ", "o"),
            ("ұҰ", "u"),
        ],
    ),
    (
        &["nb", "nob", "nn", "nno"],
        &[
            ("&", "og"),
            ("@", "at"),
            ("æÆ", "ae"),
            ("øØ", "oe"),
            ("åÅ", "aa"),
        ],
    ),
    (&["nl", "nld"], &[("&", "en"), ("@", "at")]),
    (&["pl", "pol"], &[("&", "i"), ("@", "na")]),
    (
        &["pt", "prt", "br", "bra"],
        &[
            ("&", "e"),
            ("áÁ", "a"),
            ("éÉ", "e"),
            ("íÍ", "i"),
            ("óÓöÖ", "o"),
            ("úÚüÜ", "u"),
        ],
    ),
    (
        &["ro", "rou"],
        &[
            ("&", "si"),
            ("ĂăÂâ", "a"),
            ("Îî", "i"),
            ("Șș", "s"),
            ("Țț", "t"),
        ],
    ),
    (&["sl", "slv"], &[("&", "in"), ("Đđ", "dz")]),
    (&["sv", "swe"], &[("&", "och"), ("@", "snabel a")]),
    (
        &["tr", "tur"],
        &[
            ("&", "ve"),
            ("@", "et"),
            ("şŞ", "s"),
            ("üÜ", "u"),
            ("öÖ", "o"),
            ("İı", "i"),
            ("ğĞ", "g"),
            ("çÇ", "c"),
        ],
    ),
    (
        &["bg", "bgr"],
        &[
            ("АаЪъ", "a"),
            ("Бб", "b"),
            ("Вв", "v"),
            ("Гг", "g"),
            ("Дд", "d"),
            ("Ее", "e"),
            ("Жж", "zh"),
            ("Зз", "z"),
            ("Ии", "i"),
            ("ЙйЬь", "y"),
            ("Кк", "k"),
            ("Лл", "l"),
            ("Мм", "m"),
            ("Нн", "n"),
            ("Оо", "o"),
            ("Пп", "p"),
            ("Рр", "r"),
            ("Сс", "s"),
            ("Тт", "t"),
            ("Уу", "u"),
            ("Фф", "f"),
            ("Хх", "h"),
            ("Цц", "ts"),
            ("Чч", "ch"),
            ("ШшЩ", "sh"),
            ("щ", "sht"),
            ("Юю", "yu"),
            ("Яя", "ya"),
        ],
    ),
];

const ENGLISH: &Pairs = &[("&", "and"), ("@", "at")];

/// The text in small ASCII letters, digits, underscores, and single dashes for everything else.
pub(super) fn slug(text: &str, language: &str) -> String {
    let language = language.to_lowercase();
    let pairs = LANGUAGES
        .iter()
        .find(|(names, _)| names.contains(&language.as_str()))
        .map_or(ENGLISH, |(_, pairs)| pairs);
    let mut spelled = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '"' | '\'' | '’' => {}
            '‒' | '–' | '—' | '―' => spelled.push('-'),
            c => match pairs.iter().find(|(chars, _)| chars.contains(c)) {
                Some((_, words)) => spelled.push_str(words),
                None => spelled.push(c),
            },
        }
    }
    let parts: Vec<String> = spelled.split('_').map(part).collect();
    parts.join("_").trim_matches(['-', '_']).to_owned()
}

/// One part between underscores; a dash where it begins or ends with something that isn't kept.
fn part(text: &str) -> String {
    let slug = slug::slugify(text);
    let is_plain = |c: Option<char>| c.is_none_or(|c| c.is_alphanumeric());
    let before = if is_plain(text.chars().next()) {
        ""
    } else {
        "-"
    };
    let after = if is_plain(text.chars().next_back()) || slug.is_empty() {
        ""
    } else {
        "-"
    };
    format!("{before}{slug}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain() {
        for (text, language, wanted) in [
            ("Hello World", "en", "hello-world"),
            (
                "Gaufre & Poisson d'Eau Profonde",
                "fr",
                "gaufre-et-poisson-deau-profonde",
            ),
            ("日本語", "xx", "ri-ben-yu"),
            ("Käse-Öl", "de", "kaese-oel"),
            ("foo_bar -_- baz", "en", "foo_bar-_-baz"),
            ("  a=b&c  ", "en", "a-bandc"),
            ("--", "en", ""),
        ] {
            assert_eq!(slug(text, language), wanted);
        }
    }
}
