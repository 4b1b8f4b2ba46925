//! Expressions, from the loosest binding to the tightest.

use super::lexer::Token;
use super::parser::Parser;
use super::syntax::{Builtin, Comparison, Expr, Operator, Place, Var};
use super::values::Text;
use crate::formats::go_regex;
use std::sync::Arc;

type Parsed = Result<Expr, String>;

/// How many terms a sum, a product or a row of texts may have.
const MAX_TERMS: usize = 1000;

/// The functions of the language: what they are called, and how many arguments they take.
const BUILTINS: &[(&str, Builtin, usize, usize)] = &[
    ("atan2", Builtin::Atan2, 2, 2),
    ("close", Builtin::Close, 1, 1),
    ("cos", Builtin::Cos, 1, 1),
    ("exp", Builtin::Exp, 1, 1),
    ("fflush", Builtin::Fflush, 0, 1),
    ("index", Builtin::Index, 2, 2),
    ("int", Builtin::Int, 1, 1),
    ("log", Builtin::Log, 1, 1),
    ("match", Builtin::Match, 2, 2),
    ("rand", Builtin::Rand, 0, 0),
    ("sin", Builtin::Sin, 1, 1),
    ("sprintf", Builtin::Sprintf, 1, usize::MAX),
    ("sqrt", Builtin::Sqrt, 1, 1),
    ("srand", Builtin::Srand, 0, 1),
    ("substr", Builtin::Substr, 2, 3),
    ("tolower", Builtin::ToLower, 1, 1),
    ("toupper", Builtin::ToUpper, 1, 1),
];

