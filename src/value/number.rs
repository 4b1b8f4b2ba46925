//! A number as its JSON text had it.

use super::{Str, Value};

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

    /// The value, if it is written as an integer without a sign and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The nearest float; infinite if it is out of range.
    pub fn as_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// What arithmetic takes it for: an integer if it is written as one and fits into 64 bits with a sign, else a float.
    pub fn sanitised(&self) -> Value {
        match self.as_i64() {
            Some(integer) => Value::Int(integer),
            None => Value::Float(self.as_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_stay_integers_where_they_fit() {
        for (text, int, uint, float) in [
            ("0", Some(0), Some(0), 0.0),
            ("-0", Some(0), None, -0.0),
            (
                "9223372036854775807",
                Some(i64::MAX),
                Some(i64::MAX as u64),
                9223372036854775807.0,
            ),
            (
                "18446744073709551615",
                None,
                Some(u64::MAX),
                18446744073709551615.0,
            ),
            ("-9223372036854775809", None, None, -9223372036854775809.0),
            ("1.0", None, None, 1.0),
            ("1e3", None, None, 1000.0),
            ("1E-7", None, None, 1e-7),
            ("1e999", None, None, f64::INFINITY),
        ] {
            let number = Number::from_json_text(text.into());
            assert_eq!((number.as_i64(), number.as_f64()), (int, float), "{text}");
            assert_eq!(number.as_u64(), uint, "{text}");
        }
    }
}
