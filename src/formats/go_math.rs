//! Mathematical functions to the last digit as Go computes them, which is not always how the C library does.
//!
//! Sine, cosine and tangent are those of the Cephes library (S. L. Moshier), with Payne and Hanek's reduction for large
//! arguments; the logarithm is FreeBSD's.

use std::f64::consts::{FRAC_PI_4, LOG10_E};

/// Pi/4 in three parts, the first two with zeros at the end, so that products with small integers are exact.
const PI_4_PARTS: [f64; 3] = [
    7.853_981_256_484_985e-1,
    3.774_894_707_930_798e-8,
    2.695_151_429_079_059_5e-15,
];
/// From here on the three parts are too few.
const LARGE: f64 = 536_870_912.0;
/// The binary digits of 4/pi, 64 at a time, the first before the point.
const FOUR_OVER_PI: [u64; 20] = [
    0x0000_0000_0000_0001,
    0x45f3_06dc_9c88_2a53,
    0xf84e_afa3_ea69_bb81,
    0xb6c5_2b32_7887_2083,
    0xfca2_c757_bd77_8ac3,
    0x6e48_dc74_849b_a5c0,
    0x0c92_5dd4_13a3_2439,
    0xfc3b_d639_6253_4e7d,
    0xd104_6bea_5d76_8909,
    0xd338_e04d_68be_fc82,
    0x7323_ac73_06a6_73e9,
    0x3908_bf17_7bf2_5076,
    0x3ff1_2fff_bc0b_301f,
    0xde5e_2316_b414_da3e,
    0xda6c_fd9e_4f96_136e,
    0x9e8c_7ecd_3cbf_d45a,
    0xea4f_758f_d7cb_e2f6,
    0x7a0e_73ef_14a5_25d4,
    0xd7f6_bf62_3f1a_ba10,
    0xac06_608d_f8f6_d757,
];

const SIN: [f64; 6] = [
    1.589_623_015_765_465_7e-10,
    -2.505_074_776_285_780_7e-8,
    2.755_731_362_138_572_2e-6,
    -1.984_126_982_958_954e-4,
    8.333_333_333_322_118e-3,
    -1.666_666_666_666_663e-1,
];
const COS: [f64; 6] = [
    -1.135_853_652_138_768_2e-11,
    2.087_570_084_197_473e-9,
    -2.755_731_417_929_674e-7,
    2.480_158_728_885_170_5e-5,
    -1.388_888_888_887_305_6e-3,
    4.166_666_666_666_659e-2,
];
const TAN_P: [f64; 3] = [
    -1.309_369_391_813_837_9e4,
    1.153_516_648_385_874_2e6,
    -1.795_652_519_764_848_8e7,
];
const TAN_Q: [f64; 5] = [
    1.0,
    1.368_129_634_706_929_5e4,
    -1.320_892_344_402_109_7e6,
    2.500_838_018_233_579e7,
    -5.386_957_559_294_546e7,
];

/// A polynomial, the coefficient of the highest power first.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients[1..]
        .iter()
        .fold(coefficients[0], |sum, c| sum * x + c)
}

/// Which eighth of a turn (an even one) is nearest to `x`, not negative, and how far `x` is from it.
fn reduce(x: f64) -> (u64, f64) {
    if x >= LARGE {
        return reduce_large(x);
    }
    let mut octant = (x * (4.0 / std::f64::consts::PI)) as u64;
    octant += octant & 1;
    let turned = octant as f64;
    let mut rest = x;
    for part in PI_4_PARTS {
        rest -= turned * part;
    }
    (octant & 7, rest)
}

