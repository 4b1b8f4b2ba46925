//! From what a run became back to the answers it owes: a batch may become none, one or many on its way through processors, and
//! its source waits for one answer.

use crate::component::{Ack, Answer, BatchError};
use crate::message::Batch;

/// What is owed for a run on its way: for each of its transactions, how many batches it became.
#[derive(Default)]
pub(super) struct Duties<D = Ack> {
    /// In order: who waits, and for how many of the batches.
    owed: Vec<(D, u32)>,
    /// The origins of the messages of each batch, for transactions that became several.
    origins: Vec<Vec<u32>>,
}

impl<D> Duties<D> {
    pub fn with_capacity(n: usize) -> Duties<D> {
        Duties {
            owed: Vec::with_capacity(n),
            origins: Vec::new(),
        }
    }

    /// Notes what a transaction became.
    pub fn push(&mut self, duty: D, became: &[Batch]) {
        self.owed.push((duty, became.len() as u32));
        if became.len() > 1 {
            let origins = |b: &Batch| {
                b.iter()
                    .map(|m| if m.is_merged() { u32::MAX } else { m.origin() })
                    .collect()
            };
            self.origins.extend(became.iter().map(origins));
        }
    }

    /// The answers for the transactions, from those for all batches in order.
    pub fn settle(self, answers: Vec<Answer>) -> impl Iterator<Item = (D, Answer)> {
        let (mut answers, mut origins) = (answers.into_iter(), self.origins.into_iter());
        let mut next = move || {
            let missing = || Err(BatchError::whole("the output gave no answer"));
            answers.next().unwrap_or_else(missing)
        };
        self.owed.into_iter().map(move |(duty, became)| {
            let answer = match became {
                0 => Ok(()),
                1 => next(),
                n => merge((0..n).map(|_| (next(), origins.next().unwrap_or_default()))),
            };
            (duty, answer)
        })
    }
}

/// The answer for a batch that became several, from the answer for each of them and the origins of its messages.
fn merge(parts: impl Iterator<Item = (Answer, Vec<u32>)>) -> Answer {
    let mut merged: Option<BatchError> = None;
    let mut is_whole = false;
    for (answer, origins) in parts {
        let Err(mut error) = answer else { continue };
        let all = merged.get_or_insert_with(|| BatchError::whole(error.text.clone()));
        is_whole |= origins.contains(&u32::MAX);
        if error.failed.is_empty() {
            let failed = origins.iter().map(|o| (*o, error.text.clone()));
            all.failed.extend(failed);
        } else {
            all.failed.append(&mut error.failed);
        }
    }
    match merged {
        None => Ok(()),
        Some(mut error) => {
            if is_whole {
                error.failed.clear();
            }
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    fn batch(origins: &[u32]) -> Batch {
        let message = |o: &u32| {
            let mut message = Message::new("x");
            message.set_origin(*o);
            message
        };
        origins.iter().map(message).collect()
    }

    #[test]
    fn answers_find_their_way_back() {
        let mut duties = Duties::with_capacity(4);
        duties.push("none", &[]);
        duties.push("one", &[batch(&[0])]);
        duties.push("split", &[batch(&[0, 1]), batch(&[2]), batch(&[3])]);
        duties.push("last", &[batch(&[0])]);
        let failed = |failed: &[u32]| {
            let failed = failed.iter().map(|o| (*o, "no".into()));
            BatchError::new("no", failed.collect())
        };
        let answers = vec![
            Ok(()),
            Err(failed(&[1])),
            Err(BatchError::whole("no")),
            Ok(()),
        ];
        let settled: Vec<_> = duties.settle(answers).collect();
        let want = vec![
            ("none", Ok(())),
            ("one", Ok(())),
            ("split", Err(failed(&[1, 2]))),
            ("last", Err(BatchError::whole("the output gave no answer"))),
        ];
        assert_eq!(settled, want);
    }
}
