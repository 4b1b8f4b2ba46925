//! `jq`: queries and edits messages with jq.
//!
//! The language is that of gojq, which configs are written for: objects are in the order of their keys, integers are exact at
//! any size, and errors are worded as there. A program has no files, no environment and no other inputs than its message.

mod bindings;
mod compile;
mod fail;
mod generate;
mod json;
mod lexer;
mod machine;
mod natives;
mod numbers;
mod operators;
mod parser;
mod paths;
mod place;
mod prelude;
mod program;
mod syntax;
mod terms;

#[cfg(test)]
mod tests;

use super::flow::{Outcome, expand};
use crate::bloblang::{STACK_RESERVE, STACK_SIZE, here, on_new_stack};
use crate::component::{BuildProcessor, Context, Processor};
use crate::message::{Batch, Message};
use crate::value::{Array, Value};
use anyhow::anyhow;
use fail::Stop;
use machine::Machine;
use natives::Regexes;

/// How much of the caller's stack a run may take. A program that needs more gets a stack of its own.
const STACK_SHARE: usize = 512 * 1024;
/// The most steps that a program may take on a message.
const MAX_STEPS: u64 = 50_000_000;
/// The most results that a program may have for a message.
const MAX_RESULTS: usize = 1_000_000;

crate::fields! {
    /// The program.
    pub struct Config {
        /// A jq program. `$metadata` is the message's metadata.
        query: String,
        /// Whether the program gets the content as a string and not as a JSON document.
        raw: bool = "false",
        /// Whether strings are written without quotes, and several results one behind the other.
        output_raw: bool = "false",
    }
}

crate::spec! {
    /// Replaces each message by what a jq program makes of it. Several results become an array; without a result the message is dropped.
    ///
    /// A program may take fifty million steps on a message; it has no files, no environment variables and no further inputs.
    dyn BuildProcessor, "jq", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let program = Program::new(&self.query, self.raw, self.output_raw)?;
        Ok(expand(move |message, made| program.run(message, made)))
    }
}

struct Program {
    program: program::Program,
    regexes: Regexes,
    most_steps: u64,
    raw: bool,
    output_raw: bool,
}

impl Program {
    fn new(query: &str, raw: bool, output_raw: bool) -> anyhow::Result<Program> {
        let parsed = parser::parse(query).map_err(|e| anyhow!("error parsing jq query: {e}"))?;
        let program = compile::compile(&parsed, &["$metadata"])
            .map_err(|e| anyhow!("error compiling jq query: {e}"))?;
        Ok(Program {
            program,
            regexes: Regexes::default(),
            most_steps: MAX_STEPS,
            raw,
            output_raw,
        })
    }

    fn run(&self, message: &Message, made: &mut Batch) -> Outcome {
        let input = match self.raw {
            true => String::from_utf8_lossy(message.bytes()).into_owned().into(),
            false => json::enter(message.value().map_err(|e| e.to_string())?.clone()),
        };
        let metadata = message.metadata().iter();
        let metadata = metadata.map(|(k, v)| (k.clone(), json::enter(v.clone())));
        let metadata = Value::Object(metadata.collect());
        let results = match self.results(&input, &metadata, here().saturating_sub(STACK_SHARE)) {
            Err(Stop::Stack) => {
                let run = || {
                    self.results(
                        &input,
                        &metadata,
                        here().saturating_sub(STACK_SIZE - STACK_RESERVE),
                    )
                };
                on_new_stack(run).ok_or("there is no stack for the program")?
            }
            done => done,
        };
        let mut results = results.map_err(Stop::reason)?;
        let mut changed = message.clone();
        if results.is_empty() {
            return Ok(());
        }
        if self.output_raw {
            let mut text = String::new();
            for result in &results {
                match result {
                    Value::String(part) => text.push_str(part),
                    other => text.push_str(&json::text(other).map_err(Stop::reason)?),
                }
            }
            changed.set_bytes(text.into_bytes());
        } else {
            let value = match results.len() {
                1 => results.swap_remove(0),
                _ => Value::Array(Array::from(results)),
            };
            changed.set_value(json::leave(value).map_err(Stop::reason)?);
        }
        made.push(changed);
        Ok(())
    }

    fn results(
        &self,
        input: &Value,
        metadata: &Value,
        stack_end: usize,
    ) -> fail::Result<Vec<Value>> {
        let machine = Machine::new(&self.program, &self.regexes, stack_end, self.most_steps);
        let mut results = Vec::new();
        machine.start(input.clone(), vec![metadata.clone()], &mut |result| {
            if results.len() == MAX_RESULTS {
                return fail::limit(format!("the program has more than {MAX_RESULTS} results"));
            }
            results.push(result);
            Ok(())
        })?;
        Ok(results)
    }
}
