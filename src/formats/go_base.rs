//! Bytes as text: base64, hexadecimal, ASCII85 and Z85, decoded with the tolerance and the errors of Go's libraries.

use super::go_quote;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

/// A way of writing bytes as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Base64,
    Base64Url,
    /// As `Base64Url`, without padding.
    Base64RawUrl,
    Hex,
    Ascii85,
    Z85,
}

const Z85: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

impl Scheme {
    /// The scheme of this name.
    pub fn from_name(name: &str) -> Option<Scheme> {
        Some(match name {
            "base64" => Scheme::Base64,
            "base64url" => Scheme::Base64Url,
            "base64rawurl" => Scheme::Base64RawUrl,
            "hex" => Scheme::Hex,
            "ascii85" => Scheme::Ascii85,
            "z85" => Scheme::Z85,
            _ => return None,
        })
    }

    pub fn encode(self, bytes: &[u8]) -> Result<String, String> {
        Ok(match self {
            Scheme::Base64 => STANDARD.encode(bytes),
            Scheme::Base64Url => URL_SAFE.encode(bytes),
            Scheme::Base64RawUrl => URL_SAFE_NO_PAD.encode(bytes),
            Scheme::Hex => encode_hex(bytes),
            Scheme::Ascii85 => encode_ascii85(bytes),
            Scheme::Z85 => encode_z85(bytes)?,
        })
    }

    pub fn decode(self, text: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            // Text without faults takes the fast way; the other one finds and tells them.
            Scheme::Base64 => STANDARD
                .decode(text)
                .or_else(|_| decode_base64(text, false, true)),
            Scheme::Base64Url => URL_SAFE
                .decode(text)
                .or_else(|_| decode_base64(text, true, true)),
            Scheme::Base64RawUrl => URL_SAFE_NO_PAD
                .decode(text)
                .or_else(|_| decode_base64(text, true, false)),
            Scheme::Hex => decode_hex(text),
            Scheme::Ascii85 => decode_ascii85(text),
            Scheme::Z85 => decode_z85(text),
        }
    }
}

/// Bytes as two lowercase digits each.
pub fn encode_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)] as char);
        out.push(DIGITS[usize::from(byte & 15)] as char);
    }
    out
}

/// The bytes that pairs of digits of either case stand for.
pub fn decode_hex(text: &[u8]) -> Result<Vec<u8>, String> {
    let digit = |byte: u8| {
        (byte as char).to_digit(16).map(|d| d as u8).ok_or_else(|| {
            let c = byte as char;
            let shown = match go_quote::is_printable(c) {
                true => format!("U+{:04X} '{c}'", byte),
                false => format!("U+{byte:04X}"),
            };
            format!("encoding/hex: invalid byte: {shown}")
        })
    };
    let mut out = Vec::with_capacity(text.len() / 2);
    let pairs = text.chunks_exact(2);
    let rest = pairs.remainder();
    for pair in pairs {
        out.push(digit(pair[0])? << 4 | digit(pair[1])?);
    }
    match rest.first() {
        None => Ok(out),
        Some(&last) => {
            digit(last)?;
            Err("unexpected EOF".into())
        }
    }
}

fn decode_base64(text: &[u8], url: bool, padded: bool) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| Err(format!("illegal base64 data at input byte {at}"));
    let value = |byte: u8| -> Option<u32> {
        Some(u32::from(match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' if url => 62,
            b'_' if url => 63,
            b'+' if !url => 62,
            b'/' if !url => 63,
            _ => return None,
        }))
    };
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|b| !matches!(b, b'\r' | b'\n'))
        .collect();
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let quads = text.chunks_exact(4);
    let rest = quads.remainder();
    let whole = text.len() - rest.len();
    for (i, quad) in quads.enumerate() {
        let at = i * 4;
        let mut bits = 0;
        for (j, &byte) in quad.iter().enumerate() {
            match value(byte) {
                Some(v) => bits = bits << 6 | v,
                None if byte == b'=' && padded => {
                    if j < 2 {
                        return corrupt(at + j);
                    }
                    if j == 2 && quad[3] != b'=' {
                        return corrupt(at + j);
                    }
                    let bytes = (bits << (6 * (4 - j))).to_be_bytes();
                    out.extend_from_slice(&bytes[1..j]);
                    return match (at + 4 < whole, rest.is_empty()) {
                        (true, _) => corrupt(at + 4),
                        (false, false) => Err("unexpected EOF".into()),
                        (false, true) => Ok(out),
                    };
                }
                None => return corrupt(at + j),
            }
        }
        out.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
    match rest.len() {
        0 => return Ok(out),
        _ if padded => return Err("unexpected EOF".into()),
        _ => {}
    }
    // Go counts from the start of this last piece.
    let mut bits = 0;
    for (j, &byte) in rest.iter().enumerate() {
        match value(byte) {
            Some(v) => bits = bits << 6 | v,
            None => return corrupt(j),
        }
    }
    if rest.len() == 1 {
        return corrupt(0);
    }
    let bytes: [u8; 4] = (bits << (6 * (4 - rest.len()))).to_be_bytes();
    out.extend_from_slice(&bytes[1..rest.len()]);
    Ok(out)
}

