//! `/ingest/{stream}/...`: a request to a stream's own HTTP endpoints, wherever the stream runs.
//!
//! Method, headers, query and body go to the worker as they came, and its answer comes back as it is; both bodies are streamed.

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Request, Uri, uri::PathAndQuery},
    response::Response,
    routing::any,
};

use super::{
    Api,
    error::{Error, Result},
};
use crate::ids::StreamName;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/ingest/{stream}", any(forward))
        .route("/ingest/{stream}/{*path}", any(forward))
}

async fn forward(State(api): State<Api>, mut request: Request<Body>) -> Result<Response> {
    let (name, target) = split(request.uri())?;
    *request.uri_mut() = target;
    Ok(api.coordinator.ingest(name, request).await?)
}

/// The stream that a path names, and the URI that is left for it. The rest is passed as it came, escapes and all.
fn split(uri: &Uri) -> Result<(StreamName, Uri)> {
    let rest = uri.path().strip_prefix("/ingest/").unwrap_or_default();
    let (name, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let name = StreamName::new(name).map_err(|e| Error::invalid(e.to_string()))?;
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let target: PathAndQuery = text
        .parse()
        .map_err(|_| Error::invalid("the path can't be passed on"))?;
    Ok((name, target.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_path_stays_as_it_came() {
        for (given, name, target) in [
            ("/ingest/a", "a", "/"),
            ("/ingest/a/", "a", "/"),
            ("/ingest/a/post", "a", "/post"),
            ("/ingest/a/x%2Fy//z?q=1&r=%20", "a", "/x%2Fy//z?q=1&r=%20"),
        ] {
            let (found, uri) = split(&given.parse().expect("a URI")).expect(given);
            assert_eq!(
                (found.as_str(), uri.to_string().as_str()),
                (name, target),
                "{given}"
            );
        }
        assert!(split(&"/ingest/-/x".parse().expect("a URI")).is_err());
    }
}
