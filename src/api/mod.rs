//! The coordinator's REST interface, one file a resource.
