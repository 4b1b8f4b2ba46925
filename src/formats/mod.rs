//! Formats that mappings and components share: pure functions over text and bytes.

pub mod aes;
pub mod compression;
pub mod csv;
pub mod digest;
pub mod duration;
pub mod frames;
pub mod go_base;
pub mod go_math;
pub mod go_num;
pub mod go_quote;
pub mod go_regex;
pub mod go_time;
pub mod iso8601;
pub mod jwt;
pub mod logfmt;
pub mod media_type;
pub mod os_error;
pub mod strftime;
pub mod url;
pub mod zip;
