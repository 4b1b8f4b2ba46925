//! Sprig's functions on text.

use super::call::{Held, functions, shown};
use super::lists::texts;
use crate::formats::{go_base::encode_hex, go_quote, go_regex};
use crate::value::Value;
use base64::Engine;
use md5::Digest;

/// The longest text that a repetition makes.
const MAX_TEXT: usize = 16 << 20;

functions! {
    "hello" () |_| Ok("Hello!".into());
    "trim" (Text) |a| Ok(a[0].text().trim().into());
    "upper" (Text) |a| Ok(a[0].text().to_uppercase().into());
    "lower" (Text) |a| Ok(a[0].text().to_lowercase().into());
    "title" (Text) |a| Ok(title(a[0].text()).into());
    "untitle" (Text) |a| Ok(words(a[0].text(), |c| c.to_lowercase().collect()).into());
    "swapcase" (Text) |a| Ok(swapped(a[0].text()).into());
    "snakecase" (Text) |a| Ok(parts(a[0].text()).join("_").into());
    "kebabcase" (Text) |a| Ok(parts(a[0].text()).join("-").into());
    "camelcase" (Text) |a| Ok(parts(a[0].text()).iter().map(|w| title(w)).collect::<String>().into());
    "nospace" (Text) |a| Ok(a[0].text().chars().filter(|c| !c.is_whitespace()).collect::<String>().into());
    "initials" (Text) |a| Ok(a[0].text().split_whitespace().filter_map(|w| w.chars().next()).collect::<String>().into());
    "repeat" (Int, Text) |a| repeat(a[1].text(), a[0].int()).map(Value::from);
    "trimall" (Text, Text) |a| Ok(trimmed(a).into());
    "trimAll" (Text, Text) |a| Ok(trimmed(a).into());
    "trimSuffix" (Text, Text) |a| Ok(a[1].text().strip_suffix(a[0].text()).unwrap_or(a[1].text()).into());
    "trimPrefix" (Text, Text) |a| Ok(a[1].text().strip_prefix(a[0].text()).unwrap_or(a[1].text()).into());
    "contains" (Text, Text) |a| Ok(a[1].text().contains(a[0].text()).into());
    "hasPrefix" (Text, Text) |a| Ok(a[1].text().starts_with(a[0].text()).into());
    "hasSuffix" (Text, Text) |a| Ok(a[1].text().ends_with(a[0].text()).into());
    "replace" (Text, Text, Text) |a| limited(a[2].text().replace(a[0].text(), a[1].text()));
    "substr" (Int, Int, Text) |a| substring(a);
    "trunc" (Int, Text) |a| Ok(truncated(a[0].int(), a[1].text()).into());
    "abbrev" (Int, Text) |a| Ok(abbreviated(0, a[0].int(), a[1].text()).into());
    "abbrevboth" (Int, Int, Text) |a| Ok(abbreviated(a[0].int(), a[1].int(), a[2].text()).into());
    "wrap" (Int, Text) |a| Ok(wrapped(a[0].int(), "\n", a[1].text(), false).into());
    "wrapWith" (Int, Text, Text) |a| Ok(wrapped(a[0].int(), a[1].text(), a[2].text(), true).into());
    "indent" (Int, Text) |a| indented("", a);
    "nindent" (Int, Text) |a| indented("\n", a);
    "plural" (Text, Text, Int) |a| Ok(a[usize::from(a[2].int() != 1)].text().into());
    "quote" (; Any) |a| Ok(each(a, |v| go_quote::quote(&shown(v))).into());
    "squote" (; Any) |a| Ok(each(a, |v| format!("'{}'", crate::codec::go_fmt::show(v))).into());
    "cat" (; Any) |a| Ok(each(a, crate::codec::go_fmt::show).into());
    "toString" (Any) |a| Ok(a[0].shown().into_owned().into());
    "toStrings" (Any) |a| Ok(text_list(texts(a[0].get())));
    "join" (Text, Any) |a| limited(texts(a[1].get()).join(a[0].text()));
    "split" (Text, Text) |a| Ok(numbered(split(a[1].text(), a[0].text(), None)));
    "splitn" (Text, Int, Text) |a| Ok(numbered(split(a[2].text(), a[0].text(), Some(a[1].int()))));
    "splitList" (Text, Text) |a| Ok(text_list(split(a[1].text(), a[0].text(), None)));
    "sortAlpha" (Any) |a| {
        let mut all = match a[0].get() {
            Value::Array(_) => texts(a[0].get()),
            other => vec![shown(other).into_owned()],
        };
        all.sort();
        Ok(text_list(all))
    };
    "b64enc" (Text) |a| Ok(base64::engine::general_purpose::STANDARD.encode(a[0].text()).into());
    "b64dec" (Text) |a| Ok(match base64::engine::general_purpose::STANDARD.decode(a[0].text()) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        Err(_) => "illegal base64 data".into(),
    });
    "b32enc" (Text) |a| Ok(base32(a[0].text().as_bytes()).into());
    "b32dec" (Text) |a| Ok(from_base32(a[0].text()).unwrap_or_else(|| "illegal base32 data".into()).into());
    "sha1sum" (Text) |a| Ok(encode_hex(&sha1::Sha1::digest(a[0].text())).into());
    "sha256sum" (Text) |a| Ok(encode_hex(&sha2::Sha256::digest(a[0].text())).into());
    "sha512sum" (Text) |a| Ok(encode_hex(&sha2::Sha512::digest(a[0].text())).into());
    "adler32sum" (Text) |a| Ok(adler32(a[0].text().as_bytes()).to_string().into());
    "uuidv4" () |_| Ok(uuid::Uuid::new_v4().to_string().into());
    "fail" (Text) |a| Err(a[0].text().to_owned());
    "base" (Text) |a| Ok(base(a[0].text()).into());
    "dir" (Text) |a| Ok(clean(a[0].text().rfind('/').map_or("", |n| &a[0].text()[..=n])).into());
    "clean" (Text) |a| Ok(clean(a[0].text()).into());
    "ext" (Text) |a| Ok(extension(a[0].text()).into());
    "isAbs" (Text) |a| Ok(a[0].text().starts_with('/').into());
    "osBase" (Text) |a| Ok(base(a[0].text()).into());
    "osDir" (Text) |a| Ok(clean(a[0].text().rfind('/').map_or("", |n| &a[0].text()[..=n])).into());
    "osClean" (Text) |a| Ok(clean(a[0].text()).into());
    "osExt" (Text) |a| Ok(extension(a[0].text()).into());
    "osIsAbs" (Text) |a| Ok(a[0].text().starts_with('/').into());
    "regexMatch" (Text, Text) |a| Ok(regex(a).is_ok_and(|r| r.is_match(a[1].text())).into());
    "mustRegexMatch" (Text, Text) |a| Ok(regex(a)?.is_match(a[1].text()).into());
    "regexFind" (Text, Text) |a| found(a);
    "mustRegexFind" (Text, Text) |a| found(a);
    "regexFindAll" (Text, Text, Int) |a| all(a);
    "mustRegexFindAll" (Text, Text, Int) |a| all(a);
    "regexSplit" (Text, Text, Int) |a| pieces(a);
    "mustRegexSplit" (Text, Text, Int) |a| pieces(a);
    "regexReplaceAll" (Text, Text, Text) |a| replaced(a);
    "mustRegexReplaceAll" (Text, Text, Text) |a| replaced(a);
    "regexReplaceAllLiteral" (Text, Text, Text) |a| literally(a);
    "mustRegexReplaceAllLiteral" (Text, Text, Text) |a| literally(a);
    "regexQuoteMeta" (Text) |a| Ok(quoted_pattern(a[0].text()).into());
}

