//! A client's side of websockets.

use super::http::{AuthConfig, Authenticator, Draft};
use super::tls::TlsConfig;
use crate::bloblang::Interpolated;
use crate::message::Message;
use anyhow::{Context as _, ensure};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use std::{collections::BTreeMap, sync::Arc};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::client::IntoClientRequest,
};

/// A websocket that is open.
pub(crate) type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

crate::fields! {
    /// Where to connect, and how.
    pub struct WebsocketConfig {
        ..auth: AuthConfig,
        /// The URL: `ws://…` or `wss://…`.
        url: String,
        /// Not supported yet: the proxy to go through.
        proxy_url: Option<String> [advanced],
        /// Headers of the request that opens the connection.
        headers: BTreeMap<String, Interpolated> = "{}" [advanced],
        /// How the connection is encrypted; `wss` URLs need nothing here.
        tls: TlsConfig = "{}",
    }
}

/// Opens websockets.
pub(crate) struct Opener {
    url: String,
    headers: Vec<(HeaderName, Interpolated)>,
    tls: Arc<rustls::ClientConfig>,
    authenticator: Authenticator,
}

impl WebsocketConfig {
    pub fn opener(&self) -> anyhow::Result<Opener> {
        ensure!(
            self.proxy_url.as_deref().unwrap_or_default().is_empty(),
            "proxy_url isn't supported for websockets"
        );
        let name = |(key, value): (&String, &Interpolated)| {
            let name = HeaderName::try_from(key.as_str());
            let name = name.with_context(|| format!("headers: {key} can't be a header's name"))?;
            anyhow::Ok((name, value.clone()))
        };
        let tls = self.tls.client()?;
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls.clone());
        Ok(Opener {
            url: self.url.clone(),
            headers: self
                .headers
                .iter()
                .map(name)
                .collect::<anyhow::Result<_>>()?,
            tls: Arc::new(tls),
            authenticator: self.auth.build(client.build()?)?,
        })
    }
}

impl Opener {
    pub async fn open(&self) -> anyhow::Result<Socket> {
        let mut request = self.url.as_str().into_client_request();
        let request = request
            .as_mut()
            .map_err(|e| anyhow::anyhow!("url {}: {e}", self.url))?;
        let nothing = [Message::new("")];
        for (name, value) in &self.headers {
            let text = value
                .text(&nothing, 0)
                .with_context(|| format!("header {name}"))?;
            let value = HeaderValue::try_from(&*text).with_context(|| format!("header {name}"))?;
            request.headers_mut().insert(name.clone(), value);
        }
        let draft = Draft {
            method: reqwest::Method::GET,
            url: reqwest::Url::parse(&self.url).with_context(|| format!("url {}", self.url))?,
            headers: HeaderMap::new(),
            body: Default::default(),
        };
        if let Some(value) = self.authenticator.header(&draft)? {
            request
                .headers_mut()
                .insert(AUTHORIZATION, HeaderValue::try_from(value)?);
        }
        let connector = Connector::Rustls(self.tls.clone());
        let opened =
            connect_async_tls_with_config(request.clone(), None, false, Some(connector)).await;
        let (socket, _) = opened.with_context(|| format!("connect to {}", self.url))?;
        Ok(socket)
    }
}
