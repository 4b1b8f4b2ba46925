//! The compiled form of an expression: names are resolved to slots, paths are split, constants are folded.

use super::caches::{CacheLink, Caches};
use super::core::{CoreFunction, CoreMethod, State};
use super::flow::Flow;
use super::operators::Op;
use super::path::{self, Path};
use super::program::Program;
use super::spec::{CallError, FunctionFn, MethodFn, Param};
use crate::value::{Str, Value};
use parking_lot::Mutex;
use std::sync::Arc;

/// An expression.
pub(crate) enum Expr {
    Const(Const),
    Field(Field),
    /// A path into what another expression gives.
    Get(Box<(Expr, Path)>),
    Variable(usize, Str),
    /// `@` or `@key`: metadata as it is being built.
    Meta(Option<Str>),
    Not(Box<Expr>),
    Binary(Box<(Op, Expr, Expr)>),
    /// `&&` (`true`) or `||`.
    Logic(Box<(bool, Expr, Expr)>),
    Coalesce(Box<(Expr, Expr)>),
    If(Box<If>),
    Match(Box<Match>),
    Array(Vec<Expr>),
    Object(Vec<(Expr, Expr)>),
    /// What becomes part of a document, where it may have lists that aren't there.
    Settled(Box<Expr>),
    /// `left.(right)`: the right side with the left as its context.
    With(Box<(Expr, Expr)>),
    Method(Box<Method>),
    Function(Box<Function>),
}

/// A constant.
pub(crate) struct Const {
    pub(crate) flow: Flow,
    /// What an error calls it, where that isn't `TYPE literal`.
    pub(crate) name: Option<Str>,
}

/// A path into a context.
pub(crate) struct Field {
    pub(crate) base: Base,
    /// How the text names the context: `this`, `root`, or as a lambda does.
    pub(crate) root: Str,
    pub(crate) path: Path,
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// The message, or what a map is applied to.
    This,
    /// The document being made.
    Root,
    /// A value put in a slot by a method with a query argument, or by `match`; by its place from the bottom.
    Slot(usize),
}

/// Conditions with their results, and the result otherwise.
pub(crate) struct If {
    pub(crate) branches: Vec<(Expr, Expr)>,
    pub(crate) otherwise: Option<Expr>,
}

pub(crate) struct Match {
    pub(crate) subject: Option<Expr>,
    pub(crate) cases: Vec<(Case, Expr)>,
}

/// When a case of a `match` applies.
pub(crate) enum Case {
    /// The subject equals this.
    Equals(Value),
    When(Expr),
    Otherwise,
}

pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) target: Expr,
    pub(crate) call: MethodBody,
    pub(crate) args: Args,
    /// Whether errors don't say where the value came from.
    pub(crate) quiet: bool,
    /// Whether the receiver comes right from `float32`, and the method computes with it.
    pub(crate) float32: bool,
    /// The mapping that `bloblang` was given as a constant.
    pub(crate) inner: Option<Arc<Program>>,
}

pub(crate) enum MethodBody {
    Plain(fn(Value, &[Value]) -> Result<Value, CallError>),
    /// The same for numbers of the usual size only, on a receiver that may give others.
    Sized(fn(Value, &[Value]) -> Result<Value, CallError>),
    /// Prepared from constant arguments.
    Ready(MethodFn),
    Prepare(fn(&[Value]) -> Result<MethodFn, CallError>),
    /// Called without a value where the receiver failed.
    Rescue(fn(Option<Value>, &[Value]) -> Result<Value, CallError>),
    Core(CoreMethod),
}

pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) call: FunctionBody,
    pub(crate) args: Args,
}

pub(crate) enum FunctionBody {
    Plain(fn(&[Value]) -> Result<Value, CallError>),
    Ready(FunctionFn),
    Prepare(fn(&[Value]) -> Result<FunctionFn, CallError>),
    Locate(
        Arc<std::path::Path>,
        fn(&std::path::Path, &[Value]) -> Result<FunctionFn, CallError>,
    ),
    Caches(
        CacheLink,
        fn(&dyn Caches, &[Value]) -> Result<Value, CallError>,
    ),
    Core(CoreFunction),
}

/// The arguments of a call, in the order of its parameters.
pub(crate) struct Args {
    pub(crate) list: Vec<Arg>,
    /// The values, if all are constant and none is a query.
    pub(crate) ready: Option<Vec<Value>>,
    pub(crate) params: &'static [Param],
    /// What a stateful function remembers; one for each place in a mapping.
    pub(crate) state: Mutex<State>,
}

pub(crate) enum Arg {
    Const(Value),
    /// Evaluated before each call.
    Dynamic(Expr),
    /// Evaluated by the method itself.
    Query(Expr),
    Absent,
}

impl Expr {
    pub(crate) fn literal(value: impl Into<Value>) -> Expr {
        Expr::Const(Const {
            flow: Flow::Value(value.into()),
            name: None,
        })
    }

    /// The constant that this is.
    pub(crate) fn as_const(&self) -> Option<&Const> {
        match self {
            Expr::Const(c) => Some(c),
            _ => None,
        }
    }

    /// What an error calls this expression.
    pub(crate) fn name(&self) -> String {
        match self {
            Expr::Const(c) => match (&c.name, &c.flow) {
                (Some(name), _) => name.to_string(),
                (None, Flow::Value(value)) => format!("{} literal", value.type_name()),
                (None, flow) => flow.type_name().into(),
            },
            Expr::Field(field) => match &*field.path {
                [] => format!("field `{}`", field.root),
                path => format!("field `{}.{}`", field.root, path::show(path)),
            },
            Expr::Get(get) => format!("path `{}`", path::show(&get.1)),
            Expr::Variable(_, name) => format!("variable {name}"),
            Expr::Meta(Some(key)) => format!("meta field {key}"),
            Expr::Meta(None) => "meta object".into(),
            Expr::Not(inner) => format!("not {}", inner.name()),
            Expr::Binary(binary) => binary.2.name(),
            Expr::Logic(logic) => logic.2.name(),
            Expr::Coalesce(pair) => pair.1.name(),
            Expr::If(_) => "if expression".into(),
            Expr::Match(_) => "match expression".into(),
            Expr::Array(_) => "array literal".into(),
            Expr::Object(_) => "object literal".into(),
            Expr::With(with) => with.1.name(),
            Expr::Settled(inner) => inner.name(),
            Expr::Method(method) => match (method.name, method.args.list.first()) {
                ("not", _) => format!("not {}", method.target.name()),
                ("map", Some(Arg::Query(query))) => query.name(),
                ("apply", Some(Arg::Const(Value::String(map)))) => format!("map {map}"),
                ("from", Some(Arg::Const(Value::Int(index)))) => {
                    format!("{} from {index}", method.target.name())
                }
                (name, _) => format!("method {name}"),
            },
            Expr::Function(function) => super::core::function_name(function),
        }
    }
}
