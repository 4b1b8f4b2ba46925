//! What inputs, outputs and processors share to reach the outside: files in blocks, codecs, HTTP, TLS.

pub(crate) mod blocks;
pub(crate) mod codec;
