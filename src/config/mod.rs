//! YAML with positions, `${}` interpolation, and the reader that lints while it reads.
