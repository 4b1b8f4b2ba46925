//! Functions and methods that see more than values: the message, the batch, queries as arguments. Their tables are in
//! `functions/` and `methods/` like all others.

mod brackets;
mod functions;
mod iterate;
mod methods;
mod order;

use super::context::Context;
use super::expr::{Function, Method};
use super::fail::Fail;
use super::flow::Flow;
use rand::rngs::StdRng;

pub(crate) use brackets::{INDEX, SLICE};
pub(crate) use functions::{function, name as function_name, new_metadata};
pub(crate) use methods::{inner_program, method};

pub(crate) type CoreMethod = fn(&Method, &mut Context<'_>) -> Result<Flow, Fail>;
pub(crate) type CoreFunction = fn(&Function, &mut Context<'_>) -> Result<Flow, Fail>;

/// What a stateful function remembers.
#[derive(Default)]
pub(crate) enum State {
    #[default]
    Fresh,
    /// The last number that was counted.
    Count(i64),
    Random(Box<StdRng>),
}

/// Whether a method on constants is computed while parsing, so that its failure is a parse error.
pub(crate) fn is_computed_early(method: &str) -> bool {
    [
        "ts_",
        "format_timestamp",
        "parse_timestamp",
        "parse_duration",
    ]
    .iter()
    .any(|prefix| method.starts_with(prefix))
}
