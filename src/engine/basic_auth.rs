//! Who may ask the server of a process: the user with the password whose digest the config has.

use super::{
    config::{BasicAuth, PasswordHash},
    server::text,
};
use crate::formats::go_base;
use anyhow::{Context, ensure};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use md5::Digest;

/// What scrypt costs: the peers' figures, which the config can't change.
const SCRYPT: (u8, u32, u32) = (15, 8, 1);
const SCRYPT_BYTES: usize = 32;

/// The one user that is let in.
pub(super) struct Gate {
    user: String,
    realm: String,
    wanted: Wanted,
}

/// What a password must come to.
enum Wanted {
    Md5(Vec<u8>),
    Sha256(Vec<u8>),
    Bcrypt(String),
    Scrypt {
        digest: Vec<u8>,
        salt: Vec<u8>,
        cost: scrypt::Params,
    },
}

impl Gate {
    /// None where everybody is let in.
    pub fn new(config: &BasicAuth) -> anyhow::Result<Option<Gate>> {
        if !config.enabled {
            return Ok(None);
        }
        let hash = config.password_hash.0.as_str();
        ensure!(
            !config.username.is_empty() && !hash.is_empty(),
            "both username and password_hash are required"
        );
        let wanted = match config.algorithm {
            PasswordHash::Md5 => Wanted::Md5(bytes(hash, 16)?),
            PasswordHash::Sha256 => Wanted::Sha256(bytes(hash, 32)?),
            PasswordHash::Bcrypt => Wanted::Bcrypt(bcrypt_text(hash)?),
            PasswordHash::Scrypt => {
                ensure!(!config.salt.0.is_empty(), "salt is required for scrypt");
                let (log_n, r, p) = SCRYPT;
                Wanted::Scrypt {
                    digest: bytes(hash, SCRYPT_BYTES)?,
                    salt: STANDARD
                        .decode(&config.salt.0)
                        .context("the salt is not base64")?,
                    cost: scrypt::Params::new(log_n, r, p)?,
                }
            }
        };
        Ok(Some(Gate {
            user: config.username.clone(),
            realm: config.realm.clone(),
            wanted,
        }))
    }

    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|h| h.to_str().ok());
        let decoded = given
            .and_then(|h| h.strip_prefix("Basic "))
            .and_then(|h| STANDARD.decode(h).ok())
            .and_then(|h| String::from_utf8(h).ok());
        let Some((user, password)) = decoded.as_deref().and_then(|h| h.split_once(':')) else {
            return false;
        };
        let is_right = match &self.wanted {
            Wanted::Md5(digest) => same(&md5::Md5::digest(password), digest),
            Wanted::Sha256(digest) => same(&sha2::Sha256::digest(password), digest),
            Wanted::Bcrypt(hash) => bcrypt::verify(password, hash).unwrap_or(false),
            Wanted::Scrypt { digest, salt, cost } => {
                let mut made = [0; SCRYPT_BYTES];
                scrypt::scrypt(password.as_bytes(), salt, cost, &mut made).is_ok()
                    && same(&made, digest)
            }
        };
        same(user.as_bytes(), self.user.as_bytes()) && is_right
    }

    /// The answer to everybody else.
    pub fn refusal(&self) -> Response<Body> {
        let mut response = text(StatusCode::UNAUTHORIZED, "Unauthorized\n");
        let wanted = format!("Basic realm={:?}, charset=\"UTF-8\"", self.realm);
        if let Ok(wanted) = HeaderValue::from_str(&wanted) {
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, wanted);
        }
        response
    }
}

/// A digest of a known length, in base64 as configs of the peers have it, or hexadecimal as tools print it.
fn bytes(text: &str, length: usize) -> anyhow::Result<Vec<u8>> {
    let right = |bytes: &Vec<u8>| bytes.len() == length;
    let base64 = STANDARD.decode(text).ok().filter(right);
    let hex = || go_base::decode_hex(text.as_bytes()).ok().filter(right);
    base64.or_else(hex).with_context(|| {
        format!("password_hash is not a digest of {length} bytes in base64 or hexadecimal")
    })
}

/// The text that bcrypt makes, itself or in base64.
fn bcrypt_text(text: &str) -> anyhow::Result<String> {
    if text.starts_with("$2") {
        return Ok(text.to_owned());
    }
    let decoded = STANDARD
        .decode(text)
        .context("password_hash is not base64")?;
    String::from_utf8(decoded).context("password_hash is not what bcrypt makes")
}

/// Whether two are the same, in a time that doesn't tell where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differ = |d: u8, (x, y): (&u8, &u8)| d | (x ^ y);
    a.len() == b.len() && a.iter().zip(b).fold(0, differ) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn the_password_is_told_by_its_digest_however_that_is_written() {
        let sha = "9f735e0df9a1ddc702bf0a1a7b83033f9f7153a00c29de82cedadc9957289b05";
        let bcrypt = bcrypt::hash("testpassword", 4).expect("a hash");
        let table = [
            (PasswordHash::Md5, "4WsquNEjFL9O+9YgOQbqbA==".to_owned()),
            (
                PasswordHash::Md5,
                "e16b2ab8d12314bf4efbd6203906ea6c".to_owned(),
            ),
            (PasswordHash::Sha256, sha.to_owned()),
            (
                PasswordHash::Sha256,
                "n3NeDfmh3ccCvwoae4MDP59xU6AMKd6CztrcmVcomwU=".to_owned(),
            ),
            (PasswordHash::Bcrypt, bcrypt.clone()),
            (PasswordHash::Bcrypt, STANDARD.encode(bcrypt)),
            (
                PasswordHash::Scrypt,
                "oo5AHZb4RgC5AQk+hrRc3Iex+WZh6gt/mPf5rH04ioY=".to_owned(),
            ),
        ];
        for (algorithm, hash) in table {
            let config = BasicAuth {
                enabled: true,
                realm: "here".into(),
                username: "me".into(),
                password_hash: Secret(hash.clone()),
                algorithm,
                salt: Secret("TmFDbA==".into()),
            };
            let gate = Gate::new(&config).expect("a config").expect("a gate");
            let admits = |text: &str| {
                let basic = format!("Basic {}", STANDARD.encode(text));
                let basic = HeaderValue::try_from(basic).expect("a header");
                gate.admits(&[(header::AUTHORIZATION, basic)].into_iter().collect())
            };
            assert!(!admits("me:other") && !admits("you:testpassword"), "{hash}");
            assert!(admits("me:testpassword"), "{hash}");
        }
    }
}
