//! Our functions for programs: the document, metadata, times, JSON, base64 and the log.

use super::values::{Text, Val};
use crate::bloblang::path;
use crate::codec::json_text;
use crate::formats::go_base::Scheme;
use crate::formats::go_time;
use crate::message::{ComponentName, Message};
use crate::value::{Object, Timestamp, Value, Zone};
use go_time::Layout;
use std::sync::LazyLock;

/// Declares the functions: the variant, the name, and how many arguments it takes at most.
macro_rules! natives {
    ($($variant:ident = $name:literal, $most:expr;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub(super) enum Native { $($variant),* }

        impl Native {
            pub(super) fn by_name(name: &str) -> Option<Native> {
                match name {
                    $($name => Some(Native::$variant),)*
                    _ => None,
                }
            }

            pub(super) fn most_args(self) -> usize {
                match self { $(Native::$variant => $most,)* }
            }
        }
    };
}

natives! {
    TimestampUnix = "timestamp_unix", 2;
    TimestampUnixNano = "timestamp_unix_nano", 2;
    TimestampFormat = "timestamp_format", 2;
    TimestampFormatNano = "timestamp_format_nano", 2;
    MetadataGet = "metadata_get", 1;
    MetadataSet = "metadata_set", 2;
    JsonGet = "json_get", 1;
    JsonSet = "json_set", 2;
    JsonSetInt = "json_set_int", 2;
    JsonSetFloat = "json_set_float", 2;
    JsonSetBool = "json_set_bool", 2;
    JsonAppend = "json_append", 2;
    JsonAppendInt = "json_append_int", 2;
    JsonAppendFloat = "json_append_float", 2;
    JsonAppendBool = "json_append_bool", 2;
    JsonDelete = "json_delete", 1;
    JsonLength = "json_length", 1;
    JsonType = "json_type", 1;
    CreateJsonObject = "create_json_object", usize::MAX;
    CreateJsonArray = "create_json_array", usize::MAX;
    PrintLog = "print_log", 2;
    Base64Encode = "base64_encode", 1;
    Base64Decode = "base64_decode", 1;
}

/// What a run works on.
pub(super) struct Host<'n> {
    /// Changed by the run; put in the place of the original only if all goes well.
    pub message: Message,
    pub name: &'n ComponentName,
}

/// The layouts by which a time's format is guessed, in this order.
static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    [
        "Mon Jan 02 15:04:05 -0700 2006",
        "Mon, 02 Jan 2006 15:04:05 -0700",
        "Mon, 02 Jan 2006 15:04:05 MST",
        "2006-01-02T15:04:05Z07:00",
        "02 Jan 06 15:04 MST",
        "02 Jan 06 15:04 -0700",
        "Mon, 2 Jan 2006 15:04:05 -0700",
        "2006-01-02T15:04:05MST",
        "2006-01-02T15:04:05",
        "2006-01-02 15:04:05",
        "2006-01-02T15:04:05Z0700",
        "2006-01-02",
    ]
    .map(Layout::new)
    .into()
});

