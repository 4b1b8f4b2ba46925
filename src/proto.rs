//! The protocol between workers and the coordinator: the code generated from `proto/`, and how its messages become values.

#[allow(clippy::all, clippy::unwrap_used)]
mod generated {
    tonic::include_proto!("airtruct.v1");
}

use std::fmt;

pub use generated::*;

/// The largest message that either side takes: a desired set of ten thousand configs of 6 KB.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition").finish_non_exhaustive()
    }
}
