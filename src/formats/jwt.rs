//! JSON Web Tokens: signing claims, and reading them from tokens whose signature holds.
//!
//! Errors are worded as by the library that configs were written for.

use super::digest::Hasher;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::{Signer, Verifier};
use rsa::pkcs1::{DecodeRsaPrivateKey, DecodeRsaPublicKey};
use rsa::pkcs1v15;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::signature::SignatureEncoding;
use rsa::{RsaPrivateKey, RsaPublicKey};

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Es256,
    Es384,
    Es512,
}

impl Algorithm {
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Hs256 => "HS256",
            Algorithm::Hs384 => "HS384",
            Algorithm::Hs512 => "HS512",
            Algorithm::Rs256 => "RS256",
            Algorithm::Rs384 => "RS384",
            Algorithm::Rs512 => "RS512",
            Algorithm::Es256 => "ES256",
            Algorithm::Es384 => "ES384",
            Algorithm::Es512 => "ES512",
        }
    }
}

/// All algorithms that tokens may name; only some of them can be used here.
const KNOWN: &[&str] = &[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256",
    "PS384", "PS512", "EdDSA", "none",
];

enum Secret {
    Shared(Box<Hasher>),
    Rs256(Box<pkcs1v15::SigningKey<Sha256>>),
    Rs384(Box<pkcs1v15::SigningKey<Sha384>>),
    Rs512(Box<pkcs1v15::SigningKey<Sha512>>),
    Es256(Box<p256::ecdsa::SigningKey>),
    Es384(Box<p384::ecdsa::SigningKey>),
    Es512(Box<p521::ecdsa::SigningKey>),
}

/// Signs claims.
pub struct Signing {
    algorithm: Algorithm,
    secret: Secret,
}

const NOT_RSA_PEM: &str = "invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key";
const NOT_RSA: &str = "key is not a valid RSA private key";
const NOT_EC_PEM: &str = "invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key";
const NOT_EC: &str = "key is not a valid ECDSA private key";

fn shared(algorithm: Algorithm, secret: &[u8]) -> Option<Hasher> {
    let name = match algorithm {
        Algorithm::Hs256 => "hmac_sha256",
        Algorithm::Hs384 => "hmac_sha384",
        Algorithm::Hs512 => "hmac_sha512",
        _ => return None,
    };
    // An empty secret is a secret, if a bad one; for HMAC it is the same as a zero.
    let secret = if secret.is_empty() { &[0][..] } else { secret };
    Hasher::new(name, Some(secret), "").ok()
}

fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN ")
}

