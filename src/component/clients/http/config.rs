//! What every HTTP client can be told.

#![expect(
    dead_code,
    reason = "a few settings of the peers have no meaning here, and say so"
)]

use super::AuthConfig;
use crate::bloblang::Interpolated;
use crate::component::clients::{metadata_filter::MetadataFilterConfig, tls::TlsConfig};
use std::{collections::BTreeMap, time::Duration};

crate::choice! {
    /// A level to log at, or none.
    pub enum DumpLevel {
        Off = "",
        Trace = "TRACE",
        Debug = "DEBUG",
        Info = "INFO",
        Warn = "WARN",
        Error = "ERROR",
        Fatal = "FATAL",
    }
}

crate::fields! {
    /// How requests are made, and which answers count as good.
    pub struct HttpConfig {
        ..auth: AuthConfig,
        /// Headers of each request.
        headers: BTreeMap<String, Interpolated> = "{}",
        /// Which metadata of a message is sent as headers.
        metadata: MetadataFilterConfig = "{}",
        /// Logs each request (without its body and credentials) at this level.
        dump_request_log_level: DumpLevel = "''" [advanced],
        /// How the connection is encrypted; `https` URLs need nothing here.
        tls: TlsConfig = "{}",
        /// Which headers of an answer become metadata; their names are in lower case.
        extract_headers: MetadataFilterConfig = "{}",
        /// The label of a rate limit that requests wait for.
        rate_limit: Option<String>,
        /// How long a request may take.
        timeout: Duration = "5s",
        /// The pause before a request is tried again.
        retry_period: Duration = "1s",
        /// The longest pause, where pauses grow (see `backoff_on`).
        max_retry_backoff: Duration = "300s" [advanced],
        /// How often a request is tried again.
        retries: u32 = "3" [advanced],
        /// The status codes after which each pause is twice the one before.
        backoff_on: Vec<u16> = "[429]" [advanced],
        /// The status codes after which a request isn't tried again.
        drop_on: Vec<u16> = "[]" [advanced],
        /// The status codes that count as good, besides those from 200 to 299.
        successful_on: Vec<u16> = "[]" [advanced],
        /// Whether to ask where an answer says to, rather than to take such an answer as a good one.
        follow_redirects: bool = "true" [advanced],
        /// Whether to speak HTTP/1.1 only.
        disable_http2: bool = "false" [advanced],
        /// The proxy to go through; without one, the one that `HTTP_PROXY` and `HTTPS_PROXY` name.
        proxy_url: Option<String> [advanced],
        /// Details of the connections.
        transport: Transport = "{}" [advanced],
    }
}

crate::fields! {
    /// Details of the connections.
    pub struct Transport {
        /// How connections are opened.
        dial_context: DialContext = "{}",
        /// Whether to speak HTTP/2 to servers that do.
        force_http2: bool = "true",
        /// How many idle connections are kept for a host; 0 for no limit.
        max_idle_connections: usize = "100",
        /// How long an idle connection is kept.
        idle_connection_timeout: Duration = "90s",
        /// How long agreeing on TLS may take; it is part of the time that opening a connection may take.
        tls_handshake_timeout: Duration = "10s",
        /// Without effect: no request waits for the server's consent to send its body.
        expect_continue_timeout: Duration = "1s",
    }
}

crate::fields! {
    /// How connections are opened.
    pub struct DialContext {
        /// How long opening one may take.
        timeout: Duration = "30s",
        /// The pause between signs of life on an idle connection.
        keep_alive: Duration = "30s",
    }
}
