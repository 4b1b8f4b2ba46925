//! Functions of arrays and objects.

use super::super::fail::{Result, error, failed, limit, preview, typed, unfit};
use super::super::json;
use super::super::numbers::{compare, float, num, same, total};
use super::super::operators::{add, is_true};
use super::super::paths::places;
use super::{Native, native};
use crate::value::{Array, Object, Value};
use std::cmp::Ordering;

/// How deep arrays are flattened.
const MAX_DEPTH: usize = 1_000;

pub(super) const TABLE: &[Native] = &[
    native!("keys", 0, keys),
    native!("keys_unsorted", 0, keys),
    native!("to_entries", 0, to_entries),
    native!("from_entries", 0, from_entries),
    native!("add", 0, sum),
    native!("reverse", 0, |value: &Value| match value {
        Value::Array(array) => Ok(array.iter().rev().collect::<Array>().into()),
        other => unfit("reverse", other, &[]),
    }),
    native!("indices", 1, |value: &Value, arguments: &[Value]| {
        let list = |found: Vec<usize>| {
            found
                .into_iter()
                .map(|n| Value::Int(n as i64))
                .collect::<Vec<_>>()
                .into()
        };
        position("indices", value, arguments, &|items, wanted| {
            list(places(items, wanted).collect())
        })
    }),
    native!("index", 1, |value: &Value, arguments: &[Value]| {
        position("index", value, arguments, &|items, wanted| {
            place(places(items, wanted).next())
        })
    }),
    native!("rindex", 1, |value: &Value, arguments: &[Value]| {
        position("rindex", value, arguments, &|items, wanted| {
            place(places(items, wanted).next_back())
        })
    }),
    native!("flatten", 0, |value: &Value| flatten(value, f64::INFINITY)),
    native!(
        "flatten",
        1,
        |value: &Value, arguments: &[Value]| match float(&arguments[0]) {
            _ if members(value).is_none() => unfit("flatten", value, &[]),
            None => unfit("flatten", &arguments[0], &[]),
            Some(depth) if depth < 0.0 => {
                error(format!(
                    "flatten depth should not be negative: {}",
                    preview(&Value::Float(depth))
                ))
            }
            Some(depth) => flatten(value, depth),
        }
    ),
    native!("min", 0, |value: &Value| least(
        "min",
        value,
        &[],
        Ordering::Greater
    )),
    native!("max", 0, |value: &Value| least(
        "max",
        value,
        &[],
        Ordering::Less
    )),
    native!("_min_by", 1, |value: &Value, keys: &[Value]| least(
        "min_by",
        value,
        keys,
        Ordering::Greater
    )),
    native!("_max_by", 1, |value: &Value, keys: &[Value]| least(
        "max_by",
        value,
        keys,
        Ordering::Less
    )),
    native!("sort", 0, |value: &Value| sorted("sort", value, &[], &all)),
    native!("_sort_by", 1, |value: &Value, keys: &[Value]| sorted(
        "sort_by", value, keys, &all
    )),
    native!("_group_by", 1, |value: &Value, keys: &[Value]| sorted(
        "group_by", value, keys, &groups
    )),
    native!("unique", 0, |value: &Value| sorted(
        "unique",
        value,
        &[],
        &firsts
    )),
    native!("_unique_by", 1, |value: &Value, keys: &[Value]| sorted(
        "unique_by",
        value,
        keys,
        &firsts
    )),
    native!("join", 1, join),
    native!("transpose", 0, transpose),
    native!(
        "bsearch",
        1,
        |value: &Value, arguments: &[Value]| match value {
            Value::Array(array) => {
                let items: Vec<_> = array.iter().collect();
                let at =
                    items.partition_point(|item| compare(item, &arguments[0]) == Ordering::Less);
                let found = items.get(at).is_some_and(|item| same(item, &arguments[0]));
                Ok(Value::Int(if found { at as i64 } else { -1 - at as i64 }))
            }
            other => unfit("bsearch", other, arguments),
        }
    ),
];

/// What is directly in an array or an object.
fn members(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(array) => Some(array.iter().collect()),
        Value::Object(object) => Some(object.values().collect()),
        _ => None,
    }
}

