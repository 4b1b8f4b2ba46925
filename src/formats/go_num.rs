//! Numbers as Go's `strconv` reads and writes them, error texts included: mappings and the configs around them rely on both.

use super::go_quote::quote;
use std::{
    fmt::{LowerExp, Write},
    num::IntErrorKind,
};

/// The shortest text that reads back as `number`, with an exponent where that is below -4 or above 5: Go's format `g`, as of `%v`.
pub fn float_g(number: f64) -> String {
    general(&shortest(number), 6)
}

/// As [`float_g`], of a 32-bit float.
pub fn float32_g(number: f32) -> String {
    general(&shortest(number), 6)
}

/// The fewest digits that read back as the number, in Rust's notation of exponents. Of two texts that are as near, the last digit is
/// even, which the standard library doesn't see to.
fn shortest<F: zmij::Float + LowerExp>(number: F) -> String {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format(number);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(whole) => ("-", whole),
        None => ("", whole),
    };
    let digits = format!("{whole}{part}");
    let significant = digits.trim_start_matches('0');
    // Zero, and what isn't a number.
    if !significant.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("{number:e}");
    }
    let zeros = digits.len() - significant.len();
    let exponent = exponent + whole.len() as i32 - 1 - zeros as i32;
    let (first, rest) = significant.split_at(1);
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}e{exponent}")
}

/// The sign, mantissa and binary exponent of a finite number: `mantissa * 2^exponent`.
fn parts(number: f64) -> (&'static str, u64, i32) {
    const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;
    let bits = number.to_bits();
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let fraction = bits & ((1 << FRACTION) - 1);
    match (bits >> FRACTION & 0x7ff) as i32 {
        0 => (sign, fraction, -1074),
        biased => (sign, fraction | 1 << FRACTION, biased - 1075),
    }
}

/// A finite number as its mantissa and its exponent of two: `-4503599627370496p-52`.
pub fn float_bits(number: f64) -> String {
    let (sign, mantissa, exponent) = parts(number);
    format!("{sign}{mantissa}p{exponent:+}")
}

/// A finite number in hexadecimal digits with an exponent of two, such as `0x1.8p+01`. So many digits follow the point, or as many as it takes.
pub fn float_hex(number: f64, precision: Option<usize>) -> String {
    let (sign, mantissa, mut exponent) = parts(number);
    // The digit before the point is 1, and 60 bits follow it.
    let mut digits = u128::from(mantissa);
    if mantissa != 0 {
        let shift = mantissa.leading_zeros() as i32 - 3;
        digits <<= shift;
        exponent += 60 - shift;
    } else {
        exponent = 0;
    }
    if let Some(cut) = precision.and_then(|wanted| 15_usize.checked_sub(wanted)) {
        let unit = 1_u128 << (4 * cut);
        let (rest, half) = (digits % unit, unit / 2);
        digits -= rest;
        if rest > half || (rest == half && half > 0 && digits / unit % 2 == 1) {
            digits += unit;
        }
        if digits >> 61 != 0 {
            digits >>= 1;
            exponent += 1;
        }
    }
    let mut text = format!("{digits:016x}");
    match precision {
        Some(wanted) => {
            let zeros = (wanted + 1).saturating_sub(text.len());
            text.truncate(wanted + 1);
            text.push_str(&"0".repeat(zeros));
        }
        None => text.truncate(text.trim_end_matches('0').len().max(1)),
    }
    let point = if text.len() > 1 { "." } else { "" };
    let (first, rest) = text.split_at(1);
    let direction = if exponent < 0 { '-' } else { '+' };
    format!(
        "{sign}0x{first}{point}{rest}p{direction}{:02}",
        exponent.unsigned_abs()
    )
}

/// Lays out `digits` in Rust's notation of exponents as Go's `g` would: plain unless the exponent is below -4 or reaches `limit`.
pub fn general(digits: &str, limit: i32) -> String {
    let Some((mantissa, exponent)) = digits.split_once('e') else {
        return match digits {
            "inf" => "+Inf".into(),
            "-inf" => "-Inf".into(),
            other => other.into(),
        };
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= limit {
        return scientific(mantissa, exponent, 'e');
    }
    plain(mantissa, exponent)
}

/// `mantissa` (one digit before the point) with an exponent of at least two digits.
pub fn scientific(mantissa: &str, exponent: i32, letter: char) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}{letter}{sign}{:02}", exponent.abs())
}