fn limited(text: String) -> Result<Value, String> {
    match text.len() > MAX_TEXT {
        true => Err(format!("the result would be longer than {MAX_TEXT} bytes")),
        false => Ok(text.into()),
    }
}

fn repeat(text: &str, count: i64) -> Result<String, String> {
    let count = usize::try_from(count).map_err(|_| "strings: negative Repeat count")?;
    match text.len().checked_mul(count) {
        Some(length) if length <= MAX_TEXT => Ok(text.repeat(count)),
        _ => Err(format!("the result would be longer than {MAX_TEXT} bytes")),
    }
}

pub(super) fn text_list(texts: Vec<String>) -> Value {
    texts
        .into_iter()
        .map(Value::from)
        .collect::<Vec<_>>()
        .into()
}

/// Applies `change` to the first letter of each word.
fn words(text: &str, change: fn(char) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        match in_word {
            true => out.push(c),
            false => out.push_str(&change(c)),
        }
        in_word = c == '_' || c.is_alphanumeric() || !c.is_ascii() && !c.is_whitespace();
    }
    out
}

fn title(text: &str) -> String {
    words(text, |c| c.to_uppercase().collect())
}

/// Large letters small; small ones large, or as in titles at a word's beginning.
fn swapped(text: &str) -> String {
    let swap = |c: char| match c.is_uppercase() {
        true => c.to_lowercase().collect::<String>(),
        false => c.to_uppercase().collect(),
    };
    text.chars().map(swap).collect()
}

