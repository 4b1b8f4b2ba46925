//! How a client says who it is.

use super::Draft;
use super::{digest, oauth1};
use crate::config::{Field, Linter, Node, Secret};
use anyhow::{Context as _, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use reqwest::{Client, Response, StatusCode, header};
use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

crate::fields! {
    /// How the client says who it is.
    pub struct AuthConfig {
        /// OAuth 1: requests are signed.
        oauth: Oauth1Config = "{}" [advanced],
        /// OAuth 2 with a client's own credentials: a token is fetched.
        oauth2: Oauth2Config = "{}" [advanced],
        /// A name and a password.
        basic_auth: BasicConfig = "{}" [advanced],
        /// A token that is signed here.
        jwt: JwtConfig = "{}" [advanced],
        /// A name and a password, without sending the password.
        digest_auth: BasicConfig = "{}" [advanced],
        /// Kerberos or NTLM; not supported yet.
        negotiate: Negotiate = "{}" [advanced],
    }
}

crate::fields! {
    /// OAuth 1.
    pub struct Oauth1Config {
        /// Whether to use it.
        enabled: bool = "false",
        /// Names the client.
        consumer_key: String = "''",
        /// The client's secret.
        consumer_secret: Secret = "''",
        /// Names the user who gave access.
        access_token: String = "''",
        /// The secret of the access.
        access_token_secret: Secret = "''",
    }
}

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

crate::fields! {
    /// A name and a password.
    pub struct BasicConfig {
        /// Whether to use it.
        enabled: bool = "false",
        /// The name.
        username: String = "''",
        /// The password.
        password: Secret = "''",
    }
}

crate::fields! {
    /// A token that is signed with a key.
    pub struct JwtConfig {
        /// Whether to use it.
        enabled: bool = "false",
        /// A file with the key, in PEM.
        private_key_file: String = "''",
        /// How it is signed: RS256, RS384, RS512 or EdDSA.
        signing_method: String = "''",
        /// What the token says.
        claims: BTreeMap<String, Json> = "{}",
        /// More headers for the token.
        headers: BTreeMap<String, Json> = "{}",
    }
}

/// Kerberos or NTLM, whose other settings aren't looked at.
#[derive(Clone, Debug)]
pub struct Negotiate {
    enabled: bool,
}

impl Field for Negotiate {
    fn shape() -> crate::config::Shape {
        crate::config::Shape::Any
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Negotiate> {
        let enabled = match node.get("enabled") {
            Some(enabled) => bool::read(enabled, linter)?,
            None => false,
        };
        Some(Negotiate { enabled })
    }
}

/// Any value of a config.
#[derive(Clone, Debug)]
pub struct Json(serde_json::Value);

impl Field for Json {
    fn shape() -> crate::config::Shape {
        crate::config::Shape::Any
    }

    fn read(node: &Node, _: &mut Linter<'_>) -> Option<Json> {
        Some(Json(node.to_json()))
    }
}

/// Sends requests with what shows who the client is.
pub(crate) enum Authenticator {
    None,
    Basic(BasicConfig),
    Digest(BasicConfig),
    Oauth1(Oauth1Config),
    Oauth2(Box<Oauth2Config>, Client, Mutex<Option<Token>>),
    Jwt(Box<Signer>),
}

/// A token that was fetched.
pub(crate) struct Token {
    header: String,
    until: Instant,
}

pub(crate) struct Signer {
    key: jsonwebtoken::EncodingKey,
    header: jsonwebtoken::Header,
    claims: serde_json::Value,
}

impl AuthConfig {
    pub fn build(&self, client: Client) -> anyhow::Result<Authenticator> {
        ensure!(
            !self.negotiate.enabled,
            "negotiate isn't supported; use basic_auth, digest_auth, oauth2 or jwt"
        );
        let mut chosen = Vec::new();
        if self.basic_auth.enabled {
            chosen.push(Authenticator::Basic(self.basic_auth.clone()));
        }
        if self.digest_auth.enabled {
            chosen.push(Authenticator::Digest(self.digest_auth.clone()));
        }
        if self.oauth.enabled {
            chosen.push(Authenticator::Oauth1(self.oauth.clone()));
        }
        if self.oauth2.enabled {
            ensure!(
                !self.oauth2.token_url.is_empty(),
                "oauth2 needs a token_url"
            );
            let config = Box::new(self.oauth2.clone());
            chosen.push(Authenticator::Oauth2(config, client, Mutex::default()));
        }
        if self.jwt.enabled {
            chosen.push(Authenticator::Jwt(Box::new(self.jwt.signer()?)));
        }
        ensure!(
            chosen.len() <= 1,
            "enable only one of basic_auth, digest_auth, oauth, oauth2 and jwt"
        );
        Ok(chosen.pop().unwrap_or(Authenticator::None))
    }
}

impl JwtConfig {
    fn signer(&self) -> anyhow::Result<Signer> {
        use jsonwebtoken::{Algorithm, EncodingKey, Header};
        let file = &self.private_key_file;
        let pem = fs::read(file).with_context(|| format!("jwt: read private_key_file {file}"))?;
        let (algorithm, key) = match self.signing_method.as_str() {
            "RS256" => (Algorithm::RS256, EncodingKey::from_rsa_pem(&pem)),
            "RS384" => (Algorithm::RS384, EncodingKey::from_rsa_pem(&pem)),
            "RS512" => (Algorithm::RS512, EncodingKey::from_rsa_pem(&pem)),
            "EdDSA" => (Algorithm::EdDSA, EncodingKey::from_ed_pem(&pem)),
            other => bail!("jwt: signing_method {other} isn't one of RS256, RS384, RS512, EdDSA"),
        };
        let mut header = Header::new(algorithm);
        for (name, Json(value)) in &self.headers {
            match (name.as_str(), value.as_str()) {
                ("kid", Some(text)) => header.kid = Some(text.to_owned()),
                ("typ", Some(text)) => header.typ = Some(text.to_owned()),
                ("cty", Some(text)) => header.cty = Some(text.to_owned()),
                _ => bail!("jwt: headers: {name} isn't supported; kid, typ and cty are"),
            }
        }
        let claims = self
            .claims
            .iter()
            .map(|(k, Json(v))| (k.clone(), v.clone()));
        Ok(Signer {
            key: key.context("jwt: the key can't be read")?,
            header,
            claims: serde_json::Value::Object(claims.collect()),
        })
    }
}

/// Signs a request with what the clock says and a number that is used once.
fn sign(config: &Oauth1Config, draft: &Draft) -> String {
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    oauth1::sign(config, draft, &nonce, now.unwrap_or_default().as_secs())
}

impl Signer {
    fn token(&self) -> anyhow::Result<String> {
        jsonwebtoken::encode(&self.header, &self.claims, &self.key).context("jwt: sign the token")
    }
}

impl Authenticator {
    /// The header that shows who the client is, where one can be made without asking the server first.
    pub fn header(&self, draft: &Draft) -> anyhow::Result<Option<String>> {
        Ok(match self {
            Authenticator::None => None,
            Authenticator::Basic(user) => {
                let pair = format!("{}:{}", user.username, user.password.0);
                Some(format!("Basic {}", STANDARD.encode(pair)))
            }
            Authenticator::Oauth1(config) => Some(sign(config, draft)),
            Authenticator::Jwt(signer) => Some(format!("Bearer {}", signer.token()?)),
            Authenticator::Digest(_) | Authenticator::Oauth2(..) => {
                bail!("digest_auth and oauth2 aren't supported here")
            }
        })
    }

    /// Sends a request once.
    pub async fn send(&self, client: &Client, draft: Draft) -> anyhow::Result<Response> {
        match self {
            Authenticator::None => Ok(request(client, draft).send().await?),
            Authenticator::Basic(user) => {
                let request = request(client, draft);
                let request = request.basic_auth(&user.username, Some(&user.password.0));
                Ok(request.send().await?)
            }
            Authenticator::Digest(user) => {
                let response = request(client, draft.clone()).send().await?;
                let challenge = response.headers().get(header::WWW_AUTHENTICATE);
                let challenge = challenge.and_then(|c| c.to_str().ok());
                let (StatusCode::UNAUTHORIZED, Some(challenge)) = (response.status(), challenge)
                else {
                    return Ok(response);
                };
                let answer = digest::answer(challenge, user, &draft)?;
                let request = request(client, draft).header(header::AUTHORIZATION, answer);
                Ok(request.send().await?)
            }
            Authenticator::Oauth1(config) => {
                let signed = sign(config, &draft);
                let request = request(client, draft).header(header::AUTHORIZATION, signed);
                Ok(request.send().await?)
            }
            Authenticator::Oauth2(config, fetcher, token) => {
                let value = config.token(fetcher, token).await?;
                let request = request(client, draft).header(header::AUTHORIZATION, value);
                let response = request.send().await?;
                if response.status() == StatusCode::UNAUTHORIZED {
                    *token.lock() = None;
                }
                Ok(response)
            }
            Authenticator::Jwt(signer) => {
                let token = signer.token()?;
                Ok(request(client, draft).bearer_auth(token).send().await?)
            }
        }
    }
}

fn request(client: &Client, draft: Draft) -> reqwest::RequestBuilder {
    let request = client
        .request(draft.method, draft.url)
        .headers(draft.headers);
    match draft.body.is_empty() {
        true => request,
        false => request.body(draft.body),
    }
}

/// A token is fetched anew this long before it ends.
const EARLY: Duration = Duration::from_secs(10);

impl Oauth2Config {
    /// The header that shows a token which is still good.
    async fn token(&self, client: &Client, kept: &Mutex<Option<Token>>) -> anyhow::Result<String> {
        if let Some(token) = kept.lock().as_ref().filter(|t| t.until > Instant::now()) {
            return Ok(token.header.clone());
        }
        let mut form = vec![("grant_type", "client_credentials".to_owned())];
        if !self.scopes.is_empty() {
            form.push(("scope", self.scopes.join(" ")));
        }
        for (name, values) in &self.endpoint_params {
            form.extend(values.0.iter().map(|value| (name.as_str(), value.clone())));
        }
        let response = client
            .post(&self.token_url)
            .basic_auth(&self.client_key, Some(&self.client_secret.0))
            .form(&form)
            .send()
            .await
            .context("oauth2: fetch a token")?;
        let status = response.status();
        ensure!(
            status.is_success(),
            "oauth2: {} refused a token: {status}",
            self.token_url
        );
        let answer: serde_json::Value = response.json().await.context("oauth2: read the token")?;
        let token = answer["access_token"]
            .as_str()
            .context("oauth2: the answer has no access_token")?;
        let kind = answer["token_type"].as_str().unwrap_or("Bearer");
        let kind = if kind.eq_ignore_ascii_case("bearer") {
            "Bearer"
        } else {
            kind
        };
        let header = format!("{kind} {token}");
        let lives = Duration::from_secs(answer["expires_in"].as_u64().unwrap_or(3600));
        *kept.lock() = Some(Token {
            header: header.clone(),
            until: Instant::now() + lives.saturating_sub(EARLY),
        });
        Ok(header)
    }
}
