//! Methods by topic. A method is one entry in its topic's table.

mod parsing;
mod queries;
mod time;

pub(crate) use time::timestamp;

use super::spec::MethodSpec;

/// Every topic's table, with the topic's name.
pub static METHODS: &[(&str, &[MethodSpec])] = &[
    ("Parsing", parsing::TABLE),
    ("Queries", queries::TABLE),
    ("Timestamps", time::TABLE),
];

/// The method of this name.
pub fn find(name: &str) -> Option<&'static MethodSpec> {
    let mut all = METHODS.iter().flat_map(|(_, table)| table.iter());
    all.find(|m| m.name == name)
}
