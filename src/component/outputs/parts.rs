//! Sending a run in parts to several sinks, and making one answer for each of its batches.

use crate::component::{Answer, BatchError, Sink};
use crate::message::{Batch, Message};
use std::sync::Arc;

/// The batches for one sink, and what each is part of.
#[derive(Default)]
pub(super) struct Parts {
    batches: Vec<Batch>,
    parts: Vec<Part>,
}

/// A batch that is all or some of a batch of the run.
struct Part {
    /// Which batch of the run.
    of: usize,
    /// The origins of its messages, if it is only some of that batch.
    origins: Option<Vec<u32>>,
}

impl Parts {
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Adds a whole batch of the run.
    pub fn add_whole(&mut self, of: usize, batch: Batch) {
        self.batches.push(batch);
        self.parts.push(Part { of, origins: None });
    }

    /// Adds some messages of a batch of the run.
    pub fn add_some(&mut self, of: usize, batch: Batch) {
        // A merged message stands for the whole batch.
        let merged = batch.iter().any(Message::is_merged);
        let origins = (!merged).then(|| batch.iter().map(Message::origin).collect());
        self.batches.push(batch);
        self.parts.push(Part { of, origins });
    }

    /// Sends them, and notes in `answers` what failed.
    pub async fn send(self, sink: &dyn Sink) -> Sent {
        Sent {
            answers: sink.send(self.batches).await,
            parts: self.parts,
        }
    }
}

/// The answers to parts.
pub(super) struct Sent {
    answers: Vec<Answer>,
    parts: Vec<Part>,
}

impl Sent {
    /// Notes in the answers of the run what failed of the parts.
    pub fn note(self, answers: &mut [Answer]) {
        self.note_by(answers, add_error);
    }

    /// As [`Sent::note`], but what failed several times has the latest reason.
    pub fn note_latest(self, answers: &mut [Answer]) {
        self.note_by(answers, replace_error);
    }

    fn note_by(self, answers: &mut [Answer], add: fn(&mut Answer, BatchError)) {
        for (answer, part) in self.answers.into_iter().zip(self.parts) {
            let Err(mut error) = answer else {
                continue;
            };
            if let Some(origins) = part.origins
                && error.failed.is_empty()
            {
                let text = error.text.clone();
                error.failed = origins.into_iter().map(|o| (o, text.clone())).collect();
            }
            add(&mut answers[part.of], error);
        }
    }
}

fn replace_error(answer: &mut Answer, error: BatchError) {
    match answer {
        Err(earlier) if error.failed.is_empty() => *earlier = error,
        Err(earlier) if !earlier.failed.is_empty() => {
            let is_told = |origin: u32| error.failed.iter().any(|(told, _)| *told == origin);
            earlier.failed.retain(|(origin, _)| !is_told(*origin));
            earlier.failed.extend(error.failed.iter().cloned());
        }
        _ => add_error(answer, error),
    }
}

/// Adds an error to an answer: what failed before or fails now has failed. Where all of the batch did, it has the reason of that.
pub(super) fn add_error(answer: &mut Answer, mut error: BatchError) {
    match answer {
        Ok(()) => *answer = Err(error),
        Err(earlier) if earlier.failed.is_empty() => {}
        Err(earlier) if error.failed.is_empty() => *earlier = error,
        Err(earlier) => {
            for (origin, reason) in error.failed.drain(..) {
                if earlier.failed.iter().all(|(o, _)| *o != origin) {
                    earlier.failed.push((origin, reason));
                }
            }
        }
    }
}

/// Messages that were made of one, or of all, have one origin: while a batch is under way that goes on in parts, each has one of
/// its own, so that what failed is told from what arrived.
pub(super) struct TellApart(Option<Vec<u32>>);

impl TellApart {
    pub fn new(batch: &mut Batch) -> TellApart {
        let origins: Vec<u32> = batch.iter().map(Message::origin).collect();
        let mut sorted = origins.clone();
        sorted.sort_unstable();
        let is_merged = batch.len() > 1 && batch.iter().any(Message::is_merged);
        if !is_merged && sorted.windows(2).all(|two| two[0] != two[1]) {
            return TellApart(None);
        }
        for (own, message) in (0..).zip(batch.iter_mut()) {
            message.set_origin(own);
        }
        TellApart(Some(origins))
    }

    /// The answer in terms of the messages' true origins.
    pub fn answer(self, answer: Answer) -> Answer {
        let (Some(origins), Err(mut error)) = (self.0, answer.clone()) else {
            return answer;
        };
        let merged = |origin: u32| {
            let mut message = Message::default();
            message.set_origin(origin);
            message.is_merged()
        };
        let failed = error.failed.drain(..);
        let failed: Vec<_> = failed
            .filter_map(|(own, reason)| Some((*origins.get(own as usize)?, reason)))
            .collect();
        // The failure of one that stands for all is the failure of all.
        if !failed.iter().any(|(origin, _)| merged(*origin)) {
            error.failed = failed;
        }
        Err(error)
    }
}

/// The messages of a batch that an error covers.
pub(super) fn failed(batch: Batch, error: &BatchError) -> Batch {
    match batch.len() {
        1 => batch,
        _ => batch.into_iter().filter(|m| error.covers(m)).collect(),
    }
}

/// Closes sinks, one after the other.
pub(super) async fn close(sinks: &[Arc<dyn Sink>]) {
    for sink in sinks {
        sink.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(failed: &[u32]) -> BatchError {
        BatchError::new("x", failed.iter().map(|o| (*o, "x".into())).collect())
    }

    #[test]
    fn errors_of_parts_add_up() {
        let table: &[(&[u32], &[u32], &[u32])] = &[
            (&[1], &[2], &[1, 2]),
            (&[1], &[1], &[1]),
            (&[], &[1], &[]),
            (&[1], &[], &[]),
        ];
        for (first, second, both) in table {
            let mut answer = Ok(());
            add_error(&mut answer, error(first));
            add_error(&mut answer, error(second));
            assert_eq!(answer, Err(error(both)));
        }
    }
    #[test]
    fn messages_of_one_origin_are_told_apart_on_the_way() {
        let mut batch: Batch = ["a", "b", "c"].map(Message::new).into_iter().collect();
        for (origin, message) in [7, 7, 8].into_iter().zip(batch.iter_mut()) {
            message.set_origin(origin);
        }
        let apart = TellApart::new(&mut batch);
        assert!(!error(&[1]).covers(&batch[0]) && error(&[1]).covers(&batch[1]));
        assert_eq!(apart.answer(Err(error(&[1]))), Err(error(&[7])));
    }
}
