//! The mapping language: parser, compiler, evaluation, functions and methods by topic. Pure.
