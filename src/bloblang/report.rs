//! Parse errors for people: the line of the source, and a caret under the place.

use super::ParseError;

/// How much of a long line is shown around the place.
const SHOWN: usize = 120;

impl ParseError {
    /// The error with the line of `source` that it is in and a caret under the column:
    ///
    /// ```text
    /// line 2 char 13: unrecognised method 'upercase' (did you mean `uppercase`?)
    ///   |
    /// 2 | root = this.upercase()
    ///   |             ^---
    /// ```
    pub fn render(&self, source: &str) -> String {
        let line = source
            .lines()
            .nth(self.line.saturating_sub(1))
            .unwrap_or("");
        let column = self.column.saturating_sub(1);
        let skipped = column.saturating_sub(SHOWN / 2);
        let shown: String = line
            .chars()
            .skip(skipped)
            .take(SHOWN)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(column - skipped);
        let (line, column) = (self.line, self.column);
        // That something is required is what a parser has to say, and not a reader to know.
        let what = self.message.strip_prefix("required: ");
        let what = what.unwrap_or(&self.message);
        format!(
            "line {line} char {column}: {what}\n{margin} |\n{number} | {shown}\n{margin} | {indent}^---"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_place() {
        let error = ParseError {
            line: 2,
            column: 5,
            message: "no".into(),
        };
        assert_eq!(
            error.render("a\n\tb = c\n"),
            "line 2 char 5: no\n  |\n2 |  b = c\n  |     ^---"
        );
    }
}
