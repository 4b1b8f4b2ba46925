//! `strftime` and `strptime`: times by directives such as `%Y-%m-%d`.

use super::go_quote::{quote, quote_char};
use super::go_time::{Civil, DAYS, Layout, MONTHS, days_in, unix_seconds};
use std::fmt::Write;

/// Appends a time by a format. Unknown directives are written as they stand.
pub fn format(time: &Civil<'_>, unix_seconds: i64, format: &str, out: &mut String) {
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut padding = None;
        let mut upper = false;
        let mut directive = chars.next();
        while let Some(flag @ ('-' | '_' | '0' | '^' | ':')) = directive {
            match flag {
                '^' => upper = true,
                _ => padding = Some(flag),
            }
            directive = chars.next();
        }
        let Some(directive) = directive else {
            out.push('%');
            return;
        };
        let start = out.len();
        write_directive(time, unix_seconds, directive, padding, out);
        if upper {
            let text = out.split_off(start).to_uppercase();
            out.push_str(&text);
        }
    }
}

fn write_directive(
    time: &Civil<'_>,
    unix: i64,
    directive: char,
    padding: Option<char>,
    out: &mut String,
) {
    let mut number = |n: i64, width: usize, pad: char| {
        let result = match padding.unwrap_or(pad) {
            '-' => write!(out, "{n}"),
            '_' => write!(out, "{n:width$}"),
            _ => write!(out, "{n:0width$}"),
        };
        result.expect("a string takes all that is written to it");
    };
    let hour12 = if time.hour.is_multiple_of(12) {
        12
    } else {
        time.hour % 12
    };
    let weekday = i64::from(time.weekday);
    let yearday = i64::from(time.yearday) - 1;
    let (iso_year, iso_week) = iso_week(time);
    match directive {
        'Y' => number(time.year, 4, '0'),
        'C' => number(time.year.div_euclid(100), 2, '0'),
        'y' => number(time.year.rem_euclid(100), 2, '0'),
        'm' => number(i64::from(time.month), 2, '0'),
        'd' => number(i64::from(time.day), 2, '0'),
        'e' => number(i64::from(time.day), 2, '_'),
        'H' => number(i64::from(time.hour), 2, '0'),
        'k' => number(i64::from(time.hour), 2, '_'),
        'I' => number(i64::from(hour12), 2, '0'),
        'l' => number(i64::from(hour12), 2, '_'),
        'M' => number(i64::from(time.minute), 2, '0'),
        'S' => number(i64::from(time.second), 2, '0'),
        'f' => number(i64::from(time.nanos / 1000), 6, '0'),
        'j' => number(i64::from(time.yearday), 3, '0'),
        'u' => number(if weekday == 0 { 7 } else { weekday }, 1, '0'),
        'w' => number(weekday, 1, '0'),
        'U' => number((yearday + 7 - weekday) / 7, 2, '0'),
        'W' => number((yearday + 7 - (weekday + 6) % 7) / 7, 2, '0'),
        'V' => number(iso_week, 2, '0'),
        'G' => number(iso_year, 4, '0'),
        'g' => number(iso_year.rem_euclid(100), 2, '0'),
        's' => number(unix, 1, '-'),
        'B' => out.push_str(MONTHS[time.month as usize - 1]),
        'b' | 'h' => out.push_str(&MONTHS[time.month as usize - 1][..3]),
        'A' => out.push_str(DAYS[time.weekday as usize]),
        'a' => out.push_str(&DAYS[time.weekday as usize][..3]),
        'p' => out.push_str(if time.hour >= 12 { "PM" } else { "AM" }),
        'P' => out.push_str(if time.hour >= 12 { "pm" } else { "am" }),
        'F' => format(time, unix, "%Y-%m-%d", out),
        'D' | 'x' => format(time, unix, "%m/%d/%y", out),
        'T' | 'X' => format(time, unix, "%H:%M:%S", out),
        'R' => format(time, unix, "%H:%M", out),
        'r' => format(time, unix, "%I:%M:%S %p", out),
        'c' => format(time, unix, "%a %b %e %H:%M:%S %Y", out),
        'v' => format(time, unix, "%e-%b-%Y", out),
        '+' => format(time, unix, "%a %b %e %H:%M:%S %Z %Y", out),
        'z' if padding == Some(':') => time.format(&Layout::new("-07:00"), out),
        'z' => time.format(&Layout::new("-0700"), out),
        'Z' => time.format(&Layout::new("MST"), out),
        'n' => out.push('\n'),
        't' => out.push('\t'),
        '%' => out.push('%'),
        other => {
            out.push('%');
            out.push(other);
        }
    }
}

