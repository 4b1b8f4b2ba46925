//! What flows through a program: values, with the way to them where paths are asked for.

use super::fail::{Result, error, limit, typed};
use super::paths::MAX_PATH;
use crate::value::Value;
use std::rc::Rc;

/// A value, and where paths are asked for, how it was reached.
#[derive(Clone)]
pub(super) struct Item {
    pub value: Value,
    pub place: Option<Rc<Place>>,
}

/// A step of a path with those before it.
pub(super) struct Place {
    before: Option<Rc<Place>>,
    key: Value,
    /// What is there. A value that is something else wasn't reached by the path.
    value: Value,
    steps: usize,
}

impl Item {
    pub fn new(value: Value) -> Item {
        Item { value, place: None }
    }

    /// A value at the beginning of a path.
    pub fn root(value: Value) -> Item {
        let place = Place {
            before: None,
            key: Value::Null,
            value: value.clone(),
            steps: 0,
        };
        Item {
            value,
            place: Some(Rc::new(place)),
        }
    }

    /// Another value, at the same place as far as that is known.
    pub fn with(&self, value: Value) -> Item {
        Item {
            value,
            place: self.place.clone(),
        }
    }

    /// The value alone.
    pub fn plain(&self) -> Item {
        Item::new(self.value.clone())
    }

    /// What a step leads to.
    pub fn step(&self, key: Value, value: Value) -> Result<Item> {
        let Some(place) = &self.place else {
            return Ok(Item::new(value));
        };
        if place.steps >= MAX_PATH {
            return limit(format!("a path of the program is longer than {MAX_PATH}"));
        }
        let place = Place {
            before: Some(place.clone()),
            key,
            value: value.clone(),
            steps: place.steps + 1,
        };
        Ok(Item {
            value,
            place: Some(Rc::new(place)),
        })
    }

    /// That the value is what its path leads to.
    pub fn check(&self, iterating: bool) -> Result<()> {
        match &self.place {
            Some(place) if !is_same(&self.value, &place.value) => {
                let how = if iterating {
                    "path on iterating"
                } else {
                    "path"
                };
                error(format!("invalid {how} against: {}", typed(&self.value)))
            }
            _ => Ok(()),
        }
    }

    /// The steps of the path.
    pub fn path(&self) -> Value {
        let mut steps = Vec::new();
        let mut at = self.place.as_deref();
        while let Some(place) = at {
            if place.before.is_some() {
                steps.push(place.key.clone());
            }
            at = place.before.as_deref();
        }
        steps.reverse();
        steps.into()
    }
}

/// Whether two values are one: containers that are shared, scalars that are equal.
fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(l), Value::Array(r)) => l.is_shared_with(r),
        (Value::Object(l), Value::Object(r)) => l.is_shared_with(r),
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        (l, r) => super::numbers::total(l, r).is_eq(),
    }
}
