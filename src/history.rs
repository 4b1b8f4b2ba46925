//! Where a process writes down what it does: a line of JSON for each [`Event`], appended to a file (`-history FILE`).
//!
//! A history is for finding out afterwards, so it never stands in the way: what can't be written is reported once and left out.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::Arc,
};

use anyhow::Context as _;
use parking_lot::Mutex;

use crate::cluster::{
    Time,
    history::{Event, Record},
};

/// A process's history; cloning shares it. Nothing is written where there is none.
#[derive(Clone, Debug, Default)]
pub struct History(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    process: String,
    boot: String,
    file: Mutex<Appender>,
}

#[derive(Debug)]
struct Appender {
    file: File,
    has_failed: bool,
}

impl History {
    /// Opens the file, which may have other histories in it. `process` names this start of this process.
    pub fn open(path: &Path, process: String) -> anyhow::Result<History> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .with_context(|| format!("open the history {} (-history)", path.display()))?;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .context("read which boot of the machine this is")?;
        Ok(History(Some(Arc::new(Inner {
            process,
            boot: boot.trim().to_owned(),
            file: Mutex::new(Appender {
                file,
                has_failed: false,
            }),
        }))))
    }

    /// Notes what happens at `at`, by CLOCK_BOOTTIME. The event is only made if there is a history.
    pub fn note(&self, at: Time, event: impl FnOnce() -> Event) {
        let Some(inner) = &self.0 else {
            return;
        };
        let record = Record {
            at,
            boot: inner.boot.clone(),
            process: inner.process.clone(),
            event: event(),
        };
        let written = serde_json::to_vec(&record).map_err(std::io::Error::from);
        let mut appender = inner.file.lock();
        let written = written.and_then(|mut line| {
            line.push(b'\n');
            // One write, so that several processes may share a file.
            appender.file.write_all(&line)
        });
        if let Err(error) = written
            && !std::mem::replace(&mut appender.has_failed, true)
        {
            tracing::error!("the history has gaps from now on: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Term;

    #[test]
    fn events_are_lines_of_json_and_other_lines_stay() {
        let path = std::env::temp_dir().join(format!("airtruct-history-{}", uuid::Uuid::new_v4()));
        for process in ["a", "b"] {
            let history = History::open(&path, process.to_owned()).expect("a history");
            history.note(Time(7), || Event::Lead { term: Term(3) });
        }
        History::default().note(Time(8), || unreachable!("there is no history"));
        let text = std::fs::read_to_string(&path).expect("the file");
        let _ = std::fs::remove_file(&path);
        let records: Vec<Record> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a record"))
            .collect();
        assert_eq!(records.len(), 2);
        assert_eq!(records[1].process, "b");
        assert_eq!(records[1].event, Event::Lead { term: Term(3) });
    }
}
