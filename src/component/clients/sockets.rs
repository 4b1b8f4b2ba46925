//! Connections over TCP, Unix sockets and UDP.

use anyhow::Context as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UdpSocket, UnixStream},
};

/// A connection that bytes flow over in both directions.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

crate::choice! {
    /// How to connect.
    pub enum Network {
        Unix = "unix",
        Tcp = "tcp",
    }
}

/// Connects to an address: `host:port`, or a path.
pub(crate) async fn connect(network: Network, address: &str) -> anyhow::Result<Box<dyn Stream>> {
    let stream: std::io::Result<Box<dyn Stream>> = match network {
        Network::Tcp => TcpStream::connect(address).await.map(|s| Box::new(s) as _),
        Network::Unix => UnixStream::connect(address).await.map(|s| Box::new(s) as _),
    };
    stream.with_context(|| format!("connect to {address}"))
}

/// A socket for datagrams to an address.
pub(crate) async fn datagrams(address: &str) -> anyhow::Result<UdpSocket> {
    let target = tokio::net::lookup_host(address)
        .await
        .with_context(|| format!("look {address} up"))?
        .next()
        .with_context(|| format!("{address} has no address"))?;
    let local = if target.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(local).await?;
    socket.connect(target).await?;
    Ok(socket)
}
