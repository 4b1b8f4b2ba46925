//! A number as its JSON text had it.

use super::Str;

/// The text of a JSON number, valid by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(Str);

impl Number {
    /// Takes text that the caller knows to be a JSON number.
    pub(crate) fn from_json_text(text: Str) -> Number {
        Number(text)
    }

    /// The text, as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value, if it is written as an integer and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The nearest float.
    pub fn as_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}
