//! The HTTP server of a stream that runs on its own: what the peers answer, and the routes of the stream's components.

use super::{
    Stream,
    basic_auth::Gate,
    config::{Http, StreamConfig},
    measured,
};
use crate::component::clients::http::CorsConfig;
use crate::component::{HttpCall, HttpHandler, HttpMux, HttpRoute};
use anyhow::Context;
use axum::{
    body::Body,
    handler::HandlerWithoutStateExt,
    http::{HeaderValue, Request, Response, StatusCode, header},
};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

/// The routes that every stream has, for as long as this lives.
pub struct Routes(Vec<HttpRoute>);

impl Routes {
    /// Answers `/ping`, `/ready`, `/version`, `/endpoints`, and what the config adds to them. `stream` gives the stream while there is one.
    pub fn add(
        mux: &HttpMux,
        config: &StreamConfig,
        stream: impl Fn() -> Option<Arc<Stream>> + Clone + Send + Sync + 'static,
    ) -> Routes {
        let ready = stream.clone();
        let mut routes = vec![mux.route(
            "/ready",
            "Whether inputs and outputs are connected.",
            answer(move || readiness(ready().as_deref())),
        )];
        routes.extend(of_process(mux));
        let metrics = move || stream().map(|s| s.metrics().clone()).into_iter().collect();
        let publish = measured::publisher(&config.metrics, metrics);
        if let Some(publish) = publish {
            for path in ["/metrics", "/stats"] {
                routes.push(mux.route(path, "What was counted.", publish.clone()));
            }
        }
        Routes(routes)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The routes that say what the process is.
pub(super) fn of_process(mux: &HttpMux) -> [HttpRoute; 3] {
    let endpoints = mux.clone();
    [
        mux.route(
            "/ping",
            "Answers that the process is there.",
            answer(|| text(StatusCode::OK, "pong")),
        ),
        mux.route("/version", "The version of this program.", answer(version)),
        mux.route(
            "/endpoints",
            "This list.",
            answer(move || text(StatusCode::OK, endpoints_of(&endpoints).to_string())),
        ),
    ]
}

pub(super) fn answer(make: impl Fn() -> Response<Body> + Send + Sync + 'static) -> HttpHandler {
    Arc::new(move |_: HttpCall| {
        let response = make();
        Box::pin(async move { response })
    })
}

pub(super) fn text(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

pub(super) fn json(value: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn version() -> Response<Body> {
    json(&serde_json::json!({"version": env!("CARGO_PKG_VERSION"), "built": ""}))
}

fn endpoints_of(mux: &HttpMux) -> serde_json::Value {
    let all = mux.endpoints().into_iter();
    all.map(|(path, about)| (path, about.into()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn readiness(stream: Option<&Stream>) -> Response<Body> {
    let Some(stream) = stream.filter(|s| s.outcome().is_none()) else {
        return text(StatusCode::NOT_FOUND, "Stream terminated\n");
    };
    let mut missing = String::new();
    if !stream.is_input_connected() {
        missing.push_str("input not connected\n");
    }
    if !stream.is_output_connected() {
        missing.push_str("output not connected\n");
    }
    match missing.is_empty() {
        true => text(StatusCode::OK, "OK"),
        false => text(StatusCode::SERVICE_UNAVAILABLE, missing),
    }
}

/// Listens where the config says, and answers until the returned guard is dropped. None where the config wants no server.
pub async fn serve(config: &Http, mux: HttpMux) -> anyhow::Result<Option<Serving>> {
    if !config.enabled || config.address.is_empty() {
        return Ok(None);
    }
    mux.set_root(&config.root_path);
    let guard = Arc::new(Guard::new(config, mux)?);
    let listener = TcpListener::bind(&config.address)
        .await
        .with_context(|| format!("listen on http.address {}", config.address))?;
    let address = listener.local_addr()?;
    let answer = move |request: Request<Body>| {
        let guard = guard.clone();
        async move { guard.answer(request).await }
    };
    let app = answer.into_make_service_with_connect_info::<SocketAddr>();
    let task = if config.cert_file.is_empty() {
        tokio::spawn(async move {
            // Fails only where the listener does, which ends with the process.
            let _ = axum::serve(listener, app).await;
        })
    } else {
        let tls = axum_server::tls_rustls::RustlsConfig::from_pem_file(
            &config.cert_file,
            &config.key_file,
        )
        .await
        .context("read http.cert_file and http.key_file")?;
        let server = axum_server::from_tcp_rustls(listener.into_std()?, tls)?;
        tokio::spawn(async move {
            let _ = server.serve(app).await;
        })
    };
    Ok(Some(Serving { address, task }))
}

/// A server at work; dropping it ends it.
pub struct Serving {
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Serving {
    /// Ends it, and waits until its address is free again.
    pub async fn end(mut self) {
        self.task.abort();
        // Only a cancelled task comes back with an error, as asked.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The routes and what stands before them: who may ask, and what browsers on other sites are told.
struct Guard {
    mux: HttpMux,
    gate: Option<Gate>,
    cors: CorsConfig,
}

impl Guard {
    fn new(config: &Http, mux: HttpMux) -> anyhow::Result<Guard> {
        config.cors.check().context("http.cors")?;
        Ok(Guard {
            mux,
            gate: Gate::new(&config.basic_auth).context("http.basic_auth")?,
            cors: config.cors.clone(),
        })
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let shown_to_others = match self.cors.judge(&request) {
            Ok(headers) => headers,
            Err(answer) => return *answer,
        };
        // That there is nothing is told to everybody, as the peers do.
        let mut response = match &self.gate {
            Some(gate)
                if self.mux.knows(request.uri().path()) && !gate.admits(request.headers()) =>
            {
                gate.refusal()
            }
            _ => self.mux.call(request).await,
        };
        response.headers_mut().extend(shown_to_others);
        response
    }
}
