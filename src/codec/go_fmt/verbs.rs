//! How each verb writes a value.

use super::*;

impl Spec {
    pub(super) fn write(self, verb: char, arg: &Value, out: &mut Vec<u8>) {
        match verb {
            'T' => return self.pad(type_of(arg).as_bytes(), out),
            // Null is no Go value, which has no syntax either.
            'v' if self.sharp && !matches!(arg, Value::Null) => {
                return self.pad(go_syntax(arg).as_bytes(), out);
            }
            // With this verb, the sign asks for the names of fields, which no value here has.
            'v' if self.plus => {
                let plain = Spec {
                    plus: false,
                    ..self
                };
                return plain.write_as(verb, arg, out);
            }
            _ => {}
        }
        self.write_as(verb, arg, out);
    }

    fn write_as(self, verb: char, arg: &Value, out: &mut Vec<u8>) {
        let done = match arg {
            Value::Null if verb == 'v' => {
                self.pad(b"<nil>", out);
                true
            }
            Value::Bool(b) if matches!(verb, 't' | 'v') => {
                self.pad(b.to_string().as_bytes(), out);
                true
            }
            Value::Int(n) => self.integer(verb, *n < 0, n.unsigned_abs(), out),
            Value::Uint(n) => self.integer(verb, false, *n, out),
            Value::Float(n) => self.float(verb, *n, out),
            Value::Number(n) => self.text(verb, n.as_str().as_bytes(), out),
            Value::String(text) => self.text(verb, text.as_bytes(), out),
            Value::IllFormed(bytes) => self.text(verb, bytes, out),
            Value::Bytes(bytes) => match verb {
                verb if !matches!(verb, 's' | 'q' | 'x' | 'X') => {
                    self.bytes(verb, bytes, out);
                    true
                }
                verb => self.text(verb, bytes, out),
            },
            Value::Timestamp(_) if matches!(verb, 'v' | 's') => {
                self.pad(show(arg).as_bytes(), out);
                true
            }
            Value::Array(items) => {
                self.list(verb, items.iter(), out);
                true
            }
            Value::Object(fields) => {
                out.extend_from_slice(b"map[");
                for (i, (key, field)) in fields.iter().enumerate() {
                    if i > 0 {
                        out.push(b' ');
                    }
                    self.write(verb, &Value::String(key), out);
                    out.push(b':');
                    self.write_within(verb, &field, out);
                }
                out.push(b']');
                true
            }
            _ => false,
        };
        if !done {
            out.extend_from_slice(format!("%!{verb}({}", type_of(arg)).as_bytes());
            if !matches!(arg, Value::Null) {
                out.push(b'=');
                // The flags still hold for what is shown.
                let mut shown = self;
                shown.sharp = false;
                shown.write_as('v', arg, out);
            }
            out.push(b')');
        }
    }

