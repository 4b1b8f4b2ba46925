//! `archive`: makes one message of a batch.

use super::flow::{alone, fail};
use crate::bloblang::Interpolated;
use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::formats::zip;
use crate::message::{Batch, ComponentName, Message};
use crate::value::{Array, Value};

crate::fields! {
    /// How the messages are put together.
    pub struct Config {
        /// The format.
        format: Format,
        /// The name of each message's file, in formats that have files. Such as `${! metadata("path") }` or `${! batch_index() }.json`.
        path: Interpolated = "''",
    }
}

crate::choice! {
    /// A format for several contents in one.
    pub enum Format {
        /// The number of messages, then each behind its length, all as 32-bit big-endian numbers.
        Binary = "binary",
        /// One directly behind the other.
        Concatenate = "concatenate",
        /// One JSON array.
        JsonArray = "json_array",
        /// With a line break between them.
        Lines = "lines",
        /// A tar file.
        Tar = "tar",
        /// A zip file.
        Zip = "zip",
    }
}

crate::spec! {
    /// Makes one message of all that a batch holds. It has the metadata of the first. If one of them can't be put into
    /// the format the whole batch goes on as it was, flagged.
    dyn BuildProcessor, "archive", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Sync(Box::new(Archive {
            config: self.clone(),
            name: cx.name.clone(),
        })))
    }
}

struct Archive {
    config: Config,
    name: ComponentName,
}

impl Process for Archive {
    fn process(&self, mut batch: Batch, out: &mut Vec<Batch>) {
        let mut archive = batch[0].clone();
        match self.write(&batch, &mut archive) {
            Ok(()) => {
                if batch.len() > 1 {
                    archive.set_merged();
                }
                out.push(alone(archive));
            }
            Err(reason) => {
                for message in &mut batch {
                    fail(message, &reason);
                }
                out.push(batch);
            }
        }
    }
}

impl Archive {
    /// Puts the contents of the batch into `archive`.
    fn write(&self, batch: &[Message], archive: &mut Message) -> Result<(), String> {
        let total = || batch.iter().map(|m| m.bytes().len()).sum::<usize>();
        let bytes = match self.config.format {
            Format::JsonArray => {
                let values = batch.iter().map(|m| m.value().cloned());
                let array: Result<Array, _> = values.collect();
                let array = array.map_err(|e| format!("failed to parse message as JSON: {e}"))?;
                archive.set_value(Value::Array(array));
                return Ok(());
            }
            Format::Binary => {
                let mut bytes = Vec::with_capacity(4 + total() + 4 * batch.len());
                let number = |n: usize| {
                    let n = u32::try_from(n).map_err(|_| "more than 4 GiB in one message")?;
                    Ok::<_, String>(n.to_be_bytes())
                };
                bytes.extend_from_slice(&number(batch.len())?);
                for message in batch {
                    bytes.extend_from_slice(&number(message.bytes().len())?);
                    bytes.extend_from_slice(message.bytes());
                }
                bytes
            }
            Format::Concatenate => {
                let mut bytes = Vec::with_capacity(total());
                for message in batch {
                    bytes.extend_from_slice(message.bytes());
                }
                bytes
            }
            Format::Lines => {
                let mut bytes = Vec::with_capacity(total() + batch.len());
                for (i, message) in batch.iter().enumerate() {
                    if i > 0 {
                        bytes.push(b'\n');
                    }
                    bytes.extend_from_slice(message.bytes());
                }
                bytes
            }
            Format::Tar => {
                let mut tar = tar::Builder::new(Vec::with_capacity(total() + 1024 * batch.len()));
                for (name, message) in self.names(batch).iter().zip(batch) {
                    append(&mut tar, name, message.bytes()).map_err(|e| e.to_string())?;
                }
                tar.into_inner().map_err(|e| e.to_string())?
            }
            Format::Zip => {
                let names = self.names(batch);
                let entries = names.iter().zip(batch);
                zip::write(entries.map(|(name, message)| (&**name, &message.bytes()[..])))?
            }
        };
        archive.set_bytes(bytes);
        Ok(())
    }

    /// The names of the files. One that can't be made is empty, and logged.
    fn names(&self, batch: &[Message]) -> Vec<crate::value::Str> {
        let name = |i| {
            self.config.path.text(batch, i).unwrap_or_else(|error| {
                tracing::error!(target: "stream", label = %self.name.label, path = %self.name.path, "Name interpolation error: {error}");
                crate::value::Str::from_static("")
            })
        };
        (0..batch.len()).map(name).collect()
    }
}

/// Adds a file to a tar; also one whose name is empty, which the crate refuses.
fn append(tar: &mut tar::Builder<Vec<u8>>, name: &str, content: &[u8]) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o600);
    if name.is_empty() {
        header.set_cksum();
        return tar.append(&header, content);
    }
    // Names are made by the config's writer for whoever unpacks; a leading slash is theirs to keep out of a tar.
    tar.append_data(&mut header, name.trim_start_matches('/'), content)
}
