//! Mathematics.

use super::super::fail::{Result, unfit};
use super::super::numbers::{float, float_int};
use super::{Native, native};
use crate::formats::go_math;
use crate::value::Value;

/// A function of a number.
macro_rules! one {
    ($name:literal, $of:expr) => {
        native!($name, 0, |value: &Value| {
            let of: fn(f64) -> f64 = $of;
            Ok(Value::Float(of(number($name, value)?)))
        })
    };
}

/// A function of two numbers.
macro_rules! two {
    ($name:literal, $of:expr) => {
        native!($name, 2, |_: &Value, arguments: &[Value]| {
            let of: fn(f64, f64) -> f64 = $of;
            Ok(Value::Float(of(
                number($name, &arguments[0])?,
                number($name, &arguments[1])?,
            )))
        })
    };
}

pub(super) const TABLE: &[Native] = &[
    one!("sin", go_math::sin),
    one!("cos", go_math::cos),
    one!("tan", go_math::tan),
    one!("asin", libm::asin),
    one!("acos", |n| std::f64::consts::FRAC_PI_2 - libm::asin(n)),
    one!("atan", libm::atan),
    one!("sinh", libm::sinh),
    one!("cosh", libm::cosh),
    one!("tanh", libm::tanh),
    one!("asinh", libm::asinh),
    one!("acosh", libm::acosh),
    one!("atanh", libm::atanh),
    one!("floor", f64::floor),
    one!("round", f64::round),
    one!("nearbyint", f64::round_ties_even),
    one!("rint", f64::round_ties_even),
    one!("ceil", f64::ceil),
    one!("trunc", f64::trunc),
    one!("significand", |n| match n {
        n if !n.is_finite() || n == 0.0 => n,
        n => f64::from_bits(n.to_bits() & 0x800f_ffff_ffff_ffff | 0x3ff0_0000_0000_0000),
    }),
    one!("fabs", f64::abs),
    one!("sqrt", f64::sqrt),
    one!("cbrt", libm::cbrt),
    one!("exp", libm::exp),
    one!("exp10", |n| go_math::pow(10.0, n)),
    one!("exp2", libm::exp2),
    one!("expm1", libm::expm1),
    one!("log", go_math::ln),
    one!("log10", go_math::log10),
    one!("log1p", libm::log1p),
    one!("log2", |n| {
        let (fraction, exponent) = libm::frexp(n);
        if fraction == 0.5 {
            return f64::from(exponent - 1);
        }
        f64::from(exponent) + go_math::ln(fraction) * std::f64::consts::LOG2_E
    }),
    one!("logb", |n| match n {
        0.0 => f64::NEG_INFINITY,
        n if n.is_infinite() => f64::INFINITY,
        n if n.is_nan() => n,
        n => f64::from(libm::ilogb(n)),
    }),
    one!("gamma", libm::tgamma),
    one!("tgamma", libm::tgamma),
    one!("lgamma", libm::lgamma),
    one!("lgamma_r", libm::lgamma),
    one!("erf", libm::erf),
    one!("erfc", libm::erfc),
    one!("j0", libm::j0),
    one!("j1", libm::j1),
    one!("y0", libm::y0),
    one!("y1", libm::y1),
    two!("atan2", libm::atan2),
    two!("copysign", f64::copysign),
    two!("drem", |l, r| match libm::remainder(l, r) {
        0.0 => 0f64.copysign(l),
        other => other,
    }),
    two!("fdim", |l, r| if l.is_nan() || r.is_nan() {
        f64::NAN
    } else {
        (l - r).max(0.0)
    }),
    two!("fmax", |l, r| if l.is_nan() || r.is_nan() {
        f64::NAN
    } else {
        l.max(r)
    }),
    two!("fmin", |l, r| if l.is_nan() || r.is_nan() {
        f64::NAN
    } else {
        l.min(r)
    }),
    two!("fmod", libm::fmod),
    two!("hypot", libm::hypot),
    two!("jn", |l, r| libm::jn(small(l), r)),
    two!("yn", |l, r| libm::yn(small(l), r)),
    two!("nextafter", libm::nextafter),
    two!("nexttoward", libm::nextafter),
    two!("remainder", libm::remainder),
    two!("ldexp", |l, r| libm::ldexp(l, small(r))),
    two!("scalb", |l, r| libm::ldexp(l, small(r))),
    two!("scalbln", |l, r| libm::ldexp(l, small(r))),
    two!("pow", go_math::pow),
    native!("fma", 3, |_: &Value, all: &[Value]| {
        let of = |at: usize| number("fma", &all[at]);
        Ok(Value::Float(of(0)?.mul_add(of(1)?, of(2)?)))
    }),
    native!("frexp", 0, |value: &Value| {
        let n = number("frexp", value)?;
        let (fraction, exponent) = if n.is_finite() {
            libm::frexp(n)
        } else {
            (n, 0)
        };
        Ok(vec![Value::Float(fraction), Value::Int(exponent.into())].into())
    }),
    native!("modf", 0, |value: &Value| {
        let n = number("modf", value)?;
        let fraction = if n.is_infinite() {
            f64::NAN
        } else {
            n - n.trunc()
        };
        Ok(vec![Value::Float(fraction), Value::Float(n.trunc())].into())
    }),
    native!("infinite", 0, |_: &Value| Ok(Value::Float(f64::INFINITY))),
    native!("nan", 0, |_: &Value| Ok(Value::Float(f64::NAN))),
    native!("isfinite", 0, |value: &Value| Ok(float(value)
        .is_some_and(|n| !n.is_infinite())
        .into())),
    native!("isinfinite", 0, |value: &Value| Ok(float(value)
        .is_some_and(f64::is_infinite)
        .into())),
    native!("isnormal", 0, |value: &Value| Ok(float(value)
        .is_some_and(f64::is_normal)
        .into())),
    native!("isnan", 0, |value: &Value| match (float(value), value) {
        (Some(n), _) => Ok(n.is_nan().into()),
        (None, Value::Null) => Ok(false.into()),
        (None, other) => unfit("isnan", other, &[]),
    }),
];

fn number(name: &str, value: &Value) -> Result<f64> {
    match float(value) {
        Some(n) => Ok(n),
        None => unfit(name, value, &[]),
    }
}

/// A number of steps or an exponent. Beyond a few thousand all are as good as endless.
fn small(n: f64) -> i32 {
    float_int(n).clamp(-100_000, 100_000) as i32
}
