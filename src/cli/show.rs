//! How results are shown: JSON for scripts, tables for people.

use std::io::IsTerminal;

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use serde_json::Value as Json;

use super::client::Format;

/// A column: its heading, and its text for an element.
pub type Column = (&'static str, fn(&Json) -> String);

/// Prints elements: as an array, or as a table with these columns.
pub fn list(format: Format, items: &[Json], columns: &[Column], nothing: &str) {
    match format {
        Format::Json => json(&Json::Array(items.to_vec())),
        Format::Table if items.is_empty() => eprintln!("{nothing}"),
        Format::Table => println!("{}", table(items, columns).trim_fmt()),
    }
}

pub fn json(value: &Json) {
    let text = serde_json::to_string_pretty(value).expect("a JSON value can be written");
    println!("{text}");
}

fn table(items: &[Json], columns: &[Column]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(match std::io::stdout().is_terminal() {
        true => ContentArrangement::Dynamic,
        // Piped text is for grep: one line for each element.
        false => ContentArrangement::Disabled,
    });
    table.set_header(columns.iter().map(|(heading, _)| *heading));
    for item in items {
        table.add_row(columns.iter().map(|(heading, text)| {
            let text = text(item);
            let color = (*heading == "STATE").then(|| state_color(&text)).flatten();
            let cell = Cell::new(text);
            match color {
                Some(color) => cell.fg(color),
                None => cell,
            }
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn state_color(state: &str) -> Option<Color> {
    Some(match state {
        "running" | "active" => Color::Green,
        "failed" | "failing" | "lost" | "quarantined" => Color::Red,
        "degraded" | "suspect" | "draining" | "back_off" | "pending" => Color::Yellow,
        _ => return None,
    })
}

/// A value as a cell shows it.
pub fn text(value: &Json) -> String {
    match value {
        Json::Null => "-".into(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Labels as `k=v,k=v`.
pub fn labels(value: &Json) -> String {
    let pairs: Vec<String> = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{k}={}", text(v)))
        .collect();
    match pairs.is_empty() {
        true => "-".into(),
        false => pairs.join(","),
    }
}

/// How long ago an RFC 3339 time was: `12s`, `3m`, `5h`, `2d`.
pub fn age(value: &Json) -> String {
    let Some(at) = value
        .as_str()
        .and_then(|t| chrono::DateTime::parse_from_rfc3339(t).ok())
    else {
        return "-".into();
    };
    let seconds = (chrono::Utc::now() - at.to_utc()).num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Shows what long work is waiting for: one line that is overwritten on a terminal, nothing elsewhere.
pub struct Progress(bool);

impl Progress {
    pub fn new() -> Progress {
        Progress(std::io::stderr().is_terminal())
    }

    pub fn show(&self, text: &str) {
        if self.0 {
            eprint!("\r\x1b[2K{text}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.show("");
    }
}
