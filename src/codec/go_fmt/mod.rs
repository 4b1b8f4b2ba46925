//! Go's `fmt` for values: `%v` and the other verbs, with their flags, widths and precisions.

mod verbs;

use crate::formats::{go_num, go_quote, go_time::Layout};
use crate::value::Value;

/// The longest width or precision, and the longest result.
const MAX_WIDTH: usize = 1_000_000;
const MAX_RESULT: usize = 16 << 20;

/// The value as `%v` shows it.
pub fn show(value: &Value) -> String {
    let mut out = Vec::new();
    write_value(value, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"<nil>"),
        Value::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Value::Int(n) => out.extend_from_slice(n.to_string().as_bytes()),
        Value::Uint(n) => out.extend_from_slice(n.to_string().as_bytes()),
        Value::Float(n) => out.extend_from_slice(go_num::float_g(*n).as_bytes()),
        Value::Number(n) => out.extend_from_slice(n.as_str().as_bytes()),
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::IllFormed(bytes) => out.extend_from_slice(bytes),
        Value::Bytes(bytes) => {
            let bytes: Vec<String> = bytes.iter().map(u8::to_string).collect();
            out.extend_from_slice(format!("[{}]", bytes.join(" ")).as_bytes());
        }
        Value::Timestamp(time) => {
            out.extend_from_slice(
                time.format(&Layout::new("2006-01-02 15:04:05.999999999 -0700 MST"))
                    .as_bytes(),
            );
        }
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b' ');
                }
                write_value(&item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.extend_from_slice(b"map[");
            for (i, (key, field)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(b' ');
                }
                out.extend_from_slice(key.as_bytes());
                out.push(b':');
                write_value(&field, out);
            }
            out.push(b']');
        }
    }
}

/// The name of the value's type as `%T` shows it.
pub fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Uint(_) => "uint64",
        Value::Float(_) => "float64",
        Value::Number(_) => "json.Number",
        Value::String(_) | Value::IllFormed(_) => "string",
        Value::Bytes(_) => "[]uint8",
        Value::Timestamp(_) => "time.Time",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// The flags, width and precision of a verb.
#[derive(Clone, Copy, Default)]
struct Spec {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// The template with its verbs replaced by the arguments in turn.
pub fn sprintf(template: &str, args: &[Value]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(template.len() + 16 * args.len());
    let mut state = State {
        args,
        next: 0,
        reordered: false,
    };
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = state.verb(&rest[at + 1..], &mut out);
        if out.len() > MAX_RESULT {
            return Err(format!(
                "the result would be longer than {MAX_RESULT} bytes"
            ));
        }
    }
    out.extend_from_slice(rest.as_bytes());
    if !state.reordered && state.next < args.len() {
        out.extend_from_slice(b"%!(EXTRA ");
        for (i, arg) in args[state.next..].iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(b", ");
            }
            out.extend_from_slice(type_of(arg).as_bytes());
            if !matches!(arg, Value::Null) {
                out.push(b'=');
                write_value(arg, &mut out);
            }
        }
        out.push(b')');
    }
    Ok(out)
}

struct State<'a> {
    args: &'a [Value],
    next: usize,
    reordered: bool,
}

