//! MessagePack.

use crate::value::{Object, Str, Value, well_formed};
use rmpv::{Utf8String, Value as Pack};

/// Reads one document. Keys that aren't strings become their text; extension types are refused but for timestamps as bytes.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    let mut reader = bytes;
    let pack = rmpv::decode::read_value_with_max_depth(&mut reader, 512)
        .map_err(|e| format!("failed to convert data from MessagePack: {e}"))?;
    from_pack(pack)
}

/// Writes a value, objects by key. Times are written as text, numbers that don't fit 64 bits as floats.
pub fn format(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, &to_pack(value)).expect("memory takes all that is written");
    out
}

fn from_pack(pack: Pack) -> Result<Value, String> {
    let text = |s: Utf8String| match s.into_str() {
        Some(text) => Value::from(text),
        None => Value::Null,
    };
    Ok(match pack {
        Pack::Nil => Value::Null,
        Pack::Boolean(b) => Value::Bool(b),
        Pack::Integer(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => Value::Int(n),
            (None, Some(n)) => Value::Uint(n),
            (None, None) => Value::Null,
        },
        Pack::F32(n) => Value::Float(f64::from(n)),
        Pack::F64(n) => Value::Float(n),
        Pack::String(s) => text(s),
        Pack::Binary(bytes) => Value::Bytes(bytes.into()),
        Pack::Array(items) => {
            Value::Array(items.into_iter().map(from_pack).collect::<Result<_, _>>()?)
        }
        Pack::Map(entries) => {
            let mut object = Object::new();
            for (key, value) in entries {
                let key = match key {
                    Pack::String(s) => s.into_str().map(Str::from).unwrap_or_default(),
                    other => Str::from(other.to_string()),
                };
                object.insert(key, from_pack(value)?);
            }
            Value::Object(object)
        }
        Pack::Ext(kind, _) => {
            return Err(format!(
                "failed to convert data from MessagePack: extension type {kind} is not known"
            ));
        }
    })
}

fn to_pack(value: &Value) -> Pack {
    match value {
        Value::Null => Pack::Nil,
        Value::Bool(b) => Pack::Boolean(*b),
        Value::Int(n) => Pack::from(*n),
        Value::Uint(n) => Pack::from(*n),
        Value::Float(n) => Pack::F64(*n),
        Value::Number(n) => match n.as_i64() {
            Some(n) => Pack::from(n),
            None => Pack::F64(n.as_f64()),
        },
        Value::String(s) => Pack::from(&**s),
        Value::IllFormed(b) => Pack::from(&*well_formed(b)),
        Value::Bytes(b) => Pack::Binary(b.to_vec()),
        Value::Timestamp(t) => Pack::from(t.to_string()),
        Value::Array(items) => Pack::Array(items.iter().map(|item| to_pack(&item)).collect()),
        Value::Object(fields) => Pack::Map(
            fields
                .iter()
                .map(|(key, field)| (Pack::from(&*key), to_pack(&field)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_go_there_and_back() {
        let bytes = bytes::Bytes::from_static(br#"{"a":[1,-2,1.5,true,null],"b":"x"}"#);
        let value = crate::value::parse(&bytes).expect("JSON");
        let back = parse(&format(&value)).expect("MessagePack");
        assert_eq!(back.to_json(), bytes);
        assert_eq!(
            format(&Value::Object(Object::from_iter([(
                "foo".into(),
                "bar".into()
            )]))),
            b"\x81\xa3foo\xa3bar"
        );
        assert!(parse(b"\x81").is_err());
        assert!(parse(&[0x91; 4096]).is_err(), "nesting has a limit");
    }
}
