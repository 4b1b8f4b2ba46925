//! `parse_log`: log lines of known formats as JSON.

mod rfc3164;
mod rfc5424;
mod scan;

use super::flow::each;
use crate::component::{BuildProcessor, Context, Processor};
use crate::config::{Field, Linter, Node, Shape};
use crate::value::{Object, Value};
use anyhow::{anyhow, bail};
use chrono::{DateTime, FixedOffset};
use rfc3164::Parsed;

crate::fields! {
    /// What the lines look like.
    pub struct Config {
        /// The format.
        format: Format,
        /// Whether a line of `syslog_rfc3164` gives what was found so far where it breaks off in a date or at a character that can't be seen.
        /// Other lines that aren't in the format are flagged either way.
        best_effort: bool = "true",
        /// Whether times may be in RFC 3339 too, which RFC 3164 has not. Only for `syslog_rfc3164`.
        allow_rfc3339: bool = "true",
        /// The year of times, which `syslog_rfc3164` leaves out: `current`, a number, or empty for year 0.
        default_year: String = "current",
        /// The time zone in which times without one are shown, such as `Europe/Paris`. Only for `syslog_rfc3164`.
        default_timezone: String = "UTC",
        /// Deprecated and without effect: what a line becomes is always JSON.
        codec: Codec [advanced],
    }
}

/// A field that once chose what a line becomes.
#[derive(Clone, Copy, Debug)]
pub struct Codec;

impl Field for Codec {
    fn shape() -> Shape {
        Shape::String
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Codec> {
        linter.deprecated(node.place, "field codec is deprecated");
        Some(Codec)
    }

    fn absent() -> Option<Codec> {
        Some(Codec)
    }
}

crate::choice! {
    /// A format of log lines.
    pub enum Format {
        /// Today's syslog.
        Rfc5424 = "syslog_rfc5424",
        /// The older syslog of BSD.
        Rfc3164 = "syslog_rfc3164",
    }
}

crate::spec! {
    /// Makes a JSON object of each message that is a log line: `message`, `timestamp`, `facility`, `severity`, `priority`, `version`, `hostname`,
    /// `procid`, `appname`, `msgid`, `structureddata`, as far as the line has them. Lines that aren't in the format are flagged.
    dyn BuildProcessor, "parse_log", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let Codec = self.codec;
        let best_effort = self.best_effort;
        let zone: chrono_tz::Tz = self
            .default_timezone
            .parse()
            .map_err(|_| anyhow!("unknown time zone {}", self.default_timezone))?;
        let year = match self.default_year.as_str() {
            "current" => rfc3164::Year::Current,
            "" => rfc3164::Year::Fixed(0),
            text => match text.parse() {
                Ok(year) => rfc3164::Year::Fixed(year),
                Err(_) => bail!("default_year should be `current` or a year, not {text}"),
            },
        };
        let settings = rfc3164::Settings {
            zone,
            year,
            allow_rfc3339: self.allow_rfc3339,
        };
        let format = self.format;
        Ok(each(move |message| {
            let line = String::from_utf8_lossy(message.bytes());
            let mut found = Object::new();
            match format {
                Format::Rfc5424 => rfc5424::parse(&line, &mut found)?,
                Format::Rfc3164 => match rfc3164::parse(&line, &settings, &mut found)? {
                    Parsed::Broken(reason) if !best_effort => return Err(reason),
                    _ => {}
                },
            }
            message.set_value(Value::Object(found));
            Ok(())
        }))
    }
}

