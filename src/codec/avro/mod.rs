//! Avro: schemas, values by them in both directions, and the blocks of container files.

pub(crate) mod container;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod schema;
