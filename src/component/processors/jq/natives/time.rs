//! Dates.

use super::super::fail::{Result, error, unfit, within};
use super::super::numbers::{float, int};
use super::{Native, native};
use crate::formats::go_time::{Civil, unix_seconds};
use crate::formats::strftime;
use crate::value::Value;
use chrono::{Local, Offset as _, TimeZone as _};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) const TABLE: &[Native] = &[
    native!("now", 0, |_: &Value| {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Value::Float(since.as_secs_f64()))
    }),
    native!("gmtime", 0, |value: &Value| match float(value) {
        Some(seconds) => Ok(taken_apart(seconds, 0)),
        None => unfit("gmtime", value, &[]),
    }),
    native!("localtime", 0, |value: &Value| match float(value) {
        Some(seconds) => Ok(taken_apart(seconds, local_offset(seconds as i64))),
        None => unfit("localtime", value, &[]),
    }),
    native!("mktime", 0, |value: &Value| match value {
        Value::Array(_) => {
            let (seconds, nanos) = within(put_together(value), "mktime", value, &[])?;
            Ok(epoch(seconds, nanos))
        }
        other => unfit("mktime", other, &[]),
    }),
    native!("strftime", 1, |value: &Value, arguments: &[Value]| format(
        "strftime",
        value,
        arguments,
        |_| 0
    )),
    native!("strflocaltime", 1, |value: &Value, arguments: &[Value]| {
        format("strflocaltime", value, arguments, local_offset)
    }),
    native!("strptime", 1, |value: &Value, arguments: &[Value]| {
        let (Value::String(text), Value::String(format)) = (value, &arguments[0]) else {
            return unfit("strptime", value, arguments);
        };
        match strftime::parse(text, format) {
            Ok(parsed) => {
                let seconds = parsed.wall_seconds - i64::from(parsed.offset.unwrap_or(0));
                let whole = seconds as f64 + f64::from(parsed.nanos) / 1e9;
                Ok(taken_apart(whole, 0))
            }
            Err(why) => within(error(why), "strptime", value, arguments),
        }
    }),
];

fn epoch(seconds: i64, nanos: u32) -> Value {
    Value::Float(seconds as f64 + f64::from(nanos) / 1e9)
}

/// Seconds east of UTC where this runs.
fn local_offset(seconds: i64) -> i32 {
    let at = Local.timestamp_opt(seconds, 0).single();
    at.map_or(0, |time| time.offset().fix().local_minus_utc())
}

/// Year, month from 0, day, hour, minute, second, weekday from Sunday and day of the year from 0.
fn taken_apart(seconds: f64, offset: i32) -> Value {
    let nanos = ((seconds - seconds.floor()) * 1e9) as u32;
    let civil = Civil::new(whole(seconds), nanos.min(999_999_999), offset, "");
    let second = f64::from(civil.second) + f64::from(civil.nanos) / 1e9;
    let int = |n: u32| Value::Int(n.into());
    vec![
        Value::Int(civil.year),
        int(civil.month - 1),
        int(civil.day),
        int(civil.hour),
        int(civil.minute),
        Value::Float(second),
        int(civil.weekday),
        int(civil.yearday - 1),
    ]
    .into()
}

/// The second that a time is in. What is before 1970 and has a fraction is rounded towards it, and its fraction counted from there.
fn whole(seconds: f64) -> i64 {
    seconds as i64
}

/// The time of an array as [`taken_apart`] makes it, as if it were UTC's. What is missing at its end is 0.
fn put_together(value: &Value) -> Result<(i64, u32)> {
    let Value::Array(array) = value else {
        return error("expected an array of 8 numbers");
    };
    let mut fields = [0i64; 8];
    let mut nanos = 0;
    for (at, (field, value)) in fields.iter_mut().zip(array.iter()).enumerate() {
        // Beyond this no time is one, and the arithmetic would overflow.
        const MOST: i64 = 1_000_000_000;
        match (at, float(&value)) {
            (5, Some(seconds)) => {
                *field = (seconds as i64).clamp(-MOST * 1000, MOST * 1000);
                nanos = ((seconds - seconds.floor()) * 1e9) as u32;
            }
            (_, Some(_)) => *field = int(&value).unwrap_or(0).clamp(-MOST, MOST),
            (_, None) => return error("expected an array of 8 numbers"),
        }
    }
    let [year, month, day, hour, minute, second, ..] = fields;
    Ok((
        unix_seconds(year, month + 1, day, hour, minute, second),
        nanos,
    ))
}

fn format(name: &str, value: &Value, arguments: &[Value], offset: impl Fn(i64) -> i32) -> Result {
    let apart;
    let value = match float(value) {
        Some(seconds) => {
            apart = taken_apart(seconds, offset(seconds as i64));
            &apart
        }
        None => value,
    };
    let (Value::Array(_), Value::String(format)) = (value, &arguments[0]) else {
        return unfit(name, value, arguments);
    };
    let (wall, nanos) = within(put_together(value), name, value, arguments)?;
    let offset = offset(wall);
    let zone = if offset == 0 { "UTC" } else { "" };
    let unix = wall - i64::from(offset);
    let civil = Civil::new(unix, nanos.min(999_999_999), offset, zone);
    let mut text = String::new();
    strftime::format(&civil, unix, format, &mut text);
    super::super::json::string(text)
}
