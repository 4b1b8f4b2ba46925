//! Functions by topic. A function is one entry in its topic's table.

mod caches;
mod environment;
mod fake;
mod general;
mod ids;
mod message;

use super::spec::FunctionSpec;

/// Every topic's table, with the topic's name.
pub static FUNCTIONS: &[(&str, &[FunctionSpec])] = &[
    ("Caches", caches::TABLE),
    ("Environment", environment::TABLE),
    ("Made-up data", fake::TABLE),
    ("General", general::TABLE),
    ("Identifiers", ids::TABLE),
    ("Message", message::TABLE),
];

/// The function of this name.
pub fn find(name: &str) -> Option<&'static FunctionSpec> {
    let mut all = FUNCTIONS.iter().flat_map(|(_, table)| table.iter());
    all.find(|f| f.name == name)
}
