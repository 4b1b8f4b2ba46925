//! Table: functions that read what is around the message: variables, files, the host, the clock.

use crate::bloblang::spec::{
    CallError, Example, FunctionCall, FunctionFn, FunctionSpec, Param, ParamKind, Status,
};
use crate::value::{Timestamp, Value, well_formed};
use bytes::Bytes;
use std::time::SystemTime;

/// How large a file may be that a mapping reads whole, in bytes.
const MAX_FILE: u64 = 256 << 20;

const NO_CACHE: Param = Param::new(
    "no_cache",
    ParamKind::Bool,
    "Whether to read it again for each message, instead of once.",
)
.default("false");
const PATH: Param = Param::new("path", ParamKind::String, "The file's path.");

pub(super) static TABLE: &[FunctionSpec] = &[
    FunctionSpec {
        name: "env",
        status: Status::Stable,
        about: "The value of an environment variable; null if it isn't set.",
        params: &[
            Param::new("name", ParamKind::String, "The variable's name."),
            NO_CACHE,
        ],
        examples: &[Example {
            about: "With a default.",
            mapping: r#"root.zone = env("A_VARIABLE_THAT_IS_NOT_SET").or("here")"#,
            cases: &[("{}", r#"{"zone":"here"}"#)],
        }],
        impure: true,
        call: FunctionCall::Prepared(|args| {
            let name = text(&args[0])?;
            let read = move || match std::env::var_os(&name) {
                Some(value) => Value::from(value.to_string_lossy().into_owned()),
                None => Value::Null,
            };
            cached(args, move || Ok(read()))
        }),
    },
    FunctionSpec {
        name: "file",
        status: Status::Stable,
        about: "The content of a file as bytes. A relative path counts from the working directory.",
        params: &[PATH, NO_CACHE],
        examples: &[],
        impure: true,
        call: FunctionCall::Prepared(|args| {
            let path = text(&args[0])?;
            cached(args, move || read_file(&path).map(Value::Bytes))
        }),
    },
    FunctionSpec {
        name: "file_rel",
        status: Status::Stable,
        about: "The content of a file as bytes. A relative path counts from the folder of the file that the mapping stands in; in a config, from the working directory.",
        params: &[PATH, NO_CACHE],
        examples: &[],
        impure: true,
        call: FunctionCall::Located(|folder, args| {
            let path = folder.join(text(&args[0])?).to_string_lossy().into_owned();
            cached(args, move || read_file(&path).map(Value::Bytes))
        }),
    },
    FunctionSpec {
        name: "file_rel_json",
        status: Status::Experimental,
        about: "The JSON document in a file, read once. A relative path counts as with `file_rel`.",
        params: &[PATH],
        examples: &[],
        impure: true,
        call: FunctionCall::Located(|folder, args| {
            let path = folder.join(text(&args[0])?).to_string_lossy().into_owned();
            let bytes = read_file(&path)?;
            let value = crate::value::parse(&bytes)
                .map_err(|e| format!("failed to parse file {path} as JSON: {e}"))?;
            Ok(Box::new(move || Ok(value.clone())))
        }),
    },
    FunctionSpec {
        name: "hostname",
        status: Status::Stable,
        about: "The name of this machine.",
        params: &[],
        examples: &[],
        impure: true,
        call: FunctionCall::Plain(|_| Ok(hostname()?.into())),
    },
    FunctionSpec {
        name: "now",
        status: Status::Stable,
        about: "The time at this moment, as text in RFC 3339 with the machine's zone.",
        params: &[],
        examples: &[],
        impure: false,
        call: FunctionCall::Plain(|_| Ok(now().to_string().into())),
    },
    FunctionSpec {
        name: "timestamp_unix",
        status: Status::Stable,
        about: "Seconds since 1970 at this moment.",
        params: &[],
        examples: &[],
        impure: false,
        call: FunctionCall::Plain(|_| Ok(Value::Int(now().unix(1)))),
    },
    FunctionSpec {
        name: "timestamp_unix_milli",
        status: Status::Stable,
        about: "Milliseconds since 1970 at this moment.",
        params: &[],
        examples: &[],
        impure: false,
        call: FunctionCall::Plain(|_| Ok(Value::Int(now().unix(1_000)))),
    },
    FunctionSpec {
        name: "timestamp_unix_micro",
        status: Status::Stable,
        about: "Microseconds since 1970 at this moment.",
        params: &[],
        examples: &[],
        impure: false,
        call: FunctionCall::Plain(|_| Ok(Value::Int(now().unix(1_000_000)))),
    },
    FunctionSpec {
        name: "timestamp_unix_nano",
        status: Status::Stable,
        about: "Nanoseconds since 1970 at this moment.",
        params: &[],
        examples: &[],
        impure: false,
        call: FunctionCall::Plain(|_| Ok(Value::Int(now().unix(1_000_000_000)))),
    },
];

fn now() -> Timestamp {
    Timestamp::from_system(SystemTime::now())
}

fn text(argument: &Value) -> Result<String, CallError> {
    match argument {
        Value::String(text) => Ok(text.to_string()),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => Ok(well_formed(bytes).into_owned()),
        other => Err(CallError::wanted("string", other.clone())),
    }
}

/// Reads once, now, unless the second argument says to read at each call.
fn cached(
    args: &[Value],
    read: impl Fn() -> Result<Value, CallError> + Send + Sync + 'static,
) -> Result<FunctionFn, CallError> {
    if matches!(args[1], Value::Bool(true)) {
        return Ok(Box::new(read));
    }
    let value = read()?;
    Ok(Box::new(move || Ok(value.clone())))
}

fn read_file(path: &str) -> Result<Bytes, CallError> {
    let fail = |e: std::io::Error| {
        let why = match e.kind() {
            std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => e.to_string(),
        };
        CallError::from(format!("open {path}: {why}"))
    };
    let size = std::fs::metadata(path).map_err(fail)?.len();
    if size > MAX_FILE {
        return Err(format!(
            "open {path}: {size} bytes are more than the {MAX_FILE} that a mapping may read"
        )
        .into());
    }
    Ok(std::fs::read(path).map_err(fail)?.into())
}

fn hostname() -> Result<String, CallError> {
    let mut name = [0u8; 256];
    // SAFETY: the buffer is our own, and its length is passed with it.
    let status = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len()) };
    if status != 0 {
        return Err(format!(
            "failed to read the host's name: {}",
            std::io::Error::last_os_error()
        )
        .into());
    }
    let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
    Ok(String::from_utf8_lossy(&name[..end]).into_owned())
}
