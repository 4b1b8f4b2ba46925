//! A jq program that is ready to run: names are looked up, and each node knows whether it gives exactly one result.

use super::natives::Native;
use super::syntax::Operator;
use crate::value::Value;

/// A compiled program.
pub(super) struct Program {
    pub main: Node,
    pub functions: Vec<Function>,
}

/// A function that is defined in jq.
pub(super) struct Function {
    /// For each parameter, whether it is a value (`$name`) rather than a filter.
    pub values: Vec<bool>,
    pub body: Node,
}

pub(super) struct Node {
    pub kind: Kind,
    /// Whether it gives exactly one result or fails: then it needs no continuation.
    pub single: bool,
}

/// Bindings are addressed by how many were made since: 0 is the last one.
pub(super) enum Kind {
    Identity,
    Const(Value),
    Variable(usize),
    /// A filter that a function was called with.
    Filter(usize),
    /// A function, how many of the bindings it doesn't see, and its arguments.
    Call(usize, usize, Vec<Node>),
    /// A function of values. Of several results of the arguments, those of the last argument are gone through first.
    Native(&'static Native, Vec<Node>),
    GetPath(Box<Node>),
    Path(Box<Node>),
    /// `range(from; to; step)`
    Range(Box<[Node; 3]>),
    Recurse,
    Empty,
    Text(Vec<Node>),
    /// Keys and values. Without a value it is what the key leads to.
    Object(Vec<(Node, Option<Node>)>),
    Array(Box<Node>),
    Pipe(Box<Node>, Box<Node>),
    Comma(Box<Node>, Box<Node>),
    Alternative(Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Binary(Operator, Box<[Node; 2]>),
    Assign(Box<Node>, Box<Node>),
    /// `=` on a path that is known.
    AssignPath(Value, Box<Node>),
    Modify(Box<Node>, Box<Node>),
    Update(Option<Operator>, Box<Node>, Box<Node>),
    Index(Box<[Node; 2]>),
    /// Value, start and end.
    Slice(Box<[Node; 3]>),
    Iterate(Box<Node>),
    If(Box<[Node; 3]>),
    Try(Box<Node>, Option<Box<Node>>),
    /// Source, start and update.
    Reduce(Pattern, Box<[Node; 3]>),
    /// Source, start, update and extract.
    Foreach(Pattern, Box<[Node; 4]>),
    Bind(Box<Node>, Vec<Alternative>),
    Label(Box<Node>),
    Break(usize),
}

/// One of the patterns of `as`, and what is done with it. The variables of the others are null: so many.
pub(super) struct Alternative {
    pub nulls: usize,
    pub pattern: Pattern,
    pub body: Node,
}

/// Each variable in it makes one binding.
pub(super) enum Pattern {
    Variable,
    Array(Vec<Pattern>),
    Object(Vec<Field>),
}

pub(super) struct Field {
    pub key: Node,
    /// Whether the key is a variable that gets the value.
    pub binds: bool,
    pub inner: Option<Pattern>,
}

impl Node {
    pub fn new(kind: Kind) -> Node {
        let single = match &kind {
            Kind::Identity
            | Kind::Const(_)
            | Kind::Variable(_)
            | Kind::Array(_)
            | Kind::Modify(..) => true,
            Kind::Native(_, nodes) | Kind::Text(nodes) => nodes.iter().all(|n| n.single),
            Kind::GetPath(node) | Kind::AssignPath(_, node) => node.single,
            Kind::Object(fields) => fields
                .iter()
                .all(|(k, v)| k.single && v.as_ref().is_none_or(|v| v.single)),
            Kind::Pipe(l, r) | Kind::And(l, r) | Kind::Or(l, r) | Kind::Alternative(l, r) => {
                l.single && r.single
            }
            Kind::Assign(_, value) | Kind::Update(_, _, value) => value.single,
            Kind::Binary(_, both) | Kind::Index(both) => both.iter().all(|n| n.single),
            Kind::Slice(all) | Kind::If(all) => all.iter().all(|n| n.single),
            Kind::Reduce(pattern, all) => all[1].single && pattern.is_single(),
            Kind::Bind(source, alternatives) => match alternatives.as_slice() {
                [only] => source.single && only.pattern.is_single() && only.body.single,
                _ => false,
            },
            // A function says so when it is called: see the compiler.
            Kind::Call(..)
            | Kind::Filter(_)
            | Kind::Path(_)
            | Kind::Range(_)
            | Kind::Recurse
            | Kind::Empty
            | Kind::Comma(..)
            | Kind::Iterate(_)
            | Kind::Try(..)
            | Kind::Foreach(..)
            | Kind::Label(_)
            | Kind::Break(_) => false,
        };
        Node { kind, single }
    }
}

impl Pattern {
    /// Whether a value is taken apart in one way only.
    fn is_single(&self) -> bool {
        match self {
            Pattern::Variable => true,
            Pattern::Array(patterns) => patterns.iter().all(Pattern::is_single),
            Pattern::Object(fields) => {
                let single = |field: &Field| {
                    field.key.single && field.inner.as_ref().is_none_or(Pattern::is_single)
                };
                fields.iter().all(single)
            }
        }
    }
}
