//! Requests, made from messages.

use super::{
    HttpConfig, canonical, new_boundary,
    unsent::{shown, verb},
    user_text, write_part, write_parts_end,
};
use crate::bloblang::Interpolated;
use crate::component::clients::metadata_filter::MetadataFilter;
use crate::formats::url;
use crate::message::Message;
use crate::value::Value;
use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use reqwest::{
    Method,
    header::{
        ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
        RANGE, TRAILER, TRANSFER_ENCODING,
    },
};

/// What requests carry.
pub(crate) enum Content {
    /// The messages: one as it is, several as parts.
    Messages,
    /// A text of its own, or nothing.
    Payload(Option<Interpolated>),
    /// Parts of their own.
    Parts(Vec<PartConfig>),
}

crate::fields! {
    /// A part of a request.
    pub struct PartConfig {
        /// What kind of content it is.
        content_type: Interpolated = "''",
        /// How it is named.
        content_disposition: Interpolated = "''",
        /// The content.
        body: Interpolated = "''",
    }
}

/// A request before it is authenticated and sent.
#[derive(Clone)]
pub(crate) struct Draft {
    pub method: Method,
    pub url: reqwest::Url,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Draft {
    /// Whether the server may compress its answer, to be decompressed again before anybody sees it. Who asks for an encoding or a range of
    /// bytes gets what the server sends.
    pub fn takes_gzip(&self) -> bool {
        let asks = |name| self.headers.contains_key(name);
        self.method != Method::HEAD && !asks(ACCEPT_ENCODING) && !asks(RANGE)
    }
}

/// Makes requests.
pub(super) struct Drafter {
    url: Interpolated,
    verb: Method,
    headers: Vec<(HeaderName, Interpolated)>,
    metadata: MetadataFilter,
    content: Content,
}

impl Drafter {
    pub fn new(
        url: &Interpolated,
        verb: &str,
        config: &HttpConfig,
        content: Content,
    ) -> anyhow::Result<Drafter> {
        let name = |(key, value): (&String, &Interpolated)| {
            let name = HeaderName::try_from(key.as_str());
            let name = name.with_context(|| format!("headers: {key} can't be a header's name"))?;
            anyhow::Ok((name, value.clone()))
        };
        Ok(Drafter {
            url: url.clone(),
            verb: match verb {
                "" => Method::GET,
                verb => {
                    Method::from_bytes(verb.as_bytes()).with_context(|| format!("verb {verb}"))?
                }
            },
            headers: config
                .headers
                .iter()
                .map(name)
                .collect::<anyhow::Result<_>>()?,
            metadata: config.metadata.build()?,
            content,
        })
    }

