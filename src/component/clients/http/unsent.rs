//! Why a request got no answer, in the words of Go's client: configs match on them.

use crate::formats::os_error;
use reqwest::{Method, Url};
use std::io;

/// What ends a wait for an answer.
pub(super) const TOO_LATE: &str =
    "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";

/// The whole text: `Post "http://localhost:1/": dial tcp localhost:1: connect: connection refused`.
pub(super) fn explain(method: &Method, url: &Url, error: &anyhow::Error) -> String {
    let verb = method.as_str();
    let (first, rest) = verb.split_at(verb.len().min(1));
    format!(
        "{first}{} \"{url}\": {}",
        rest.to_lowercase(),
        reason(url, error)
    )
}

fn reason(url: &Url, error: &anyhow::Error) -> String {
    if !matches!(url.scheme(), "http" | "https") {
        return format!("unsupported protocol scheme \"{}\"", url.scheme());
    }
    let sent = error.downcast_ref::<reqwest::Error>();
    let system = error.chain().find_map(|e| e.downcast_ref::<io::Error>());
    match (sent, system) {
        (Some(sent), _) if sent.is_timeout() => TOO_LATE.to_owned(),
        (Some(sent), Some(system)) if sent.is_connect() && system.raw_os_error().is_some() => {
            let host = url.host_str().unwrap_or_default();
            let port = url.port_or_known_default().unwrap_or_default();
            let reason = os_error::reason(system);
            format!("dial tcp {host}:{port}: connect: {reason}")
        }
        _ => format!("{error:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refused_connection_is_worded_as_there() {
        let url = Url::parse("http://127.0.0.1:1/").expect("a URL");
        // As the program does when it starts; another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let error = reqwest::get(url.clone()).await.expect_err("nobody listens");
        assert_eq!(
            explain(&Method::POST, &url, &error.into()),
            "Post \"http://127.0.0.1:1/\": dial tcp 127.0.0.1:1: connect: connection refused"
        );
    }

    #[test]
    fn other_schemes_are_not_spoken() {
        let url = Url::parse("wat://x/").expect("a URL");
        let error = anyhow::anyhow!("no");
        let text = explain(&Method::GET, &url, &error);
        assert_eq!(
            text,
            "Get \"wat://x/\": unsupported protocol scheme \"wat\""
        );
    }
}
