//! Table: functions that use the cache resources of the stream.

use crate::bloblang::spec::{CallError, FunctionCall, FunctionSpec, Param, ParamKind, Status};
use crate::value::{Str, Value};
use bytes::Bytes;

const RESOURCE: Param = Param::new(
    "resource",
    ParamKind::String,
    "The label of the cache resource.",
);
const KEY: Param = Param::new("key", ParamKind::String, "The key.");
const VALUE: Param = Param::new("value", ParamKind::String, "What is kept, text or bytes.");

pub(super) static TABLE: &[FunctionSpec] = &[
    FunctionSpec {
        name: "cache_add",
        status: Status::Experimental,
        about: "Keeps a value under a key of a cache resource, and fails if the key is there already. Gives null.",
        params: &[RESOURCE, KEY, VALUE],
        examples: &[],
        impure: true,
        call: FunctionCall::Caches(|caches, args| {
            caches.add(&text(&args[0])?, &text(&args[1])?, content(&args[2])?)?;
            Ok(Value::Null)
        }),
    },
    FunctionSpec {
        name: "cache_delete",
        status: Status::Experimental,
        about: "Removes a key from a cache resource, if it is there. Gives null.",
        params: &[RESOURCE, KEY],
        examples: &[],
        impure: true,
        call: FunctionCall::Caches(|caches, args| {
            caches.delete(&text(&args[0])?, &text(&args[1])?)?;
            Ok(Value::Null)
        }),
    },
    FunctionSpec {
        name: "cache_get",
        status: Status::Experimental,
        about: "What a cache resource keeps under a key, as bytes. Fails if the key isn't there.",
        params: &[RESOURCE, KEY],
        examples: &[],
        impure: true,
        call: FunctionCall::Caches(|caches, args| {
            Ok(Value::Bytes(
                caches.get(&text(&args[0])?, &text(&args[1])?)?,
            ))
        }),
    },
    FunctionSpec {
        name: "cache_set",
        status: Status::Experimental,
        about: "Keeps a value under a key of a cache resource. Gives null.",
        params: &[RESOURCE, KEY, VALUE],
        examples: &[],
        impure: true,
        call: FunctionCall::Caches(|caches, args| {
            caches.set(&text(&args[0])?, &text(&args[1])?, content(&args[2])?)?;
            Ok(Value::Null)
        }),
    },
];

fn text(value: &Value) -> Result<Str, CallError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(CallError::wanted("string", other.clone())),
    }
}

fn content(value: &Value) -> Result<Bytes, CallError> {
    match value {
        Value::Bytes(bytes) | Value::IllFormed(bytes) => Ok(bytes.clone()),
        other => Ok(text(other)?.into_bytes()),
    }
}
