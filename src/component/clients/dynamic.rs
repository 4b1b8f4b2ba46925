//! What the `dynamic` input and output share: components by label, and the requests that read, set and remove them.

use super::http::plain_error;
use crate::bloblang::Environment;
use crate::component::{Component, HttpCall, HttpHandler, Kind};
use crate::config::{Field, Level, Linter, Node, Shape};
use crate::formats::duration;
use axum::{
    body::Body,
    http::{HeaderValue, Method, Response, StatusCode, header},
};
use futures::future::BoxFuture;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};
use tokio::time::Instant;

/// The largest config that is taken.
const MAX_BODY: usize = 10 << 20;

/// A component with its config as it was written.
pub(crate) struct Written<B: ?Sized> {
    pub component: Component<B>,
    pub node: Node,
}

impl<B: ?Sized> Clone for Written<B> {
    fn clone(&self) -> Self {
        Written {
            component: self.component.clone(),
            node: self.node.clone(),
        }
    }
}

impl<B: ?Sized> std::fmt::Debug for Written<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.component.fmt(f)
    }
}

impl<B: Kind + ?Sized> Field for Written<B> {
    fn shape() -> Shape {
        <Component<B>>::shape()
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Self> {
        Some(Written {
            component: Component::read(node, linter)?,
            node: node.clone(),
        })
    }
}

/// What a component was made of.
pub(crate) struct Entry {
    pub config: Node,
    /// The text it was written as, where it came by request.
    pub text: String,
    pub since: Instant,
}

impl Entry {
    fn to_json(&self) -> serde_json::Value {
        json!({
            "uptime": duration::show(self.since.elapsed()),
            "config": self.config.to_json(),
            "config_raw": self.text,
        })
    }
}

/// What can be done with components by label.
pub(crate) trait Registry: Send + Sync + 'static {
    type Kind: Kind + ?Sized;

    /// What each active component was made of, for reading.
    fn list<T>(&self, read: impl FnOnce(&BTreeMap<String, Entry>) -> T) -> T;
    /// Puts a component in the place of the one with its label.
    fn set(
        &self,
        label: &str,
        component: Component<Self::Kind>,
        entry: Entry,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;
    /// Removes one; it is no fault if it isn't there.
    fn remove(&self, label: &str) -> impl Future<Output = ()> + Send;
}

/// Answers requests for the list of components.
pub(crate) fn list_handler<R: Registry>(registry: Arc<R>) -> HttpHandler {
    Arc::new(move |_| -> BoxFuture<'static, Response<Body>> {
        let body = registry.list(|entries| {
            // Written by hand to keep the order of the fields.
            let all: Vec<String> = entries
                .iter()
                .map(|(label, entry)| format!("{}:{}", json!(label), ordered(entry)))
                .collect();
            format!("{{{}}}", all.join(","))
        });
        Box::pin(async { text(body) })
    })
}

/// An entry as JSON, `uptime` first.
fn ordered(entry: &Entry) -> String {
    let json = entry.to_json();
    format!(
        "{{\"uptime\":{},\"config\":{},\"config_raw\":{}}}",
        json["uptime"], json["config"], json["config_raw"]
    )
}

/// Answers requests for one component, whose label is the path's part `id`.
pub(crate) fn one_handler<R: Registry>(registry: Arc<R>) -> HttpHandler {
    Arc::new(move |call| -> BoxFuture<'static, Response<Body>> {
        let registry = registry.clone();
        Box::pin(async move { one(&*registry, call).await })
    })
}

async fn one<R: Registry>(registry: &R, call: HttpCall) -> Response<Body> {
    let label = label(&call);
    match *call.request.method() {
        Method::GET => match registry.list(|all| all.get(&label).map(|e| e.text.clone())) {
            Some(body) => text(body),
            None => plain_error(
                StatusCode::NOT_FOUND,
                &format!("Dynamic component '{label}' is not active"),
            ),
        },
        Method::POST => {
            let body = match axum::body::to_bytes(call.request.into_body(), MAX_BODY).await {
                Ok(body) => body,
                Err(error) => return failed(&error.to_string()),
            };
            let config = String::from_utf8_lossy(&body).into_owned();
            match set(registry, &label, config).await {
                Ok(()) => Response::new(Body::empty()),
                Err(error) => failed(&error),
            }
        }
        Method::DELETE => {
            registry.remove(&label).await;
            Response::new(Body::empty())
        }
        ref other => failed(&format!("verb not supported: {other}")),
    }
}

/// Answers requests for how long one component has been there.
pub(crate) fn uptime_handler<R: Registry>(registry: Arc<R>) -> HttpHandler {
    Arc::new(move |call| -> BoxFuture<'static, Response<Body>> {
        let label = label(&call);
        let since = registry.list(|all| all.get(&label).map(|entry| entry.since));
        let answer = match since {
            Some(since) => text(duration::show(since.elapsed())),
            None => plain_error(
                StatusCode::NOT_FOUND,
                &format!("Dynamic component '{label}' is unknown"),
            ),
        };
        Box::pin(async { answer })
    })
}

/// What a request's path says for `id`.
fn label(call: &HttpCall) -> String {
    let label = call.params.iter().find(|(name, _)| name == "id");
    label.map(|(_, value)| value.clone()).unwrap_or_default()
}

async fn set<R: Registry>(registry: &R, label: &str, config: String) -> Result<(), String> {
    let node = Node::parse(&config).map_err(|e| format!("{e}"))?;
    let environment: Environment = Default::default();
    let mut linter = Linter::new(&environment);
    let component = <Component<R::Kind>>::read(&node, &mut linter);
    let problems = linter.into_problems();
    if let Some(problem) = problems.iter().find(|p| p.level == Level::Error) {
        let (line, message) = (problem.place.line, &problem.message);
        // The peers know only the line of a component whose type they don't.
        let column = match message.starts_with("unable to infer") {
            true => 1,
            false => problem.place.column,
        };
        return Err(format!("({line},{column}) {message}"));
    }
    let component = component.ok_or("the config can't be read")?;
    let entry = Entry {
        config: node,
        text: config,
        since: Instant::now(),
    };
    let set = registry.set(label, component, entry).await;
    set.map_err(|error| format!("{error:#}"))
}

fn failed(error: &str) -> Response<Body> {
    plain_error(StatusCode::BAD_GATEWAY, &format!("Error: {error}"))
}

fn text(body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
