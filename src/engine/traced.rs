//! Around inputs, processors and outputs of a stream that is traced: a span for each message at each of them.
//!
//! Nothing of this is there where nothing is traced. A message's first span lasts from its reading to its answer; those of processors
//! and outputs are below it, and those of a processor's own processors below that one's.

use crate::component::{Ack, AckSink, Answer, Process, ProcessAsync, Processor, Run, Sink, Source};
use crate::message::{
    Batch, ComponentName, Message,
    trace::{self, SpanContext, Spans},
};
use crate::telemetry::otlp::{self, Tracer};
use async_trait::async_trait;
use parking_lot::Mutex;
use std::sync::Arc;
use uuid::Uuid;

/// Makes the spans of one component.
#[derive(Clone)]
struct Spanner {
    tracer: Tracer,
    span: Arc<str>,
    name: ComponentName,
}

/// A span that hasn't ended.
struct Open {
    message: Uuid,
    context: SpanContext,
    parent: Option<SpanContext>,
    start: u64,
    /// Whether the message was flagged before.
    had_failed: bool,
}

impl Spanner {
    fn open(&self, message: &Message, start: u64) -> Open {
        let parent = trace::of(message);
        Open {
            message: message.flow_id(),
            context: self.tracer.begin(parent),
            parent,
            start,
            had_failed: message.error().is_some(),
        }
    }

    fn open_all<'m>(&self, messages: impl IntoIterator<Item = &'m Message>) -> Vec<Open> {
        let start = otlp::now();
        messages.into_iter().map(|m| self.open(m, start)).collect()
    }

    fn end(&self, open: &Open, error: Option<&str>) {
        if !open.context.sampled {
            return;
        }
        let attributes = [
            ("component.label", &*self.name.label),
            ("component.path", &*self.name.path),
        ];
        let known = attributes.iter().filter(|(_, value)| !value.is_empty());
        let attributes: Vec<(&str, &str)> = known.copied().collect();
        self.tracer.end(otlp::span(
            open.context,
            open.parent,
            &self.span,
            open.start,
            &attributes,
            error,
        ));
    }
}

fn contexts(spans: &[Open]) -> Spans {
    spans.iter().map(|s| (s.message, s.context)).collect()
}

// ---- inputs ----

/// Traces what an input reads.
pub(super) fn source(
    source: Box<dyn Source>,
    tracer: &Option<Tracer>,
    name: &ComponentName,
) -> Box<dyn Source> {
    let Some(tracer) = tracer else {
        return source;
    };
    Box::new(TracedSource {
        source,
        spanner: Arc::new(Spanner {
            tracer: tracer.clone(),
            span: format!("input_{}", name.kind).into(),
            name: name.clone(),
        }),
    })
}

struct TracedSource {
    source: Box<dyn Source>,
    spanner: Arc<Spanner>,
}

impl TracedSource {
    /// A message whose metadata has a `traceparent`, such as a header of a request, goes on with that trace.
    fn begin(&self, message: &Message, start: u64) -> Open {
        let header = message
            .metadata()
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("traceparent"));
        let parent = header.and_then(|(_, value)| SpanContext::parse(value.as_str()?));
        let context = match parent {
            Some(remote) => self.spanner.tracer.begin_below(remote),
            None => self.spanner.tracer.begin(None),
        };
        trace::begin(message, context);
        Open {
            message: message.flow_id(),
            context,
            parent,
            start,
            had_failed: false,
        }
    }
}

#[async_trait]
impl Source for TracedSource {
    async fn next(&mut self) -> Option<Run> {
        let mut run = self.source.next().await?;
        let start = otlp::now();
        for transaction in &mut run {
            let spans = transaction.batch.iter().map(|m| self.begin(m, start));
            let spans = spans.collect();
            let ack = std::mem::replace(&mut transaction.ack, Ack::none());
            let duty = Arc::new(Duty {
                replays: ack.is_replayed(),
                ack: Mutex::new(Some(ack)),
                spanner: self.spanner.clone(),
                spans,
            });
            transaction.ack = Ack::source(duty, 0);
        }
        Some(run)
    }

    async fn close(&mut self) {
        self.source.close().await;
    }

