//! The text of JSON strings: from its written form, and back.

use super::scan;
use std::borrow::Cow;

/// Whether text between quotes, without escapes, has to be written in another form than this: it isn't UTF-8, or has one of
/// the two line separators that are written as escapes.
pub(super) fn needs_rewrite(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_err() || has_separator(text)
}

/// U+2028 and U+2029, which some readers take for the end of a line.
fn has_separator(text: &[u8]) -> bool {
    memchr::memchr_iter(0xe2, text)
        .any(|at| matches!(text.get(at + 1..at + 3), Some([0x80, 0xa8 | 0xa9])))
}

/// The text that is written as `raw` between quotes. Escapes in it must be well-formed; bytes that aren't UTF-8 and surrogates
/// without their other half become U+FFFD, each one.
pub(super) fn decode(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        text.push_str(&repair(&rest[..at]));
        let escape = rest.get(at + 1).copied().unwrap_or(b'\\');
        rest = rest.get(at + 2..).unwrap_or_default();
        text.push(match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (char, used) = code_point(rest);
                rest = &rest[used..];
                char
            }
            other => char::from(other),
        });
    }
    text.push_str(&repair(rest));
    text
}

/// The character that the four hex digits after `\u` mean, or eight where a second escape completes a pair, and the bytes it took.
fn code_point(rest: &[u8]) -> (char, usize) {
    let hex = |at: usize| {
        let digits = rest.get(at..at + 4)?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let Some(first) = hex(0) else {
        return (char::REPLACEMENT_CHARACTER, rest.len().min(4));
    };
    if (0xd800..0xdc00).contains(&first)
        && rest.get(4..6) == Some(b"\\u")
        && let Some(second @ 0xdc00..0xe000) = hex(6)
    {
        let both = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (
            char::from_u32(both).unwrap_or(char::REPLACEMENT_CHARACTER),
            10,
        );
    }
    (
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        4,
    )
}

/// The bytes as text, each byte that doesn't belong to a character being U+FFFD.
pub(super) fn repair(bytes: &[u8]) -> Cow<'_, str> {
    let mut error = match std::str::from_utf8(bytes) {
        Ok(text) => return Cow::Borrowed(text),
        Err(error) => error,
    };
    let (mut text, mut rest) = (String::with_capacity(bytes.len() + 2), bytes);
    loop {
        let (good, bad) = rest.split_at(error.valid_up_to());
        text.push_str(std::str::from_utf8(good).expect("checked up to here"));
        text.push(char::REPLACEMENT_CHARACTER);
        rest = &bad[1..];
        match std::str::from_utf8(rest) {
            Ok(good) => {
                text.push_str(good);
                return Cow::Owned(text);
            }
            Err(next) => error = next,
        }
    }
}

/// Appends `text` between quotes.
pub(super) fn encode(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    if scan::is_short_and_plain(bytes) {
        return scan::append_short(bytes, out);
    }
    out.push(b'"');
    let (mut written, mut at) = (0, 0);
    loop {
        at = scan::plain(bytes, at);
        let Some(&byte) = bytes.get(at) else { break };
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x80.. => {
                match bytes.get(at..at + 3) {
                    Some([0xe2, 0x80, last @ (0xa8 | 0xa9)]) => {
                        out.extend_from_slice(&bytes[written..at]);
                        out.extend_from_slice(if *last == 0xa8 {
                            b"\\u2028"
                        } else {
                            b"\\u2029"
                        });
                        at += 3;
                        written = at;
                    }
                    _ => at += 1,
                }
                continue;
            }
            _ => 0,
        };
        out.extend_from_slice(&bytes[written..at]);
        if short == 0 {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
        at += 1;
        written = at;
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

/// The same for what isn't UTF-8: each byte that is wrong is the escape of U+FFFD.
#[cold]
pub(super) fn encode_ill_formed(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        let opening = out.len();
        encode(chunk.valid(), out);
        out.remove(opening);
        out.pop();
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_mean_what_they_mean_in_go() {
        for (raw, text) in [
            (&br"\u0041\/\n\b\f\r\t\\\x22"[..7], "A/"),
            (br#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (br"\ud83d\ude00!", "😀!"),
            (br"\ud83d", "\u{fffd}"),
            (br"\ud83dx", "\u{fffd}x"),
            (br"\ude00\ud83d\u0041", "\u{fffd}\u{fffd}A"),
            (b"a\xffb\xe2\x80c", "a\u{fffd}b\u{fffd}\u{fffd}c"),
            (b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
        ] {
            let raw = if text == "A/" { &br"\u0041\/"[..] } else { raw };
            assert_eq!(decode(raw), text, "{}", String::from_utf8_lossy(raw));
        }
    }

    #[test]
    fn text_is_written_as_go_writes_it() {
        for (text, written) in [
            ("", "\"\""),
            ("plain", "\"plain\""),
            ("a\"b\\c/d", r#""a\"b\\c/d""#),
            ("\u{0}\u{1f}\u{7f}", "\"\\u0000\\u001f\u{7f}\""),
            ("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#),
            ("<é\u{2028}日\u{2029}>", "\"<é\\u2028日\\u2029>\""),
        ] {
            let mut out = Vec::new();
            encode(text, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), written);
        }
    }
}
