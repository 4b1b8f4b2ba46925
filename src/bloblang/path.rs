//! Paths into values: `a.b.0`, resolved when a mapping compiles.

use crate::value::{Array, Object, Str, Value};
use smallvec::SmallVec;
use std::fmt::Write as _;

/// One step of a path: a key, which is an index where the value is an array.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) key: Str,
    index: Result<usize, BadIndex>,
}

/// Why a segment doesn't name an element of an array.
#[derive(Clone, Copy, Debug)]
enum BadIndex {
    Negative,
    NotANumber,
    TooLarge,
}

impl AsRef<str> for Segment {
    fn as_ref(&self) -> &str {
        &self.key
    }
}

/// A path; empty for the value itself.
pub(crate) type Path = Box<[Segment]>;

impl Segment {
    pub(crate) fn new(key: impl Into<Str>) -> Segment {
        let key: Str = key.into();
        let digits = key.strip_prefix(['-', '+']).unwrap_or(&key);
        let index = if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            Err(BadIndex::NotANumber)
        } else if key.starts_with('-') && digits.bytes().any(|b| b != b'0') {
            Err(BadIndex::Negative)
        } else {
            match digits.parse::<i64>() {
                Ok(n) => Ok(n as usize),
                Err(_) => Err(BadIndex::TooLarge),
            }
        };
        Segment { key, index }
    }
}

/// Reads a dotted path, in which `~1` stands for a dot and `~0` for `~`.
pub(crate) fn parse(text: &str) -> Path {
    let unescape = |part: &str| match part.contains('~') {
        true => Segment::new(part.replace("~1", ".").replace("~0", "~")),
        false => Segment::new(part),
    };
    text.split('.').map(unescape).collect()
}

/// The path with dots, as error texts show it.
pub(crate) fn show(path: &[Segment]) -> String {
    let mut text = String::new();
    for (i, segment) in path.iter().enumerate() {
        if i > 0 {
            text.push('.');
        }
        if segment.key.contains(['~', '.']) {
            let _ = write!(
                text,
                "{}",
                segment.key.replace('~', "~0").replace('.', "~1")
            );
        } else {
            text.push_str(&segment.key);
        }
    }
    text
}

/// What `value` holds at `path`. A segment `*` collects from all elements of an array.
pub(crate) fn get(value: &Value, path: &[Segment]) -> Option<Value> {
    // Most paths go through objects only; those are followed without holding on to what is on the way.
    if let found @ Some(_) = value.get_path(path) {
        return found;
    }
    let mut value = value.clone();
    for (i, segment) in path.iter().enumerate() {
        value = match &value {
            Value::Object(object) => object.get(&segment.key)?,
            Value::Array(array) if &*segment.key == "*" => {
                let rest = &path[i + 1..];
                let found: Array = match rest {
                    [] => array.clone(),
                    rest => array.iter().filter_map(|item| get(&item, rest)).collect(),
                };
                return (!found.is_empty()).then_some(Value::Array(found));
            }
            Value::Array(array) => array.get(segment.index.ok()?)?,
            _ => return None,
        };
    }
    Some(value)
}

/// What `value` holds at a dotted path that isn't known before, as [`parse`] reads it.
pub(crate) fn get_dotted(value: &Value, text: &str) -> Option<Value> {
    if !text.contains('~') {
        let keys: SmallVec<[&str; 8]> = text.split('.').collect();
        if let found @ Some(_) = value.get_path(&keys) {
            return found;
        }
    }
    get(value, &parse(text))
}

/// Whether `value` has something at `path`, null included.
pub(crate) fn exists(value: &Value, path: &[Segment]) -> bool {
    get(value, path).is_some()
}

/// Sets what `value` holds at `path`, making objects on the way; null counts as an empty object.
pub(crate) fn set(value: &mut Value, path: &[Segment], new: Value) -> Result<(), SetError> {
    // The usual case.
    if let (Value::Object(object), [field]) = (&mut *value, path) {
        object.insert(field.key.clone(), new);
        return Ok(());
    }
    set_at(value, path, 0, new)
}

/// Why a value can't be set.
pub(crate) enum SetError {
    /// A segment on the way holds something that is neither object nor array.
    Collision,
    Text(String),
}

fn set_at(value: &mut Value, path: &[Segment], at: usize, new: Value) -> Result<(), SetError> {
    let Some(segment) = path.get(at) else {
        *value = new;
        return Ok(());
    };
    let last = at + 1 == path.len();
    if let Value::Null = value
        && at == 0
    {
        *value = Value::Object(Object::new());
    }
    match value {
        Value::Object(object) => {
            if last {
                object.insert(segment.key.clone(), new);
                return Ok(());
            }
            match object.get_mut(&segment.key) {
                Some(inner) if !matches!(inner, Value::Null) => set_at(inner, path, at + 1, new),
                _ => {
                    let mut inner = Value::Object(Object::new());
                    set_at(&mut inner, path, at + 1, new)?;
                    object.insert(segment.key.clone(), inner);
                    Ok(())
                }
            }
        }
        Value::Array(array) => {
            if &*segment.key == "-" {
                let mut inner = Value::Object(Object::new());
                set_at(&mut inner, path, at + 1, new)?;
                array.push(inner);
                return Ok(());
            }
            let index = index_in(array, segment, at).map_err(SetError::Text)?;
            let inner = &mut array.make_mut()[index];
            if !last && matches!(inner, Value::Null) {
                return Err(SetError::Text(format!(
                    "failed to resolve path segment '{at}': field '{}' was not found",
                    segment.key
                )));
            }
            set_at(inner, path, at + 1, new)
        }
        _ => Err(SetError::Collision),
    }
}

/// The index that a segment names in an array, or why it names none.
fn index_in(array: &Array, segment: &Segment, at: usize) -> Result<usize, String> {
    let (key, len) = (&segment.key, array.len());
    let failed = format!("failed to resolve path segment '{at}': found array but");
    match segment.index {
        Ok(index) if index < len => Ok(index),
        Ok(_) => Err(format!(
            "{failed} index '{key}' exceeded target array size of '{len}'"
        )),
        Err(BadIndex::Negative) => Err(format!("{failed} index '{key}' is invalid")),
        Err(why) => {
            let why = match why {
                BadIndex::TooLarge => "value out of range",
                _ => "invalid syntax",
            };
            Err(format!(
                "{failed} segment value '{key}' could not be parsed into array index: strconv.Atoi: parsing \"{key}\": {why}"
            ))
        }
    }
}

/// Removes what `value` holds at `path`; says whether there was anything.
pub(crate) fn remove(value: &mut Value, path: &[Segment]) -> bool {
    let Some((last, parents)) = path.split_last() else {
        return false;
    };
    // Looks first, so that nothing is copied where there is nothing to remove. An object does so itself.
    if !parents.is_empty() && !exists(value, path) {
        return false;
    }
    let Some(parent) = get_mut(value, parents) else {
        return false;
    };
    match parent {
        Value::Object(object) => object.remove(&last.key),
        Value::Array(array) if !parents.is_empty() => match last.index {
            Ok(index) if index < array.len() => {
                array.make_mut().remove(index);
                true
            }
            _ => false,
        },
        _ => false,
    }
}

/// What `value` holds at `path`, for editing.
fn get_mut<'v>(value: &'v mut Value, path: &[Segment]) -> Option<&'v mut Value> {
    let mut value = value;
    for segment in path {
        value = match value {
            Value::Object(object) => object.get_mut(&segment.key)?,
            Value::Array(array) => array.make_mut().get_mut(segment.index.ok()?)?,
            _ => return None,
        };
    }
    Some(value)
}