    fn is_connected(&self) -> bool {
        self.source.is_connected()
    }
}

/// The duty to answer for a batch whose spans end with the answer.
struct Duty {
    ack: Mutex<Option<Ack>>,
    replays: bool,
    spanner: Arc<Spanner>,
    spans: Vec<Open>,
}

impl AckSink for Duty {
    fn answer(&self, _: u64, answer: Answer) {
        let error = answer.as_ref().err().map(|e| e.to_string());
        for span in &self.spans {
            self.spanner.end(span, error.as_deref());
        }
        let ack = self.ack.lock().take();
        if let Some(ack) = ack {
            ack.answer(answer);
        }
    }

    fn replays(&self) -> bool {
        self.replays
    }
}

// ---- processors ----

/// Traces what a processor does.
pub(super) fn processor(
    processor: Processor,
    tracer: &Option<Tracer>,
    name: &ComponentName,
) -> Processor {
    let Some(tracer) = tracer else {
        return processor;
    };
    let spanner = Spanner {
        tracer: tracer.clone(),
        span: (&*name.kind).into(),
        name: name.clone(),
    };
    match processor {
        Processor::Sync(inner) => Processor::Sync(Box::new(Traced { inner, spanner })),
        Processor::Async(inner) => Processor::Async(Box::new(Traced { inner, spanner })),
    }
}

struct Traced<P> {
    inner: P,
    spanner: Spanner,
}

impl<P> Traced<P> {
    /// Ends the spans of a call by what it made.
    fn end(&self, spans: &[Open], made: &[Batch]) {
        let failed: Vec<(Uuid, &Message)> = made
            .iter()
            .flatten()
            .filter(|m| m.error().is_some())
            .map(|m| (m.flow_id(), m))
            .collect();
        for span in spans {
            let found = failed.iter().find(|(id, _)| *id == span.message);
            let error = found.filter(|_| !span.had_failed);
            let error = error.and_then(|(_, m)| m.error());
            self.spanner.end(span, error.map(|e| &*e.text));
        }
    }
}

impl Process for Traced<Box<dyn Process>> {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        let spans = self.spanner.open_all(&batch);
        let before = out.len();
        trace::within(contexts(&spans), || self.inner.process(batch, out));
        self.end(&spans, &out[before..]);
    }
}

#[async_trait]
impl ProcessAsync for Traced<Box<dyn ProcessAsync>> {
    async fn process(&self, batch: Batch) -> Vec<Batch> {
        let spans = self.spanner.open_all(&batch);
        let made = trace::waiting_within(contexts(&spans), self.inner.process(batch)).await;
        self.end(&spans, &made);
        made
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

// ---- outputs ----

/// Traces what an output writes.
pub(super) fn sink(
    sink: Arc<dyn Sink>,
    tracer: &Option<Tracer>,
    name: &ComponentName,
) -> Arc<dyn Sink> {
    let Some(tracer) = tracer else {
        return sink;
    };
    Arc::new(TracedSink {
        sink,
        spanner: Spanner {
            tracer: tracer.clone(),
            span: format!("output_{}", name.kind).into(),
            name: name.clone(),
        },
    })
}

struct TracedSink {
    sink: Arc<dyn Sink>,
    spanner: Spanner,
}

#[async_trait]
impl Sink for TracedSink {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let spans: Vec<(Vec<Open>, Batch)> = run
            .iter()
            .map(|batch| (self.spanner.open_all(batch), batch.clone()))
            .collect();
        let all = spans.iter().flat_map(|(open, _)| open);
        let within: Spans = all.map(|s| (s.message, s.context)).collect();
        let answers = trace::waiting_within(within, self.sink.send(run)).await;
        for ((spans, batch), answer) in spans.iter().zip(&answers) {
            for (span, message) in spans.iter().zip(batch) {
                let error = answer.as_ref().err().and_then(|e| e.reason(message));
                self.spanner.end(span, error.map(|e| &**e));
            }
        }
        answers
    }

    async fn close(&self) {
        self.sink.close().await;
    }

    fn is_connected(&self) -> bool {
        self.sink.is_connected()
    }
}