fn keys(value: &Value) -> Result {
    let keys: Vec<Value> = match value {
        Value::Array(array) => (0..array.len() as i64).map(Value::Int).collect(),
        Value::Object(object) => object.keys().map(Value::String).collect(),
        other => return unfit("keys", other, &[]),
    };
    Ok(keys.into())
}

fn to_entries(value: &Value) -> Result {
    let entry = |key, value| json::object([("key", key), ("value", value)]);
    let entries: Vec<Value> = match value {
        Value::Array(array) => array
            .iter()
            .enumerate()
            .map(|(n, v)| entry(Value::Int(n as i64), v))
            .collect(),
        Value::Object(object) => object.iter().map(|(k, v)| entry(k.into(), v)).collect(),
        other => return unfit("to_entries", other, &[]),
    };
    Ok(entries.into())
}

fn from_entries(value: &Value) -> Result {
    let Value::Array(entries) = value else {
        return unfit("from_entries", value, &[]);
    };
    let mut made = Object::with_capacity(entries.len());
    for entry in entries.iter() {
        let Value::Object(entry) = &entry else {
            return unfit("from_entries", &entry, &[]);
        };
        let names = ["key", "Key", "name", "Name", "k", "K"];
        let key = names
            .iter()
            .find_map(|name| entry.get(name).filter(is_true))
            .unwrap_or(Value::Null);
        let Value::String(key) = key else {
            let why = format!("expected a string for object key but got: {}", typed(&key));
            return failed("from_entries", value, &[], &why);
        };
        let found = ["value", "Value", "v", "V"]
            .iter()
            .find_map(|name| entry.get(name));
        made.insert(key, found.unwrap_or(Value::Null));
    }
    Ok(made.into())
}

fn sum(value: &Value) -> Result {
    let Some(items) = members(value) else {
        return unfit("add", value, &[]);
    };
    // Texts, arrays and objects of one kind are put together in one go.
    let mut items = items
        .into_iter()
        .filter(|item| !matches!(item, Value::Null))
        .peekable();
    let mut made = Value::Null;
    while let Some(item) = items.next() {
        made = match (made, item) {
            (Value::Null, Value::String(first))
                if matches!(items.peek(), Some(Value::String(_))) =>
            {
                let mut text = first.to_string();
                while let Some(Value::String(next)) =
                    items.next_if(|item| matches!(item, Value::String(_)))
                {
                    text.push_str(&next);
                    if text.len() > json::MAX_TEXT {
                        break;
                    }
                }
                json::string(text)?
            }
            (Value::Array(mut made), Value::Array(item))
                if made.len() + item.len() <= json::MAX_ITEMS =>
            {
                made.make_mut().extend(item.iter());
                made.into()
            }
            (Value::Object(mut made), Value::Object(item)) => {
                made.extend(item.iter());
                made.into()
            }
            (made, item) => add(&made, &item)?,
        };
    }
    Ok(made)
}

fn place(found: Option<usize>) -> Value {
    found.map_or(Value::Null, |at| Value::Int(at as i64))
}

/// Something about where a value is found in an array or a text.
fn position(
    name: &str,
    value: &Value,
    arguments: &[Value],
    of: &dyn Fn(&[Value], &[Value]) -> Value,
) -> Result {
    let points = |text: &str| {
        text.chars()
            .map(|c| Value::Int(u32::from(c).into()))
            .collect::<Vec<_>>()
    };
    match (value, &arguments[0]) {
        (Value::Null, _) => Ok(Value::Null),
        (Value::Array(array), Value::Array(wanted)) => Ok(of(
            &array.iter().collect::<Vec<_>>(),
            &wanted.iter().collect::<Vec<_>>(),
        )),
        (Value::Array(array), wanted) => Ok(of(
            &array.iter().collect::<Vec<_>>(),
            std::slice::from_ref(wanted),
        )),
        (Value::String(text), Value::String(wanted)) => Ok(of(&points(text), &points(wanted))),
        _ => unfit(name, value, arguments),
    }
}

