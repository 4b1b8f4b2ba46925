//! What is done to messages on their way.

pub mod branch;

mod archive;
mod bloblang;
mod bounds_check;
mod cache;
mod cached;
mod catch;
mod compress;
mod decompress;
mod dedupe;
mod flow;
mod for_each;
mod group_by;
mod group_by_value;
mod insert_part;
mod log;
mod mapping;
mod metric;
mod mutation;
mod noop;
mod parallel;
mod processors_;
mod rate_limit;
mod reading;
mod resource;
mod retry;
mod select_parts;
mod sleep;
mod split;
mod switch;
mod sync_response;
mod r#try;
mod unarchive;
mod r#while;

use super::{BuildProcessor, Spec};

/// Every processor there is, by name.
pub static PROCESSORS: &[&Spec<dyn BuildProcessor>] = &[
    &archive::SPEC,
    &bloblang::SPEC,
    &bounds_check::SPEC,
    &branch::SPEC,
    &cache::SPEC,
    &cached::SPEC,
    &catch::SPEC,
    &compress::SPEC,
    &decompress::SPEC,
    &dedupe::SPEC,
    &for_each::SPEC,
    &group_by::SPEC,
    &group_by_value::SPEC,
    &insert_part::SPEC,
    &log::SPEC,
    &mapping::SPEC,
    &metric::SPEC,
    &mutation::SPEC,
    &noop::SPEC,
    &parallel::SPEC,
    &processors_::SPEC,
    &rate_limit::SPEC,
    &resource::SPEC,
    &retry::SPEC,
    &select_parts::SPEC,
    &sleep::SPEC,
    &split::SPEC,
    &switch::SPEC,
    &sync_response::SPEC,
    &r#try::SPEC,
    &unarchive::SPEC,
    &r#while::SPEC,
];
