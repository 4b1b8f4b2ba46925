//! Where components of a stream answer HTTP requests: one set of routes for each stream, whoever listens.

use axum::{
    body::Body,
    http::{Request, Response, StatusCode},
};
use futures::future::BoxFuture;
use parking_lot::RwLock;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A request that a route matched.
pub struct HttpCall {
    pub request: Request<Body>,
    /// What the parts in braces of the route's path matched.
    pub params: Vec<(String, String)>,
}

/// Answers requests.
pub type HttpHandler = Arc<dyn Fn(HttpCall) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// A stream's routes; cloning shares them.
#[derive(Clone, Default)]
pub struct HttpMux(Arc<Inner>);

#[derive(Default)]
struct Inner {
    routes: RwLock<Vec<Route>>,
    next: AtomicU64,
    root: RwLock<String>,
}

struct Route {
    id: u64,
    path: String,
    about: String,
    handler: HttpHandler,
}

impl HttpMux {
    /// Also answers every route below this prefix (`/bento`).
    pub fn set_root(&self, prefix: &str) {
        *self.0.root.write() = prefix.trim_end_matches('/').to_owned();
    }

    /// Answers `path` with `handler` until the guard is dropped. Parts in braces match any one part of a path
    /// (`/post/{id}`), `{name:.*}` at the end matches all the rest. `about` says what it is for in the list of endpoints.
    pub fn route(&self, path: &str, about: &str, handler: HttpHandler) -> HttpRoute {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.routes.write().push(Route {
            id,
            path: path.to_owned(),
            about: about.to_owned(),
            handler,
        });
        HttpRoute(self.clone(), id)
    }

    /// The paths that are answered, with what each is for.
    pub fn endpoints(&self) -> Vec<(String, String)> {
        let routes = self.0.routes.read();
        let mut all: Vec<_> = routes
            .iter()
            .map(|r| (r.path.clone(), r.about.clone()))
            .collect();
        all.sort();
        all
    }

    /// Answers a request by the route that matches its path; 404 if none does.
    pub async fn call(&self, request: Request<Body>) -> Response<Body> {
        let found = self.find(request.uri().path());
        match found {
            Some((handler, params)) => handler(HttpCall { request, params }).await,
            None => not_found(),
        }
    }

    fn find(&self, path: &str) -> Option<(HttpHandler, Vec<(String, String)>)> {
        let root = self.0.root.read();
        let below = path
            .strip_prefix(root.as_str())
            .filter(|rest| !root.is_empty() && rest.starts_with('/'));
        let routes = self.0.routes.read();
        // The latest route wins, so that a component may take a path over.
        let find = |path: &str| {
            routes
                .iter()
                .rev()
                .find_map(|r| matched(&r.path, path).map(|p| (r.handler.clone(), p)))
        };
        find(path).or_else(|| find(below?))
    }
}

/// Keeps a route.
pub struct HttpRoute(HttpMux, u64);

impl Drop for HttpRoute {
    fn drop(&mut self) {
        self.0.0.routes.write().retain(|r| r.id != self.1);
    }
}

/// The answer where there is nothing.
pub fn not_found() -> Response<Body> {
    let mut response = Response::new(Body::from("404 page not found\n"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let headers = response.headers_mut();
    headers.insert(
        "content-type",
        axum::http::HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        "x-content-type-options",
        axum::http::HeaderValue::from_static("nosniff"),
    );
    response
}

/// What the parts in braces of `pattern` match in `path`; none where it doesn't match.
fn matched(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut params = Vec::new();
    let mut parts = path.split('/');
    let mut wanted = pattern.split('/').peekable();
    while let Some(want) = wanted.next() {
        let braced = want.strip_prefix('{').and_then(|w| w.strip_suffix('}'));
        match braced {
            Some(name) if name.ends_with(":.*") && wanted.peek().is_none() => {
                let rest: Vec<&str> = parts.collect();
                params.push((name[..name.len() - 3].to_owned(), rest.join("/")));
                return Some(params);
            }
            Some(name) => {
                let part = parts.next().filter(|p| !p.is_empty())?;
                params.push((name.to_owned(), part.to_owned()));
            }
            None if parts.next()? == want => {}
            None => return None,
        }
    }
    parts.next().is_none().then_some(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_in_braces_match() {
        assert_eq!(matched("/a/b", "/a/b"), Some(vec![]));
        assert_eq!(matched("/a/b", "/a/b/c"), None);
        assert_eq!(
            matched("/a/{x}", "/a/1"),
            Some(vec![("x".into(), "1".into())])
        );
        assert_eq!(matched("/a/{x}", "/a/"), None);
        assert_eq!(
            matched("/a/{x:.*}", "/a/1/2"),
            Some(vec![("x".into(), "1/2".into())])
        );
    }
}