impl<'a> State<'a> {
    /// Reads one verb after its `%`, writes what it stands for, and returns the rest.
    fn verb<'t>(&mut self, text: &'t str, out: &mut Vec<u8>) -> &'t str {
        let mut spec = Spec::default();
        let mut rest = text;
        loop {
            match rest.as_bytes().first() {
                Some(b'+') => spec.plus = true,
                Some(b'-') => spec.minus = true,
                Some(b'#') => spec.sharp = true,
                Some(b' ') => spec.space = true,
                Some(b'0') => spec.zero = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        let mut index = Index::None;
        rest = self.index(rest, &mut index);
        if let Some(after) = rest.strip_prefix('*') {
            rest = after;
            match self.star() {
                Some(width) => {
                    spec.minus |= width < 0;
                    spec.width = Some(width.unsigned_abs() as usize);
                }
                None => out.extend_from_slice(b"%!(BADWIDTH)"),
            }
            index = Index::None;
        } else {
            let before = rest;
            (spec.width, rest) = number(rest);
            if matches!(index, Index::Read) && rest.len() != before.len() {
                index = Index::Bad;
            }
        }
        if spec.minus {
            spec.zero = false;
        }
        if let Some(after) = rest.strip_prefix('.') {
            if matches!(index, Index::Read) {
                index = Index::Bad;
            }
            rest = self.index(after, &mut index);
            if let Some(after) = rest.strip_prefix('*') {
                rest = after;
                match self.star() {
                    Some(precision) => spec.precision = usize::try_from(precision).ok(),
                    None => out.extend_from_slice(b"%!(BADPREC)"),
                }
                index = Index::None;
            } else {
                let (precision, after) = number(rest);
                spec.precision = Some(precision.unwrap_or(0));
                rest = after;
            }
        }
        if matches!(index, Index::None) {
            rest = self.index(rest, &mut index);
        }
        let Some(verb) = rest.chars().next() else {
            out.extend_from_slice(b"%!(NOVERB)");
            return rest;
        };
        rest = &rest[verb.len_utf8()..];
        if verb == '%' {
            out.push(b'%');
        } else if matches!(index, Index::Bad) {
            out.extend_from_slice(format!("%!{verb}(BADINDEX)").as_bytes());
        } else if let Some(arg) = self.args.get(self.next) {
            self.next += 1;
            spec.write(verb, arg, out);
        } else {
            out.extend_from_slice(format!("%!{verb}(MISSING)").as_bytes());
        }
        rest
    }

    /// Reads an explicit index, as in `[1]`, and goes to that argument.
    fn index<'t>(&mut self, text: &'t str, index: &mut Index) -> &'t str {
        let Some(inner) = text.strip_prefix('[') else {
            return text;
        };
        self.reordered = true;
        let Some(end) = inner.find(']') else {
            *index = Index::Bad;
            return inner;
        };
        match inner[..end].parse::<usize>() {
            Ok(n) if (1..=self.args.len()).contains(&n) => {
                self.next = n - 1;
                *index = Index::Read;
            }
            _ => *index = Index::Bad,
        }
        &inner[end + 1..]
    }

    /// The next argument as a width or precision.
    fn star(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        match arg {
            Value::Int(n) if n.unsigned_abs() <= MAX_WIDTH as u64 => Some(*n),
            Value::Uint(n) if *n <= MAX_WIDTH as u64 => Some(*n as i64),
            _ => None,
        }
    }
}

enum Index {
    None,
    Read,
    Bad,
}

fn number(text: &str) -> (Option<usize>, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number = text[..end].parse().ok().filter(|n| *n <= MAX_WIDTH);
    (number, &text[end..])
}

/// So many significant digits, without zeros at the end, with an exponent where that is shorter.
fn significant(n: f64, precision: usize) -> String {
    let digits = format!("{:.*e}", precision - 1, n);
    let Some((mantissa, exponent)) = digits.split_once('e') else {
        return digits;
    };
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => mantissa,
    };
    let limit = i32::try_from(precision).unwrap_or(i32::MAX);
    go_num::general(&format!("{mantissa}e{exponent}"), limit)
}

