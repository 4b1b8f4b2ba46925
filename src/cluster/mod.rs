//! Who runs what: pure functions over a view of the cluster. No clock, no I/O, no randomness: `now` and seeds are arguments.
