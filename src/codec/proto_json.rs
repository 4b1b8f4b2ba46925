//! What is wrong with the JSON of a Protocol Buffers message, in the words that configs may match on.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use std::collections::HashSet;

/// How deep messages may be nested.
const MAX_DEPTH: usize = 200;

/// The first fault of `json` as a message of a type; none if there is none that can be told.
pub fn fault(descriptor: &MessageDescriptor, json: &[u8], discard_unknown: bool) -> Option<String> {
    let mut reader = Reader {
        json,
        at: 0,
        discard_unknown,
        depth: 0,
    };
    reader.whole(descriptor).err()
}

type Outcome<T = ()> = Result<T, String>;

struct Reader<'j> {
    json: &'j [u8],
    at: usize,
    discard_unknown: bool,
    depth: usize,
}

/// A piece of JSON text.
#[derive(Clone, Copy)]
struct Token<'j> {
    at: usize,
    raw: &'j [u8],
    kind: Piece,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Null,
    Bool,
    Number,
    Text,
    /// Brackets, braces, commas and colons.
    Sign(u8),
    End,
}

impl<'j> Reader<'j> {
    /// `(line 1:5): why` for a byte's place.
    fn wrong<T>(&self, at: usize, why: impl std::fmt::Display) -> Outcome<T> {
        Err(format!("{}: {why}", self.place(at)))
    }

    fn place(&self, at: usize) -> String {
        let before = &self.json[..at];
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        let start = memchr::memrchr(b'\n', before).map_or(0, |n| n + 1);
        let column = 1 + String::from_utf8_lossy(&before[start..]).chars().count();
        format!("(line {line}:{column})")
    }

    fn syntax<T>(&self, at: usize, why: impl std::fmt::Display) -> Outcome<T> {
        Err(format!("syntax error {}: {why}", self.place(at)))
    }

    fn unexpected<T>(&self, token: Token<'_>) -> Outcome<T> {
        match token.kind {
            Piece::End => Err("unexpected EOF".into()),
            _ => {
                let raw = String::from_utf8_lossy(token.raw);
                self.syntax(token.at, format_args!("unexpected token {raw}"))
            }
        }
    }

    fn next(&mut self) -> Outcome<Token<'j>> {
        let json: &'j [u8] = self.json;
        while matches!(json.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        let at = self.at;
        let rest = &json[at..];
        let is_letter = |b: &u8| b.is_ascii_alphanumeric() || b"-+._".contains(b);
        let word = rest.iter().take_while(|b| is_letter(b)).count();
        let (kind, length) = match rest {
            [] => (Piece::End, 0),
            [sign @ (b'{' | b'}' | b'[' | b']' | b',' | b':'), ..] => (Piece::Sign(*sign), 1),
            [b'"', ..] => (Piece::Text, self.string(at)?),
            _ => match &rest[..word] {
                b"null" => (Piece::Null, word),
                b"true" | b"false" => (Piece::Bool, word),
                number if is_number(number) => (Piece::Number, word),
                _ => {
                    let shown = &rest[..word.clamp(1, 32)];
                    let shown = String::from_utf8_lossy(shown).into_owned();
                    return self.syntax(at, format_args!("invalid value {shown}"));
                }
            },
        };
        self.at = at + length;
        let raw = &rest[..length];
        Ok(Token { at, raw, kind })
    }

    /// How long the string is that begins here.
    fn string(&self, at: usize) -> Outcome<usize> {
        let mut i = at + 1;
        loop {
            match self.json.get(i) {
                None => return Err("unexpected EOF".into()),
                Some(b'"') => return Ok(i + 1 - at),
                Some(b'\\') => i += 2,
                Some(b) if *b < 0x20 => {
                    let shown = crate::formats::go_quote::quote_char(char::from(*b));
                    return self.syntax(i, format_args!("invalid character {shown} in string"));
                }
                Some(_) => i += 1,
            }
        }
    }

