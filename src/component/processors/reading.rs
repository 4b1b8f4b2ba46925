//! Shapes of config that several processors take.

use crate::bloblang::{EvalError, Interpolated};
use crate::config::{Field, Linter, Node, Shape};
use crate::message::Message;
use std::time::Duration;

/// A string with queries that may be left out or be empty text.
#[derive(Clone, Debug)]
pub struct MaybeText(pub Option<Interpolated>);

impl Field for MaybeText {
    fn shape() -> Shape {
        Shape::Interpolated
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<MaybeText> {
        if node.as_text().is_some_and(str::is_empty) {
            return Some(MaybeText(None));
        }
        Interpolated::read(node, linter).map(|m| MaybeText(Some(m)))
    }

    fn absent() -> Option<MaybeText> {
        Some(MaybeText(None))
    }
}

impl MaybeText {
    /// The text for `batch[index]`; none where the config gives none.
    pub fn text(
        &self,
        batch: &[Message],
        index: usize,
    ) -> Result<Option<crate::value::Str>, EvalError> {
        self.0.as_ref().map(|t| t.text(batch, index)).transpose()
    }
}

/// Declares a config that is one value, read as that value is.
macro_rules! single {
    ($(#[doc = $doc:literal])* $type:ty) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct Config(pub $type);

        impl $crate::config::Field for Config {
            fn shape() -> $crate::config::Shape {
                <$type as $crate::config::Field>::shape()
            }

            fn read(
                node: &$crate::config::Node,
                linter: &mut $crate::config::Linter<'_>,
            ) -> Option<Config> {
                <$type as $crate::config::Field>::read(node, linter).map(Config)
            }
        }
    };
}
pub(super) use single;

/// Reads a duration as Go does, with Go's words where it isn't one. One that is negative is no time at all.
pub fn go_duration(text: &str) -> Result<Duration, String> {
    let nanos = crate::formats::duration::parse(text)?;
    Ok(Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_duration_is_no_time() {
        assert_eq!(go_duration("-5s"), Ok(Duration::ZERO));
    }
}
