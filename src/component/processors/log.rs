//! `log`: writes a line to the log for each message.

use crate::bloblang::{Interpolated, Mapping};
use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::config::{Field, Linter, Node, Shape};
use crate::message::{Batch, ComponentName, Message};
use crate::value::Value;

crate::fields! {
    /// What is logged.
    pub struct Config {
        /// How important the line is. Whether it is written depends on the logger's level.
        level: Level = "INFO",
        /// A mapping to an object whose fields are added to the line.
        fields_mapping: Option<Mapping>,
        /// Fields of the line, each a text.
        fields: std::collections::BTreeMap<String, Interpolated> = "{}" [advanced],
        /// The text of the line.
        message: Interpolated = "''",
    }
}

/// Levels of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// What configs call the levels, in capitals or not.
const LEVELS: &[&str] = &["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "ALL"];

impl Field for Level {
    fn shape() -> Shape {
        Shape::Choice(LEVELS)
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Level> {
        let text = String::read(node, linter)?;
        Some(match text.to_ascii_uppercase().as_str() {
            "FATAL" | "ERROR" => Level::Error,
            "WARN" => Level::Warn,
            "INFO" => Level::Info,
            "DEBUG" => Level::Debug,
            "TRACE" | "ALL" => Level::Trace,
            _ => {
                linter.no_option(node.place, &text, LEVELS);
                return None;
            }
        })
    }
}

crate::spec! {
    /// Writes a line to the log for each message, and lets it pass as it is. Mind that the log is no place for personal data.
    dyn BuildProcessor, "log", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Sync(Box::new(Log(
            self.clone(),
            cx.name.clone(),
        ))))
    }
}

struct Log(Config, ComponentName);

macro_rules! line {
    ($level:expr, $name:expr, $fields:expr, $text:expr) => {
        match $level {
            Level::Error => line!(@ ERROR, $name, $fields, $text),
            Level::Warn => line!(@ WARN, $name, $fields, $text),
            Level::Info => line!(@ INFO, $name, $fields, $text),
            Level::Debug => line!(@ DEBUG, $name, $fields, $text),
            Level::Trace => line!(@ TRACE, $name, $fields, $text),
        }
    };
    (@ $level:ident, $name:expr, $fields:expr, $text:expr) => {
        // Fields whose names are only known here travel as one JSON object, which the log's writer takes apart.
        match $fields {
            Some(fields) => tracing::event!(target: "stream", tracing::Level::$level, label = %$name.label, path = %$name.path, fields = %fields, "{}", $text),
            None => tracing::event!(target: "stream", tracing::Level::$level, label = %$name.label, path = %$name.path, "{}", $text),
        }
    };
}

impl Process for Log {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        let Log(config, name) = self;
        if is_written(config.level) {
            for i in 0..batch.len() {
                match (self.fields(&batch, i), config.message.text(&batch, i)) {
                    (Ok(fields), Ok(text)) => line!(config.level, name, fields, text),
                    (Err(error), _) => {
                        tracing::error!(target: "stream", label = %name.label, path = %name.path, "{error}")
                    }
                    (_, Err(error)) => {
                        tracing::error!(target: "stream", label = %name.label, path = %name.path, "Message interpolation error: {error}");
                    }
                }
            }
        }
        out.push(batch);
    }
}

impl Log {
    /// The extra fields as a JSON object.
    fn fields(&self, batch: &[Message], index: usize) -> Result<Option<String>, String> {
        let mut object = crate::value::Object::new();
        for (name, text) in &self.0.fields {
            let text = text.text(batch, index);
            let text = text.map_err(|e| format!("failed to interpolate field {name}: {e}"))?;
            object.insert(name.as_str(), Value::String(text));
        }
        if let Some(mapping) = &self.0.fields_mapping {
            match mapping.value(batch, index) {
                Err(e) => return Err(format!("Failed to execute fields mapping: {e}")),
                Ok(Some(Value::Object(fields))) => {
                    for (name, value) in fields.iter() {
                        object.insert(name, value);
                    }
                }
                Ok(Some(other)) => {
                    return Err(format!(
                        "fields_mapping should give an object, not {}",
                        other.type_name()
                    ));
                }
                Ok(None) => {}
            }
        }
        let json = || String::from_utf8(Value::Object(object.clone()).to_json()).ok();
        Ok(if object.is_empty() { None } else { json() })
    }
}

/// Whether anybody listens at this level, so that nothing is made for nobody.
fn is_written(level: Level) -> bool {
    match level {
        Level::Error => tracing::enabled!(target: "stream", tracing::Level::ERROR),
        Level::Warn => tracing::enabled!(target: "stream", tracing::Level::WARN),
        Level::Info => tracing::enabled!(target: "stream", tracing::Level::INFO),
        Level::Debug => tracing::enabled!(target: "stream", tracing::Level::DEBUG),
        Level::Trace => tracing::enabled!(target: "stream", tracing::Level::TRACE),
    }
}
