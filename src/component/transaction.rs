//! Batches on their way, and the duty to answer them.
//!
//! Whoever holds an [`Ack`] owes its source exactly one answer: ok once the batch is safe, or an error, after which the
//! source sends it again or hands the error on. The duty travels beside the batch and not inside a message, because a
//! batch may be split, merged or dropped on its way, while the source waits for one answer about what it sent.

use crate::message::{Batch, Message};
use std::{
    fmt,
    ops::{Deref, DerefMut, Range},
    sync::Arc,
};

/// A batch and the duty to answer it.
#[derive(Debug)]
pub struct Transaction {
    pub batch: Batch,
    pub ack: Ack,
}

/// Transactions that travel together, in order, each with its own answer: channel and task costs are paid once for all.
pub type Run = Vec<Transaction>;

/// What became of a batch.
pub type Answer = Result<(), BatchError>;

/// Why a batch, or some of its messages, did not arrive. Boxed, so that the answers of a run that arrived are small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchError(Box<Failure>);

/// What a [`BatchError`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub text: Arc<str>,
    /// The failed messages by their [`Message::origin`] with a reason each; empty when the whole batch failed.
    /// Messages that aren't named here did arrive.
    pub failed: Vec<(u32, Arc<str>)>,
}

impl BatchError {
    /// The whole batch failed.
    pub fn whole(text: impl Into<Arc<str>>) -> BatchError {
        BatchError::new(text, Vec::new())
    }

    /// These messages of the batch failed, or all of them if none is named; see [`Failure`].
    pub fn new(text: impl Into<Arc<str>>, failed: Vec<(u32, Arc<str>)>) -> BatchError {
        let text = text.into();
        BatchError(Box::new(Failure { text, failed }))
    }

    /// The error of a batch of which these messages failed, each for a reason.
    pub fn of_messages<'m>(
        failed: impl IntoIterator<Item = (&'m Message, Arc<str>)>,
    ) -> BatchError {
        let mut error = BatchError::whole("");
        let mut merged = false;
        for (message, reason) in failed {
            merged |= message.is_merged();
            error.failed.push((message.origin(), reason));
        }
        if let Some((_, first)) = error.failed.first() {
            error.text = first.clone();
        }
        if merged {
            error.failed.clear();
        }
        error
    }

    /// Whether this message of the batch failed, and why.
    pub fn reason(&self, message: &Message) -> Option<&Arc<str>> {
        if self.failed.is_empty() || message.is_merged() {
            return Some(&self.text);
        }
        let mut failed = self.failed.iter();
        failed
            .find(|(origin, _)| *origin == message.origin())
            .map(|(_, reason)| reason)
    }

    /// Whether this message of the batch failed.
    pub fn covers(&self, message: &Message) -> bool {
        self.reason(message).is_some()
    }
}

impl Deref for BatchError {
    type Target = Failure;

    fn deref(&self) -> &Failure {
        &self.0
    }
}

impl DerefMut for BatchError {
    fn deref_mut(&mut self) -> &mut Failure {
        &mut self.0
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for BatchError {}

/// The duty to answer one transaction, once. Dropped without an answer it fails the transaction, so that nothing is lost.
pub struct Ack(Option<Inner>);

enum Inner {
    /// A source that keeps its own books: the token says which of its transactions this was.
    Source(Arc<dyn AckSink>, u64),
    Once(Box<dyn FnOnce(Answer) + Send + Sync>),
}

/// Takes the answers for a source's transactions. Called once for each token, from any thread; must not block.
pub trait AckSink: Send + Sync {
    fn answer(&self, token: u64, answer: Answer);

    /// Whether what fails is sent again, and not handed to where it came from.
    fn replays(&self) -> bool {
        false
    }

    /// These transactions, one after the other, arrived.
    fn delivered(&self, tokens: Range<u64>) {
        for token in tokens {
            self.answer(token, Ok(()));
        }
    }
}

impl Ack {
    /// For batches that nobody waits for.
    pub fn none() -> Ack {
        Ack(None)
    }

    pub fn source(sink: Arc<dyn AckSink>, token: u64) -> Ack {
        Ack(Some(Inner::Source(sink, token)))
    }

    /// Calls `then` with the answer; it must not block.
    pub fn once(then: impl FnOnce(Answer) + Send + Sync + 'static) -> Ack {
        Ack(Some(Inner::Once(Box::new(then))))
    }

    /// Whether nobody waits for the answer.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a failure would only make the source send the batch again.
    pub fn is_replayed(&self) -> bool {
        matches!(&self.0, Some(Inner::Source(sink, _)) if sink.replays())
    }

    pub fn answer(mut self, answer: Answer) {
        self.give(answer);
    }

    /// Gives each its answer; what one source gets as delivered in a row, it is told at once.
    pub fn answer_all(answers: impl IntoIterator<Item = (Ack, Answer)>) {
        let mut row: Option<(Arc<dyn AckSink>, Range<u64>)> = None;
        for (mut ack, answer) in answers {
            match (ack.0.take(), answer) {
                (Some(Inner::Source(sink, token)), Ok(())) => match &mut row {
                    Some((same, tokens)) if tokens.end == token && Arc::ptr_eq(same, &sink) => {
                        tokens.end += 1;
                    }
                    _ => {
                        if let Some((sink, tokens)) = row.replace((sink, token..token + 1)) {
                            sink.delivered(tokens);
                        }
                    }
                },
                (inner, answer) => Ack(inner).answer(answer),
            }
        }
        if let Some((sink, tokens)) = row {
            sink.delivered(tokens);
        }
    }

    fn give(&mut self, answer: Answer) {
        match self.0.take() {
            None => {}
            Some(Inner::Source(sink, token)) => sink.answer(token, answer),
            Some(Inner::Once(then)) => then(answer),
        }
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if self.0.is_some() {
            self.give(Err(BatchError::whole(
                "the stream stopped before the message was delivered",
            )));
        }
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ack")
    }
}
