//! Values as other formats than JSON, and back: what mappings and components share. Pure.

pub(crate) mod avro;
pub mod go_fmt;
pub mod go_template;
pub mod json_schema;
pub mod json_text;
pub mod msgpack;
pub mod parquet;
pub mod proto_json;
pub mod serde;
pub mod xml;
pub mod xml_ends;
pub mod yaml;
mod yaml_fault;
mod yaml_text;
