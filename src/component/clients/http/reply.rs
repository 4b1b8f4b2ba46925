//! Answers, and the messages that they hold.

use super::{media, parse_parts, unsent::cut_off};
use crate::component::clients::metadata_filter::MetadataFilter;
use crate::message::{Batch, Message};
use crate::value::Value;
use bytes::{Bytes, BytesMut};
use reqwest::{
    Response,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use std::borrow::Cow;

/// The largest answer that is taken.
const MAX_BODY: usize = 256 << 20;

/// The most of an answer that an error says.
const MAX_SAID: usize = 64 << 10;

/// A good answer.
pub(crate) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    /// The messages that an answer holds: its parts, if it has several. Their metadata are its status, and the headers that are asked for.
    pub fn messages(&self, extracted: &MetadataFilter) -> anyhow::Result<Batch> {
        let kind = self.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|v| v.to_str().ok()).unwrap_or_default();
        let bodies = match media(kind).boundary {
            Some(boundary) => parse_parts(&self.body, &boundary)?
                .into_iter()
                .map(|part| part.content)
                .collect(),
            None => vec![self.body.clone()],
        };
        let messages = bodies.into_iter().map(|body| {
            let mut message = Message::new(body);
            let status = Value::Int(self.status.into());
            message.metadata_mut().set("http_status_code", status);
            extract(extracted, &self.headers, &mut message);
            message
        });
        Ok(messages.collect())
    }
}

/// Copies the headers that are asked for into the metadata; one that is there several times becomes a list.
pub(super) fn extract(extracted: &MetadataFilter, headers: &HeaderMap, message: &mut Message) {
    if extracted.is_empty() {
        return;
    }
    let metadata = message.metadata_mut();
    let text = |value: &HeaderValue| Value::from(&*String::from_utf8_lossy(value.as_bytes()));
    for name in headers.keys().filter(|n| extracted.takes(n.as_str())) {
        let mut values: Vec<Value> = headers.get_all(name).iter().map(text).collect();
        let value = match values.len() {
            1 => values.remove(0),
            _ => Value::from(values),
        };
        metadata.set(name.as_str(), value);
    }
}

/// What an answer that isn't good is as an error.
pub(super) fn unexpected(response: &Response, body: &[u8]) -> String {
    let status = response.status();
    let code = status.as_u16();
    let own = response.extensions().get::<hyper::ext::ReasonPhrase>();
    let reason = match own {
        Some(own) => String::from_utf8_lossy(own.as_bytes()),
        None => status.canonical_reason().unwrap_or_default().into(),
    };
    let body = said(body).replace('\n', "");
    format!(
        "HTTP request returned unexpected response code ({code}): {code} {reason}, Error: {body}"
    )
}

/// As much of an answer as an error says.
pub(super) fn said(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(&body[..body.len().min(MAX_SAID)])
}

pub(super) async fn read_body(response: &mut Response) -> anyhow::Result<Bytes> {
    let broken = |error: reqwest::Error| match cut_off(&error) {
        Some(text) => anyhow::anyhow!(text),
        None => error.into(),
    };
    let Some(first) = response.chunk().await.map_err(broken)? else {
        return Ok(Bytes::new());
    };
    let Some(second) = response.chunk().await.map_err(broken)? else {
        return Ok(first);
    };
    let mut body = BytesMut::from(&*first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        anyhow::ensure!(
            body.len() + chunk.len() <= MAX_BODY,
            "the answer is larger than {MAX_BODY} bytes"
        );
        body.extend_from_slice(&chunk);
        next = response.chunk().await.map_err(broken)?;
    }
    Ok(body.freeze())
}
