//! `socket_server`: bytes of all connections that are made to it.

use super::scanned::{Cutter, READ};
use super::scanning::Scanning;
use crate::component::clients::{sockets::Stream, tls};
use crate::component::{Ack, BuildInput, Cache, Context, Input, ReadError, Reader, Run, Scanner};
use crate::message::Metadata;
use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use std::{net::SocketAddr, os::unix::fs::FileTypeExt, sync::Arc};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, UdpSocket, UnixListener},
    sync::{Semaphore, mpsc},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

crate::choice! {
    /// How clients connect.
    pub enum Network {
        Unix = "unix",
        Tcp = "tcp",
        Udp = "udp",
        Tls = "tls",
    }
}

crate::fields! {
    /// Where to listen.
    pub struct Config {
        ..scanning: Scanning,
        /// How clients connect.
        network: Network,
        /// The address: `host:port` (port 0 for any that is free), or a path for Unix sockets.
        address: String,
        /// The label of a cache that is told the address, under the key `socket_server_address`.
        address_cache: Option<String> [advanced],
        /// The certificate for `tls`.
        tls: Certificate = "{}",
        /// Whether messages that weren't delivered are sent again.
        auto_replay_nacks: bool = "true",
    }
}

crate::fields! {
    /// A certificate and its key.
    pub struct Certificate {
        /// A file with the certificate.
        cert_file: Option<String>,
        /// A file with its key.
        key_file: Option<String>,
        /// Not supported: a certificate that is made up.
        self_signed: bool = "false",
    }
}

crate::spec! {
    /// Listens, and reads what clients send. Of UDP each datagram is cut by itself.
    dyn BuildInput, "socket_server", Config
}

/// How many clients may be connected at a time.
const MAX_CLIENTS: usize = 10_000;

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        let acceptor = match self.network {
            Network::Tls => {
                ensure!(
                    !self.tls.self_signed,
                    "tls: self_signed isn't supported; give a cert_file and a key_file"
                );
                let (Some(cert), Some(key)) = (&self.tls.cert_file, &self.tls.key_file) else {
                    anyhow::bail!("network tls needs tls.cert_file and tls.key_file");
                };
                let mut config = (*tls::server(cert, key)?).clone();
                config.alpn_protocols.clear();
                Some(TlsAcceptor::from(Arc::new(config)))
            }
            _ => None,
        };
        let cache = self
            .address_cache
            .as_deref()
            .filter(|label| !label.is_empty());
        let (sender, receiver) = mpsc::channel(16);
        Ok(Input::Reader {
            reader: Box::new(Server {
                config: self.clone(),
                scanner: cx.scanner(&self.scanning.scanner)?,
                acceptor,
                cache: cache.map(|label| cx.cache(label)).transpose()?,
                sender,
                receiver,
                tasks: JoinSet::new(),
            }),
            auto_replay: self.auto_replay_nacks,
        })
    }
}

struct Server {
    config: Config,
    scanner: Arc<dyn Scanner>,
    acceptor: Option<TlsAcceptor>,
    cache: Option<Arc<dyn Cache>>,
    sender: mpsc::Sender<anyhow::Result<Run>>,
    receiver: mpsc::Receiver<anyhow::Result<Run>>,
    tasks: JoinSet<()>,
}

/// What each client's reading needs.
#[derive(Clone)]
struct Desk {
    scanner: Arc<dyn Scanner>,
    sender: mpsc::Sender<anyhow::Result<Run>>,
}

