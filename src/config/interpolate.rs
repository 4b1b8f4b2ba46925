//! `${NAME}` in a config's text, replaced from the environment before the text is parsed.
//!
//! `${NAME:default}` takes the default where the variable is unset or empty. A default is plain text: what looks like a variable
//! inside it stays as it is. `${{NAME}}` is the way to write a literal `${NAME}`. Newlines in values are written as `\n`, so that
//! no value moves the lines below it.

use super::Place;

/// A variable that has no value and no default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub name: String,
    pub place: Place,
}

/// Replaces every variable by what `lookup` gives for its name. Variables without a value become empty text, and are reported.
pub fn interpolate(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> (String, Vec<Missing>) {
    let mut out = String::with_capacity(text.len());
    let mut missing = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let here = &rest[at..];
        if let Some(variable) = Variable::parse(&here[2..]) {
            let value = lookup(variable.name);
            let value = match (value, variable.default) {
                (Some(value), None) => value,
                (Some(value), Some(_)) if !value.is_empty() => value,
                (_, Some(default)) => default.to_owned(),
                (None, None) => {
                    missing.push(Missing {
                        name: variable.name.to_owned(),
                        place: place_of(text, text.len() - here.len()),
                    });
                    String::new()
                }
            };
            out.push_str(&value.replace('\n', "\\n"));
            rest = &here[2 + variable.length..];
        } else if let Some(literal) = escaped(here) {
            out.push('$');
            out.push_str(&here[2..literal - 1]);
            rest = &here[literal..];
        } else {
            out.push_str("${");
            rest = &here[2..];
        }
    }
    out.push_str(rest);
    (out, missing)
}

struct Variable<'t> {
    name: &'t str,
    default: Option<&'t str>,
    /// Of the text after `${`, the closing brace included.
    length: usize,
}

impl<'t> Variable<'t> {
    /// Reads what follows `${`; none if that isn't a variable.
    fn parse(text: &'t str) -> Option<Variable<'t>> {
        let name_end = text
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
            .filter(|end| *end > 0)?;
        let (name, after) = text.split_at(name_end);
        if after.starts_with('}') {
            return Some(Variable {
                name,
                default: None,
                length: name_end + 1,
            });
        }
        let default = after.strip_prefix(':')?;
        let end = default_end(default).or_else(|| default.find('}'))?;
        Some(Variable {
            name,
            default: Some(&default[..end]),
            length: name_end + 1 + end + 1,
        })
    }
}

/// Where the brace stands that closes a default; braces of `${…}` inside the default don't.
fn default_end(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let stop = rest.find(['}', '$'])?;
        at += stop;
        if text[at..].starts_with('}') {
            return Some(at);
        }
        let inner = text[at..].strip_prefix("${").and_then(|t| t.find('}'));
        at += match inner {
            Some(end) if end > 0 => 2 + end + 1,
            _ => 1,
        };
    }
}

/// The length of `${{NAME}}` at the start of `text`; none if there is none.
fn escaped(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("${{")?;
    let variable = Variable::parse(inner)?;
    inner[variable.length..]
        .starts_with('}')
        .then_some(3 + variable.length + 1)
}

fn place_of(text: &str, offset: usize) -> Place {
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    Place {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> (String, Vec<Missing>) {
        interpolate(text, &|name| match name {
            "SET" => Some("value".into()),
            "EMPTY" => Some(String::new()),
            "A.B" => Some("two\nlines".into()),
            _ => None,
        })
    }

    #[test]
    fn variables_defaults_and_escapes() {
        for (text, want) in [
            ("a ${SET} b", "a value b"),
            ("${SET:x}", "value"),
            ("${EMPTY:x}", "x"),
            ("${EMPTY}|${NOPE:}", "|"),
            ("${NOPE:http://x?y=z#w}", "http://x?y=z#w"),
            ("${NOPE:${SET}}", "${SET}"),
            ("${NOPE:a-${B:c}} d", "a-${B:c} d"),
            (
                "${NOPE:${!meta:a}-${!meta:b}.gz}",
                "${!meta:a}-${!meta:b}.gz",
            ),
            ("${{SET:bar}}|${{SET}}", "${SET:bar}|${SET}"),
            ("${A.B}", "two\\nlines"),
            (
                "${}|${! this.a }|${A B}|$SET|${NO-PE}",
                "${}|${! this.a }|${A B}|$SET|${NO-PE}",
            ),
            ("${NOPE::}", ":"),
            ("${NOPE:${B}", "${B"),
            ("open ${SET", "open ${SET"),
        ] {
            assert_eq!(run(text), (want.to_owned(), vec![]), "{text}");
        }
    }

    #[test]
    fn a_missing_variable_is_reported_with_its_place() {
        let (_, missing) = run("a: 1\nbé: ${NOPE}");
        let place = Place { line: 2, column: 5 };
        let name = "NOPE".to_owned();
        assert_eq!(missing, vec![Missing { name, place }]);
    }
}
