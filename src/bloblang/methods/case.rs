//! Upper, lower and title case as Go has them: character by character, without the rules that make two characters of one.

use unicode_segmentation::UnicodeSegmentation;

pub(super) fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

pub(super) fn lower(text: &str) -> String {
    text.chars().map(lower_char).collect()
}

/// Every word with a capital first letter and small ones after it.
pub(super) fn title(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii_alphabetic() || b == b' ') {
        return ascii_title(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    // Whether the part before was a character that may stand within a word.
    let mut joins = false;
    for part in text.split_word_bounds() {
        if inside && !joins && is_joint(part) {
            joins = true;
            out.push_str(part);
            continue;
        }
        inside &= joins && part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        joins = false;
        for c in part.chars() {
            inside &= !matches!(c, ',' | ';');
            let is_cased = c.is_uppercase() || c.is_lowercase() || title_pair(c).is_some();
            match (is_cased, inside) {
                (false, _) => out.push(c),
                (true, true) => out.extend(c.to_lowercase()),
                (true, false) => {
                    inside = true;
                    push_title(c, &mut out);
                }
            }
        }
    }
    out
}

/// Whether a character between the letters and digits of a word doesn't end the word.
fn is_joint(part: &str) -> bool {
    matches!(part, ":" | "." | "'" | "·" | "’" | "․")
}

/// The same where there are but letters and spaces: words are what lies between spaces.
fn ascii_title(text: &str) -> String {
    let mut inside = false;
    let recase = |c: char| {
        let cased = match inside {
            true => c.to_ascii_lowercase(),
            false => c.to_ascii_uppercase(),
        };
        inside = c != ' ';
        cased
    };
    text.chars().map(recase).collect()
}

fn push_title(c: char, out: &mut String) {
    if let Some(title) = title_pair(c) {
        out.push(title);
        return;
    }
    let mut upper = c.to_uppercase();
    out.extend(upper.next());
    for rest in upper {
        out.extend(rest.to_lowercase());
    }
}

/// Pairs of letters in one character have a form for titles besides those for capitals and small letters.
fn title_pair(c: char) -> Option<char> {
    Some(match c {
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        _ => return None,
    })
}

fn upper_char(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        // Greek with an iota below has a single capital, where the full mapping writes the iota out.
        _ => match c {
            '\u{1f80}'..='\u{1faf}' => char::from_u32(c as u32 | 8).unwrap_or(c),
            'ᾳ' | 'ῃ' | 'ῳ' => char::from_u32(c as u32 + 9).unwrap_or(c),
            _ => c,
        },
    }
}

fn lower_char(c: char) -> char {
    let mut lower = c.to_lowercase();
    lower.next().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_goes_by_characters() {
        assert_eq!(upper("straße é ǆ"), "STRAßE É Ǆ");
        assert_eq!(lower("ΟΔΟΣ İ"), "οδοσ i");
        assert_eq!(title("  heLLO wORLD x "), "  Hello World X ");
        assert_eq!(
            title("2020-01-01T10:00:00Z x0,0z x:-z"),
            "2020-01-01T10:00:00z X0,0Z X:-Z"
        );
        assert_eq!(
            title("heLLO o'neil 2nd {\"a\":1} straße"),
            "Hello O'neil 2Nd {\"A\":1} Straße"
        );
    }
}
