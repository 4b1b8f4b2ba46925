//! How a client says who it is.

use super::Draft;
use super::{
    digest, oauth1,
    oauth2::{Oauth2Config, Tokens},
};
use crate::config::{Field, Linter, Node, Secret};
use anyhow::{Context as _, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{
    Client, Response, StatusCode,
    header::{self, HeaderValue},
};
use std::{
    collections::BTreeMap,
    fs,
    time::{SystemTime, UNIX_EPOCH},
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
    Oauth2(Box<Tokens>),
    Jwt(Box<Signer>),
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
        // Of several the first counts, as where each replaces the header of those behind it.
        if self.digest_auth.enabled {
            return Ok(Authenticator::Digest(self.digest_auth.clone()));
        }
        if self.oauth2.enabled {
            let tokens = Tokens::new(&self.oauth2, client)?;
            return Ok(Authenticator::Oauth2(Box::new(tokens)));
        }
        if self.basic_auth.enabled {
            return Ok(Authenticator::Basic(self.basic_auth.clone()));
        }
        if self.jwt.enabled {
            return Ok(Authenticator::Jwt(Box::new(self.jwt.signer()?)));
        }
        Ok(match self.oauth.enabled {
            true => Authenticator::Oauth1(self.oauth.clone()),
            false => Authenticator::None,
        })
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
            Authenticator::Digest(user) => {
                let response = send(client, draft.clone(), None).await?;
                let challenge = response.headers().get(header::WWW_AUTHENTICATE);
                let challenge = challenge.and_then(|c| c.to_str().ok());
                let (StatusCode::UNAUTHORIZED, Some(challenge)) = (response.status(), challenge)
                else {
                    return Ok(response);
                };
                let answer = digest::answer(challenge, user, &draft)?;
                send(client, draft, Some(answer)).await
            }
            Authenticator::Oauth2(tokens) => {
                let token = tokens.header().await?;
                let response = send(client, draft, Some(token)).await?;
                if response.status() == StatusCode::UNAUTHORIZED {
                    tokens.forget();
                }
                Ok(response)
            }
            other => {
                let header = other.header(&draft)?;
                send(client, draft, header).await
            }
        }
    }
}

/// Sends a request; `identity` is the header that shows who the client is, instead of one that is set already.
async fn send(
    client: &Client,
    mut draft: Draft,
    identity: Option<String>,
) -> anyhow::Result<Response> {
    if let Some(identity) = identity {
        let mut value = HeaderValue::try_from(identity).context("authenticate the request")?;
        value.set_sensitive(true);
        draft.headers.insert(header::AUTHORIZATION, value);
    }
    let request = client.request(draft.method, draft.url);
    let mut request = request.headers(draft.headers);
    if !draft.body.is_empty() {
        request = request.body(draft.body);
    }
    Ok(request.send().await?)
}