fn flatten(value: &Value, depth: f64) -> Result {
    let Some(items) = members(value) else {
        return unfit("flatten", value, &[]);
    };
    let mut flat = Vec::new();
    let mut open = vec![items.into_iter()];
    while let Some(items) = open.last_mut() {
        match items.next() {
            None => {
                open.pop();
            }
            Some(Value::Array(inner)) if depth - (open.len() as f64) + 1.0 != 0.0 => {
                if open.len() > MAX_DEPTH {
                    return limit(format!(
                        "arrays that are flattened are nested deeper than {MAX_DEPTH}"
                    ));
                }
                open.push(inner.iter().collect::<Vec<_>>().into_iter());
            }
            Some(item) => flat.push(item),
        }
        if flat.len() > json::MAX_ITEMS {
            break;
        }
    }
    json::array(flat)
}

/// The elements of an array with the keys that they are compared by, which without keys are they themselves.
fn keyed(name: &str, value: &Value, keys: &[Value]) -> Result<Vec<(Value, Value)>> {
    let Value::Array(array) = value else {
        return unfit(name, value, keys);
    };
    match keys.first() {
        None => Ok(array.iter().map(|item| (item.clone(), item)).collect()),
        Some(Value::Array(found)) if found.len() == array.len() => {
            Ok(found.iter().zip(array.iter()).collect())
        }
        Some(Value::Array(_)) => failed(name, value, keys, "length mismatch"),
        Some(_) => unfit(name, value, keys),
    }
}

/// The first element that none is less than, or in the other direction greater.
fn least(name: &str, value: &Value, keys: &[Value], worse: Ordering) -> Result {
    let items = keyed(name, value, keys)?.into_iter();
    let better = |best: (Value, Value), item: (Value, Value)| {
        let order = compare(&best.0, &item.0);
        // Of equal ones the first is the least and the last the greatest.
        let is_better = order == worse || (worse == Ordering::Less && order == Ordering::Equal);
        if is_better { item } else { best }
    };
    Ok(items.reduce(better).map_or(Value::Null, |(_, value)| value))
}

type Keyed = Vec<(Value, Value)>;

fn sorted(name: &str, value: &Value, keys: &[Value], of: &dyn Fn(Keyed) -> Vec<Value>) -> Result {
    let mut items = keyed(name, value, keys)?;
    items.sort_by(|a, b| total(&a.0, &b.0));
    Ok(of(items).into())
}

fn all(items: Keyed) -> Vec<Value> {
    items.into_iter().map(|(_, value)| value).collect()
}

fn firsts(mut items: Keyed) -> Vec<Value> {
    items.dedup_by(|next, before| same(&next.0, &before.0));
    all(items)
}

fn groups(items: Keyed) -> Vec<Value> {
    let same_key = |a: &(Value, Value), b: &(Value, Value)| same(&a.0, &b.0);
    let group = |group: &[(Value, Value)]| {
        Value::from(
            group
                .iter()
                .map(|(_, value)| value.clone())
                .collect::<Vec<_>>(),
        )
    };
    items.chunk_by(same_key).map(group).collect()
}

fn join(value: &Value, arguments: &[Value]) -> Result {
    let Some(items) = members(value) else {
        return unfit("join", value, arguments);
    };
    let separator = match &arguments[0] {
        Value::String(separator) => separator.to_string(),
        _ if items.len() < 2 => String::new(),
        _ => return unfit("join", value, arguments),
    };
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push_str(&separator);
        }
        match item {
            Value::Null => {}
            Value::String(part) => text.push_str(part),
            Value::Bool(_) => text.push_str(&json::text(item)?),
            number if num(number).is_some() => text.push_str(&json::text(number)?),
            other => {
                return error(format!(
                    "join cannot be applied to an array including: {}",
                    typed(other)
                ));
            }
        }
        if text.len() > json::MAX_TEXT {
            break;
        }
    }
    json::string(text)
}

fn transpose(value: &Value) -> Result {
    let Value::Array(rows) = value else {
        return unfit("transpose", value, &[]);
    };
    let mut read = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        let Value::Array(row) = row else {
            return unfit("transpose", value, &[]);
        };
        read.push(row);
    }
    let width = read.iter().map(Array::len).max().unwrap_or(0);
    if width.saturating_mul(read.len()) > json::MAX_ITEMS {
        return limit(format!(
            "an array of the program has more than {} elements",
            json::MAX_ITEMS
        ));
    }
    let column = |at: usize| {
        read.iter()
            .map(|row| row.get(at).unwrap_or(Value::Null))
            .collect::<Vec<_>>()
            .into()
    };
    Ok((0..width).map(column).collect::<Vec<Value>>().into())
}