    /// The request for these messages: queries see the first of them.
    pub fn draft(&self, batch: &[Message]) -> anyhow::Result<Draft> {
        let (body, kind) = self.body(batch)?;
        let url = self.url.text(batch, 0);
        let url = self.target(&url.map_err(|e| anyhow!("url interpolation error: {e}"))?)?;
        let unfit = |what: &str, name: &str| {
            let url = shown(&url);
            let verb = verb(&self.verb);
            anyhow!("{url}: {verb} \"{url}\": net/http: invalid header field {what} \"{name}\"")
        };
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 2);
        for (name, value) in &self.headers {
            let text = value.text(batch, 0).map_err(|e| {
                let name = canonical(name.as_str());
                anyhow!("header '{name}' interpolation error: {e}")
            })?;
            let value = HeaderValue::try_from(&*text)
                .map_err(|_| unfit("value for", &canonical(name.as_str())))?;
            headers.insert(name.clone(), value);
        }
        for (key, value) in self.metadata(batch.first()) {
            let name = HeaderName::try_from(key).map_err(|_| unfit("name", key))?;
            // What says how the request is sent is said by who sends it.
            if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, TRAILER].contains(&name) {
                continue;
            }
            let value = HeaderValue::try_from(user_text(value))
                .map_err(|_| unfit("value for", &canonical(key)))?;
            headers.append(name, value);
        }
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, kind);
        }
        if body.is_empty() && [Method::POST, Method::PUT, Method::PATCH].contains(&self.verb) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        Ok(Draft {
            method: self.verb.clone(),
            url,
            headers,
            body,
        })
    }

    /// The metadata of a message that goes along.
    fn metadata<'a>(
        &'a self,
        message: Option<&'a Message>,
    ) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let message = message.filter(|_| !self.metadata.is_empty());
        let all = message.into_iter().flat_map(|m| m.metadata().iter());
        all.map(|(key, value)| (&**key, value))
            .filter(|(key, _)| self.metadata.takes(key))
    }

    fn target(&self, text: &str) -> anyhow::Result<reqwest::Url> {
        let parsed = url::parse(text).map_err(|e| anyhow!(e))?;
        let refused = |why: &str| {
            let verb = verb(&self.verb);
            anyhow!("{text}: {verb} \"{text}\": {why}")
        };
        if !matches!(&*parsed.scheme, "http" | "https") {
            let scheme = parsed.scheme;
            return Err(refused(&format!(
                "unsupported protocol scheme \"{scheme}\""
            )));
        }
        if parsed.host.is_empty() {
            return Err(refused("http: no Host in request URL"));
        }
        reqwest::Url::parse(text).map_err(|e| anyhow!("parse \"{text}\": {e}"))
    }

    /// A request's body, and what kind it is, unless a header says so.
    fn body(&self, batch: &[Message]) -> anyhow::Result<(Bytes, Option<HeaderValue>)> {
        let kind = || {
            let said = self.headers.iter().any(|(name, _)| *name == CONTENT_TYPE);
            (!said).then_some(HeaderValue::from_static("application/octet-stream"))
        };
        match &self.content {
            Content::Payload(None) => Ok((Bytes::new(), kind())),
            Content::Payload(Some(payload)) => Ok((payload.bytes(batch, 0)?, kind())),
            Content::Parts(parts) => self.own_parts(parts, batch),
            Content::Messages => match batch {
                [] => bail!("there is no message to send"),
                [message] => Ok((message.bytes().clone(), kind())),
                several => self.messages_as_parts(several),
            },
        }
    }

    fn own_parts(
        &self,
        parts: &[PartConfig],
        batch: &[Message],
    ) -> anyhow::Result<(Bytes, Option<HeaderValue>)> {
        let mut writer = PartsWriter::new();
        for part in parts {
            let fail = |what, error| anyhow!("{what} interpolation error: {error}");
            let kind = part.content_type.text(batch, 0);
            let kind = kind.map_err(|e| fail("content-type", e))?;
            let named = part.content_disposition.text(batch, 0);
            let named = named.map_err(|e| fail("content-disposition", e))?;
            let body = part.body.bytes(batch, 0);
            let headers = [("Content-Disposition", &*named), ("Content-Type", &*kind)];
            writer.add(&headers, &body.map_err(|e| fail("part body", e))?);
        }
        Ok(writer.end())
    }

    fn messages_as_parts(&self, batch: &[Message]) -> anyhow::Result<(Bytes, Option<HeaderValue>)> {
        let mut configured = self.headers.iter();
        let kind = configured.find(|(name, _)| *name == CONTENT_TYPE);
        let mut writer = PartsWriter::new();
        for (index, message) in batch.iter().enumerate() {
            let kind = match kind {
                Some((_, kind)) => kind
                    .text(batch, index)
                    .map_err(|e| anyhow!("content-type interpolation error: {e}"))?,
                None => "application/octet-stream".into(),
            };
            let metadata = self.metadata(Some(message));
            let metadata: Vec<_> = metadata
                .map(|(key, value)| (key, user_text(value)))
                .collect();
            let mut headers = vec![("Content-Type", &*kind)];
            headers.extend(metadata.iter().map(|(key, value)| (*key, value.as_str())));
            writer.add(&headers, message.bytes());
        }
        Ok(writer.end())
    }
}

/// A body of several parts.
struct PartsWriter {
    boundary: String,
    body: Vec<u8>,
}

impl PartsWriter {
    fn new() -> PartsWriter {
        PartsWriter {
            boundary: new_boundary(),
            body: Vec::new(),
        }
    }

    fn add(&mut self, headers: &[(&str, &str)], content: &[u8]) {
        write_part(&mut self.body, &self.boundary, headers, content);
    }

    fn end(mut self) -> (Bytes, Option<HeaderValue>) {
        write_parts_end(&mut self.body, &self.boundary);
        let kind = format!("multipart/form-data; boundary={}", self.boundary);
        let kind = HeaderValue::try_from(kind).expect("a boundary of letters and digits");
        (self.body.into(), Some(kind))
    }
}
