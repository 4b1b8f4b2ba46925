//! The REST API through its real router, over a coordinator in this process. No worker runs: what needs one is in `tests/cli`.

mod components;
mod documents;
mod errors;
mod explain;
mod streams;
mod streams_mode;
mod workers;

use std::path::PathBuf;

use airtruct::{
    api,
    coordinator::{self, Handle},
    store::Database,
    tasks::Shutdown,
};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use serde_json::Value as Json;
use tower::ServiceExt;

/// A coordinator with its router; stopped when dropped.
pub struct Server {
    router: Router,
    pub handle: Handle,
    shutdown: Shutdown,
    folder: PathBuf,
}

/// An answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The code in the error envelope.
    pub fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |v| v.to_str().expect("a text"))
    }
}

impl Server {
    pub async fn start() -> Server {
        let folder = std::env::temp_dir().join(format!("airtruct-api-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let grpc = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let shutdown = Shutdown::new();
        let database = Database::Sqlite(folder.join("test.db"));
        let running =
            coordinator::start(coordinator::Config::new(grpc, database), shutdown.clone())
                .await
                .expect("a coordinator");
        let handle = running.handle();
        handle.wait_leading().await.expect("it leads");
        Server {
            router: api::router(handle.clone(), true),
            handle,
            shutdown,
            folder,
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 64 << 20).await.expect("a body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).expect("text"),
        }
    }

    /// Sends a request with headers as `name: value`.
    pub async fn call(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for header in headers {
            let (name, value) = header.split_once(": ").expect("name: value");
            request = request.header(name, value);
        }
        self.send(
            request
                .body(Body::from(body.to_owned()))
                .expect("a request"),
        )
        .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], "").await
    }

    pub async fn json(&self, method: &str, path: &str, body: Json) -> Answer {
        let headers = ["content-type: application/json"];
        self.call(method, path, &headers, &body.to_string()).await
    }

    pub async fn yaml(&self, method: &str, path: &str, body: &str) -> Answer {
        self.call(method, path, &["content-type: application/yaml"], body)
            .await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.stop_at_once();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A stream that is fine.
pub const STREAM: &str = "\
input:
  generate:
    mapping: root.n = 1
output:
  drop: {}
";