/// The words of a name in any spelling, in small letters.
fn parts(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<String> = Vec::new();
    let mut is_new = true;
    for (i, &c) in chars.iter().enumerate() {
        if matches!(c, '_' | '-' | ' ' | '.') {
            is_new = true;
            continue;
        }
        let before = i.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(i + 1);
        is_new |= c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit())
                || after.is_some_and(|a| a.is_lowercase()));
        match out.last_mut() {
            Some(word) if !is_new => word.extend(c.to_lowercase()),
            _ => out.push(c.to_lowercase().collect()),
        }
        is_new = false;
    }
    out
}

fn trimmed(args: &[Held]) -> &str {
    let set: Vec<char> = args[0].text().chars().collect();
    args[1].text().trim_matches(&set[..])
}

/// Bytes of a text as one, without what a cut leaves of a letter.
fn piece(text: &str, from: usize, to: usize) -> String {
    String::from_utf8_lossy(&text.as_bytes()[from..to]).into_owned()
}

fn substring(args: &[Held]) -> Result<Value, String> {
    let (start, end, text) = (args[0].int(), args[1].int(), args[2].text());
    let length = text.len() as i64;
    let (from, to) = match (start, end) {
        (start, end) if start < 0 => (0, end),
        (start, end) if end < 0 || end > length => (start, length),
        both => both,
    };
    if from > to || to > length || to < 0 {
        return Err(format!(
            "runtime error: slice bounds out of range [{from}:{to}]"
        ));
    }
    Ok(piece(text, from as usize, to as usize).into())
}

fn truncated(count: i64, text: &str) -> String {
    let length = text.len() as i64;
    if count < 0 && length + count > 0 {
        return piece(text, (length + count) as usize, text.len());
    }
    match count >= 0 && length > count {
        true => piece(text, 0, count as usize),
        false => text.to_owned(),
    }
}

fn abbreviated(left: i64, right: i64, text: &str) -> String {
    let length = text.len() as i64;
    if right < 4 || left > 0 && right < 7 || length <= right {
        return text.to_owned();
    }
    let keep = right - 3;
    let from = left.min(length);
    let from = if length - from < keep {
        length - keep
    } else {
        from
    };
    if from <= 4 {
        return format!("{}...", piece(text, 0, keep as usize));
    }
    if from + keep < length {
        let inner = piece(text, from as usize, text.len());
        return format!("...{}", abbreviated(0, keep, &inner));
    }
    format!("...{}", piece(text, (length - keep) as usize, text.len()))
}

/// Lines of at most so many letters, broken at spaces.
fn wrapped(width: i64, separator: &str, text: &str, breaks_words: bool) -> String {
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let chars: Vec<char> = text.chars().collect();
    let mut lines: Vec<String> = Vec::new();
    let mut at = 0;
    while chars.len() - at > width {
        if chars[at] == ' ' {
            at += 1;
            continue;
        }
        let space =
            |range: std::ops::Range<usize>| range.into_iter().rev().find(|i| chars[*i] == ' ');
        let end = match space(at..(at + width + 1).min(chars.len())) {
            Some(space) => space,
            None if breaks_words => at + width,
            None => match (at + width..chars.len()).find(|i| chars[*i] == ' ') {
                Some(space) => space,
                None => break,
            },
        };
        lines.push(chars[at..end].iter().collect());
        at = end + usize::from(chars.get(end) == Some(&' '));
    }
    lines.push(chars[at.min(chars.len())..].iter().collect());
    lines.join(separator)
}

fn indented(before: &str, args: &[Held]) -> Result<Value, String> {
    let pad = repeat(" ", args[0].int())?;
    let text = args[1].text().replace('\n', &format!("\n{pad}"));
    limited(format!("{before}{pad}{text}"))
}