/// The value as Go source would have it.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::String(text) => go_quote::quote(text),
        Value::IllFormed(bytes) => go_quote::quote_bytes(bytes),
        Value::Number(n) => go_quote::quote(n.as_str()),
        Value::Bytes(bytes) => {
            let bytes: Vec<String> = bytes.iter().map(|b| format!("0x{b:x}")).collect();
            format!("[]byte{{{}}}", bytes.join(", "))
        }
        Value::Uint(n) => format!("0x{n:x}"),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|v| go_syntax(&v)).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(k, v)| format!("{}:{}", go_quote::quote(&k), go_syntax(&v)))
                .collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
        Value::Null => "interface {}(nil)".into(),
        other => show(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn json(text: &str) -> Value {
        crate::value::parse(&Bytes::copy_from_slice(text.as_bytes())).expect("a JSON document")
    }

    #[test]
    fn verbs_write_arguments() {
        let text = |template: &str, args: &[Value]| {
            String::from_utf8(sprintf(template, args).expect("short")).expect("UTF-8")
        };
        let int = Value::Int;
        for (template, args, wanted) in [
            ("%v-%v", vec!["a".into(), int(5)], "a-5"),
            (
                "%d|%5d|%-5d|%05d|%+d|%x|%#x|%b|%c|%q|%U",
                vec![
                    int(5),
                    int(5),
                    int(5),
                    int(-5),
                    int(5),
                    int(255),
                    int(255),
                    int(5),
                    int(65),
                    int(65),
                    int(65),
                ],
                "5|    5|5    |-0005|+5|ff|0xff|101|A|'A'|U+0041",
            ),
            (
                "%f|%.2f|%8.3f|%e|%g|%G",
                vec![
                    1.5.into(),
                    1.555.into(),
                    (-1.5).into(),
                    1234.5.into(),
                    1e21.into(),
                    1e-7.into(),
                ],
                "1.500000|1.55|  -1.500|1.234500e+03|1e+21|1E-07",
            ),
            (
                "%s|%10s|%-4s|%.2s|%q|%x",
                vec![
                    "é".into(),
                    "é".into(),
                    "a".into(),
                    "éab".into(),
                    "a\"b".into(),
                    "hi".into(),
                ],
                "é|         é|a   |éa|\"a\\\"b\"|6869",
            ),
            (
                "%t %v %T",
                vec![true.into(), Value::Null, json("1")],
                "true <nil> json.Number",
            ),
            (
                "%d %s",
                vec!["x".into(), int(5)],
                "%!d(string=x) %!s(int64=5)",
            ),
            (
                "%v",
                vec![json(r#"{"b":[1,"a",null],"a":{}}"#)],
                "map[a:map[] b:[1 a <nil>]]",
            ),
            ("%v", vec![], "%!v(MISSING)"),
            (
                "a",
                vec![int(1), "b".into()],
                "a%!(EXTRA int64=1, string=b)",
            ),
            ("%[2]v %[1]v %%", vec![int(1), int(2)], "2 1 %"),
            (
                "%+v %+d %+s %+q %+t",
                vec![int(5), int(5), "é".into(), "é".into(), int(5)],
                "5 +5 é \"\\u00e9\" %!t(int64=+5)",
            ),
            (
                "%s %d %#v",
                vec![json("[null]"), json(r#"{"a":null}"#), Value::Null],
                "[<nil>] map[%!d(string=a):<nil>] <nil>",
            ),
            (
                "%e %U",
                vec![Bytes::from_static(b"a").into(), int(-5)],
                "[%!e(uint8=97)] U+FFFFFFFFFFFFFFFB",
            ),
            ("%[3]v %!", vec![int(1)], "%!v(BADINDEX) %!!(int64=1)"),
            ("%*d|%", vec![int(4), int(7)], "   7|%!(NOVERB)"),
            (
                "%#v %q",
                vec![json(r#"["a"]"#), json("[\"b\"]")],
                "[]interface {}{\"a\"} [\"b\"]",
            ),
            (
                "%6.2f%%|%06d|% d",
                vec![99.5.into(), int(-12), int(3)],
                " 99.50%|-00012| 3",
            ),
        ] {
            assert_eq!(text(template, &args), wanted, "{template}");
        }
    }

    #[test]
    fn results_have_a_limit() {
        let many = "%1000000v".repeat(20);
        let args: Vec<Value> = (0..20).map(Value::Int).collect();
        assert!(sprintf(&many, &args).is_err());
    }
}
