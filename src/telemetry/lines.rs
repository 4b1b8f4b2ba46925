//! The log of a stream that runs on its own: one line an event, as logfmt or JSON, to where the config says.
//!
//! Logfmt is level, message, then all other fields by name; values are quoted where they hold anything but plain letters.

use serde_json::{Map, Value as Json};
use std::{
    fmt::{self, Write as _},
    io::Write,
    sync::Mutex,
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer, filter::LevelFilter, layer::Context, layer::SubscriberExt, util::SubscriberInitExt,
};

/// How lines are written, and where to.
pub struct Lines {
    pub level: LevelFilter,
    pub json: bool,
    pub add_timestamp: bool,
    pub level_name: String,
    pub timestamp_name: String,
    pub message_name: String,
    /// Fields that every line has.
    pub fields: Map<String, Json>,
    pub out: Mutex<Box<dyn Write + Send>>,
}

/// The filter that a config's level means; none for a level that there isn't.
pub fn level(name: &str) -> Option<LevelFilter> {
    Some(match name.to_ascii_uppercase().as_str() {
        "OFF" | "NONE" => LevelFilter::OFF,
        "FATAL" | "ERROR" => LevelFilter::ERROR,
        "WARN" | "WARNING" => LevelFilter::WARN,
        "INFO" => LevelFilter::INFO,
        "DEBUG" => LevelFilter::DEBUG,
        "TRACE" | "ALL" => LevelFilter::TRACE,
        _ => return None,
    })
}

impl Lines {
    /// Makes these the log of the process. Called once.
    pub fn init(self) -> anyhow::Result<()> {
        let level = self.level;
        let ours = tracing_subscriber::filter::filter_fn(move |m: &Metadata<'_>| {
            *m.level() <= level && (m.target() == "stream" || m.target().starts_with("airtruct"))
        })
        .with_max_level_hint(level);
        tracing_subscriber::registry()
            .with(self.with_filter(ours))
            .try_init()?;
        Ok(())
    }

    fn line(&self, level: Level, message: &str, fields: &Map<String, Json>) -> String {
        let level = match level {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let time = || chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        if self.json {
            let mut object = fields.clone();
            object.insert(self.level_name.clone(), level.into());
            object.insert(self.message_name.clone(), message.into());
            if self.add_timestamp {
                object.insert(self.timestamp_name.clone(), time().into());
            }
            let sorted: std::collections::BTreeMap<String, Json> = object.into_iter().collect();
            return serde_json::to_string(&sorted).unwrap_or_default();
        }
        let mut line = String::new();
        if self.add_timestamp {
            pair(&mut line, &self.timestamp_name, &time());
        }
        pair(&mut line, &self.level_name, level);
        if !message.is_empty() {
            pair(&mut line, &self.message_name, message);
        }
        let mut names: Vec<&String> = fields.keys().collect();
        names.sort();
        for name in names {
            let mut text = String::new();
            plain(&fields[name], &mut text);
            pair(&mut line, name, &text);
        }
        line
    }
}

fn pair(line: &mut String, name: &str, value: &str) {
    if !line.is_empty() {
        line.push(' ');
    }
    line.push_str(name);
    line.push('=');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._/@^+".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        line.push_str(value);
        return;
    }
    line.push('"');
    for c in value.chars() {
        match c {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(line, "\\x{:02x}", c as u32);
            }
            c => line.push(c),
        }
    }
    line.push('"');
}

/// A value as lines show it: text as it is, `<nil>`, `map[k:v]`, `[a b]`.
fn plain(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("<nil>"),
        Json::String(text) => out.push_str(text),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                plain(item, out);
            }
            out.push(']');
        }
        Json::Object(fields) => {
            out.push_str("map[");
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            for (i, name) in names.into_iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                out.push_str(name);
                out.push(':');
                plain(&fields[name], out);
            }
            out.push(']');
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut collected = Collected {
            message: String::new(),
            fields: self.fields.clone(),
        };
        event.record(&mut collected);
        let mut line = self.line(
            *event.metadata().level(),
            &collected.message,
            &collected.fields,
        );
        line.push('\n');
        if let Ok(mut out) = self.out.lock() {
            // There is nobody to tell that the log can't be written.
            let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        }
    }
}

struct Collected {
    message: String,
    fields: Map<String, Json>,
}

impl Collected {
    fn put(&mut self, name: &str, value: Json) {
        match (name, value) {
            ("message", Json::String(text)) => self.message = text,
            // Which stream it is goes without saying where there is one.
            ("stream", _) => {}
            // Fields whose names are only known when they are written.
            ("fields", Json::String(text)) => {
                if let Ok(Json::Object(fields)) = serde_json::from_str(&text) {
                    self.fields.extend(fields);
                }
            }
            (name, value) => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Collected {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_level_message_and_fields_by_name() {
        let lines = Lines {
            level: LevelFilter::INFO,
            json: false,
            add_timestamp: false,
            level_name: "level".into(),
            timestamp_name: "time".into(),
            message_name: "msg".into(),
            fields: Map::new(),
            out: Mutex::new(Box::new(std::io::sink())),
        };
        let fields = serde_json::json!({"path": "root.a.0", "label": "", "n": null, "o": {"k": [1]}, "s": "two \"words\""});
        let Json::Object(fields) = fields else {
            unreachable!()
        };
        assert_eq!(
            lines.line(Level::WARN, "got a", &fields),
            r#"level=warning msg="got a" label="" n="<nil>" o="map[k:[1]]" path=root.a.0 s="two \"words\"""#
        );
    }
}
