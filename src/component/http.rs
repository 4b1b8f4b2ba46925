//! Where components of a stream answer HTTP requests: one set of routes for each stream, whoever listens.

use super::route_path::{Params, RoutePath, clean};
use crate::formats::url::{decode_path, encode_path};
use axum::{
    body::Body,
    http::{HeaderValue, Request, Response, StatusCode, header},
};
use futures::future::BoxFuture;
use parking_lot::RwLock;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// A request that a route matched.
pub struct HttpCall {
    pub request: Request<Body>,
    /// What the parts in braces of the route's path matched.
    pub params: Params,
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
    /// Other sets of routes, by the first part of their paths; empty for those that are reached without one.
    mounts: RwLock<BTreeMap<String, Vec<HttpMux>>>,
    /// The paths of routes that were there once: their answer is 503, and not 404.
    gone: RwLock<BTreeMap<String, RoutePath>>,
}

struct Route {
    id: u64,
    path: RoutePath,
    about: String,
    handler: HttpHandler,
}

impl HttpMux {
    /// Also answers every route below this prefix (`/bento`).
    pub fn set_root(&self, prefix: &str) {
        *self.0.root.write() = prefix.trim_end_matches('/').to_owned();
    }

    /// Answers `path` with `handler` until the guard is dropped; see [`RoutePath`] for what it may hold. One that can't be read matches
    /// only itself. `about` says what it is for in the list of endpoints.
    pub fn route(&self, path: &str, about: &str, handler: HttpHandler) -> HttpRoute {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.routes.write().push(Route {
            id,
            path: RoutePath::parse(path).unwrap_or_else(|_| RoutePath::plain(path)),
            about: about.to_owned(),
            handler,
        });
        HttpRoute(self.clone(), id)
    }

    /// Also answers by another set of routes, where no route of this one matches: below `/prefix`, or without a prefix if it is empty.
    pub fn mount(&self, prefix: &str, other: &HttpMux) {
        let mut mounts = self.0.mounts.write();
        let below = mounts.entry(prefix.to_owned()).or_default();
        below.push(other.clone());
    }

    /// Ends [`HttpMux::mount`].
    pub fn unmount(&self, prefix: &str, other: &HttpMux) {
        let mut mounts = self.0.mounts.write();
        if let Some(below) = mounts.get_mut(prefix) {
            below.retain(|mux| !Arc::ptr_eq(&mux.0, &other.0));
            if below.is_empty() {
                mounts.remove(prefix);
            }
        }
    }

    /// Answers 503 from now on where the routes of a mounted set were, unless another route matches: they may come back.
    pub fn miss(&self, prefix: &str, other: &HttpMux) {
        let mut gone = self.0.gone.write();
        for (path, _) in other.endpoints() {
            let path = prefixed(prefix, &path);
            if gone.len() < MAX_GONE
                && let Ok(pattern) = RoutePath::parse(&path)
            {
                gone.insert(path, pattern);
            }
        }
    }

    /// The paths that are answered, with what each is for.
    pub fn endpoints(&self) -> Vec<(String, String)> {
        let routes = self.0.routes.read();
        let mut all: Vec<_> = routes
            .iter()
            .map(|r| (r.path.text().to_owned(), r.about.clone()))
            .collect();
        for (prefix, below) in self.0.mounts.read().iter() {
            let others = below.iter().flat_map(HttpMux::endpoints);
            all.extend(others.map(|(path, about)| (prefixed(prefix, &path), about)));
        }
        all.sort();
        all
    }

    /// Answers a request by the route that matches its path; 404 if none does. Paths with empty parts or dots are sent to the path that they
    /// mean.
    pub async fn call(&self, request: Request<Body>) -> Response<Body> {
        let uri = request.uri();
        let Ok(path) = decode_path(uri.path()) else {
            return refusal(StatusCode::BAD_REQUEST, "400 Bad Request");
        };
        if let Cow::Owned(clean) = clean(&path) {
            let query = uri.query().map(|q| format!("?{q}")).unwrap_or_default();
            return moved(&(encode_path(&clean) + &query));
        }
        match self.find(&path) {
            Some((handler, params)) => handler(HttpCall { request, params }).await,
            None => not_found(),
        }
    }