/// A time as RFC 3339 has it, without digits that say nothing.
fn rfc3339(time: DateTime<FixedOffset>) -> String {
    let text = time.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    let Some(point) = text.find('.') else {
        return text;
    };
    let (whole, rest) = text.split_at(point);
    let zone = rest[1..]
        .find(|c: char| !c.is_ascii_digit())
        .map_or(rest.len(), |at| at + 1);
    let digits = rest[..zone].trim_end_matches('0').trim_end_matches('.');
    format!("{whole}{digits}{}", &rest[zone..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(line: &str) -> String {
        let mut found = Object::new();
        let parsed = rfc5424::parse(line, &mut found);
        let json = String::from_utf8(Value::Object(found).to_json()).expect("text");
        parsed
            .err()
            .map_or(json.clone(), |e| format!("{e} | {json}"))
    }

    fn old(line: &str) -> String {
        let mut found = Object::new();
        let settings = rfc3164::Settings {
            zone: chrono_tz::America::New_York,
            year: rfc3164::Year::Fixed(2020),
            allow_rfc3339: true,
        };
        let parsed = rfc3164::parse(line, &settings, &mut found);
        let json = String::from_utf8(Value::Object(found).to_json()).expect("text");
        match parsed {
            Ok(Parsed::Whole) => json,
            Ok(Parsed::Broken(reason)) => format!("{reason} | {json}"),
            Err(reason) => reason,
        }
    }

    #[test]
    fn new_syslog() {
        for (line, wanted) in [
            (
                r#"<165>4 2018-10-11T22:14:15.003Z mymach.it e - 1 [ex@32473 iut="3\"" a="b"] An application event"#,
                r#"{"appname":"e","facility":20,"hostname":"mymach.it","message":"An application event","msgid":"1","priority":165,"severity":5,"structureddata":{"ex@32473":{"a":"b","iut":"3\""}},"timestamp":"2018-10-11T22:14:15.003Z","version":4}"#,
            ),
            (
                "<999>1 - - - - - - x",
                "expecting a priority value in the range 1-191 or equal to 0 [col 3] | {}",
            ),
            (
                "<165>1 2021-10-11T22:14:15.003Z host.one app",
                r#"expecting an app-name (from 1 to max 48 US-ASCII characters) or a nil value [col 44] | {"facility":20,"hostname":"host.one","priority":165,"severity":5,"timestamp":"2021-10-11T22:14:15.003Z","version":1}"#,
            ),
            (
                "nope",
                "expecting a priority value within angle brackets [col 0] | {}",
            ),
        ] {
            assert_eq!(new(line), wanted, "{line}");
        }
    }

    #[test]
    fn old_syslog() {
        for (line, wanted) in [
            (
                "<28>Dec  2 16:49:23 web1 app[23410]: it works",
                r#"{"appname":"app","facility":3,"hostname":"web1","message":"it works","priority":28,"procid":"23410","severity":4,"timestamp":"2020-12-02T11:49:23-05:00"}"#,
            ),
            (
                "<13>Jan 12 06:30:00 host plain message",
                r#"{"facility":1,"hostname":"host","message":"plain message","priority":13,"severity":5,"timestamp":"2020-01-12T01:30:00-05:00"}"#,
            ),
            (
                "nope",
                "expecting a priority value within angle brackets [col 0]",
            ),
        ] {
            assert_eq!(old(line), wanted, "{line}");
        }
        for (stamp, wanted) in [
            ("Dec 02 16:49:23", "expecting a Stamp timestamp [col 8]"),
            ("dec  2 16:49:23", "expecting a Stamp timestamp [col 4]"),
            ("Dec  2 24:49:23", "expecting a Stamp timestamp [col 12]"),
            ("Dec", "expecting a Stamp timestamp [col 7]"),
            (
                "Feb 30 16:49:23 h x",
                r#"parsing time "Feb 30 16:49:23": day out of range [col 19]"#,
            ),
        ] {
            assert_eq!(old(&format!("<28>{stamp}")), wanted, "{stamp}");
        }
        for (rest, tag, id, message) in [
            ("a[1]: x", Some("a"), Some("1"), Some("x")),
            ("a:x", Some("a"), None, Some("a:x")),
            ("a:", Some("a"), None, Some("a:")),
            ("a[1]b: x", Some("a"), Some("1"), Some("1]b: x")),
            ("a[1: x", Some("a"), None, Some("1: x")),
            ("a[1]: [b] c: d", Some("a"), Some("[b"), Some("[b] c: d")),
            ("a b: c", None, None, Some("a b: c")),
            (": c", None, None, Some(": c")),
            ("a: b\u{7}c", Some("a"), None, None),
        ] {
            let mut found = Object::new();
            let settings = rfc3164::Settings {
                zone: chrono_tz::UTC,
                year: rfc3164::Year::Fixed(2020),
                allow_rfc3339: false,
            };
            let line = format!("<28>Dec  2 16:49:23 h {rest}");
            rfc3164::parse(&line, &settings, &mut found).expect("a line");
            let field = |name| match found.get(name) {
                Some(Value::String(text)) => Some(text.to_string()),
                _ => None,
            };
            let read = (field("appname"), field("procid"), field("message"));
            let owned = |text: Option<&str>| text.map(str::to_owned);
            assert_eq!(read, (owned(tag), owned(id), owned(message)), "{rest}");
        }
    }
}
