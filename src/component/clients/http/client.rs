//! A client that retries, waits for its rate limit, and makes messages of answers.

use super::{
    Authenticator, HttpConfig, boundary, new_boundary, parse_parts, write_part, write_parts_end,
};
use super::{
    canonical,
    config::DumpLevel,
    unsent::{TOO_LATE, explain},
    user_text,
};
use crate::bloblang::Interpolated;
use crate::component::clients::metadata_filter::MetadataFilter;
use crate::component::{Context, RateLimit};
use crate::message::{Batch, Message};
use crate::value::Value;
use anyhow::{Context as _, anyhow};
use bytes::{Bytes, BytesMut};
use reqwest::{
    Method, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// The largest answer that is taken.
const MAX_BODY: usize = 256 << 20;

/// Sends requests that are made from messages.
pub(crate) struct HttpClient {
    client: reqwest::Client,
    url: Interpolated,
    verb: Method,
    config: HttpConfig,
    headers: Vec<(HeaderName, Interpolated)>,
    metadata: MetadataFilter,
    extract: MetadataFilter,
    rate_limit: Option<Arc<dyn RateLimit>>,
    authenticator: Authenticator,
    /// How many requests a server has and has not answered.
    under_way: watch::Sender<usize>,
}

/// Counts a request while it lasts.
struct UnderWay<'a>(&'a watch::Sender<usize>);

