//! The data plane's shell: session with the coordinator, assignment → running stream, fencing, drain.
