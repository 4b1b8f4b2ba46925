//! logfmt: `level=info msg="it is up" cached`, the pairs of structured log lines.

/// The pairs of a text, in order; a key without a value has an empty one. Lines count as one text.
///
/// An error says what is wrong where, bytes counted from 1.
pub fn parse(text: &str) -> Result<Vec<(&str, String)>, String> {
    let bytes = text.as_bytes();
    let mut pairs = Vec::new();
    let mut at = 0;
    loop {
        while bytes.get(at).is_some_and(|b| *b <= b' ') {
            at += 1;
        }
        if at == bytes.len() {
            return Ok(pairs);
        }
        let begin = at;
        at = end_of_word(bytes, at);
        if at == begin {
            return Err(unexpected(text, at));
        }
        let key = &text[begin..at];
        let mut value = String::new();
        match bytes.get(at) {
            None | Some(..=b' ') => {}
            Some(b'=') => {
                at += 1;
                if bytes.get(at) == Some(&b'"') {
                    (value, at) = quoted(text, at)?;
                } else {
                    let begin = at;
                    at = end_of_word(bytes, at);
                    value.push_str(&text[begin..at]);
                }
                if bytes.get(at).is_some_and(|b| *b > b' ') {
                    return Err(unexpected(text, at));
                }
            }
            Some(_) => return Err(unexpected(text, at)),
        }
        pairs.push((key, value));
    }
}

/// Where the run of bytes ends that a key or a bare value may have.
fn end_of_word(bytes: &[u8], at: usize) -> usize {
    let ends = |b: &u8| *b <= b' ' || *b == b'=' || *b == b'"';
    bytes[at..]
        .iter()
        .position(ends)
        .map_or(bytes.len(), |length| at + length)
}

/// The text of a quoted value with JSON's escapes, and where it ends.
fn quoted(text: &str, begin: usize) -> Result<(String, usize), String> {
    let bytes = text.as_bytes();
    let mut at = begin + 1;
    loop {
        match bytes.get(at) {
            None => {
                let place = begin + 1;
                return Err(format!(
                    "logfmt syntax error at byte {place}: unterminated quoted value"
                ));
            }
            Some(b'"') => break,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
    let literal = &text[begin..=at];
    match serde_json::from_str(literal) {
        Ok(value) => Ok((value, at + 1)),
        Err(_) => Err(format!(
            "logfmt syntax error at byte {}: invalid quoted value",
            begin + 1
        )),
    }
}

fn unexpected(text: &str, at: usize) -> String {
    let character = text[at..].chars().next().unwrap_or_default();
    format!(
        "logfmt syntax error at byte {}: unexpected '{character}'",
        at + 1
    )
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn joined(text: &str) -> Result<String, String> {
        let pairs = parse(text)?;
        let show = |(key, value): &(&str, String)| format!("{key}:{value}");
        Ok(pairs.iter().map(show).collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn pairs_are_read() {
        for (text, expected) in [
            ("", ""),
            ("  \n", ""),
            ("a=1 b=two", "a:1|b:two"),
            ("a= b", "a:|b:"),
            (r#"msg="it \"is\" up\n" é=ü"#, "msg:it \"is\" up\n|é:ü"),
            (r#"a="" b="x""#, "a:|b:x"),
            ("a=1\nb=2", "a:1|b:2"),
            ("path=/a/b?c", "path:/a/b?c"),
        ] {
            assert_eq!(joined(text).as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn faults_have_their_place() {
        for (text, expected) in [
            ("=1", "logfmt syntax error at byte 1: unexpected '='"),
            ("a=b=c", "logfmt syntax error at byte 4: unexpected '='"),
            ("a\"b", "logfmt syntax error at byte 2: unexpected '\"'"),
            (
                "a=\"b",
                "logfmt syntax error at byte 3: unterminated quoted value",
            ),
            (
                "a=\"b\\",
                "logfmt syntax error at byte 3: unterminated quoted value",
            ),
            ("a=\"b\"c", "logfmt syntax error at byte 6: unexpected 'c'"),
            (
                r#"a="\q""#,
                "logfmt syntax error at byte 3: invalid quoted value",
            ),
        ] {
            assert_eq!(joined(text).unwrap_err(), expected, "{text:?}");
        }
    }
}
