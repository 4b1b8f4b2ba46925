//! A log's file that is put aside when it is full, and of those put aside the old ones deleted.
//!
//! `airtruct.log` becomes `airtruct-2026-03-12T10-15-32.123.log`, by UTC.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// A file is put aside before it gets larger than this.
const MAX_BYTES: u64 = 10 << 20;

pub struct Rotating {
    path: PathBuf,
    /// None keeps what was put aside for ever.
    keep: Option<Duration>,
    max_bytes: u64,
    file: File,
    written: u64,
}

impl Rotating {
    /// Opens the file, and goes on where it ends.
    pub fn open(path: &Path, keep: Option<Duration>) -> io::Result<Rotating> {
        Self::with_size(path, keep, MAX_BYTES)
    }

    fn with_size(path: &Path, keep: Option<Duration>, max_bytes: u64) -> io::Result<Rotating> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        let rotating = Rotating {
            path: path.to_owned(),
            keep,
            max_bytes,
            written: file.metadata()?.len(),
            file,
        };
        rotating.delete_old();
        Ok(rotating)
    }

    /// The file's name before and after the time that is put in between.
    fn name(&self) -> (String, String) {
        let part = |part: Option<&std::ffi::OsStr>| {
            part.map_or_else(String::new, |text| text.to_string_lossy().into_owned())
        };
        let extension = match part(self.path.extension()) {
            extension if extension.is_empty() => extension,
            extension => format!(".{extension}"),
        };
        (format!("{}-", part(self.path.file_stem())), extension)
    }

    fn rotate(&mut self) -> io::Result<()> {
        let (before, after) = self.name();
        let time = chrono::Utc::now().format("%Y-%m-%dT%H-%M-%S%.3f");
        let aside = self.path.with_file_name(format!("{before}{time}{after}"));
        std::fs::rename(&self.path, aside)?;
        self.file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.path)?;
        self.written = 0;
        self.delete_old();
        Ok(())
    }

    /// Deletes what was put aside longer ago than it is kept. What can't be deleted stays, and is tried again next time.
    fn delete_old(&self) {
        let Some(keep) = self.keep else { return };
        let (before, after) = self.name();
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let time = name.strip_prefix(&before);
            let time = time.and_then(|rest| rest.strip_suffix(&after));
            let is_ours = time.is_some_and(|time| {
                chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%dT%H-%M-%S%.3f").is_ok()
            });
            let age = entry.metadata().and_then(|meta| meta.modified());
            let age = age.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
            if is_ours && age.is_ok_and(|age| age > keep) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

impl Write for Rotating {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written > 0 && self.written + bytes.len() as u64 > self.max_bytes {
            self.rotate()?;
        }
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_files_are_put_aside_and_old_ones_deleted() {
        let folder = std::env::temp_dir().join(format!("airtruct-log-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let old = folder.join("a-2020-01-01T00-00-00.000.log");
        let other = folder.join("a-notes.log");
        for path in [&old, &other] {
            let file = File::create(path).expect("a file");
            let long_ago = SystemTime::now() - Duration::from_secs(1_000_000);
            file.set_modified(long_ago).expect("its time can be set");
        }
        let path = folder.join("a.log");
        let keep = Some(Duration::from_secs(86_400));
        let mut log = Rotating::with_size(&path, keep, 10).expect("a log");
        assert!(!old.exists() && other.exists());
        for line in ["one\n", "two\n", "three\n"] {
            log.write_all(line.as_bytes()).expect("it is written");
        }
        assert_eq!(
            std::fs::read_to_string(&path).ok().as_deref(),
            Some("three\n")
        );
        let aside = std::fs::read_dir(&folder).expect("the folder").flatten();
        let aside: Vec<PathBuf> = aside
            .map(|entry| entry.path())
            .filter(|found| *found != path && *found != other)
            .collect();
        assert_eq!(aside.len(), 1, "{aside:?}");
        assert_eq!(
            std::fs::read_to_string(&aside[0]).ok().as_deref(),
            Some("one\ntwo\n")
        );
        let _ = std::fs::remove_dir_all(folder);
    }
}
