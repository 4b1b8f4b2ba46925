//! Statements: assignments, `let`, `meta`, `map`, `import`, root-level `if`.

use super::{MAX_IMPORTS, Parsed, Parser};
use crate::bloblang::environment::Environment;
use crate::bloblang::expr::{Const, Expr};
use crate::bloblang::flow::Flow;
use crate::bloblang::nil;
use crate::bloblang::path::Segment;
use crate::bloblang::program::{Action, MapBody, Program, Statement, Target};
use crate::value::Str;
use std::sync::Arc;

/// Where a list of statements stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The whole text.
    Top,
    /// The braces of an `if`.
    Branch,
    /// The braces of a `map`.
    Map,
}

impl Place {
    /// The fault where no statement begins.
    fn nothing_begins(self) -> &'static str {
        match self {
            Place::Top => "expected import, map, or assignment",
            Place::Branch | Place::Map => "expected assignment or }",
        }
    }
}

/// The names that lambdas give to their context in the statements of a list, by what they assign to.
#[derive(Default)]
struct Labels {
    variables: Vec<Str>,
    metadata: Vec<Str>,
    fields: Vec<Str>,
}

impl Parser<'_> {
    /// `from "file"` as the whole text.
    pub(super) fn whole_import(&mut self) -> Parsed<Option<Program>> {
        self.skip_space();
        if !(self.take("from") && self.skip_blanks() && self.peek() == Some(b'"')) {
            self.at = 0;
            return Ok(None);
        }
        let at = self.at;
        let path = self.quoted()?.unwrap_or_default();
        self.skip_space();
        if !self.is_at_end() {
            return self.fault(self.at, "expected the mapping to end after `from`");
        }
        let (text, env) = self.read_import(&path, at)?;
        match super::statements_within(&text, &env, self.imports + 1) {
            Ok(program) => Ok(Some(program)),
            Err(fault) => {
                let e = fault.locate(&text);
                self.fault(at, format!("failed to parse import '{path}': {e}"))
            }
        }
    }

    /// A query as the whole text: `root = query`.
    pub(super) fn single_query(&mut self) -> Parsed<Vec<Statement>> {
        let begin = self.at;
        self.skip_space();
        let start = self.at;
        let expr = self.nested(Self::expression)?;
        let end = self.at;
        self.skip_space();
        if !self.is_at_end() {
            let shown: String = self.text[start..end].chars().take(12).collect();
            let more = if self.text[start..end].chars().count() > 12 {
                "..."
            } else {
                ""
            };
            return self.fault(
                self.at,
                format!(
                    "expected the mapping to end here as the beginning is shorthand for `root = {shown}{more}`, but this shorthand form cannot be followed with more assignments"
                ),
            );
        }
        Ok(vec![Statement {
            // The query is all of the text, with what comes before its first character.
            line: self.line_of(begin, 0),
            action: Action::Assign(Target::Root(Box::default()), self.settled(expr)),
        }])
    }

    /// The statements of the whole text.
    pub(super) fn statements(&mut self) -> Parsed<Vec<Statement>> {
        let statements = self.list(Place::Top, 0)?;
        if statements.is_empty() && self.maps.is_empty() {
            return self.fault(0, "expected import, map, or assignment");
        }
        Ok(statements)
    }

    /// Statements up to the end of the text or the closing brace, which is taken. Lines count from `base`.
    fn list(&mut self, place: Place, base: usize) -> Parsed<Vec<Statement>> {
        let mut statements = Vec::new();
        let mut labels = Labels::default();
        loop {
            self.skip_space();
            match self.peek() {
                None if place == Place::Top => return Ok(statements),
                None => return self.fault(self.at, place.nothing_begins()),
                Some(b'}') if place != Place::Top => {
                    self.at += 1;
                    return Ok(statements);
                }
                Some(_) => {}
            }
            let start = self.at;
            if let Some(action) = self.nested(|p| p.statement(place, base, &mut labels))? {
                let line = self.line_of(start, base);
                statements.push(Statement { line, action });
            }
            let before = self.at;
            self.skip_blanks();
            if place != Place::Top && self.peek() == Some(b'}') {
                continue;
            }
            let at = self.at;
            self.at = before;
            if place != Place::Top && self.is_at_end() {
                return self.fault(at, "expected line break or }");
            }
            if !self.skip_line_end() {
                return self.fault(at, "expected line break");
            }
        }
    }

    /// One statement; none if it only defines something.
    fn statement(
        &mut self,
        place: Place,
        base: usize,
        labels: &mut Labels,
    ) -> Parsed<Option<Action>> {
        let start = self.at;
        // The words of statements are those only where they may stand; elsewhere they are fields like others.
        if place == Place::Top && self.take("import") && self.skip_blanks() {
            self.assigns = true;
            self.import()?;
            return Ok(None);
        }
        self.at = start;
        if place == Place::Top && self.take("map") && self.skip_blanks() {
            self.assigns = true;
            self.map(start)?;
            return Ok(None);
        }
        self.at = start;
        if self.take("let") && self.skip_blanks() {
            let name = match self.quoted()? {
                Some(name) => name,
                None => match self.name() {
                    "" => return self.wrong(self.at, "required: expected variable name"),
                    name => name.into(),
                },
            };
            let slot = self.scope.variable(&name);
            let expr = self.assigned(true, &mut labels.variables)?;
            return Ok(Some(Action::Assign(Target::Variable(slot), expr)));
        }
        self.at = start;
        if self.take("meta") && self.skip_blanks() {
            let key = match self.quoted()? {
                Some(key) => Some(key),
                None => match self.name() {
                    "" => None,
                    name => Some(name.into()),
                },
            };
            let expr = self.assigned(false, &mut labels.metadata)?;
            if place == Place::Map {
                return self.fault(
                    start,
                    "setting meta fields is not allowed within this block",
                );
            }
            let expr = self.settled(expr);
            return Ok(Some(Action::Assign(Target::Meta(key), expr)));
        }
        self.at = start;
        if self.take("if") && self.skip_blanks() && self.peek() != Some(b'=') {
            return self.branches(base).map(Some);
        }
        self.at = start;
        let path = self.target(place)?;
        let expr = self.assigned(true, &mut labels.fields)?;
        let expr = self.settled(expr);
        Ok(Some(Action::Assign(Target::Root(path.into()), expr)))
    }

    /// What becomes part of a document: an empty list that wasn't there is one from then on.
    fn settled(&self, expr: Expr) -> Expr {
        match expr {
            Expr::Const(Const {
                flow: Flow::Value(value),
                name,
            }) => Expr::Const(Const {
                flow: Flow::Value(nil::settled(value)),
                name,
            }),
            expr if self.has_nil => Expr::Settled(Box::new(expr)),
            expr => expr,
        }
    }

    /// `= query`, with space around the sign.
    fn assigned(&mut self, needs_space: bool, labels: &mut Vec<Str>) -> Parsed<Expr> {
        let spaced = self.skip_blanks();
        if !spaced && needs_space {
            return self.fault(self.at, "expected whitespace");
        }
        if !self.take("=") {
            return self.fault(self.at, "expected =");
        }
        self.assigns = true;
        if !self.skip_blanks() {
            return self.fault(self.at, "expected whitespace");
        }
        self.nested(|p| p.one_of(labels))
    }

    /// What is assigned to, without the leading `root`.
    fn target(&mut self, place: Place) -> Parsed<Vec<Segment>> {
        let start = self.at;
        let first = self.name();
        if first.is_empty() {
            return self.fault(start, place.nothing_begins());
        }
        let mut path = vec![Segment::new(first)];
        while self.peek() == Some(b'.') {
            let dot = self.at;
            self.at += 1;
            if let Some(key) = self.quoted()? {
                path.push(Segment::new(key));
                continue;
            }
            match self.name() {
                "" => return self.fault(dot, "expected whitespace"),
                name => path.push(Segment::new(name)),
            }
        }
        if first == "root" {
            path.remove(0);
        }
        Ok(path)
    }

    fn branches(&mut self, base: usize) -> Parsed<Action> {
        let mut branches = Vec::new();
        loop {
            let condition = self.required()?;
            branches.push((Some(condition), self.braces(Place::Branch, base)?));
            let before = self.at;
            self.skip_space();
            if self.take("else if") && self.skip_blanks() {
                continue;
            }
            self.at = before;
            self.skip_space();
            if !self.take("else") {
                self.at = before;
                break;
            }
            branches.push((None, self.braces(Place::Branch, base)?));
            break;
        }
        Ok(Action::If(branches))
    }

    fn braces(&mut self, place: Place, base: usize) -> Parsed<Vec<Statement>> {
        self.skip_space();
        if !self.take("{") {
            return self.fault(self.at, "expected {");
        }
        self.list(place, base)
    }

    /// After `map`.
    fn map(&mut self, start: usize) -> Parsed<()> {
        let at = self.at;
        let name = match self.quoted()? {
            Some(name) => name,
            None => match self.name() {
                "" => return self.wrong(at, "required: expected map name"),
                name => name.into(),
            },
        };
        if self.maps.contains_key(&name) {
            return self.fault(at, format!("map name collision: {name}"));
        }
        if !self.skip_blanks() {
            return self.fault(self.at, "expected whitespace");
        }
        if self.peek() != Some(b'{') {
            return self.fault(self.at, "expected {");
        }
        let outer = std::mem::take(&mut self.scope);
        let statements = self.braces(Place::Map, start);
        let scope = std::mem::replace(&mut self.scope, outer);
        let body = MapBody {
            statements: statements?,
            names: scope.variables,
        };
        self.maps.insert(name, Arc::new(body));
        Ok(())
    }

    /// After `import`: takes over the maps of a file.
    fn import(&mut self) -> Parsed<()> {
        let at = self.at;
        let Some(path) = self.quoted()? else {
            return self.wrong(at, "required: expected filepath");
        };
        let (text, env) = self.read_import(&path, at)?;
        let program = match super::statements_within(&text, &env, self.imports + 1) {
            Ok(program) => program,
            Err(fault) => {
                let e = fault.locate(&text);
                return self.fault(at, format!("failed to parse import '{path}': {e}"));
            }
        };
        if program.maps.is_empty() {
            return self.fault(at, format!("no maps to import from '{path}'"));
        }
        self.has_nil = true;
        for (name, map) in program.maps {
            if self.maps.contains_key(&name) {
                return self.fault(
                    at,
                    format!("map name collisions from import '{path}': [{name}]"),
                );
            }
            self.maps.insert(name, map);
        }
        Ok(())
    }

    /// What a file has, and the environment of what stands in it.
    fn read_import(&self, path: &str, at: usize) -> Parsed<(String, Environment)> {
        if self.imports >= MAX_IMPORTS {
            return self.fault(
                at,
                format!("more than {MAX_IMPORTS} imports within each other"),
            );
        }
        match self.env.import(path) {
            Ok(read) => Ok(read),
            Err(why) => self.fault(at, format!("failed to read import: {why}")),
        }
    }

    /// The line that errors name for a statement at `at`, from 1, counted from `base`. The real thing takes the number of
    /// characters before the statement for a number of bytes, so that characters of several bytes make lines come out
    /// earlier; who matches on its texts relies on that.
    fn line_of(&mut self, at: usize, base: usize) -> usize {
        let (counted, chars) = self.counted;
        let chars = match counted <= at {
            true => chars + self.text[counted..at].chars().count(),
            false => self.text[..at].chars().count(),
        };
        self.counted = (at, chars);
        let from_base = match base {
            0 => chars,
            base => self.text[base..at].chars().count(),
        };
        let lines = self
            .line_ends
            .partition_point(|end| *end < base + from_base);
        lines - self.line_ends.partition_point(|end| *end < base) + 1
    }
}
