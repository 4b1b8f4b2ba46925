//! What is done to messages on their way.

pub mod branch;

mod archive;
mod avro;
mod awk;
mod bloblang;
mod bounds_check;
mod cache;
mod cached;
mod catch;
mod command;
mod compress;
mod decompress;
mod dedupe;
mod file;
mod flow;
mod for_each;
mod grok;
mod group_by;
mod group_by_value;
mod http;
mod insert_part;
mod javascript;
mod jmespath;
mod jq;
mod json_schema;
mod log;
mod mapping;
mod metric;
mod msgpack;
mod mutation;
mod noop;
mod parallel;
mod parquet_decode;
mod parquet_encode;
mod parse_log;
mod processors_;
mod protobuf;
mod rate_limit;
mod reading;
mod resource;
mod retry;
mod select_parts;
mod sleep;
mod split;
mod sql_insert;
mod sql_raw;
mod sql_select;
mod subprocess;
mod switch;
mod sync_response;
mod template;
mod r#try;
mod unarchive;
mod r#while;
mod workflow;
mod xml;

use super::{BuildProcessor, Spec};

pub(crate) use mapping::map;

/// Every processor there is, by name.
pub static PROCESSORS: &[&Spec<dyn BuildProcessor>] = &[
    &archive::SPEC,
    &avro::SPEC,
    &awk::SPEC,
    &bloblang::SPEC,
    &bounds_check::SPEC,
    &branch::SPEC,
    &cache::SPEC,
    &cached::SPEC,
    &catch::SPEC,
    &command::SPEC,
    &compress::SPEC,
    &decompress::SPEC,
    &dedupe::SPEC,
    &file::SPEC,
    &for_each::SPEC,
    &grok::SPEC,
    &group_by::SPEC,
    &group_by_value::SPEC,
    &http::SPEC,
    &insert_part::SPEC,
    &javascript::SPEC,
    &jmespath::SPEC,
    &jq::SPEC,
    &json_schema::SPEC,
    &log::SPEC,
    &mapping::SPEC,
    &metric::SPEC,
    &msgpack::SPEC,
    &mutation::SPEC,
    &noop::SPEC,
    &parallel::SPEC,
    &parquet_decode::SPEC,
    &parquet_encode::SPEC,
    &parse_log::SPEC,
    &processors_::SPEC,
    &protobuf::SPEC,
    &rate_limit::SPEC,
    &resource::SPEC,
    &retry::SPEC,
    &select_parts::SPEC,
    &sleep::SPEC,
    &split::SPEC,
    &sql_insert::SPEC,
    &sql_raw::SPEC,
    &sql_select::SPEC,
    &subprocess::SPEC,
    &switch::SPEC,
    &sync_response::SPEC,
    &template::SPEC,
    &r#try::SPEC,
    &unarchive::SPEC,
    &r#while::SPEC,
    &workflow::SPEC,
    &xml::SPEC,
];
