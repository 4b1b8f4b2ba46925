//! Bodies of several parts.

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

/// The boundary that a content type names, if it is one of several parts.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty()).then_some(value)
    })
}

/// The parts of a body; their contents share its bytes.
pub(crate) fn parse_parts(body: &Bytes, boundary: &str) -> anyhow::Result<Vec<Part>> {
    let delimiter = format!("--{boundary}");
    let finder = memchr::memmem::Finder::new(delimiter.as_bytes());
    let mut at = finder.find(body).context("the body has no parts in it")?;
    let mut parts = Vec::new();
    loop {
        at += delimiter.len();
        if body[at..].starts_with(b"--") {
            return Ok(parts);
        }
        let line = memchr::memchr(b'\n', &body[at..]).context("a part doesn't begin")?;
        let start = at + line + 1;
        let end = start + finder.find(&body[start..]).context("a part doesn't end")?;
        // The line end before a boundary belongs to it.
        let mut last = end;
        if last > start && body[last - 1] == b'\n' {
            last -= 1;
            if last > start && body[last - 1] == b'\r' {
                last -= 1;
            }
        }
        ensure!(
            parts.len() < MAX_PARTS,
            "a body has more than {MAX_PARTS} parts"
        );
        parts.push(parse_part(body.slice(start..last))?);
        at = end;
    }
}

fn parse_part(part: Bytes) -> anyhow::Result<Part> {
    let mut headers = Vec::new();
    let mut at = 0;
    loop {
        let Some(end) = memchr::memchr(b'\n', &part[at..]) else {
            bail!("the headers of a part don't end");
        };
        let line = part[at..at + end].trim_ascii_end();
        at += end + 1;
        if line.is_empty() {
            let content = part.slice(at..);
            return Ok(Part { headers, content });
        }
        let line = String::from_utf8_lossy(line);
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        if at >= part.len() {
            let content = Bytes::new();
            return Ok(Part { headers, content });
        }
    }
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
        for body in [
            "",
            "nothing",
            "--zz",
            "--zz\r\nno end",
            "--zz\r\nA: b\r\n\r\nx",
        ] {
            assert!(parse_parts(&Bytes::from(body), "zz").is_err(), "{body}");
        }
    }

    #[test]
    fn boundaries_are_found() {
        let table = [
            ("multipart/form-data; boundary=zz", Some("zz")),
            ("Multipart/Mixed; charset=x; Boundary=\"a b\"", Some("a b")),
            ("text/plain; boundary=zz", None),
            ("multipart/mixed", None),
        ];
        for (text, wanted) in table {
            assert_eq!(boundary(text), wanted, "{text}");
        }
    }
}