/// The number without an exponent.
fn plain(mantissa: &str, exponent: i32) -> String {
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut out = String::from(sign);
    if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        out.push_str(first);
        out.push_str(rest);
        return out;
    }
    let whole = exponent as usize;
    out.push_str(first);
    if rest.len() <= whole {
        out.push_str(rest);
        out.extend(std::iter::repeat_n('0', whole - rest.len()));
    } else {
        out.push_str(&rest[..whole]);
        out.push('.');
        out.push_str(&rest[whole..]);
    }
    out
}

/// The text that JSON numbers have in Go: plain below 1e21 and from 1e-6 on.
pub fn float_json(number: f64) -> String {
    json_layout(&shortest(number))
}

/// As [`float_json`], of a 32-bit float.
pub fn float32_json(number: f32) -> String {
    json_layout(&shortest(number))
}

fn json_layout(digits: &str) -> String {
    let Some((mantissa, exponent)) = digits.split_once('e') else {
        return digits.into();
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-6..21).contains(&exponent) || mantissa == "0" || mantissa == "-0" {
        return plain(mantissa, exponent);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{}", exponent.abs())
}

/// Reads an integer with an optional sign, a base prefix (`0x`, `0o`, `0b`, `0`) and underscores between digits.
pub fn parse_int(text: &str) -> Result<i64, String> {
    let fail = |why| Err(num_error("ParseInt", text, why));
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    match magnitude(digits, text) {
        Err(why) => fail(why),
        Ok(n) if negative && n <= 1 << 63 => Ok((n as i64).wrapping_neg()),
        Ok(n) if !negative && n < 1 << 63 => Ok(n as i64),
        Ok(_) => fail(Why::Range),
    }
}

/// As [`parse_int`], without a sign.
pub fn parse_uint(text: &str) -> Result<u64, String> {
    magnitude(text, text).map_err(|why| num_error("ParseUint", text, why))
}

/// Reads an integer in base 10 only, as JSON numbers are read where an integer is wanted.
pub fn parse_decimal(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let valid = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let why = match text.parse() {
        Ok(n) => return Ok(n),
        Err(_) if valid => Why::Range,
        Err(_) => Why::Syntax,
    };
    Err(num_error("ParseInt", text, why))
}

/// Reads an index, as `strconv.Atoi` does.
pub fn parse_index(text: &str) -> Result<i64, String> {
    parse_decimal(text).map_err(|e| e.replacen("ParseInt", "Atoi", 1))
}

#[derive(Clone, Copy)]
enum Why {
    Syntax,
    Range,
}

fn num_error(function: &str, text: &str, why: Why) -> String {
    let mut out = String::new();
    let why = match why {
        Why::Syntax => "invalid syntax",
        Why::Range => "value out of range",
    };
    write!(out, "strconv.{function}: parsing {}: {why}", quote(text))
        .expect("a string takes all that is written to it");
    out
}

/// The digits' value; `whole` is the text with its sign, by which underscores are judged.
fn magnitude(digits: &str, whole: &str) -> Result<u64, Why> {
    let lower = digits.as_bytes().get(1).map(u8::to_ascii_lowercase);
    let (base, rest) = match (digits.as_bytes().first(), lower) {
        (Some(b'0'), Some(b'x')) if digits.len() > 2 => (16, &digits[2..]),
        (Some(b'0'), Some(b'o')) if digits.len() > 2 => (8, &digits[2..]),
        (Some(b'0'), Some(b'b')) if digits.len() > 2 => (2, &digits[2..]),
        (Some(b'0'), Some(_)) => (8, &digits[1..]),
        _ => (10, digits),
    };
    let plain: std::borrow::Cow<'_, str> = if rest.contains('_') {
        if !underscores_are_fine(whole) {
            return Err(Why::Syntax);
        }
        rest.replace('_', "").into()
    } else {
        rest.into()
    };
    if plain.starts_with(['+', '-']) {
        return Err(Why::Syntax);
    }
    u64::from_str_radix(&plain, base).map_err(|e| match e.kind() {
        IntErrorKind::PosOverflow => Why::Range,
        _ => Why::Syntax,
    })
}

/// Whether underscores stand only between digits, or after a base prefix.
fn underscores_are_fine(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    let prefixed = text.len() >= 2
        && text[0] == b'0'
        && matches!(text[1].to_ascii_lowercase(), b'x' | b'o' | b'b');
    let hex = prefixed && text[1].eq_ignore_ascii_case(&b'x');
    let (mut last, rest) = if prefixed {
        (b'0', &text[2..])
    } else {
        (b'^', text)
    };
    for &byte in rest {
        if byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit()) {
            last = b'0';
        } else if byte == b'_' {
            if last != b'0' {
                return false;
            }
            last = b'_';
        } else {
            if last == b'_' {
                return false;
            }
            last = b'!';
        }
    }
    last != b'_'
}