fn encode_ascii85(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() / 4 * 5 + 5);
    for group in bytes.chunks(4) {
        let mut padded = [0; 4];
        padded[..group.len()].copy_from_slice(group);
        let mut number = u32::from_be_bytes(padded);
        if number == 0 && group.len() == 4 {
            out.push('z');
            continue;
        }
        let mut digits = [0; 5];
        for digit in digits.iter_mut().rev() {
            *digit = (number % 85) as u8 + b'!';
            number /= 85;
        }
        out.extend(digits[..=group.len()].iter().map(|&d| d as char));
    }
    out
}

fn decode_ascii85(text: &[u8]) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| Err(format!("illegal ascii85 data at input byte {at}"));
    let mut out = Vec::with_capacity(text.len() / 5 * 4);
    let mut number = 0u32;
    let mut count = 0;
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            0..=b' ' => continue,
            b'z' if count == 0 => {
                out.extend_from_slice(&[0; 4]);
                continue;
            }
            b'!'..=b'u' => {
                number = number.wrapping_mul(85).wrapping_add(u32::from(byte - b'!'));
                count += 1;
            }
            _ => return corrupt(at),
        }
        if count == 5 {
            out.extend_from_slice(&number.to_be_bytes());
            (number, count) = (0, 0);
        }
    }
    match count {
        0 => Ok(out),
        1 => corrupt(1),
        _ => {
            for _ in count..5 {
                number = number.wrapping_mul(85).wrapping_add(84);
            }
            out.extend_from_slice(&number.to_be_bytes()[..count - 1]);
            Ok(out)
        }
    }
}

fn encode_z85(bytes: &[u8]) -> Result<String, String> {
    if !bytes.len().is_multiple_of(4) {
        return Err("z85: wrongly aligned input data".into());
    }
    let mut out = String::with_capacity(bytes.len() / 4 * 5);
    for group in bytes.chunks_exact(4) {
        let mut number = u32::from_be_bytes([group[0], group[1], group[2], group[3]]);
        let mut digits = [0; 5];
        for digit in digits.iter_mut().rev() {
            *digit = Z85[(number % 85) as usize];
            number /= 85;
        }
        out.extend(digits.iter().map(|&d| d as char));
    }
    Ok(out)
}

fn decode_z85(text: &[u8]) -> Result<Vec<u8>, String> {
    if !text.len().is_multiple_of(5) {
        return Err("z85: wrongly aligned input data".into());
    }
    let mut out = Vec::with_capacity(text.len() / 5 * 4);
    for group in text.chunks_exact(5) {
        let mut number = 0u32;
        for &byte in group {
            let Some(digit) = Z85.iter().position(|&d| d == byte) else {
                let c = byte as char;
                let shown = match go_quote::is_printable(c) {
                    true => format!("U+{byte:04X} '{c}'"),
                    false => format!("U+{byte:04X}"),
                };
                return Err(format!("z85: invalid input byte: {shown}"));
            };
            number = number.wrapping_mul(85).wrapping_add(digit as u32);
        }
        out.extend_from_slice(&number.to_be_bytes());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_there_and_back() {
        let all: Vec<u8> = (0..=255).collect();
        for name in [
            "base64",
            "base64url",
            "base64rawurl",
            "hex",
            "ascii85",
            "z85",
        ] {
            let scheme = Scheme::from_name(name).expect("a scheme");
            for len in [0, 4, 64, 256] {
                let text = scheme.encode(&all[..len]).expect("aligned");
                assert_eq!(
                    scheme.decode(text.as_bytes()).as_deref(),
                    Ok(&all[..len]),
                    "{name}"
                );
            }
        }
        for len in 0..7 {
            let text = encode_ascii85(&all[..len]);
            assert_eq!(decode_ascii85(text.as_bytes()).as_deref(), Ok(&all[..len]));
        }
        assert_eq!(encode_ascii85(&[0; 4]), "z");
        assert_eq!(
            Scheme::Base64.decode(b"aGVs\nbG8=").as_deref(),
            Ok(&b"hello"[..])
        );
    }

    #[test]
    fn faults_are_told_as_go_tells_them() {
        for (scheme, text, why) in [
            (
                Scheme::Base64,
                "Hello World",
                "illegal base64 data at input byte 5",
            ),
            (Scheme::Base64, "12", "unexpected EOF"),
            (
                Scheme::Base64,
                "a===",
                "illegal base64 data at input byte 1",
            ),
            (
                Scheme::Base64,
                "YQ==YQ==",
                "illegal base64 data at input byte 4",
            ),
            (
                Scheme::Base64Url,
                "/a/b",
                "illegal base64 data at input byte 0",
            ),
            (
                Scheme::Base64RawUrl,
                "YQYQY",
                "illegal base64 data at input byte 0",
            ),
            (Scheme::Hex, "6g", "encoding/hex: invalid byte: U+0067 'g'"),
            (Scheme::Hex, "616", "unexpected EOF"),
            (
                Scheme::Ascii85,
                "0x1F",
                "illegal ascii85 data at input byte 1",
            ),
            (Scheme::Z85, "1234", "z85: wrongly aligned input data"),
            (Scheme::Z85, "a,b,c", "z85: invalid input byte: U+002C ','"),
        ] {
            assert_eq!(scheme.decode(text.as_bytes()), Err(why.into()), "{text}");
        }
    }
}
