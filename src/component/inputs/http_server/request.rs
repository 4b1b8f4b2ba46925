//! One request: its messages, their metadata, its answer.

use super::{Gate, Outcome, closing};
use crate::component::HttpCall;
use crate::component::clients::http::{canonical, client_address, media, parse_parts, plain_error};
use crate::formats::url::decode_path;
use crate::message::{Batch, ComponentName, Message, Metadata};
use axum::{
    body::Body,
    http::{HeaderName, Request, Response, StatusCode, header, request::Parts},
};
use bytes::Bytes;
use std::sync::Arc;

/// The largest body that is taken.
const MAX_BODY: usize = 256 << 20;

/// Answers a request whose body is messages.
pub(super) async fn answer(gate: Arc<Gate>, call: HttpCall) -> Response<Body> {
    let method = call.request.method().as_str();
    if !gate.verbs.iter().any(|verb| verb == method) {
        return plain_error(StatusCode::METHOD_NOT_ALLOWED, "Incorrect method");
    }
    if gate.sender.is_closed() {
        return closing();
    }
    let metadata = metadata(&call.request, &call.params);
    let (parts, body) = call.request.into_parts();
    let body = match axum::body::to_bytes(body, MAX_BODY).await {
        Ok(body) => body,
        Err(error) => return refuse(&gate, &error.to_string()),
    };
    if let Err(response) = gate.access(body.len()).await {
        return response;
    }
    let batch = match messages(&parts, body, metadata) {
        Ok(batch) => batch,
        Err(error) => return refuse(&gate, &format!("{error:#}")),
    };
    match gate.deliver(batch).await {
        Outcome::Delivered(replies) => gate.responder.answer(replies),
        Outcome::Failed(error) => plain_error(StatusCode::BAD_GATEWAY, &error),
        Outcome::Late => plain_error(StatusCode::REQUEST_TIMEOUT, "Request timed out"),
        Outcome::Closing => closing(),
    }
}

fn refuse(gate: &Gate, error: &str) -> Response<Body> {
    let ComponentName { label, path, .. } = &gate.name;
    tracing::warn!(target: "stream", %label, %path, "Request read failed: {error}");
    plain_error(StatusCode::BAD_REQUEST, "Bad request")
}

/// The messages of a body: its parts, if it has several.
fn messages(parts: &Parts, body: Bytes, metadata: Metadata) -> anyhow::Result<Batch> {
    let text = |name| parts.headers.get(name)?.to_str().ok();
    let message = |content: Bytes| {
        let mut message = Message::new(content);
        *message.metadata_mut() = metadata.clone();
        message
    };
    let kind = text(header::CONTENT_TYPE).unwrap_or_default();
    let media = media(kind);
    if let Some(fault) = media.fault.filter(|_| !kind.is_empty()) {
        anyhow::bail!(fault);
    }
    let Some(boundary) = media.boundary else {
        return Ok(Batch::from_buf([message(body)]));
    };
    let parts = parse_parts(&body, &boundary)?;
    anyhow::ensure!(!parts.is_empty(), "a body of no parts");
    Ok(parts
        .into_iter()
        .map(|part| message(part.content))
        .collect())
}

/// What a request tells beside its body.
pub(super) fn metadata(request: &Request<Body>, params: &[(String, String)]) -> Metadata {
    let mut metadata = Metadata::default();
    let headers = request.headers();
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|a| a.to_str().ok()).unwrap_or_default();
    let uri = request.uri();
    let mut own = |key, value: &str| metadata.set(crate::value::Str::from_static(key), value);
    own("http_server_user_agent", agent);
    let path = decode_path(uri.path()).unwrap_or(uri.path().into());
    own("http_server_request_path", &path);
    own("http_server_verb", request.method().as_str());
    if let Some(address) = client_address(request) {
        own("http_server_remote_ip", &address.ip().to_string());
    }
    // What says how the request was sent is nothing that it says.
    let said = |name: &&HeaderName| !matches!(**name, header::HOST | header::TRANSFER_ENCODING);
    for name in headers.keys().filter(said) {
        let value = String::from_utf8_lossy(headers[name].as_bytes());
        metadata.set(canonical(name.as_str()), &*value);
    }
    // Where a name comes several times its first value counts.
    let set_first = |metadata: &mut Metadata, seen: &mut Vec<String>, key: &str, value: &str| {
        if !seen.iter().any(|s| s == key) {
            metadata.set(key, value);
            seen.push(key.to_owned());
        }
    };
    if let Some(query) = uri.query() {
        let mut seen = Vec::new();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            set_first(&mut metadata, &mut seen, &key, &value);
        }
    }
    for (key, value) in params {
        metadata.set(key.as_str(), value.as_str());
    }
    for cookies in headers.get_all(header::COOKIE) {
        let cookies = cookies.to_str().unwrap_or_default();
        for cookie in cookies.split(';').map(str::trim).filter(|c| !c.is_empty()) {
            let (key, value) = cookie.split_once('=').unwrap_or((cookie, ""));
            metadata.set(key, value.trim_matches('"'));
        }
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(request: Request<Body>, params: &[(String, String)]) -> Vec<(String, String)> {
        let metadata = metadata(&request, params);
        let text = |v: &crate::value::Value| v.as_str().unwrap_or_default().to_owned();
        metadata
            .iter()
            .map(|(k, v)| (k.to_string(), text(v)))
            .collect()
    }

    #[test]
    fn a_request_becomes_metadata() {
        let request = Request::builder()
            .method("PUT")
            .uri("/a/b?q=1&q=2&r=&s=x%20y")
            .header("host", "h")
            .header("x-hey", "you")
            .header("transfer-encoding", "chunked")
            .header("cookie", "c=d; e=\"f\"; g")
            .body(Body::empty())
            .expect("a request");
        let all = keys(request, &[("id".into(), "b".into())]);
        let wanted = [
            ("Cookie", "c=d; e=\"f\"; g"),
            ("X-Hey", "you"),
            ("c", "d"),
            ("e", "f"),
            ("g", ""),
            ("http_server_request_path", "/a/b"),
            ("http_server_user_agent", ""),
            ("http_server_verb", "PUT"),
            ("id", "b"),
            ("q", "1"),
            ("r", ""),
            ("s", "x y"),
        ];
        let wanted: Vec<_> = wanted.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(all, wanted);
    }
}
