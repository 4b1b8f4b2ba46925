//! Syslog as RFC 3164 has it: `<28>Dec  2 16:49:23 host app[pid]: message`.

use super::scan::Scan;
use crate::value::{Object, Value};
use chrono::{DateTime, Datelike, NaiveDateTime, TimeZone, Utc};

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

/// Puts what the line says into `found`, as far as it is right.
pub(super) fn parse(line: &str, settings: &Settings, found: &mut Object) -> Result<(), String> {
    let mut scan = Scan::new(line);
    scan.priority(found)?;
    timestamp(&mut scan, settings, found)?;
    let host = scan.take_while(255, |b| b.is_ascii_graphic());
    if host.is_empty() || !scan.take(" ") {
        return Err(scan.expecting("an hostname (from 1 to max 255 US-ASCII characters)"));
    }
    found.insert("hostname", host.into());
    // What isn't a tag is the message.
    let begin = scan.at;
    let tag = scan.take_while(32, |b| b.is_ascii_graphic() && !matches!(b, b'[' | b':'));
    let mut is_tag = !tag.is_empty();
    let mut id = None;
    if is_tag && scan.take("[") {
        id = Some(scan.take_while(128, |b| b.is_ascii_graphic() && b != b']'));
        is_tag = scan.take("]");
    }
    is_tag = is_tag && scan.take(":");
    if is_tag {
        found.insert("appname", tag.into());
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            found.insert("procid", id.into());
        }
        scan.take(" ");
    } else {
        scan.at = begin;
    }
    let message = scan.rest();
    if !message.is_empty() {
        found.insert("message", Value::from(message));
    }
    Ok(())
}

fn timestamp(scan: &mut Scan<'_>, settings: &Settings, found: &mut Object) -> Result<(), String> {
    let rest = scan.rest();
    let what = "a Stamp timestamp";
    let read;
    // `Dec  2 16:49:23`, always as long.
    if let Some(stamp) = rest.get(..15)
        && let Some(time) = read_stamp(stamp, &settings.year)
    {
        let shown = settings.zone.from_utc_datetime(&time).fixed_offset();
        read = super::rfc3339(shown);
        scan.at += 15;
    } else if settings.allow_rfc3339
        && let word = rest.split(' ').next().unwrap_or_default()
        && let Ok(time) = DateTime::parse_from_rfc3339(word)
    {
        if let Some(point) = word.find('.') {
            // Of a line with parts of seconds nothing is taken, not even with the best effort.
            *found = Object::new();
            scan.at += point;
            return Err(scan.expecting("a Stamp or a RFC3339 timestamp"));
        }
        read = super::rfc3339(time);
        scan.at += word.len();
    } else {
        return Err(scan.expecting(what));
    }
    if !scan.take(" ") {
        return Err(scan.expecting(what));
    }
    found.insert("timestamp", read.into());
    Ok(())
}

fn read_stamp(stamp: &str, year: &Year) -> Option<NaiveDateTime> {
    let year = match year {
        Year::Current => Utc::now().year(),
        Year::Fixed(year) => *year,
    };
    NaiveDateTime::parse_from_str(&format!("{year:04} {stamp}"), "%Y %b %e %H:%M:%S").ok()
}