fn reduce_large(x: f64) -> (u64, f64) {
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64 - 1023 - 52;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    // The three digits of 4/pi that matter at this exponent.
    let place = (exponent + 61) as u32;
    let (digit, shift) = ((place / 64) as usize, place % 64);
    let at = |i: usize| {
        let pair = u128::from(FOUR_OVER_PI[i]) << 64 | u128::from(FOUR_OVER_PI[i + 1]);
        (pair << shift >> 64) as u64
    };
    let (d0, d1, d2) = (at(digit), at(digit + 1), at(digit + 2));
    let wide = |d: u64| u128::from(d) * u128::from(mantissa);
    let low = u128::from((wide(d1) as u64, 0).0) + (wide(d2) >> 64);
    let high = d0
        .wrapping_mul(mantissa)
        .wrapping_add((wide(d1) >> 64) as u64)
        .wrapping_add((low >> 64) as u64);
    let low = low as u64;
    let mut octant = high >> 61;
    // The fraction as a float: its leading one becomes the implicit bit.
    let high = high << 3 | low >> 61;
    let zeros = high.leading_zeros();
    let fraction =
        (high.checked_shl(zeros + 1).unwrap_or(0)) | low.checked_shr(64 - (zeros + 1)).unwrap_or(0);
    let exponent = u64::from(1023 - (zeros + 1));
    let mut rest = f64::from_bits(fraction >> 12 | exponent << 52);
    if octant & 1 == 1 {
        octant = (octant + 1) & 7;
        rest -= 1.0;
    }
    (octant, rest * FRAC_PI_4)
}

fn sin_near(z: f64) -> f64 {
    let zz = z * z;
    z + z * zz * polynomial(&SIN, zz)
}

fn cos_near(z: f64) -> f64 {
    let zz = z * z;
    1.0 - 0.5 * zz + zz * zz * polynomial(&COS, zz)
}

pub fn sin(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return f64::NAN;
    }
    let (octant, z) = reduce(x.abs());
    let y = match octant & 3 {
        1 | 2 => cos_near(z),
        _ => sin_near(z),
    };
    if (x < 0.0) != (octant > 3) { -y } else { y }
}

pub fn cos(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let (octant, z) = reduce(x.abs());
    let quarter = octant & 3;
    let y = match quarter {
        1 | 2 => sin_near(z),
        _ => cos_near(z),
    };
    if (octant > 3) != (quarter > 1) { -y } else { y }
}

pub fn tan(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return f64::NAN;
    }
    let (octant, z) = reduce(x.abs());
    let zz = z * z;
    let mut y = z;
    if zz > 1e-14 {
        y = z + z * (zz * polynomial(&TAN_P, zz) / polynomial(&TAN_Q, zz));
    }
    if octant & 2 == 2 {
        y = -1.0 / y;
    }
    if x < 0.0 { -y } else { y }
}

/// A fraction of at least a half and below one, and the power of two that it is to be multiplied by.
fn split(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    // Numbers too small for a leading one are made larger first.
    let (x, shifted) = match x.abs() < f64::MIN_POSITIVE {
        true => (x * (1u64 << 52) as f64, 52),
        false => (x, 0),
    };
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1022 - shifted;
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent)
}

/// `fraction` times two to the power of `exponent`.
fn scale(fraction: f64, exponent: i32) -> f64 {
    // In two steps, as a power may be out of range where the product isn't.
    let (fraction, more) = split(fraction);
    let exponent = exponent.saturating_add(more);
    if exponent > 1024 {
        return fraction * f64::INFINITY;
    }
    if exponent < -1100 {
        return fraction * 0.0;
    }
    let half = exponent / 2;
    fraction * 2f64.powi(half) * 2f64.powi(exponent - half)
}

