//! HTML: entities, and text without its tags.

/// The five characters that mean something in HTML, as entities.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape_into(text, &mut out);
    out
}

fn escape_into(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&#39;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
}

/// Entities that are also known without a semicolon.
const BARE: &[&str] = &[
    "AElig", "AMP", "Aacute", "Acirc", "Agrave", "Aring", "Atilde", "Auml", "COPY", "Ccedil",
    "ETH", "Eacute", "Ecirc", "Egrave", "Euml", "GT", "Iacute", "Icirc", "Igrave", "Iuml", "LT",
    "Ntilde", "Oacute", "Ocirc", "Ograve", "Oslash", "Otilde", "Ouml", "QUOT", "REG", "THORN",
    "Uacute", "Ucirc", "Ugrave", "Uuml", "Yacute", "aacute", "acirc", "acute", "aelig", "agrave",
    "amp", "aring", "atilde", "auml", "brvbar", "ccedil", "cedil", "cent", "copy", "curren", "deg",
    "divide", "eacute", "ecirc", "egrave", "eth", "euml", "frac12", "frac14", "frac34", "gt",
    "iacute", "icirc", "iexcl", "igrave", "iquest", "iuml", "laquo", "lt", "macr", "micro",
    "middot", "nbsp", "not", "ntilde", "oacute", "ocirc", "ograve", "ordf", "ordm", "oslash",
    "otilde", "ouml", "para", "plusmn", "pound", "quot", "raquo", "reg", "sect", "shy", "sup1",
    "sup2", "sup3", "szlig", "thorn", "times", "uacute", "ucirc", "ugrave", "uml", "uuml",
    "yacute", "yen", "yuml",
];

/// What the numbers 0x80 to 0x9f mean: browsers take them from Windows-1252.
const WINDOWS: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}',
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}',
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

/// Entities replaced by what they stand for; what isn't one stays.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let used = entity(&rest[1..], &mut out);
        if used == 0 {
            out.push('&');
        }
        rest = &rest[1 + used..];
    }
    out.push_str(rest);
    out
}

/// Writes what the entity at the start of `text` (after its `&`) stands for, and returns how much it takes; 0 if there is none.
fn entity(text: &str, out: &mut String) -> usize {
    if let Some(number) = text.strip_prefix('#') {
        return numeric(number, out).map_or(0, |used| used + 1);
    }
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(text.len());
    let name = &text[..end];
    if text[end..].starts_with(';')
        && let Some(found) = quick_xml::escape::resolve_html5_entity(name)
    {
        out.push_str(found);
        return end + 1;
    }
    let bare = (2..=name.len().min(6))
        .rev()
        .find(|&len| BARE.contains(&&name[..len]));
    let Some(len) = bare else { return 0 };
    let found = quick_xml::escape::resolve_html5_entity(&name[..len]);
    out.push_str(found.unwrap_or_default());
    len + usize::from(len == end && text[end..].starts_with(';'))
}

fn numeric(text: &str, out: &mut String) -> Option<usize> {
    let (digits, radix, prefix) = match text.strip_prefix(['x', 'X']) {
        Some(hex) => (hex, 16, 1),
        None => (text, 10, 0),
    };
    let len = digits
        .bytes()
        .take_while(|b| (*b as char).is_digit(radix))
        .count();
    if len == 0 {
        return None;
    }
    let number = u32::from_str_radix(&digits[..len], radix).unwrap_or(u32::MAX);
    out.push(match number {
        0x80..=0x9f => WINDOWS[(number - 0x80) as usize],
        0 => char::REPLACEMENT_CHARACTER,
        number => char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER),
    });
    Some(prefix + len + usize::from(digits[len..].starts_with(';')))
}

/// Elements whose content goes with their tags.
const WITH_CONTENT: &[&str] = &[
    "frame", "frameset", "iframe", "noembed", "noframes", "noscript", "nostyle", "object",
    "script", "style",
];

/// Elements whose content is text whatever it looks like.
const RAW: &[&str] = &[
    "iframe",
    "noembed",
    "noframes",
    "noscript",
    "plaintext",
    "script",
    "style",
    "textarea",
    "title",
    "xmp",
];

/// Elements that mean nothing without attributes; their tags always go.
const NEEDING_ATTRIBUTES: &[&str] = &[
    "a", "area", "base", "bdo", "embed", "font", "form", "img", "input", "label", "link", "map",
    "meta", "meter", "param", "progress", "source", "track",
];

