//! A client that retries, waits for its rate limit, and makes messages of answers.

use super::{
    Authenticator, Content, Draft, HttpConfig, Reply,
    config::DumpLevel,
    draft::Drafter,
    reply::{extract, read_body, unexpected},
    unsent::{BODY_TOO_LATE, REDIRECTS, TOO_LATE, explain, shown},
};
use crate::bloblang::Interpolated;
use crate::component::clients::metadata_filter::MetadataFilter;
use crate::component::{Context, RateLimit};
use crate::message::{Batch, Message, Metadata};
use anyhow::{Context as _, anyhow};
use reqwest::{Response, StatusCode, Url, redirect::Policy};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

/// Sends requests that are made from messages.
pub(crate) struct HttpClient {
    client: reqwest::Client,
    /// For requests whose answers are taken as they are.
    plain: reqwest::Client,
    drafter: Drafter,
    config: HttpConfig,
    proxy: Option<Url>,
    extract: MetadataFilter,
    rate_limit: Option<Arc<dyn RateLimit>>,
    authenticator: Authenticator,
    /// How often the pause before another try has been doubled since an answer was good.
    doubled: AtomicU32,
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

/// Why there is no good answer.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct HttpError {
    pub text: String,
    /// What the server said, if it said anything.
    pub status: Option<u16>,
    /// Whether nothing was said in time.
    pub is_late: bool,
}

impl HttpError {
    pub fn new(error: impl Into<anyhow::Error>) -> HttpError {
        HttpError {
            text: format!("{:#}", error.into()),
            status: None,
            is_late: false,
        }
    }
}

/// What a status code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    GiveUp,
    Retry,
    BackOff,
}

impl HttpClient {
    pub fn new(
        url: &Interpolated,
        verb: &str,
        config: &HttpConfig,
        content: Content,
        cx: &Context,
    ) -> anyhow::Result<HttpClient> {
        let proxy = config.proxy_url.as_deref().filter(|p| !p.is_empty());
        let proxy = proxy.map(|p| Url::parse(p).with_context(|| format!("proxy_url {p}")));
        let proxy = proxy.transpose()?;
        // Reading the certificates takes a while.
        let tls = config.tls.client()?;
        let connector = || connector(config, tls.clone(), proxy.as_ref());
        let client = connector()?.build().context("make an HTTP client")?;
        let plain = connector()?.no_gzip().build();
        let rate_limit = config.rate_limit.as_deref().filter(|l| !l.is_empty());
        Ok(HttpClient {
            authenticator: config.auth.build(client.clone())?,
            client,
            plain: plain.context("make an HTTP client")?,
            drafter: Drafter::new(url, verb, config, content)?,
            proxy,
            extract: config.extract_headers.build()?,
            rate_limit: rate_limit.map(|label| cx.rate_limit(label)).transpose()?,
            config: config.clone(),
            doubled: AtomicU32::new(0),
            under_way: watch::Sender::new(0),
        })
    }

    /// Sends a request made from these messages, and again until an answer is good or patience ends; the messages that the answer holds.
    pub async fn send(&self, batch: &[Message]) -> Result<Batch, HttpError> {
        self.exchange(batch)
            .await?
            .messages(&self.extract)
            .map_err(HttpError::new)
    }

    /// The same, but as [`replace`] makes messages of them.
    pub async fn send_for(&self, batch: &[Message]) -> Result<Batch, HttpError> {
        let answers = self.send(batch).await?.into_iter().enumerate();
        let original = |i| batch.get(i).unwrap_or(&batch[0]);
        Ok(answers
            .map(|(i, answer)| replace(original(i), answer))
            .collect())
    }

    /// Opens an answer that goes on and on, for as long as it does.
    pub async fn open(&self, batch: &[Message]) -> Result<Response, HttpError> {
        let (response, _) = self.respond(batch, None).await?;
        Ok(response)
    }

    /// The metadata of messages from an answer that goes on and on: they have no status.
    pub fn describe_stream(&self, response: &Response) -> Metadata {
        let mut message = Message::default();
        extract(&self.extract, response.headers(), &mut message);
        message.metadata().clone()
    }

    /// Waits until no server has a request that it has not answered: what is to be sent next waits for its turn, or for another try.
    pub async fn until_idle(&self) {
        let mut count = self.under_way.subscribe();
        // The sender is held by self, so that waiting can't fail.
        let _ = count.wait_for(|count| *count == 0).await;
    }

    /// A good answer, whole. One that breaks off was good: the request isn't sent again.
    async fn exchange(&self, batch: &[Message]) -> Result<Reply, HttpError> {
        let (mut response, latest) = self.respond(batch, Some(self.config.timeout)).await?;
        let _under_way = UnderWay::new(&self.under_way);
        let body = in_time(latest, read_body(&mut response)).await;
        let body = body.unwrap_or_else(|| Err(anyhow!(BODY_TOO_LATE)));
        Ok(Reply {
            body: body.map_err(HttpError::new)?,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
        })
    }

    /// A good answer, and until when it may take.
    async fn respond(
        &self,
        batch: &[Message],
        limit: Option<Duration>,
    ) -> Result<(Response, Option<Instant>), HttpError> {
        for retries in 0.. {
            // Queries may say something else at each attempt.
            let draft = self.drafter.draft(batch).map_err(HttpError::new)?;
            let turn = self.wait_for_turn(draft.body.len()).await;
            turn.map_err(HttpError::new)?;
            let latest = limit.map(|limit| Instant::now() + limit);
            let (error, verdict) = match self.attempt(draft, latest).await {
                Ok(response) => {
                    self.doubled.store(0, Relaxed);
                    return Ok((response, latest));
                }
                Err(failed) => failed,
            };
            if verdict == Verdict::GiveUp || retries >= self.config.retries {
                return Err(error);
            }
            tracing::debug!(%error, retries, "an HTTP request is tried again");
            sleep(self.pause(verdict)).await;
        }
        unreachable!("retries are counted without end")
    }

