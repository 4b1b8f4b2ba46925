//! A number as its JSON text had it.

use super::{Str, Value};

/// What arithmetic takes the text of a number for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Read {
    /// It is written as an integer, and fits.
    Int(i64),
    Float(f64),
}

impl Read {
    /// Whether it is near the number that was written.
    #[inline]
    pub(crate) fn is_in_range(self) -> bool {
        !matches!(self, Read::Float(n) if n.is_infinite())
    }
}

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

    /// Whether no float is near: arithmetic takes it for text then.
    pub fn is_out_of_range(&self) -> bool {
        self.as_f64().is_infinite()
    }

    /// What arithmetic takes it for: an integer if it is written as one and fits into 64 bits with a sign, else a float.
    pub fn sanitised(&self) -> Value {
        match self.read() {
            Read::Int(integer) => Value::Int(integer),
            Read::Float(float) => Value::Float(float),
        }
    }

    /// The same.
    pub(crate) fn read(&self) -> Read {
        read(self.as_str().as_bytes())
    }
}

/// Reads the text of a JSON number.
#[inline]
pub(super) fn read(text: &[u8]) -> Read {
    if let Some(short) = read_short(text) {
        return short;
    }
    let text = std::str::from_utf8(text).unwrap_or_default();
    match text.parse() {
        Ok(integer) => Read::Int(integer),
        Err(_) => Read::Float(text.parse().unwrap_or(f64::NAN)),
    }
}

/// Reads numbers of up to fifteen digits without an exponent, which is most, in one go. The digits are below 2^53 and the power
/// of ten is one of those that floats hold exactly, so that dividing them gives the nearest float.
fn read_short(text: &[u8]) -> Option<Read> {
    const MOST: usize = 15;
    const POWERS: [f64; MOST + 1] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    // A point is the sixteenth character.
    if unsigned.is_empty() || unsigned.len() > MOST + 1 {
        return None;
    }
    let (mut digits, mut point) = (0u64, None);
    for (at, byte) in unsigned.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    match point {
        None if unsigned.len() > MOST => None,
        None => {
            let whole = digits as i64;
            Some(Read::Int(if negative { -whole } else { whole }))
        }
        Some(point) => {
            let size = digits as f64 / POWERS[unsigned.len() - 1 - point];
            Some(Read::Float(if negative { -size } else { size }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_standard_library_reads_them() {
        for text in [
            "0",
            "-0",
            "7",
            "-12",
            "3.5",
            "-0.0",
            "0.1",
            "161.92",
            "-23.83",
            "123456789012345",
            "-123456789012345",
            "1234567890123456",
            "12345678.9012345",
            "0.00000000000001",
            "99999999999999.9",
            "123456789012.3456",
            "1e3",
            "1.5E-7",
            "9223372036854775807",
            "9223372036854775808",
            "1e999",
        ] {
            let wanted = match text.parse() {
                Ok(integer) => Read::Int(integer),
                Err(_) => Read::Float(text.parse().unwrap()),
            };
            let got = read(text.as_bytes());
            assert_eq!(got, wanted, "{text}");
            if let (Read::Float(got), Read::Float(wanted)) = (got, wanted) {
                assert_eq!(got.to_bits(), wanted.to_bits(), "{text}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn decimals_are_read_as_the_standard_library_reads_them(text in "-?(0|[1-9][0-9]{0,15})\\.[0-9]{1,15}") {
            let wanted: f64 = text.parse().unwrap();
            match read(text.as_bytes()) {
                Read::Float(got) => proptest::prop_assert_eq!(got.to_bits(), wanted.to_bits()),
                other => proptest::prop_assert!(false, "{:?}", other),
            }
        }
    }

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
