//! Fields of values: those of objects, and the few methods of numbers and times.

use super::call::{Held, type_name};
use super::eval::Run;
use crate::formats::go_time::Layout;
use crate::value::Value;

impl<'t> Run<'t> {
    /// Goes into fields, one after the other.
    pub(super) fn fields(
        &mut self,
        mut held: Held,
        names: &'t [String],
        has_arguments: bool,
    ) -> Result<Held, String> {
        for (i, name) in names.iter().enumerate() {
            let is_last = i + 1 == names.len();
            held = self.field(held, name, is_last && has_arguments)?;
        }
        Ok(held)
    }

    fn field(&mut self, held: Held, name: &str, has_arguments: bool) -> Result<Held, String> {
        let Some(value) = &held.value else {
            return Ok(held);
        };
        let of = match held.is_element {
            true => "interface {}",
            false => type_name(value),
        };
        match (value, name) {
            (Value::Null, _) => self.fault(format_args!("nil pointer evaluating {of}.{name}")),
            (Value::Object(fields), _) => {
                if has_arguments {
                    return self.fault(format_args!("{name} is not a method but has arguments"));
                }
                Ok(fields.get(name).map(Held::element).unwrap_or_default())
            }
            // The methods of numbers and times that templates may want.
            (Value::Number(n), "String") => Ok(Held::new(n.as_str().into())),
            (Value::Number(n), "Int64") if n.as_i64().is_some() => {
                Ok(Held::new(Value::Int(n.as_i64().unwrap_or_default())))
            }
            (Value::Number(n), "Float64") => Ok(Held::new(Value::Float(n.as_f64()))),
            (Value::Timestamp(time), "Unix") => Ok(Held::new(Value::Int(time.seconds()))),
            (Value::Timestamp(time), "Year") => {
                let year = time.format(&Layout::new("2006"));
                Ok(Held::new(Value::Int(year.parse().unwrap_or_default())))
            }
            _ => self.fault(format_args!("can't evaluate field {name} in type {of}")),
        }
    }
}
