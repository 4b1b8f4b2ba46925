//! Finds the coordinator and holds a session with it, for ever: connect, register, talk, and again.
//!
//! What is learned goes to the loop as events; the loop decides what it means.

use std::{io::ErrorKind, time::Duration};

use futures::channel::mpsc::{self as up_channel};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::mpsc, time};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

use super::agent::Event;
use crate::{
    cluster::Time,
    engine::boottime_ms,
    proto::{self, Hello, Terms, Up, coordinator_client::CoordinatorClient, welcome::Outcome},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const REGISTER_TIMEOUT: Duration = Duration::from_secs(3);

/// Between two rounds of attempts: short enough that a lease is renewed several times by refusals.
const MIN_PAUSE_MS: u64 = 20;
const MAX_PAUSE_MS: u64 = 500;

/// Messages that may wait for the coordinator to read them.
const UP_CAPACITY: usize = 16;

pub(super) type UpSender = up_channel::Sender<Up>;

pub(super) struct Dialer {
    pub(super) hello: Hello,
    pub(super) discovery: Vec<String>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) stop: CancellationToken,
}

/// How an attempt went.
enum Attempt {
    /// Nobody listens there.
    Refused,
    /// It led to nothing, for this reason.
    Failed(String),
    /// Another one leads.
    Redirected(Option<String>),
    /// There was a session.
    Ended,
    /// The worker must exit.
    Exit(String),
}

impl Dialer {
    pub(super) async fn run(self) {
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.dial() => {}
        }
    }

    async fn dial(&self) {
        let mut hint: Option<String> = None;
        let mut pause_ms = MIN_PAUSE_MS;
        let mut last_error = String::new();
        loop {
            let attempted = Time(boottime_ms());
            let mut refused = 0;
            let hinted = hint.take();
            let targets: Vec<&String> = hinted.iter().chain(&self.discovery).collect();
            for target in &targets {
                match self.attempt(target).await {
                    Attempt::Refused => {
                        refused += 1;
                        report(&mut last_error, format!("{target} refuses connections"));
                    }
                    Attempt::Failed(error) => report(&mut last_error, format!("{target}: {error}")),
                    Attempt::Redirected(leader) => {
                        let new = leader.filter(|leader| leader != *target);
                        if new.is_some() && hinted.is_none() {
                            hint = new;
                            break;
                        }
                    }
                    Attempt::Ended => {
                        last_error.clear();
                        pause_ms = MIN_PAUSE_MS;
                        break;
                    }
                    Attempt::Exit(reason) => {
                        let _ = self.events.send(Event::Exit(reason)).await;
                        return;
                    }
                }
            }
            if refused == targets.len() {
                let learned = Time(boottime_ms());
                let _ = self
                    .events
                    .send(Event::Refused { attempted, learned })
                    .await;
            }
            if hint.is_none() {
                // Between half and all of it, so that workers don't come in step.
                let jitter = rand::random_range(pause_ms / 2..=pause_ms);
                time::sleep(Duration::from_millis(jitter)).await;
                pause_ms = (pause_ms * 2).min(MAX_PAUSE_MS);
            }
        }
    }

    /// One attempt at a coordinator: a whole session, if it comes to one.
    async fn attempt(&self, target: &str) -> Attempt {
        let stream = match connect(target).await {
            Ok(stream) => stream,
            Err(attempt) => return attempt,
        };
        let mut client = match client(target, stream).await {
            Ok(client) => client,
            Err(error) => return Attempt::Failed(error),
        };
        let registered = time::timeout(REGISTER_TIMEOUT, client.register(self.hello.clone())).await;
        let outcome = match registered {
            Ok(Ok(welcome)) => welcome.into_inner().outcome,
            Ok(Err(status)) => return Attempt::Failed(status.message().to_owned()),
            Err(_) => return Attempt::Failed("it does not answer".to_owned()),
        };
        match outcome {
            Some(Outcome::Terms(terms)) => self.session(client, target, terms).await,
            Some(Outcome::Exit(reason)) => Attempt::Exit(reason),
            Some(Outcome::Redirect(redirect)) => Attempt::Redirected(redirect.leader),
            None => Attempt::Failed("its answer says nothing".to_owned()),
        }
    }

    async fn session(
        &self,
        mut client: CoordinatorClient<Channel>,
        target: &str,
        terms: Terms,
    ) -> Attempt {
        let (ups, up_stream) = up_channel::channel(UP_CAPACITY);
        let opened = time::timeout(REGISTER_TIMEOUT, client.session(up_stream)).await;
        let mut downs = match opened {
            Ok(Ok(response)) => response.into_inner(),
            Ok(Err(status)) => return Attempt::Failed(status.message().to_owned()),
            Err(_) => return Attempt::Failed("it opens no session".to_owned()),
        };
        let cancel = CancellationToken::new();
        let begun = Event::Connected {
            coordinator: target.to_owned(),
            terms,
            ups,
            cancel: cancel.clone(),
        };
        if self.events.send(begun).await.is_err() {
            return Attempt::Ended;
        }
        let mut redirected = None;
        loop {
            let down = tokio::select! {
                () = cancel.cancelled() => break,
                down = downs.message() => down,
            };
            match down {
                Ok(Some(mut down)) => {
                    if let Some(proto::down::Order::Redirect(redirect)) = &mut down.order {
                        redirected = Some(redirect.leader.take());
                        break;
                    }
                    if self.events.send(Event::Down(Box::new(down))).await.is_err() {
                        break;
                    }
                }
                Ok(None) | Err(_) => break,
            }
        }
        let _ = self.events.send(Event::Broke).await;
        redirected.map_or(Attempt::Ended, Attempt::Redirected)
    }
}

/// Connects to the first address of a name that lets it. Refused only if all of them refuse.
async fn connect(target: &str) -> Result<TcpStream, Attempt> {
    let addresses = match time::timeout(CONNECT_TIMEOUT, tokio::net::lookup_host(target)).await {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(error)) => return Err(Attempt::Failed(error.to_string())),
        Err(_) => return Err(Attempt::Failed("its name is not resolved".to_owned())),
    };
    let mut failure = None;
    let mut count = 0;
    for address in addresses {
        count += 1;
        match time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {}
            Ok(Err(error)) => failure = Some(error.to_string()),
            Err(_) => failure = Some("no connection in time".to_owned()),
        }
    }
    Err(match failure {
        Some(failure) => Attempt::Failed(failure),
        None if count == 0 => Attempt::Failed("its name has no address".to_owned()),
        None => Attempt::Refused,
    })
}

/// A client over a connection that stands. There is no second one: when it breaks, the session is over.
async fn client(target: &str, stream: TcpStream) -> Result<CoordinatorClient<Channel>, String> {
    let mut only = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_: axum::http::Uri| {
        let stream = only.take();
        async move { stream.ok_or_else(|| std::io::Error::from(ErrorKind::NotConnected)) }
    });
    let endpoint = Endpoint::from_shared(format!("http://{target}"))
        .map_err(|error| format!("it is no address: {error}"))?
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5));
    let channel = endpoint.connect_with_connector(connector).await;
    let channel = channel.map_err(|error| error.to_string())?;
    Ok(CoordinatorClient::new(channel)
        .max_decoding_message_size(proto::MAX_MESSAGE_BYTES)
        .max_encoding_message_size(proto::MAX_MESSAGE_BYTES))
}

/// Logs a failure once, however often it comes again.
fn report(last: &mut String, error: String) {
    if *last != error {
        tracing::warn!("no coordinator yet, trying on: {error}");
        *last = error;
    }
}
