//! What kind of content bytes are, guessed from how they begin, as Go's HTTP server does where nobody says.

/// How contents begin that aren't told by being text or not.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"%PDF-", "application/pdf"),
    (b"\x1f\x8b\x08", "application/x-gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
];

/// Tags that a page of HTML may begin with.
const TAGS: &[&str] = &[
    "<!doctype html",
    "<html",
    "<head",
    "<script",
    "<iframe",
    "<h1",
    "<div",
    "<font",
    "<table",
    "<a",
    "<style",
    "<title",
    "<b",
    "<body",
    "<br",
    "<p",
];

/// How many bytes are looked at.
const LOOKED_AT: usize = 512;

/// The media type of a content.
pub fn guess(content: &[u8]) -> &'static str {
    let start = &content[..content.len().min(LOOKED_AT)];
    let text = start.trim_ascii_start();
    if text.starts_with(b"<?xml") {
        return "text/xml; charset=utf-8";
    }
    if TAGS.iter().any(|tag| begins_with_tag(text, tag.as_bytes())) {
        return "text/html; charset=utf-8";
    }
    if let Some((_, kind)) = SIGNATURES
        .iter()
        .find(|(begin, _)| start.starts_with(begin))
    {
        return kind;
    }
    if start.iter().any(is_binary) {
        return "application/octet-stream";
    }
    "text/plain; charset=utf-8"
}

fn begins_with_tag(text: &[u8], tag: &[u8]) -> bool {
    text.len() > tag.len()
        && text[..tag.len()].eq_ignore_ascii_case(tag)
        && matches!(text[tag.len()], b' ' | b'>')
}

/// Whether no text has such a byte.
fn is_binary(byte: &u8) -> bool {
    matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_the_beginning() {
        for (content, kind) in [
            (&b"abc"[..], "text/plain; charset=utf-8"),
            (b"", "text/plain; charset=utf-8"),
            (b"{\"a\":1}", "text/plain; charset=utf-8"),
            (b" <?xml version", "text/xml; charset=utf-8"),
            (b"\n<HTML>", "text/html; charset=utf-8"),
            (b"<bold>", "text/plain; charset=utf-8"),
            (b"a\x00b", "application/octet-stream"),
            (b"GIF89a..", "image/gif"),
        ] {
            assert_eq!(guess(content), kind, "{content:?}");
        }
    }
}
