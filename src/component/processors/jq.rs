//! `jq`: queries and edits messages with jq.

use super::flow::{Outcome, expand};
use crate::component::{BuildProcessor, Context, Processor};
use crate::message::{Batch, Message};
use crate::value::{self, Array, Value};
use anyhow::anyhow;
use jaq_core::{Compiler, Ctx, Vars, compile::Filter, data::JustLut, load, unwrap_valr};
use jaq_json::{Val, read};

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
    dyn BuildProcessor, "jq", Config
}

/// The most results that a program may have for a message.
const MAX_RESULTS: usize = 1_000_000;

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let program = Program {
            filter: compile(&self.query).map_err(|e| anyhow!("error parsing jq query: {e}"))?,
            raw: self.raw,
            output_raw: self.output_raw,
        };
        Ok(expand(move |message, made| program.run(message, made)))
    }
}

struct Program {
    filter: Filter<jaq_core::Native<JustLut<Val>>>,
    raw: bool,
    output_raw: bool,
}

fn compile(query: &str) -> Result<Filter<jaq_core::Native<JustLut<Val>>>, String> {
    let definitions = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs());
    let functions = jaq_core::funs()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs());
    let arena = load::Arena::default();
    let file = load::File {
        code: query,
        path: (),
    };
    let modules = load::Loader::new(definitions)
        .load(&arena, file)
        .map_err(|errors| {
            let first = errors.into_iter().next().map(|(_, e)| format!("{e:?}"));
            first.unwrap_or_default()
        })?;
    Compiler::default()
        .with_funs(functions)
        .with_global_vars(["$metadata"])
        .compile(modules)
        .map_err(|errors| {
            let mut undefined = errors.iter().flat_map(|(_, found)| found);
            let first = undefined
                .next()
                .map(|(name, kind)| format!("undefined {kind:?}: {name}"));
            first.unwrap_or_default()
        })
}

impl Program {
    fn run(&self, message: &Message, made: &mut Batch) -> Outcome {
        let input = if self.raw {
            Val::from(String::from_utf8_lossy(message.bytes()).into_owned())
        } else {
            message.value().map_err(|e| e.to_string())?;
            to_jq(message.bytes())?
        };
        let metadata = message
            .metadata()
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()));
        let metadata = to_jq(&Value::Object(metadata.collect()).to_json())?;
        let ctx = Ctx::<JustLut<Val>>::new(&self.filter.lut, Vars::new([metadata]));
        let mut results = Vec::new();
        for result in self.filter.id.run((ctx, input)).map(unwrap_valr) {
            if results.len() == MAX_RESULTS {
                return Err(format!("the program has more than {MAX_RESULTS} results"));
            }
            results.push(result.map_err(|e| explain(&e.to_string()))?);
        }
        if results.is_empty() {
            return Ok(());
        }
        let mut changed = message.clone();
        if self.output_raw {
            let mut text = Vec::new();
            for result in &results {
                match result {
                    Val::TStr(s) | Val::BStr(s) => text.extend_from_slice(s),
                    other => text.extend_from_slice(other.to_string().as_bytes()),
                }
            }
            changed.set_bytes(text);
        } else {
            let mut values = results.iter().map(from_jq).collect::<Result<Vec<_>, _>>()?;
            changed.set_value(match values.len() {
                1 => values.pop().expect("there is one"),
                _ => Value::Array(Array::from(values)),
            });
        }
        made.push(changed);
        Ok(())
    }
}

fn to_jq(json: &[u8]) -> Result<Val, String> {
    read::parse_single(json).map_err(|e| e.to_string())
}

fn from_jq(value: &Val) -> Result<Value, String> {
    value::parse(&value.to_string().into()).map_err(|e| format!("the result is no JSON: {e}"))
}

/// The error in the words that configs match on: `expected an object but got: number (1)`.
fn explain(error: &str) -> String {
    let typed = |json: &str| {
        let kind = match json.as_bytes().first() {
            Some(b'{') => "object",
            Some(b'[') => "array",
            Some(b'"') => "string",
            Some(b't' | b'f') => "boolean",
            Some(b'n') => return "null".to_owned(),
            _ => "number",
        };
        format!("{kind} ({json})")
    };
    if let Some(rest) = error.strip_prefix("cannot index ")
        && let Some((value, key)) = rest.rsplit_once(" with ")
    {
        let wanted = if key.starts_with('"') {
            "an object"
        } else {
            "an array"
        };
        return format!("expected {wanted} but got: {}", typed(value));
    }
    if let Some(rest) = error.strip_prefix("cannot use ")
        && let Some((value, _)) = rest.split_once(" as iterable")
    {
        return format!("cannot iterate over: {}", typed(value));
    }
    error.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_give_what_jq_gives() {
        for (query, raw, output_raw, input, wanted) in [
            (".a.b", false, false, r#"{"a":{"b":[5,6]}}"#, "[5,6]"),
            (
                ".a.b",
                false,
                false,
                r#"{"a":1}"#,
                "Error: expected an object but got: number (1)",
            ),
            (
                "{n: (.l|length), s: [.l[]|.*2]}",
                false,
                false,
                r#"{"l":[1,2]}"#,
                r#"{"n":2,"s":[2,4]}"#,
            ),
            (".l[]", false, false, r#"{"l":[1,2]}"#, "[1,2]"),
            ("empty", false, false, "{}", ""),
            ("ascii_upcase", true, false, "text", "\"TEXT\""),
            (".l[]", false, true, r#"{"l":["a","b"]}"#, "ab"),
            ("$metadata.k", false, false, "{}", "\"v\""),
        ] {
            let program = Program {
                filter: compile(query).expect("it compiles"),
                raw,
                output_raw,
            };
            let mut message = Message::new(input);
            message.metadata_mut().set("k", "v");
            let mut made = Batch::new();
            let got = match program.run(&message, &mut made) {
                Ok(()) => made
                    .first()
                    .map(|m| String::from_utf8_lossy(m.bytes()).into_owned()),
                Err(e) => Some(format!("Error: {e}")),
            };
            assert_eq!(got.unwrap_or_default(), wanted, "{query}");
        }
        assert!(compile(".a |").is_err());
        assert!(compile("nope(1)").is_err());
    }
}
