//! Replacing one text by another.

use super::common::{Text, nested, string};
use crate::bloblang::spec::{CallError, MethodFn};
use crate::value::Value;
use memchr::memmem;

/// The longest result.
const MAX_RESULT: usize = 256 << 20;

/// `text` with every `old` replaced by `new`, or none if there is nothing to replace. An empty `old` stands before every character and at the
/// end.
pub(super) fn all(text: &[u8], old: &[u8], new: &[u8]) -> Result<Option<Vec<u8>>, CallError> {
    if old == new {
        return Ok(None);
    }
    if old.is_empty() {
        return between(text, new).map(Some);
    }
    let finder = memmem::Finder::new(old);
    let Some(first) = finder.find(text) else {
        return Ok(None);
    };
    let mut out = Vec::with_capacity(text.len() + new.len().saturating_sub(old.len()));
    let mut done = 0;
    let mut next = Some(first);
    while let Some(at) = next {
        out.extend_from_slice(&text[done..at]);
        out.extend_from_slice(new);
        check(out.len())?;
        done = at + old.len();
        next = finder.find(&text[done..]).map(|found| done + found);
    }
    out.extend_from_slice(&text[done..]);
    Ok(Some(out))
}

fn between(text: &[u8], new: &[u8]) -> Result<Vec<u8>, CallError> {
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        let mut buffer = [0; 4];
        for c in chunk.valid().chars() {
            out.extend_from_slice(new);
            out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            check(out.len())?;
        }
        for byte in chunk.invalid() {
            out.extend_from_slice(new);
            out.push(*byte);
        }
    }
    out.extend_from_slice(new);
    Ok(out)
}

fn check(len: usize) -> Result<(), CallError> {
    match len > MAX_RESULT {
        true => Err(format!("the result would be longer than {MAX_RESULT} bytes").into()),
        false => Ok(()),
    }
}

/// Replaces pairs of texts one after the other.
pub(super) fn many(args: &[Value]) -> Result<MethodFn, CallError> {
    let Value::Array(items) = &args[0] else {
        return Err(CallError::wanted("array", args[0].clone()));
    };
    if items.len() % 2 != 0 {
        let shown = crate::codec::go_fmt::show(&args[0]);
        return Err(format!(
            "invalid arg, replacements should be in pairs and must therefore be even: {shown}"
        )
        .into());
    }
    let mut texts = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        let text = string(item.clone()).map_err(|_| {
            nested(
                &format!("invalid replacement value at index {i}"),
                "string",
                &item,
            )
        })?;
        texts.push(text);
    }
    Ok(Box::new(move |receiver| {
        let mut text = Text::of(receiver)?;
        for pair in texts.chunks_exact(2) {
            let replaced = all(text.as_bytes(), pair[0].as_bytes(), pair[1].as_bytes())?;
            if let Some(out) = replaced {
                text = Text::of(text.like(out))?;
            }
        }
        Ok(text.into_value())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_replaced() {
        let text = |text: &str, old: &str, new: &str| {
            let out = all(text.as_bytes(), old.as_bytes(), new.as_bytes()).expect("short");
            out.map(|o| String::from_utf8(o).expect("UTF-8"))
        };
        assert_eq!(text("foo", "o", "0").as_deref(), Some("f00"));
        assert_eq!(text("aaa", "aa", "b").as_deref(), Some("ba"));
        assert_eq!(text("é日", "", "-").as_deref(), Some("-é-日-"));
        assert_eq!(text("", "", "-").as_deref(), Some("-"));
        assert_eq!(text("abc", "x", "y"), None);
    }
}
