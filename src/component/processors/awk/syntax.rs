//! An AWK program, parsed: names are slots, patterns are compiled.

use super::natives::Native;
use super::values::Text;
use regex::bytes::Regex;
use std::sync::Arc;

#[derive(Debug, Default)]
pub(super) struct Program {
    pub begin: Vec<Block>,
    pub rules: Vec<Rule>,
    pub end: Vec<Block>,
    pub callees: Vec<Callee>,
    /// The global variables' names; the first ones are those of [`special`].
    pub globals: Vec<String>,
    /// Whether a function may call itself, directly or not.
    pub recursive: bool,
    /// Whether it reads `ENVIRON`.
    pub uses_environment: bool,
}

pub(super) type Block = Vec<Statement>;

#[derive(Debug)]
pub(super) struct Rule {
    pub pattern: Pattern,
    /// None prints the record.
    pub action: Option<Block>,
}

#[derive(Debug)]
pub(super) enum Pattern {
    Always,
    When(Expr),
    /// From the record where the first holds to the one where the second does.
    Range(Expr, Expr),
}

/// Something that is called by a name: a function of the program, else one of ours.
#[derive(Debug)]
pub(super) struct Callee {
    pub name: String,
    pub function: Option<Function>,
    pub native: Option<Native>,
}

#[derive(Debug, Default)]
pub(super) struct Function {
    pub body: Block,
    /// For each parameter, whether it is an array.
    pub arrays: Vec<bool>,
}

#[derive(Debug)]
pub(super) enum Statement {
    Expr(Expr),
    Print(Vec<Expr>, Option<Expr>),
    Printf(Vec<Expr>, Option<Expr>),
    If(Expr, Block, Block),
    While(Expr, Block),
    Do(Block, Expr),
    For(
        Option<Box<Statement>>,
        Option<Expr>,
        Option<Box<Statement>>,
        Block,
    ),
    ForIn(Var, Var, Block),
    Block(Block),
    Break,
    Continue,
    Next,
    NextFile,
    Exit(Option<Expr>),
    Return(Option<Expr>),
    /// An element of an array, or all of it.
    Delete(Var, Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Var {
    Global(usize),
    Local(usize),
}

/// Where a value can be put.
#[derive(Debug)]
pub(super) enum Place {
    Var(Var),
    Field(Box<Expr>),
    Element(Var, Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
}

/// Functions of the language whose arguments are values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Builtin {
    Atan2,
    Close,
    Cos,
    Exp,
    Fflush,
    Index,
    Int,
    Log,
    Match,
    Rand,
    Sin,
    Sprintf,
    Sqrt,
    Srand,
    Substr,
    ToLower,
    ToUpper,
}

#[derive(Debug)]
pub(super) enum Expr {
    Number(f64),
    Text(Text),
    /// A pattern: by itself, whether the record matches it.
    Regex(Arc<Regex>),
    Read(Place),
    Assign(Place, Box<Expr>),
    Update(Place, Operator, Box<Expr>),
    /// `++` and `--`, before or behind.
    Step {
        place: Place,
        by: f64,
        after: bool,
    },
    Choose(Box<[Expr; 3]>),
    And(Box<[Expr; 2]>),
    Or(Box<[Expr; 2]>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Plus(Box<Expr>),
    Compute(Operator, Box<[Expr; 2]>),
    Compare(Comparison, Box<[Expr; 2]>),
    Concat(Box<[Expr; 2]>),
    Match(Box<[Expr; 2]>),
    In(Vec<Expr>, Var),
    Call(usize, Vec<Expr>),
    Builtin(Builtin, Vec<Expr>),
    Length(Option<Box<Expr>>),
    /// `sub`, or `gsub` with `all`.
    Substitute {
        all: bool,
        pattern: Box<Expr>,
        with: Box<Expr>,
        target: Place,
    },
    Split {
        text: Box<Expr>,
        into: Var,
        by: Option<Box<Expr>>,
    },
    Getline(Option<Place>),
    /// Expressions in brackets that only `print` and `in` know what to do with.
    List(Vec<Expr>),
}

/// The variables that mean something to the language, by slot.
pub(super) mod special {
    pub const NAMES: &[&str] = &[
        "NF", "NR", "FNR", "FS", "OFS", "ORS", "RS", "SUBSEP", "CONVFMT", "OFMT", "RSTART",
        "RLENGTH", "FILENAME", "ARGC", "ARGV", "ENVIRON",
    ];
    pub const NF: usize = 0;
    pub const NR: usize = 1;
    pub const FNR: usize = 2;
    pub const FS: usize = 3;
    pub const OFS: usize = 4;
    pub const ORS: usize = 5;
    pub const RS: usize = 6;
    pub const SUBSEP: usize = 7;
    pub const CONVFMT: usize = 8;
    pub const OFMT: usize = 9;
    pub const RSTART: usize = 10;
    pub const RLENGTH: usize = 11;
    pub const ARGC: usize = 13;
    pub const ARGV: usize = 14;
    pub const ENVIRON: usize = 15;
}
