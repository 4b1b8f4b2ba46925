//! Table: methods that search with regular expressions, in Go's syntax.

use super::common::{Text, str_arg};
use crate::bloblang::spec::{
    CallError, Example, MethodCall, MethodFn, MethodSpec, Param, ParamKind, Status,
};
use crate::formats::go_regex::{self, Template};
use crate::value::{Array, Object, Str, Value};
use bytes::Bytes;
use regex::{Regex, bytes::Regex as BytesRegex};
use std::sync::OnceLock;

const PATTERN: &[Param] = &[Param::new(
    "pattern",
    ParamKind::String,
    "The regular expression.",
)];
const PATTERN_AND_VALUE: &[Param] = &[
    Param::new("pattern", ParamKind::String, "The regular expression."),
    Param::new(
        "value",
        ParamKind::String,
        "What to put in place of each match; `$1` or `${name}` stands for a group, `$$` for a dollar.",
    ),
];

pub(super) static TABLE: &[MethodSpec] = &[
    MethodSpec::new(
        "re_match",
        "Tells whether the expression matches anywhere in the text.",
        PATTERN,
        &[Example::new(
            "Is there a digit?",
            r#"root = this.v.re_match("[0-9]")"#,
            &[(r#"{"v":"a1"}"#, "true"), (r#"{"v":"a"}"#, "false")],
        )],
        MethodCall::Prepared(|args| {
            let pattern = Pattern::new(&args[0])?;
            Ok(Box::new(move |receiver| {
                let text = Text::of(receiver)?;
                Ok(match text_of(&text) {
                    Some(text) => pattern.text.is_match(text).into(),
                    None => pattern.bytes().is_match(text.as_bytes()).into(),
                })
            }))
        }),
    ),
    MethodSpec::new(
        "re_find_all",
        "All matches, as an array.",
        PATTERN,
        &[Example::new(
            "The numbers in a text.",
            r#"root = this.v.re_find_all("\\d+")"#,
            &[(r#"{"v":"7 of 12"}"#, r#"["7","12"]"#)],
        )],
        MethodCall::Prepared(|args| {
            let pattern = Pattern::new(&args[0])?;
            Ok(Box::new(move |receiver| {
                let text = Text::of(receiver)?;
                let found: Array = match text_of(&text) {
                    Some(text) => pattern
                        .text
                        .find_iter(text)
                        .map(|m| m.as_str().into())
                        .collect(),
                    None => pattern
                        .bytes()
                        .find_iter(text.as_bytes())
                        .map(|m| copied(m.as_bytes()))
                        .collect(),
                };
                Ok(found.into())
            }))
        }),
    ),
    MethodSpec::new(
        "re_find_all_submatch",
        "All matches, each as an array of the match and its groups.",
        PATTERN,
        &[Example::new(
            "Keys and values.",
            r#"root = this.v.re_find_all_submatch("(\\w)=(\\w)")"#,
            &[(r#"{"v":"a=1,b=2"}"#, r#"[["a=1","a","1"],["b=2","b","2"]]"#)],
        )],
        MethodCall::Prepared(|args| {
            let pattern = Pattern::new(&args[0])?;
            Ok(Box::new(move |receiver| {
                let text = Text::of(receiver)?;
                let mut found = Vec::new();
                pattern.each(&text, true, |groups| {
                    let groups: Array = groups.map(|g| copied(g.unwrap_or_default())).collect();
                    found.push(groups.into());
                });
                Ok(found.into())
            }))
        }),
    ),
    MethodSpec::new(
        "re_find_object",
        "The first match as an object: each group under its name, or its number if it has none; the whole match under `0`.",
        PATTERN,
        &[Example::new(
            "A line of a log.",
            r#"root = this.v.re_find_object("(?P<level>[A-Z]+) (?P<text>.*)")"#,
            &[
                (
                    r#"{"v":"WARN low"}"#,
                    r#"{"0":"WARN low","level":"WARN","text":"low"}"#,
                ),
                (r#"{"v":"-"}"#, "{}"),
            ],
        )],
        MethodCall::Prepared(|args| {
            let pattern = Pattern::new(&args[0])?;
            Ok(Box::new(move |receiver| {
                let text = Text::of(receiver)?;
                let mut found = Object::new();
                pattern.each(&text, false, |groups| found = pattern.object(&text, groups));
                Ok(found.into())
            }))
        }),
    ),
    MethodSpec::new(
        "re_find_all_object",
        "All matches, each as an object of its groups.",
        PATTERN,
        &[Example::new(
            "Keys and values.",
            r#"root = this.v.re_find_all_object("(?P<k>\\w)=(?P<v>\\w)")"#,
            &[(
                r#"{"v":"a=1,b=2"}"#,
                r#"[{"0":"a=1","k":"a","v":"1"},{"0":"b=2","k":"b","v":"2"}]"#,
            )],
        )],
        MethodCall::Prepared(|args| {
            let pattern = Pattern::new(&args[0])?;
            Ok(Box::new(move |receiver| {
                let text = Text::of(receiver)?;
                let mut found = Vec::new();
                pattern.each(&text, true, |groups| {
                    found.push(pattern.object(&text, groups).into())
                });
                Ok(found.into())
            }))
        }),
    ),
    MethodSpec::new(
        "re_replace_all",
        "Replaces every match.",
        PATTERN_AND_VALUE,
        &[Example::new(
            "Swapped halves.",
            r#"root = this.v.re_replace_all("(\\w+)@(\\w+)", "$2 at $1")"#,
            &[(r#"{"v":"me@home"}"#, "home at me")],
        )],
        MethodCall::Prepared(replace_all),
    ),
    MethodSpec::new(
        "re_replace",
        "The older name of `re_replace_all`.",
        PATTERN_AND_VALUE,
        &[],
        MethodCall::Prepared(replace_all),
    )
    .status(Status::Hidden),
];

/// A compiled pattern; the form for bytes that aren't text is made when such bytes come.
struct Pattern {
    source: String,
    text: Regex,
    bytes: OnceLock<BytesRegex>,
    /// The keys of the groups.
    keys: Vec<Str>,
}

impl Pattern {
    fn new(source: &Value) -> Result<Pattern, CallError> {
        let source = str_arg(source).into_owned();
        let text = go_regex::compile(&source)?;
        let keys = go_regex::group_names(text.capture_names());
        Ok(Pattern {
            source,
            text,
            bytes: OnceLock::new(),
            keys: keys.into_iter().map(Str::from).collect(),
        })
    }

    fn bytes(&self) -> &BytesRegex {
        self.bytes.get_or_init(|| {
            go_regex::compile_bytes(&self.source)
                .expect("what compiles for text compiles for bytes")
        })
    }

    /// Gives the groups of each match, or of the first, to `take`.
    fn each<'t>(
        &self,
        text: &'t Text,
        all: bool,
        mut take: impl FnMut(&mut dyn Iterator<Item = Option<&'t [u8]>>),
    ) {
        let limit = if all { usize::MAX } else { 1 };
        match text_of(text) {
            Some(text) => {
                for groups in self.text.captures_iter(text).take(limit) {
                    let get = |i| groups.get(i).map(|m| m.as_str().as_bytes());
                    take(&mut (0..groups.len()).map(get));
                }
            }
            None => {
                for groups in self.bytes().captures_iter(text.as_bytes()).take(limit) {
                    let get = |i| groups.get(i).map(|m| m.as_bytes());
                    take(&mut (0..groups.len()).map(get));
                }
            }
        }
    }

    /// Groups under their keys, of the type that was searched.
    fn object(&self, text: &Text, groups: &mut dyn Iterator<Item = Option<&[u8]>>) -> Object {
        let value = |group: Option<&[u8]>| match text {
            Text::Str(_) | Text::IllFormed(_) => copied(group.unwrap_or_default()),
            Text::Bytes(_) => Value::Bytes(Bytes::copy_from_slice(group.unwrap_or_default())),
        };
        self.keys.iter().cloned().zip(groups.map(value)).collect()
    }
}

fn text_of(text: &Text) -> Option<&str> {
    match text {
        Text::Str(text) => Some(text),
        Text::Bytes(bytes) | Text::IllFormed(bytes) => std::str::from_utf8(bytes).ok(),
    }
}

fn copied(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => Value::IllFormed(Bytes::copy_from_slice(bytes)),
    }
}

fn replace_all(args: &[Value]) -> Result<MethodFn, CallError> {
    let pattern = Pattern::new(&args[0])?;
    let names = go_regex::names(pattern.text.capture_names());
    let template = Template::new(&str_arg(&args[1]), &names);
    Ok(Box::new(move |receiver| {
        let text = Text::of(receiver)?;
        let haystack = text.as_bytes();
        let mut out = Vec::new();
        let mut done = 0;
        let mut found = false;
        if let (Some(fixed), Some(text)) = (template.as_text(), text_of(&text)) {
            for m in pattern.text.find_iter(text) {
                found = true;
                out.extend_from_slice(&haystack[done..m.start()]);
                out.extend_from_slice(fixed.as_bytes());
                done = m.end();
            }
        } else {
            pattern.each(&text, true, |groups| {
                found = true;
                let groups: smallvec::SmallVec<[Option<&[u8]>; 8]> = groups.collect();
                let whole = groups[0].unwrap_or_default();
                let start = whole.as_ptr() as usize - haystack.as_ptr() as usize;
                out.extend_from_slice(&haystack[done..start]);
                template.expand(|i| groups.get(i).copied().flatten(), &mut out);
                done = start + whole.len();
            });
        }
        if !found {
            return Ok(match text {
                Text::Str(text) => Value::String(text),
                Text::Bytes(bytes) | Text::IllFormed(bytes) => Value::text(bytes),
            });
        }
        out.extend_from_slice(&haystack[done..]);
        Ok(Value::text(out))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(pattern: &str, value: &str, text: Value) -> Value {
        let f = replace_all(&[pattern.into(), value.into()]).expect("a sound pattern");
        f(text).expect("it is text")
    }

    #[test]
    fn matches_are_replaced() {
        assert_eq!(replace("a*", "-", "baac".into()).as_str(), Some("-b-c-"));
        assert_eq!(
            replace("(l+)", "${1}x", "hello".into()).as_str(),
            Some("hellxo")
        );
        assert_eq!(replace("x", "$0", "abc".into()).as_str(), Some("abc"));
        // Of groups with the same name, the first that takes part counts.
        let same = "(?P<n>a)|(?P<n>b)|(?P<1n>c)";
        assert_eq!(
            replace(same, "<${n}${1n}>", "abc".into()).as_str(),
            Some("<a><b><c>")
        );
        let bytes = Value::Bytes(Bytes::from_static(b"a\xffa"));
        assert!(matches!(replace("a", "b", bytes), Value::IllFormed(b) if &b[..] == b"b\xffb"));
    }
}
