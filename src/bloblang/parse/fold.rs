//! Operators between terms: precedence, and what is computed while parsing.

use super::{Fault, Parsed, Parser};
use crate::bloblang::expr::{Const, Expr};
use crate::bloblang::flow::Flow;
use crate::bloblang::operators::Op;

/// An operator as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Infix {
    Op(Op),
    And,
    Or,
    Coalesce,
}

impl Infix {
    /// What binds tighter comes first; equals go from left to right.
    fn pass(self) -> u8 {
        match self {
            Infix::Op(Op::Mul | Op::Div | Op::Rem) | Infix::Coalesce => 0,
            Infix::Op(Op::Add | Op::Sub) => 1,
            Infix::Op(_) => 2,
            Infix::And | Infix::Or => 3,
        }
    }
}

const PASSES: u8 = 4;

impl Parser<'_> {
    /// The operator that comes next.
    pub(super) fn infix(&mut self) -> Option<Infix> {
        // Longer ones first; `=>` isn't one.
        const ALL: &[(&str, Infix)] = &[
            ("==", Infix::Op(Op::Eq)),
            ("!=", Infix::Op(Op::Ne)),
            (">=", Infix::Op(Op::Ge)),
            ("<=", Infix::Op(Op::Le)),
            ("&&", Infix::And),
            ("||", Infix::Or),
            (">", Infix::Op(Op::Gt)),
            ("<", Infix::Op(Op::Lt)),
            ("+", Infix::Op(Op::Add)),
            ("-", Infix::Op(Op::Sub)),
            ("*", Infix::Op(Op::Mul)),
            ("/", Infix::Op(Op::Div)),
            ("%", Infix::Op(Op::Rem)),
            ("|", Infix::Coalesce),
        ];
        let found = ALL.iter().find(|(text, _)| self.rest().starts_with(text))?;
        self.at += found.0.len();
        Some(found.1)
    }
}

/// Combines terms by precedence; `at` is where the expression begins.
pub(super) fn combine(first: Expr, rest: Vec<(Infix, Expr)>, at: usize) -> Parsed<Expr> {
    let (mut first, mut rest) = (first, rest);
    for pass in 0..PASSES {
        let mut left = first;
        let mut kept: Vec<(Infix, Expr)> = Vec::new();
        let mut done: Option<Expr> = None;
        for (infix, right) in rest {
            if infix.pass() == pass {
                left = join(infix, left, right, at)?;
            } else {
                match (kept.last_mut(), &mut done) {
                    // `left` is the operand after the last operator kept, or the first of all.
                    (Some(last), _) => last.1 = left,
                    (None, done) => *done = Some(left),
                }
                kept.push((infix, Expr::literal(false)));
                left = right;
            }
        }
        match (kept.last_mut(), done) {
            (Some(last), Some(done)) => {
                last.1 = left;
                first = done;
            }
            _ => first = left,
        }
        rest = kept;
    }
    Ok(first)
}

/// One operator with its operands; computed at once if both are constants.
pub(super) fn join(infix: Infix, left: Expr, right: Expr, at: usize) -> Parsed<Expr> {
    let op = match infix {
        Infix::Coalesce => return Ok(Expr::Coalesce(Box::new((left, right)))),
        Infix::And => return Ok(Expr::Logic(Box::new((true, left, right)))),
        Infix::Or => return Ok(Expr::Logic(Box::new((false, left, right)))),
        Infix::Op(op) => op,
    };
    if let (Some(l), Some(r)) = (left.as_const(), right.as_const()) {
        let names = || (left.name(), right.name());
        return match op.apply(&l.flow, &r.flow, &names) {
            Ok(value) => Ok(Expr::Const(Const {
                flow: Flow::Value(value),
                name: Some(right.name().into()),
            })),
            Err(fail) => Err(Fault {
                at,
                message: fail.message().to_string(),
                certain: true,
            }),
        };
    }
    Ok(Expr::Binary(Box::new((op, left, right))))
}
