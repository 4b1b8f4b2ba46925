//! Tells of messages that fail and are sent again, over and over: with `reject` and an input that replays that never ends, and
//! from outside it looks like a stream that does nothing.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

/// How often it is told.
const EVERY: Duration = Duration::from_secs(10);

/// Fewer attempts at a message are nothing to tell of.
const MANY_ATTEMPTS: u32 = 5;

/// What was sent again since it was told last.
pub(super) struct Replays {
    since: Instant,
    messages: u64,
    /// The most attempts at one message.
    attempts: u32,
    error: Arc<str>,
}

impl Replays {
    pub fn new(now: Instant) -> Replays {
        Replays {
            since: now,
            messages: 0,
            attempts: 0,
            error: "".into(),
        }
    }

    /// So many messages failed in an attempt of this number, and are to be sent again.
    pub fn note(&mut self, messages: usize, attempt: u32, error: &Arc<str>) {
        self.messages += messages as u64;
        if attempt >= self.attempts {
            self.attempts = attempt;
            self.error = error.clone();
        }
    }

    /// What there is to tell by now, if there is.
    pub fn report(&mut self, now: Instant) -> Option<String> {
        let time = now.duration_since(self.since);
        if time < EVERY {
            return None;
        }
        let last = std::mem::replace(self, Replays::new(now));
        (last.attempts >= MANY_ATTEMPTS).then(|| {
            format!(
                "{:.1} messages a second failed and are sent again, one of them {} times by now: {}",
                last.messages as f64 / time.as_secs_f64(),
                last.attempts,
                last.error
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_told_when_something_fails_for_ever() {
        let begun = Instant::now();
        let mut replays = Replays::new(begun);
        replays.note(30, 1, &"once".into());
        assert_eq!(replays.report(begun + EVERY), None, "nothing failed often");
        let at = begun + EVERY * 2;
        replays.note(10, 7, &"no such table".into());
        replays.note(10, 3, &"another".into());
        assert_eq!(
            replays.report(at - Duration::from_secs(1)),
            None,
            "too soon"
        );
        assert_eq!(
            replays.report(at).as_deref(),
            Some(
                "2.0 messages a second failed and are sent again, one of them 7 times by now: no such table"
            )
        );
        assert_eq!(replays.report(at + EVERY), None);
    }
}
