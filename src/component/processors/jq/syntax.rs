//! What a jq program is as written: names are not looked up yet.

use crate::value::Value;

/// A query: whatever stands between parentheses.
#[derive(Clone, Debug)]
pub(super) enum Query {
    Identity,
    Recurse,
    Const(Value),
    /// Pieces of text and queries between them, and the format (`@csv`) that the queries' results take.
    Text(Vec<Piece>, Option<String>),
    /// A format without a text: `@csv`.
    Format(String),
    /// `$name`, with the dollar sign.
    Variable(String),
    Call(String, Vec<Query>),
    Object(Vec<(Key, Option<Query>)>),
    Array(Option<Box<Query>>),
    Pipe(Box<Query>, Box<Query>),
    Comma(Box<Query>, Box<Query>),
    Alternative(Box<Query>, Box<Query>),
    And(Box<Query>, Box<Query>),
    Or(Box<Query>, Box<Query>),
    Binary(Operator, Box<Query>, Box<Query>),
    /// `=`
    Assign(Box<Query>, Box<Query>),
    /// `|=`
    Modify(Box<Query>, Box<Query>),
    /// `+=` and the like; no operator is `//=`.
    Update(Option<Operator>, Box<Query>, Box<Query>),
    Negate(Box<Query>),
    Plus(Box<Query>),
    Index(Box<Query>, Box<Query>),
    Slice(Box<Query>, Option<Box<Query>>, Option<Box<Query>>),
    Iterate(Box<Query>),
    If(Box<Query>, Box<Query>, Option<Box<Query>>),
    Try(Box<Query>, Option<Box<Query>>),
    Reduce(Box<Query>, Pattern, Box<Query>, Box<Query>),
    Foreach(
        Box<Query>,
        Pattern,
        Box<Query>,
        Box<Query>,
        Option<Box<Query>>,
    ),
    Bind(Box<Query>, Vec<Pattern>, Box<Query>),
    Label(String, Box<Query>),
    Break(String),
    Define(Box<Definition>, Box<Query>),
    /// What can be written and not be run, with the reason.
    Unable(String),
}

/// A function: `def name(parameters): body;`. The name of a parameter that is a value begins with `$`.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub name: String,
    pub parameters: Vec<String>,
    pub body: Query,
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Query(Query),
}

/// The key of an object's field.
#[derive(Clone, Debug)]
pub(super) enum Key {
    Name(String),
    /// `$name`, with the dollar sign.
    Variable(String),
    Query(Query),
}

#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Variable(String),
    Array(Vec<Pattern>),
    /// Each field's key and what is done with its value.
    Object(Vec<(Key, Option<Pattern>)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}