    /// Answers a request by the route that matches its path, if one does.
    pub async fn try_call(&self, request: Request<Body>) -> Option<Response<Body>> {
        let (handler, params) = self.find(&decode_path(request.uri().path()).ok()?)?;
        Some(handler(HttpCall { request, params }).await)
    }

    /// Whether a path is or was a route's.
    pub fn knows(&self, path: &str) -> bool {
        decode_path(path).is_ok_and(|path| self.find(&path).is_some())
    }

    /// Routes are matched by what a path says without its escapes: a slash is one, however it is written.
    fn find(&self, path: &str) -> Option<Found> {
        let root = self.0.root.read();
        let below = path
            .strip_prefix(root.as_str())
            .filter(|rest| !root.is_empty() && rest.starts_with('/'));
        let find = |path: &str| self.find_own(path).or_else(|| self.find_mounted(path));
        find(path)
            .or_else(|| find(below?))
            .or_else(|| self.find_gone(path, below))
    }

    /// The latest route wins, so that a component may take a path over; those that match all that is below them come last.
    fn find_own(&self, path: &str) -> Option<Found> {
        let routes = self.0.routes.read();
        let find = |is_prefix| {
            let mut routes = routes.iter().rev();
            routes.find_map(|r| {
                let path = (r.path.is_prefix() == is_prefix).then(|| r.path.matched(path));
                path.flatten().map(|params| (r.handler.clone(), params))
            })
        };
        find(false).or_else(|| find(true))
    }

    fn find_mounted(&self, path: &str) -> Option<Found> {
        let mounts = self.0.mounts.read();
        let first = path.strip_prefix('/')?;
        let first = first.split('/').next().unwrap_or_default();
        let below = path.get(first.len() + 1..).unwrap_or_default();
        let find = |prefix: &str, path: &str| {
            let mut muxes = mounts.get(prefix)?.iter().rev();
            muxes.find_map(|mux| mux.find_own(path))
        };
        let prefixed = (!first.is_empty()).then(|| find(first, below)).flatten();
        prefixed.or_else(|| find("", path))
    }

    fn find_gone(&self, path: &str, below: Option<&str>) -> Option<Found> {
        let gone = self.0.gone.read();
        let was_there = |path: &str| gone.values().any(|gone| gone.matched(path).is_some());
        (was_there(path) || below.is_some_and(was_there)).then(|| {
            let handler: HttpHandler = Arc::new(|_| Box::pin(async { unavailable() }));
            (handler, Vec::new())
        })
    }
}

/// Who answers, and what the parts in braces matched.
type Found = (HttpHandler, Params);

/// How many routes that are gone are remembered.
const MAX_GONE: usize = 10_000;

fn prefixed(prefix: &str, path: &str) -> String {
    match prefix {
        "" => path.to_owned(),
        prefix => format!("/{prefix}{path}"),
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
    refusal(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// The answer where there was something.
fn unavailable() -> Response<Body> {
    refusal(StatusCode::SERVICE_UNAVAILABLE, "Service unavailable\n")
}

fn refusal(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
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

/// The answer where another path is meant.
fn moved(to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    if let Ok(to) = HeaderValue::try_from(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn other_sets_are_reached_below_their_prefix_and_missed_when_they_are_gone() {
        let handler: HttpHandler = Arc::new(|_| Box::pin(async { Response::new("x".into()) }));
        let (all, one) = (HttpMux::default(), HttpMux::default());
        all.set_root("/bento");
        let _own = all.route("/ping", "", handler.clone());
        let route = one.route("/p", "", handler);
        all.mount("one", &one);
        let status = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).expect("a request");
            all.call(request).await.status().as_u16()
        };
        for (path, want) in [
            ("/ping", 200),
            ("/one/p", 200),
            ("/bento/one/p", 200),
            ("/p", 404),
            ("/two/p", 404),
            ("/%70ing", 200),
            ("/one%2Fp", 200),
            ("//one/./p", 301),
            ("/%zz", 400),
            ("/", 404),
        ] {
            assert_eq!(status(path).await, want, "{path}");
        }
        all.miss("one", &one);
        assert_eq!(status("/one/p").await, 200);
        drop(route);
        all.unmount("one", &one);
        assert_eq!(status("/one/p").await, 503);
        assert_eq!(all.endpoints().len(), 1);
    }
}
