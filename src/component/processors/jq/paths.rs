//! Reaching into values: indexes, slices and paths.

use super::fail::{Result, error, failed, limit, no_array, no_object, typed, unfit, within};
use super::json;
use super::numbers::{int, num, same, total};
use crate::value::{Array, Object, Value};
use std::{cmp::Ordering, collections::BTreeMap};

/// The longest path.
pub(super) const MAX_PATH: usize = 1_000;
/// The highest index that an array is made long enough for.
const HIGHEST: i64 = json::MAX_ITEMS as i64;

/// `value[key]`
pub(super) fn index(value: &Value, key: &Value) -> Result {
    match (value, key) {
        (Value::Object(object), Value::String(key)) => Ok(object.get(key).unwrap_or(Value::Null)),
        (Value::Null, Value::String(_)) => Ok(Value::Null),
        (other, Value::String(_)) => no_object(other),
        (Value::Null, Value::Array(_) | Value::Object(_)) => Ok(Value::Null),
        (Value::Array(array), Value::Array(wanted)) => {
            let items: Vec<_> = array.iter().collect();
            let wanted: Vec<_> = wanted.iter().collect();
            let found: Vec<Value> = places(&items, &wanted)
                .map(|n| Value::Int(n as i64))
                .collect();
            Ok(found.into())
        }
        (other, Value::Array(_)) => no_array(other),
        (_, Value::Object(ends)) => {
            let (from, to) = start_and_end(ends)?;
            slice(value, &from, &to)
        }
        (value, key) => match (value, int(key)) {
            (Value::Null, Some(_)) => Ok(Value::Null),
            (Value::Array(array), Some(at)) => Ok(clamp(at, array.len())
                .and_then(|at| array.get(at))
                .unwrap_or(Value::Null)),
            (Value::String(text), Some(at)) => {
                let found = clamp(at, text.chars().count()).and_then(|at| text.chars().nth(at));
                Ok(found.map_or(Value::Null, |c| c.to_string().into()))
            }
            (other, Some(_)) => no_array(other),
            (Value::String(_), None) => error(format!(
                "expected a number for indexing a string but got: {}",
                typed(key)
            )),
            (other, None) => no_step(other, key),
        },
    }
}

/// What is wrong with a step that is neither an index nor a key: what the value would have wanted.
fn no_step<T>(value: &Value, step: &Value) -> Result<T> {
    let wanted = match value {
        Value::Array(_) => "a number for indexing an array",
        _ => "a string for object key",
    };
    error(format!("expected {wanted} but got: {}", typed(step)))
}

/// The place that an index counts from the front or the back; none before the front. It may lie beyond the end.
fn clamp(at: i64, length: usize) -> Option<usize> {
    let at = if at < 0 { at + length as i64 } else { at };
    usize::try_from(at).ok()
}

/// Where `wanted` begins in `items`.
pub(super) fn places<'v>(
    items: &'v [Value],
    wanted: &'v [Value],
) -> impl DoubleEndedIterator<Item = usize> + 'v {
    let last = match wanted.len() {
        0 => 0,
        n => (items.len() + 1).saturating_sub(n),
    };
    (0..last).filter(move |at| items[*at..].iter().zip(wanted).all(|(a, b)| same(a, b)))
}

fn start_and_end(ends: &Object) -> Result<(Value, Value)> {
    match (ends.get("start"), ends.get("end")) {
        (Some(start), Some(end)) => Ok((start, end)),
        _ => {
            let ends = Value::Object(ends.clone());
            error(format!(
                "expected \"start\" and \"end\" for slicing but got: {}",
                typed(&ends)
            ))
        }
    }
}

/// `value[from:to]`
pub(super) fn slice(value: &Value, from: &Value, to: &Value) -> Result {
    let ends = |length: usize, what: &str| {
        let end = |at: &Value, least: usize, missing: usize| match (at, int(at)) {
            (Value::Null, _) => Ok(missing),
            (_, Some(at)) => Ok(clamp(at, length).unwrap_or(0).clamp(least, length)),
            (other, None) => error(format!(
                "expected a number for indexing {what} but got: {}",
                typed(other)
            )),
        };
        let start = end(from, 0, 0)?;
        Ok((start, end(to, start, length)?))
    };
    match value {
        Value::Null => Ok(Value::Null),
        Value::Array(array) => {
            let (start, end) = ends(array.len(), "an array")?;
            Ok(part(array, start, end).into())
        }
        Value::String(text) => {
            let (start, end) = ends(text.chars().count(), "a string")?;
            Ok(text
                .chars()
                .skip(start)
                .take(end - start)
                .collect::<String>()
                .into())
        }
        other => no_array(other),
    }
}

