//! What inputs, outputs and processors share to reach the outside: files in blocks, codecs, HTTP, TLS.

pub(crate) mod blocks;
pub(crate) mod codec;
pub(crate) mod csv_rows;
pub(crate) mod dynamic;
pub(crate) mod http;
pub(crate) mod metadata_filter;
pub(crate) mod program_log;
pub(crate) mod sockets;
pub(crate) mod sql;
pub(crate) mod tls;
pub(crate) mod websocket;
