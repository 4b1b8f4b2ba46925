//! Why a request got no answer, in the words of Go's client: configs match on them.

use crate::formats::os_error;
use reqwest::{Method, Url};
use std::{error::Error, io};

/// What ends a wait for an answer.
pub(super) const TOO_LATE: &str =
    "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";

/// What ends a wait for the rest of an answer.
pub(super) const BODY_TOO_LATE: &str =
    "context deadline exceeded (Client.Timeout or context cancellation while reading body)";

/// More servers than these don't send a request on to each other.
pub(super) const REDIRECTS: usize = 10;

/// A URL without the password that it may have.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() {
        // It has a host, so that it may have a password.
        let _ = url.set_password(Some("***"));
    }
    url.into()
}

/// A method as a verb: `Post`.
pub(super) fn verb(method: &Method) -> String {
    let method = method.as_str();
    let (first, rest) = method.split_at(method.len().min(1));
    format!("{first}{}", rest.to_lowercase())
}

/// The whole text: `Post "http://localhost:1/": dial tcp 127.0.0.1:1: connect: connection refused`.
pub(super) async fn explain(
    method: &Method,
    url: &Url,
    proxy: Option<&Url>,
    error: &anyhow::Error,
) -> String {
    let reason = reason(url, proxy, error).await;
    format!("{} \"{}\": {reason}", verb(method), shown(url))
}

async fn reason(url: &Url, proxy: Option<&Url>, error: &anyhow::Error) -> String {
    let Some(sent) = error.downcast_ref::<reqwest::Error>() else {
        return format!("{error:#}");
    };
    if sent.is_connect() {
        return match proxy {
            Some(proxy) => format!("proxyconnect tcp: {}", unconnected(proxy, error).await),
            None => unconnected(url, error).await,
        };
    }
    if sent.is_timeout() {
        return TOO_LATE.to_owned();
    }
    if sent.is_redirect() {
        return format!("stopped after {REDIRECTS} redirects");
    }
    cut_off(error.as_ref()).unwrap_or_else(|| format!("{error:#}"))
}

/// Why there is no connection.
async fn unconnected(url: &Url, error: &anyhow::Error) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let text = format!("{error:#}");
    if text.contains("dns error") {
        return format!("dial tcp: lookup {host}: no such host");
    }
    let system = error.chain().find_map(|e| e.downcast_ref::<io::Error>());
    let why = match system {
        Some(system) if system.raw_os_error().is_some() => {
            format!("connect: {}", os_error::reason(system))
        }
        Some(system) if system.kind() == io::ErrorKind::TimedOut => "i/o timeout".to_owned(),
        _ => return text,
    };
    // The connection's error doesn't say which of the host's addresses it was.
    let addresses = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await;
    match addresses.ok().and_then(|mut all| all.next()) {
        Some(address) => format!("dial tcp {address}: {why}"),
        None => format!("dial tcp {host}:{port}: {why}"),
    }
}

/// Why a connection ended before its answer did.
pub(crate) fn cut_off(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(hyper) = cause.downcast_ref::<hyper::Error>() {
            if hyper.is_incomplete_message() {
                return Some("EOF".to_owned());
            }
            if hyper.is_parse() {
                let broken = "net/http: HTTP/1.x transport connection broken";
                return Some(format!("{broken}: {hyper}"));
            }
        }
        if let Some(system) = cause.downcast_ref::<io::Error>() {
            if system.kind() == io::ErrorKind::UnexpectedEof {
                return Some("unexpected EOF".to_owned());
            }
            if system.raw_os_error().is_some() {
                return Some(format!("read: {}", os_error::reason(system)));
            }
        }
        next = cause.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refused_connection_is_worded_as_there() {
        // As the program does when it starts; another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let why = "dial tcp 127.0.0.1:1: connect: connection refused";
        for (url, proxy, wanted) in [
            (
                "http://127.0.0.1:1/",
                None,
                format!("Post \"http://127.0.0.1:1/\": {why}"),
            ),
            (
                "http://u:p@127.0.0.1:1/",
                Some("http://127.0.0.1:1"),
                format!("Post \"http://u:***@127.0.0.1:1/\": proxyconnect tcp: {why}"),
            ),
        ] {
            let url = Url::parse(url).expect("a URL");
            let proxy = proxy.map(|p| Url::parse(p).expect("a URL"));
            let error = reqwest::get(url.clone()).await.expect_err("nobody listens");
            let text = explain(&Method::POST, &url, proxy.as_ref(), &error.into()).await;
            assert_eq!(text, wanted);
        }
    }
}
