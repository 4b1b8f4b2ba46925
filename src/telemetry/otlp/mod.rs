//! Sends spans to OpenTelemetry collectors, by OTLP over HTTP or gRPC.
//!
//! Whoever makes spans never waits: they go into a bounded queue, and what doesn't fit is dropped and counted. A batch goes out when it is
//! full or five seconds old; one that can't be delivered after a few attempts is dropped and counted too.

mod wire;

pub use wire::{ExportRequest, ExportResponse, Span};

use crate::message::trace::SpanContext;
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::BodyExt;
use prost::Message;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{mpsc, oneshot};

/// Where spans go, and what they all have.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub collectors: Vec<Collector>,
    /// Attributes of the process.
    pub tags: Vec<(String, String)>,
    /// The share of traces that is kept; none for those that their sender keeps, and all that have none.
    pub ratio: Option<f64>,
}

/// A collector.
#[derive(Clone, Debug)]
pub struct Collector {
    /// Host and port.
    pub address: String,
    pub is_grpc: bool,
    pub is_secure: bool,
}

/// How many spans may wait, and how many go out at a time.
const QUEUE: usize = 2048;
const BATCH: usize = 512;
const BATCH_AGE: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 3;
/// How much of an answer is read.
const MAX_ANSWER: usize = 64 << 10;

/// Makes spans. Cloning shares it.
#[derive(Clone)]
pub struct Tracer(Arc<Inner>);

struct Inner {
    queue: mpsc::Sender<Order>,
    dropped: Arc<AtomicU64>,
    ratio: Option<f64>,
}

enum Order {
    Span(Box<Span>),
    /// Send what there is, and tell when it is done.
    Flush(oneshot::Sender<()>),
}

impl Tracer {
    /// Starts to send; `tls` is for collectors that want it. Must be called within a runtime; ends when the last copy is dropped.
    pub fn start(settings: Settings, tls: rustls::ClientConfig) -> Result<Tracer, reqwest::Error> {
        let (queue, orders) = mpsc::channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let mut tls2 = tls.clone();
        tls2.alpn_protocols = vec![b"h2".to_vec()];
        let client = |tls| {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls)
                .timeout(TIMEOUT)
        };
        let exporter = Exporter {
            http: client(tls).build()?,
            http2: client(tls2).http2_prior_knowledge().build()?,
            collectors: settings.collectors,
            resource: resource(settings.tags),
            dropped: dropped.clone(),
            warned: None,
        };
        tokio::spawn(exporter.run(orders));
        crate::message::trace::want();
        Ok(Tracer(Arc::new(Inner {
            queue,
            dropped,
            ratio: settings.ratio,
        })))
    }

    /// The context of a new span: the first of its trace, or below another.
    pub fn begin(&self, parent: Option<SpanContext>) -> SpanContext {
        let trace = parent.map_or_else(rand::random, |p| p.trace);
        SpanContext {
            trace,
            span: rand::random(),
            sampled: parent.map_or_else(|| self.keeps(&trace), |p| p.sampled),
        }
    }

    /// The context of a span below one of another program.
    pub fn begin_below(&self, remote: SpanContext) -> SpanContext {
        let sampled = match self.0.ratio {
            Some(_) => self.keeps(&remote.trace),
            None => remote.sampled,
        };
        self.begin(Some(SpanContext { sampled, ..remote }))
    }

    /// Whether a trace is kept: all programs decide alike, by its id.
    fn keeps(&self, trace: &[u8; 16]) -> bool {
        let Some(ratio) = self.0.ratio else {
            return true;
        };
        let half: [u8; 8] = trace[8..].try_into().expect("eight bytes");
        let place = (u64::from_be_bytes(half) >> 1) as f64 / (1u64 << 63) as f64;
        place < ratio
    }

    /// Hands over a span that has ended.
    pub fn end(&self, span: Span) {
        if self.0.queue.try_send(Order::Span(Box::new(span))).is_err() {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many spans were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Sends what is waiting; gives up after a while.
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        let flush = async {
            if self.0.queue.send(Order::Flush(done)).await.is_ok() {
                let _ = wait.await;
            }
        };
        let _ = tokio::time::timeout(BATCH_AGE, flush).await;
        let dropped = self.dropped();
        if dropped > 0 {
            tracing::warn!(target: "stream", "{dropped} spans were not delivered to a collector");
        }
    }
}

