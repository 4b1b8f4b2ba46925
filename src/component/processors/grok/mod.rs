//! `grok`: fields out of lines, by patterns with names.

mod patterns;

use super::flow::each;
use crate::component::{BuildProcessor, Context, Processor};
use crate::formats::go_regex;
use crate::value::{Object, Value};
use anyhow::{Context as _, anyhow};
use regex::Regex;
use std::collections::BTreeMap;

crate::fields! {
    /// What the lines look like.
    pub struct Config {
        /// Expressions that are tried in order. They are regular expressions in which `%{NAME}` stands for a pattern, `%{NAME:field}` also keeps
        /// what it matches as a field, and `%{NAME:field:int}` or `:float` makes it a number.
        expressions: Vec<String>,
        /// More patterns, or others under the same names.
        pattern_definitions: BTreeMap<String, String> = "{}",
        /// Files of patterns, a name and its pattern on each line; `*` stands for any part of a file name.
        pattern_paths: Vec<String> = "[]",
        /// Whether only fields are kept; otherwise also what patterns without a field match, under the pattern's name.
        named_captures_only: bool = "true" [advanced],
        /// Whether the usual patterns are there.
        use_default_patterns: bool = "true" [advanced],
        /// Whether fields that match nothing are left out.
        remove_empty_values: bool = "true" [advanced],
    }
}

crate::spec! {
    /// Makes a JSON object of each message that is a line of text, by the first expression that matches. A message that none matches is flagged.
    /// Dots in a field's name make objects within the object.
    dyn BuildProcessor, "grok", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let mut patterns: BTreeMap<String, String> = BTreeMap::new();
        if self.use_default_patterns {
            patterns.extend(
                patterns::PATTERNS
                    .iter()
                    .map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
            );
        }
        for path in &self.pattern_paths {
            for file in glob::glob(path).with_context(|| format!("pattern path {path}"))? {
                let file = file?;
                let text = std::fs::read_to_string(&file)
                    .with_context(|| format!("read the patterns of {}", file.display()))?;
                patterns.extend(definitions(&text));
            }
        }
        patterns.extend(self.pattern_definitions.clone());
        let compile = |expression: &String| {
            Expression::compile(expression, &patterns, self.named_captures_only)
                .map_err(|e| anyhow!("failed to compile Grok pattern '{expression}': {e}"))
        };
        let expressions = self.expressions.iter().map(compile);
        let expressions = expressions.collect::<anyhow::Result<Vec<_>>>()?;
        let remove_empty = self.remove_empty_values;
        Ok(each(move |message| {
            let line = String::from_utf8_lossy(message.bytes());
            let found = expressions.iter().find_map(|e| e.run(&line, remove_empty));
            message.set_value(Value::Object(found.ok_or("no pattern matches found")?));
            Ok(())
        }))
    }
}

/// The patterns of a file: a name and a pattern on each line, `#` before remarks.
fn definitions(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let lines = text.lines().map(str::trim).filter(|l| !l.starts_with('#'));
    lines.filter_map(|line| {
        let (name, pattern) = line.split_once(char::is_whitespace)?;
        Some((name.to_owned(), pattern.trim().to_owned()))
    })
}

/// An expression, ready to match lines.
struct Expression {
    regex: Regex,
    /// The fields: number of the group, name, type.
    fields: Vec<(usize, String, Type)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Text,
    Int,
    Float,
    /// What can't be made of any text: the expression never matches.
    Unknown,
}

/// How deep patterns may stand in patterns, so that one can't contain itself.
const MAX_DEPTH: usize = 50;
/// How long an expression may get when patterns are put in.
const MAX_LENGTH: usize = 1 << 20;

impl Expression {
    fn compile(
        expression: &str,
        patterns: &BTreeMap<String, String>,
        named_only: bool,
    ) -> Result<Expression, String> {
        let mut fields = Vec::new();
        let mut source = String::new();
        expand(
            expression,
            patterns,
            named_only,
            0,
            &mut source,
            &mut fields,
        )?;
        let regex = go_regex::compile(&source)?;
        // Groups of the user's own count too.
        let mut numbered = Vec::new();
        let names = go_regex::names(regex.capture_names());
        for (number, name) in names.into_iter().enumerate() {
            let Some(name) = name else { continue };
            let own = name
                .strip_prefix("grok_")
                .and_then(|n| n.parse::<usize>().ok());
            match own.and_then(|n| fields.get(n)) {
                Some((field, kind)) => numbered.push((number, field.clone(), *kind)),
                None => numbered.push((number, name.to_owned(), Type::Text)),
            }
        }
        Ok(Expression {
            regex,
            fields: numbered,
        })
    }