/// The text without tags and comments, escaped; tags of elements that `kept` knows stay, without attributes.
pub(super) fn strip(text: &str, kept: impl Fn(&str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // How deep inside elements whose content is dropped.
    let mut dropped = 0usize;
    while !rest.is_empty() {
        let Some(at) = rest.find('<') else {
            push_text(rest, dropped, &mut out);
            break;
        };
        push_text(&rest[..at], dropped, &mut out);
        rest = &rest[at..];
        let Some(tag) = Tag::read(rest) else {
            push_text("<", dropped, &mut out);
            rest = &rest[1..];
            continue;
        };
        rest = &rest[tag.len..];
        let Some(name) = tag.name else { continue };
        if kept(&name) && !NEEDING_ATTRIBUTES.contains(&name.as_str()) {
            if dropped == 0 {
                out.push_str(if tag.is_end { "</" } else { "<" });
                out.push_str(&name);
                out.push_str(if tag.is_empty { "/>" } else { ">" });
            }
        } else if WITH_CONTENT.contains(&name.as_str()) {
            match (tag.is_end, tag.is_empty) {
                (true, _) => dropped = dropped.saturating_sub(1),
                (false, false) => dropped += 1,
                (false, true) => {}
            }
        }
        if !tag.is_end && !tag.is_empty && RAW.contains(&name.as_str()) {
            let end = raw_end(rest, &name);
            push_text(&rest[..end], dropped, &mut out);
            rest = &rest[end..];
        }
    }
    out
}

fn push_text(text: &str, dropped: usize, out: &mut String) {
    if dropped == 0 {
        escape_into(&unescape(text), out);
    }
}

/// Where the content of a raw element ends.
fn raw_end(text: &str, name: &str) -> usize {
    let mut from = 0;
    while let Some(at) = text[from..].find("</") {
        let start = from + at;
        let after = &text[start + 2..];
        if after
            .get(..name.len())
            .is_some_and(|n| n.eq_ignore_ascii_case(name))
            && after[name.len()..]
                .starts_with(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>')
        {
            return start;
        }
        from = start + 2;
    }
    text.len()
}

/// A tag, comment or declaration at the start of some text.
struct Tag {
    /// None for what is no tag.
    name: Option<String>,
    is_end: bool,
    is_empty: bool,
    len: usize,
}

impl Tag {
    /// Reads what `text`, which starts with `<`, begins with; none if that is no markup.
    fn read(text: &str) -> Option<Tag> {
        let skip = |len| {
            Some(Tag {
                name: None,
                is_end: false,
                is_empty: false,
                len,
            })
        };
        if let Some(comment) = text.strip_prefix("<!--") {
            let end = comment.find("-->").map_or(text.len(), |at| 4 + at + 3);
            return skip(end);
        }
        let is_end = text.starts_with("</");
        let after = &text[1 + usize::from(is_end)..];
        match after.chars().next()? {
            'a'..='z' | 'A'..='Z' => {}
            '!' | '?' => return skip(text.find('>').map_or(text.len(), |at| at + 1)),
            '>' if is_end => return skip(3),
            _ if is_end => return skip(text.find('>').map_or(text.len(), |at| at + 1)),
            _ => return None,
        }
        let name_len = after
            .find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>')
            .unwrap_or(after.len());
        let mut quote = None;
        let mut end = None;
        let mut previous = ' ';
        let mut is_empty = false;
        for (at, c) in after[name_len..].char_indices() {
            match (quote, c) {
                (Some(q), c) if c == q => quote = None,
                (Some(_), _) => {}
                (None, '"' | '\'') if previous == '=' => quote = Some(c),
                (None, '>') => {
                    is_empty = previous == '/';
                    end = Some(name_len + at + 1);
                    break;
                }
                _ => {}
            }
            if !c.is_ascii_whitespace() {
                previous = c;
            }
        }
        // A tag that never ends takes the rest of the text with it.
        let Some(end) = end else {
            return skip(text.len());
        };
        Some(Tag {
            name: Some(after[..name_len].to_ascii_lowercase()),
            is_end,
            is_empty,
            len: text.len() - after.len() + end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_read() {
        for (text, wanted) in [
            ("&lt;a&gt; &amp;amp; &quot;", "<a> &amp; \""),
            ("&eacute;&#233;&#xE9;&eacute", "éééé"),
            ("&notit; &nope; & &#; &#x;", "¬it; &nope; & &#; &#x;"),
            ("&#128;&#0;&#99999999;", "€\u{fffd}\u{fffd}"),
            ("&CounterClockwiseContourIntegral;", "∳"),
        ] {
            assert_eq!(unescape(text), wanted);
        }
    }

    #[test]
    fn tags_are_stripped() {
        let none = |text| strip(text, |_| false);
        assert_eq!(none("<a href='x>y'>T&amp;J</a>"), "T&amp;J");
        assert_eq!(none("a < b <!-- c --> d<br/>e"), "a &lt; b  de");
        assert_eq!(
            none("x<script>if (a < b) {}</script>y<style>p{}</style>z"),
            "xyz"
        );
        assert_eq!(none("x<b"), "x");
        assert_eq!(
            strip("<article id=1><p>t</p></ARTICLE>", |n| n == "article"),
            "<article>t</article>"
        );
    }
}
