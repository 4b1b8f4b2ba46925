//! Runs one stream; knows the component traits, never a component by name.