/// The ISO 8601 year and week.
fn iso_week(time: &Civil<'_>) -> (i64, i64) {
    let monday_first = (i64::from(time.weekday) + 6) % 7;
    let week = (i64::from(time.yearday) - 1 - monday_first + 10) / 7;
    let length = |year: i64| if days_in(2, year) == 29 { 366 } else { 365 };
    let weeks_of = |year: i64| {
        let first = (unix_seconds(year, 1, 1, 0, 0, 0).div_euclid(86_400) + 3).rem_euclid(7);
        if first == 3 || first == 2 && length(year) == 366 {
            53
        } else {
            52
        }
    };
    if week < 1 {
        (time.year - 1, weeks_of(time.year - 1))
    } else if week > weeks_of(time.year) {
        (time.year + 1, 1)
    } else {
        (time.year, week)
    }
}

/// What `strptime` read: a wall clock, and the zone if the text gave one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Seconds since 1970 as if the wall clock were UTC's.
    pub wall_seconds: i64,
    pub nanos: u32,
    /// Seconds east of UTC, if the text said so.
    pub offset: Option<i32>,
}

/// Parses `value` by a format.
pub fn parse(value: &str, format: &str) -> Result<Parsed, String> {
    let fail = |why: String| {
        format!(
            "failed to parse {} with {}: {why}",
            quote(value),
            quote(format)
        )
    };
    let mut fields = Fields {
        year: 1900,
        month: 1,
        ..Fields::default()
    };
    let rest = fields.read(value, format).map_err(&fail)?;
    if !rest.is_empty() {
        return Err(fail(format!("unparsed string {}", quote(rest))));
    }
    if let Some(unix) = fields.unix {
        return Ok(Parsed {
            wall_seconds: unix,
            nanos: fields.nanos,
            offset: Some(0),
        });
    }
    if fields.pm {
        fields.hour += 12;
    }
    if let Some(century) = fields.century {
        fields.year = century * 100 + fields.year % 100;
    }
    fields.find_day().map_err(|why| fail(why.into()))?;
    let wall_seconds = unix_seconds(
        fields.year,
        fields.month,
        fields.day,
        fields.hour,
        fields.minute,
        fields.second,
    );
    Ok(Parsed {
        wall_seconds,
        nanos: fields.nanos,
        offset: fields.offset,
    })
}

#[derive(Default)]
struct Fields {
    year: i64,
    month: i64,
    /// From 1; 0 where nothing says so.
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    yearday: Option<i64>,
    century: Option<i64>,
    pm: bool,
    week: Option<(Week, i64)>,
    /// From 1, which is a Sunday; 0 where nothing says so.
    weekday: i64,
    has_iso_year: bool,
    offset: Option<i32>,
    unix: Option<i64>,
}

/// What a year's weeks begin with.
#[derive(Clone, Copy, PartialEq)]
enum Week {
    Sunday,
    Monday,
    /// A Monday too, and the first one of them has a Thursday.
    Iso,
}