/// What is said of the process: the tags, and which program this is unless a tag says so.
fn resource(tags: Vec<(String, String)>) -> wire::Resource {
    let has_name = tags.iter().any(|(key, _)| key == "service.name");
    let mut attributes: Vec<wire::KeyValue> = tags
        .into_iter()
        .map(|(key, value)| wire::KeyValue::text(key, value))
        .collect();
    if !has_name {
        attributes.push(wire::KeyValue::text("service.name", "airtruct"));
        let version = env!("CARGO_PKG_VERSION");
        attributes.push(wire::KeyValue::text("service.version", version));
    }
    wire::Resource { attributes }
}

/// Now, in nanoseconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_nanos() as u64)
}

/// A span that ends now.
pub fn span(
    context: SpanContext,
    parent: Option<SpanContext>,
    name: &str,
    start: u64,
    attributes: &[(&str, &str)],
    error: Option<&str>,
) -> Span {
    let end = now();
    let text = |(key, value): &(&str, &str)| wire::KeyValue::text(*key, *value);
    let mut span = Span {
        trace_id: context.trace.to_vec(),
        span_id: context.span.to_vec(),
        parent_span_id: parent.map(|p| p.span.to_vec()).unwrap_or_default(),
        name: name.to_owned(),
        kind: 1,
        start_time_unix_nano: start,
        end_time_unix_nano: end,
        attributes: attributes.iter().map(text).collect(),
        ..Span::default()
    };
    if let Some(error) = error {
        span.attributes.push(wire::KeyValue::text("error", "true"));
        span.events.push(wire::Event {
            time_unix_nano: end,
            name: "event".into(),
            attributes: vec![
                wire::KeyValue::text("event", "error"),
                wire::KeyValue::text("type", error),
            ],
        });
        span.status = Some(wire::Status {
            message: error.to_owned(),
            code: 2,
        });
    }
    span
}

struct Exporter {
    http: reqwest::Client,
    /// For collectors that speak HTTP/2 from the first byte.
    http2: reqwest::Client,
    collectors: Vec<Collector>,
    resource: wire::Resource,
    dropped: Arc<AtomicU64>,
    /// When a failure was logged last.
    warned: Option<Instant>,
}

