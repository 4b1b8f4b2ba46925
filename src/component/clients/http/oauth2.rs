//! OAuth 2: tokens for a client's own credentials, or for a token that says who may have more of them.

use super::reply::{read_body, said};
use crate::config::Secret;
use crate::formats::{go_quote::quote, url::parse_query};
use anyhow::{Context as _, anyhow, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use reqwest::{
    Client,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    time::{Duration, Instant},
};
use url::form_urlencoded;

crate::fields! {
    /// OAuth 2, client credentials.
    pub struct Oauth2Config {
        /// Whether to use it.
        enabled: bool = "false",
        /// Names the client.
        client_key: String = "''",
        /// The client's secret.
        client_secret: Secret = "''",
        /// Where tokens are fetched.
        token_url: String = "''",
        /// What the token is to allow.
        scopes: Vec<String> = "[]",
        /// More parameters for the request of a token.
        endpoint_params: BTreeMap<String, OneOrSeveral> = "{}",
    }
}

/// A parameter's value, or several.
type OneOrSeveral = crate::config::OneOrMany<String>;

/// A token is fetched anew this long before it ends.
const EARLY: Duration = Duration::from_secs(10);

/// Fetches tokens, and keeps them while they are good.
pub(crate) struct Tokens {
    config: Oauth2Config,
    client: Client,
    kept: Mutex<Kept>,
}

/// What the answers so far said.
#[derive(Default)]
struct Kept {
    token: Option<Token>,
    /// What new tokens are given for, if an answer told it.
    refresh: Option<String>,
    /// How the server takes credentials, once it took them.
    style: Option<Style>,
}

struct Token {
    header: String,
    /// None for a token that doesn't end.
    until: Option<Instant>,
}

/// Where a server looks for the client's credentials.
#[derive(Clone, Copy)]
enum Style {
    Header,
    Form,
}

type Form = BTreeMap<String, Vec<String>>;

impl Tokens {
    pub fn new(config: &Oauth2Config, client: Client) -> anyhow::Result<Tokens> {
        ensure!(!config.token_url.is_empty(), "oauth2 needs a token_url");
        for name in config.endpoint_params.keys() {
            let is_own = name == "scope" && !config.scopes.is_empty();
            ensure!(
                !is_own,
                "oauth2: cannot overwrite parameter {}",
                quote(name)
            );
        }
        Ok(Tokens {
            config: config.clone(),
            client,
            kept: Mutex::default(),
        })
    }

    /// The header that shows a token which is still good.
    pub async fn header(&self) -> anyhow::Result<String> {
        let style = {
            let kept = self.kept.lock();
            let token = kept.token.as_ref();
            if let Some(token) = token.filter(|t| t.until.is_none_or(|u| u > Instant::now())) {
                return Ok(token.header.clone());
            }
            kept.style
        };
        // What isn't known is found out: a server that refuses the one may take the other.
        let (answer, style) = match style {
            Some(style) => (self.fetch(style).await?, style),
            None => match self.fetch(Style::Header).await {
                Ok(answer) => (answer, Style::Header),
                Err(_) => (self.fetch(Style::Form).await?, Style::Form),
            },
        };
        let token = self.keep(answer, style);
        Ok(token)
    }

    /// Fetches a new token next time.
    pub fn forget(&self) {
        self.kept.lock().token = None;
    }

    fn keep(&self, answer: Answer, style: Style) -> String {
        let mut kept = self.kept.lock();
        kept.style = Some(style);
        if answer.refresh.is_some() {
            kept.refresh = answer.refresh;
        }
        let lives = answer.lives.map(|lives| lives.saturating_sub(EARLY));
        kept.token = Some(Token {
            header: answer.header.clone(),
            // What lives longer than can be counted doesn't end.
            until: lives.and_then(|lives| Instant::now().checked_add(lives)),
        });
        answer.header
    }

    /// What is asked for.
    fn form(&self) -> Form {
        let config = &self.config;
        let given = |name: &str| {
            let values = config.endpoint_params.get(name)?;
            values.0.first().cloned()
        };
        let one = |name: &str, value: String| (name.to_owned(), vec![value]);
        if given("grant_type").as_deref() == Some("refresh_token") {
            let refresh = self.kept.lock().refresh.clone();
            let refresh = refresh.or_else(|| given("refresh_token"));
            return Form::from([
                one("grant_type", "refresh_token".to_owned()),
                one("refresh_token", refresh.unwrap_or_default()),
            ]);
        }
        let mut form = Form::from([one("grant_type", "client_credentials".to_owned())]);
        if !config.scopes.is_empty() {
            form.extend([one("scope", config.scopes.join(" "))]);
        }
        let params = config.endpoint_params.iter();
        form.extend(params.map(|(name, values)| (name.clone(), values.0.clone())));
        form
    }

    async fn fetch(&self, style: Style) -> anyhow::Result<Answer> {
        let (id, secret) = (&self.config.client_key, &self.config.client_secret.0);
        let mut form = self.form();
        let mut request = self.client.post(&self.config.token_url);
        match style {
            Style::Header => {
                let escape = |text: &str| {
                    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
                };
                let pair = STANDARD.encode(format!("{}:{}", escape(id), escape(secret)));
                request = request.header(AUTHORIZATION, format!("Basic {pair}"));
            }
            Style::Form => {
                form.insert("client_id".to_owned(), vec![id.clone()]);
                if !secret.is_empty() {
                    form.insert("client_secret".to_owned(), vec![secret.clone()]);
                }
            }
        }
        let pairs = form
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |v| (name, v)));
        let pairs: Vec<_> = pairs.collect();
        let mut response = request
            .form(&pairs)
            .send()
            .await
            .context("oauth2: fetch a token")?;
        let status = response.status();
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind
            .and_then(|k| k.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let body = read_body(&mut response)
            .await
            .context("oauth2: cannot fetch token")?;
        let fields = fields(&kind, &body);
        let text = |name: &str| {
            let value = fields.as_ref().ok()?.get(name)?;
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            (!text.is_empty()).then_some(text)
        };
        if let Some(code) = text("error") {
            let said = [Some(code), text("error_description"), text("error_uri")];
            let said: Vec<String> = said.iter().flatten().map(|s| quote(s)).collect();
            return Err(anyhow!("oauth2: {}", said.join(" ")));
        }
        ensure!(
            status.is_success(),
            "oauth2: cannot fetch token: {} {}\nResponse: {}",
            status.as_u16(),
            status.canonical_reason().unwrap_or_default(),
            said(&body)
        );
        if let Err(why) = &fields {
            return Err(anyhow!("{why}"));
        }
        let token = text("access_token").context("oauth2: server response missing access_token")?;
        let kind = text("token_type");
        let kind = match kind.as_deref() {
            None => Cow::from("Bearer"),
            Some(kind) if kind.eq_ignore_ascii_case("bearer") => "Bearer".into(),
            Some(kind) if kind.eq_ignore_ascii_case("mac") => "MAC".into(),
            Some(kind) if kind.eq_ignore_ascii_case("basic") => "Basic".into(),
            Some(kind) => kind.to_owned().into(),
        };
        let lives = text("expires_in").and_then(|lives| lives.parse().ok());
        Ok(Answer {
            header: format!("{kind} {token}"),
            lives: lives.filter(|l| *l > 0).map(Duration::from_secs),
            refresh: text("refresh_token"),
        })
    }
}

