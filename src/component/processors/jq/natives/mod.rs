//! The functions that are made of values only.

mod arrays;
mod formats;
mod math;
mod regex;
mod strings;
mod time;
mod values;

use super::fail::Result;
use super::machine::Machine;
use crate::value::Value;

pub(super) use regex::Regexes;

/// A function of its input and its arguments' values.
pub(super) struct Native {
    pub name: &'static str,
    pub arity: usize,
    pub run: fn(&Machine<'_>, &Value, &[Value]) -> Result,
}

/// An entry of a table of functions: one that needs its input alone, or its arguments as well, or the machine too.
macro_rules! native {
    ($name:literal, 0, $run:expr) => {
        Native {
            name: $name,
            arity: 0,
            run: |_, value, _| $run(value),
        }
    };
    ($name:literal, $arity:literal, $run:expr) => {
        Native {
            name: $name,
            arity: $arity,
            run: |_, value, arguments| $run(value, arguments),
        }
    };
}
use native;

const TABLES: &[&[Native]] = &[
    values::TABLE,
    arrays::TABLE,
    strings::TABLE,
    formats::TABLE,
    math::TABLE,
    time::TABLE,
    regex::TABLE,
];

/// The function of a name that takes so many arguments. Formats are found by their name with the sign.
pub(super) fn find(name: &str, arity: usize) -> Option<&'static Native> {
    let mut all = TABLES.iter().flat_map(|table| table.iter());
    all.find(|native| native.name == name && native.arity == arity)
}

/// The functions by name and number of arguments, without those that only the language itself uses.
pub(super) fn names() -> impl Iterator<Item = (&'static str, usize)> {
    let all = TABLES.iter().flat_map(|table| table.iter());
    all.filter(|native| !native.name.starts_with(['_', '@']))
        .map(|native| (native.name, native.arity))
}
