//! When something is due: at once, at an interval, or by a cron expression.

use crate::config::parse_duration;
use anyhow::{anyhow, bail};
use chrono::{DateTime, Utc};
use croner::{Cron, parser::CronParser};
use std::time::Duration;
use tokio::time::Instant;

/// When the next one is due.
#[derive(Clone, Debug)]
pub(super) enum Schedule {
    /// Always.
    None,
    /// At once, then after each such time.
    Every(Duration),
    /// First after this time, then after each.
    Later(Duration),
    Cron(Box<Cron>, chrono_tz::Tz),
}

impl Schedule {
    /// Reads a duration, a cron expression (`TZ=Zone` before it, five fields or six with seconds, `@daily` and the like,
    /// `@every 5s`), or nothing.
    pub fn parse(text: &str) -> anyhow::Result<Schedule> {
        if text.is_empty() {
            return Ok(Schedule::None);
        }
        if let Some(every) = parse_duration(text) {
            return Ok(if every.is_zero() {
                Schedule::None
            } else {
                Schedule::Every(every)
            });
        }
        let (zone, expression) = match text.strip_prefix("TZ=").or(text.strip_prefix("CRON_TZ=")) {
            Some(rest) => {
                let (zone, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let zone = zone
                    .parse()
                    .map_err(|_| anyhow!("unknown time zone {zone}"))?;
                (zone, rest.trim())
            }
            None => (chrono_tz::UTC, text),
        };
        if let Some(every) = expression.strip_prefix("@every ") {
            return match parse_duration(every.trim()) {
                Some(every) if !every.is_zero() => Ok(Schedule::Later(every)),
                _ => bail!("{text} needs a duration after @every, such as 5s"),
            };
        }
        let parser = CronParser::builder()
            .seconds(croner::parser::Seconds::Optional)
            .year(croner::parser::Year::Disallowed)
            .build();
        match parser.parse(expression) {
            Ok(cron) => Ok(Schedule::Cron(Box::new(cron), zone)),
            Err(error) => bail!(
                "failed to parse interval as duration string: time: invalid duration {text:?}, or as cron expression: {}",
                fault(expression, &error)
            ),
        }
    }

    /// When the first is due; none for at once.
    pub fn first(&self) -> Option<Instant> {
        match self {
            Schedule::None => None,
            Schedule::Every(_) => Some(Instant::now()),
            Schedule::Later(every) => Some(Instant::now() + *every),
            Schedule::Cron(..) => Some(self.next_by_cron()),
        }
    }

    /// When the one after `due` is due. What was missed while nobody took it isn't made up for.
    pub fn after(&self, due: Instant) -> Option<Instant> {
        match self {
            Schedule::None => None,
            Schedule::Every(every) | Schedule::Later(every) => {
                Some((due + *every).max(Instant::now()))
            }
            Schedule::Cron(..) => Some(self.next_by_cron()),
        }
    }

    fn next_by_cron(&self) -> Instant {
        let now = Utc::now();
        let wait = self.cron_after(now).map(|next| next - now);
        let wait = wait.and_then(|wait| wait.to_std().ok());
        // An expression that matches no date to come (30 February) is looked at again in a while.
        Instant::now() + wait.unwrap_or(Duration::from_secs(3600))
    }

    /// The first time after `now` that the cron expression matches.
    fn cron_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let Schedule::Cron(cron, zone) = self else {
            return None;
        };
        let next = cron.find_next_occurrence(&now.with_timezone(zone), false);
        next.ok().map(|next| next.with_timezone(&Utc))
    }
}

/// What is wrong with a cron expression.
fn fault(expression: &str, error: &croner::errors::CronError) -> String {
    let fields: Vec<&str> = expression.split_whitespace().collect();
    match fields.len() {
        5 | 6 => error.to_string(),
        n => format!("expected 5 to 6 fields, found {n}: [{}]", fields.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_told_apart() {
        assert!(matches!(Schedule::parse(""), Ok(Schedule::None)));
        assert!(matches!(Schedule::parse("0s"), Ok(Schedule::None)));
        assert!(matches!(Schedule::parse("1m"), Ok(Schedule::Every(d)) if d.as_secs() == 60));
        assert!(matches!(Schedule::parse("@every 3s"), Ok(Schedule::Later(d)) if d.as_secs() == 3));
        for wrong in ["wat", "* * *", "@every x", "TZ=Nowhere * * * * *"] {
            assert!(Schedule::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn cron_expressions_find_the_next_time() {
        let table = [
            (
                "*/5 * * * *",
                "2024-01-01T10:02:03Z",
                "2024-01-01T10:05:00Z",
            ),
            (
                "*/10 * * * * *",
                "2024-01-01T10:02:03Z",
                "2024-01-01T10:02:10Z",
            ),
            (
                "TZ=Europe/Paris 0 9 * * *",
                "2024-07-01T08:00:00Z",
                "2024-07-02T07:00:00Z",
            ),
            ("@daily", "2024-01-01T10:02:03Z", "2024-01-02T00:00:00Z"),
            ("0 0 1 * 1", "2024-01-02T00:00:00Z", "2024-01-08T00:00:00Z"),
        ];
        for (expression, now, next) in table {
            let schedule = Schedule::parse(expression).expect(expression);
            let now: DateTime<Utc> = now.parse().expect("a time");
            let next: DateTime<Utc> = next.parse().expect("a time");
            assert_eq!(schedule.cron_after(now), Some(next), "{expression}");
        }
    }
}
