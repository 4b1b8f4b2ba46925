//! `system_window`: gathers messages into windows of time.

use super::meter::Meter;
use super::windows::{Held, Windows};
use crate::bloblang::Mapping;
use crate::component::{BuildBuffer, Context, Run, Source, Transaction};
use crate::config::Span;
use crate::message::Message;
use crate::value::Value;
use anyhow::{Context as _, bail, ensure};
use async_trait::async_trait;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use std::time::Duration;

crate::fields! {
    /// The windows, and which of them a message falls into.
    pub struct Config {
        /// The time of a message: a timestamp, text of the form RFC 3339, or seconds since 1970.
        timestamp_mapping: Mapping = "root = now()",
        /// How long a window is.
        size: Duration,
        /// How long after a window the next begins, if that is less than its size: windows overlap then.
        slide: Span = "''",
        /// By how much windows begin after whole multiples of their size.
        offset: Span = "''",
        /// How long to wait for late messages after the end of a window.
        allowed_lateness: Span = "''",
    }
}

crate::spec! {
    /// Gathers messages by their time into windows, and hands each window on as a batch when the clock has passed its end.
    /// Messages have the end of their window as metadata `window_end_timestamp`. Those that come after their window went
    /// are dropped. Windows that are open when the stream is stopped are handed back to the input.
    dyn BuildBuffer, "system_window", Config
}

/// The longest window, and the longest wait for late messages.
const LONGEST: TimeDelta = TimeDelta::days(36_525);

/// How many windows a message may be in.
const MOST_WINDOWS: i32 = 10_000;

impl BuildBuffer for Config {
    fn build(&self, cx: &Context, input: Box<dyn Source>) -> anyhow::Result<Box<dyn Source>> {
        let delta = |span: Span, name: &str| {
            let delta = TimeDelta::from_std(span.0.unwrap_or_default());
            let delta = delta.ok().filter(|delta| *delta <= LONGEST);
            delta.with_context(|| format!("{name} is longer than {} days", LONGEST.num_days()))
        };
        let size = delta(Span(Some(self.size)), "size")?;
        ensure!(size > TimeDelta::zero(), "size must be more than zero");
        let slide = match self.slide.0.filter(|slide| !slide.is_zero()) {
            Some(slide) => delta(Span(Some(slide)), "slide")?,
            None => size,
        };
        ensure!(slide <= size, "slide must be at most as long as size");
        ensure!(
            slide >= TimeDelta::microseconds(1) && size / MOST_WINDOWS <= slide,
            "slide is so short that a message would be in more than {MOST_WINDOWS} windows"
        );
        let offset = delta(self.offset, "offset")?;
        ensure!(
            offset < slide,
            "offset must be shorter than the time between two windows"
        );
        let lateness = delta(self.allowed_lateness, "allowed_lateness")?;
        ensure!(
            lateness < size,
            "allowed_lateness must be shorter than size"
        );
        Ok(Box::new(SystemWindow {
            input,
            mapping: self.timestamp_mapping.clone(),
            windows: Windows::new(size, slide, offset, Utc::now()),
            lateness,
            ended: false,
            meter: Meter::new(cx),
            cx: cx.clone(),
        }))
    }
}

struct SystemWindow {
    input: Box<dyn Source>,
    mapping: Mapping,
    windows: Windows,
    lateness: TimeDelta,
    /// Whether the input has ended.
    ended: bool,
    meter: Meter,
    cx: Context,
}

impl SystemWindow {
    /// The time of a message, of the years to 9999, so that the ends of its windows are times too.
    fn time(&self, batch: &[Message], index: usize) -> anyhow::Result<DateTime<Utc>> {
        let time = self.any_time(batch, index)?;
        ensure!(
            (-9999..=9999).contains(&time.year()),
            "the time {time} is out of range"
        );
        Ok(time)
    }

    fn any_time(&self, batch: &[Message], index: usize) -> anyhow::Result<DateTime<Utc>> {
        match self.mapping.value(batch, index)? {
            Some(Value::Timestamp(time)) => DateTime::from_timestamp(time.seconds(), time.nanos())
                .context("the time is out of range"),
            Some(Value::String(text)) => {
                let time = DateTime::parse_from_rfc3339(&text);
                let time = time.with_context(|| format!("{:?} isn't a time", &*text))?;
                Ok(time.with_timezone(&Utc))
            }
            Some(
                number @ (Value::Int(_) | Value::Uint(_) | Value::Float(_) | Value::Number(_)),
            ) => {
                let text = String::from_utf8_lossy(&number.to_json()).into_owned();
                let seconds: f64 = text.parse().context("the time isn't a number")?;
                let time = DateTime::from_timestamp_micros((seconds * 1e6) as i64);
                time.context("the time is out of range")
            }
            other => bail!(
                "the time is {}, and not a timestamp, text or a number",
                other.map_or("nothing", |v| v.type_name())
            ),
        }
    }

    fn hold(&mut self, run: Run) {
        let now = Utc::now();
        for Transaction { batch, ack } in run {
            self.meter.receive(batch.len());
            let held = Held::new(ack);
            for index in 0..batch.len() {
                match self.time(&batch, index) {
                    Ok(time) => {
                        let earliest = now - self.lateness;
                        self.windows.add(&batch[index], time, earliest, &held);
                    }
                    Err(error) => {
                        tracing::error!(path = %self.cx.name.path, error = %format!("{error:#}"), "a message without a time is dropped");
                    }
                }
            }
        }
        self.meter.active.set(self.windows.len() as i64);
    }
}

#[async_trait]
impl Source for SystemWindow {
    async fn next(&mut self) -> Option<Run> {
        let (soft, hard) = (self.cx.wiring.soft_stop(), self.cx.wiring.hard_stop());
        loop {
            let now = Utc::now();
            if let Some(transaction) = self.windows.take(now - self.lateness) {
                let run = vec![transaction];
                self.meter.send(&run);
                self.meter.active.set(self.windows.len() as i64);
                return Some(run);
            }
            let wait = self.windows.next_end().map(|end| end + self.lateness - now);
            let wait = match wait {
                // A moment late rather than a moment early.
                Some(wait) => wait.to_std().unwrap_or_default() + Duration::from_millis(1),
                None if self.ended => return None,
                None => Duration::from_secs(3600),
            };
            tokio::select! {
                run = self.input.next(), if !self.ended => match run {
                    Some(run) => self.hold(run),
                    None => self.ended = true,
                },
                () = tokio::time::sleep(wait) => {}
                () = soft.cancelled(), if !soft.is_cancelled() => {}
                () = hard.cancelled() => return None,
            }
            if soft.is_cancelled() {
                // Windows that aren't complete go back to the input.
                self.windows.clear();
                self.ended = true;
                return None;
            }
        }
    }

    async fn close(&mut self) {
        self.windows.clear();
        self.input.close().await;
    }

    fn is_connected(&self) -> bool {
        self.input.is_connected()
    }
}
