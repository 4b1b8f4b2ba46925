//! Times as Go sees them: a calendar for any 64-bit second, and layouts such as `2006-01-02T15:04:05Z07:00`.
//!
//! The rules are those of Go's `time` package, its error texts included, as mappings and the configs around them rely
//! on both. Which zone an instant is shown in is the caller's business: it brings offset and abbreviation.

use std::fmt::Write;

pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Seconds from the year that Go counts from, far in the past, to 1970.
const UNIX_TO_ABSOLUTE: u64 = 9_223_371_966_579_724_800 + 62_135_596_800;
const ABSOLUTE_YEAR: i64 = -292_277_022_399;

/// An instant taken apart into the fields of a wall clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Civil<'z> {
    pub year: i64,
    /// From 1 to 12.
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub nanos: u32,
    /// From 0 (Sunday).
    pub weekday: u32,
    /// From 1.
    pub yearday: u32,
    /// Seconds east of UTC.
    pub offset: i32,
    /// The zone's abbreviation; empty where it has none.
    pub zone: &'z str,
}

impl<'z> Civil<'z> {
    /// The wall clock at `seconds` since 1970, `offset` seconds east of UTC.
    pub fn new(seconds: i64, nanos: u32, offset: i32, zone: &'z str) -> Civil<'z> {
        let absolute = (seconds as u64)
            .wrapping_add(UNIX_TO_ABSOLUTE)
            .wrapping_add(i64::from(offset) as u64);
        let (days, in_day) = (absolute / 86_400, (absolute % 86_400) as u32);
        let weekday = ((days + 1) % 7) as u32;
        // 400 years have 146,097 days; the year that Go counts from starts such a period.
        let mut rest = days;
        let mut year = 400 * (rest / 146_097);
        rest %= 146_097;
        let centuries = (rest / 36_524).min(3);
        year += 100 * centuries;
        rest -= 36_524 * centuries;
        year += 4 * (rest / 1_461);
        rest %= 1_461;
        let years = (rest / 365).min(3);
        year += years;
        rest -= 365 * years;
        let year = (year as i64).wrapping_add(ABSOLUTE_YEAR);
        let yearday = rest as u32;
        let mut day = yearday;
        let mut month = 1;
        while day >= days_in(month, year) {
            day -= days_in(month, year);
            month += 1;
        }
        Civil {
            year,
            month,
            day: day + 1,
            hour: in_day / 3600,
            minute: in_day / 60 % 60,
            second: in_day % 60,
            nanos,
            weekday,
            yearday: yearday + 1,
            offset,
            zone,
        }
    }

    /// Appends the time in a layout.
    pub fn format(&self, layout: &str, out: &mut String) {
        let mut rest = layout;
        loop {
            let (before, part, after) = next_part(rest);
            out.push_str(before);
            let Some(part) = part else { return };
            rest = after;
            self.format_part(part, out);
        }
    }

    fn format_part(&self, part: Part, out: &mut String) {
        let hour12 = if self.hour.is_multiple_of(12) {
            12
        } else {
            self.hour % 12
        };
        let result = match part {
            Part::Year if self.year >= 0 => write!(out, "{:04}", self.year),
            Part::Year => write!(out, "-{:04}", self.year.unsigned_abs()),
            Part::Year2 => write!(out, "{:02}", self.year.rem_euclid(100)),
            Part::LongMonth => out.write_str(MONTHS[self.month as usize - 1]),
            Part::ShortMonth => out.write_str(&MONTHS[self.month as usize - 1][..3]),
            Part::Month => write!(out, "{}", self.month),
            Part::Month2 => write!(out, "{:02}", self.month),
            Part::LongWeekday => out.write_str(DAYS[self.weekday as usize]),
            Part::ShortWeekday => out.write_str(&DAYS[self.weekday as usize][..3]),
            Part::Day => write!(out, "{}", self.day),
            Part::DaySpaced => write!(out, "{:2}", self.day),
            Part::Day2 => write!(out, "{:02}", self.day),
            Part::YeardaySpaced => write!(out, "{:3}", self.yearday),
            Part::Yearday3 => write!(out, "{:03}", self.yearday),
            Part::Hour => write!(out, "{:02}", self.hour),
            Part::Hour12 => write!(out, "{hour12}"),
            Part::Hour122 => write!(out, "{hour12:02}"),
            Part::Minute => write!(out, "{}", self.minute),
            Part::Minute2 => write!(out, "{:02}", self.minute),
            Part::Second => write!(out, "{}", self.second),
            Part::Second2 => write!(out, "{:02}", self.second),
            Part::UpperPm => out.write_str(if self.hour >= 12 { "PM" } else { "AM" }),
            Part::LowerPm => out.write_str(if self.hour >= 12 { "pm" } else { "am" }),
            Part::Zone(zone) => {
                write_offset(self.offset, zone, out);
                Ok(())
            }
            Part::ZoneName if !self.zone.is_empty() => out.write_str(self.zone),
            Part::ZoneName => {
                write_offset(
                    self.offset,
                    if self.offset % 3600 == 0 {
                        Zone::Hours
                    } else {
                        Zone::HoursMinutes
                    },
                    out,
                );
                Ok(())
            }
            Part::Fraction {
                digits,
                trim,
                comma,
            } => {
                let mut text = format!("{:09}", self.nanos);
                text.truncate(digits);
                if trim {
                    text.truncate(text.trim_end_matches('0').len());
                }
                if !text.is_empty() {
                    out.push(if comma { ',' } else { '.' });
                    out.push_str(&text);
                }
                Ok(())
            }
        };
        result.expect("a string takes all that is written to it");
    }
}

/// The number of days in a month of the Gregorian calendar.
pub fn days_in(month: u32, year: i64) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Seconds since 1970 of a wall clock at UTC; months and days beyond their range carry over, as in Go's `Date`.
pub fn unix_seconds(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> i64 {
    let months = month - 1;
    let year = year + months.div_euclid(12);
    let month = months.rem_euclid(12) + 1;
    // Days from 1970 by counting years from March, so that the leap day is a year's last.
    let (y, m) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let days =
        365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day
            - 1
            - 719_468;
    days.wrapping_mul(86_400)
        .wrapping_add(hour * 3600 + minute * 60 + second)
}

fn write_offset(offset: i32, zone: Zone, out: &mut String) {
    if zone.is_z() && offset == 0 {
        out.push('Z');
        return;
    }
    let (sign, n) = if offset < 0 {
        ('-', -offset)
    } else {
        ('+', offset)
    };
    let (hours, minutes, seconds) = (n / 3600, n / 60 % 60, n % 60);
    let result = match zone {
        Zone::Hours | Zone::ZHours => write!(out, "{sign}{hours:02}"),
        Zone::HoursMinutes | Zone::ZHoursMinutes => write!(out, "{sign}{hours:02}{minutes:02}"),
        Zone::Colon | Zone::ZColon => write!(out, "{sign}{hours:02}:{minutes:02}"),
        Zone::Seconds | Zone::ZSeconds => write!(out, "{sign}{hours:02}{minutes:02}{seconds:02}"),
        Zone::ColonSeconds | Zone::ZColonSeconds => {
            write!(out, "{sign}{hours:02}:{minutes:02}:{seconds:02}")
        }
    };
    result.expect("a string takes all that is written to it");
}

/// The forms in which a layout gives an offset; those with a `Z` write UTC as that letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    Hours,
    HoursMinutes,
    Colon,
    Seconds,
    ColonSeconds,
    ZHours,
    ZHoursMinutes,
    ZColon,
    ZSeconds,
    ZColonSeconds,
}

impl Zone {
    fn is_z(self) -> bool {
        matches!(
            self,
            Zone::ZHours
                | Zone::ZHoursMinutes
                | Zone::ZColon
                | Zone::ZSeconds
                | Zone::ZColonSeconds
        )
    }
}

/// One field of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year,
    Year2,
    LongMonth,
    ShortMonth,
    Month,
    Month2,
    LongWeekday,
    ShortWeekday,
    Day,
    DaySpaced,
    Day2,
    YeardaySpaced,
    Yearday3,
    Hour,
    Hour12,
    Hour122,
    Minute,
    Minute2,
    Second,
    Second2,
    UpperPm,
    LowerPm,
    Zone(Zone),
    ZoneName,
    Fraction {
        digits: usize,
        trim: bool,
        comma: bool,
    },
}

