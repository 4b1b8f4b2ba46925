//! Table: functions of the message and its batch, markers, and functions that keep state.

use crate::bloblang::spec::{
    CallError, Example, FunctionCall, FunctionFn, FunctionSpec, Param, ParamKind, Status,
};
use crate::value::{Array, Value};

/// How many elements `range` makes at most.
const MAX_RANGE: i128 = 10_000_000;

const fn core(
    name: &'static str,
    status: Status,
    about: &'static str,
    params: &'static [Param],
    examples: &'static [Example],
) -> FunctionSpec {
    FunctionSpec {
        name,
        status,
        about,
        params,
        examples,
        impure: false,
        call: FunctionCall::Core,
    }
}

const KEY: &[Param] = &[Param::new(
    "key",
    ParamKind::String,
    "The key; all of the metadata as an object if it is left out.",
)
.default("\"\"")];

pub(super) static TABLE: &[FunctionSpec] = &[
    core(
        "batch_index",
        Status::Stable,
        "The place of the message in its batch, from 0.",
        &[],
        &[Example {
            about: "The first message of a batch.",
            mapping: "root = if batch_index() == 0 { \"first\" } else { deleted() }",
            cases: &[("{}", "first")],
        }],
    ),
    core(
        "batch_size",
        Status::Stable,
        "How many messages the batch has.",
        &[],
        &[Example {
            about: "Of a lone message.",
            mapping: "root.size = batch_size()",
            cases: &[("{}", r#"{"size":1}"#)],
        }],
    ),
    core(
        "content",
        Status::Stable,
        "The content of the message as bytes.",
        &[],
        &[Example {
            about: "Content that isn't JSON.",
            mapping: "root.text = content().string()",
            cases: &[("hello", r#"{"text":"hello"}"#)],
        }],
    ),
    core(
        "count",
        Status::Deprecated,
        "Counts its calls by name, for the whole process. Prefer `counter`.",
        &[Param::new("name", ParamKind::String, "The name of the count.")],
        &[Example {
            about: "Numbered messages.",
            mapping: "root.n = count(\"an example\")",
            cases: &[("{}", r#"{"n":1}"#), ("{}", r#"{"n":2}"#)],
        }],
    ),
    core(
        "counter",
        Status::Experimental,
        "Counts up with each call, and begins again after `max`. Each place in a mapping counts for itself.",
        &[
            Param::new("min", ParamKind::Query, "The first number.").default("1"),
            Param::new("max", ParamKind::Query, "The last number.")
                .default("9223372036854775807"),
            Param::new(
                "set",
                ParamKind::Query,
                "A number sets the count, null returns the last number again, `deleted()` begins again, `nothing()` counts on.",
            )
            .optional(),
        ],
        &[Example {
            about: "From 1 to 2.",
            mapping: "root.n = counter(max: 2)",
            cases: &[("{}", r#"{"n":1}"#), ("{}", r#"{"n":2}"#), ("{}", r#"{"n":1}"#)],
        }],
    ),
    core(
        "deleted",
        Status::Stable,
        "A marker that removes what it is assigned to: a field, a metadata key, an element of a literal, or, assigned to root, the message.",
        &[],
        &[Example {
            about: "A field less.",
            mapping: "root = this\nroot.secret = deleted()",
            cases: &[(r#"{"id":1,"secret":"x"}"#, r#"{"id":1}"#)],
        }],
    ),
    core(
        "error",
        Status::Stable,
        "Why the message is flagged as failed; null if it isn't.",
        &[],
        &[],
    ),
    core(
        "errored",
        Status::Stable,
        "Whether the message is flagged as failed.",
        &[],
        &[Example {
            about: "A message that is well.",
            mapping: "root.failed = errored()",
            cases: &[("{}", r#"{"failed":false}"#)],
        }],
    ),
    core(
        "error_source_label",
        Status::Stable,
        "The label of the component that flagged the message as failed; null if there is none.",
        &[],
        &[],
    ),
    core(
        "error_source_name",
        Status::Stable,
        "The type of the component that flagged the message as failed; null if there is none.",
        &[],
        &[],
    ),
    core(
        "error_source_path",
        Status::Stable,
        "The path in the config of the component that flagged the message as failed; null if there is none.",
        &[],
        &[],
    ),
    core(
        "error_source_type",
        Status::Stable,
        "The type of the component that flagged the message as failed; null if there is none.",
        &[],
        &[],
    ),
    core(
        "flow_id",
        Status::Stable,
        "An id of the message that it, its copies and what is made of it keep on their way through the stream: a UUID.",
        &[],
        &[],
    ),
    core(
        "json",
        Status::Stable,
        "The content of the message as a value, or what it holds at a path.",
        &[Param::new("path", ParamKind::String, "A dotted path.").default("\"\"")],
        &[Example {
            about: "A field.",
            mapping: "root.id = json(\"doc.id\")",
            cases: &[(r#"{"doc":{"id":5}}"#, r#"{"id":5}"#)],
        }],
    ),
    core(
        "meta",
        Status::Deprecated,
        "Metadata of the message as text, as it was before the mapping. Prefer `metadata` or `@`.",
        KEY,
        &[],
    ),
    core(
        "metadata",
        Status::Stable,
        "Metadata of the message, as it was before the mapping.",
        KEY,
        &[Example {
            about: "A key that isn't there.",
            mapping: "root.topic = metadata(\"topic\") | \"none\"",
            cases: &[("{}", r#"{"topic":"none"}"#)],
        }],
    ),
    core(
        "nothing",
        Status::Hidden,
        "A marker that skips the assignment.",
        &[],
        &[Example {
            about: "Nothing is assigned.",
            mapping: "root.a = 1\nroot.a = nothing()",
            cases: &[("{}", r#"{"a":1}"#)],
        }],
    ),
    core(
        "random_int",
        Status::Stable,
        "A random integer. With the same seed the numbers of a mapping are the same each time it starts.",
        &[
            Param::new(
                "seed",
                ParamKind::Query,
                "Where the random numbers begin; asked for once.",
            )
            .default("0"),
            Param::new("min", ParamKind::Int, "The smallest number.").default("0"),
            Param::new("max", ParamKind::Int, "The largest number.")
                .default("9223372036854775806"),
        ],
        &[Example {
            about: "There is only one.",
            mapping: "root.n = random_int(min: 5, max: 5)",
            cases: &[("{}", r#"{"n":5}"#)],
        }],
    ),
    FunctionSpec {
        name: "range",
        status: Status::Stable,
        about: "An array of integers from `start` up to, but without, `stop`.",
        params: &[
            Param::new("start", ParamKind::Int, "The first number."),
            Param::new("stop", ParamKind::Int, "Where to stop; not part of the array."),
            Param::new("step", ParamKind::Int, "How far apart the numbers are.").default("1"),
        ],
        examples: &[Example {
            about: "Up and down.",
            mapping: "root.up = range(0, 3)\nroot.down = range(start: 0, stop: -5, step: -2)",
            cases: &[("{}", r#"{"down":[0,-2],"up":[0,1,2]}"#)],
        }],
        impure: false,
        call: FunctionCall::Prepared(range),
    },
    core(
        "root_meta",
        Status::Deprecated,
        "Metadata as text, as the mapping has it so far. Prefer `@`.",
        KEY,
        &[],
    ),
    core(
        "throw",
        Status::Stable,
        "Fails with a text.",
        &[Param::new("why", ParamKind::String, "The text.")],
        &[Example {
            about: "A check.",
            mapping: "root.id = if this.id == null { throw(\"no id\") } else { this.id }",
            cases: &[
                (r#"{"id":1}"#, r#"{"id":1}"#),
                ("{}", "Error: failed assignment (line 1): no id"),
            ],
        }],
    ),
    core(
        "tracing_id",
        Status::Experimental,
        "The trace that the message belongs to; zeros if it isn't traced.",
        &[],
        &[],
    ),
    core(
        "tracing_span",
        Status::Experimental,
        "The tracing span of the message as an object for other systems; empty if it isn't traced.",
        &[],
        &[],
    ),
    core(
        "var",
        Status::Hidden,
        "A variable by its name. Prefer `$name`.",
        &[Param::new("name", ParamKind::String, "The variable's name.")],
        &[Example {
            about: "A name with a space in it.",
            mapping: "let \"a b\" = 5\nroot.n = var(\"a b\")",
            cases: &[("{}", r#"{"n":5}"#)],
        }],
    ),
];

fn range(args: &[Value]) -> Result<FunctionFn, CallError> {
    let [Value::Int(start), Value::Int(stop), Value::Int(step)] = *args else {
        return Err("range takes integers".into());
    };
    if step == 0 {
        return Err("step must be greater than or less than 0".into());
    }
    if step > 0 && start >= stop {
        let why = format!("with positive step arg start ({start}) must be < stop ({stop})");
        return Err(why.into());
    }
    if step < 0 && start < stop {
        let why = format!("with negative step arg stop ({stop}) must be <= start ({start})");
        return Err(why.into());
    }
    // Cut off, not rounded up: that is how many there have always been.
    let len = (i128::from(stop) - i128::from(start)) / i128::from(step);
    if len > MAX_RANGE {
        return Err(format!("a range of {len} elements is more than {MAX_RANGE}").into());
    }
    Ok(Box::new(move || {
        let items: Array = (0..len as i64)
            .map(|i| Value::Int(start.wrapping_add(i.wrapping_mul(step))))
            .collect();
        Ok(Value::Array(items))
    }))
}