/// Reads a float: decimal, or hexadecimal with a binary exponent, with infinities and NaN.
pub fn parse_float(text: &str) -> Result<f64, String> {
    let syntax = || num_error("ParseFloat", text, Why::Syntax);
    let (sign, rest) = match text.as_bytes().first() {
        Some(b'-') => (-1.0, &text[1..]),
        Some(b'+') => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if rest.eq_ignore_ascii_case("inf") || rest.eq_ignore_ascii_case("infinity") {
        return Ok(sign * f64::INFINITY);
    }
    if text.eq_ignore_ascii_case("nan") {
        return Ok(f64::NAN);
    }
    let mut clean: std::borrow::Cow<'_, str> = rest.into();
    if rest.contains('_') {
        if !underscores_are_fine(rest) {
            return Err(syntax());
        }
        clean = rest.replace('_', "").into();
    }
    if let Some(hex) = clean.strip_prefix("0x").or(clean.strip_prefix("0X")) {
        return hex_float(hex).map(|n| sign * n).ok_or_else(syntax);
    }
    if !clean
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return Err(syntax());
    }
    match clean.parse::<f64>() {
        Ok(n) if n.is_infinite() => Err(num_error("ParseFloat", text, Why::Range)),
        Ok(n) if !clean.starts_with(['+', '-']) => Ok(sign * n),
        _ => Err(syntax()),
    }
}

/// A hexadecimal mantissa with its exponent, which must be there.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let exponent = exponent.saturating_sub(4 * i32::try_from(fraction.len()).ok()?);
    Some(value * 2f64.powi(exponent))
}

/// Reads one of the words that Go takes for a bool.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_by_their_bits() {
        assert_eq!(float_bits(0.1), "7205759403792794p-56");
        assert_eq!(float_bits(-0.0), "-0p-1074");
        for (number, precision, text) in [
            (0.3, None, "0x1.3333333333333p-02"),
            (-0.1, None, "-0x1.999999999999ap-04"),
            (0.0, Some(2), "0x0.00p+00"),
            (1.5, Some(0), "0x1p+01"),
            (2.5, Some(0), "0x1p+01"),
            (1.999, Some(1), "0x1.0p+01"),
            (5e-324, None, "0x1p-1074"),
        ] {
            assert_eq!(float_hex(number, precision), text, "{number}");
        }
    }

    #[test]
    fn floats_are_written_as_go_writes_them() {
        for (number, text) in [
            (5.0, "5"),
            (-2.5, "-2.5"),
            (0.0, "0"),
            (100000.0, "100000"),
            (1_000_000_000_000_000.3, "1.0000000000000002e+15"),
            (1e6, "1e+06"),
            (1.604213e9, "1.604213e+09"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(float_g(number), text);
        }
        assert_eq!(float_json(1e21), "1e+21");
        assert_eq!(float_json(1e-7), "1e-7");
        assert_eq!(float_json(1e-6), "0.000001");
        assert_eq!(float_json(123456789.0), "123456789");
        assert_eq!(float32_json(16777216.0), "16777216");
    }

    #[test]
    fn integers_take_prefixes_and_underscores() {
        assert_eq!(parse_int("0x1F"), Ok(31));
        assert_eq!(parse_int("-0b11"), Ok(-3));
        assert_eq!(parse_int("1_000"), Ok(1000));
        assert_eq!(parse_int("017"), Ok(15));
        assert_eq!(parse_int("-9223372036854775808"), Ok(i64::MIN));
        let fail = |text, why| Err(format!("strconv.ParseInt: parsing \"{text}\": {why}"));
        assert_eq!(parse_int("08"), fail("08", "invalid syntax"));
        assert_eq!(parse_int("1__0"), fail("1__0", "invalid syntax"));
        assert_eq!(parse_int(""), fail("", "invalid syntax"));
        assert_eq!(
            parse_int("9223372036854775808"),
            fail("9223372036854775808", "value out of range")
        );
        assert_eq!(parse_decimal("1e3"), fail("1e3", "invalid syntax"));
        assert_eq!(parse_uint("18446744073709551615"), Ok(u64::MAX));
    }

    #[test]
    fn floats_take_what_go_takes() {
        assert_eq!(parse_float("1e5"), Ok(1e5));
        assert_eq!(parse_float("-.5"), Ok(-0.5));
        assert_eq!(parse_float("1_0.5"), Ok(10.5));
        assert_eq!(parse_float("0x1p-2"), Ok(0.25));
        assert_eq!(parse_float("-Infinity"), Ok(f64::NEG_INFINITY));
        for text in ["", "0x1F", " 1", "1 ", "--1", "infinit", "1e", "."] {
            assert!(parse_float(text).is_err(), "{text}");
        }
    }
}
