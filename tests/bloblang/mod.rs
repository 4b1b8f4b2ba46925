//! The mapping language from outside: what its tables promise.

mod examples;
