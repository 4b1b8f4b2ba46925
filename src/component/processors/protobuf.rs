//! `protobuf`: Protocol Buffers to JSON and back.

use super::flow::each;
use crate::codec::proto_json;
use crate::component::{BuildProcessor, Context, Processor};
use anyhow::{Context as _, anyhow};
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions,
    prost::Message as _,
};
use std::path::{Path, PathBuf};

crate::fields! {
    /// What is made of what.
    pub struct Config {
        /// The direction.
        operator: Operator,
        /// The full name of the message type: `shop.Order`.
        message: String,
        /// Whether fields of the JSON that the type doesn't have are left out instead of being an error.
        discard_unknown: bool = "false",
        /// Whether fields in JSON have the names of the definition, `order_id`, and not `orderId`. Both are read.
        use_proto_names: bool = "false",
        /// Whether fields without a value are written to JSON with their default.
        emit_unpopulated: bool = "false",
        /// Folders with the definitions; every `.proto` file below them is read.
        import_paths: Vec<String> = "[]",
    }
}

crate::choice! {
    /// What is done.
    pub enum Operator {
        /// Makes JSON of a message in the binary format.
        ToJson = "to_json",
        /// Makes a message in the binary format of JSON.
        FromJson = "from_json",
    }
}

crate::spec! {
    /// Makes JSON of Protocol Buffers messages, or the other way round, by definitions that are read when the stream starts.
    dyn BuildProcessor, "protobuf", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let descriptor = load(&self.import_paths, &self.message)?;
        let name = self.message.clone();
        Ok(match self.operator {
            Operator::ToJson => {
                let options = SerializeOptions::new()
                    .use_proto_field_name(self.use_proto_names)
                    .skip_default_fields(!self.emit_unpopulated);
                each(move |message| {
                    let decoded =
                        DynamicMessage::decode(descriptor.clone(), message.bytes().clone());
                    let decoded = decoded.map_err(|_| {
                        format!("failed to unmarshal protobuf message '{name}': proto: cannot parse invalid wire-format data")
                    })?;
                    let mut json = serde_json::Serializer::new(Vec::new());
                    decoded
                        .serialize_with_options(&mut json, &options)
                        .map_err(|e| {
                            format!("failed to marshal JSON protobuf message '{name}': {e}")
                        })?;
                    message.set_bytes(json.into_inner());
                    Ok(())
                })
            }
            Operator::FromJson => {
                let discard_unknown = self.discard_unknown;
                each(move |message| {
                    let encoded = encode(&descriptor, message.bytes(), discard_unknown);
                    let encoded = encoded.map_err(|e| {
                        format!("failed to unmarshal JSON message '{name}': proto: {e}")
                    })?;
                    message.set_bytes(encoded);
                    Ok(())
                })
            }
        })
    }
}

fn encode(
    descriptor: &MessageDescriptor,
    json: &[u8],
    discard_unknown: bool,
) -> Result<Vec<u8>, String> {
    let options = DeserializeOptions::new().deny_unknown_fields(!discard_unknown);
    let mut reader = serde_json::Deserializer::from_slice(json);
    let read = DynamicMessage::deserialize_with_options(descriptor.clone(), &mut reader, &options)
        .and_then(|message| reader.end().map(|()| message));
    let message = read.map_err(|error| {
        let fault = proto_json::fault(descriptor, json, discard_unknown);
        fault.unwrap_or_else(|| {
            let (line, column) = (error.line(), error.column());
            let text = error.to_string();
            let text = text.split(" at line ").next().unwrap_or_default();
            format!("(line {line}:{column}): {text}")
        })
    })?;
    Ok(message.encode_to_vec())
}

/// Reads all definitions below the folders, and finds a message type in them.
fn load(folders: &[String], name: &str) -> anyhow::Result<MessageDescriptor> {
    let mut files = Vec::new();
    for folder in folders {
        let root = Path::new(folder);
        collect(root, root, &mut files, 0)
            .with_context(|| format!("read the definitions below {folder}"))?;
    }
    files.sort();
    files.dedup();
    let mut compiler = protox::Compiler::new(folders).map_err(|e| anyhow!("{e}"))?;
    compiler.include_imports(true);
    for file in &files {
        compiler
            .open_file(file)
            .map_err(|e| anyhow!("failed to parse {}: {e}", file.display()))?;
    }
    let pool = DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice())
        .context("the definitions don't fit together")?;
    let found = pool.get_message_by_name(name);
    found.ok_or_else(|| {
        anyhow!(
            "unable to find message '{name}' definition within '{}'",
            folders.join(", ")
        )
    })
}

/// The `.proto` files below a folder, by their path from `root`.
fn collect(
    root: &Path,
    folder: &Path,
    files: &mut Vec<PathBuf>,
    depth: usize,
) -> std::io::Result<()> {
    const MAX_DEPTH: usize = 32;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if depth < MAX_DEPTH {
                collect(root, &path, files, depth + 1)?;
            }
        } else if path.extension().is_some_and(|e| e == "proto")
            && let Ok(relative) = path.strip_prefix(root)
        {
            files.push(relative.to_owned());
        }
    }
    Ok(())
}
