//! What a template is made of once it is read, and how its parts are written where an error names them.

use super::call::Callee;
use std::fmt;

/// A part of a template that does something.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    /// `{{ pipeline }}`
    Action {
        at: usize,
        pipe: Pipe,
    },
    If(Branches),
    With(Branches),
    Range(Branches),
    Template {
        at: usize,
        name: String,
        pipe: Option<Pipe>,
    },
    Break,
    Continue,
}

/// A condition with what is done if it holds and if it doesn't.
#[derive(Debug)]
pub(super) struct Branches {
    pub pipe: Pipe,
    pub body: Vec<Node>,
    pub otherwise: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct Pipe {
    pub at: usize,
    /// Whether the variables were there before: `=` and not `:=`.
    pub assigns: bool,
    pub variables: Vec<String>,
    pub commands: Vec<Command>,
}

#[derive(Debug)]
pub(super) struct Command {
    pub at: usize,
    pub words: Vec<Word>,
}

/// An operand.
#[derive(Debug)]
pub(super) struct Word {
    pub at: usize,
    pub kind: WordKind,
}

#[derive(Debug)]
pub(super) enum WordKind {
    Function(String, Callee),
    Dot,
    Nil,
    /// `$x` and the fields after it.
    Variable(String, Vec<String>),
    Field(Vec<String>),
    Bool(bool),
    Number {
        text: String,
        value: Constant,
    },
    /// As it was written, and what it says.
    Text {
        quoted: String,
        text: String,
    },
    Pipe(Box<Pipe>),
    /// `(pipeline).a.b`
    Chain(Box<Word>, Vec<String>),
}

/// A number as it was written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Constant {
    Int(i64),
    /// The number, and whether it may stand for an integer too.
    Float(f64, Option<i64>),
    /// Too large for any integer that there is.
    Huge,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = |f: &mut fmt::Formatter<'_>, names: &[String]| {
            names.iter().try_for_each(|name| write!(f, ".{name}"))
        };
        match &self.kind {
            WordKind::Function(name, _) => f.write_str(name),
            WordKind::Dot => f.write_str("."),
            WordKind::Nil => f.write_str("nil"),
            WordKind::Variable(name, names) => {
                f.write_str(name)?;
                fields(f, names)
            }
            WordKind::Field(names) => fields(f, names),
            WordKind::Bool(b) => write!(f, "{b}"),
            WordKind::Number { text, .. } => f.write_str(text),
            WordKind::Text { quoted, .. } => f.write_str(quoted),
            WordKind::Pipe(pipe) => write!(f, "({pipe})"),
            WordKind::Chain(word, names) => {
                write!(f, "{word}")?;
                fields(f, names)
            }
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, word) in self.words.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{word}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variables.is_empty() {
            f.write_str(&self.variables.join(", "))?;
            f.write_str(if self.assigns { " = " } else { " := " })?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            if i > 0 {
                f.write_str(" | ")?;
            }
            write!(f, "{command}")?;
        }
        Ok(())
    }
}
