//! Header names, metadata as text, and plain answers.

use crate::value::{Str, Value};
use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Request, Response, StatusCode, header},
};
use std::net::SocketAddr;

/// A header's name as Go's servers spell it, which is how it names metadata: `User-Agent`.
pub(crate) fn canonical(name: &str) -> Str {
    // The names that nearly every request has cost nothing.
    let known = match name {
        "accept" => "Accept",
        "accept-encoding" => "Accept-Encoding",
        "authorization" => "Authorization",
        "connection" => "Connection",
        "content-length" => "Content-Length",
        "content-type" => "Content-Type",
        "cookie" => "Cookie",
        "user-agent" => "User-Agent",
        "x-forwarded-for" => "X-Forwarded-For",
        _ => {
            let mut starts = true;
            let spell = |c: char| {
                let upper = std::mem::replace(&mut starts, c == '-');
                if upper {
                    c.to_ascii_uppercase()
                } else {
                    c.to_ascii_lowercase()
                }
            };
            return name.chars().map(spell).collect::<String>().into();
        }
    };
    Str::from_static(known)
}

/// Metadata as the text of a header: JSON for what isn't text, numbers and the like as they are written.
pub(crate) fn user_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        Value::Timestamp(_) => {
            let json = value.to_json();
            String::from_utf8_lossy(json.trim_ascii())
                .trim_matches('"')
                .to_owned()
        }
        other => String::from_utf8_lossy(&other.to_json()).into_owned(),
    }
}

/// Where a request came from, if the server noted it.
pub(crate) fn client_address<B>(request: &Request<B>) -> Option<SocketAddr> {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    info.map(|ConnectInfo(address)| *address)
}

/// An answer of a line of text.
pub(crate) fn plain_error(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelt_with_capitals() {
        for (name, wanted) in [
            ("x-hey", "X-Hey"),
            ("user-agent", "User-Agent"),
            ("etag", "Etag"),
            ("x--a", "X--A"),
        ] {
            assert_eq!(&*canonical(name), wanted);
        }
    }
}
