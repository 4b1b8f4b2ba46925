//! Times read by a layout.

use std::{fmt::Write, ops::Range};

use super::{DAYS, Layout, MONTHS, Part, Zone, days_in, is_leap, unix_seconds};

/// A parsed time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Seconds since 1970 as if the wall clock were UTC's.
    pub wall_seconds: i64,
    pub nanos: u32,
    /// Seconds east of UTC, if the text said so.
    pub offset: Option<i32>,
    /// The zone's abbreviation, if the text gave one.
    pub zone: Option<String>,
}

/// Parses `value` by a layout. The error is worded as Go words it.
pub fn parse(layout: &Layout, value: &str) -> Result<Parsed, String> {
    let text_of = |range: &Range<usize>| &layout.text[range.clone()];
    let fail = |layout_part: &str, value_part: &str| {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quote(value),
            quote(&layout.text),
            quote(value_part),
            quote(layout_part)
        )
    };
    let out_of_range = |what: &str| format!("parsing time {}: {what} out of range", quote(value));
    let (mut year, mut month, mut day, mut yearday) = (0i64, None::<i64>, None::<i64>, None::<i64>);
    let (mut hour, mut minute, mut second, mut nanos) = (0i64, 0i64, 0i64, 0u32);
    let (mut pm, mut am) = (false, false);
    let (mut offset, mut zone) = (None, None);
    let mut range = None::<&str>;
    let mut rest = value;
    for (index, field) in layout.fields.iter().enumerate() {
        let (before, part, part_text) = (text_of(&field.before), field.part, text_of(&field.text));
        rest = skip(rest, before).ok_or_else(|| fail(before, rest))?;
        let hold = rest;
        let bad = || fail(part_text, hold);
        match part {
            Part::Year => {
                let text = rest
                    .get(..4)
                    .filter(|t| t.bytes().all(|b| b.is_ascii_digit()))
                    .ok_or_else(bad)?;
                year = text.parse().map_err(|_| bad())?;
                rest = &rest[4..];
            }
            Part::Year2 => {
                let text = rest
                    .get(..2)
                    .filter(|t| t.bytes().all(|b| b.is_ascii_digit()))
                    .ok_or_else(bad)?;
                year = text.parse().map_err(|_| bad())?;
                year += if year >= 69 { 1900 } else { 2000 };
                rest = &rest[2..];
            }
            Part::LongMonth | Part::ShortMonth => {
                let index = lookup(&MONTHS, part == Part::ShortMonth, &mut rest).ok_or_else(bad)?;
                month = Some(index as i64 + 1);
            }
            Part::LongWeekday | Part::ShortWeekday => {
                lookup(&DAYS, part == Part::ShortWeekday, &mut rest).ok_or_else(bad)?;
            }
            Part::Month | Part::Month2 => {
                let n = digits(&mut rest, part == Part::Month2).ok_or_else(bad)?;
                if n == 0 || n > 12 {
                    range = range.or(Some("month"));
                }
                month = Some(n);
            }
            Part::Day | Part::DaySpaced | Part::Day2 => {
                if part == Part::DaySpaced && rest.starts_with(' ') {
                    rest = &rest[1..];
                }
                day = Some(digits(&mut rest, part == Part::Day2).ok_or_else(bad)?);
            }
            Part::YeardaySpaced | Part::Yearday3 => {
                if part == Part::YeardaySpaced {
                    rest = rest.trim_start_matches(' ');
                }
                let count = if part == Part::Yearday3 {
                    3
                } else {
                    rest.bytes().take(3).take_while(u8::is_ascii_digit).count()
                };
                let text = rest
                    .get(..count)
                    .filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()))
                    .ok_or_else(bad)?;
                yearday = text.parse().ok();
                rest = &rest[count..];
            }
            Part::Hour => {
                hour = digits(&mut rest, false).ok_or_else(bad)?;
                if hour > 23 {
                    range = range.or(Some("hour"));
                }
            }
            Part::Hour12 | Part::Hour122 => {
                hour = digits(&mut rest, part == Part::Hour122).ok_or_else(bad)?;
                if hour > 12 {
                    range = range.or(Some("hour"));
                }
            }
            Part::Minute | Part::Minute2 => {
                minute = digits(&mut rest, part == Part::Minute2).ok_or_else(bad)?;
                if minute > 59 {
                    range = range.or(Some("minute"));
                }
            }
            Part::Second | Part::Second2 => {
                second = digits(&mut rest, part == Part::Second2).ok_or_else(bad)?;
                if second > 59 {
                    range = range.or(Some("second"));
                } else if rest.starts_with(['.', ','])
                    && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
                    && !layout
                        .fields
                        .get(index + 1)
                        .is_some_and(|f| matches!(f.part, Part::Fraction { .. }))
                {
                    // A fraction may follow the seconds even where the layout has none.
                    let count = rest.bytes().skip(1).take_while(u8::is_ascii_digit).count();
                    nanos = fraction(&rest[1..1 + count]);
                    rest = &rest[1 + count..];
                }
            }
            Part::UpperPm | Part::LowerPm => {
                let text = rest.get(..2).ok_or_else(bad)?;
                match text {
                    "PM" | "pm" if (part == Part::UpperPm) == (text == "PM") => pm = true,
                    "AM" | "am" if (part == Part::UpperPm) == (text == "AM") => am = true,
                    _ => return Err(bad()),
                }
                rest = &rest[2..];
            }
            Part::Zone(form) => {
                if form.is_z() && rest.starts_with('Z') {
                    rest = &rest[1..];
                    offset = Some(0);
                    zone = Some("UTC".to_owned());
                } else {
                    let (seconds, used) = parse_offset(form, rest).ok_or_else(bad)?;
                    match seconds {
                        Ok(s) => offset = Some(s),
                        Err(what) => range = range.or(Some(what)),
                    }
                    rest = &rest[used..];
                }
            }
            Part::ZoneName => {
                if let Some(after) = rest.strip_prefix("UTC") {
                    offset = Some(0);
                    zone = Some("UTC".to_owned());
                    rest = after;
                } else {
                    let length = zone_name_length(rest).ok_or_else(bad)?;
                    zone = Some(rest[..length].to_owned());
                    rest = &rest[length..];
                }
            }
            Part::Fraction {
                digits: count,
                trim: false,
                ..
            } => {
                let text = rest
                    .get(1..1 + count)
                    .filter(|t| {
                        rest.starts_with(['.', ',']) && t.bytes().all(|b| b.is_ascii_digit())
                    })
                    .ok_or_else(bad)?;
                nanos = fraction(text);
                rest = &rest[1 + count..];
            }
            Part::Fraction { trim: true, .. } => {
                if rest.starts_with(['.', ','])
                    && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
                {
                    let count = rest.bytes().skip(1).take_while(u8::is_ascii_digit).count();
                    nanos = fraction(&rest[1..1 + count]);
                    rest = &rest[1 + count..];
                }
            }
        }
        if let Some(what) = range {
            return Err(out_of_range(what));
        }
    }
    let tail = &layout.text[layout.tail..];
    rest = skip(rest, tail).ok_or_else(|| fail(tail, rest))?;
    if !rest.is_empty() {
        return Err(format!(
            "parsing time {}: extra text: {}",
            quote(value),
            quote(rest)
        ));
    }
    if pm && hour < 12 {
        hour += 12;
    } else if am && hour == 12 {
        hour = 0;
    }
    if let Some(n) = yearday {
        let length = if is_leap(year) { 366 } else { 365 };
        if n < 1 || n > length {
            return Err(out_of_range("day-of-year"));
        }
        let mut left = n;
        let mut m = 1;
        while left > i64::from(days_in(m, year)) {
            left -= i64::from(days_in(m, year));
            m += 1;
        }
        if month.is_some_and(|x| x != i64::from(m)) || day.is_some_and(|d| d != left) {
            return Err(format!(
                "parsing time {}: day-of-year does not match {}",
                quote(value),
                if month.is_some_and(|x| x != i64::from(m)) {
                    "month"
                } else {
                    "day"
                }
            ));
        }
        (month, day) = (Some(i64::from(m)), Some(left));
    }
    let (month, day) = (month.unwrap_or(1), day.unwrap_or(1));
    if day < 1 || day > i64::from(days_in(month as u32, year)) {
        return Err(out_of_range("day"));
    }
    Ok(Parsed {
        wall_seconds: unix_seconds(year, month, day, hour, minute, second),
        nanos,
        offset,
        zone,
    })
}

