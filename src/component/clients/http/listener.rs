//! A server of a component's own, for those with an address of their own.

use super::CorsConfig;
use crate::component::{HttpMux, clients::tls};
use anyhow::{Context as _, ensure};
use axum::{body::Body, handler::HandlerWithoutStateExt, http::Request};
use axum_server::{Handle, tls_rustls::RustlsConfig};
use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

/// Where to listen, and how.
pub(crate) struct Listener {
    pub address: String,
    pub cert_file: String,
    pub key_file: String,
    pub cors: CorsConfig,
}

/// Keeps a server up.
pub(crate) struct Listening {
    handle: Handle<SocketAddr>,
    /// Where it listens; the port is the one that was chosen, if none was given.
    pub address: SocketAddr,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.handle
            .graceful_shutdown(Some(std::time::Duration::from_secs(1)));
    }
}

impl Listener {
    /// Checks what can be checked without listening.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.cert_file.is_empty() == self.key_file.is_empty(),
            "TLS needs both a cert_file and a key_file"
        );
        self.cors.check()
    }

    /// Starts to answer requests by the routes of `mux`.
    pub fn listen(&self, mux: HttpMux) -> anyhow::Result<Listening> {
        // Go's notation for any address: `:4195`.
        let address = match self.address.strip_prefix(':') {
            Some(port) => format!("0.0.0.0:{port}"),
            None => self.address.clone(),
        };
        let listener =
            TcpListener::bind(&address).with_context(|| format!("listen on {}", self.address))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new((self.cors.clone(), mux));
        let answer = async move |request: Request<Body>| {
            let (cors, mux) = &*shared;
            let headers = match cors.judge(&request) {
                Ok(headers) => headers,
                Err(answer) => return *answer,
            };
            let mut response = mux.call(request).await;
            response.headers_mut().extend(headers);
            response
        };
        let service = answer.into_make_service_with_connect_info::<SocketAddr>();
        let handle = Handle::new();
        let served = handle.clone();
        let report = move |result: std::io::Result<()>| {
            if let Err(error) = result {
                tracing::error!(%address, %error, "an HTTP server ended");
            }
        };
        if self.cert_file.is_empty() {
            let server = axum_server::from_tcp(listener)?.handle(served);
            tokio::spawn(async move { report(server.serve(service).await) });
        } else {
            let config = RustlsConfig::from_config(tls::server(&self.cert_file, &self.key_file)?);
            let server = axum_server::from_tcp_rustls(listener, config)?.handle(served);
            tokio::spawn(async move { report(server.serve(service).await) });
        }
        Ok(Listening { handle, address })
    }
}