#[async_trait]
impl Reader for Server {
    async fn connect(&mut self) -> anyhow::Result<()> {
        if !self.tasks.is_empty() {
            return Ok(());
        }
        let desk = Desk {
            scanner: self.scanner.clone(),
            sender: self.sender.clone(),
        };
        let address = &self.config.address;
        let place = || format!("listen on {address}");
        let bound = match self.config.network {
            Network::Tcp | Network::Tls => {
                let listener = TcpListener::bind(address).await.with_context(place)?;
                let bound = listener.local_addr()?.to_string();
                self.tasks
                    .spawn(accept_tcp(listener, self.acceptor.clone(), desk));
                bound
            }
            Network::Unix => {
                remove_stale(address);
                let listener = UnixListener::bind(address).with_context(place)?;
                self.tasks.spawn(accept_unix(listener, desk));
                address.clone()
            }
            Network::Udp => {
                let socket = UdpSocket::bind(address).await.with_context(place)?;
                let bound = socket.local_addr()?.to_string();
                self.tasks.spawn(datagrams(socket, desk));
                bound
            }
        };
        tracing::info!(address = %bound, "a socket server listens");
        if let Some(cache) = &self.cache {
            let set = cache.set("socket_server_address", Bytes::from(bound), None);
            set.await.context("tell the cache the address")?;
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Run, ReadError> {
        match self.receiver.recv().await {
            Some(Ok(run)) => Ok(run),
            Some(Err(error)) => Err(ReadError::Failed(error)),
            None => Err(ReadError::End),
        }
    }

    async fn close(&mut self) {
        let listened = !self.tasks.is_empty();
        self.tasks.shutdown().await;
        if listened && self.config.network == Network::Unix {
            // Somebody else may have removed it.
            let _ = std::fs::remove_file(&self.config.address);
        }
    }
}

/// Removes a socket that an earlier process left behind. Anything else at the path stays, and so does a socket in use.
fn remove_stale(path: &str) {
    let there = std::fs::symlink_metadata(path);
    let is_socket = there.is_ok_and(|there| there.file_type().is_socket());
    let is_refused = || {
        std::os::unix::net::UnixStream::connect(path)
            .is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    };
    if is_socket && is_refused() {
        // If it can't be removed, listening fails and says why.
        let _ = std::fs::remove_file(path);
    }
}

async fn accept_tcp(listener: TcpListener, acceptor: Option<TlsAcceptor>, desk: Desk) {
    let (places, mut clients) = (Arc::new(Semaphore::new(MAX_CLIENTS)), JoinSet::new());
    loop {
        let place = places.clone().acquire_owned().await;
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                refused(&error).await;
                continue;
            }
        };
        while clients.try_join_next().is_some() {}
        let (acceptor, desk) = (acceptor.clone(), desk.clone());
        clients.spawn(async move {
            let _place = place;
            match acceptor {
                None => desk.read(stream).await,
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => desk.read(stream).await,
                    Err(error) => tracing::warn!(%error, "a client's TLS failed"),
                },
            }
        });
    }
}

async fn accept_unix(listener: UnixListener, desk: Desk) {
    let (places, mut clients) = (Arc::new(Semaphore::new(MAX_CLIENTS)), JoinSet::new());
    loop {
        let place = places.clone().acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                while clients.try_join_next().is_some() {}
                let desk = desk.clone();
                clients.spawn(async move {
                    let _place = place;
                    desk.read(stream).await;
                });
            }
            Err(error) => refused(&error).await,
        }
    }
}

/// A client couldn't be taken, mostly for want of file descriptors: waits for some to be free.
async fn refused(error: &std::io::Error) {
    tracing::error!(%error, "a client can't be accepted");
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}

async fn datagrams(socket: UdpSocket, desk: Desk) {
    let mut buffer = vec![0; 65_536];
    loop {
        let received: std::io::Result<(usize, SocketAddr)> = socket.recv_from(&mut buffer).await;
        match received {
            Ok((size, _)) => {
                let mut cutter = Cutter::new(desk.scanner.open(""), Metadata::default());
                let bytes = Bytes::copy_from_slice(&buffer[..size]);
                for cut in [cutter.push(bytes, Ack::none), cutter.finish(Ack::none)] {
                    if !desk.hand_on(cut).await {
                        break;
                    }
                }
            }
            Err(error) => refused(&error).await,
        }
    }
}

impl Desk {
    /// Reads a client to its end.
    async fn read(&self, mut stream: impl Stream) {
        let mut cutter = Cutter::new(self.scanner.open(""), Metadata::default());
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(READ);
            match stream.read_buf(&mut buffer).await {
                Ok(0) => break,
                Ok(_) => {
                    let cut = cutter.push(buffer.split().freeze(), Ack::none);
                    if !self.hand_on(cut).await {
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "a client's connection broke");
                    break;
                }
            }
        }
        self.hand_on(cutter.finish(Ack::none)).await;
    }

    /// Hands on what was cut; whether there is any use in going on.
    async fn hand_on(&self, cut: super::scanned::Cut) -> bool {
        if !cut.run.is_empty() && self.sender.send(Ok(cut.run)).await.is_err() {
            return false;
        }
        match cut.fault {
            None => true,
            Some(fault) => {
                // Nobody listens any more once the input is closed.
                let _ = self
                    .sender
                    .send(Err(fault.context("read from a client")))
                    .await;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_that_nobody_uses_is_removed() {
        let folder = std::env::temp_dir().join(format!("sockets-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).expect("a folder");
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        std::fs::write(path("file"), "precious").expect("written");
        let used = std::os::unix::net::UnixListener::bind(path("used")).expect("bound");
        drop(std::os::unix::net::UnixListener::bind(path("left")).expect("bound"));
        for (name, stays) in [("file", true), ("used", true), ("left", false)] {
            remove_stale(&path(name));
            assert_eq!(std::fs::exists(path(name)).expect("known"), stays, "{name}");
        }
        drop(used);
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
