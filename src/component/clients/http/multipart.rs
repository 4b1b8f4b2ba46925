//! Bodies of several parts.

use crate::formats::go_quote::quote;
use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;

/// The most parts that a body may have.
const MAX_PARTS: usize = 100_000;

/// One part: its headers and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub headers: Vec<(String, String)>,
    pub content: Bytes,
}

/// What a content type says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Media {
    /// What parts of the body are told apart by, if it has parts; empty where that isn't said.
    pub boundary: Option<String>,
    /// What is wrong with it.
    pub fault: Option<&'static str>,
}

/// Reads a content type.
pub(crate) fn media(content_type: &str) -> Media {
    let (kind, rest) = match content_type.find(';') {
        Some(at) => content_type.split_at(at),
        None => (content_type, ""),
    };
    let kind = kind.trim().to_ascii_lowercase();
    let parameters = parameters(rest);
    Media {
        fault: fault(&kind).or(match parameters {
            Some(_) => None,
            None => Some("mime: invalid media parameter"),
        }),
        boundary: kind.starts_with("multipart/").then(|| {
            let all = parameters.unwrap_or_default();
            let boundary = all.into_iter().find(|(name, _)| name == "boundary");
            boundary.map(|(_, value)| value).unwrap_or_default()
        }),
    }
}

/// What is wrong with a type, such as `text/plain`.
fn fault(kind: &str) -> Option<&'static str> {
    let Some((_, rest)) = token(kind) else {
        return Some("mime: no media type");
    };
    if rest.is_empty() {
        return None;
    }
    let Some(below) = rest.strip_prefix('/') else {
        return Some("mime: expected slash after first token");
    };
    match token(below) {
        None => Some("mime: expected token after slash"),
        Some((_, "")) => None,
        Some(_) => Some("mime: unexpected content after media subtype"),
    }
}

/// The parameters that follow a type, unless one of them is none.
fn parameters(mut rest: &str) -> Option<Vec<(String, String)>> {
    let mut all = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(all);
        }
        rest = rest.strip_prefix(';')?.trim_start();
        if rest.is_empty() {
            return Some(all);
        }
        let (name, after) = token(rest)?;
        let after = after.trim_start().strip_prefix('=')?.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => token(after).map(|(value, after)| (value.to_owned(), after))?,
        };
        all.push((name.to_ascii_lowercase(), value));
        rest = after;
    }
}

fn token(text: &str) -> Option<(&str, &str)> {
    let fits = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c);
    let end = text.find(|c| !fits(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(letters.next()?.1),
            '\r' | '\n' => return None,
            _ => value.push(letter),
        }
    }
    None
}

/// The parts of a body; their contents share its bytes. A boundary is one at the beginning of a line.
pub(crate) fn parse_parts(body: &Bytes, boundary: &str) -> anyhow::Result<Vec<Part>> {
    ensure!(!boundary.is_empty(), "multipart: boundary is empty");
    let delimiter = format!("--{boundary}");
    let finder = memchr::memmem::Finder::new(delimiter.as_bytes());
    let mut parts = Vec::new();
    // What comes before the first boundary is for those who can't read parts.
    let Some(mut mark) = next_mark(body, 0, &finder, &delimiter) else {
        bail!("multipart: NextPart: EOF");
    };
    while !mark.is_last {
        ensure!(
            parts.len() < MAX_PARTS,
            "a body has more than {MAX_PARTS} parts"
        );
        let start = mark.end;
        let headers = read_headers(body, start)?;
        // The line end of the headers may be that of the next boundary.
        let next = next_mark(body, headers.1 - 1, &finder, &delimiter);
        mark = next.context("unexpected EOF")?;
        let content = body.slice(headers.1..mark.start.max(headers.1));
        parts.push(Part::new(headers.0, content)?);
    }
    Ok(parts)
}

/// A boundary: the line end before it and the one behind it belong to it.
struct Mark {
    start: usize,
    end: usize,
    is_last: bool,
}

fn next_mark(
    body: &[u8],
    mut from: usize,
    finder: &memchr::memmem::Finder<'_>,
    delimiter: &str,
) -> Option<Mark> {
    loop {
        let at = from + finder.find(&body[from..])?;
        let after = at + delimiter.len();
        from = after;
        let start = match &body[..at] {
            [] => 0,
            [.., b'\r', b'\n'] => at - 2,
            [.., b'\n'] => at - 1,
            _ => continue,
        };
        let line_end = memchr::memchr(b'\n', &body[after..]);
        let line = &body[after..line_end.map_or(body.len(), |end| after + end)];
        let end = line_end.map_or(body.len(), |end| after + end + 1);
        if line.starts_with(b"--") {
            return Some(Mark {
                start,
                end,
                is_last: true,
            });
        }
        if line_end.is_some() && line.trim_ascii().is_empty() {
            return Some(Mark {
                start,
                end,
                is_last: false,
            });
        }
    }
}

