//! Which trace a message belongs to, for whoever makes spans and for mappings that ask.
//!
//! A trace is remembered beside the message, by its identity ([`Message::flow_id`]), so that messages stay small and traces cost
//! nothing where there are none. The last 65,536 messages that came in are remembered.

use super::Message;
use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use uuid::Uuid;

/// Whether any traces are made.
static WANTED: AtomicBool = AtomicBool::new(false);
static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
const MAX_KNOWN: usize = 65_536;

#[derive(Default)]
struct Known {
    spans: HashMap<Uuid, SpanContext>,
    order: VecDeque<Uuid>,
}

/// A span, as those below it and other programs know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanContext {
    pub trace: [u8; 16],
    pub span: [u8; 8],
    /// Whether spans of the trace are to be kept.
    pub sampled: bool,
}

/// The spans within which something runs, by message.
pub(crate) type Spans = Arc<[(Uuid, SpanContext)]>;

tokio::task_local! {
    static WITHIN: Spans;
}

/// Traces are made from now on.
pub(crate) fn want() {
    super::want_flow_ids();
    WANTED.store(true, Ordering::Relaxed);
}

/// The message belongs to this span's trace.
pub(crate) fn begin(message: &Message, span: SpanContext) {
    let id = message.flow_id();
    let mut known = KNOWN.lock();
    let known = known.get_or_insert_default();
    if known.spans.insert(id, span).is_none() {
        known.order.push_back(id);
        if known.order.len() > MAX_KNOWN
            && let Some(oldest) = known.order.pop_front()
        {
            known.spans.remove(&oldest);
        }
    }
}

/// The innermost span that the message is in.
pub(crate) fn of(message: &Message) -> Option<SpanContext> {
    if !WANTED.load(Ordering::Relaxed) {
        return None;
    }
    let id = message.flow_id();
    let inner = WITHIN.try_with(|spans| spans.iter().find(|s| s.0 == id).map(|s| s.1));
    if let Ok(Some(span)) = inner {
        return Some(span);
    }
    KNOWN.lock().as_ref()?.spans.get(&id).copied()
}

/// Runs something within spans.
pub(crate) fn within<T>(spans: Spans, run: impl FnOnce() -> T) -> T {
    WITHIN.sync_scope(spans, run)
}

/// As [`within`], of something that waits.
pub(crate) fn waiting_within<F: Future>(spans: Spans, run: F) -> impl Future<Output = F::Output> {
    WITHIN.scope(spans, run)
}

impl SpanContext {
    /// Reads a `traceparent` header.
    pub(crate) fn parse(text: &str) -> Option<SpanContext> {
        let mut parts = text.trim().split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_known =
            version.len() == 2 && version != "ff" && (version != "00" || parts.next().is_none());
        let (trace, span) = (hex::<16>(trace)?, hex::<8>(span)?);
        let [flags] = hex::<1>(flags)?;
        let is_set = trace != [0; 16] && span != [0; 8];
        (is_known && is_set).then_some(SpanContext {
            trace,
            span,
            sampled: flags & 1 == 1,
        })
    }

    /// The trace's id in hexadecimal.
    pub(crate) fn trace_id(&self) -> String {
        show(&self.trace)
    }
}

/// As a `traceparent` header.
impl fmt::Display for SpanContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        let (trace, span) = (show(&self.trace), show(&self.span));
        write!(f, "00-{trace}-{span}-{flags:02x}")
    }
}

fn show(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if text.len() != 2 * N || !text.bytes().all(is_hex) {
        return None;
    }
    let mut out = [0; N];
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_written() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let span = SpanContext::parse(text).expect("a header");
        assert!(span.sampled);
        assert_eq!(span.to_string(), text);
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(SpanContext::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn copies_of_a_message_are_in_its_span() {
        want();
        let message = Message::new("a");
        let span = |n| SpanContext {
            trace: [1; 16],
            span: [n; 8],
            sampled: true,
        };
        begin(&message, span(1));
        let copy = message.clone();
        assert_eq!(of(&copy), Some(span(1)));
        let inner: Spans = [(message.flow_id(), span(2))].into();
        within(inner, || assert_eq!(of(&copy), Some(span(2))));
        assert_eq!(of(&Message::new("b")), None);
    }
}
