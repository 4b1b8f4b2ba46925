//! The mapping language from outside: what its tables promise, and that nothing hurts it.

mod examples;
mod fuzz;
mod generate;