impl Signing {
    /// `secret` is the shared secret, or a private key in PEM.
    pub fn new(algorithm: Algorithm, secret: &str) -> Result<Signing, String> {
        let rsa = || -> Result<RsaPrivateKey, String> {
            if !is_pem(secret) {
                return Err(NOT_RSA_PEM.into());
            }
            let found = RsaPrivateKey::from_pkcs1_pem(secret).ok();
            found
                .or_else(|| RsaPrivateKey::from_pkcs8_pem(secret).ok())
                .ok_or_else(|| NOT_RSA.into())
        };
        macro_rules! ec {
            ($curve:ident) => {{
                if !is_pem(secret) {
                    return Err(NOT_EC_PEM.into());
                }
                let found = $curve::SecretKey::from_sec1_pem(secret).ok();
                let found = found.or_else(|| $curve::SecretKey::from_pkcs8_pem(secret).ok());
                found.ok_or(NOT_EC)?
            }};
        }
        let secret = match algorithm {
            Algorithm::Rs256 => Secret::Rs256(Box::new(pkcs1v15::SigningKey::new(rsa()?))),
            Algorithm::Rs384 => Secret::Rs384(Box::new(pkcs1v15::SigningKey::new(rsa()?))),
            Algorithm::Rs512 => Secret::Rs512(Box::new(pkcs1v15::SigningKey::new(rsa()?))),
            Algorithm::Es256 => Secret::Es256(Box::new(ec!(p256).into())),
            Algorithm::Es384 => Secret::Es384(Box::new(ec!(p384).into())),
            Algorithm::Es512 => {
                let bytes = ec!(p521).to_bytes();
                let key = p521::ecdsa::SigningKey::from_bytes(&bytes).map_err(|_| NOT_EC)?;
                Secret::Es512(Box::new(key))
            }
            shared_secret => Secret::Shared(Box::new(
                shared(shared_secret, secret.as_bytes()).expect("the others are matched above"),
            )),
        };
        Ok(Signing { algorithm, secret })
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// A token of a header and claims, both JSON text.
    pub fn sign(&self, header: &[u8], claims: &[u8]) -> Result<String, String> {
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let text = token.as_bytes();
        let fails = |e: rsa::signature::Error| e.to_string();
        let signature: Vec<u8> = match &self.secret {
            Secret::Shared(hasher) => hasher.hash(text)?,
            Secret::Rs256(key) => key.try_sign(text).map_err(fails)?.to_vec(),
            Secret::Rs384(key) => key.try_sign(text).map_err(fails)?.to_vec(),
            Secret::Rs512(key) => key.try_sign(text).map_err(fails)?.to_vec(),
            Secret::Es256(key) => {
                let signature: p256::ecdsa::Signature = key.try_sign(text).map_err(fails)?;
                signature.to_bytes().to_vec()
            }
            Secret::Es384(key) => {
                let signature: p384::ecdsa::Signature = key.try_sign(text).map_err(fails)?;
                signature.to_bytes().to_vec()
            }
            Secret::Es512(key) => {
                let signature: p521::ecdsa::Signature = key.try_sign(text).map_err(fails)?;
                signature.to_bytes().to_vec()
            }
        };
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

enum Public {
    Shared(Box<Hasher>),
    Rs256(Box<pkcs1v15::VerifyingKey<Sha256>>),
    Rs384(Box<pkcs1v15::VerifyingKey<Sha384>>),
    Rs512(Box<pkcs1v15::VerifyingKey<Sha512>>),
    Es256(Box<p256::ecdsa::VerifyingKey>),
    Es384(Box<p384::ecdsa::VerifyingKey>),
    Es512(Box<p521::ecdsa::VerifyingKey>),
}

/// Reads tokens.
pub struct Verifying {
    algorithm: Algorithm,
    key: Public,
}

impl Verifying {
    /// `key` is the shared secret, or a public key in PEM.
    pub fn new(algorithm: Algorithm, key: &str) -> Result<Verifying, String> {
        let rsa = || -> Result<RsaPublicKey, String> {
            if !is_pem(key) {
                return Err(NOT_RSA_PEM.into());
            }
            let found = RsaPublicKey::from_public_key_pem(key).ok();
            found
                .or_else(|| RsaPublicKey::from_pkcs1_pem(key).ok())
                .ok_or_else(|| "key is not a valid RSA public key".into())
        };
        macro_rules! ec {
            ($curve:ident) => {{
                if !is_pem(key) {
                    return Err(NOT_EC_PEM.into());
                }
                let found = $curve::PublicKey::from_public_key_pem(key);
                found.map_err(|_| "key is not a valid ECDSA public key")?
            }};
        }
        let key = match algorithm {
            Algorithm::Rs256 => Public::Rs256(Box::new(pkcs1v15::VerifyingKey::new(rsa()?))),
            Algorithm::Rs384 => Public::Rs384(Box::new(pkcs1v15::VerifyingKey::new(rsa()?))),
            Algorithm::Rs512 => Public::Rs512(Box::new(pkcs1v15::VerifyingKey::new(rsa()?))),
            Algorithm::Es256 => Public::Es256(Box::new(ec!(p256).into())),
            Algorithm::Es384 => Public::Es384(Box::new(ec!(p384).into())),
            Algorithm::Es512 => {
                let point = ec!(p521);
                let key = p521::ecdsa::VerifyingKey::from_affine(*point.as_affine());
                Public::Es512(Box::new(
                    key.map_err(|_| "key is not a valid ECDSA public key")?,
                ))
            }
            shared_secret => Public::Shared(Box::new(
                shared(shared_secret, key.as_bytes()).expect("the others are matched above"),
            )),
        };
        Ok(Verifying { algorithm, key })
    }

    /// The claims of a token, as JSON text, if its signature holds and it is valid at `now`, in seconds since 1970.
    pub fn read(&self, token: &str, now: f64) -> Result<Vec<u8>, String> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            return Err("token is malformed: token contains an invalid number of segments".into());
        };
        let decode = |text: &str, what: &str| {
            super::go_base::Scheme::Base64RawUrl
                .decode(text.as_bytes())
                .map_err(|e| format!("token is malformed: could not base64 decode {what}: {e}"))
        };
        let header_text = decode(header, "header")?;
        let header_fields: serde_json::Value = serde_json::from_slice(&header_text)
            .map_err(|e| format!("token is malformed: could not JSON decode header: {e}"))?;
        let claims_text = decode(claims, "claim")?;
        let claim_fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&claims_text)
                .map_err(|e| format!("token is malformed: could not JSON decode claim: {e}"))?;
        let named = match header_fields.get("alg") {
            Some(serde_json::Value::String(name)) => name.as_str(),
            _ => return Err("token is unverifiable: signing method (alg) is unspecified".into()),
        };
        if !KNOWN.contains(&named) {
            return Err("token is unverifiable: signing method (alg) is unavailable".into());
        }
        let signature = decode(signature, "signature")?;
        if named != self.algorithm.name() {
            return Err(format!(
                "token is unverifiable: error while executing keyfunc: incorrect signing method: {named}"
            ));
        }
        let signed = &token[..header.len() + 1 + claims.len()];
        self.verify(signed.as_bytes(), &signature)
            .map_err(|why| format!("token signature is invalid: {why}"))?;
        let time = |name: &str| claim_fields.get(name).and_then(serde_json::Value::as_f64);
        if time("exp").is_some_and(|exp| now >= exp) {
            return Err("token has invalid claims: token is expired".into());
        }
        if time("nbf").is_some_and(|nbf| now < nbf) {
            return Err("token has invalid claims: token is not valid yet".into());
        }
        Ok(claims_text)
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> Result<(), &'static str> {
        const RSA: &str = "crypto/rsa: verification error";
        const ECDSA: &str = "crypto/ecdsa: verification error";
        macro_rules! check {
            ($key:expr, $signature:ty, $why:expr) => {{
                let signature = <$signature>::try_from(signature).map_err(|_| $why)?;
                $key.verify(text, &signature).map_err(|_| $why)
            }};
        }
        match &self.key {
            Public::Shared(hasher) => {
                let wanted = hasher.hash(text).unwrap_or_default();
                let differs = wanted
                    .iter()
                    .zip(signature)
                    .fold(0, |d, (w, s)| d | (w ^ s));
                match differs == 0 && wanted.len() == signature.len() {
                    true => Ok(()),
                    false => Err("signature is invalid"),
                }
            }
            Public::Rs256(key) => check!(key, pkcs1v15::Signature, RSA),
            Public::Rs384(key) => check!(key, pkcs1v15::Signature, RSA),
            Public::Rs512(key) => check!(key, pkcs1v15::Signature, RSA),
            Public::Es256(key) => check!(key, p256::ecdsa::Signature, ECDSA),
            Public::Es384(key) => check!(key, p384::ecdsa::Signature, ECDSA),
            Public::Es512(key) => check!(key, p521::ecdsa::Signature, ECDSA),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIMS: &[u8] = br#"{"sub":"user123"}"#;

    fn header(algorithm: Algorithm) -> Vec<u8> {
        format!(r#"{{"alg":"{}","typ":"JWT"}}"#, algorithm.name()).into_bytes()
    }

    #[test]
    fn shared_secrets_sign_and_verify() {
        for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
            let signing = Signing::new(algorithm, "a secret").expect("any secret");
            let token = signing.sign(&header(algorithm), CLAIMS).expect("a token");
            let verifying = Verifying::new(algorithm, "a secret").expect("any secret");
            assert_eq!(verifying.read(&token, 0.0).as_deref(), Ok(CLAIMS));
            let other = Verifying::new(algorithm, "another").expect("any secret");
            assert_eq!(
                other.read(&token, 0.0),
                Err("token signature is invalid: signature is invalid".into())
            );
        }
    }

    #[test]
    fn known_tokens_and_faults() {
        let signing = Signing::new(Algorithm::Hs256, "dont-tell-anyone").expect("any secret");
        let token = signing
            .sign(&header(Algorithm::Hs256), CLAIMS)
            .expect("a token");
        assert_eq!(
            token,
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1c2VyMTIzIn0.hUl-nngPMY_3h9vveWJUPsCcO5PeL6k9hWLnMYeFbFQ"
        );
        let verifying = Verifying::new(Algorithm::Hs512, "x").expect("any secret");
        assert!(
            verifying
                .read(&token, 0.0)
                .expect_err("the wrong algorithm")
                .contains("incorrect signing method: HS256")
        );
        assert!(verifying.read("a.b", 0.0).is_err());
        assert!(verifying.read("a.b.c", 0.0).is_err());
        let expired = signing
            .sign(&header(Algorithm::Hs256), br#"{"exp":5}"#)
            .expect("a token");
        let verifying = Verifying::new(Algorithm::Hs256, "dont-tell-anyone").expect("any secret");
        assert!(verifying.read(&expired, 4.0).is_ok());
        assert!(
            verifying
                .read(&expired, 5.0)
                .expect_err("late")
                .ends_with("token is expired")
        );
        assert!(Signing::new(Algorithm::Rs256, "nokey").is_err());
        assert!(Signing::new(Algorithm::Es512, "-----BEGIN EC PRIVATE KEY-----").is_err());
    }
}
