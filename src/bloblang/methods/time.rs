//! Table: methods that make times of other values, and other values of times.

use crate::bloblang::spec::{
    CallError, Example, MethodCall, MethodFn, MethodSpec, Param, ParamKind, Status,
};
use std::borrow::Cow;

use crate::formats::{
    duration,
    go_time::{self, Layout},
    iso8601::Period,
    strftime,
};
use crate::value::{RFC3339_NANO, Timestamp, Value, YEAR_ONE_TO_UNIX, Zone, well_formed};

const FORMAT: Param = Param::new(
    "format",
    ParamKind::String,
    "A layout: how the time Mon Jan 2 15:04:05 -0700 MST 2006 would be written.",
)
.default(r#""2006-01-02T15:04:05.999999999Z07:00""#);
const LAYOUT: Param = Param::new(
    "format",
    ParamKind::String,
    "A layout: how the time Mon Jan 2 15:04:05 -0700 MST 2006 would be written.",
);
const DIRECTIVES: Param = Param::new(
    "format",
    ParamKind::String,
    "A format of `%` directives, as in `%Y-%m-%d`.",
);
const ZONE: Param = Param::new(
    "tz",
    ParamKind::String,
    "The zone to write the time in, as in `Europe/Berlin`; its own zone if left out.",
)
.optional();
const PERIOD: Param = Param::new(
    "duration",
    ParamKind::String,
    "An ISO 8601 period, as in `P1Y2M3DT4H`.",
);

pub(super) static TABLE: &[MethodSpec] = &[
    MethodSpec {
        name: "parse_duration",
        status: Status::Stable,
        about: "Reads a length of time such as `1h30m` or `300ms` as a number of nanoseconds.",
        params: &[],
        examples: &[Example {
            about: "Seconds from a duration.",
            mapping: r#"root = this.parse_duration() / 1000000000"#,
            cases: &[(r#""1m30s""#, "90")],
        }],
        names_source: false,
        call: MethodCall::Plain(|receiver, _| Ok(Value::Int(duration::parse(&text(&receiver)?)?))),
    },
    MethodSpec {
        name: "parse_duration_iso8601",
        status: Status::Stable,
        about: "Reads an ISO 8601 period such as `P3DT12H` as a number of nanoseconds. A year counts as 365.2425 days, a month as a twelfth of one.",
        params: &[],
        examples: &[Example {
            about: "Half a day.",
            mapping: "root.ns = this.wait.parse_duration_iso8601()",
            cases: &[(r#"{"wait":"PT12H"}"#, r#"{"ns":43200000000000}"#)],
        }],
        names_source: false,
        call: MethodCall::Plain(|receiver, _| {
            Ok(Value::Int(Period::parse(&text(&receiver)?)?.nanos()))
        }),
    },
    MethodSpec {
        name: "ts_parse",
        status: Status::Stable,
        about: "Reads a time by a layout. The result is shown in the zone that the text names, else in UTC.",
        params: &[LAYOUT],
        examples: &[Example {
            about: "A date with the month's name.",
            mapping: r#"root.at = this.at.ts_parse("02 Jan 2006")"#,
            cases: &[(
                r#"{"at":"14 Aug 2020"}"#,
                r#"{"at":"2020-08-14T00:00:00Z"}"#,
            )],
        }],
        names_source: false,
        call: MethodCall::Prepared(parser),
    },
    MethodSpec {
        name: "parse_timestamp",
        status: Status::Deprecated,
        about: "An older `ts_parse`, which gives text in RFC 3339.",
        params: &[LAYOUT],
        examples: &[],
        names_source: false,
        call: MethodCall::Prepared(|args| parser(args).map(as_text)),
    },
    MethodSpec {
        name: "ts_strptime",
        status: Status::Stable,
        about: "Reads a time by `%` directives, as C's `strptime` does; `%f` reads fractions of a second.",
        params: &[DIRECTIVES],
        examples: &[Example {
            about: "Day, month, year.",
            mapping: r#"root.at = this.at.ts_strptime("%d.%m.%Y %H:%M")"#,
            cases: &[(
                r#"{"at":"14.08.2020 05:54"}"#,
                r#"{"at":"2020-08-14T05:54:00Z"}"#,
            )],
        }],
        names_source: false,
        call: MethodCall::Prepared(strptime),
    },
    MethodSpec {
        name: "parse_timestamp_strptime",
        status: Status::Deprecated,
        about: "The older name of `ts_strptime`.",
        params: &[DIRECTIVES],
        examples: &[],
        names_source: false,
        call: MethodCall::Prepared(|args| strptime(args).map(as_text)),
    },
    MethodSpec {
        name: "ts_format",
        status: Status::Stable,
        about: "Writes a time by a layout. Numbers count as seconds since 1970, text is read as RFC 3339.",
        params: &[FORMAT, ZONE],
        examples: &[
            Example {
                about: "A day out of a number of seconds.",
                mapping: r#"root.day = this.at.ts_format("Mon 2 Jan 2006", "UTC")"#,
                cases: &[(r#"{"at":1597405526}"#, r#"{"day":"Fri 14 Aug 2020"}"#)],
            },
            Example {
                about: "The same instant elsewhere.",
                mapping: r#"root.at = this.at.ts_format(tz: "Asia/Tokyo")"#,
                cases: &[(
                    r#"{"at":"2020-08-14T05:54:23Z"}"#,
                    r#"{"at":"2020-08-14T14:54:23+09:00"}"#,
                )],
            },
        ],
        names_source: false,
        call: MethodCall::Prepared(formatter),
    },
    MethodSpec {
        name: "format_timestamp",
        status: Status::Deprecated,
        about: "The older name of `ts_format`.",
        params: &[FORMAT, ZONE],
        examples: &[],
        names_source: false,
        call: MethodCall::Prepared(formatter),
    },
    MethodSpec {
        name: "ts_strftime",
        status: Status::Stable,
        about: "Writes a time by `%` directives, as C's `strftime` does.",
        params: &[DIRECTIVES, ZONE],
        examples: &[Example {
            about: "A path for each day.",
            mapping: r#"root.path = this.at.ts_strftime("%Y/%m/%d", "UTC")"#,
            cases: &[(r#"{"at":1597405526}"#, r#"{"path":"2020/08/14"}"#)],
        }],
        names_source: false,
        call: MethodCall::Prepared(strftime_formatter),
    },
    MethodSpec {
        name: "format_timestamp_strftime",
        status: Status::Deprecated,
        about: "The older name of `ts_strftime`.",
        params: &[DIRECTIVES, ZONE],
        examples: &[],
        names_source: false,
        call: MethodCall::Prepared(strftime_formatter),
    },
    MethodSpec {
        name: "ts_tz",
        status: Status::Stable,
        about: "Shows a time in another zone.",
        params: &[Param::new(
            "tz",
            ParamKind::String,
            "The zone, as in `Europe/Berlin`.",
        )],
        examples: &[Example {
            about: "To UTC.",
            mapping: r#"root.at = this.at.ts_tz("UTC")"#,
            cases: &[(
                r#"{"at":"2021-02-03T17:05:06+01:00"}"#,
                r#"{"at":"2021-02-03T16:05:06Z"}"#,
            )],
        }],
        names_source: false,
        call: MethodCall::Prepared(|args| {
            let zone = zone(&args[0])?.unwrap_or_default();
            Ok(Box::new(move |receiver| {
                Ok(Value::Timestamp(
                    timestamp(&receiver)?.in_zone(zone.clone()),
                ))
            }))
        }),
    },
    MethodSpec {
        name: "ts_round",
        status: Status::Stable,
        about: "Rounds a time to the nearest multiple of a number of nanoseconds; halves go up.",
        params: &[Param::new(
            "duration",
            ParamKind::Int,
            "Nanoseconds; `parse_duration` makes them from text.",
        )],
        examples: &[Example {
            about: "To the hour.",
            mapping: r#"root = this.ts_round("1h".parse_duration())"#,
            cases: &[(r#""2020-08-14T05:54:23Z""#, r#""2020-08-14T06:00:00Z""#)],
        }],
        names_source: false,
        call: MethodCall::Plain(|receiver, args| {
            Ok(Value::Timestamp(round(
                &timestamp(&receiver)?,
                int(&args[0])?,
            )))
        }),
    },
    MethodSpec {
        name: "ts_add_iso8601",
        status: Status::Stable,
        about: "The time that is an ISO 8601 period later; years and months by the calendar.",
        params: &[PERIOD],
        examples: &[Example {
            about: "A month and a day later.",
            mapping: r#"root = this.ts_add_iso8601("P1M1D")"#,
            cases: &[(r#""2020-08-14T05:54:23Z""#, r#""2020-09-15T05:54:23Z""#)],
        }],
        names_source: false,
        call: MethodCall::Prepared(|args| adder(args, 1.0)),
    },
    MethodSpec {
        name: "ts_sub_iso8601",
        status: Status::Stable,
        about: "The time that is an ISO 8601 period earlier; years and months by the calendar.",
        params: &[PERIOD],
        examples: &[Example {
            about: "A year earlier.",
            mapping: r#"root = this.ts_sub_iso8601("P1Y")"#,
            cases: &[(r#""2020-08-14T05:54:23Z""#, r#""2019-08-14T05:54:23Z""#)],
        }],
        names_source: false,
        call: MethodCall::Prepared(|args| adder(args, -1.0)),
    },
    MethodSpec {
        name: "ts_sub",
        status: Status::Stable,
        about: "The nanoseconds from another time to this one.",
        params: &[Param::new(
            "t2",
            ParamKind::Timestamp,
            "The time to subtract.",
        )],
        examples: &[Example {
            about: "A day between two times.",
            mapping: "root.ns = this.end.ts_sub(this.start)",
            cases: &[(
                r#"{"end":"2020-08-14T00:00:00Z","start":"2020-08-13T00:00:00Z"}"#,
                r#"{"ns":86400000000000}"#,
            )],
        }],
        names_source: false,
        call: MethodCall::Plain(|receiver, args| {
            Ok(Value::Int(
                timestamp(&receiver)?.since(&timestamp(&args[0])?),
            ))
        }),
    },
    MethodSpec {
        name: "ts_unix",
        status: Status::Stable,
        about: "Whole seconds since 1970.",
        params: &[],
        examples: &[Example {
            about: "Seconds.",
            mapping: "root = this.ts_unix()",
            cases: &[(r#""2009-11-10T23:00:00Z""#, "1257894000")],
        }],
        names_source: false,
        call: MethodCall::Plain(|receiver, _| unix(&receiver, 1)),
    },
    MethodSpec {
        name: "ts_unix_milli",
        status: Status::Stable,
        about: "Milliseconds since 1970.",
        params: &[],
        examples: &[],
        names_source: false,
        call: MethodCall::Plain(|receiver, _| unix(&receiver, 1_000)),
    },
    MethodSpec {
        name: "ts_unix_micro",
        status: Status::Stable,
        about: "Microseconds since 1970.",
        params: &[],
        examples: &[],
        names_source: false,
        call: MethodCall::Plain(|receiver, _| unix(&receiver, 1_000_000)),
    },
    MethodSpec {
        name: "ts_unix_nano",
        status: Status::Stable,
        about: "Nanoseconds since 1970.",
        params: &[],
        examples: &[Example {
            about: "Nanoseconds.",
            mapping: "root = this.ts_unix_nano()",
            cases: &[(r#""2009-11-10T23:00:00.000000001Z""#, "1257894000000000001")],
        }],
        names_source: false,
        call: MethodCall::Plain(|receiver, _| unix(&receiver, 1_000_000_000)),
    },
    MethodSpec {
        name: "format_timestamp_unix",
        status: Status::Deprecated,
        about: "The older name of `ts_unix`.",
        params: &[],
        examples: &[],
        names_source: false,
        call: MethodCall::Plain(|receiver, _| unix(&receiver, 1)),
    },
    MethodSpec {
        name: "format_timestamp_unix_milli",
        status: Status::Deprecated,
        about: "The older name of `ts_unix_milli`.",
        params: &[],
        examples: &[],
        names_source: false,
        call: MethodCall::Plain(|receiver, _| unix(&receiver, 1_000)),
    },
    MethodSpec {
        name: "format_timestamp_unix_micro",
        status: Status::Deprecated,
        about: "The older name of `ts_unix_micro`.",
        params: &[],
        examples: &[],
        names_source: false,
        call: MethodCall::Plain(|receiver, _| unix(&receiver, 1_000_000)),
    },
    MethodSpec {
        name: "format_timestamp_unix_nano",
        status: Status::Deprecated,
        about: "The older name of `ts_unix_nano`.",
        params: &[],
        examples: &[],
        names_source: false,
        call: MethodCall::Plain(|receiver, _| unix(&receiver, 1_000_000_000)),
    },
];

/// A value as a time: numbers count as seconds since 1970, text is read as RFC 3339.
pub(crate) fn timestamp(value: &Value) -> Result<Timestamp, CallError> {
    let from_float = |seconds: f64| {
        let whole = go_int(seconds);
        Timestamp::new(whole, ((seconds - seconds.trunc()) * 1e9) as i64, Zone::Utc)
    };
    Ok(match value {
        Value::Timestamp(time) => time.clone(),
        Value::Int(seconds) => Timestamp::new(*seconds, 0, Zone::Utc),
        Value::Uint(seconds) => Timestamp::new(*seconds as i64, 0, Zone::Utc),
        Value::Float(seconds) => from_float(*seconds),
        Value::Number(number) if number.is_out_of_range() => parse(&RFC3339_NANO, number.as_str())?,
        Value::Number(number) => match number.as_i64() {
            Some(seconds) => Timestamp::new(seconds, 0, Zone::Utc),
            None => from_float(number.as_f64()),
        },
        Value::String(text) => parse(&RFC3339_NANO, text)?,
        Value::Bytes(bytes) | Value::IllFormed(bytes) => parse(&RFC3339_NANO, &well_formed(bytes))?,
        other => return Err(CallError::wanted("number or string", other.clone())),
    })
}

/// A float as Go makes an integer of it on the machines that it mostly runs on: what doesn't fit becomes the lowest.
fn go_int(float: f64) -> i64 {
    match float.trunc() {
        t if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&t) => t as i64,
        _ => i64::MIN,
    }
}

fn parse(layout: &Layout, text: &str) -> Result<Timestamp, CallError> {
    let parsed = go_time::parse(layout, text)?;
    let zone = match (parsed.offset, parsed.zone) {
        (None | Some(0), None) => Zone::Utc,
        (offset, Some(name)) if name == "UTC" && offset.is_none_or(|o| o == 0) => Zone::Utc,
        (offset, name) => Zone::Fixed(offset.unwrap_or_default(), name.map(Into::into)),
    };
    let offset = i64::from(parsed.offset.unwrap_or_default());
    Ok(Timestamp::new(
        parsed.wall_seconds - offset,
        i64::from(parsed.nanos),
        zone,
    ))
}

fn unix(receiver: &Value, per_second: i64) -> Result<Value, CallError> {
    Ok(Value::Int(timestamp(receiver)?.unix(per_second)))
}

/// Text, from a string, bytes or a time.
pub(super) fn text(value: &Value) -> Result<String, CallError> {
    as_str(value).map(Cow::into_owned)
}

fn as_str(value: &Value) -> Result<Cow<'_, str>, CallError> {
    match value {
        Value::String(text) => Ok(Cow::Borrowed(text)),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => Ok(well_formed(bytes)),
        Value::Timestamp(time) => Ok(Cow::Owned(time.to_string())),
        other => Err(CallError::wanted("string", other.clone())),
    }
}

pub(super) fn int(value: &Value) -> Result<i64, CallError> {
    match value {
        Value::Int(n) => Ok(*n),
        Value::Uint(n) => Ok(*n as i64),
        Value::Float(n) => Ok(go_int(*n)),
        Value::Number(n) => Ok(n.as_i64().unwrap_or_else(|| go_int(n.as_f64()))),
        other => Err(CallError::wanted("number", other.clone())),
    }
}

/// The zone of this name; none for null.
fn zone(value: &Value) -> Result<Option<Zone>, CallError> {
    let name = match value {
        Value::Null => return Ok(None),
        other => text(other)?,
    };
    match name.as_str() {
        "" | "UTC" | "Local" => Ok(Some(Zone::Utc)),
        // Zones are looked up as files, by names that don't leave their folder.
        name if name.starts_with('/') || name.contains("..") => {
            Err("failed to parse timezone location name: time: invalid location name".into())
        }
        _ => match name.parse() {
            Ok(tz) => Ok(Some(Zone::Named(tz))),
            Err(_) => Err(format!(
                "failed to parse timezone location name: unknown time zone {name}"
            )
            .into()),
        },
    }
}

fn parser(args: &[Value]) -> Result<MethodFn, CallError> {
    let layout = Layout::new(&text(&args[0])?);
    Ok(Box::new(move |receiver| {
        Ok(Value::Timestamp(parse(&layout, &as_str(&receiver)?)?))
    }))
}

/// The older methods give times as text.
fn as_text(run: MethodFn) -> MethodFn {
    Box::new(move |receiver| match run(receiver)? {
        Value::Timestamp(time) => Ok(time.to_string().into()),
        other => Ok(other),
    })
}

fn strptime(args: &[Value]) -> Result<MethodFn, CallError> {
    let format = text(&args[0])?;
    Ok(Box::new(move |receiver| {
        let parsed = strftime::parse(&as_str(&receiver)?, &format)?;
        let offset = parsed.offset.unwrap_or_default();
        let zone = match offset {
            0 => Zone::Utc,
            offset => Zone::Fixed(offset, None),
        };
        let seconds = parsed.wall_seconds - i64::from(offset);
        Ok(Value::Timestamp(Timestamp::new(
            seconds,
            i64::from(parsed.nanos),
            zone,
        )))
    }))
}

fn formatter(args: &[Value]) -> Result<MethodFn, CallError> {
    let (layout, zone) = (Layout::new(&text(&args[0])?), zone(&args[1])?);
    Ok(Box::new(move |receiver| {
        let mut time = timestamp(&receiver)?;
        if let Some(zone) = &zone {
            time = time.in_zone(zone.clone());
        }
        Ok(time.format(&layout).into())
    }))
}

fn strftime_formatter(args: &[Value]) -> Result<MethodFn, CallError> {
    let (format, zone) = (text(&args[0])?, zone(&args[1])?);
    Ok(Box::new(move |receiver| {
        let mut time = timestamp(&receiver)?;
        if let Some(zone) = &zone {
            time = time.in_zone(zone.clone());
        }
        let mut out = String::new();
        time.with_civil(|civil| strftime::format(civil, time.seconds(), &format, &mut out));
        Ok(out.into())
    }))
}

fn round(time: &Timestamp, multiple: i64) -> Timestamp {
    if multiple <= 0 {
        return time.clone();
    }
    let since_year_one = time.seconds().wrapping_add(YEAR_ONE_TO_UNIX);
    let nanos = i128::from(since_year_one) * 1_000_000_000 + i128::from(time.nanos());
    let over = nanos.rem_euclid(i128::from(multiple)) as i64;
    match over < multiple - over {
        true => time.plus_nanos(-over),
        false => time.plus_nanos(multiple - over),
    }
}

fn adder(args: &[Value], sign: f64) -> Result<MethodFn, CallError> {
    let period = Period::parse(&text(&args[0])?)?;
    Ok(Box::new(move |receiver| {
        Ok(Value::Timestamp(add(&timestamp(&receiver)?, &period, sign)))
    }))
}

/// The instant when clocks in a zone show what UTC's show at `seconds`.
fn on_the_clock(seconds: i64, zone: &Zone) -> i64 {
    let offset_at = |seconds: i64| i64::from(Timestamp::new(seconds, 0, zone.clone()).offset().0);
    match offset_at(seconds) {
        0 => seconds,
        // Where clocks change in between, what holds then counts.
        guess => seconds.wrapping_sub(offset_at(seconds.wrapping_sub(guess))),
    }
}

fn add(time: &Timestamp, period: &Period, sign: f64) -> Timestamp {
    let days = period.weeks * 7.0 + period.days;
    if [period.years, period.months, days]
        .iter()
        .any(|part| part.fract() != 0.0)
    {
        return time.plus_nanos((period.nanos() as f64 * sign) as i64);
    }
    let part = |amount: f64| (amount * sign) as i64;
    let moved = time.with_civil(|civil| {
        let seconds = go_time::unix_seconds(
            civil.year + part(period.years),
            i64::from(civil.month) + part(period.months),
            i64::from(civil.day) + part(days),
            i64::from(civil.hour),
            i64::from(civil.minute),
            i64::from(civil.second),
        );
        on_the_clock(seconds, time.zone())
    });
    let moved = Timestamp::new(moved, i64::from(time.nanos()), time.zone().clone());
    moved.plus_nanos((period.time_nanos() as f64 * sign) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        timestamp(&text.into()).expect("a time")
    }

    #[test]
    fn times_round_to_the_nearest() {
        let hour = 3_600_000_000_000;
        assert_eq!(
            round(&at("2020-08-14T05:29:59Z"), hour),
            at("2020-08-14T05:00:00Z")
        );
        assert_eq!(
            round(&at("2020-08-14T05:30:00Z"), hour),
            at("2020-08-14T06:00:00Z")
        );
        assert_eq!(
            round(&at("2020-08-14T05:30:00Z"), 0),
            at("2020-08-14T05:30:00Z")
        );
    }

    #[test]
    fn periods_are_added_by_the_clock_of_the_zone() {
        let berlin = Zone::Named(chrono_tz::Europe::Berlin);
        let period = Period::parse("P1M").expect("a period");
        let later = add(&at("2024-03-10T07:30:00Z").in_zone(berlin), &period, 1.0);
        assert_eq!(later.to_string(), "2024-04-10T08:30:00+02:00");
    }

    #[test]
    fn periods_are_added_by_the_calendar() {
        let period = Period::parse("P1Y2M3DT4H").expect("a period");
        assert_eq!(
            add(&at("1969-12-31T23:59:59Z"), &period, 1.0),
            at("1971-03-07T03:59:59Z")
        );
        assert_eq!(
            add(&at("2020-03-04T04:00:00Z"), &period, -1.0),
            at("2019-01-01T00:00:00Z")
        );
    }

    #[test]
    fn numbers_are_seconds() {
        assert_eq!(
            timestamp(&1.5.into())
                .map(|t| t.to_string())
                .ok()
                .as_deref(),
            Some("1970-01-01T00:00:01.5Z")
        );
        assert_eq!(
            timestamp(&1e21.into()).map(|t| t.seconds()).ok(),
            Some(i64::MIN)
        );
        assert!(timestamp(&Value::Null).is_err());
    }
}
