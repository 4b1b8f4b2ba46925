//! Keeps web pages away from an API that asks for no credentials.
//!
//! A browser on this host will send what a page of any site tells it to: a form post needs no permission. Such a request
//! carries the page's `Origin`, so one that isn't this server's own is refused. And a site may point its own name at 127.0.0.1:
//! so a server on loopback answers only to addresses and `localhost`.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Api, error::Error};

pub(super) async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    if let Some(why) = refusal_of(&request, api.is_loopback) {
        return Error::new(StatusCode::FORBIDDEN, "forbidden", why).into_response();
    }
    next.run(request).await
}

/// Why a request is refused that a web page may have sent; `is_loopback`: only this host can reach the server.
pub(crate) fn refusal_of(request: &Request, is_loopback: bool) -> Option<String> {
    let headers = request.headers();
    let host =
        text(headers, header::HOST).or_else(|| request.uri().authority().map(|a| a.as_str()));
    refusal(host, text(headers, header::ORIGIN), is_loopback)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers
        .get(name)
        .map(|value| value.to_str().unwrap_or_default())
}

/// Why a request with these headers is refused.
fn refusal(host: Option<&str>, origin: Option<&str>, is_loopback: bool) -> Option<String> {
    let host = host.unwrap_or_default();
    if is_loopback && !host.is_empty() && !is_local(host) {
        return Some(format!(
            "this server listens on loopback and does not answer to the name `{host}`"
        ));
    }
    match origin {
        Some(origin)
            if origin
                .split_once("://")
                .is_none_or(|(_, from)| from != host) =>
        {
            Some(format!("pages of `{origin}` may not use this API"))
        }
        _ => None,
    }
}

/// Whether a host with or without port is `localhost` or an address.
fn is_local(host: &str) -> bool {
    if host.parse::<std::net::SocketAddr>().is_ok() || host.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let name = host.split(':').next().unwrap_or(host);
    name.parse::<std::net::IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || (host.starts_with('[') && host.contains(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_other_sites_are_refused_and_programs_are_not() {
        for (host, origin, is_loopback, allowed) in [
            ("127.0.0.1:8080", None, true, true),
            ("localhost:8080", Some("http://localhost:8080"), true, true),
            ("[::1]:8080", None, true, true),
            ("localhost:8080", Some("https://evil.example"), true, false),
            (
                "evil.example:8080",
                Some("http://evil.example:8080"),
                true,
                false,
            ),
            ("127.0.0.1:8080", Some("null"), true, false),
            ("coordinator:8080", None, false, true),
            (
                "coordinator:8080",
                Some("http://coordinator:8080"),
                false,
                true,
            ),
            ("coordinator:8080", Some("http://other"), false, false),
        ] {
            let refused = refusal(Some(host), origin, is_loopback);
            assert_eq!(refused.is_none(), allowed, "{host} {origin:?}: {refused:?}");
        }
    }
}
