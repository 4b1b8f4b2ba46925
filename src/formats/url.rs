//! URLs and form data, taken apart as Go's `net/url` does, its error texts included.

use super::go_quote::quote;
use std::borrow::Cow;

/// A URL's parts. What isn't there is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    pub scheme: String,
    /// What follows the scheme where that isn't a path: `mailto:THIS`.
    pub opaque: String,
    /// Name, and password if there is one.
    pub user: Option<(String, Option<String>)>,
    /// With its port.
    pub host: String,
    pub path: String,
    /// The path as it was written, if it couldn't be told from `path`.
    pub raw_path: String,
    pub raw_query: String,
    pub fragment: String,
    pub raw_fragment: String,
}

/// Which part of a URL a text is: each escapes other characters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    User,
    Host,
    Query,
    Fragment,
}

/// Parses a URL, whole or relative.
pub fn parse(text: &str) -> Result<Url, String> {
    let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
    let fail = |shown: &str, why: String| format!("parse {}: {why}", quote(shown));
    let mut url = parse_before_fragment(before).map_err(|why| fail(before, why))?;
    if !fragment.is_empty() {
        url.fragment = unescape(fragment, Part::Fragment).map_err(|why| fail(text, why))?;
        if escape(&url.fragment, Part::Fragment) != fragment {
            url.raw_fragment = fragment.to_owned();
        }
    }
    Ok(url)
}

fn parse_before_fragment(text: &str) -> Result<Url, String> {
    let mut url = Url::default();
    if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return Err("net/url: invalid control character in URL".into());
    }
    if text == "*" {
        url.path = "*".into();
        return Ok(url);
    }
    let (scheme, mut rest) = split_scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    if rest.ends_with('?') && rest.matches('?').count() == 1 {
        rest = &rest[..rest.len() - 1];
    } else if let Some((before, query)) = rest.split_once('?') {
        rest = before;
        url.raw_query = query.to_owned();
    }
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_owned();
            return Ok(url);
        }
        let first = rest.split('/').next().unwrap_or_default();
        if first.contains(':') {
            return Err("first path segment in URL cannot contain colon".into());
        }
    }
    if let Some(authority) = rest.strip_prefix("//")
        && (!url.scheme.is_empty() || !rest.starts_with("///"))
    {
        let end = authority.find('/').unwrap_or(authority.len());
        let (authority, path) = authority.split_at(end);
        rest = path;
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        url.host = parse_host(host)?;
        url.user = user.map(parse_user).transpose()?;
    }
    url.path = unescape(rest, Part::Path)?;
    if escape(&url.path, Part::Path) != rest {
        url.raw_path = rest.to_owned();
    }
    Ok(url)
}

fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".into()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn parse_user(text: &str) -> Result<(String, Option<String>), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !text.chars().all(fits) {
        return Err("net/url: invalid userinfo".into());
    }
    match text.split_once(':') {
        Some((name, password)) => Ok((
            unescape(name, Part::User)?,
            Some(unescape(password, Part::User)?),
        )),
        None => Ok((unescape(text, Part::User)?, None)),
    }
}

fn parse_host(text: &str) -> Result<String, String> {
    let port = if text.starts_with('[') {
        let Some(end) = text.rfind(']') else {
            return Err("missing ']' in host".into());
        };
        &text[end + 1..]
    } else {
        text.rfind(':').map_or("", |at| &text[at..])
    };
    let is_port =
        port.is_empty() || port.starts_with(':') && port[1..].bytes().all(|b| b.is_ascii_digit());
    if !is_port {
        return Err(format!("invalid port {} after host", quote(port)));
    }
    unescape(text, Part::Host)
}

/// A path without its escapes; the error names one that is wrong.
pub fn decode_path(path: &str) -> Result<Cow<'_, str>, String> {
    match path.contains('%') {
        true => unescape(path, Part::Path).map(Cow::Owned),
        false => Ok(Cow::Borrowed(path)),
    }
}

/// A path with escapes where it needs them.
pub fn encode_path(path: &str) -> String {
    escape(path, Part::Path)
}