/// A server's answer.
struct Answer {
    header: String,
    lives: Option<Duration>,
    refresh: Option<String>,
}

/// What an answer says: JSON, unless it says that it is a form.
fn fields(kind: &str, body: &[u8]) -> Result<serde_json::Map<String, Value>, String> {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if matches!(kind, "application/x-www-form-urlencoded" | "text/plain") {
        let pairs = parse_query(&String::from_utf8_lossy(body));
        let pairs = pairs.map_err(|e| format!("oauth2: cannot parse response: {e}"))?;
        let first = |(name, values): (String, Vec<String>)| (name, Value::from(values[0].clone()));
        return Ok(pairs.into_iter().map(first).collect());
    }
    serde_json::from_slice(body).map_err(|e| format!("oauth2: cannot parse json: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_token_may_live_for_ever() {
        // As the program does when it starts; another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = Oauth2Config {
            enabled: true,
            client_key: String::new(),
            client_secret: Secret(String::new()),
            token_url: "http://localhost".to_owned(),
            scopes: Vec::new(),
            endpoint_params: BTreeMap::new(),
        };
        let tokens = Tokens::new(&config, Client::new()).expect("a config");
        let answer = Answer {
            header: "Bearer x".to_owned(),
            lives: Some(Duration::MAX),
            refresh: None,
        };
        tokens.keep(answer, Style::Header);
        assert_eq!(tokens.header().await.expect("it is kept"), "Bearer x");
    }
}