/// A text as messages and documents hold it.
pub(super) fn string(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

impl Host<'_> {
    /// Calls a function. `convert` says how numbers become text.
    pub(super) fn call(
        &mut self,
        native: Native,
        args: &[Val],
        convert: &Val,
    ) -> Result<Val, String> {
        let unset = Val::Unset;
        let arg = |i: usize| args.get(i).unwrap_or(&unset);
        let text = |i: usize| arg(i).to_text(convert);
        let word = |i: usize| string(&text(i));
        match native {
            Native::TimestampUnix => {
                time(&word(0), &word(1)).map(|t| Val::from(t.seconds() as f64))
            }
            Native::TimestampUnixNano => {
                time(&word(0), &word(1)).map(|t| Val::from(t.unix(1_000_000_000) as f64))
            }
            Native::TimestampFormat => {
                let time = Timestamp::new(arg(0).number() as i64, 0, Zone::Utc);
                Ok(shown(&time, &word(1)))
            }
            Native::TimestampFormatNano => {
                let time = Timestamp::new(0, arg(0).number() as i64, Zone::Utc);
                Ok(shown(&time, &word(1)))
            }
            Native::MetadataGet => {
                let found = self.message.metadata().get(&word(0));
                Ok(found.map_or(Val::text([]), |v| Val::text(plain(v))))
            }
            Native::MetadataSet => {
                self.message.metadata_mut().set(word(0), word(1));
                Ok(Val::Unset)
            }
            Native::JsonGet => {
                let found = path::get(self.document()?, &path::parse(&word(0)));
                Ok(Val::text(found.map_or(b"null".to_vec(), |v| match v {
                    Value::String(text) => text.as_bytes().to_vec(),
                    other => json(&other),
                })))
            }
            Native::JsonSet => self.set(&word(0), word(1).into()),
            Native::JsonSetInt => self.set(&word(0), Value::Int(arg(1).number() as i64)),
            Native::JsonSetFloat => self.set(&word(0), Value::Float(arg(1).number())),
            Native::JsonSetBool => self.set(&word(0), Value::Bool(arg(1).truth())),
            Native::JsonAppend => self.append(&word(0), word(1).into()),
            Native::JsonAppendInt => self.append(&word(0), Value::Int(arg(1).number() as i64)),
            Native::JsonAppendFloat => self.append(&word(0), Value::Float(arg(1).number())),
            Native::JsonAppendBool => self.append(&word(0), Value::Bool(arg(1).truth())),
            Native::JsonDelete => {
                let mut document = self.document()?.clone();
                path::remove(&mut document, &path::parse(&word(0)));
                self.message.set_value(document);
                Ok(Val::from(0.0))
            }
            Native::JsonLength => {
                let found = path::get(self.document()?, &path::parse(&word(0)));
                Ok(Val::from(match found {
                    Some(Value::String(text)) => text.len() as f64,
                    Some(Value::Array(array)) => array.len() as f64,
                    _ => 0.0,
                }))
            }
            Native::JsonType => {
                let found = path::get(self.document()?, &path::parse(&word(0)));
                Ok(Val::text(match found {
                    None => "undefined".as_bytes(),
                    Some(Value::Null) => b"null",
                    Some(Value::Bool(_)) => b"bool",
                    Some(Value::Int(_) | Value::Uint(_)) => b"int",
                    Some(Value::Float(_) | Value::Number(_)) => b"float",
                    Some(
                        Value::String(_)
                        | Value::IllFormed(_)
                        | Value::Bytes(_)
                        | Value::Timestamp(_),
                    ) => b"string",
                    Some(Value::Array(_)) => b"array",
                    Some(Value::Object(_)) => b"object",
                }))
            }
            Native::CreateJsonObject => {
                let mut object = Object::new();
                for i in (0..args.len().saturating_sub(1)).step_by(2) {
                    object.insert(word(i), word(i + 1).into());
                }
                Ok(Val::text(json(&Value::Object(object))))
            }
            // No values make a list that isn't there.
            Native::CreateJsonArray if args.is_empty() => Ok(Val::text(*b"null")),
            Native::CreateJsonArray => {
                let array = (0..args.len()).map(|i| Value::from(word(i))).collect();
                Ok(Val::text(json(&Value::Array(array))))
            }
            Native::PrintLog => {
                self.log(&word(0), &word(1));
                Ok(Val::Unset)
            }
            Native::Base64Encode => {
                let encoded = Scheme::Base64.encode(&text(0))?;
                Ok(Val::text(encoded.into_bytes()))
            }
            Native::Base64Decode => Scheme::Base64.decode(&text(0)).map(Val::text),
        }
    }

    fn document(&self) -> Result<&Value, String> {
        let value = self.message.value();
        value.map_err(|e| format!("failed to parse message into json: {e}"))
    }

    /// Sets a field of the document; does nothing where the path leads nowhere.
    fn set(&mut self, at: &str, value: Value) -> Result<Val, String> {
        let mut document = self.document()?.clone();
        let _ = path::set(&mut document, &path::parse(at), value);
        self.message.set_value(document);
        Ok(Val::from(0.0))
    }

    /// Adds an element to a list, which is made of what was there.
    fn append(&mut self, at: &str, value: Value) -> Result<Val, String> {
        let found = path::get(self.document()?, &path::parse(at));
        let mut array = match found {
            Some(Value::Array(array)) => array,
            None | Some(Value::Null) => Vec::new().into_iter().collect(),
            Some(other) => std::iter::once(other).collect(),
        };
        array.push(value);
        self.set(at, Value::Array(array))
    }

    fn log(&self, text: &str, level: &str) {
        let name = self.name;
        macro_rules! line {
            ($level:ident) => {
                tracing::event!(target: "stream", tracing::Level::$level, label = %name.label, path = %name.path, "{text}")
            };
        }
        match level {
            "TRACE" => line!(TRACE),
            "DEBUG" => line!(DEBUG),
            "WARN" => line!(WARN),
            "ERROR" | "FATAL" => line!(ERROR),
            _ => line!(INFO),
        }
    }
}

/// A value as text: strings as they are, anything else as JSON.
pub(super) fn plain(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => bytes.to_vec(),
        other => other.to_json(),
    }
}

fn json(value: &Value) -> Vec<u8> {
    let layout = json_text::Layout {
        escape_html: true,
        indent: None,
    };
    json_text::format(value, &layout)
}

/// Reads a time by a layout, or by the first of the usual ones that fits; now where there is nothing to read.
fn time(text: &str, layout: &str) -> Result<Timestamp, String> {
    if text.is_empty() {
        return Ok(Timestamp::from_system(std::time::SystemTime::now()));
    }
    let parsed = if layout.is_empty() {
        let found = LAYOUTS.iter().find_map(|l| go_time::parse(l, text).ok());
        found.ok_or_else(|| format!("failed to detect datetime format of: {text}"))?
    } else {
        go_time::parse(&Layout::new(layout), text)?
    };
    let seconds = parsed.wall_seconds - i64::from(parsed.offset.unwrap_or(0));
    Ok(Timestamp::new(seconds, i64::from(parsed.nanos), Zone::Utc))
}

fn shown(time: &Timestamp, layout: &str) -> Val {
    let layout = if layout.is_empty() {
        "2006-01-02T15:04:05Z07:00"
    } else {
        layout
    };
    let text: Text = time.format(&Layout::new(layout)).into_bytes().into();
    Val::Text(text)
}