/// Takes literal text of a layout off a value; a run of spaces in the layout matches any run, or none at its end.
fn skip<'v>(mut value: &'v str, mut prefix: &str) -> Option<&'v str> {
    while let Some(first) = prefix.chars().next() {
        if first == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return None;
            }
            prefix = prefix.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
            continue;
        }
        value = value.strip_prefix(first)?;
        prefix = &prefix[first.len_utf8()..];
    }
    Some(value)
}

/// Takes a name of a table, in any case, off a value.
fn lookup(table: &[&str], short: bool, value: &mut &str) -> Option<usize> {
    for (i, name) in table.iter().enumerate() {
        let name = if short { &name[..3] } else { name };
        if value
            .get(..name.len())
            .is_some_and(|v| v.eq_ignore_ascii_case(name))
        {
            *value = &value[name.len()..];
            return Some(i);
        }
    }
    None
}

/// Takes one or two digits off a value; exactly two if `fixed`.
fn digits(value: &mut &str, fixed: bool) -> Option<i64> {
    let count = value.bytes().take(2).take_while(u8::is_ascii_digit).count();
    if count == 0 || fixed && count == 1 {
        return None;
    }
    let number = value[..count].parse().ok();
    *value = &value[count..];
    number
}

/// Nanoseconds of a decimal fraction's digits; those beyond the ninth are dropped.
fn fraction(digits: &str) -> u32 {
    let digits = &digits[..digits.len().min(9)];
    digits.parse::<u32>().unwrap_or(0) * 10u32.pow(9 - digits.len() as u32)
}

