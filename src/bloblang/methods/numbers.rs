//! Table: methods on numbers.

use super::common::{float, int, nested, number_text};
use crate::bloblang::number::Num;
use crate::bloblang::spec::{CallError, Example, MethodCall, MethodSpec, Param, ParamKind};
use crate::formats::{go_math, go_num};
use crate::value::{Number, Value};

const OTHER: &[Param] = &[Param::new("value", ParamKind::Int, "The other number.")];

/// A conversion to an integer of so many bits.
macro_rules! integer {
    ($name:literal, $bits:literal, $about:literal, $convert:expr) => {
        MethodSpec::new(
            $name,
            $about,
            &[],
            &[Example::new(
                "From text, in any base.",
                concat!("root = [this.a.", $name, "(), this.b.", $name, "()]"),
                &[(r#"{"a":"12","b":"0x1F"}"#, "[12,31]")],
            )],
            MethodCall::Plain(|receiver, _| $convert(receiver)),
        )
        .sourceless()
    };
}

pub(super) static TABLE: &[MethodSpec] = &[
    MethodSpec::new(
        "abs",
        "The number without its sign.",
        &[],
        &[Example::new(
            "Of two.",
            "root = [this.a.abs(), this.b.abs()]",
            &[(r#"{"a":-3,"b":2.5}"#, "[3,2.5]")],
        )],
        MethodCall::Plain(|receiver, _| match Num::of(&receiver) {
            Some(Num::Int(n)) => Ok(Value::Int(n.checked_abs().unwrap_or(i64::MAX))),
            Some(Num::Float(n)) => Ok(Value::Float(n.abs())),
            _ => Err(CallError::wanted("number or integer", receiver)),
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "bitwise_and",
        "The bits that are set in both numbers.",
        OTHER,
        &[Example::new(
            "A mask.",
            "root = this.n.bitwise_and(6)",
            &[(r#"{"n":12}"#, "4")],
        )],
        MethodCall::Plain(|receiver, args| bitwise(receiver, args, |a, b| a & b)),
    ),
    MethodSpec::new(
        "bitwise_or",
        "The bits that are set in either number.",
        OTHER,
        &[Example::new(
            "A flag.",
            "root = this.n.bitwise_or(6)",
            &[(r#"{"n":12}"#, "14")],
        )],
        MethodCall::Plain(|receiver, args| bitwise(receiver, args, |a, b| a | b)),
    ),
    MethodSpec::new(
        "bitwise_xor",
        "The bits that are set in one number only.",
        OTHER,
        &[Example::new(
            "Toggled.",
            "root = this.n.bitwise_xor(6)",
            &[(r#"{"n":12}"#, "10")],
        )],
        MethodCall::Plain(|receiver, args| bitwise(receiver, args, |a, b| a ^ b)),
    ),
    MethodSpec::new(
        "ceil",
        "The next whole number that isn't smaller.",
        &[],
        &[Example::new(
            "Of two.",
            "root = [this.a.ceil(), this.b.ceil()]",
            &[(r#"{"a":5.3,"b":-5.9}"#, "[6,-5]")],
        )],
        MethodCall::Plain(|receiver, _| whole(receiver, f64::ceil)),
    ),
    MethodSpec::new(
        "cos",
        "The cosine of an angle in radians.",
        &[],
        &[Example::new(
            "Of zero.",
            "root = this.a.cos()",
            &[(r#"{"a":0}"#, "1")],
        )],
        MethodCall::Plain(|receiver, _| function(receiver, go_math::cos)),
    )
    .sourceless(),
    MethodSpec::new(
        "float32",
        "The number, or the number that a text spells, to the precision of 32 bits.",
        &[],
        &[Example::new(
            "Fewer digits.",
            "root = this.n.float32()",
            &[(r#"{"n":0.123456789}"#, "0.12345679")],
        )],
        MethodCall::Plain(|receiver, _| float32(receiver)),
    )
    .sourceless(),
    MethodSpec::new(
        "float64",
        "The number, or the number that a text spells, as a float.",
        &[],
        &[Example::new(
            "From text.",
            "root = this.n.float64()",
            &[(r#"{"n":"6.02e23"}"#, "6.02e+23")],
        )],
        MethodCall::Plain(|receiver, _| Ok(Value::Float(super::coercion::to_float(receiver)?))),
    )
    .sourceless(),
    MethodSpec::new(
        "floor",
        "The next whole number that isn't larger.",
        &[],
        &[Example::new(
            "Of two.",
            "root = [this.a.floor(), this.b.floor()]",
            &[(r#"{"a":5.7,"b":-5.1}"#, "[5,-6]")],
        )],
        MethodCall::Plain(|receiver, _| whole(receiver, f64::floor)),
    ),
    integer!(
        "int8",
        8,
        "A whole number, or the text of one, as an integer of 8 bits; an error if it doesn't fit.",
        |v| signed(v, 8)
    ),
    integer!(
        "int16",
        16,
        "A whole number, or the text of one, as an integer of 16 bits; an error if it doesn't fit.",
        |v| signed(v, 16)
    ),
    integer!(
        "int32",
        32,
        "A whole number, or the text of one, as an integer of 32 bits; an error if it doesn't fit.",
        |v| signed(v, 32)
    ),
    integer!(
        "int64",
        64,
        "A whole number, or the text of one, as an integer of 64 bits; an error if it doesn't fit.",
        |v| signed(v, 64)
    ),
    integer!(
        "uint8",
        8,
        "A whole number, or the text of one, as an unsigned integer of 8 bits; an error if it doesn't fit.",
        |v| unsigned(v, 8)
    ),
    integer!(
        "uint16",
        16,
        "A whole number, or the text of one, as an unsigned integer of 16 bits; an error if it doesn't fit.",
        |v| unsigned(v, 16)
    ),
    integer!(
        "uint32",
        32,
        "A whole number, or the text of one, as an unsigned integer of 32 bits; an error if it doesn't fit.",
        |v| unsigned(v, 32)
    ),
    integer!(
        "uint64",
        64,
        "A whole number, or the text of one, as an unsigned integer of 64 bits; an error if it doesn't fit.",
        |v| unsigned(v, 64)
    ),
    MethodSpec::new(
        "log",
        "The natural logarithm.",
        &[],
        &[Example::new(
            "Of one.",
            "root = this.n.log()",
            &[(r#"{"n":1}"#, "0")],
        )],
        MethodCall::Plain(|receiver, _| logarithm(receiver, go_math::ln)),
    ),
    MethodSpec::new(
        "log10",
        "The logarithm to base 10.",
        &[],
        &[Example::new(
            "Of a hundred.",
            "root = this.n.log10()",
            &[(r#"{"n":100}"#, "2")],
        )],
        MethodCall::Plain(|receiver, _| logarithm(receiver, go_math::log10)),
    ),
    MethodSpec::new(
        "max",
        "The largest number of an array.",
        &[],
        &[Example::new(
            "At least zero.",
            "root = [0, this.n].max()",
            &[(r#"{"n":-1}"#, "0"), (r#"{"n":7}"#, "7")],
        )],
        MethodCall::Plain(|receiver, _| extreme(receiver, |a, b| a > b)),
    ),
    MethodSpec::new(
        "min",
        "The smallest number of an array.",
        &[],
        &[Example::new(
            "At most ten.",
            "root = [10, this.n].min()",
            &[(r#"{"n":2.5}"#, "2.5"), (r#"{"n":23}"#, "10")],
        )],
        MethodCall::Plain(|receiver, _| extreme(receiver, |a, b| a < b)),
    ),
    MethodSpec::new(
        "pow",
        "The number to the power of another.",
        &[Param::new("exponent", ParamKind::Float, "The exponent.")],
        &[Example::new(
            "Of two.",
            "root = [2.pow(this.e), this.e.pow(2)]",
            &[(r#"{"e":3}"#, "[8,9]")],
        )],
        MethodCall::Plain(|receiver, args| {
            let exponent = float(&args[0]).unwrap_or(0.0);
            function(receiver, |n| go_math::pow(n, exponent))
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "round",
        "The nearest whole number; halves go away from zero.",
        &[],
        &[Example::new(
            "Of three.",
            "root = this.map_each(n -> n.round())",
            &[("[2.4,2.5,-2.5]", "[2,3,-3]")],
        )],
        MethodCall::Plain(|receiver, _| whole(receiver, f64::round)),
    ),
    MethodSpec::new(
        "sin",
        "The sine of an angle in radians.",
        &[],
        &[Example::new(
            "Of zero.",
            "root = this.a.sin()",
            &[(r#"{"a":0}"#, "0")],
        )],
        MethodCall::Plain(|receiver, _| function(receiver, go_math::sin)),
    )
    .sourceless(),
    MethodSpec::new(
        "tan",
        "The tangent of an angle in radians.",
        &[],
        &[Example::new(
            "Of zero.",
            "root = this.a.tan()",
            &[(r#"{"a":0}"#, "0")],
        )],
        MethodCall::Plain(|receiver, _| function(receiver, go_math::tan)),
    )
    .sourceless(),
];

fn bitwise(
    receiver: Value,
    args: &[Value],
    combine: fn(i64, i64) -> i64,
) -> Result<Value, CallError> {
    let Some(left) = Num::of(&receiver) else {
        return Err(CallError::wanted("integer", receiver));
    };
    Ok(Value::Int(combine(left.int(), int(&args[0]).unwrap_or(0))))
}

fn function(receiver: Value, f: impl Fn(f64) -> f64) -> Result<Value, CallError> {
    match float(&receiver) {
        Some(n) => Ok(Value::Float(f(n))),
        None => Err(CallError::wanted("number", receiver)),
    }
}

fn logarithm(receiver: Value, f: fn(f64) -> f64) -> Result<Value, CallError> {
    match Num::of(&receiver) {
        Some(n) => Ok(Value::Float(f(n.float()))),
        None => Err(CallError::wanted("number", receiver)),
    }
}

/// Rounds a float to an integer if that fits; integers stay as they are.
fn whole(receiver: Value, round: fn(f64) -> f64) -> Result<Value, CallError> {
    match Num::of(&receiver) {
        Some(Num::Int(n)) => Ok(Value::Int(n)),
        Some(Num::Uint(n)) => Ok(Value::Uint(n)),
        Some(Num::Float(n)) => {
            let rounded = round(n);
            Ok(match float_to_int(rounded) {
                Ok(n) => Value::Int(n),
                Err(_) => Value::Float(rounded),
            })
        }
        None => Err(CallError::wanted("number", receiver)),
    }
}

fn extreme(receiver: Value, beats: fn(f64, f64) -> bool) -> Result<Value, CallError> {
    let Value::Array(items) = receiver else {
        return Err(CallError::wanted("array", receiver));
    };
    let mut best: Option<f64> = None;
    for (i, item) in items.iter().enumerate() {
        let Some(n) = float(&item) else {
            return Err(nested(&format!("index {i} of array"), "number", &item).into());
        };
        if best.is_none_or(|best| beats(n, best)) {
            best = Some(n);
        }
    }
    match best {
        Some(best) => Ok(Value::Float(best)),
        None => Err("the array was empty".into()),
    }
}

fn float_to_int(n: f64) -> Result<i64, &'static str> {
    if n.is_infinite() {
        return Err("cannot convert +/-INF to an integer");
    }
    if n.is_nan() {
        return Err("cannot convert NAN to an integer");
    }
    if n > 9_223_372_036_854_775_808.0 {
        return Err("float value is too large to be cast as a signed integer");
    }
    if n < -9_223_372_036_854_775_808.0 {
        return Err("float value is too small to be cast as a signed integer");
    }
    if n.fract() != 0.0 || n == 9_223_372_036_854_775_808.0 {
        return Err(
            "float value contains decimals and therefore cannot be cast as a signed integer, if you intend to round the value then call `.round()` explicitly before this cast",
        );
    }
    Ok(n as i64)
}

fn float_to_uint(n: f64) -> Result<u64, &'static str> {
    if n < 0.0 {
        return Err("float value is negative and cannot be cast as an unsigned integer");
    }
    if n.is_infinite() {
        return Err("cannot convert +/-INF to an unsigned integer");
    }
    if n.is_nan() {
        return Err("cannot convert NAN to an unsigned integer");
    }
    if n > 18_446_744_073_709_551_616.0 {
        return Err("float value is too large to be cast as an unsigned integer");
    }
    if n.fract() != 0.0 || n == 18_446_744_073_709_551_616.0 {
        return Err(
            "float value contains decimals and therefore cannot be cast as an unsigned integer, if you intend to round the value then call `.round()` explicitly before this cast",
        );
    }
    Ok(n as u64)
}

/// `a 16-bit`, `an 8-bit`.
fn width(bits: u32) -> String {
    format!("{} {bits}-bit", if bits == 8 { "an" } else { "a" })
}

fn signed(value: Value, bits: u32) -> Result<Value, CallError> {
    let n = match &value {
        Value::Int(n) => *n,
        Value::Uint(n) => i64::try_from(*n)
            .map_err(|_| "unsigned integer value is too large to be cast as a signed integer")?,
        Value::Float(n) => float_to_int(*n)?,
        Value::Number(n) => go_num::parse_decimal(n.as_str())?,
        Value::String(text) => go_num::parse_int(text)?,
        Value::Bytes(bytes) | Value::IllFormed(bytes) => {
            go_num::parse_int(number_text("ParseInt", bytes)?)?
        }
        _ => return Err(CallError::wanted("number", value)),
    };
    let shift = 64 - bits;
    match (n << shift >> shift == n, n > 0) {
        (true, _) => Ok(Value::Int(n)),
        (false, true) => Err(format!(
            "value is too large to be cast as {} signed integer",
            width(bits)
        )
        .into()),
        (false, false) => Err(format!(
            "value is too small to be cast as {} signed integer",
            width(bits)
        )
        .into()),
    }
}

fn unsigned(value: Value, bits: u32) -> Result<Value, CallError> {
    let not_negative = |n: i64| {
        u64::try_from(n).map_err(
            |_| "signed integer value is negative and cannot be cast as an unsigned integer",
        )
    };
    let n = match &value {
        Value::Int(n) => not_negative(*n)?,
        Value::Uint(n) => *n,
        Value::Float(n) => float_to_uint(*n)?,
        Value::Number(n) => not_negative(go_num::parse_decimal(n.as_str())?)?,
        Value::String(text) => go_num::parse_uint(text)?,
        Value::Bytes(bytes) | Value::IllFormed(bytes) => {
            go_num::parse_uint(number_text("ParseUint", bytes)?)?
        }
        _ => return Err(CallError::wanted("number", value)),
    };
    if bits < 64 && n >> bits != 0 {
        return Err(format!(
            "value is too large to be cast as {} unsigned integer",
            width(bits)
        )
        .into());
    }
    Ok(Value::Uint(n))
}

/// Rounds to 32 bits. What is kept is the shortest text of the result, which may read as another number in 64 bits.
fn float32(value: Value) -> Result<Value, CallError> {
    let is_text = matches!(
        value,
        Value::String(_) | Value::IllFormed(_) | Value::Bytes(_) | Value::Number(_)
    );
    let shown = is_text.then(|| super::common::to_text(value.clone()));
    let wide = super::coercion::to_float(value)?;
    let narrow = wide as f32;
    if let Some(text) = shown.filter(|_| narrow.is_infinite() && wide.is_finite()) {
        let quoted = crate::formats::go_quote::quote(&text);
        return Err(format!("strconv.ParseFloat: parsing {quoted}: value out of range").into());
    }
    Ok(match narrow.is_finite() {
        true => Value::Number(Number::from_json_text(go_num::float32_json(narrow).into())),
        false => Value::Float(wide),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_bounds() {
        let text = |r: Result<Value, CallError>| {
            r.map(|v| String::from_utf8_lossy(&v.to_json()).into_owned())
                .map_err(|e| e.text(None))
        };
        assert_eq!(text(signed(Value::Int(127), 8)).as_deref(), Ok("127"));
        assert_eq!(
            text(signed(Value::Int(128), 8)),
            Err("value is too large to be cast as an 8-bit signed integer".into())
        );
        assert_eq!(
            text(signed(Value::Int(-40000), 16)),
            Err("value is too small to be cast as a 16-bit signed integer".into())
        );
        assert_eq!(
            text(unsigned("0x100".into(), 8)),
            Err("value is too large to be cast as an 8-bit unsigned integer".into())
        );
        assert!(
            text(signed(Value::Float(2.5), 32))
                .expect_err("a fraction")
                .starts_with("float value contains decimals")
        );
        assert_eq!(
            text(signed(Value::Float(f64::NAN), 64)),
            Err("cannot convert NAN to an integer".into())
        );
        assert_eq!(
            text(unsigned(Value::Float(-1.0), 64)),
            Err("float value is negative and cannot be cast as an unsigned integer".into())
        );
    }

    #[test]
    fn short_floats_keep_their_text() {
        let text = |v: Value| {
            String::from_utf8_lossy(&float32(v).expect("a number").to_json()).into_owned()
        };
        assert_eq!(text(Value::Float(0.1)), "0.1");
        assert_eq!(text(Value::Int(1_604_213_000)), "1604213000");
        assert_eq!(
            text("6.674282313423543523453425345e-11".into()),
            "6.674283e-11"
        );
        assert!(float32("1e50".into()).is_err());
    }
}
