//! Expressions: terms with their tails, and the forms that a term can have.

use super::fold::{self, Infix};
use super::{Fault, Parsed, Parser};
use crate::bloblang::expr::{Base, Case, Expr, Field, If, Match};
use crate::bloblang::flow::Flow;
use crate::bloblang::operators::Op;
use crate::bloblang::path::Segment;
use crate::value::Str;

impl<'a> Parser<'a> {
    /// A whole expression; begins at its first character and ends right after its last.
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.one_of(&mut Vec::new())
    }

    /// One of several expressions in a row, of which only one may give its context a name that is in `labels` afterwards.
    pub(super) fn one_of(&mut self, labels: &mut Vec<Str>) -> Parsed<Expr> {
        std::mem::swap(&mut self.labels, labels);
        let parsed = self.operators();
        std::mem::swap(&mut self.labels, labels);
        parsed
    }

    /// Operands with operators between them.
    fn operators(&mut self) -> Parsed<Expr> {
        let start = self.at;
        let first = self.operand()?;
        let mut height = self.height;
        let mut rest = Vec::new();
        loop {
            let before = self.at;
            // An operator stands on the line where its left side ends; on the next one it would begin something new.
            self.skip_blanks();
            let Some(infix) = self.infix() else {
                self.at = before;
                break;
            };
            self.skip_space();
            rest.push((infix, self.operand()?));
            height = height.max(self.height);
            self.raise(height + rest.len())?;
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let combined = fold::combine(first, rest, start)?;
        if combined.as_const().is_some() {
            self.height = 1;
        }
        Ok(combined)
    }

    /// A term, or what a minus sign makes of it: `-2.abs()` is what `0 - 2.abs()` is.
    fn operand(&mut self) -> Parsed<Expr> {
        let start = self.at;
        if !self.take("-") {
            return self.term();
        }
        self.skip_space();
        let inner = self.nested(Self::term)?;
        self.raise(self.height + 1)?;
        fold::join(Infix::Op(Op::Sub), Expr::literal(0_i64), inner, start)
    }

    /// A term with its tails, and with `!` in front of it or not.
    fn term(&mut self) -> Parsed<Expr> {
        let is_negated = self.take("!");
        if is_negated {
            self.skip_blanks();
        }
        self.height = 0;
        let root = self.root_of_term()?;
        let term = self.tails(root)?;
        if !is_negated {
            return Ok(term);
        }
        self.raise(self.height + 1)?;
        Ok(Expr::Not(Box::new(term)))
    }

    fn root_of_term(&mut self) -> Parsed<Expr> {
        let start = self.at;
        if self.take("(") {
            self.skip_space();
            let inner = self.nested(Self::expression)?;
            self.skip_space();
            if !self.take(")") {
                return self.fault(self.at, "required: expected closing bracket");
            }
            return Ok(inner);
        }
        if let Some(lambda) = self.lambda()? {
            return Ok(lambda);
        }
        if let Some(literal) = self.literal()? {
            return Ok(literal);
        }
        match self.peek() {
            Some(b'@') => return self.metadata(),
            Some(b'$') => {
                self.at += 1;
                let name = match self.name() {
                    "" => return self.fault(self.at, "expected query"),
                    name => Str::from(name),
                };
                return Ok(Expr::Variable(self.scope.variable(&name), name));
            }
            Some(b) if b.is_ascii_alphanumeric() || b == b'_' => {}
            _ => return self.fault(start, "expected query"),
        }
        if self.take("match") && self.skip_blanks() {
            return self.nested(Self::match_expression);
        }
        self.at = start;
        if self.take("if") && self.skip_blanks() {
            return self.nested(Self::if_expression);
        }
        self.at = start;
        let name = self.name();
        if self.peek() == Some(b'(') {
            return self.function(name, start);
        }
        let (root, base, path): (Str, Base, Vec<Segment>) = match name {
            "this" => ("this".into(), self.scope.this(), Vec::new()),
            "root" => ("root".into(), Base::Root, Vec::new()),
            name => match self.scope.named(name) {
                Some((root, base)) => (root, base, Vec::new()),
                None => ("this".into(), self.scope.this(), vec![Segment::new(name)]),
            },
        };
        Ok(Expr::Field(Field {
            base,
            root,
            path: path.into(),
        }))
    }

    fn metadata(&mut self) -> Parsed<Expr> {
        self.at += 1;
        if let Some(key) = self.quoted()? {
            return Ok(Expr::Meta(Some(key)));
        }
        Ok(Expr::Meta(match self.name() {
            "" => None,
            key => Some(key.into()),
        }))
    }

    /// A lambda, if one comes next. Its context gets a name, which may be any word, numbers and `true` included; `_` gives it none.
    fn lambda(&mut self) -> Parsed<Option<Expr>> {
        let at = self.at;
        let Some(name) = self.lambda_head() else {
            return Ok(None);
        };
        if matches!(name, "root" | "this") {
            return self.fault(at, format!("context label `{name}` is not allowed"));
        }
        if self.scope.named(name).is_some() || self.labels.iter().any(|l| &**l == name) {
            return self.fault(
                at,
                format!("context label `{name}` would shadow a parent context"),
            );
        }
        let body_at = self.at;
        if let Some(inner) = self.lambda_head() {
            return self.fault(
                at,
                format!("it would be in poor taste to capture the same context under both '{name}' and '{inner}'"),
            );
        }
        self.at = body_at;
        let taken = self.scope.values.pop();
        if name != "_" {
            self.labels.push(name.into());
            let base = taken.unwrap_or(Base::This);
            self.scope.named.push((name.into(), base));
        }
        let body = self.required();
        if name != "_" {
            self.scope.named.pop();
        }
        self.scope.values.extend(taken);
        body.map(Some)
    }

    /// Takes the name and arrow of a lambda, if they come next.
    fn lambda_head(&mut self) -> Option<&'a str> {
        let at = self.at;
        let name = self.name();
        let found = !name.is_empty() && self.skip_blanks() && self.take("->") && self.skip_blanks();
        if !found {
            self.at = at;
        }
        found.then_some(name)
    }

    /// Parses with one more context for `this`, which is in a slot when it is evaluated.
    pub(super) fn in_context<T: Send>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Parsed<T> + Send,
    ) -> Parsed<T> {
        self.scope.values.push(Base::Slot(self.scope.slots));
        self.scope.slots += 1;
        let parsed = self.nested(parse);
        self.scope.slots -= 1;
        self.scope.values.pop();
        parsed
    }

    /// After `if`.
    fn if_expression(&mut self) -> Parsed<Expr> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        let mut height = 0;
        loop {
            let condition = self.required()?;
            height = height.max(self.height);
            let result = self.block()?;
            height = height.max(self.height);
            branches.push((condition, result));
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
            otherwise = Some(self.block()?);
            height = height.max(self.height);
            break;
        }
        self.raise(height + 1)?;
        Ok(Expr::If(Box::new(If {
            branches,
            otherwise,
        })))
    }

    /// An expression in braces.
    fn block(&mut self) -> Parsed<Expr> {
        self.skip_space();
        if !self.take("{") {
            return self.fault(self.at, "required: expected {");
        }
        self.skip_space();
        let inner = self.required()?;
        self.skip_space();
        if !self.take("}") {
            return self.fault(self.at, "required: expected }");
        }
        Ok(inner)
    }

    /// After `match`.
    fn match_expression(&mut self) -> Parsed<Expr> {
        let mut height = 0;
        let has_subject = match self.peek() {
            Some(b'{') => !self.braces_hold_cases(),
            // What is matched begins on the line of the word.
            _ => !self.skip_space(),
        };
        let subject = if !has_subject {
            None
        } else {
            let at = self.at;
            if self.is_at_end() {
                return self.fault(at, "required: expected {");
            }
            // What can't be read isn't what is matched, and so is none of the braces either.
            let subject = self.nested(Self::expression).map_err(|fault| {
                let at = if fault.message == "expected query" {
                    at
                } else {
                    fault.at
                };
                Fault { at, ..fault }.requiring("{")
            })?;
            height = self.height;
            self.skip_space();
            Some(subject)
        };
        // Without a subject it is about `this`; the message as such isn't looked at before a case asks for it.
        let subject = subject.or_else(|| match self.scope.this() {
            base @ Base::Slot(_) => Some(Expr::Field(Field {
                base,
                root: "this".into(),
                path: Box::default(),
            })),
            Base::This | Base::Root => None,
        });
        if !self.take("{") {
            return self.fault(self.at, "required: expected {");
        }
        let cases = match subject {
            Some(_) => self.in_context(Self::cases)?,
            None => self.cases()?,
        };
        height = height.max(self.height);
        self.raise(height + 1)?;
        Ok(Expr::Match(Box::new(Match { subject, cases })))
    }

    /// Whether the braces that come next hold cases rather than the fields of an object: there is a `=>` directly within.
    fn braces_hold_cases(&self) -> bool {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        let mut depth = 0usize;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'{' | b'(' | b'[' => depth += 1,
                b'}' | b')' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return false;
                    }
                }
                b'=' if depth == 1 && bytes.get(at + 1) == Some(&b'>') => return true,
                b':' if depth == 1 => return false,
                b'#' => match memchr::memchr(b'\n', &bytes[at..]) {
                    Some(n) => at += n,
                    None => return true,
                },
                b'"' if bytes[at..].starts_with(b"\"\"\"") => {
                    match memchr::memmem::find(&bytes[at + 3..], b"\"\"\"") {
                        Some(n) => at += n + 5,
                        None => return true,
                    }
                }
                b'"' => {
                    at += 1;
                    while bytes.get(at).is_some_and(|b| *b != b'"') {
                        at += 1 + usize::from(bytes[at] == b'\\');
                    }
                }
                _ => {}
            }
            at += 1;
        }
        true
    }

    /// The cases of a `match`, after the opening brace up to and with the closing one.
    fn cases(&mut self) -> Parsed<Vec<(Case, Expr)>> {
        let mut cases = Vec::new();
        let (mut case_labels, mut result_labels) = (Vec::new(), Vec::new());
        let mut height = 0;
        loop {
            self.skip_space();
            if self.take("}") {
                break;
            }
            let case = self.case(&mut case_labels)?;
            height = height.max(self.height);
            self.skip_blanks();
            if !self.take("=>") {
                return self.fault(self.at, "required: expected =>");
            }
            self.skip_blanks();
            let result = self
                .nested(|p| p.one_of(&mut result_labels))
                .map_err(|fault| fault.requiring("query"))?;
            height = height.max(self.height);
            cases.push((case, result));
            // Cases are apart by commas or line breaks.
            self.skip_blanks();
            let is_last = self.peek() == Some(b'}');
            if !is_last && !self.take(",") && (self.is_at_end() || !self.skip_line_end()) {
                return self.fault(self.at, "required: expected ,, line break, or }");
            }
        }
        self.height = height;
        Ok(cases)
    }

    fn case(&mut self, labels: &mut Vec<Str>) -> Parsed<Case> {
        let before = self.at;
        if self.take("_") {
            self.skip_blanks();
            if self.rest().starts_with("=>") {
                self.height = 1;
                return Ok(Case::Otherwise);
            }
            self.at = before;
        }
        let parsed = self.nested(|p| p.one_of(labels));
        Ok(
            match parsed.map_err(|fault| fault.requiring("match case"))? {
                Expr::Const(c) => match c.flow {
                    Flow::Value(value) => Case::Equals(value),
                    flow @ (Flow::Deleted | Flow::Nothing) => {
                        Case::When(Expr::Const(crate::bloblang::expr::Const {
                            flow,
                            name: c.name,
                        }))
                    }
                },
                expr => Case::When(expr),
            },
        )
    }
}