/// An offset in one of its forms, or what of it is out of range, and the number of bytes that it took.
fn parse_offset(form: Zone, value: &str) -> Option<(Result<i32, &'static str>, usize)> {
    let pattern: &[u8] = match form {
        Zone::Hours | Zone::ZHours => b"shh",
        Zone::HoursMinutes | Zone::ZHoursMinutes => b"shhmm",
        Zone::Colon | Zone::ZColon => b"shh:mm",
        Zone::Seconds | Zone::ZSeconds => b"shhmmss",
        Zone::ColonSeconds | Zone::ZColonSeconds => b"shh:mm:ss",
    };
    let bytes = value.as_bytes().get(..pattern.len())?;
    let (mut parts, mut group, mut last) = ([0i32; 3], 0, b's');
    let sign = match bytes[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    for (kind, byte) in pattern.iter().zip(bytes).skip(1) {
        if *kind == b':' {
            if *byte != b':' {
                return None;
            }
            continue;
        }
        if *kind != last && last != b's' {
            group += 1;
        }
        last = *kind;
        if !byte.is_ascii_digit() {
            return None;
        }
        parts[group] = parts[group] * 10 + i32::from(byte - b'0');
    }
    let [hours, minutes, seconds] = parts;
    let result = if hours > 24 {
        Err("time zone offset hour")
    } else if minutes > 60 {
        Err("time zone offset minute")
    } else if seconds > 60 {
        Err("time zone offset second")
    } else {
        Ok(sign * (hours * 3600 + minutes * 60 + seconds))
    };
    Some((result, pattern.len()))
}

/// The length of the zone abbreviation that a value starts with: three or four capitals, `GMT+3`, or a signed offset.
fn zone_name_length(value: &str) -> Option<usize> {
    let signed = |text: &str| -> Option<usize> {
        let count = text.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        let hours: i32 = text.get(1..1 + count)?.parse().ok()?;
        (text.starts_with(['+', '-']) && hours <= 23).then_some(1 + count)
    };
    if value.len() < 3 {
        return None;
    }
    if value.starts_with("ChST") || value.starts_with("MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix("GMT") {
        return Some(3 + signed(rest).unwrap_or(0));
    }
    if value.starts_with(['+', '-']) {
        return signed(value);
    }
    match value
        .bytes()
        .take(6)
        .take_while(u8::is_ascii_uppercase)
        .count()
    {
        3 => Some(3),
        4 if value.as_bytes()[3] == b'T' || value.starts_with("WITA") => Some(4),
        5 if value.as_bytes()[4] == b'T' => Some(5),
        _ => None,
    }
}

/// A string in quotes as Go's time errors write it: anything beyond ASCII as bytes.
pub(in crate::formats) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(byte as char);
            }
            0x20..=0x7f => out.push(byte as char),
            _ => write!(out, "\\x{byte:02x}").expect("a string takes all that is written to it"),
        }
    }
    out.push('"');
    out
}
