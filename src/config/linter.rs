//! Collects what is wrong with a config while it is read.

use super::{Entry, Place, Templates};
use std::collections::HashMap;

/// How bad a problem is: errors stop a stream from starting, warnings don't.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warning,
}

/// Something wrong with a config.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    #[serde(flatten)]
    pub place: Place,
    pub level: Level,
    pub message: String,
}

/// How deep templates may be made of templates.
const MAX_TEMPLATES: usize = 16;

/// The state of one reading: what was found, the labels seen, and what mappings may use.
pub struct Linter<'a> {
    pub bloblang: &'a crate::bloblang::Environment,
    /// The components that template files define.
    pub templates: Templates,
    /// Whether the use of what is deprecated is an error, and not just a warning.
    pub refuse_deprecated: bool,
    /// Whether every component must have a label.
    pub want_labels: bool,
    /// Set while a default is read, which nobody wrote.
    pub(super) in_default: bool,
    /// How many templates are being read, one made by the other.
    expanding: usize,
    problems: Vec<Problem>,
    labels: HashMap<String, Place>,
    path: String,
}

impl<'a> Linter<'a> {
    pub fn new(bloblang: &'a crate::bloblang::Environment) -> Linter<'a> {
        Linter {
            bloblang,
            templates: Templates::default(),
            refuse_deprecated: false,
            want_labels: false,
            in_default: false,
            expanding: 0,
            problems: Vec::new(),
            labels: HashMap::new(),
            path: "root".into(),
        }
    }

    pub fn error(&mut self, place: Place, message: impl Into<String>) {
        self.problems.push(Problem {
            place,
            level: Level::Error,
            message: message.into(),
        });
    }

    pub fn warn(&mut self, place: Place, message: impl Into<String>) {
        self.problems.push(Problem {
            place,
            level: Level::Warning,
            message: message.into(),
        });
    }

    /// Reports a value that is none of those that a field takes.
    pub fn no_option(&mut self, place: Place, text: &str, known: &[&str]) {
        let hint = match nearest(text, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it takes {}", known.join(", ")),
        };
        let message = format!("value {text} is not a valid option for this field ({hint})");
        self.error(place, message);
    }

    /// Reports the use of something that is deprecated.
    pub fn deprecated(&mut self, place: Place, message: impl Into<String>) {
        if self.refuse_deprecated {
            self.error(place, message);
        } else {
            self.warn(place, message);
        }
    }

    /// Reports a component without a label, if labels are wanted.
    pub fn label_missing(&mut self, place: Place, component: &str) {
        if self.want_labels && !self.in_default && self.expanding == 0 {
            self.error(place, format!("label is required for {component}"));
        }
    }

    /// Reports a key that the group doesn't have, with the nearest that it has.
    pub fn unknown_field(&mut self, entry: &Entry, known: &[&str]) {
        let hint = nearest(&entry.key, known)
            .map(|n| format!(" (did you mean `{n}`?)"))
            .unwrap_or_default();
        self.error(
            entry.place,
            format!("field {} not recognised{hint}", entry.key),
        );
    }

    /// Notes a component's label; labels are unique in a config and match `^[a-z0-9_]+$` without a leading `_`.
    pub fn label(&mut self, label: &str, place: Place) {
        // A template may be used twice, with what it makes labelled alike.
        if self.expanding > 0 {
            return;
        }
        let plain = label
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !plain || label.starts_with('_') {
            self.error(place, format!("invalid label '{label}': should match the regular expression /^[a-z0-9_]+$/ and must not start with an underscore"));
        } else if let Some(first) = self.labels.get(label) {
            let line = first.line;
            self.error(
                place,
                format!("label '{label}' collides with a previously defined label at line {line}"),
            );
        } else {
            self.labels.insert(label.to_owned(), place);
        }
    }

    /// The dotted path of what is being read: `root.pipeline.processors.0`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reads something one step further down the path.
    pub fn at<T>(&mut self, step: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push('.');
        self.path.push_str(step);
        let result = read(self);
        self.path.truncate(length);
        result
    }

    /// Reads what the template `name` made for `place`; problems with it are told there.
    pub fn in_template<T>(
        &mut self,
        name: &str,
        place: Place,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        if self.expanding >= MAX_TEMPLATES {
            let text = format!("templates make each other more than {MAX_TEMPLATES} deep");
            self.error(place, text);
            return None;
        }
        let before = self.problems.len();
        self.expanding += 1;
        let result = read(self);
        self.expanding -= 1;
        for problem in &mut self.problems[before..] {
            problem.place = place;
            problem.message = format!("template {name}: {}", problem.message);
        }
        result
    }

    /// Everything found so far, by place.
    pub fn into_problems(mut self) -> Vec<Problem> {
        self.take_problems()
    }

    /// Everything found since the last call, by place.
    pub fn take_problems(&mut self) -> Vec<Problem> {
        let mut problems = std::mem::take(&mut self.problems);
        problems.sort_by_key(|p| p.place);
        problems.dedup();
        problems
    }

    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|p| p.level == Level::Error)
    }
}

/// The name among `known` that `word` was most likely meant to be: at most two edits, or a third of the word, away.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let limit = 2.max(word.len() / 3).min(word.len().saturating_sub(1));
    let best = known.iter().map(|k| (edits(word, k), *k)).min()?;
    (best.0 <= limit).then_some(best.1)
}

/// How many letters must be put in, taken out, changed or swapped with their neighbour to make one word of the other.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            rows[i][j] = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                rows[i][j] = rows[i][j].min(rows[i - 2][j - 2] + 1);
            }
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("kafak", &["kafka", "file"]), Some("kafka"));
        assert_eq!(nearest("cuont", &["count", "mapping"]), Some("count"));
        assert_eq!(nearest("wibble", &["file", "mapping", "stdin"]), None);
        assert_eq!(nearest("x", &["y"]), None);
    }
}