    fn run(&self, line: &str, remove_empty: bool) -> Option<Object> {
        let captures = self.regex.captures(line)?;
        let mut found = Object::new();
        for (number, field, kind) in &self.fields {
            let text = captures.get(*number).map_or("", |m| m.as_str());
            if text.is_empty() && remove_empty {
                continue;
            }
            let value = match kind {
                Type::Int => Value::Int(text.parse().ok()?),
                Type::Float => Value::Float(text.parse().ok()?),
                Type::Text => Value::from(text),
                Type::Unknown => return None,
            };
            set(&mut found, field, value);
        }
        (!found.is_empty()).then_some(found)
    }
}

/// Sets a field by its path.
fn set(object: &mut Object, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            object.insert(path, value);
        }
        Some((first, rest)) => {
            if !matches!(object.get(first), Some(Value::Object(_))) {
                object.insert(first, Value::Object(Object::new()));
            }
            if let Some(Value::Object(inner)) = object.get_mut(first) {
                set(inner, rest, value);
            }
        }
    }
}

/// Appends an expression to `out`, with the patterns put in; groups that are fields are named by their place in `fields`.
fn expand(
    expression: &str,
    patterns: &BTreeMap<String, String>,
    named_only: bool,
    depth: usize,
    out: &mut String,
    fields: &mut Vec<(String, Type)>,
) -> Result<(), String> {
    if depth > MAX_DEPTH || out.len() > MAX_LENGTH {
        return Err("patterns are nested too deep, or contain themselves".into());
    }
    let mut rest = expression;
    while let Some(at) = rest.find("%{") {
        let Some(end) = rest[at..].find('}') else {
            break;
        };
        out.push_str(&rest[..at]);
        let reference = &rest[at + 2..at + end];
        rest = &rest[at + end + 1..];
        let mut parts = reference.splitn(3, ':');
        let name = parts.next().unwrap_or_default();
        let field = parts.next().filter(|f| !f.is_empty());
        let kind = match parts.next() {
            Some("int") => Type::Int,
            Some("float") => Type::Float,
            None | Some("" | "string") => Type::Text,
            Some(_) => Type::Unknown,
        };
        let pattern = patterns.get(name);
        let pattern = pattern.ok_or_else(|| format!("no pattern found for %{{{name}}}"))?;
        let field = field.or((!named_only).then_some(name));
        match field {
            Some(field) => {
                out.push_str(&format!("(?P<grok_{}>", fields.len()));
                fields.push((field.to_owned(), kind));
            }
            None => out.push_str("(?:"),
        }
        expand(pattern, patterns, named_only, depth + 1, out, fields)?;
        out.push(')');
    }
    out.push_str(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(expression: &str, line: &str) -> String {
        let patterns: BTreeMap<String, String> = patterns::PATTERNS
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let expression = Expression::compile(expression, &patterns, true).expect("it compiles");
        let found = expression.run(line, true);
        found.map_or_else(String::new, |f| {
            String::from_utf8(Value::Object(f).to_json()).expect("text")
        })
    }

    #[test]
    fn every_pattern_compiles() {
        for (name, _) in patterns::PATTERNS {
            run(&format!("%{{{name}:x}}"), "");
        }
    }

    #[test]
    fn lines_become_fields() {
        for (expression, line, wanted) in [
            (
                "%{WORD:verb} %{NUMBER:a.n:int} %{GREEDYDATA:rest}",
                "GET 42 the rest",
                r#"{"a":{"n":42},"rest":"the rest","verb":"GET"}"#,
            ),
            ("^%{IP:ip}$", "::1", r#"{"ip":"::1"}"#),
            ("^%{IP:ip}$", "word", ""),
            ("%{WORD:a}(?: %{WORD:b})?", "abc", r#"{"a":"abc"}"#),
            (
                "%{COMBINEDAPACHELOG}",
                r#"10.1.2.3 - bob [10/Oct/2020:13:55:36 +0000] "GET /x?y=1 HTTP/1.1" 200 77 "http://a" "curl""#,
                r#"{"agent":"\"curl\"","auth":"bob","bytes":"77","clientip":"10.1.2.3","httpversion":"1.1","ident":"-","referrer":"\"http://a\"","request":"/x?y=1","response":"200","timestamp":"10/Oct/2020:13:55:36 +0000","verb":"GET"}"#,
            ),
        ] {
            assert_eq!(run(expression, line), wanted, "{expression}");
        }
        let looped = BTreeMap::from([("A".to_owned(), "%{A}".to_owned())]);
        assert!(Expression::compile("%{A}", &looped, true).is_err());
    }
}
