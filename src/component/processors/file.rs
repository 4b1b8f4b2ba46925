//! `file`: reads, writes and moves files.

use super::flow::{alone, fail, put};
use crate::bloblang::Interpolated;
use crate::component::{BuildProcessor, Context, ProcessAsync, Processor, Scanner, ScannerConfig};
use crate::config::{Field, Linter, Node, Shape};
use crate::message::{Batch, Message};
use crate::value::{Timestamp, Value};
use async_trait::async_trait;
use std::{fs::Metadata, path::Path, sync::Arc};

crate::fields! {
    /// What is done to which file.
    pub struct Config {
        /// What is done.
        operation: Operation,
        /// The file.
        path: Interpolated,
        /// Where the file goes, for `move` and `rename`.
        destination_path: Option<Interpolated>,
        /// How a file that is read is cut into messages. Required for `read`.
        scanner: Option<ScannerConfig>,
    }
}

crate::choice! {
    /// What is done.
    pub enum Operation {
        /// Replaces the message by the file's content, as many messages as the scanner makes of it.
        Read = "read",
        /// Writes the message to the file, and makes the folders on the way.
        Write = "write",
        /// Deletes the file.
        Delete = "delete",
        /// Moves the file, also to another file system.
        Move = "move",
        /// Renames the file.
        Rename = "rename",
        /// Sets metadata about the file, and nothing else.
        Stat = "stat",
    }
}

crate::spec! {
    /// Does something to a file for each message. `read` and `stat` set the metadata `file_name`, `file_path`, `file_size`, `file_mode`, `file_mod_time`,
    /// `file_mod_time_unix` and `file_is_dir`.
    dyn BuildProcessor, "file", Checked, Experimental
}

/// A config in which what the operation needs is set.
#[derive(Clone, Debug)]
pub(crate) struct Checked(Config);

impl Field for Checked {
    fn shape() -> Shape {
        Config::shape()
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Checked> {
        let config = Config::read(node, linter)?;
        let fault = match config.operation {
            Operation::Read if config.scanner.is_none() => {
                "'scanner' must be set when operation is 'read'"
            }
            Operation::Move | Operation::Rename if config.destination_path.is_none() => {
                "'destination_path' must be set when operation is 'move' or 'rename'"
            }
            _ => return Some(Checked(config)),
        };
        linter.error(node.place, fault);
        None
    }
}

/// The largest file that is read.
const MAX_SIZE: u64 = 1 << 30;

impl BuildProcessor for Checked {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        let Checked(config) = self;
        let scanner = config.scanner.as_ref().map(|s| cx.scanner(s)).transpose()?;
        Ok(Processor::Async(Box::new(Files {
            config: config.clone(),
            scanner,
        })))
    }
}

struct Files {
    config: Config,
    scanner: Option<Arc<dyn Scanner>>,
}

#[async_trait]
impl ProcessAsync for Files {
    async fn process(&self, batch: Batch) -> Vec<Batch> {
        let mut made = Batch::with_capacity(batch.len());
        for index in 0..batch.len() {
            match self.perform(&batch, index).await {
                Ok(messages) => made.extend(messages),
                Err(reason) => {
                    let mut message = batch[index].clone();
                    fail(&mut message, reason);
                    made.push(message);
                }
            }
        }
        let mut out = Vec::with_capacity(1);
        put(made, &mut out);
        out
    }
}

