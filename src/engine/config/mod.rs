//! A stream's config as a whole: its sections, and how a text becomes one.

mod normal;
mod read;
mod resource_kind;
mod schema;
mod scrub;
mod sections;
mod set;
mod unit_tests;

pub use normal::{normal, yaml};
pub use read::{
    Checks, PROCESS_SECTIONS, Reading, STREAM_SECTIONS, read, read_part, resource_sections,
};
pub use resource_kind::ResourceKind;
pub use schema::json_schema;
pub use scrub::scrubbed;
pub use sections::*;
pub use set::{SetError, set, split_set};
pub use unit_tests::{Case, Conditions, InputPart, Mocks};