impl<'a> UnderWay<'a> {
    fn new(count: &'a watch::Sender<usize>) -> UnderWay<'a> {
        count.send_modify(|count| *count += 1);
        UnderWay(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// A good answer.
pub(crate) struct Reply {
    pub status: u16,
    headers: HeaderMap,
    body: Bytes,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct HttpError {
    pub text: String,
    /// What the server said, if it said anything.
    pub status: Option<u16>,
}

impl HttpError {
    pub fn new(error: impl Into<anyhow::Error>) -> HttpError {
        HttpError {
            text: format!("{:#}", error.into()),
            status: None,
        }
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

/// What to do after an attempt that failed.
enum Next {
    GiveUp,
    Retry,
    BackOff,
}

impl HttpClient {
    pub fn new(
        url: &Interpolated,
        verb: &str,
        config: &HttpConfig,
        cx: &Context,
    ) -> anyhow::Result<HttpClient> {
        let transport = &config.transport;
        let mut tls = config.tls.client()?;
        tls.alpn_protocols = match transport.force_http2 {
            true => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            false => vec![b"http/1.1".to_vec()],
        };
        let mut client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(transport.dial_context.timeout + transport.tls_handshake_timeout)
            .tcp_keepalive(transport.dial_context.keep_alive)
            .pool_idle_timeout(transport.idle_connection_timeout)
            .pool_max_idle_per_host(match transport.max_idle_connections {
                0 => usize::MAX,
                n => n,
            })
            .user_agent(concat!("airtruct/", env!("CARGO_PKG_VERSION")));
        if !transport.force_http2 {
            client = client.http1_only();
        }
        if let Some(proxy) = config.proxy_url.as_deref().filter(|p| !p.is_empty()) {
            let proxy = reqwest::Proxy::all(proxy).with_context(|| format!("proxy_url {proxy}"))?;
            client = client.proxy(proxy);
        }
        let name = |(key, value): (&String, &Interpolated)| {
            let name = HeaderName::try_from(key.as_str());
            let name = name.with_context(|| format!("headers: {key} can't be a header's name"))?;
            anyhow::Ok((name, value.clone()))
        };
        let client = client.build().context("make an HTTP client")?;
        let rate_limit = config.rate_limit.as_deref().filter(|l| !l.is_empty());
        Ok(HttpClient {
            authenticator: config.auth.build(client.clone())?,
            client,
            url: url.clone(),
            verb: Method::from_bytes(verb.as_bytes()).with_context(|| format!("verb {verb}"))?,
            headers: config
                .headers
                .iter()
                .map(name)
                .collect::<anyhow::Result<_>>()?,
            metadata: config.metadata.build()?,
            extract: config.extract_headers.build()?,
            rate_limit: rate_limit.map(|label| cx.rate_limit(label)).transpose()?,
            config: config.clone(),
            under_way: watch::Sender::new(0),
        })
    }

    /// Sends `body` in a request made from `batch[index]`, and again until an answer is good or patience ends.
    pub async fn send(
        &self,
        batch: &[Message],
        index: usize,
        body: Bytes,
    ) -> Result<Reply, HttpError> {
        let draft = self.draft(batch, index, body).map_err(HttpError::new)?;
        self.exchange(draft).await
    }

    /// Sends messages as the parts of one request, made from the first of them.
    pub async fn send_parts(&self, batch: &[Message], bodies: &[Part]) -> Result<Reply, HttpError> {
        let boundary = new_boundary();
        let mut body = Vec::new();
        for part in bodies {
            let headers: Vec<(&str, &str)> = part
                .headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            write_part(&mut body, &boundary, &headers, &part.content);
        }
        write_parts_end(&mut body, &boundary);
        let mut draft = self.draft(batch, 0, body.into()).map_err(HttpError::new)?;
        let kind = format!("multipart/form-data; boundary={boundary}");
        let kind = HeaderValue::try_from(kind).expect("a boundary of letters and digits");
        draft.headers.insert(CONTENT_TYPE, kind);
        self.exchange(draft).await
    }

    /// The content type that a message is sent with.
    pub fn content_type(&self, batch: &[Message], index: usize) -> anyhow::Result<String> {
        let mut headers = self.headers.iter();
        match headers.find(|(name, _)| *name == CONTENT_TYPE) {
            Some((_, value)) => Ok(value.text(batch, index)?.to_string()),
            None => Ok("application/octet-stream".to_owned()),
        }
    }

    /// Opens an answer that goes on and on; only the time until it begins is limited.
    pub async fn open(
        &self,
        batch: &[Message],
        index: usize,
        body: Bytes,
    ) -> anyhow::Result<Response> {
        let draft = self.draft(batch, index, body)?;
        self.wait_for_turn(draft.body.len()).await?;
        let sent = tokio::time::timeout(self.config.timeout, self.transmit(draft.clone())).await;
        let response = sent.unwrap_or_else(|_| Err(anyhow!(TOO_LATE)));
        let unsent = |error| anyhow!("{}", explain(&draft.method, &draft.url, &error));
        let response = response.map_err(unsent)?;
        if self.is_good(response.status()) {
            return Ok(response);
        }
        let status = response.status();
        let body = read_body(response).await.unwrap_or_default();
        Err(anyhow!("{}: {}", draft.url, unexpected(status, &body)))
    }

    fn draft(&self, batch: &[Message], index: usize, body: Bytes) -> anyhow::Result<Draft> {
        let url = self.url.text(batch, index);
        let url = url.map_err(|e| anyhow!("url interpolation error: {e}"))?;
        let mut headers = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let text = value.text(batch, index);
            let text = text.map_err(|e| {
                let name = canonical(name.as_str());
                anyhow!("header '{name}' interpolation error: {e}")
            })?;
            let value = HeaderValue::try_from(&*text)
                .map_err(|_| anyhow!("header {name}: its value can't be sent as a header"))?;
            headers.insert(name.clone(), value);
        }
        if !self.metadata.is_empty()
            && let Some(message) = batch.get(index)
        {
            for (key, value) in message
                .metadata()
                .iter()
                .filter(|(k, _)| self.metadata.takes(k))
            {
                let name = HeaderName::try_from(&**key)
                    .map_err(|_| anyhow!("metadata {key} can't be a header's name"))?;
                let value = HeaderValue::try_from(user_text(value))
                    .map_err(|_| anyhow!("metadata {key} can't be sent as a header"))?;
                headers.insert(name, value);
            }
        }
        headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/octet-stream"));
        Ok(Draft {
            method: self.verb.clone(),
            url: reqwest::Url::parse(&url).with_context(|| format!("url {url}"))?,
            headers,
            body,
        })
    }

    async fn exchange(&self, draft: Draft) -> Result<Reply, HttpError> {
        let mut pause = self.config.retry_period;
        for retries in 0.. {
            self.wait_for_turn(draft.body.len())
                .await
                .map_err(HttpError::new)?;
            let (error, next) = match self.attempt(draft.clone()).await {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            if matches!(next, Next::GiveUp) || retries >= self.config.retries {
                return Err(error);
            }
            tracing::debug!(%error, retries, "an HTTP request is tried again");
            if matches!(next, Next::BackOff) {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(self.config.max_retry_backoff);
            } else {
                tokio::time::sleep(self.config.retry_period).await;
            }
        }
        unreachable!("retries are counted without end")
    }

    /// Waits until no server has a request that it has not answered: what is to be sent next waits for its turn, or for another try.
    pub async fn until_idle(&self) {
        let mut count = self.under_way.subscribe();
        // The sender is held by self, so that waiting can't fail.
        let _ = count.wait_for(|count| *count == 0).await;
    }

    async fn attempt(&self, draft: Draft) -> Result<Reply, (HttpError, Next)> {
        let _under_way = UnderWay::new(&self.under_way);
        let (method, url) = (draft.method.clone(), draft.url.clone());
        let exchange = async {
            let response = self.transmit(draft).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok::<_, anyhow::Error>((status, headers, read_body(response).await?))
        };
        let result = match tokio::time::timeout(self.config.timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err(anyhow!(TOO_LATE)),
        };
        let (status, headers, body) = result.map_err(|error| {
            let text = format!("{url}: {}", explain(&method, &url, &error));
            (HttpError { text, status: None }, Next::Retry)
        })?;
        if self.is_good(status) {
            let status = status.as_u16();
            return Ok(Reply {
                status,
                headers,
                body,
            });
        }
        let code = status.as_u16();
        let next = if self.config.drop_on.contains(&code) {
            Next::GiveUp
        } else if self.config.backoff_on.contains(&code) {
            Next::BackOff
        } else {
            Next::Retry
        };
        let error = HttpError {
            text: format!("{url}: {}", unexpected(status, &body)),
            status: Some(code),
        };
        Err((error, next))
    }

    /// Sends a request once, authenticated.
    async fn transmit(&self, draft: Draft) -> anyhow::Result<Response> {
        self.log(&draft);
        self.authenticator.send(&self.client, draft).await
    }

    fn log(&self, draft: &Draft) {
        let (method, url, bytes) = (&draft.method, &draft.url, draft.body.len());
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(%method, %url, bytes, "an HTTP request is sent")
            };
        }
        match self.config.dump_request_log_level {
            DumpLevel::Off => {}
            DumpLevel::Trace => log!(trace),
            DumpLevel::Debug => log!(debug),
            DumpLevel::Info => log!(info),
            DumpLevel::Warn => log!(warn),
            DumpLevel::Error | DumpLevel::Fatal => log!(error),
        }
    }

    fn is_good(&self, status: StatusCode) -> bool {
        let code = status.as_u16();
        (status.is_success() && !self.config.drop_on.contains(&code))
            || self.config.successful_on.contains(&code)
    }

    async fn wait_for_turn(&self, bytes: usize) -> anyhow::Result<()> {
        let Some(limit) = &self.rate_limit else {
            return Ok(());
        };
        while let Some(wait) = limit.access(bytes).await? {
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
        Ok(())
    }

    /// The messages that an answer holds: its parts, if it has several.
    pub fn messages(&self, reply: &Reply) -> anyhow::Result<Batch> {
        let kind = reply
            .headers
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok());
        let bodies = match kind.and_then(boundary) {
            Some(boundary) => parse_parts(&reply.body, boundary)?
                .into_iter()
                .map(|part| part.content)
                .collect(),
            None => vec![reply.body.clone()],
        };
        let messages = bodies.into_iter().map(|body| {
            let mut message = Message::new(body);
            self.describe(reply, &mut message);
            message
        });
        Ok(messages.collect())
    }

    /// Sets the metadata that an answer gives a message: its status, and the headers that are asked for.
    pub fn describe(&self, reply: &Reply, message: &mut Message) {
        let status = Value::Int(reply.status.into());
        message.metadata_mut().set("http_status_code", status);
        extract(&self.extract, &reply.headers, message);
    }

    /// The same for an answer that goes on and on, whose messages have no status.
    pub fn describe_stream(&self, response: &Response, message: &mut Message) {
        extract(&self.extract, response.headers(), message);
    }
}

/// Copies the headers that are asked for into the metadata.
fn extract(extract: &MetadataFilter, headers: &HeaderMap, message: &mut Message) {
    if extract.is_empty() {
        return;
    }
    let metadata = message.metadata_mut();
    for name in headers.keys().filter(|name| extract.takes(name.as_str())) {
        let value = String::from_utf8_lossy(headers[name].as_bytes());
        metadata.set(name.as_str(), &*value);
    }
}

/// One part of a request of several.
pub(crate) struct Part {
    pub headers: Vec<(&'static str, String)>,
    pub content: Bytes,
}

fn unexpected(status: StatusCode, body: &[u8]) -> String {
    let code = status.as_u16();
    let reason = status.canonical_reason().unwrap_or_default();
    let body = String::from_utf8_lossy(&body[..body.len().min(4096)]).replace('\n', "");
    format!(
        "HTTP request returned unexpected response code ({code}): {code} {reason}, Error: {body}"
    )
}

async fn read_body(mut response: Response) -> anyhow::Result<Bytes> {
    let Some(first) = response.chunk().await? else {
        return Ok(Bytes::new());
    };
    let Some(second) = response.chunk().await? else {
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
        next = response.chunk().await?;
    }
    Ok(body.freeze())
}