    fn peek(&mut self) -> Outcome<Token<'j>> {
        let before = self.at;
        let token = self.next();
        self.at = before;
        token
    }

    fn expect(&mut self, sign: u8) -> Outcome {
        let token = self.next()?;
        match token.kind == Piece::Sign(sign) {
            true => Ok(()),
            false => self.unexpected(token),
        }
    }

    fn whole(&mut self, descriptor: &MessageDescriptor) -> Outcome {
        self.message(descriptor)?;
        let token = self.next()?;
        match token.kind {
            Piece::End => Ok(()),
            _ => self.unexpected(token),
        }
    }

    /// Goes through the members of an object or the elements of an array up to `end`; `one` reads each.
    fn members(&mut self, end: u8, mut one: impl FnMut(&mut Self) -> Outcome) -> Outcome {
        if self.peek()?.kind == Piece::Sign(end) {
            self.next()?;
            return Ok(());
        }
        loop {
            one(self)?;
            let token = self.next()?;
            match token.kind {
                Piece::Sign(b',') => {}
                Piece::Sign(sign) if sign == end => return Ok(()),
                _ => return self.unexpected(token),
            }
        }
    }

    fn message(&mut self, descriptor: &MessageDescriptor) -> Outcome {
        // The types of the library have forms of their own.
        if descriptor.full_name().starts_with("google.protobuf.") {
            return self.skip();
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("exceeded max recursion depth".into());
        }
        self.expect(b'{')?;
        let mut seen = HashSet::new();
        let mut chosen = HashSet::new();
        self.members(b'}', |reader| {
            let name = reader.next()?;
            if name.kind != Piece::Text {
                return reader.unexpected(name);
            }
            reader.expect(b':')?;
            let raw = String::from_utf8_lossy(name.raw).into_owned();
            let Some(field) = text_of(name.raw).and_then(|name| {
                let by_json = descriptor.get_field_by_json_name(&name);
                by_json.or_else(|| descriptor.get_field_by_name(&name))
            }) else {
                return match reader.discard_unknown {
                    true => reader.skip(),
                    false => reader.wrong(name.at, format_args!("unknown field {raw}")),
                };
            };
            if !seen.insert(field.number()) {
                return reader.wrong(name.at, format_args!("duplicate field {raw}"));
            }
            if reader.peek()?.kind == Piece::Null {
                reader.next()?;
                return Ok(());
            }
            if let Some(oneof) = field.containing_oneof()
                && !chosen.insert(oneof.full_name().to_owned())
            {
                let oneof = oneof.full_name();
                return reader.wrong(
                    name.at,
                    format_args!("error parsing {raw}, oneof {oneof} is already set"),
                );
            }
            reader.field(&field)
        })?;
        self.depth -= 1;
        Ok(())
    }

    fn field(&mut self, field: &FieldDescriptor) -> Outcome {
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else {
                return self.skip();
            };
            self.expect(b'{')?;
            let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
            return self.members(b'}', |reader| {
                let token = reader.next()?;
                if token.kind != Piece::Text {
                    return reader.unexpected(token);
                }
                reader.expect(b':')?;
                let text = text_of(token.raw).unwrap_or_default();
                if !is_key(&key.kind(), &text) {
                    let raw = String::from_utf8_lossy(token.raw);
                    let kind = name_of(&key.kind());
                    return reader.wrong(
                        token.at,
                        format_args!("invalid value for {kind} key: {raw}"),
                    );
                }
                reader.single(&value)
            });
        }
        if field.is_list() {
            self.expect(b'[')?;
            return self.members(b']', |reader| reader.single(field));
        }
        self.single(field)
    }

    fn single(&mut self, field: &FieldDescriptor) -> Outcome {
        if let Kind::Message(message) = field.kind() {
            return self.message(&message);
        }
        let token = self.next()?;
        if token.kind == Piece::End {
            return self.unexpected(token);
        }
        if !fits(&field.kind(), token) {
            let raw = String::from_utf8_lossy(token.raw);
            let (kind, name) = (name_of(&field.kind()), field.json_name());
            return self.wrong(
                token.at,
                format_args!("invalid value for {kind} field {name}: {raw}"),
            );
        }
        Ok(())
    }

    /// Goes past a value of any kind.
    fn skip(&mut self) -> Outcome {
        let mut open = 0usize;
        loop {
            let token = self.next()?;
            match token.kind {
                Piece::End => return Err("unexpected EOF".into()),
                Piece::Sign(b'{' | b'[') => open += 1,
                Piece::Sign(b'}' | b']') if open == 0 => return self.unexpected(token),
                Piece::Sign(b'}' | b']') => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Ok(());
            }
        }
    }
}

/// The content of a string, escapes replaced.
fn text_of(raw: &[u8]) -> Option<String> {
    serde_json::from_slice(raw).ok()
}

fn is_number(text: &[u8]) -> bool {
    serde_json::from_slice::<&serde_json::value::RawValue>(text).is_ok()
        && matches!(text.first(), Some(b'-' | b'0'..=b'9'))
}

fn is_key(kind: &Kind, text: &str) -> bool {
    match kind {
        Kind::String => true,
        Kind::Bool => matches!(text, "true" | "false"),
        kind => whole(kind, text),
    }
}

/// Whether a text is a whole number within the bounds of a type.
fn whole(kind: &Kind, text: &str) -> bool {
    let number: Option<i128> = match text.parse::<i128>() {
        Ok(n) => Some(n),
        // 1e3 and 5.0 are whole too.
        Err(_) => text
            .parse::<f64>()
            .ok()
            .filter(|n| n.fract() == 0.0 && n.abs() < 1e19)
            .map(|n| n as i128),
    };
    let within = |low: i128, high: i128| number.is_some_and(|n| (low..=high).contains(&n));
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => within(i32::MIN.into(), i32::MAX.into()),
        Kind::Uint32 | Kind::Fixed32 => within(0, u32::MAX.into()),
        Kind::Uint64 | Kind::Fixed64 => within(0, u64::MAX.into()),
        _ => within(i64::MIN.into(), i64::MAX.into()),
    }
}