/// The text before the next field of a layout, the field, and the rest.
fn next_part(layout: &str) -> (&str, Option<Part>, &str) {
    const FIXED: &[(&str, Part)] = &[
        ("January", Part::LongMonth),
        ("Jan", Part::ShortMonth),
        ("Monday", Part::LongWeekday),
        ("Mon", Part::ShortWeekday),
        ("MST", Part::ZoneName),
        ("01", Part::Month2),
        ("02", Part::Day2),
        ("03", Part::Hour122),
        ("04", Part::Minute2),
        ("05", Part::Second2),
        ("06", Part::Year2),
        ("002", Part::Yearday3),
        ("15", Part::Hour),
        ("1", Part::Month),
        ("2006", Part::Year),
        ("2", Part::Day),
        ("__2", Part::YeardaySpaced),
        ("_2", Part::DaySpaced),
        ("3", Part::Hour12),
        ("4", Part::Minute),
        ("5", Part::Second),
        ("PM", Part::UpperPm),
        ("pm", Part::LowerPm),
        ("-070000", Part::Zone(Zone::Seconds)),
        ("-07:00:00", Part::Zone(Zone::ColonSeconds)),
        ("-0700", Part::Zone(Zone::HoursMinutes)),
        ("-07:00", Part::Zone(Zone::Colon)),
        ("-07", Part::Zone(Zone::Hours)),
        ("Z070000", Part::Zone(Zone::ZSeconds)),
        ("Z07:00:00", Part::Zone(Zone::ZColonSeconds)),
        ("Z0700", Part::Zone(Zone::ZHoursMinutes)),
        ("Z07:00", Part::Zone(Zone::ZColon)),
        ("Z07", Part::Zone(Zone::ZHours)),
    ];
    let bytes = layout.as_bytes();
    for at in 0..bytes.len() {
        // `_2006` is a literal underscore and a year.
        if layout[..].is_char_boundary(at) && layout[at..].starts_with("_2006") {
            return (&layout[..at + 1], Some(Part::Year), &layout[at + 5..]);
        }
        let rest = &bytes[at..];
        // Layouts are read for every time, and most bytes begin no field: the first byte is compared before the rest.
        for (text, part) in FIXED {
            if text.as_bytes()[0] == rest[0] && rest.starts_with(text.as_bytes()) {
                let next_is_lower = rest.get(text.len()).is_some_and(u8::is_ascii_lowercase);
                // `Janet` and `Month` are words, not fields.
                if (*text == "Jan" || *text == "Mon") && next_is_lower {
                    continue;
                }
                return (&layout[..at], Some(*part), &layout[at + text.len()..]);
            }
        }
        if (rest[0] == b'.' || rest[0] == b',')
            && rest.get(1).is_some_and(|c| *c == b'0' || *c == b'9')
        {
            let digit = rest[1];
            let digits = rest[1..].iter().take_while(|c| **c == digit).count();
            if !rest.get(1 + digits).is_some_and(u8::is_ascii_digit) {
                let part = Part::Fraction {
                    digits,
                    trim: digit == b'9',
                    comma: rest[0] == b',',
                };
                return (&layout[..at], Some(part), &layout[at + 1 + digits..]);
            }
        }
    }
    (layout, None, "")
}

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
pub fn parse(layout: &str, value: &str) -> Result<Parsed, String> {
    let fail = |layout_part: &str, value_part: &str| {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quote(value),
            quote(layout),
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
    let (mut layout_rest, mut rest) = (layout, value);
    loop {
        let (before, part, after) = next_part(layout_rest);
        let part_text = &layout_rest[before.len()..layout_rest.len() - after.len()];
        rest = skip(rest, before).ok_or_else(|| fail(before, rest))?;
        let Some(part) = part else {
            if !rest.is_empty() {
                return Err(format!(
                    "parsing time {} as {}: extra text: {}",
                    quote(value),
                    quote(layout),
                    quote(rest)
                ));
            }
            break;
        };
        layout_rest = after;
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
                    && !matches!(next_part(layout_rest).1, Some(Part::Fraction { .. }))
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
pub(super) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(byte as char);
            }
            0x20..=0x7e => out.push(byte as char),
            _ => write!(out, "\\x{byte:02x}").expect("a string takes all that is written to it"),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(seconds: i64, nanos: u32, layout: &str) -> String {
        let mut out = String::new();
        Civil::new(seconds, nanos, 0, "UTC").format(layout, &mut out);
        out
    }

    #[test]
    fn any_second_has_a_date() {
        const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";
        assert_eq!(show(0, 0, LAYOUT), "1970-01-01T00:00:00Z");
        assert_eq!(show(-1, 0, LAYOUT), "1969-12-31T23:59:59Z");
        assert_eq!(
            show(951_782_400, 0, "2006-01-02 Mon 002"),
            "2000-02-29 Tue 060"
        );
        assert_eq!(show(i64::MAX, 0, LAYOUT), "292277026596-12-04T15:30:07Z");
        assert_eq!(show(i64::MIN, 0, LAYOUT), "292277026596-12-04T15:30:08Z");
    }

    #[test]
    fn layouts_write_their_fields() {
        let text = show(
            1_597_384_463,
            123_456_000,
            "Monday January _2 06 3:04PM .000 .999999999 -0700 MST",
        );
        assert_eq!(text, "Friday August 14 20 5:54AM .123 .123456 +0000 UTC");
        assert_eq!(
            show(0, 0, "002 1 01 Jan 3 .000000 ,999"),
            "001 1 01 Jan 12 .000000 "
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let layout = "Mon Jan _2 15:04:05.999 2006 -07:00";
        let parsed = parse(layout, "Fri Aug 14 05:54:23.123 2020 +02:00").expect("valid");
        assert_eq!(
            (parsed.wall_seconds, parsed.nanos, parsed.offset),
            (1_597_384_463, 123_000_000, Some(7200))
        );
        let noon = parse("2006-01-02 03:04 PM", "2020-08-14 12:00 AM").expect("valid");
        assert_eq!(noon.wall_seconds % 86_400, 0);
    }

    #[test]
    fn faults_are_worded_as_go_words_them() {
        let error = |layout, value| parse(layout, value).expect_err("a fault");
        assert_eq!(
            error("2006-01-02", "a"),
            r#"parsing time "a" as "2006-01-02": cannot parse "a" as "2006""#
        );
        assert_eq!(
            error("2006-01-02", "2020-13-01"),
            r#"parsing time "2020-13-01": month out of range"#
        );
        assert_eq!(
            error("2006-01-02", "2021-02-29"),
            r#"parsing time "2021-02-29": day out of range"#
        );
        assert_eq!(
            error("2006", "2020x"),
            r#"parsing time "2020x" as "2006": extra text: "x""#
        );
        assert_eq!(
            error("2006", "é"),
            r#"parsing time "\xc3\xa9" as "2006": cannot parse "\xc3\xa9" as "2006""#
        );
    }
}
