//! Arguments, then the role or the command, then the exit code.

use std::process::ExitCode;

/// Chosen by measurement: many small allocations from many threads are what streams do.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("nothing installed a provider before");
    airtruct::cli::main(std::env::args().collect())
}
