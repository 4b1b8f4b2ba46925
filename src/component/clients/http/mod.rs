//! HTTP: a client with retries and authentication, and what servers share.

mod auth;
mod client;
mod config;
mod cors;
mod digest;
mod draft;
mod headers;
mod listener;
mod multipart;
mod oauth1;
mod oauth2;
mod reply;
mod unsent;

pub(crate) use auth::{AuthConfig, Authenticator};
pub(crate) use client::{HttpClient, HttpError};
pub(crate) use config::HttpConfig;
pub(crate) use cors::CorsConfig;
pub(crate) use draft::{Content, Draft, PartConfig};
pub(crate) use headers::{canonical, client_address, plain_error, user_text};
pub(crate) use listener::{Listener, Listening};
pub(crate) use multipart::{media, new_boundary, parse_parts, write_part, write_parts_end};
pub(crate) use reply::Reply;
pub(crate) use unsent::cut_off;
