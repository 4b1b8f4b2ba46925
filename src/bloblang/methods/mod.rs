//! Methods by topic. A method is one entry in its topic's table.

mod arrays;
mod case;
mod coercion;
pub(super) mod common;
mod diff;
mod encoding;
mod escape;
mod filepath;
mod geoip;
mod html;
mod json_path;
mod json_schema;
mod jwt;
mod numbers;
pub(super) mod objects;
mod parsing;
pub(super) mod paths;
mod queries;
mod regex;
mod replace;
mod schema;
mod secrets;
mod slug;
mod strings;
mod time;

pub(crate) use time::timestamp;

use super::spec::MethodSpec;

/// Every topic's table, with the topic's name.
pub static METHODS: &[(&str, &[MethodSpec])] = &[
    ("Arrays", arrays::TABLE),
    ("Coercion", coercion::TABLE),
    ("Encoding", encoding::TABLE),
    ("GeoIP", geoip::TABLE),
    ("JSON Web Tokens", jwt::TABLE),
    ("Numbers", numbers::TABLE),
    ("Objects", objects::TABLE),
    ("Parsing", parsing::TABLE),
    ("Queries", queries::TABLE),
    ("Regular expressions", regex::TABLE),
    ("Strings", strings::TABLE),
    ("Timestamps", time::TABLE),
];

/// The method of this name.
pub fn find(name: &str) -> Option<&'static MethodSpec> {
    let mut all = METHODS.iter().flat_map(|(_, table)| table.iter());
    all.find(|m| m.name == name)
}
