//! What a mapping reads of the document and what it writes, as far as that can be seen without running it.

use super::expr::{Arg, Args, Base, Case, Expr};
use super::path::{self, Path};
use super::program::{Action, Program, Statement, Target};
use crate::value::{Str, Value};

/// Paths into a document.
pub type Paths = Vec<Vec<Str>>;

/// The paths of `root` that are assigned, empty for all of it.
pub(super) fn writes(program: &Program) -> Paths {
    let mut paths = Vec::new();
    assigned(&program.statements, &mut paths);
    paths
}

/// The paths of `this` that are read, empty for all of it.
pub(super) fn reads(program: &Program) -> Paths {
    let mut paths = Vec::new();
    statements(&program.statements, &mut paths);
    for map in program.maps.values() {
        statements(&map.statements, &mut paths);
    }
    paths
}

fn assigned(statements: &[Statement], paths: &mut Paths) {
    for statement in statements {
        match &statement.action {
            Action::Assign(Target::Root(path), _) => paths.push(keys(path)),
            Action::Assign(..) => {}
            Action::If(branches) => {
                for (_, inner) in branches {
                    assigned(inner, paths);
                }
            }
        }
    }
}

fn keys(path: &Path) -> Vec<Str> {
    path.iter().map(|segment| segment.key.clone()).collect()
}

fn statements(all: &[Statement], paths: &mut Paths) {
    for statement in all {
        match &statement.action {
            Action::Assign(_, value) => expr(value, paths),
            Action::If(branches) => {
                for (condition, inner) in branches {
                    condition.iter().for_each(|c| expr(c, paths));
                    statements(inner, paths);
                }
            }
        }
    }
}

fn expr(e: &Expr, paths: &mut Paths) {
    match e {
        Expr::Field(field) => {
            if field.base == Base::This {
                paths.push(keys(&field.path));
            }
        }
        Expr::Get(inner) => expr(&inner.0, paths),
        Expr::Const(_) | Expr::Variable(..) | Expr::Meta(_) => {}
        Expr::Not(inner) | Expr::Settled(inner) => expr(inner, paths),
        Expr::Binary(b) => {
            expr(&b.1, paths);
            expr(&b.2, paths);
        }
        Expr::Logic(b) => {
            expr(&b.1, paths);
            expr(&b.2, paths);
        }
        Expr::Coalesce(b) => {
            expr(&b.0, paths);
            expr(&b.1, paths);
        }
        Expr::With(b) => {
            expr(&b.0, paths);
            expr(&b.1, paths);
        }
        Expr::If(i) => {
            for (condition, result) in &i.branches {
                expr(condition, paths);
                expr(result, paths);
            }
            i.otherwise.iter().for_each(|o| expr(o, paths));
        }
        Expr::Match(m) => {
            m.subject.iter().for_each(|s| expr(s, paths));
            for (case, result) in &m.cases {
                if let Case::When(condition) = case {
                    expr(condition, paths);
                }
                expr(result, paths);
            }
        }
        Expr::Array(items) => items.iter().for_each(|i| expr(i, paths)),
        Expr::Object(fields) => {
            for (key, value) in fields {
                expr(key, paths);
                expr(value, paths);
            }
        }
        Expr::Method(m) => {
            expr(&m.target, paths);
            args(&m.args, paths);
        }
        Expr::Function(f) => {
            // `json("a.b")` is another way to say `this.a.b`.
            if f.name == "json" {
                match f.args.list.first() {
                    Some(Arg::Const(Value::String(text))) => paths.push(keys(&path::parse(text))),
                    _ => paths.push(Vec::new()),
                }
            }
            args(&f.args, paths);
        }
    }
}

fn args(args: &Args, paths: &mut Paths) {
    for arg in &args.list {
        match arg {
            Arg::Dynamic(e) | Arg::Query(e) => expr(e, paths),
            Arg::Const(_) | Arg::Absent => {}
        }
    }
}
