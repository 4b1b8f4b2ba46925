//! Times as Go sees them: a calendar for any 64-bit second, and layouts such as `2006-01-02T15:04:05Z07:00`.
//!
//! The rules are those of Go's `time` package, its error texts included, as mappings and the configs around them rely
//! on both. Which zone an instant is shown in is the caller's business: it brings offset and abbreviation.

mod parse;

pub(super) use parse::quote;
pub use parse::{Parsed, parse};

use std::{fmt::Write, ops::Range};

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
    pub fn format(&self, layout: &Layout, out: &mut String) {
        for field in &layout.fields {
            out.push_str(&layout.text[field.before.clone()]);
            self.format_part(field.part, out);
        }
        out.push_str(&layout.text[layout.tail..]);
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
                write_offset(self.offset, Zone::HoursMinutes, out);
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

/// A layout, taken apart once for all the times that are read and written by it.
#[derive(Clone, Debug)]
pub struct Layout {
    text: Box<str>,
    fields: Vec<Field>,
    /// Where the text behind the last field begins.
    tail: usize,
}

#[derive(Clone, Debug)]
struct Field {
    /// The text between the field before and this one.
    before: Range<usize>,
    part: Part,
    /// The field's own text.
    text: Range<usize>,
}

impl Layout {
    pub fn new(text: &str) -> Layout {
        let mut fields = Vec::new();
        let mut tail = 0;
        while let (before, Some(part), after) = next_part(&text[tail..]) {
            let start = tail + before.len();
            let end = text.len() - after.len();
            fields.push(Field {
                before: tail..start,
                part,
                text: start..end,
            });
            tail = end;
        }
        Layout {
            text: text.into(),
            fields,
            tail,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn show(seconds: i64, nanos: u32, layout: &str) -> String {
        let mut out = String::new();
        Civil::new(seconds, nanos, 0, "UTC").format(&Layout::new(layout), &mut out);
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
        let parsed =
            parse(&Layout::new(layout), "Fri Aug 14 05:54:23.123 2020 +02:00").expect("valid");
        assert_eq!(
            (parsed.wall_seconds, parsed.nanos, parsed.offset),
            (1_597_384_463, 123_000_000, Some(7200))
        );
        let noon =
            parse(&Layout::new("2006-01-02 03:04 PM"), "2020-08-14 12:00 AM").expect("valid");
        assert_eq!(noon.wall_seconds % 86_400, 0);
    }

    #[test]
    fn faults_are_worded_as_go_words_them() {
        let error = |layout, value| parse(&Layout::new(layout), value).expect_err("a fault");
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
            r#"parsing time "2020x": extra text: "x""#
        );
        assert_eq!(
            error("2006", "é"),
            r#"parsing time "\xc3\xa9" as "2006": cannot parse "\xc3\xa9" as "2006""#
        );
    }
}