fn fits(kind: &Kind, token: Token<'_>) -> bool {
    let raw = std::str::from_utf8(token.raw).unwrap_or_default();
    let text = || text_of(token.raw).unwrap_or_default();
    match (kind, token.kind) {
        (Kind::Bool, piece) => piece == Piece::Bool,
        (Kind::String, piece) => piece == Piece::Text && text_of(token.raw).is_some(),
        (Kind::Bytes, piece) => piece == Piece::Text && is_base64(&text()),
        (Kind::Enum(of), Piece::Text) => is_option(of, &text()),
        (Kind::Enum(_), Piece::Number) => whole(&Kind::Int32, raw),
        (Kind::Enum(of), Piece::Null) => of.full_name() == "google.protobuf.NullValue",
        (Kind::Float | Kind::Double, Piece::Number) => true,
        (Kind::Float | Kind::Double, Piece::Text) => {
            let text = text();
            matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity")
                || text.trim() == text && text.parse::<f64>().is_ok_and(f64::is_finite)
        }
        (Kind::Enum(_) | Kind::Float | Kind::Double | Kind::Message(_), _) => false,
        (kind, Piece::Number) => whole(kind, raw),
        (kind, Piece::Text) => {
            let text = text();
            text.trim() == text && whole(kind, &text)
        }
        _ => false,
    }
}

fn is_option(of: &EnumDescriptor, name: &str) -> bool {
    of.get_value_by_name(name).is_some()
}

fn is_base64(text: &str) -> bool {
    let text = text.trim_end_matches('=');
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"+/-_".contains(&b);
    text.len() % 4 != 1 && text.bytes().all(is_letter)
}

fn name_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Double => "double",
        Kind::Float => "float",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Uint32 => "uint32",
        Kind::Uint64 => "uint64",
        Kind::Sint32 => "sint32",
        Kind::Sint64 => "sint64",
        Kind::Fixed32 => "fixed32",
        Kind::Fixed64 => "fixed64",
        Kind::Sfixed32 => "sfixed32",
        Kind::Sfixed64 => "sfixed64",
        Kind::Bool => "bool",
        Kind::String => "string",
        Kind::Bytes => "bytes",
        Kind::Message(_) => "message",
        Kind::Enum(_) => "enum",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "syntax = \"proto3\"; package shop;
        message Order { int64 order_id = 1; string buyer = 2; repeated Part parts = 3; Kind kind = 4;
          map<int32, double> prices = 5; bytes raw = 6; oneof pay { string card = 7; bool cash = 8; }
          enum Kind { NONE = 0; RUSH = 1; } }
        message Part { string name = 1; uint32 n = 2; }";

    #[test]
    fn faults_have_their_place() {
        let file = protox_parse(SHOP);
        let order = file.get_message_by_name("shop.Order").expect("the type");
        for (json, wanted) in [
            (
                r#"{"orderId":"5","order_id":1}"#,
                Some("(line 1:16): duplicate field \"order_id\""),
            ),
            (
                r#"{"buyer":"x","parts":[{"n":3}],"kind":"RUSH","prices":{"1":2.5},"raw":"aGk="}"#,
                None,
            ),
            (r#"{"zed":1}"#, Some("(line 1:2): unknown field \"zed\"")),
            (
                r#"{"buyer":5}"#,
                Some("(line 1:10): invalid value for string field buyer: 5"),
            ),
            ("nope", Some("syntax error (line 1:1): invalid value nope")),
            (
                r#"{"kind":"WAT"}"#,
                Some("(line 1:9): invalid value for enum field kind: \"WAT\""),
            ),
            (
                "{\n \"orderId\": 1.5}",
                Some("(line 2:13): invalid value for int64 field orderId: 1.5"),
            ),
            (
                r#"{"parts":{}}"#,
                Some("syntax error (line 1:10): unexpected token {"),
            ),
            (
                r#"{"parts":[{"n":-1}]}"#,
                Some("(line 1:16): invalid value for uint32 field n: -1"),
            ),
            (
                r#"{"prices":{"a":1}}"#,
                Some("(line 1:12): invalid value for int32 key: \"a\""),
            ),
            (
                r#"{"card":"x","cash":true}"#,
                Some("(line 1:13): error parsing \"cash\", oneof shop.Order.pay is already set"),
            ),
            (r#"{"buyer":"#, Some("unexpected EOF")),
            (
                r#"{"buyer":"x"} 5"#,
                Some("syntax error (line 1:15): unexpected token 5"),
            ),
            ("", Some("unexpected EOF")),
        ] {
            assert_eq!(
                fault(&order, json.as_bytes(), false).as_deref(),
                wanted,
                "{json}"
            );
        }
    }

    fn protox_parse(text: &str) -> prost_reflect::DescriptorPool {
        let folder = std::env::temp_dir().join(format!("airtruct-proto-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("shop.proto"), text).expect("a file");
        let mut compiler = protox::Compiler::new([&folder]).expect("a compiler");
        compiler.open_file("shop.proto").expect("definitions");
        let set = compiler.encode_file_descriptor_set();
        let _ = std::fs::remove_dir_all(&folder);
        prost_reflect::DescriptorPool::decode(set.as_slice()).expect("a pool")
    }
}