    /// Bytes as the list of numbers that they are to most verbs.
    fn bytes(self, verb: char, bytes: &[u8], out: &mut Vec<u8>) {
        out.push(b'[');
        for (i, byte) in bytes.iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            if !self.integer(verb, false, u64::from(*byte), out) {
                out.extend_from_slice(format!("%!{verb}(uint8=").as_bytes());
                self.integer('v', false, u64::from(*byte), out);
                out.push(b')');
            }
        }
        out.push(b']');
    }

    fn list(self, verb: char, items: impl Iterator<Item = Value>, out: &mut Vec<u8>) {
        out.push(b'[');
        for (i, item) in items.enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            self.write_within(verb, &item, out);
        }
        out.push(b']');
    }

    /// A part of a list or map, where null looks the same whatever the verb.
    fn write_within(self, verb: char, part: &Value, out: &mut Vec<u8>) {
        match part {
            Value::Null => out.extend_from_slice(b"<nil>"),
            part => self.write(verb, part, out),
        }
    }

    /// Text to its width, which counts characters.
    fn pad(self, text: &[u8], out: &mut Vec<u8>) {
        let len = String::from_utf8_lossy(text).chars().count();
        let missing = self.width.unwrap_or(0).saturating_sub(len);
        let fill = if self.zero { b'0' } else { b' ' };
        if self.minus {
            out.extend_from_slice(text);
            out.extend(std::iter::repeat_n(b' ', missing));
        } else {
            out.extend(std::iter::repeat_n(fill, missing));
            out.extend_from_slice(text);
        }
    }

    fn text(self, verb: char, text: &[u8], out: &mut Vec<u8>) -> bool {
        let truncated = |text: &[u8]| -> Vec<u8> {
            match self.precision {
                Some(precision) => String::from_utf8_lossy(text)
                    .chars()
                    .take(precision)
                    .collect::<String>()
                    .into_bytes(),
                None => text.to_vec(),
            }
        };
        match verb {
            'v' | 's' => self.pad(&truncated(text), out),
            'q' => {
                let text = truncated(text);
                let can_be_raw =
                    !text.contains(&b'`') && text.iter().all(|b| *b >= b' ' || *b == b'\t');
                let quoted = match self.sharp && can_be_raw {
                    true => format!("`{}`", String::from_utf8_lossy(&text)),
                    false if self.plus => ascii(&go_quote::quote_bytes(&text)),
                    false => go_quote::quote_bytes(&text),
                };
                self.pad(quoted.as_bytes(), out);
            }
            'x' | 'X' => {
                let text = &text[..self.precision.unwrap_or(text.len()).min(text.len())];
                let prefix = match (self.sharp, verb) {
                    (true, 'x') => "0x",
                    (true, _) => "0X",
                    _ => "",
                };
                let mut hex = String::from(prefix);
                for (i, byte) in text.iter().enumerate() {
                    if self.space && i > 0 {
                        hex.push(' ');
                        hex.push_str(prefix);
                    }
                    hex.push_str(&match verb {
                        'x' => format!("{byte:02x}"),
                        _ => format!("{byte:02X}"),
                    });
                }
                self.pad(hex.as_bytes(), out);
            }
            _ => return false,
        }
        true
    }

    fn integer(self, verb: char, negative: bool, n: u64, out: &mut Vec<u8>) -> bool {
        let (digits, prefix) = match verb {
            'd' | 'v' => (n.to_string(), ""),
            'b' => (format!("{n:b}"), if self.sharp { "0b" } else { "" }),
            'o' => (format!("{n:o}"), if self.sharp { "0" } else { "" }),
            'O' => (format!("{n:o}"), "0o"),
            'x' => (format!("{n:x}"), if self.sharp { "0x" } else { "" }),
            'X' => (format!("{n:X}"), if self.sharp { "0X" } else { "" }),
            'c' | 'q' | 'U' => return self.character(verb, negative, n, out),
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' => return false,
            _ => return false,
        };
        let sign = match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let mut digits = digits;
        let wanted = match (self.precision, self.zero, self.width) {
            (Some(0), ..) if n == 0 => {
                digits.clear();
                0
            }
            (Some(precision), ..) => precision,
            (None, true, Some(width)) => width.saturating_sub(sign.len()),
            _ => 0,
        };
        let zeros = "0".repeat(wanted.saturating_sub(digits.len()));
        let mut spec = self;
        spec.zero = false;
        spec.pad(format!("{sign}{prefix}{zeros}{digits}").as_bytes(), out);
        true
    }

    fn character(self, verb: char, negative: bool, n: u64, out: &mut Vec<u8>) -> bool {
        let found = (!negative)
            .then(|| u32::try_from(n).ok().and_then(char::from_u32))
            .flatten();
        let c = found.unwrap_or(char::REPLACEMENT_CHARACTER);
        let text = match verb {
            'c' => c.to_string(),
            'q' => go_quote::quote_char(c),
            _ => {
                let code = match negative {
                    true => format!("U+{:X}", n.wrapping_neg()),
                    false => format!("U+{n:04X}"),
                };
                match (self.sharp, found) {
                    (true, Some(c)) if go_quote::is_printable(c) => format!("{code} '{c}'"),
                    _ => code,
                }
            }
        };
        self.pad(text.as_bytes(), out);
        true
    }

    fn float(self, verb: char, n: f64, out: &mut Vec<u8>) -> bool {
        let precision = self.precision;
        let mut text = match verb {
            'v' | 'g' | 'G' => match precision {
                None => go_num::float_g(n),
                Some(precision) => significant(n, precision.max(1)),
            },
            'f' | 'F' => format!("{:.*}", precision.unwrap_or(6), n),
            'e' | 'E' => {
                let digits = format!("{:.*e}", precision.unwrap_or(6), n);
                match digits.split_once('e') {
                    Some((mantissa, exponent)) => {
                        go_num::scientific(mantissa, exponent.parse().unwrap_or(0), 'e')
                    }
                    None => digits,
                }
            }
            'b' => go_num::float_bits(n),
            'x' | 'X' => go_num::float_hex(n, precision),
            _ => return false,
        };
        if n.is_nan() {
            text = "NaN".into();
        } else if n.is_infinite() {
            text = if n > 0.0 { "+Inf" } else { "-Inf" }.into();
        }
        if verb.is_ascii_uppercase() && n.is_finite() {
            text = text.to_uppercase();
        }
        let (mut sign, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) if text.starts_with('-') => ("-", digits),
            Some(digits) => ("", digits),
            None => ("", text.as_str()),
        };
        if sign.is_empty() {
            sign = match (self.plus, self.space, n.is_infinite()) {
                (true, ..) | (_, false, true) => "+",
                (_, true, _) => " ",
                _ => "",
            };
        }
        let mut spec = self;
        spec.zero = false;
        let zeros = match (self.zero && n.is_finite(), self.width) {
            (true, Some(width)) => "0".repeat(width.saturating_sub(sign.len() + digits.len())),
            _ => String::new(),
        };
        spec.pad(format!("{sign}{zeros}{digits}").as_bytes(), out);
        true
    }
}

/// Characters beyond ASCII as the escapes of a Go string.
fn ascii(quoted: &str) -> String {
    let mut out = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        match u32::from(c) {
            0..0x80 => out.push(c),
            n @ 0x80..0x1_0000 => out.push_str(&format!("\\u{n:04x}")),
            n => out.push_str(&format!("\\U{n:08x}")),
        }
    }
    out
}