impl Exporter {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut batch: Vec<Span> = Vec::new();
        let mut waiting: Vec<oneshot::Sender<()>> = Vec::new();
        let mut due: Option<tokio::time::Instant> = None;
        loop {
            let order = match due {
                None => orders.recv().await,
                Some(at) => match tokio::time::timeout_at(at, orders.recv()).await {
                    Ok(order) => order,
                    Err(_) => {
                        self.send(std::mem::take(&mut batch)).await;
                        due = None;
                        continue;
                    }
                },
            };
            match order {
                Some(Order::Span(span)) => {
                    batch.push(*span);
                    due.get_or_insert_with(|| tokio::time::Instant::now() + BATCH_AGE);
                    if batch.len() < BATCH {
                        continue;
                    }
                }
                Some(Order::Flush(done)) => waiting.push(done),
                None => {
                    self.send(batch).await;
                    return;
                }
            }
            self.send(std::mem::take(&mut batch)).await;
            due = None;
            for done in waiting.drain(..) {
                let _ = done.send(());
            }
        }
    }

    /// Sends a batch to every collector.
    async fn send(&mut self, spans: Vec<Span>) {
        if spans.is_empty() {
            return;
        }
        let count = spans.len() as u64;
        let request = ExportRequest {
            resource_spans: vec![wire::ResourceSpans {
                resource: Some(self.resource.clone()),
                scope_spans: vec![wire::ScopeSpans {
                    scope: Some(wire::Scope {
                        name: "airtruct".into(),
                        version: env!("CARGO_PKG_VERSION").into(),
                    }),
                    spans,
                }],
            }],
        };
        let body = Bytes::from(request.encode_to_vec());
        for collector in self.collectors.clone() {
            if let Err(why) = self.deliver(&collector, &body).await {
                self.dropped.fetch_add(count, Ordering::Relaxed);
                self.warn(&collector, &why);
            }
        }
    }

    async fn deliver(&self, collector: &Collector, body: &Bytes) -> Result<(), String> {
        let mut pause = Duration::from_millis(500);
        let mut attempt = 1;
        loop {
            let result = match collector.is_grpc {
                true => self.by_grpc(collector, body).await,
                false => self.by_http(collector, body).await,
            };
            match result {
                Err(Failure { passes: true, .. }) if attempt < ATTEMPTS => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    attempt += 1;
                }
                result => return result.map_err(|failure| failure.text),
            }
        }
    }

    async fn by_http(&self, collector: &Collector, body: &Bytes) -> Result<(), Failure> {
        let url = format!("{}/v1/traces", collector.origin());
        let request = self.http.post(url).body(body.clone());
        let request = request.header("content-type", "application/x-protobuf");
        let response = request.send().await.map_err(Failure::passing)?;
        let status = response.status();
        if !status.is_success() {
            return Err(Failure {
                text: format!("it answers {status}"),
                passes: matches!(status.as_u16(), 429 | 502..=504),
            });
        }
        let body = response.bytes().await.unwrap_or_default();
        self.rejected(&body);
        Ok(())
    }

    /// Counts what a collector took, but didn't want.
    fn rejected(&self, answer: &[u8]) {
        let answer = ExportResponse::decode(answer).unwrap_or_default();
        let rejected = answer.partial_success.map_or(0, |p| p.rejected_spans);
        let rejected = u64::try_from(rejected).unwrap_or(0);
        self.dropped.fetch_add(rejected, Ordering::Relaxed);
    }

    /// One call without a stream: a message with its length before it, and the outcome in the trailers.
    async fn by_grpc(&self, collector: &Collector, body: &Bytes) -> Result<(), Failure> {
        const CALL: &str = "opentelemetry.proto.collector.trace.v1.TraceService/Export";
        let mut framed = BytesMut::with_capacity(body.len() + 5);
        framed.put_u8(0);
        framed.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
        framed.extend_from_slice(body);
        let url = format!("{}/{CALL}", collector.origin());
        let request = self.http2.post(url).body(framed.freeze());
        let request = request
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let response = request.send().await.map_err(Failure::passing)?;
        let status = response.status();
        if !status.is_success() {
            return Err(Failure {
                text: format!("it answers {status}"),
                passes: true,
            });
        }
        let mut head = response.headers().clone();
        let mut rest = reqwest::Body::from(response);
        let mut answer = Vec::new();
        while let Some(frame) = rest.frame().await {
            match frame.map_err(Failure::passing)?.into_data() {
                Ok(data) if answer.len() < MAX_ANSWER => answer.extend_from_slice(&data),
                Ok(_) => {}
                Err(frame) => head.extend(frame.into_trailers().unwrap_or_default()),
            }
        }
        let text = |name: &str| head.get(name).and_then(|v| v.to_str().ok());
        match text("grpc-status") {
            Some("0") => {
                self.rejected(answer.get(5..).unwrap_or_default());
                Ok(())
            }
            code => Err(Failure {
                text: format!(
                    "it answers grpc status {}: {}",
                    code.unwrap_or("none"),
                    text("grpc-message").unwrap_or_default()
                ),
                passes: matches!(code, Some("1" | "4" | "8" | "10" | "11" | "14" | "15")),
            }),
        }
    }

    /// Logs a failure, though not each of many.
    fn warn(&mut self, collector: &Collector, why: &str) {
        if self
            .warned
            .is_none_or(|at| at.elapsed() > Duration::from_secs(60))
        {
            self.warned = Some(Instant::now());
            let address = &collector.address;
            tracing::warn!(target: "stream", "Spans can't be sent to the collector {address}: {why}");
        }
    }
}

/// Why a batch wasn't delivered, and whether it may be the next time.
struct Failure {
    text: String,
    passes: bool,
}

impl Failure {
    fn passing(error: impl std::error::Error) -> Failure {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            text = format!("{text}: {inner}");
            source = inner.source();
        }
        Failure { text, passes: true }
    }
}

impl Collector {
    fn origin(&self) -> String {
        let address = self.address.trim_end_matches('/');
        match (address.contains("://"), self.is_secure) {
            (true, _) => address.to_owned(),
            (false, true) => format!("https://{address}"),
            (false, false) => format!("http://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_goes_by_the_trace() {
        let tracer = |ratio| {
            let (queue, _) = mpsc::channel(1);
            Tracer(Arc::new(Inner {
                queue,
                dropped: Arc::default(),
                ratio,
            }))
        };
        let mut trace = [0; 16];
        trace[8] = 0x40;
        assert!(tracer(None).keeps(&trace));
        assert!(tracer(Some(0.5)).keeps(&trace));
        assert!(!tracer(Some(0.1)).keeps(&trace));
        assert!(!tracer(Some(0.0)).keeps(&trace));
        let remote = SpanContext {
            trace,
            span: [1; 8],
            sampled: false,
        };
        assert!(!tracer(None).begin_below(remote).sampled);
        assert!(tracer(Some(0.5)).begin_below(remote).sampled);
    }

    #[test]
    fn a_full_queue_drops_and_counts() {
        let (queue, _orders) = mpsc::channel(1);
        let tracer = Tracer(Arc::new(Inner {
            queue,
            dropped: Arc::default(),
            ratio: None,
        }));
        for _ in 0..3 {
            tracer.end(Span::default());
        }
        assert_eq!(tracer.dropped(), 2);
    }
}
