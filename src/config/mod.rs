//! YAML with positions, `${}` interpolation, and the reader that lints while it reads.
//!
//! A config is read in one pass that reports *all* its problems, each with its place: [`Node`] is the text as a tree,
//! a [`Field`] reads a value of its type from a node, and what it finds wrong goes to the [`Linter`]. There is no second
//! description of the config format: what can't be read is what the lint reports, and what the docs and the JSON Schema
//! say comes from the same types ([`fields!`](crate::fields), [`choice!`](crate::choice)).

mod field;
mod fields;
mod interpolate;
mod linter;
mod node;
pub(crate) mod path;
mod shape;
mod template;

pub use field::{ByteSize, Field, OneOrMany, Required, Secret, Span, parse_duration, read_map};
pub use interpolate::{Missing, interpolate};
pub use linter::{Level, Linter, Problem, nearest};
pub use node::{Data, Entry, Node, Place, YamlError};
pub use shape::{FieldSpec, Group, Shape};
pub use template::{MetricsRename, Template, TemplateTest, Templates, node as node_of};
