//! Sprig's functions on numbers and times.

use super::call::{Held, functions, is_true, shown};
use crate::formats::{
    duration, go_num,
    go_time::{Layout, parse},
};
use crate::value::{Timestamp, Value, Zone};
use std::sync::Arc;

functions! {
    "int" (Any) |a| Ok(Value::Int(int(a[0].get())));
    "int64" (Any) |a| Ok(Value::Int(int(a[0].get())));
    "float64" (Any) |a| Ok(Value::Float(float(a[0].get())));
    "atoi" (Text) |a| Ok(Value::Int(a[0].text().parse().unwrap_or(0)));
    "toDecimal" (Any) |a| Ok(Value::Int(i64::from_str_radix(&a[0].shown(), 8).unwrap_or(0)));
    "add1" (Any) |a| Ok(Value::Int(int(a[0].get()).wrapping_add(1)));
    "add" (; Any) |a| Ok(Value::Int(a.iter().fold(0, |sum, n| sum.wrapping_add(int(n.get())))));
    "sub" (Any, Any) |a| Ok(Value::Int(int(a[0].get()).wrapping_sub(int(a[1].get()))));
    "mul" (Any; Any) |a| Ok(Value::Int(a.iter().fold(1, |product, n| product.wrapping_mul(int(n.get())))));
    "div" (Any, Any) |a| divide(a, i64::wrapping_div);
    "mod" (Any, Any) |a| divide(a, i64::wrapping_rem);
    "add1f" (Any) |a| Ok(Value::Float(exact(float(a[0].get()) + 1.0)));
    "addf" (; Any) |a| Ok(fold(0.0, a, |x, y| x + y));
    "subf" (Any; Any) |a| Ok(fold(float(a[0].get()), &a[1..], |x, y| x - y));
    "mulf" (Any; Any) |a| Ok(fold(float(a[0].get()), &a[1..], |x, y| x * y));
    "divf" (Any; Any) |a| match a[1..].iter().any(|n| float(n.get()) == 0.0) {
        true => Err("decimal division by 0".into()),
        false => Ok(fold(float(a[0].get()), &a[1..], |x, y| x / y)),
    };
    "max" (Any; Any) |a| Ok(Value::Int(a.iter().map(|n| int(n.get())).max().unwrap_or(0)));
    "biggest" (Any; Any) |a| Ok(Value::Int(a.iter().map(|n| int(n.get())).max().unwrap_or(0)));
    "min" (Any; Any) |a| Ok(Value::Int(a.iter().map(|n| int(n.get())).min().unwrap_or(0)));
    "maxf" (Any; Any) |a| Ok(Value::Float(a.iter().map(|n| float(n.get())).fold(f64::NEG_INFINITY, f64::max)));
    "minf" (Any; Any) |a| Ok(Value::Float(a.iter().map(|n| float(n.get())).fold(f64::INFINITY, f64::min)));
    "ceil" (Any) |a| Ok(Value::Float(float(a[0].get()).ceil()));
    "floor" (Any) |a| Ok(Value::Float(float(a[0].get()).floor()));
    "round" (Any, Int; Float) |a| Ok(round(a));
    "until" (Int) |a| {
        let count = a[0].int();
        steps(0, count, if count < 0 { -1 } else { 1 }).map(Value::from)
    };
    "untilStep" (Int, Int, Int) |a| steps(a[0].int(), a[1].int(), a[2].int()).map(Value::from);
    "seq" (; Int) |a| sequence(a);
    "now" () |_| Ok(now().into());
    "date" (Text, Any) |a| Ok(dated(a[0].text(), a[1].get(), "Local").into());
    "date_in_zone" (Text, Any, Text) |a| Ok(dated(a[0].text(), a[1].get(), a[2].text()).into());
    "dateInZone" (Text, Any, Text) |a| Ok(dated(a[0].text(), a[1].get(), a[2].text()).into());
    "htmlDate" (Any) |a| Ok(dated("2006-01-02", a[0].get(), "Local").into());
    "htmlDateInZone" (Any, Text) |a| Ok(dated("2006-01-02", a[0].get(), a[1].text()).into());
    "date_modify" (Text, Time) |a| Ok(moved(a).unwrap_or_else(|_| a[1].get().clone()));
    "dateModify" (Text, Time) |a| Ok(moved(a).unwrap_or_else(|_| a[1].get().clone()));
    "must_date_modify" (Text, Time) |a| moved(a);
    "mustDateModify" (Text, Time) |a| moved(a);
    "toDate" (Text, Text) |a| Ok(read(a).unwrap_or_else(|_| Timestamp::new(-crate::value::YEAR_ONE_TO_UNIX, 0, Zone::Utc).into()));
    "mustToDate" (Text, Text) |a| read(a);
    "unixEpoch" (Time) |a| match a[0].get() {
        Value::Timestamp(time) => Ok(time.seconds().to_string().into()),
        _ => Ok("".into()),
    };
    "ago" (Any) |a| {
        let seconds = now().since(&time(a[0].get())).wrapping_add(500_000_000) / 1_000_000_000;
        Ok(go_seconds(seconds).into())
    };
    "duration" (Any) |a| Ok(go_seconds(match a[0].get() {
        Value::String(text) => text.parse().unwrap_or(0),
        Value::Int(n) => *n,
        _ => 0,
    }).into());
    "durationRound" (Any) |a| Ok(rounded(match a[0].get() {
        Value::String(text) => duration::parse(text).unwrap_or(0),
        Value::Int(n) => *n,
        Value::Timestamp(time) => now().since(time),
        _ => 0,
    }).into());
    "ternary" (Any, Any, Bool) |a| Ok(a[usize::from(!is_true(a[2].get()))].get().clone());
}