/// The steps of a path.
fn steps(path: &Array) -> Result<Vec<Value>> {
    if path.len() > MAX_PATH {
        return limit(format!("a path of the program is longer than {MAX_PATH}"));
    }
    Ok(path.iter().collect())
}

pub(super) fn get_path(value: &Value, path: &Value) -> Result {
    let arguments = std::slice::from_ref(path);
    let Value::Array(path) = path else {
        return unfit("getpath", value, arguments);
    };
    let mut found = value.clone();
    for step in path.iter() {
        if !matches!(found, Value::Null | Value::Array(_) | Value::Object(_)) {
            return unfit("getpath", value, arguments);
        }
        found = within(index(&found, &step), "getpath", value, arguments)?;
    }
    Ok(found)
}

pub(super) fn set_path(mut value: Value, path: &Value, new: Value) -> Result {
    let Value::Array(steps_of) = path else {
        return unfit("setpath", &value, std::slice::from_ref(path));
    };
    match set(&mut value, &steps(steps_of)?, new.clone()) {
        Ok(()) => Ok(value),
        Err(stop) => within(Err(stop), "setpath", &value, &[path.clone(), new]),
    }
}

/// Sets what a path leads to, in place, so that what is not shared is not copied.
fn set(value: &mut Value, path: &[Value], new: Value) -> Result<()> {
    let Some((step, rest)) = path.split_first() else {
        *value = new;
        return Ok(());
    };
    let made = |new| {
        let mut inner = Value::Null;
        set(&mut inner, rest, new)?;
        Ok(inner)
    };
    match (step, value) {
        (Value::String(key), value @ Value::Null) => {
            *value = Object::from_iter([(key.clone(), made(new)?)]).into();
        }
        (Value::String(key), Value::Object(object)) => match object.get_mut(key) {
            Some(inner) => set(inner, rest, new)?,
            None => object.insert(key.clone(), made(new)?),
        },
        (Value::String(_), other) => return no_object(other),
        (Value::Object(ends), value) => {
            let array = match value {
                Value::Null => Array::new(),
                Value::Array(array) => array.clone(),
                other => return no_array(other),
            };
            let (start, end) = bounds(ends, array.len())?;
            let mut middle = part(&array, start, end).into();
            set(&mut middle, rest, new)?;
            let Value::Array(middle) = middle else {
                return no_array(&middle);
            };
            let before = array.iter().take(start);
            *value = json::array(
                before
                    .chain(middle.iter())
                    .chain(array.iter().skip(end))
                    .collect(),
            )?;
        }
        (step, value) => match (int(step), value) {
            (Some(at), value @ Value::Null) => {
                let mut array = Array::new();
                set_item(&mut array, at, rest, new)?;
                *value = array.into();
            }
            (Some(at), Value::Array(array)) => set_item(array, at, rest, new)?,
            (Some(_), other) => return no_array(other),
            (None, other) => return no_step(other, step),
        },
    }
    Ok(())
}

/// A part of an array.
fn part(array: &Array, start: usize, end: usize) -> Array {
    if array.held() > 0 {
        return (start..end).filter_map(|at| array.get(at)).collect();
    }
    array.iter().skip(start).take(end - start).collect()
}

/// The part of an array that `{"start": ..., "end": ...}` names.
fn bounds(ends: &Object, length: usize) -> Result<(usize, usize)> {
    let (from, to) = start_and_end(ends)?;
    let place = |at: i64, least: usize| clamp(at, length).unwrap_or(0).clamp(least, length);
    let start = int(&from).map_or(0, |at| place(at, 0));
    Ok((start, int(&to).map_or(length, |at| place(at, start))))
}

fn set_item(array: &mut Array, at: i64, rest: &[Value], new: Value) -> Result<()> {
    let Some(place) = clamp(at, array.len()) else {
        return error(format!("array index should not be negative: {at}"));
    };
    if place < array.len() {
        return set(&mut array.make_mut()[place], rest, new);
    }
    if at >= HIGHEST {
        return error(format!("array index too large: {at}"));
    }
    let mut inner = Value::Null;
    set(&mut inner, rest, new)?;
    let items = array.make_mut();
    items.resize(place, Value::Null);
    items.push(inner);
    Ok(())
}