/// The headers of the part at `from`, and where its content begins.
fn read_headers(body: &[u8], from: usize) -> anyhow::Result<(Vec<(String, String)>, usize)> {
    let mut headers = Vec::new();
    let mut at = from;
    loop {
        let end = memchr::memchr(b'\n', &body[at..]).context("unexpected EOF")?;
        let line = body[at..at + end].trim_ascii_end();
        at += end + 1;
        if line.is_empty() {
            return Ok((headers, at));
        }
        let line = String::from_utf8_lossy(line);
        let Some((name, value)) = line.split_once(':') else {
            bail!("malformed MIME header: missing colon: {}", quote(&line));
        };
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
}

impl Part {
    /// A part whose content may be encoded so that it is text.
    fn new(mut headers: Vec<(String, String)>, content: Bytes) -> anyhow::Result<Part> {
        let encoded = headers.iter().position(|(name, value)| {
            name.eq_ignore_ascii_case("Content-Transfer-Encoding")
                && value.eq_ignore_ascii_case("quoted-printable")
        });
        let Some(at) = encoded else {
            return Ok(Part { headers, content });
        };
        headers.remove(at);
        let content = unquote_printable(&content)?.into();
        Ok(Part { headers, content })
    }
}

/// Decodes quoted-printable text: `=3D` is a byte, and `=` at the end of a line means that the line goes on.
fn unquote_printable(text: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let content = line.trim_ascii_end();
        let (content, goes_on) = match content {
            [content @ .., b'='] => (content, true),
            content => (content, false),
        };
        let mut rest = content;
        while let Some((byte, after)) = rest.split_first() {
            if *byte != b'=' {
                out.push(*byte);
                rest = after;
                continue;
            }
            let digits = after.get(..2).and_then(|d| std::str::from_utf8(d).ok());
            let byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
            out.push(byte.context("quotedprintable: invalid hex byte")?);
            rest = &after[2..];
        }
        if !goes_on {
            let end = [&b"\r\n"[..], b"\n"]
                .into_iter()
                .find(|end| line.ends_with(end));
            out.extend_from_slice(end.unwrap_or_default());
        }
    }
    Ok(out)
}

/// A boundary that no content has in it.
pub(crate) fn new_boundary() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Appends a part to a body.
pub(crate) fn write_part(
    body: &mut Vec<u8>,
    boundary: &str,
    headers: &[(&str, &str)],
    content: &[u8],
) {
    if !body.is_empty() {
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
    for (name, value) in headers {
        body.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    body.extend_from_slice(b"\r\n");
    body.extend_from_slice(content);
}

/// Ends a body.
pub(crate) fn write_parts_end(body: &mut Vec<u8>, boundary: &str) {
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_they_were_written() {
        let mut body = Vec::new();
        write_part(
            &mut body,
            "zz",
            &[("Content-Type", "text/plain")],
            b"one\r\n",
        );
        write_part(&mut body, "zz", &[], b"");
        write_part(&mut body, "zz", &[], b"--z");
        write_parts_end(&mut body, "zz");
        let parts = parse_parts(&body.into(), "zz").expect("parts");
        let contents: Vec<&[u8]> = parts.iter().map(|p| &*p.content).collect();
        assert_eq!(contents, [&b"one\r\n"[..], b"", b"--z"]);
        assert_eq!(
            parts[0].headers,
            [("Content-Type".to_owned(), "text/plain".to_owned())]
        );
    }

    #[test]
    fn broken_bodies_are_errors() {
        for (body, why) in [
            ("", "multipart: NextPart: EOF"),
            ("nothing", "multipart: NextPart: EOF"),
            ("--zz", "multipart: NextPart: EOF"),
            ("--zz\r\nno end", "unexpected EOF"),
            ("--zz\r\nA: b\r\n\r\nx", "unexpected EOF"),
            (
                "--zz\r\nA\r\n\r\nx\r\n--zz--",
                "malformed MIME header: missing colon: \"A\"",
            ),
        ] {
            let error = parse_parts(&Bytes::from(body), "zz").expect_err(body);
            assert_eq!(error.to_string(), why, "{body}");
        }
        assert!(parse_parts(&"x".into(), "").is_err());
    }

    #[test]
    fn boundaries_are_whole_lines() {
        for (body, wanted) in [
            (
                "before\r\n--zz\r\n\r\na--zz\r\n--zzb\r\n--zz--\r\nafter",
                &["a--zz\r\n--zzb"][..],
            ),
            ("--zz\nA: b\n\none\n--zz \t\n\n\n--zz--", &["one", ""]),
            ("--zz\r\n\r\n--zz\r\n\r\nx\r\n--zz--", &["", "x"]),
            ("--zz--\r\n", &[]),
            (
                "--zz\r\nContent-Transfer-Encoding: Quoted-Printable\r\n\r\na=3Db =\r\nc\r\nd\r\n--zz--",
                &["a=b c\r\nd"],
            ),
        ] {
            let parts = parse_parts(&Bytes::from(body), "zz").expect(body);
            let contents: Vec<&[u8]> = parts.iter().map(|p| &*p.content).collect();
            let wanted: Vec<&[u8]> = wanted.iter().map(|w| w.as_bytes()).collect();
            assert_eq!(contents, wanted, "{body}");
        }
    }

    #[test]
    fn boundaries_are_found() {
        let wrong = Some("mime: invalid media parameter");
        let table = [
            ("multipart/form-data; boundary=zz", Some("zz"), None),
            (
                "Multipart/Mixed; charset=x; Boundary=\"a \\\"b\";",
                Some("a \"b"),
                None,
            ),
            ("multipart/mixed; boundary=\"zz", Some(""), wrong),
            ("multipart/mixed", Some(""), None),
            ("text/plain; boundary=zz", None, None),
            ("text/plain; charset", None, wrong),
            ("text", None, None),
            ("", None, Some("mime: no media type")),
            ("a b", None, Some("mime: expected slash after first token")),
            ("a/", None, Some("mime: expected token after slash")),
        ];
        for (text, boundary, fault) in table {
            let boundary = boundary.map(str::to_owned);
            assert_eq!(media(text), Media { boundary, fault }, "{text}");
        }
    }
}