    /// How long to wait before another try: the longer, the more often this client was told to back off, whatever the request.
    fn pause(&self, verdict: Verdict) -> Duration {
        let longest = self.config.max_retry_backoff.max(self.config.retry_period);
        let doubled = |times: u32| {
            let factor = 2u32.saturating_pow(times);
            self.config.retry_period.saturating_mul(factor).min(longest)
        };
        let times = self.doubled.load(Relaxed);
        if verdict == Verdict::BackOff && doubled(times) < longest {
            self.doubled.store(times + 1, Relaxed);
        }
        doubled(times)
    }

    async fn attempt(
        &self,
        draft: Draft,
        latest: Option<Instant>,
    ) -> Result<Response, (HttpError, Verdict)> {
        let _under_way = UnderWay::new(&self.under_way);
        let (method, url) = (draft.method.clone(), draft.url.clone());
        let failed = |text: String, status: Option<StatusCode>| HttpError {
            is_late: text.ends_with(TOO_LATE),
            text: format!("{}: {text}", shown(&url)),
            status: status.map(|s| s.as_u16()),
        };
        let sent = in_time(latest, self.transmit(draft)).await;
        let mut response = match sent.unwrap_or_else(|| Err(anyhow!(TOO_LATE))) {
            Ok(response) => response,
            Err(error) => {
                let text = explain(&method, &url, self.proxy.as_ref(), &error).await;
                return Err((failed(text, None), Verdict::Retry));
            }
        };
        let verdict = self.judge(response.status().as_u16());
        if verdict == Verdict::Good {
            return Ok(response);
        }
        let body = in_time(latest, read_body(&mut response)).await;
        Err(match body.unwrap_or_else(|| Err(anyhow!(BODY_TOO_LATE))) {
            Ok(body) => (
                failed(unexpected(&response, &body), Some(response.status())),
                verdict,
            ),
            Err(error) => (failed(format!("{error:#}"), None), verdict),
        })
    }

    /// Sends a request once, authenticated.
    async fn transmit(&self, draft: Draft) -> anyhow::Result<Response> {
        self.log(&draft);
        let client = match draft.takes_gzip() {
            true => &self.client,
            false => &self.plain,
        };
        self.authenticator.send(client, draft).await
    }

    fn log(&self, draft: &Draft) {
        let (method, url, bytes) = (&draft.method, shown(&draft.url), draft.body.len());
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

    fn judge(&self, code: u16) -> Verdict {
        let config = &self.config;
        if config.drop_on.contains(&code) {
            Verdict::GiveUp
        } else if config.backoff_on.contains(&code) {
            Verdict::BackOff
        } else if config.successful_on.contains(&code)
            || (200..300).contains(&code)
            || !config.follow_redirects && (300..400).contains(&code)
        {
            Verdict::Good
        } else {
            Verdict::Retry
        }
    }

    async fn wait_for_turn(&self, bytes: usize) -> anyhow::Result<()> {
        let Some(limit) = &self.rate_limit else {
            return Ok(());
        };
        while let Some(wait) = limit.access(bytes).await? {
            sleep(wait.max(Duration::from_millis(1))).await;
        }
        Ok(())
    }
}

/// What opens connections.
fn connector(
    config: &HttpConfig,
    mut tls: rustls::ClientConfig,
    proxy: Option<&Url>,
) -> anyhow::Result<reqwest::ClientBuilder> {
    let transport = &config.transport;
    let speaks_http2 = transport.force_http2 && !config.disable_http2;
    tls.alpn_protocols = match speaks_http2 {
        true => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        false => vec![b"http/1.1".to_vec()],
    };
    let redirects = Policy::custom(|attempt| match attempt.previous().len() < REDIRECTS {
        true => attempt.follow(),
        false => attempt.error("too many redirects"),
    });
    let mut client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(transport.dial_context.timeout + transport.tls_handshake_timeout)
        .tcp_keepalive(transport.dial_context.keep_alive)
        .pool_idle_timeout(transport.idle_connection_timeout)
        .pool_max_idle_per_host(match transport.max_idle_connections {
            0 => usize::MAX,
            n => n,
        })
        .http1_title_case_headers()
        .redirect(match config.follow_redirects {
            true => redirects,
            false => Policy::none(),
        })
        .user_agent(concat!("airtruct/", env!("CARGO_PKG_VERSION")));
    if !speaks_http2 {
        client = client.http1_only();
    }
    if let Some(url) = proxy {
        let proxy = reqwest::Proxy::all(url.clone());
        client = client.proxy(proxy.with_context(|| format!("proxy_url {}", shown(url)))?);
    }
    Ok(client)
}

/// What comes of a future, unless that takes too long.
async fn in_time<T>(latest: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match latest {
        Some(latest) => timeout_at(latest, future).await.ok(),
        None => Some(future.await),
    }
}

/// The message with an answer's content, and its metadata added.
fn replace(original: &Message, answer: Message) -> Message {
    let mut message = original.clone();
    message.set_bytes(answer.bytes().clone());
    for (key, value) in answer.metadata().iter() {
        message.metadata_mut().set(key.clone(), value.clone());
    }
    message
}
