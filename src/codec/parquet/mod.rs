//! Parquet files: rows of values by a schema, and back.

/// Declares an enum whose variants have names in configs.
macro_rules! named {
    ($(#[doc = $about:literal])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($variant),* }

        impl $name {
            /// Every name, in the order in which docs show them.
            pub const NAMES: &[&str] = &[$($text),*];

            /// What has this name.
            pub fn from_name(name: &str) -> Option<$name> {
                match name {
                    $($text => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

mod decode;
mod encode;
mod schema;
mod shred;

pub use decode::{Lists, decode};
pub use encode::{Compression, Encoder, Encoding};
pub use schema::{Column, ColumnType, Repeats};
