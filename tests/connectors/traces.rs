//! Traces: spans as a collector gets them, by HTTP and by gRPC.

use super::{free_port, http::ask};
use crate::engine::{run_stream, start, wait_until};
use airtruct::engine::Outcome;
use airtruct::telemetry::otlp::{ExportRequest, ExportResponse, Span};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{Request, Response},
    routing::post,
};
use prost::Message;
use std::sync::{Arc, Mutex};
use tonic::server::{Grpc, UnaryService};
use tonic_prost::ProstCodec;

/// What a collector got.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<Vec<ExportRequest>>>);

impl Received {
    fn put(&self, request: ExportRequest) {
        self.0.lock().expect("no panic").push(request);
    }

    fn spans(&self) -> Vec<Span> {
        let all = self.0.lock().expect("no panic");
        let resources = all.iter().flat_map(|r| &r.resource_spans);
        let scopes = resources.flat_map(|r| &r.scope_spans);
        scopes.flat_map(|s| s.spans.clone()).collect()
    }

    fn resource(&self) -> Vec<String> {
        let all = self.0.lock().expect("no panic");
        let resource = all[0].resource_spans[0].resource.clone();
        let attributes = resource.expect("a resource").attributes;
        attributes.iter().map(|a| a.key.clone()).collect()
    }
}

impl UnaryService<ExportRequest> for Received {
    type Response = ExportResponse;
    type Future = std::future::Ready<Result<tonic::Response<ExportResponse>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<ExportRequest>) -> Self::Future {
        self.put(request.into_inner());
        std::future::ready(Ok(tonic::Response::new(ExportResponse::default())))
    }
}

/// Starts a collector that takes both; returns its address.
async fn collector(received: &Received) -> String {
    async fn by_http(State(received): State<Received>, body: Bytes) -> Vec<u8> {
        received.put(ExportRequest::decode(body).expect("an export"));
        ExportResponse::default().encode_to_vec()
    }
    async fn by_grpc(
        State(received): State<Received>,
        request: Request<Body>,
    ) -> Response<tonic::body::Body> {
        let codec: ProstCodec<ExportResponse, ExportRequest> = ProstCodec::default();
        Grpc::new(codec).unary(received, request).await
    }
    let router = Router::new()
        .route("/v1/traces", post(by_http))
        .route(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            post(by_grpc),
        )
        .with_state(received.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn named<'s>(spans: &'s [Span], name: &str) -> Vec<&'s Span> {
    spans.iter().filter(|s| s.name == name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_has_a_span_at_each_component() {
    for (kind, other) in [("http", "grpc"), ("grpc", "http")] {
        let received = Received::default();
        let address = collector(&received).await;
        let config = format!(
            r#"
input: {{generate: {{count: 2, interval: '', mapping: 'root = {{}}'}}}}
pipeline:
  threads: 1
  processors:
    - try:
        - mapping: 'root.id = tracing_id()'
        - label: odd
          mapping: 'root = if this.id.length() == 32 {{ throw("no") }}'
output: {{drop: {{}}}}
tracer: {{open_telemetry_collector: {{{other}: [], {kind}: [{{address: '{address}'}}], tags: {{team: a}}}}}}"#
        );
        assert_eq!(run_stream(&config).await, Outcome::Completed);
        let spans = received.spans();
        let roots = named(&spans, "input_generate");
        assert_eq!(roots.len(), 2, "{kind}: {spans:?}");
        assert_ne!(roots[0].trace_id, roots[1].trace_id);
        assert_eq!(
            received.resource(),
            ["team", "service.name", "service.version"]
        );
        for root in roots {
            assert!(root.parent_span_id.is_empty());
            assert!(root.end_time_unix_nano >= root.start_time_unix_nano);
            let mine: Vec<Span> = spans
                .iter()
                .filter(|s| s.trace_id == root.trace_id)
                .cloned()
                .collect();
            assert_eq!(mine.len(), 5, "{mine:?}");
            let (tries, outputs) = (named(&mine, "try"), named(&mine, "output_drop"));
            assert_eq!(tries[0].parent_span_id, root.span_id);
            assert_eq!(outputs[0].parent_span_id, root.span_id);
            for mapping in named(&mine, "mapping") {
                assert_eq!(mapping.parent_span_id, tries[0].span_id);
                let is_odd = mapping
                    .attributes
                    .iter()
                    .any(|a| a.key == "component.label");
                assert_eq!(mapping.status.is_some(), is_odd, "{mapping:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_of_another_program_goes_on() {
    let received = Received::default();
    let address = collector(&received).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let port = free_port();
    let stream = start(&format!(
        r#"
input: {{http_server: {{address: '127.0.0.1:{port}', path: /in}}}}
pipeline: {{threads: 1, processors: [{{mapping: 'root = tracing_span().traceparent'}}]}}
output: {{sync_response: {{}}}}
tracer: {{open_telemetry_collector: {{http: [{{address: '{address}'}}], grpc: []}}}}"#
    ));
    wait_until(|| stream.is_input_connected()).await;
    let head = format!("Traceparent: {parent}\r\n");
    let answer = ask("POST", &format!("127.0.0.1:{port}"), "/in", &head, "x").await;
    assert!(
        answer.contains("4bf92f3577b34da6a3ce929d0e0e4736"),
        "{answer}"
    );
    stream.stop();
    stream.wait().await;
    let spans = received.spans();
    let root = named(&spans, "input_http_server")[0];
    assert_eq!(
        root.parent_span_id,
        [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]
    );
    assert!(spans.iter().all(|s| s.trace_id == root.trace_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_holds_up_nothing() {
    let port = free_port();
    let config = format!(
        r#"
input: {{generate: {{count: 5000, interval: '', mapping: 'root = 1'}}}}
output: {{drop: {{}}}}
tracer: {{open_telemetry_collector: {{http: [{{address: '127.0.0.1:{port}'}}], grpc: []}}}}"#
    );
    assert_eq!(run_stream(&config).await, Outcome::Completed);
}