impl Fields {
    /// The day of the month, or else of the year, or else of a week; the first if there is none.
    fn find_day(&mut self) -> Result<(), &'static str> {
        if self.day > 0 {
            return Ok(());
        }
        if let Some(day) = self.yearday {
            if self.has_iso_year {
                return Err("use \"%Y\" to parse non-ISO year for \"%j\"");
            }
            (self.month, self.day) = (1, day);
            return Ok(());
        }
        let Some((kind, week)) = self.week else {
            self.day = 1;
            return Ok(());
        };
        match kind {
            Week::Iso if !self.has_iso_year => {
                return Err("use \"%G\" to parse ISO year for \"%V\"");
            }
            Week::Sunday | Week::Monday if self.has_iso_year => {
                return Err("use \"%Y\" to parse non-ISO year for \"%U\" or \"%W\"");
            }
            _ => {}
        }
        // The last day, in January counted from 1, of the year before that can't be in the first week, and its weekday.
        let before = match kind {
            Week::Sunday => 0,
            Week::Monday => -1,
            Week::Iso => -4,
        };
        let days = unix_seconds(self.year, 1, before, 0, 0, 0).div_euclid(86_400);
        let weekday = (days + 4).rem_euclid(7);
        // A Sunday is the last day of weeks that begin with a Monday.
        let is_last = kind != Week::Sunday && self.weekday == 1;
        let week = week + i64::from(is_last);
        (self.month, self.day) = (1, before + week * 7 - weekday + self.weekday - 1);
        Ok(())
    }

    fn week(&mut self, kind: Week, number: i64) {
        self.week = Some((kind, number));
        if self.weekday == 0 {
            self.weekday = if kind == Week::Sunday { 1 } else { 2 };
        }
    }

    fn read<'v>(&mut self, mut value: &'v str, format: &str) -> Result<&'v str, String> {
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                value = value
                    .strip_prefix(c)
                    .ok_or_else(|| format!("expected {}", quote_char(c)))?;
                continue;
            }
            let Some(mut directive) = chars.next() else {
                return Err("stray \"%\"".into());
            };
            // Colons say how a zone's offset is written; no other flag is known here.
            let mut colons = 0;
            while directive == ':' && colons < 2 {
                colons += 1;
                directive = chars.next().unwrap_or(' ');
            }
            if colons > 0 && directive != 'z' {
                return Err(format!("expected 'z' after \"%{}\"", &"::"[..colons]));
            }
            value = match directive {
                'z' => self.offset(value, colons)?,
                directive => self.directive(value, directive)?,
            };
        }
        Ok(value)
    }

    /// Reads how far a zone is from UTC; `colons` says how many the format has for it.
    fn offset<'v>(&mut self, value: &'v str, colons: usize) -> Result<&'v str, String> {
        let directive = &"::z"[2 - colons..];
        let bad = || format!("cannot parse \"%{directive}\"");
        if let Some(rest) = value.strip_prefix('Z') {
            self.offset = Some(0);
            return Ok(rest);
        }
        let sign = match value.as_bytes().first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(bad()),
        };
        let two = |text: &str, max: i32| -> Option<i32> {
            let digits = text.get(..2)?;
            let all = digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|n| all && *n <= max)
        };
        let mut rest = &value[1..];
        let mut seconds = two(rest, 23).ok_or_else(bad)? * 3600;
        rest = &rest[2..];
        let after_colon = rest.strip_prefix(':');
        if colons > 0 && after_colon.is_none() {
            return Err(format!("expected ':' for \"%{directive}\""));
        }
        let minutes = after_colon.unwrap_or(rest);
        match two(minutes, 59) {
            Some(n) => {
                seconds += n * 60;
                rest = &minutes[2..];
            }
            None if colons > 0 || after_colon.is_some() => return Err(bad()),
            None => {}
        }
        let may_have_seconds = colons == 2 || (colons == 0 && after_colon.is_some());
        let after_second = rest.strip_prefix(':').filter(|_| may_have_seconds);
        match after_second.and_then(|rest| Some((two(rest, 59)?, &rest[2..]))) {
            Some((n, after)) => {
                seconds += n;
                rest = after;
            }
            None if colons == 2 => return Err(bad()),
            None => {}
        }
        self.offset = Some(sign * seconds);
        Ok(rest)
    }

    fn directive<'v>(&mut self, value: &'v str, directive: char) -> Result<&'v str, String> {
        let bad = || format!("cannot parse \"%{directive}\"");
        let number = |width: usize, min: i64, max: i64| -> Result<(i64, &'v str), String> {
            let spaces = value.len() - value.trim_start_matches(' ').len();
            let text = &value[if "ekl".contains(directive) {
                spaces.min(1)
            } else {
                0
            }..];
            let count = text
                .bytes()
                .take(width)
                .take_while(u8::is_ascii_digit)
                .count();
            let n: i64 = text[..count].parse().map_err(|_| bad())?;
            if n < min || n > max {
                Err(bad())
            } else {
                Ok((n, &text[count..]))
            }
        };
        // Long names as they are, short ones by their first three letters.
        let name = |table: &[&str]| -> Result<(usize, &'v str), String> {
            let long = matches!(directive, 'A' | 'B');
            let found = table.iter().enumerate().find_map(|(i, name)| {
                let name = if long { name } else { &name[..3] };
                let begin = value.get(..name.len())?;
                let fits = begin.eq_ignore_ascii_case(name);
                fits.then(|| (i, &value[name.len()..]))
            });
            found.ok_or_else(bad)
        };
        let rest;
        match directive {
            'Y' => (self.year, rest) = number(4, 0, 9999)?,
            'y' => {
                (self.year, rest) = number(2, 0, 99)?;
                self.year += if self.year < 69 { 2000 } else { 1900 };
            }
            'm' => (self.month, rest) = number(2, 1, 12)?,
            'd' | 'e' => (self.day, rest) = number(2, 1, 31)?,
            'H' | 'k' => (self.hour, rest) = number(2, 0, 23)?,
            'I' | 'l' => {
                (self.hour, rest) = number(2, 1, 12)?;
                self.hour %= 12;
            }
            'M' => (self.minute, rest) = number(2, 0, 59)?,
            'S' => (self.second, rest) = number(2, 0, 60)?,
            'f' => {
                let count = value.bytes().take(6).take_while(u8::is_ascii_digit).count();
                let n: u32 = value[..count].parse().map_err(|_| bad())?;
                self.nanos = n * 10u32.pow(9 - count as u32);
                rest = &value[count..];
            }
            'j' => {
                let (n, after) = number(3, 1, 366)?;
                self.yearday = Some(n);
                rest = after;
            }
            's' => {
                let count = value.bytes().take_while(u8::is_ascii_digit).count();
                self.unix = Some(value[..count].parse().map_err(|_| bad())?);
                rest = &value[count..];
            }
            'u' => {
                (self.weekday, rest) = number(1, 1, 7)?;
                self.weekday = self.weekday % 7 + 1;
            }
            'w' => {
                (self.weekday, rest) = number(1, 0, 6)?;
                self.weekday += 1;
            }
            'U' | 'W' | 'V' => {
                let (kind, first) = match directive {
                    'U' => (Week::Sunday, 0),
                    'W' => (Week::Monday, 0),
                    _ => (Week::Iso, 1),
                };
                let (week, after) = number(2, first, 53)?;
                self.week(kind, week);
                rest = after;
            }
            'C' => {
                let (century, after) = number(2, 0, 99)?;
                self.century = Some(century);
                rest = after;
            }
            'g' => {
                (self.year, rest) = number(2, 0, 99)?;
                self.year += 2000;
                self.has_iso_year = true;
            }
            'G' => {
                (self.year, rest) = number(4, 0, 9999)?;
                self.has_iso_year = true;
            }
            'B' | 'b' | 'h' => {
                let (i, after) = name(&MONTHS)?;
                (self.month, rest) = (i as i64 + 1, after);
            }
            'A' | 'a' => {
                let (i, after) = name(&DAYS)?;
                (self.weekday, rest) = (i as i64 + 1, after);
            }
            'p' | 'P' => {
                let text = value.get(..2).ok_or_else(bad)?;
                self.pm = match text.to_ascii_uppercase().as_str() {
                    "AM" => false,
                    "PM" => true,
                    _ => return Err(bad()),
                };
                rest = &value[2..];
            }
            'Z' => {
                let count = value.bytes().take_while(u8::is_ascii_uppercase).count();
                let is_name = match count {
                    3 => true,
                    4 => value[..4].ends_with('T') || &value[..4] == "WITA",
                    5 => value[..5].ends_with("ST"),
                    _ => false,
                };
                if !is_name {
                    let given = quote(&value[..count]);
                    return Err(format!("cannot parse {given} with \"%Z\""));
                }
                if matches!(&value[..count], "UTC" | "GMT") {
                    self.offset = Some(0);
                }
                rest = &value[count..];
            }
            'F' => rest = self.read(value, "%Y-%m-%d")?,
            'D' | 'x' => rest = self.read(value, "%m/%d/%y")?,
            'T' | 'X' => rest = self.read(value, "%H:%M:%S")?,
            'R' => rest = self.read(value, "%H:%M")?,
            'r' => rest = self.read(value, "%I:%M:%S %p")?,
            'c' => rest = self.read(value, "%a %b %e %H:%M:%S %Y")?,
            'v' => rest = self.read(value, "%e-%b-%Y")?,
            'n' | 't' => {
                rest = value.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
                if rest.len() == value.len() {
                    return Err(format!("expected a space for \"%{directive}\""));
                }
            }
            '%' => rest = value.strip_prefix('%').ok_or("expected '%'")?,
            other => return Err(format!("unexpected format \"%{other}\"")),
        }
        Ok(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(seconds: i64, nanos: u32, directives: &str) -> String {
        let mut out = String::new();
        format(
            &Civil::new(seconds, nanos, 3600, "CET"),
            seconds,
            directives,
            &mut out,
        );
        out
    }

    #[test]
    fn directives_write_their_fields() {
        assert_eq!(
            show(0, 0, "%A %B %j %U %w %y %Z %z %I %p %f %s %e %%"),
            "Thursday January 001 00 4 70 CET +0100 01 AM 000000 0  1 %"
        );
        assert_eq!(
            show(1_597_384_463, 371_000_000, "%F %T.%f %V %G"),
            "2020-08-14 06:54:23.371000 33 2020"
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let parsed = parse("2020-Aug-14 11:50:26.371000", "%Y-%b-%d %H:%M:%S.%f").expect("valid");
        assert_eq!(
            (parsed.wall_seconds, parsed.nanos),
            (1_597_405_826, 371_000_000)
        );
        let error = parse("2026-11-23T10:20:30Z", "%Y-%b-%d %H:%M:%S").expect_err("no month");
        assert_eq!(
            error,
            r#"failed to parse "2026-11-23T10:20:30Z" with "%Y-%b-%d %H:%M:%S": cannot parse "%b""#
        );
    }

    #[test]
    fn days_are_found_by_weeks() {
        for (text, format, date) in [
            ("2024 09", "%Y %U", "2024-03-03"),
            ("2024 09", "%Y %W", "2024-02-26"),
            ("2024 09 0", "%Y %W %w", "2024-03-03"),
            ("Sun 2021 01", "%a %G %V", "2021-01-10"),
            ("2020 53 5", "%G %V %u", "2021-01-01"),
            ("2024 00", "%Y %U", "2023-12-31"),
            ("2024 060", "%Y %j", "2024-02-29"),
            ("2024 060 10", "%Y %j %d", "2024-01-10"),
        ] {
            let days = parse(text, format).map(|p| p.wall_seconds / 86_400);
            let wanted = parse(date, "%Y-%m-%d").map(|p| p.wall_seconds / 86_400);
            assert_eq!(days, wanted, "{text}");
        }
    }

    #[test]
    fn faults_name_the_directive() {
        for (text, format, why) in [
            ("1", "%-d", r#"unexpected format "%-""#),
            ("1", "%Q", r#"unexpected format "%Q""#),
            ("1", "%", r#"stray "%""#),
            ("1", "%d %n", "expected ' '"),
            ("1", "%d%n", r#"expected a space for "%n""#),
            ("1", "%:d", r#"expected 'z' after "%:""#),
            ("+0100", "%:z", r#"expected ':' for "%:z""#),
            ("0100", "%z", r#"cannot parse "%z""#),
            ("1", "%Z", r#"cannot parse "" with "%Z""#),
            ("Aug", "%B", r#"cannot parse "%B""#),
            ("August", "%b", r#"unparsed string "ust""#),
            ("1.1234567", "%S.%f", r#"unparsed string "7""#),
            ("2024 1", "%Y %V", r#"use "%G" to parse ISO year for "%V""#),
            (
                "2024 1",
                "%G %j",
                r#"use "%Y" to parse non-ISO year for "%j""#,
            ),
        ] {
            let error = parse(text, format).expect_err("a fault");
            assert!(error.ends_with(&format!(": {why}")), "{error}");
        }
        let offset = |text: &str, format: &str| parse(text, format).map(|p| p.offset);
        assert_eq!(offset("+01", "%z"), Ok(Some(3600)));
        assert_eq!(offset("-01:30", "%z"), Ok(Some(-5400)));
        assert_eq!(offset("+01:00:30", "%::z"), Ok(Some(3630)));
    }
}