/// Deletes all paths at once, so that no place moves before its turn.
pub(super) fn delete_paths(value: &Value, paths: &Value) -> Result {
    let arguments = std::slice::from_ref(paths);
    let Value::Array(all) = paths else {
        return unfit("delpaths", value, arguments);
    };
    let mut sorted = Vec::with_capacity(all.len());
    for path in all.iter() {
        match &path {
            Value::Array(steps) if steps.len() > MAX_PATH => {
                return limit(format!("a path of the program is longer than {MAX_PATH}"));
            }
            Value::Array(_) => sorted.push(path),
            other => {
                let why = format!("expected an array but got: {}", typed(other));
                return failed("delpaths", value, arguments, &why);
            }
        }
    }
    let mut tree = Doomed::default();
    for path in &sorted {
        let Value::Array(steps) = path else { continue };
        within(check(value, steps), "delpaths", value, arguments)?;
        tree.add(&steps.iter().collect::<Vec<_>>());
    }
    Ok(tree.apply(value.clone())?.unwrap_or(Value::Null))
}

/// That a path could be in a value, whether or not it leads anywhere.
fn check(value: &Value, path: &Array) -> Result<()> {
    let mut at = value.clone();
    for step in path.iter() {
        at = match (&step, &at) {
            (_, Value::Null)
                if num(&step).is_some() || matches!(step, Value::String(_) | Value::Object(_)) =>
            {
                return Ok(());
            }
            (Value::String(key), Value::Object(object)) => match object.get(key) {
                Some(found) => found,
                None => return Ok(()),
            },
            (Value::String(_), other) => return no_object(other),
            (Value::Object(_), Value::Array(_)) => index(&at, &step)?,
            (Value::Object(_), other) => return no_array(other),
            (step, at) => match (int(step), at) {
                (Some(n), Value::Array(array)) => {
                    match clamp(n, array.len()).and_then(|n| array.get(n)) {
                        Some(found) => found,
                        None => return Ok(()),
                    }
                }
                (Some(_), other) => return no_array(other),
                (None, other) => return no_step(other, step),
            },
        };
    }
    Ok(())
}

/// What is to be deleted, as a tree of steps.
#[derive(Default)]
struct Doomed {
    whole: bool,
    inner: BTreeMap<Step, Doomed>,
}

/// A step of a path, in the order of values.
struct Step(Value);

impl Ord for Step {
    fn cmp(&self, other: &Step) -> Ordering {
        total(&self.0, &other.0)
    }
}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Step) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Step) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Step {}

impl Doomed {
    fn add(&mut self, path: &[Value]) {
        match path.split_first() {
            Some((step, rest)) => self.inner.entry(Step(step.clone())).or_default().add(rest),
            None => self.whole = true,
        }
    }

    /// What is left of a value; none if it is deleted as a whole.
    fn apply(&self, value: Value) -> Result<Option<Value>> {
        if self.whole {
            return Ok(None);
        }
        if self.inner.is_empty() {
            return Ok(Some(value));
        }
        Ok(Some(match value {
            Value::Object(mut object) => {
                for (Step(step), inner) in &self.inner {
                    let Value::String(key) = step else { continue };
                    let Some(old) = object.get(key) else { continue };
                    match inner.apply(old)? {
                        Some(left) => object.insert(key.clone(), left),
                        None => {
                            object.remove(key);
                        }
                    }
                }
                object.into()
            }
            Value::Array(array) => {
                let mut items: Vec<Option<Value>> = array.iter().map(Some).collect();
                for (Step(step), inner) in &self.inner {
                    if let Value::Object(ends) = step {
                        let (start, end) = bounds(ends, items.len())?;
                        inner.apply_slice(&mut items[start..end])?;
                    } else if let Some(at) = int(step).and_then(|at| clamp(at, items.len()))
                        && let Some(place) = items.get_mut(at)
                        && let Some(old) = place.take()
                    {
                        *place = inner.apply(old)?;
                    }
                }
                json::array(items.into_iter().flatten().collect())?
            }
            other => other,
        }))
    }

    /// The same within a slice of an array.
    fn apply_slice(&self, items: &mut [Option<Value>]) -> Result<()> {
        if self.whole {
            items.fill(None);
            return Ok(());
        }
        for (Step(step), inner) in &self.inner {
            if let Value::Object(ends) = step {
                let (start, end) = bounds(ends, items.len())?;
                inner.apply_slice(&mut items[start..end])?;
            } else if let Some(at) = int(step).and_then(|at| clamp(at, items.len()))
                && let Some(place) = items.get_mut(at)
                && let Some(old) = place.take()
            {
                *place = inner.apply(old)?;
            }
        }
        Ok(())
    }
}