/// Takes the escapes out of a part.
fn unescape(text: &str, part: Part) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                let digits = bytes.get(at + 1..at + 3).and_then(|d| {
                    let digit = |b: u8| (b as char).to_digit(16);
                    Some((digit(d[0])? * 16 + digit(d[1])?) as u8)
                });
                let Some(byte) = digits else {
                    let end = (at + 3).min(bytes.len());
                    let shown = String::from_utf8_lossy(&bytes[at..end]);
                    return Err(format!("invalid URL escape {}", quote(&shown)));
                };
                if part == Part::Host && byte < 0x80 && &bytes[at..at + 3] != b"%25" {
                    let shown = String::from_utf8_lossy(&bytes[at..at + 3]);
                    return Err(format!("invalid URL escape {}", quote(&shown)));
                }
                out.push(byte);
                at += 3;
            }
            b'+' if part == Part::Query => {
                out.push(b' ');
                at += 1;
            }
            byte => {
                let fits = byte >= 0x80
                    || byte.is_ascii_alphanumeric()
                    || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte);
                if part == Part::Host && !fits {
                    let shown = char::from(byte).to_string();
                    return Err(format!("invalid character {} in host name", quote(&shown)));
                }
                out.push(byte);
                at += 1;
            }
        }
    }
    Ok(match String::from_utf8(out) {
        Ok(text) => text,
        Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
    })
}

/// Percent-encodes all but letters, digits, `-`, `.`, `_` and `~`.
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(byte as char);
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A part as Go would write it by itself.
fn escape(text: &str, part: Part) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric()
            || b"-_.~$&+:=@/".contains(&byte)
            || match part {
                Part::Path => b",;".contains(&byte),
                Part::Fragment => b"!()*,;?".contains(&byte),
                _ => false,
            };
        if plain {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Parses form data: names with their values, both in the order in which they came.
pub fn parse_query(text: &str) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut fields: Vec<(String, Vec<String>)> = Vec::new();
    for pair in text.split('&') {
        if pair.contains(';') {
            return Err("invalid semicolon separator in query".into());
        }
        if pair.is_empty() {
            continue;
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (unescape(key, Part::Query)?, unescape(value, Part::Query)?);
        match fields.iter_mut().find(|(k, _)| *k == key) {
            Some((_, values)) => values.push(value),
            None => fields.push((key, vec![value])),
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let url = parse("HTTP://u:p%40@h.com:80/p%2Fq?q=1#f%20g").expect("a URL");
        assert_eq!(url.scheme, "http");
        assert_eq!(url.user, Some(("u".into(), Some("p@".into()))));
        assert_eq!(url.host, "h.com:80");
        assert_eq!(
            (url.path.as_str(), url.raw_path.as_str()),
            ("/p/q", "/p%2Fq")
        );
        assert_eq!(url.raw_query, "q=1");
        assert_eq!(
            (url.fragment.as_str(), url.raw_fragment.as_str()),
            ("f g", "")
        );
        assert_eq!(parse("mailto:a@b").map(|u| u.opaque), Ok("a@b".into()));
        assert_eq!(
            parse("Hello World").map(|u| u.raw_path),
            Ok("Hello World".into())
        );
        assert_eq!(parse("/a,b;c").map(|u| u.raw_path), Ok(String::new()));
        assert_eq!(parse("/c(d)'e'").map(|u| u.raw_path), Ok("/c(d)'e'".into()));
        assert_eq!(parse("///x").map(|u| u.path), Ok("///x".into()));
    }

    #[test]
    fn faults_are_told_as_go_tells_them() {
        for (text, error) in [
            (
                "invalid %&# url",
                r#"parse "invalid %&": invalid URL escape "%&""#,
            ),
            ("a:b:c/d:e", ""),
            (
                "1:2",
                r#"parse "1:2": first path segment in URL cannot contain colon"#,
            ),
            (":x", r#"parse ":x": missing protocol scheme"#),
            (
                "http://h:x/",
                r#"parse "http://h:x/": invalid port ":x" after host"#,
            ),
            (
                "a\nb",
                r#"parse "a\nb": net/url: invalid control character in URL"#,
            ),
        ] {
            assert_eq!(parse(text).err().unwrap_or_default(), error, "{text}");
        }
        assert_eq!(
            parse_query("a=1&b&a=%20+").map(|f| f[0].1.clone()),
            Ok(vec!["1".into(), "  ".into()])
        );
        assert_eq!(
            parse_query("a;b").err().as_deref(),
            Some("invalid semicolon separator in query")
        );
    }
}
