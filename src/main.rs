//! Arguments, logs, the role, the exit code.

fn main() {}
