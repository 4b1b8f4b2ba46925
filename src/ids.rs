//! The identifiers of the cluster, a type each.
