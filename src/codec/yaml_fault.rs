//! What is wrong with a YAML text, in the words of Go's YAML, which users match on: `yaml: line 2: did not find expected key`.

use saphyr_parser::ScanError;

/// Which line a fault is told of.
#[derive(Clone, Copy)]
enum Line {
    /// Where the innermost open collection begins or else where the fault shows; both counted from 0, and 0 isn't told.
    Collection,
    /// Where the fault shows, counted from 0.
    Before,
    /// Where the fault shows, counted from 1, unless that is the first line.
    Here,
    None,
}

/// Ends of our parser's texts with Go's words for them.
const WORDS: &[(&str, &str, Line)] = &[
    (
        "expected ',' or ']'",
        "did not find expected ',' or ']'",
        Line::Collection,
    ),
    (
        "illegal placement of ':' indicator",
        "did not find expected ',' or ']'",
        Line::Collection,
    ),
    (
        "invalid indentation in flow construct",
        "did not find expected ',' or ']'",
        Line::Collection,
    ),
    (
        "did not find expected ',' or '}'",
        "did not find expected ',' or '}'",
        Line::Collection,
    ),
    (
        "did not find expected key",
        "did not find expected key",
        Line::Collection,
    ),
    (
        "invalid trailing content after double-quoted scalar",
        "did not find expected key",
        Line::Collection,
    ),
    (
        "did not find expected '-' indicator",
        "did not find expected '-' indicator",
        Line::Collection,
    ),
    (
        "did not find expected node content",
        "did not find expected node content",
        Line::Before,
    ),
    (
        "misplaced bracket",
        "did not find expected node content",
        Line::Before,
    ),
    (
        "did not find expected <document start>",
        "did not find expected <document start>",
        Line::Before,
    ),
    (
        "simple key expected",
        "could not find expected ':'",
        Line::Before,
    ),
    (
        "simple key expect ':'",
        "could not find expected ':'",
        Line::Before,
    ),
    (
        "found unprintable character",
        "control characters are not allowed",
        Line::None,
    ),
    (
        "tabs disallowed within this context (block indentation)",
        "found character that cannot start any token",
        Line::Here,
    ),
    (
        "tabs disallowed in this context",
        "found character that cannot start any token",
        Line::Here,
    ),
    (
        "did not find expected hexadecimal number",
        "did not find expected hexdecimal number",
        Line::Here,
    ),
];

/// The text of a fault; `collection` is the line of the innermost collection that is open, from 1.
pub(super) fn show(fault: &ScanError, text: &str, collection: Option<usize>) -> String {
    let (info, line) = (fault.info(), fault.marker().line());
    if info.ends_with("found unknown anchor") {
        let name: String = text
            .chars()
            .skip(fault.marker().index())
            .skip_while(|c| *c == '*')
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
            .collect();
        return format!("yaml: unknown anchor '{name}' referenced");
    }
    let known = WORDS.iter().find(|(ours, ..)| info.ends_with(ours));
    let (words, told) = match known {
        Some((_, words, told)) => (*words, *told),
        None if info.starts_with("unexpected character") => {
            ("found character that cannot start any token", Line::Here)
        }
        // What was being read isn't told.
        None => match info.split_once(", ") {
            Some((doing, what)) if doing.starts_with("while ") => (what, Line::Here),
            _ => (info, Line::Here),
        },
    };
    let line = match told {
        Line::Collection => match collection.map_or(0, |line| line.saturating_sub(1)) {
            0 => line.saturating_sub(1),
            line => line,
        },
        Line::Before => line.saturating_sub(1),
        Line::Here if line > 1 => line,
        Line::Here | Line::None => 0,
    };
    match line {
        0 => format!("yaml: {words}"),
        line => format!("yaml: line {line}: {words}"),
    }
}

/// Whether a text has a character that no YAML may have.
pub(super) fn has_control_characters(text: &str) -> bool {
    text.chars().any(|c| {
        let is_printable = matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        !is_printable
    })
}