/// A whole number of anything; 0 where there is none.
pub(super) fn int(value: &Value) -> i64 {
    match value {
        Value::Int(n) => *n,
        Value::Uint(n) => *n as i64,
        Value::Float(n) => *n as i64,
        Value::Bool(b) => i64::from(*b),
        Value::String(_) | Value::Number(_) => {
            let text = shown(value);
            // Zeros behind the point are no reason not to be a whole number.
            let whole = match text.split_once('.') {
                Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => {
                    whole
                }
                _ => &text,
            };
            go_num::parse_int(whole).unwrap_or(0)
        }
        _ => 0,
    }
}

/// A number of anything; 0 where there is none.
pub(super) fn float(value: &Value) -> f64 {
    match value {
        Value::Int(n) => *n as f64,
        Value::Uint(n) => *n as f64,
        Value::Float(n) => *n,
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::String(_) | Value::Number(_) => go_num::parse_float(&shown(value)).unwrap_or(0.0),
        _ => 0.0,
    }
}

fn divide(args: &[Held], divide: fn(i64, i64) -> i64) -> Result<Value, String> {
    match int(args[1].get()) {
        0 => Err("runtime error: integer divide by zero".into()),
        by => Ok(Value::Int(divide(int(args[0].get()), by))),
    }
}

/// Numbers as decimal arithmetic would give them: 0.1 + 0.2 is 0.3.
fn exact(number: f64) -> f64 {
    format!("{number:.15e}").parse().unwrap_or(number)
}

fn fold(start: f64, args: &[Held], step: fn(f64, f64) -> f64) -> Value {
    let next = |sum: f64, n: &Held| exact(step(sum, float(n.get())));
    Value::Float(args.iter().fold(start, next))
}

fn round(args: &[Held]) -> Value {
    let on = args.get(2).map_or(0.5, |n| float(n.get()));
    let places = i32::try_from(args[1].int()).unwrap_or(0);
    let power = 10f64.powi(places);
    let digits = power * float(args[0].get());
    let rounded = match digits.fract() >= on {
        true => digits.ceil(),
        false => digits.floor(),
    };
    Value::Float(rounded / power)
}

/// The longest list of numbers.
const MAX_STEPS: usize = 1_000_000;

fn steps(start: i64, stop: i64, step: i64) -> Result<Vec<Value>, String> {
    let mut out = Vec::new();
    let mut at = start;
    while step > 0 && at < stop || step < 0 && stop < start && at > stop {
        if out.len() >= MAX_STEPS {
            return Err(format!("more than {MAX_STEPS} numbers"));
        }
        out.push(Value::Int(at));
        let Some(next) = at.checked_add(step) else {
            break;
        };
        at = next;
    }
    Ok(out)
}

fn sequence(args: &[Held]) -> Result<Value, String> {
    let direction = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, end, step) = match args {
        [end] => (1, end.int(), direction(1, end.int())),
        [start, end] => (start.int(), end.int(), direction(start.int(), end.int())),
        [start, step, end] => {
            if end.int() < start.int() && step.int() > 0 {
                return Ok("".into());
            }
            (start.int(), end.int(), step.int())
        }
        _ => return Ok("".into()),
    };
    let stop = end.saturating_add(direction(start, end));
    let numbers = steps(start, stop, step)?;
    let texts: Vec<String> = numbers.iter().map(|n| shown(n).into_owned()).collect();
    Ok(texts.join(" ").into())
}

fn now() -> Timestamp {
    Timestamp::from_system(std::time::SystemTime::now())
}

fn time(value: &Value) -> Timestamp {
    match value {
        Value::Timestamp(time) => time.clone(),
        Value::Int(seconds) => Timestamp::new(*seconds, 0, Zone::Utc),
        _ => now(),
    }
}

fn dated(layout: &str, value: &Value, zone: &str) -> String {
    let zone = match zone {
        "" | "UTC" | "Local" => Zone::Utc,
        name => name.parse().map_or(Zone::Utc, Zone::Named),
    };
    time(value).in_zone(zone).format(&Layout::new(layout))
}

fn moved(args: &[Held]) -> Result<Value, String> {
    let by = duration::parse(args[0].text())?;
    Ok(time(args[1].get()).plus_nanos(by).into())
}

fn read(args: &[Held]) -> Result<Value, String> {
    let parsed = parse(&Layout::new(args[0].text()), args[1].text())?;
    let offset = parsed.offset.unwrap_or(0);
    let zone = match offset {
        0 => Zone::Utc,
        _ => Zone::Fixed(offset, parsed.zone.map(Arc::from)),
    };
    let seconds = parsed.wall_seconds - i64::from(offset);
    Ok(Timestamp::new(seconds, i64::from(parsed.nanos), zone).into())
}

/// Seconds as Go shows a duration.
fn go_seconds(seconds: i64) -> String {
    let shown = duration::show(std::time::Duration::from_secs(seconds.unsigned_abs()));
    match seconds < 0 {
        true => format!("-{shown}"),
        false => shown,
    }
}

/// The largest unit that fits, with how many of it.
fn rounded(nanos: i64) -> String {
    const SECOND: u64 = 1_000_000_000;
    let units = [
        ("y", SECOND * 3600 * 24 * 365),
        ("mo", SECOND * 3600 * 24 * 30),
        ("d", SECOND * 3600 * 24),
        ("h", SECOND * 3600),
        ("m", SECOND * 60),
        ("s", SECOND),
    ];
    let nanos = nanos.unsigned_abs();
    let found = units.iter().find(|(_, unit)| nanos > *unit);
    found.map_or("0s".into(), |(name, unit)| {
        format!("{}{name}", nanos / unit)
    })
}
