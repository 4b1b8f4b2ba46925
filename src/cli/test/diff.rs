//! How two JSON values differ, for people: what is missing, too much, or another.

use crate::value::{Array, Object, Value};

const REMOVED: &str = "\x1b[0;31m";
const ADDED: &str = "\x1b[0;32m";
const CHANGED: &str = "\x1b[0;33m";
const END: &str = "\x1b[0m";

/// What is different.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Same,
    /// What was received has all that was expected, and more.
    More,
    Different,
}

/// Compares what was received with what was expected, and shows the received value with what is to be removed (red), added (green) or
/// changed (yellow).
pub fn diff(received: &Value, expected: &Value) -> (Verdict, String) {
    let mut diff = Diff { out: String::new(), level: 0, verdict: Verdict::Same, tag: "" };
    diff.compare(received, expected);
    diff.tag("");
    (diff.verdict, diff.out)
}

struct Diff {
    out: String,
    level: usize,
    verdict: Verdict,
    /// The colour that is on.
    tag: &'static str,
}

impl Diff {
    fn tag(&mut self, tag: &'static str) {
        if self.tag == tag {
            return;
        }
        if !self.tag.is_empty() {
            self.out.push_str(END);
        }
        self.out.push_str(tag);
        self.tag = tag;
    }

    /// Ends a line; colours end with it, so that indentation has none.
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        if !self.tag.is_empty() {
            self.out.push_str(END);
        }
        self.out.push('\n');
        self.out.push_str(&"    ".repeat(self.level));
        self.out.push_str(self.tag);
    }

    fn note(&mut self, verdict: Verdict) {
        self.verdict = self.verdict.max(verdict);
    }

    fn compare(&mut self, received: &Value, expected: &Value) {
        match (received, expected) {
            (Value::Object(r), Value::Object(e)) => self.objects(r, e),
            (Value::Array(r), Value::Array(e)) => self.arrays(r, e),
            _ if same(received, expected) => {
                self.tag("");
                self.value(received, true);
            }
            _ => {
                self.tag(CHANGED);
                self.value(received, false);
                self.out.push_str(" => ");
                self.value(expected, false);
                self.note(Verdict::Different);
            }
        }
    }

    fn objects(&mut self, received: &Object, expected: &Object) {
        self.tag("");
        let keys = received.keys().chain(expected.keys().filter(|k| !received.contains_key(k)));
        let mut keys: Vec<_> = keys.collect();
        keys.sort();
        if keys.is_empty() {
            self.out.push_str("{}");
            return;
        }
        self.level += 1;
        self.line("{");
        let last = keys.len() - 1;
        for (i, key) in keys.iter().enumerate() {
            match (received.get(key), expected.get(key)) {
                (Some(r), Some(e)) => {
                    self.key(key);
                    self.compare(&r, &e);
                }
                (Some(r), None) => {
                    self.tag(REMOVED);
                    self.key(key);
                    self.value(&r, true);
                    self.note(Verdict::More);
                }
                (None, Some(e)) => {
                    self.tag(ADDED);
                    self.key(key);
                    self.value(&e, true);
                    self.note(Verdict::Different);
                }
                (None, None) => {}
            }
            self.tag("");
            self.next(i == last);
        }
        self.out.push('}');
    }

    fn arrays(&mut self, received: &Array, expected: &Array) {
        self.tag("");
        let count = received.len().max(expected.len());
        if count == 0 {
            self.out.push_str("[]");
            return;
        }
        self.level += 1;
        self.line("[");
        for i in 0..count {
            match (received.get(i), expected.get(i)) {
                (Some(r), Some(e)) => self.compare(&r, &e),
                (Some(r), None) => {
                    self.tag(REMOVED);
                    self.value(&r, true);
                    self.note(Verdict::More);
                }
                (None, Some(e)) => {
                    self.tag(ADDED);
                    self.value(&e, true);
                    self.note(Verdict::Different);
                }
                (None, None) => {}
            }
            self.tag("");
            self.next(i == count - 1);
        }
        self.out.push(']');
    }

    fn next(&mut self, is_last: bool) {
        if is_last {
            self.level -= 1;
            self.line("");
        } else {
            self.line(",");
        }
    }

    fn key(&mut self, key: &str) {
        self.value(&Value::from(key), true);
        self.out.push_str(": ");
    }

    /// A value; of arrays and objects only the brackets unless it is wanted in `full`.
    fn value(&mut self, value: &Value, full: bool) {
        match value {
            Value::Object(_) if !full => self.out.push_str("{}"),
            Value::Array(_) if !full => self.out.push_str("[]"),
            Value::Object(object) if !object.is_empty() => {
                self.level += 1;
                self.line("{");
                let last = object.len() - 1;
                for (i, (key, value)) in object.iter().enumerate() {
                    self.key(&key);
                    self.value(&value, true);
                    self.next(i == last);
                }
                self.out.push('}');
            }
            Value::Array(array) if !array.is_empty() => {
                self.level += 1;
                self.line("[");
                let last = array.len() - 1;
                for (i, value) in array.iter().enumerate() {
                    self.value(&value, true);
                    self.next(i == last);
                }
                self.out.push(']');
            }
            other => self.out.push_str(&String::from_utf8_lossy(&other.to_json())),
        }
    }
}

/// Numbers are the same where they are written the same.
fn same(a: &Value, b: &Value) -> bool {
    a.to_json() == b.to_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        crate::value::parse(&text.to_owned().into()).expect("valid")
    }

    #[test]
    fn differences_are_shown_in_place() {
        let (verdict, text) = diff(&value(r#"{"name":"ann","up":"ANN"}"#), &value(r#"{"up":"BOB"}"#));
        assert!(verdict == Verdict::Different);
        assert_eq!(
            text,
            "{\n    \x1b[0;31m\"name\": \"ann\"\x1b[0m,\n    \"up\": \x1b[0;33m\"ANN\" => \"BOB\"\x1b[0m\n}"
        );
        assert!(diff(&value("[1,2.0]"), &value("[1,2.0]")).0 == Verdict::Same);
        assert!(diff(&value("[1,2.0]"), &value("[1,2]")).0 == Verdict::Different);
        assert!(diff(&value(r#"{"a":1,"b":2}"#), &value(r#"{"a":1}"#)).0 == Verdict::More);
    }
}