impl Files {
    async fn perform(&self, batch: &[Message], index: usize) -> Result<Batch, String> {
        let path = self.config.path.text(batch, index);
        let path = path.map_err(|e| format!("path interpolation error: {e}"))?;
        let to = self.config.destination_path.as_ref();
        let to = to.map(|t| t.text(batch, index)).transpose();
        let to = to.map_err(|e| format!("destination path interpolation error: {e}"))?;
        let to = to.as_deref().unwrap_or_default();
        let message = &batch[index];
        let fault = |what: &str, e: std::io::Error| {
            format!("failed to {what} file '{path}': {}", explain(&path, &e))
        };
        match self.config.operation {
            Operation::Read => return self.read(message, &path).await,
            Operation::Stat => {
                let about = tokio::fs::metadata(&*path)
                    .await
                    .map_err(|e| fault("stat", e))?;
                let mut message = message.clone();
                describe(&mut message, &path, &about);
                return Ok(alone(message));
            }
            Operation::Write => {
                if let Some(folder) = Path::new(&*path).parent() {
                    tokio::fs::create_dir_all(folder)
                        .await
                        .map_err(|e| fault("write", e))?;
                }
                tokio::fs::write(&*path, message.bytes())
                    .await
                    .map_err(|e| fault("write", e))?;
            }
            Operation::Delete => {
                tokio::fs::remove_file(&*path)
                    .await
                    .map_err(|e| fault("delete", e))?;
            }
            Operation::Rename => {
                tokio::fs::rename(&*path, to)
                    .await
                    .map_err(|e| fault("rename", e))?;
            }
            Operation::Move => {
                // A name can't be changed across file systems: there the content is copied.
                if tokio::fs::rename(&*path, to).await.is_err() {
                    tokio::fs::copy(&*path, to)
                        .await
                        .map_err(|e| fault("move", e))?;
                    tokio::fs::remove_file(&*path)
                        .await
                        .map_err(|e| fault("move", e))?;
                }
            }
        }
        Ok(alone(message.clone()))
    }

    async fn read(&self, message: &Message, path: &str) -> Result<Batch, String> {
        let fault =
            |e: std::io::Error| format!("failed to open file '{path}': {}", explain(path, &e));
        let about = tokio::fs::metadata(path).await.map_err(fault)?;
        if about.len() > MAX_SIZE {
            return Err(format!("file '{path}' is larger than {MAX_SIZE} bytes"));
        }
        let content = tokio::fs::read(path).await.map_err(fault)?;
        let scanner = self.scanner.as_ref().ok_or("there is no scanner")?;
        let mut scan = scanner.open(path);
        let mut batches = Vec::new();
        scan.push(content.into(), &mut batches)
            .and_then(|()| scan.finish(&mut batches))
            .map_err(|e| format!("failed to read file '{path}': {e:#}"))?;
        let made = batches.into_iter().flatten().map(|part| {
            let mut read = message.clone();
            read.set_bytes(part.bytes().clone());
            for (key, value) in part.metadata().iter() {
                read.metadata_mut().set(key.clone(), value.clone());
            }
            describe(&mut read, path, &about);
            read
        });
        Ok(made.collect())
    }
}

/// Sets the metadata that tells of a file.
fn describe(message: &mut Message, path: &str, about: &Metadata) {
    use std::os::unix::fs::PermissionsExt;
    let name = Path::new(path)
        .file_name()
        .map(|n| n.to_string_lossy().into_owned());
    let metadata = message.metadata_mut();
    metadata.set("file_name", name.unwrap_or_default());
    metadata.set("file_path", path);
    metadata.set("file_size", about.len() as i64);
    metadata.set("file_is_dir", about.is_dir());
    metadata.set(
        "file_mode",
        mode(about.is_dir(), about.permissions().mode()),
    );
    if let Ok(time) = about.modified() {
        let time = Timestamp::from_system(time);
        metadata.set("file_mod_time_unix", time.seconds());
        let text = Value::Timestamp(time).to_json();
        let text = String::from_utf8_lossy(&text).trim_matches('"').to_owned();
        metadata.set("file_mod_time", text);
    }
}

/// Permissions as `ls` shows them.
fn mode(is_dir: bool, bits: u32) -> String {
    let mut text = String::from(if is_dir { "d" } else { "-" });
    for shift in (0..9).rev() {
        let letter = ['x', 'w', 'r'][shift % 3];
        text.push(if bits >> shift & 1 == 1 { letter } else { '-' });
    }
    text
}

fn explain(path: &str, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("open {path}: no such file or directory"),
        std::io::ErrorKind::PermissionDenied => format!("open {path}: permission denied"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_look_as_in_a_listing() {
        assert_eq!(mode(false, 0o644), "-rw-r--r--");
        assert_eq!(mode(true, 0o755), "drwxr-xr-x");
    }
}
