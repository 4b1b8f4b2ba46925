//! Windows of time and the messages in them. The clock is an argument.

use crate::component::{Ack, Answer, BatchError, Transaction};
use crate::message::{Batch, Message};
use crate::value::Str;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc};

/// Messages by the end of the window that they fall into.
pub(super) struct Windows {
    size: TimeDelta,
    slide: TimeDelta,
    offset: TimeDelta,
    open: BTreeMap<DateTime<Utc>, Vec<(Message, Arc<Held>)>>,
    /// The end of the latest window that went; what falls before it is late.
    gone: DateTime<Utc>,
}

/// A batch of the input of which messages are held. It is answered when the last of them is.
pub(super) struct Held {
    ack: Mutex<Option<Ack>>,
    failed: Mutex<Vec<(u32, Arc<str>)>>,
}

impl Held {
    pub fn new(ack: Ack) -> Arc<Held> {
        Arc::new(Held {
            ack: Mutex::new(Some(ack)),
            failed: Mutex::default(),
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let failed = std::mem::take(&mut *self.failed.lock());
        let answer = match failed.first() {
            None => Ok(()),
            Some((_, reason)) => {
                let reason = reason.clone();
                // A message that was merged fails its whole batch.
                let is_whole = failed.iter().any(|(origin, _)| *origin == u32::MAX);
                let failed = if is_whole { Vec::new() } else { failed };
                Err(BatchError::new(reason, failed))
            }
        };
        if let Some(ack) = self.ack.lock().take() {
            ack.answer(answer);
        }
    }
}

impl Windows {
    pub fn new(
        size: TimeDelta,
        slide: TimeDelta,
        offset: TimeDelta,
        now: DateTime<Utc>,
    ) -> Windows {
        let mut windows = Windows {
            size,
            slide,
            offset,
            open: BTreeMap::new(),
            gone: now,
        };
        windows.gone = windows.last_end(now);
        windows
    }

    /// The end of the latest window that ends at or before a time.
    fn last_end(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        let nanos = |delta: TimeDelta| i128::from(delta.num_microseconds().unwrap_or(i64::MAX));
        let since = i128::from((time - self.offset).timestamp_micros());
        let past = since.rem_euclid(nanos(self.slide).max(1));
        let micros = time.timestamp_micros() - past as i64;
        DateTime::from_timestamp_micros(micros).unwrap_or(time)
    }

    /// Puts a message into each window that its time falls into. Windows that end at or before `earliest` have gone.
    pub fn add(
        &mut self,
        message: &Message,
        time: DateTime<Utc>,
        earliest: DateTime<Utc>,
        held: &Arc<Held>,
    ) {
        let mut end = self.last_end(time) + self.slide;
        while end - self.size <= time {
            if end > earliest && end > self.gone {
                let window = self.open.entry(end).or_default();
                window.push((message.clone(), held.clone()));
            }
            end += self.slide;
        }
    }

    /// How many messages are held.
    pub fn len(&self) -> usize {
        self.open.values().map(Vec::len).sum()
    }

    /// When the next window ends.
    pub fn next_end(&self) -> Option<DateTime<Utc>> {
        self.open.keys().next().copied()
    }

    /// The next window, if it ended at or before a time.
    pub fn take(&mut self, time: DateTime<Utc>) -> Option<Transaction> {
        let window = self.open.first_entry().filter(|w| *w.key() <= time)?;
        let end = *window.key();
        let messages = window.remove();
        self.gone = end;
        let text = end.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let mut batch = Batch::with_capacity(messages.len());
        let mut sources = Vec::with_capacity(messages.len());
        for (number, (mut message, held)) in messages.into_iter().enumerate() {
            sources.push((message.origin(), held));
            message.set_origin(number as u32);
            let key = Str::from_static("window_end_timestamp");
            message.metadata_mut().set(key, text.as_str());
            batch.push(message);
        }
        let ack = Ack::once(move |answer| settle(answer, &sources));
        Some(Transaction { batch, ack })
    }

    /// Lets go of what is held, and hands it back.
    pub fn clear(&mut self) {
        let reason: Arc<str> = "the stream stopped before the window was complete".into();
        for (message, held) in std::mem::take(&mut self.open).into_values().flatten() {
            held.failed.lock().push((message.origin(), reason.clone()));
        }
    }
}

/// Notes with the batches that messages came from which of them failed.
fn settle(answer: Answer, sources: &[(u32, Arc<Held>)]) {
    let Err(error) = answer else {
        return;
    };
    for (number, (origin, held)) in sources.iter().enumerate() {
        let reason = match error.failed.is_empty() {
            true => Some(&error.text),
            false => {
                let mut failed = error.failed.iter();
                failed
                    .find(|(failed, _)| *failed == number as u32)
                    .map(|(_, reason)| reason)
            }
        };
        if let Some(reason) = reason {
            held.failed.lock().push((*origin, reason.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a time")
    }

    fn ends(size: i64, slide: i64, offset: i64, time: i64) -> Vec<i64> {
        let delta = TimeDelta::seconds;
        let mut windows = Windows::new(delta(size), delta(slide), delta(offset), at(0));
        let held = Held::new(Ack::none());
        windows.add(&Message::new("x"), at(time), at(0), &held);
        windows.open.keys().map(DateTime::timestamp).collect()
    }

    #[test]
    fn a_message_falls_into_each_window_that_covers_it() {
        let table: [(i64, i64, i64, i64, &[i64]); 5] = [
            (10, 10, 0, 25, &[30]),
            (10, 10, 0, 30, &[40]),
            (10, 10, 3, 32, &[33]),
            (10, 5, 0, 27, &[30, 35]),
            (10, 3, 0, 100, &[102, 105, 108]),
        ];
        for (size, slide, offset, time, wanted) in table {
            assert_eq!(
                ends(size, slide, offset, time),
                wanted,
                "{size} {slide} {offset} {time}"
            );
        }
    }

    #[test]
    fn the_first_and_the_last_years_have_windows() {
        let century = TimeDelta::days(36_525);
        for text in ["-9999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"] {
            let time: DateTime<Utc> = text.parse().expect("a time");
            let mut windows = Windows::new(century, century / 10_000, century / 20_000, time);
            let held = Held::new(Ack::none());
            windows.add(&Message::new("x"), time, time - century, &held);
            assert_eq!(windows.len(), 10_000, "{text}");
        }
    }

    #[test]
    fn a_batch_is_answered_when_the_last_of_its_messages_is() {
        let delta = TimeDelta::seconds(10);
        let mut windows = Windows::new(delta, delta, TimeDelta::zero(), at(0));
        let answer = Arc::new(Mutex::new(None));
        let seen = answer.clone();
        let held = Held::new(Ack::once(move |a| *seen.lock() = Some(a)));
        for (origin, time) in [15, 25, 26, 5].into_iter().enumerate() {
            let mut message = Message::new("x");
            message.set_origin(origin as u32);
            // The last one is late.
            windows.add(&message, at(time), at(10), &held);
        }
        drop(held);
        assert!(windows.take(at(19)).is_none());
        let first = windows.take(at(20)).expect("a window");
        assert_eq!(
            first.batch[0]
                .metadata()
                .get("window_end_timestamp")
                .and_then(|v| v.as_str()),
            Some("1970-01-01T00:00:20Z")
        );
        first.ack.answer(Ok(()));
        assert!(answer.lock().is_none());
        let second = windows.take(at(30)).expect("a window");
        let error = BatchError::of_messages([(&second.batch[1], "no".into())]);
        second.ack.answer(Err(error));
        let error = answer.lock().take().expect("answered").expect_err("failed");
        assert_eq!(error.failed, [(2, "no".into())]);
    }
}
