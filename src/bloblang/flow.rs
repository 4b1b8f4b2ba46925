//! What an expression yields: a value, or one of the two markers that steer what is done with it.

use crate::value::Value;

/// The result of an expression.
#[derive(Clone, Debug)]
pub(crate) enum Flow {
    Value(Value),
    /// `deleted()`: what it is assigned to is removed.
    Deleted,
    /// `nothing()`: the assignment is skipped.
    Nothing,
}

impl Flow {
    pub(crate) const NULL: Flow = Flow::Value(Value::Null);

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Flow::Value(value) => value.type_name(),
            Flow::Deleted => "delete",
            Flow::Nothing => "nothing",
        }
    }

    /// Whether `|` and `.or()` pass this over.
    pub(crate) fn is_empty(&self) -> bool {
        !matches!(self, Flow::Value(value) if !matches!(value, Value::Null))
    }

    /// The value; markers count as null.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Flow::Value(value) => value,
            Flow::Deleted | Flow::Nothing => Value::Null,
        }
    }
}

impl<T: Into<Value>> From<T> for Flow {
    fn from(value: T) -> Flow {
        Flow::Value(value.into())
    }
}
