//! The code generated from `proto/`: the protocol between workers and the coordinator.