/// The natural logarithm.
pub fn ln(x: f64) -> f64 {
    const L: [f64; 7] = [
        6.666_666_666_666_735e-1,
        3.999_999_999_940_942e-1,
        2.857_142_874_366_239e-1,
        2.222_219_843_214_978_4e-1,
        1.818_357_216_161_805e-1,
        1.531_383_769_920_937_3e-1,
        1.479_819_860_511_658_6e-1,
    ];
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    let (mut fraction, mut exponent) = split(x);
    if fraction < std::f64::consts::SQRT_2 / 2.0 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let f = fraction - 1.0;
    let k = f64::from(exponent);
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let odd = s2 * (L[0] + s4 * (L[2] + s4 * (L[4] + s4 * L[6])));
    let even = s4 * (L[1] + s4 * (L[3] + s4 * L[5]));
    let half_square = 0.5 * f * f;
    k * LN_2_HIGH - ((half_square - (s * (half_square + (odd + even)) + k * LN_2_LOW)) - f)
}

/// The logarithm to base 10.
pub fn log10(x: f64) -> f64 {
    ln(x) * LOG10_E
}

/// `x` to the power of `y`.
pub fn pow(x: f64, y: f64) -> f64 {
    // Where no rounding is involved, or the result is special, all libraries agree.
    if y == 0.0 || x == 1.0 || x == 0.0 || !x.is_finite() || !y.is_finite() {
        return x.powf(y);
    }
    if y == 0.5 {
        return x.sqrt();
    }
    if y == -0.5 {
        return 1.0 / x.sqrt();
    }
    let mut whole = y.abs().trunc();
    let mut rest = y.abs() - whole;
    if rest != 0.0 && x < 0.0 {
        return f64::NAN;
    }
    if whole >= 9.223_372_036_854_776e18 {
        return x.powf(y);
    }
    let mut fraction = 1.0;
    let mut exponent = 0i32;
    if rest != 0.0 {
        if rest > 0.5 {
            rest -= 1.0;
            whole += 1.0;
        }
        fraction = (rest * ln(x)).exp();
    }
    let (mut square, mut square_exponent) = split(x);
    let mut bits = whole as i64;
    while bits != 0 {
        if square_exponent.abs() > 1 << 12 {
            exponent += square_exponent;
            break;
        }
        if bits & 1 == 1 {
            fraction *= square;
            exponent += square_exponent;
        }
        square *= square;
        square_exponent *= 2;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        bits >>= 1;
    }
    if y < 0.0 {
        fraction = 1.0 / fraction;
        exponent = -exponent;
    }
    scale(fraction, exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_measured_as_in_go() {
        assert_eq!(tan(5.0), -3.380_515_006_246_585_4);
        assert_eq!(tan(9_007_199_254_740_993.0), 1.606_257_400_215_561_6);
        assert_eq!(tan(1e21), -0.895_523_292_554_265_5);
        assert_eq!(cos(5.0), 0.283_662_185_463_226_3);
        assert_eq!(cos(1e21), 0.744_950_111_983_133_9);
        assert_eq!(sin(0.0), 0.0);
        for x in [0.1, 1.0, -2.5, 70_000.0, 1e10, 1e300] {
            assert!((sin(x) - x.sin()).abs() < 1e-15, "{x}");
            assert!((cos(x) - x.cos()).abs() < 1e-15, "{x}");
        }
    }

    #[test]
    fn logarithms_and_powers() {
        for x in [0.1, 1.0, 2.5, 1e300, 5e-324] {
            assert!((ln(x) - x.ln()).abs() <= x.ln().abs() * 1e-15, "{x}");
        }
        assert_eq!(log10(1000.0), 3.0);
        assert_eq!(log10(100.0), 2.0);
        assert_eq!(log10(9.223_372_036_854_776e18), 18.964_889_726_830_812);
        assert!(ln(-1.0).is_nan());
        assert_eq!(pow(2.0, 10.0), 1024.0);
        assert_eq!(pow(2.0, -1.0), 0.5);
        assert_eq!(pow(1e21, 2.0), 1e42);
        assert_eq!(pow(10.0, 400.0), f64::INFINITY);
        assert_eq!(pow(10.0, -400.0), 0.0);
        assert!(pow(-1.0, 0.5).is_nan());
        assert!((pow(2.0, 0.3) - 2f64.powf(0.3)).abs() < 1e-15);
    }
}