impl Parser<'_> {
    pub fn expr(&mut self) -> Parsed {
        let expr = self.deeper(Self::ternary)?;
        self.no_lists(std::slice::from_ref(&expr))?;
        Ok(expr)
    }

    /// Everything from assignments and `?:` down.
    pub fn ternary(&mut self) -> Parsed {
        let first = self.or()?;
        if self.take("?")? {
            self.skip_newlines()?;
            let then = self.deeper(Self::ternary)?;
            self.skip_newlines()?;
            self.expect(":")?;
            self.skip_newlines()?;
            let otherwise = self.deeper(Self::ternary)?;
            return Ok(Expr::Choose(Box::new([first, then, otherwise])));
        }
        let operator = match &self.token {
            Token::Sign("=") => None,
            Token::Sign("+=") => Some(Operator::Add),
            Token::Sign("-=") => Some(Operator::Subtract),
            Token::Sign("*=") => Some(Operator::Multiply),
            Token::Sign("/=") => Some(Operator::Divide),
            Token::Sign("%=") => Some(Operator::Modulo),
            Token::Sign("^=") => Some(Operator::Power),
            _ => return Ok(first),
        };
        let assign = |place: Place, value: Expr| match operator {
            None => Expr::Assign(place, Box::new(value)),
            Some(operator) => Expr::Update(place, operator, Box::new(value)),
        };
        match first {
            Expr::Read(place) => {
                let place = self.writable(place)?;
                self.advance()?;
                self.skip_newlines()?;
                let value = self.deeper(Self::ternary)?;
                self.no_lists(std::slice::from_ref(&value))?;
                Ok(assign(place, value))
            }
            // `a == b = c` and `!x = y` assign to what stands right before the sign.
            Expr::Not(inner) => match *inner {
                Expr::Read(place) => {
                    let place = self.writable(place)?;
                    self.advance()?;
                    let value = self.deeper(Self::ternary)?;
                    Ok(Expr::Not(Box::new(assign(place, value))))
                }
                _ => Err(self.fault(format!("unexpected {}", self.token.show()))),
            },
            _ => Err(self.fault(format!("unexpected {}", self.token.show()))),
        }
    }

    /// A place that is assigned to.
    fn writable(&mut self, place: Place) -> Result<Place, String> {
        if let Place::Var(var @ Var::Global(global)) = place {
            let name = self.program.globals[global].clone();
            self.scalar(var, &name)?;
        }
        Ok(place)
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        let mut terms = 0;
        while self.take("||")? {
            terms += 1;
            if terms > MAX_TERMS {
                return Err(self.too_long());
            }
            self.skip_newlines()?;
            left = Expr::Or(Box::new([left, self.and()?]));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.is_in()?;
        let mut terms = 0;
        while self.take("&&")? {
            terms += 1;
            if terms > MAX_TERMS {
                return Err(self.too_long());
            }
            self.skip_newlines()?;
            left = Expr::And(Box::new([left, self.is_in()?]));
        }
        Ok(left)
    }

    fn is_in(&mut self) -> Parsed {
        let mut left = self.matching()?;
        while !self.no_in && self.take("in")? {
            let Token::Name(name) = self.token.clone() else {
                return Err(self.fault(format!("expected name instead of {}", self.token.show())));
            };
            let array = self.array(&name)?;
            self.advance()?;
            let keys = match left {
                Expr::List(keys) => keys,
                key => vec![key],
            };
            left = Expr::In(keys, array);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parsed {
        let left = self.comparing()?;
        let negated = self.is("!~");
        if !negated && !self.is("~") {
            return Ok(left);
        }
        self.advance()?;
        let matches = Expr::Match(Box::new([left, self.comparing()?]));
        Ok(if negated {
            Expr::Not(Box::new(matches))
        } else {
            matches
        })
    }

    fn comparing(&mut self) -> Parsed {
        let left = self.concat()?;
        let comparison = match &self.token {
            Token::Sign("<") => Comparison::Less,
            Token::Sign("<=") => Comparison::LessOrEqual,
            Token::Sign("==") => Comparison::Equal,
            Token::Sign("!=") => Comparison::NotEqual,
            Token::Sign(">") if !self.no_greater => Comparison::Greater,
            Token::Sign(">=") => Comparison::GreaterOrEqual,
            Token::Sign("|") => {
                return Err(self.fault(
                    "commands can't be run here, use the `command` or `subprocess` processor",
                ));
            }
            _ => return Ok(left),
        };
        self.advance()?;
        let right = self.concat()?;
        Ok(Expr::Compare(comparison, Box::new([left, right])))
    }

    pub fn concat(&mut self) -> Parsed {
        let mut left = self.adding()?;
        for _ in 0..MAX_TERMS {
            let more = match &self.token {
                Token::Sign(sign) => {
                    matches!(
                        *sign,
                        "$" | "!" | "(" | "++" | "--" | "length" | "sub" | "gsub" | "split"
                    ) || BUILTINS.iter().any(|(name, ..)| name == sign)
                }
                Token::Name(_) | Token::Callee(_) | Token::Number(_) | Token::Text(_) => true,
                Token::Newline | Token::End => false,
            };
            if !more {
                return Ok(left);
            }
            let right = self.adding()?;
            left = Expr::Concat(Box::new([left, right]));
        }
        Err(self.too_long())
    }

    fn too_long(&self) -> String {
        self.fault(format!("more than {MAX_TERMS} terms in a row"))
    }

    fn adding(&mut self) -> Parsed {
        let mut left = self.multiplying()?;
        for _ in 0..MAX_TERMS {
            let operator = match &self.token {
                Token::Sign("+") => Operator::Add,
                Token::Sign("-") => Operator::Subtract,
                _ => return Ok(left),
            };
            self.advance()?;
            left = Expr::Compute(operator, Box::new([left, self.multiplying()?]));
        }
        Err(self.too_long())
    }

    fn multiplying(&mut self) -> Parsed {
        let mut left = self.unary()?;
        for _ in 0..MAX_TERMS {
            let operator = match &self.token {
                Token::Sign("*") => Operator::Multiply,
                Token::Sign("/") => Operator::Divide,
                Token::Sign("%") => Operator::Modulo,
                _ => return Ok(left),
            };
            self.advance()?;
            left = Expr::Compute(operator, Box::new([left, self.unary()?]));
        }
        Err(self.too_long())
    }

    fn unary(&mut self) -> Parsed {
        let wrap: fn(Box<Expr>) -> Expr = match &self.token {
            Token::Sign("!") => Expr::Not,
            Token::Sign("-") => Expr::Negate,
            Token::Sign("+") => Expr::Plus,
            _ => return self.power(),
        };
        self.advance()?;
        Ok(wrap(Box::new(self.deeper(Self::unary)?)))
    }

    fn power(&mut self) -> Parsed {
        let base = self.stepping()?;
        if !self.take("^")? {
            return Ok(base);
        }
        // Binds to the right, and its exponent may have a sign.
        let exponent = self.deeper(Self::unary)?;
        Ok(Expr::Compute(Operator::Power, Box::new([base, exponent])))
    }

    fn stepping(&mut self) -> Parsed {
        if self.is("++") || self.is("--") {
            let by = if self.is("++") { 1.0 } else { -1.0 };
            self.advance()?;
            let Expr::Read(place) = self.primary()? else {
                return Err(self.fault("expected lvalue after ++ or --"));
            };
            let place = self.writable(place)?;
            return Ok(Expr::Step {
                place,
                by,
                after: false,
            });
        }
        let expr = self.primary()?;
        if (self.is("++") || self.is("--")) && matches!(expr, Expr::Read(_)) {
            let by = if self.is("++") { 1.0 } else { -1.0 };
            self.advance()?;
            let Expr::Read(place) = expr else {
                return Ok(expr);
            };
            let place = self.writable(place)?;
            return Ok(Expr::Step {
                place,
                by,
                after: true,
            });
        }
        Ok(expr)
    }

    fn primary(&mut self) -> Parsed {
        let at = self.at;
        match self.token.clone() {
            Token::Number(number) => {
                self.advance()?;
                Ok(Expr::Number(number))
            }
            Token::Text(text) => {
                self.advance()?;
                Ok(Expr::Text(Text::from(text)))
            }
            Token::Sign(start @ ("/" | "/=")) => {
                let pattern = self.lexer.pattern(&start[1..], at)?;
                let regex = compile(&pattern).map_err(|e| at.fault(e))?;
                self.advance()?;
                Ok(Expr::Regex(Arc::new(regex)))
            }
            Token::Sign("$") => {
                self.advance()?;
                let index = self.deeper(Self::stepping_before)?;
                Ok(Expr::Read(Place::Field(Box::new(index))))
            }
            Token::Sign("(") => {
                self.advance()?;
                let mut list = self.deeper(|p| p.list(")"))?;
                match (list.len(), list.pop()) {
                    (1, Some(expr)) => Ok(expr),
                    (_, Some(last)) => {
                        list.push(last);
                        Ok(Expr::List(list))
                    }
                    (_, None) => Err(at.fault("expected expression, not )")),
                }
            }
            Token::Sign("getline") => {
                self.advance()?;
                let place = match self.token {
                    Token::Name(_) | Token::Sign("$") => match self.primary()? {
                        Expr::Read(place) => Some(self.writable(place)?),
                        _ => return Err(self.fault("expected lvalue after getline")),
                    },
                    _ => None,
                };
                if self.is("<") {
                    return Err(self.fault("files can't be read here, use the `file` processor"));
                }
                Ok(Expr::Getline(place))
            }
            Token::Sign("system") => Err(
                at.fault("commands can't be run here, use the `command` or `subprocess` processor")
            ),
            Token::Sign(name) => self.builtin(name),
            Token::Callee(name) => {
                self.advance()?;
                self.expect("(")?;
                let callee = self.callee(&name, at);
                let args = self.deeper(|p| p.list(")"))?;
                let most = match &self.program.callees[callee] {
                    c if c.function.is_some() => usize::MAX,
                    c => c.native.map_or(usize::MAX, |n| n.most_args()),
                };
                if args.len() > most {
                    return Err(at.fault(format!(
                        "{name:?} takes at most {most} arguments, not {}",
                        args.len()
                    )));
                }
                self.passes(callee, &args);
                Ok(Expr::Call(callee, args))
            }
            Token::Name(name) => {
                self.advance()?;
                if self.take("[")? {
                    let array = self.array(&name)?;
                    let keys = self.deeper(|p| p.list("]"))?;
                    if keys.is_empty() {
                        return Err(self.fault("expected expression instead of ]"));
                    }
                    return Ok(Expr::Read(Place::Element(array, keys)));
                }
                Ok(Expr::Read(Place::Var(self.var(&name))))
            }
            other => Err(at.fault(format!("expected expression, not {}", other.show()))),
        }
    }

    /// What may stand behind `$`: `$i++` steps the field, `$++i` the index.
    fn stepping_before(&mut self) -> Parsed {
        match &self.token {
            Token::Sign("++" | "--") => self.stepping(),
            Token::Sign("-" | "+" | "!") => self.unary(),
            _ => self.primary(),
        }
    }

    fn builtin(&mut self, name: &'static str) -> Parsed {
        let at = self.at;
        if name == "length" {
            self.advance()?;
            if !self.take("(")? {
                return Ok(Expr::Length(None));
            }
            let mut list = self.list(")")?;
            if list.len() > 1 {
                return Err(at.fault("length takes at most one argument"));
            }
            return Ok(Expr::Length(list.pop().map(Box::new)));
        }
        if name == "split" {
            return self.split();
        }
        if name == "sub" || name == "gsub" {
            self.advance()?;
            self.expect("(")?;
            let mut args = self.deeper(|p| p.list(")"))?.into_iter();
            let (Some(pattern), Some(with)) = (args.next(), args.next()) else {
                return Err(at.fault(format!("{name} takes two or three arguments")));
            };
            let target = match (args.next(), args.next()) {
                (None, _) => Place::Field(Box::new(Expr::Number(0.0))),
                (Some(Expr::Read(place)), None) => self.writable(place)?,
                _ => return Err(at.fault(format!("3rd arg to {name} must be lvalue"))),
            };
            let (pattern, with) = (Box::new(pattern), Box::new(with));
            return Ok(Expr::Substitute {
                all: name == "gsub",
                pattern,
                with,
                target,
            });
        }
        let Some((_, builtin, least, most)) = BUILTINS.iter().find(|(n, ..)| *n == name) else {
            return Err(at.fault(format!("expected expression, not {name}")));
        };
        self.advance()?;
        let bare = matches!(builtin, Builtin::Fflush) && !self.is("(");
        let mut args = Vec::new();
        if !bare {
            self.expect("(")?;
            args = self.deeper(|p| p.list(")"))?;
        }
        if args.len() < *least || args.len() > *most {
            return Err(at.fault(format!(
                "{name} can't be called with {} arguments",
                args.len()
            )));
        }
        Ok(Expr::Builtin(*builtin, args))
    }

    fn split(&mut self) -> Parsed {
        self.advance()?;
        self.expect("(")?;
        let text = Box::new(self.expr()?);
        self.expect(",")?;
        self.skip_newlines()?;
        let Token::Name(name) = self.token.clone() else {
            return Err(self.fault(format!("expected name instead of {}", self.token.show())));
        };
        let into = self.array(&name)?;
        self.advance()?;
        let by = match self.take(",")? {
            true => {
                self.skip_newlines()?;
                Some(Box::new(self.expr()?))
            }
            false => None,
        };
        self.expect(")")?;
        Ok(Expr::Split { text, into, by })
    }
}

/// Compiles a pattern; its dot takes line ends too.
pub(super) fn compile(pattern: &str) -> Result<regex::bytes::Regex, String> {
    go_regex::compile_bytes(&format!("(?s:{pattern})"))
}
