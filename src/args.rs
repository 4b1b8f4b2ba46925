//! Flags, environment and file, read into one `Config`; every default in one place.
