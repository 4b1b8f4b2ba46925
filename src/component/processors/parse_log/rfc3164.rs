//! Syslog as RFC 3164 has it: `<28>Dec  2 16:49:23 host app[pid]: message`.

use super::scan::Scan;
use crate::value::{Object, Value};
use chrono::{DateTime, Datelike, NaiveDate, TimeZone, Utc};

/// What the format leaves open.
pub(super) struct Settings {
    pub zone: chrono_tz::Tz,
    pub year: Year,
    pub allow_rfc3339: bool,
}

/// The year of times that have none.
pub(super) enum Year {
    Current,
    Fixed(i32),
}

impl Year {
    fn number(&self) -> i32 {
        match self {
            Year::Current => Utc::now().year(),
            Year::Fixed(year) => *year,
        }
    }
}

/// How a line was read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    Whole,
    /// It broke off where the format has no name for what is missing.
    Broken(String),
}

/// Puts what the line says into `found`, as far as it is right.
pub(super) fn parse(line: &str, settings: &Settings, found: &mut Object) -> Result<Parsed, String> {
    let mut scan = Scan::new(line);
    scan.priority(found)?;
    let digit_next = scan.rest().starts_with(|c: char| c.is_ascii_digit());
    let read = match settings.allow_rfc3339 && digit_next {
        true => match rfc3339(&mut scan)? {
            Some(read) => read,
            None => return Ok(Parsed::Broken(scan.expecting(RFC3339))),
        },
        false => stamp(&mut scan, settings)?,
    };
    if !scan.take(" ") {
        return Ok(Parsed::Broken(scan.expecting(STAMP)));
    }
    found.insert("timestamp", read.into());
    let host = scan.take_while(255, |b| b.is_ascii_graphic());
    if host.is_empty() || !scan.take(" ") {
        return Err(scan.expecting("an hostname (from 1 to max 255 US-ASCII characters)"));
    }
    found.insert("hostname", host.into());
    if !scan.rest().bytes().next().is_some_and(is_visible) {
        return Err(scan.expecting("an alphanumeric tag (max 32 characters)"));
    }
    Ok(content(&mut scan, found))
}

const STAMP: &str = "a Stamp timestamp";
const RFC3339: &str = "a Stamp or a RFC3339 timestamp";

fn is_visible(byte: u8) -> bool {
    byte >= 0x80 || matches!(byte, b' '..=b'~')
}

/// Reads `tag: message` and `tag[id]: message`. What isn't of this form is the message, and yet what stands before the first colon or bracket
/// is the tag; behind a bracket everything up to any closing one may be the id, which makes what is not closed rightly the message.
fn content(scan: &mut Scan<'_>, found: &mut Object) -> Parsed {
    let text = scan.rest();
    let bytes = text.as_bytes();
    let tag = bytes
        .iter()
        .take(33)
        .take_while(|b| b.is_ascii_graphic() && !matches!(b, b'[' | b':'));
    let tag = tag.count();
    let ending = bytes.get(tag).filter(|_| (1..=32).contains(&tag));
    let is_bracketed = ending == Some(&b'[');
    if matches!(ending, Some(b'[' | b':')) {
        found.insert("appname", text[..tag].into());
    }
    let mut message = 0;
    let mut id = "";
    if ending == Some(&b':') && text[tag..].starts_with(": ") {
        message = tag + 2;
    } else if is_bracketed {
        message = (tag + 1).min(text.len() - 1);
        for (at, _) in text.match_indices(']') {
            id = text.get(message..at).unwrap_or(id);
            if text[at..].starts_with("]: ") && at + 3 < text.len() {
                message = at + 3;
            }
        }
    }
    if !id.is_empty() {
        found.insert("procid", id.into());
    }
    // Where the message is marked isn't always where it begins: all of it must be visible.
    let begin = match is_bracketed && message == tag + 1 {
        true => 0,
        false => message,
    };
    if let Some(hidden) = bytes[begin..].iter().position(|b| !is_visible(*b)) {
        scan.at += begin + hidden;
        return Parsed::Broken(scan.expecting("visible characters"));
    }
    match &text[message..] {
        // A tag with nothing behind it is the message too.
        "" => found.insert("message", Value::from(text)),
        message => found.insert("message", Value::from(message)),
    };
    Parsed::Whole
}

/// `2023-12-02T16:49:23Z`; none for what isn't a time.
fn rfc3339(scan: &mut Scan<'_>) -> Result<Option<String>, String> {
    let word = scan.rest().split(' ').next().unwrap_or_default();
    let Ok(time) = DateTime::parse_from_rfc3339(word) else {
        return Ok(None);
    };
    if let Some(point) = word.find('.') {
        scan.at += point;
        return Err(scan.expecting(RFC3339));
    }
    scan.at += word.len();
    Ok(Some(super::rfc3339(time)))
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `Dec  2 16:49:23`, always as long.
fn stamp(scan: &mut Scan<'_>, settings: &Settings) -> Result<String, String> {
    let text = scan.rest();
    let bytes = text.as_bytes();
    // How far it is one: each byte is looked at with those before it.
    let fits = |at: usize, byte: u8| match at {
        0..3 => MONTHS.iter().any(|m| m.as_bytes()[..=at] == bytes[..=at]),
        3 | 6 => byte == b' ',
        4 => matches!(byte, b' ' | b'1'..=b'3'),
        5 => match bytes[4] {
            b' ' => matches!(byte, b'1'..=b'9'),
            b'3' => matches!(byte, b'0' | b'1'),
            _ => byte.is_ascii_digit(),
        },
        7 => matches!(byte, b'0'..=b'2'),
        8 => byte.is_ascii_digit() && (bytes[7] != b'2' || byte <= b'3'),
        9 | 12 => byte == b':',
        10 | 13 => matches!(byte, b'0'..=b'5'),
        _ => byte.is_ascii_digit(),
    };
    let fitting = bytes.iter().take(15).enumerate();
    let fitting = fitting.take_while(|(at, byte)| fits(*at, **byte)).count();
    scan.at += fitting;
    if fitting < 15 {
        return Err(scan.expecting(STAMP));
    }
    let stamp = &text[..15];
    let number = |from: usize| {
        stamp[from..from + 2]
            .trim_start()
            .parse::<u32>()
            .unwrap_or(0)
    };
    let month = MONTHS
        .iter()
        .position(|m| stamp.starts_with(m))
        .unwrap_or(0) as u32
        + 1;
    let (day, year) = (number(4), settings.year.number());
    // The year 0 has a February 29; in another year without one that is March 1.
    if NaiveDate::from_ymd_opt(0, month, day).is_none() {
        let at = scan.at;
        return Err(format!(
            "parsing time {stamp:?}: day out of range [col {at}]"
        ));
    }
    let date =
        NaiveDate::from_ymd_opt(year, month, day).or_else(|| NaiveDate::from_ymd_opt(year, 3, 1));
    let time = date.and_then(|date| date.and_hms_opt(number(7), number(10), number(13)));
    let time = time.ok_or_else(|| scan.expecting(STAMP))?;
    Ok(super::rfc3339(
        settings.zone.from_utc_datetime(&time).fixed_offset(),
    ))
}
