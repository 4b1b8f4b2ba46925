//! The answer to a request, made of the messages that were given for it.

use super::SyncResponse;
use crate::bloblang::Interpolated;
use crate::component::clients::http::{
    canonical, new_boundary, user_text, write_part, write_parts_end,
};
use crate::component::clients::metadata_filter::MetadataFilter;
use crate::formats::{go_quote::quote, media_type};
use crate::message::{Batch, ComponentName, Message};
use anyhow::{Context as _, anyhow};
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header, header::InvalidHeaderValue},
};

/// Makes answers.
pub(super) struct Responder {
    status: Interpolated,
    headers: Vec<(HeaderName, Interpolated)>,
    /// What the parts of an answer of several are said to be; without it that is guessed.
    part_type: Option<Interpolated>,
    metadata: MetadataFilter,
    component: ComponentName,
}

impl Responder {
    pub fn new(config: &SyncResponse, component: ComponentName) -> anyhow::Result<Responder> {
        let name = |(key, value): (&String, &Interpolated)| {
            let name = HeaderName::try_from(key.as_str());
            let name = name.with_context(|| format!("headers: {key} can't be a header's name"))?;
            anyhow::Ok((name, value.clone()))
        };
        Ok(Responder {
            status: config.status.clone(),
            headers: config
                .headers
                .iter()
                .map(name)
                .collect::<anyhow::Result<_>>()?,
            // In capitals, as the default has it, it is only for answers of one.
            part_type: config.headers.get("content-type").cloned(),
            metadata: config.metadata_headers.build()?,
            component,
        })
    }

    /// The answer of these messages; an empty one if there are none.
    pub fn answer(&self, replies: Vec<Batch>) -> Response<Body> {
        let mut replies = replies.into_iter();
        let messages = match replies.next() {
            None => return Response::new(Body::empty()),
            Some(only) if replies.len() == 0 => only,
            Some(first) => first.into_iter().chain(replies.flatten()).collect(),
        };
        let mut response = Response::new(Body::empty());
        let ComponentName { label, path, .. } = &self.component;
        for (name, value) in &self.headers {
            let shown = canonical(name.as_str());
            match value.text(&messages, 0).map(|text| header_value(&text)) {
                Ok(Ok(value)) => {
                    response.headers_mut().insert(name.clone(), value);
                }
                Ok(Err(_)) => {
                    tracing::error!(target: "stream", %label, %path, "The value of response header {shown} can't be sent")
                }
                Err(error) => {
                    tracing::error!(target: "stream", %label, %path, "Interpolation of response header {shown} error: {error}")
                }
            }
        }
        match self.status(&messages) {
            Ok(status) => *response.status_mut() = status,
            Err(error) => {
                tracing::error!(target: "stream", %label, %path, "{error}");
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                return response;
            }
        }
        for message in &messages {
            self.add_metadata(message, &mut response);
        }
        // Such an answer has no body, whatever its messages are.
        let status = response.status();
        if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return response;
        }
        match messages.as_slice() {
            [] => {}
            [message] => {
                let kind = response.headers_mut().entry(header::CONTENT_TYPE);
                kind.or_insert_with(|| {
                    HeaderValue::from_static(media_type::guess(message.bytes()))
                });
                *response.body_mut() = Body::from(message.bytes().clone());
            }
            several => self.add_parts(several, &mut response),
        }
        response
    }

    fn status(&self, messages: &[Message]) -> anyhow::Result<StatusCode> {
        let text = self.status.text(messages, 0);
        let text = text.map_err(|e| anyhow!("Interpolation of response status code error: {e}"))?;
        let unfit = |why| {
            let text = quote(&text);
            anyhow!(
                "Failed to parse sync response status code expression: strconv.Atoi: parsing {text}: {why}"
            )
        };
        let code: u16 = text.parse().map_err(|_| unfit("invalid syntax"))?;
        StatusCode::from_u16(code).map_err(|_| unfit("value out of range"))
    }

    fn add_metadata(&self, message: &Message, response: &mut Response<Body>) {
        if self.metadata.is_empty() {
            return;
        }
        for (key, value) in message
            .metadata()
            .iter()
            .filter(|(k, _)| self.metadata.takes(k))
        {
            let name = HeaderName::try_from(&**key);
            let value = header_value(&user_text(value));
            if let (Ok(name), Ok(value)) = (name, value) {
                response.headers_mut().insert(name, value);
            }
        }
    }

    fn add_parts(&self, messages: &[Message], response: &mut Response<Body>) {
        let boundary = new_boundary();
        let mut body = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            let kind = self.part_type.as_ref();
            let kind = kind.and_then(|kind| kind.text(messages, index).ok());
            let guessed = || media_type::guess(message.bytes());
            let kind = kind.as_deref().unwrap_or_else(guessed);
            write_part(
                &mut body,
                &boundary,
                &[("Content-Type", kind)],
                message.bytes(),
            );
        }
        write_parts_end(&mut body, &boundary);
        let kind = format!("multipart/form-data; boundary={boundary}");
        let kind = HeaderValue::try_from(kind).expect("a boundary of letters and digits");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        *response.body_mut() = Body::from(body);
    }
}

/// A header's value; the ends of lines, which it can't have, are spaces in it.
fn header_value(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    HeaderValue::try_from(text.replace(['\r', '\n'], " ").trim())
}