/// All that isn't null, with spaces between.
fn each(args: &[Held], show: impl Fn(&Value) -> String) -> String {
    let values = args.iter().map(Held::get);
    let shown: Vec<String> = values
        .filter(|v| !matches!(v, Value::Null))
        .map(show)
        .collect();
    shown.join(" ")
}

fn split(text: &str, separator: &str, count: Option<i64>) -> Vec<String> {
    let own = |parts: Vec<&str>| parts.into_iter().map(str::to_owned).collect();
    match (separator, count) {
        (_, Some(0)) => Vec::new(),
        ("", None | Some(..0)) => text.chars().map(String::from).collect(),
        ("", Some(n)) => {
            let n = n as usize;
            let at = text
                .char_indices()
                .nth(n - 1)
                .map_or(text.len(), |(i, _)| i);
            let mut out: Vec<String> = text[..at].chars().map(String::from).collect();
            if at < text.len() {
                out.push(text[at..].to_owned());
            }
            out
        }
        (separator, Some(n)) if n > 0 => own(text.splitn(n as usize, separator).collect()),
        (separator, _) => own(text.split(separator).collect()),
    }
}

/// Parts as an object with the fields `_0`, `_1` and so on.
fn numbered(parts: Vec<String>) -> Value {
    let mut object = crate::value::Object::new();
    for (i, part) in parts.into_iter().enumerate() {
        object.insert(format!("_{i}"), part.into());
    }
    object.into()
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut word = [0; 8];
        word[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(word);
        let letters = (chunk.len() * 8).div_ceil(5);
        for i in 0..8 {
            let at = (bits >> (35 - 5 * i)) & 31;
            let letter = if i < letters {
                BASE32[at as usize]
            } else {
                b'='
            };
            out.push(char::from(letter));
        }
    }
    out
}

fn from_base32(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut count) = (0u64, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = BASE32.iter().position(|b| *b == byte)?;
        bits = bits << 5 | digit as u64;
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    text.len()
        .is_multiple_of(8)
        .then(|| String::from_utf8_lossy(&out).into_owned())
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1u32, 0u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    b << 16 | a
}

/// The last element of a path.
fn base(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.is_empty() => ".",
        "" => "/",
        path => path.rsplit('/').next().unwrap_or(path),
    }
}

fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map_or("", |n| &name[n..])
}

/// The shortest path that means the same.
fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    match (is_absolute, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".into(),
        (false, false) => parts.join("/"),
    }
}

fn regex(args: &[Held]) -> Result<regex::Regex, String> {
    go_regex::compile(args[0].text())
}

fn found(args: &[Held]) -> Result<Value, String> {
    let found = regex(args)?;
    let found = found.find(args[1].text());
    Ok(found.map_or("", |m| m.as_str()).into())
}

fn limit(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn all(args: &[Held]) -> Result<Value, String> {
    let regex = regex(args)?;
    let found = regex.find_iter(args[1].text()).take(limit(args[2].int()));
    Ok(text_list(found.map(|m| m.as_str().to_owned()).collect()))
}

fn pieces(args: &[Held]) -> Result<Value, String> {
    let regex = regex(args)?;
    let parts: Vec<String> = match args[2].int() {
        0 => Vec::new(),
        n if n > 0 => regex
            .splitn(args[1].text(), n as usize)
            .map(str::to_owned)
            .collect(),
        _ => regex.split(args[1].text()).map(str::to_owned).collect(),
    };
    Ok(text_list(parts))
}

fn replaced(args: &[Held]) -> Result<Value, String> {
    let regex = regex(args)?;
    let names = go_regex::names(regex.capture_names());
    let by = go_regex::Template::new(args[2].text(), &names);
    let text = args[1].text();
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for captures in regex.captures_iter(text) {
        let whole = captures.get(0).expect("the whole match is a group");
        out.extend_from_slice(&text.as_bytes()[at..whole.start()]);
        by.expand(|i| captures.get(i).map(|m| m.as_str().as_bytes()), &mut out);
        at = whole.end();
    }
    out.extend_from_slice(&text.as_bytes()[at..]);
    limited(String::from_utf8_lossy(&out).into_owned())
}

fn literally(args: &[Held]) -> Result<Value, String> {
    let regex = regex(args)?;
    let by = regex::NoExpand(args[2].text());
    limited(regex.replace_all(args[1].text(), by).into_owned())
}

/// A pattern that matches just this text.
fn quoted_pattern(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
