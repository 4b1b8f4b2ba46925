//! Secrets at rest: AES-256-GCM, with the secret's name as associated data, so that no value can be put under another name.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};

use super::{Error, clock::Clock};
use crate::{
    ids::Term,
    store::{SecretRow, Store},
};

const NONCE_BYTES: usize = 12;

/// The largest secret, in bytes.
const MAX_SECRET_BYTES: usize = 64 * 1024;

#[derive(Clone)]
pub(super) struct Secrets {
    cipher: Option<Aes256Gcm>,
    clock: Clock,
}

impl Secrets {
    pub(super) fn new(key: Option<[u8; 32]>, clock: Clock) -> Self {
        let cipher = key.map(|key| Aes256Gcm::new(&key.into()));
        Self { cipher, clock }
    }

    pub(super) async fn put(
        &self,
        store: &Store,
        name: &str,
        value: &str,
        term: Term,
    ) -> Result<(), Error> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        if name.is_empty() || name.len() > 200 || !name.chars().all(is_name) {
            return Err(Error::Invalid(format!(
                "`{name}` can't be a secret's name: use letters, digits, `_` and `.`, as in ${{NAME}}"
            )));
        }
        if value.len() > MAX_SECRET_BYTES {
            return Err(Error::Invalid(format!(
                "a secret of {} bytes is too long: at most {MAX_SECRET_BYTES}",
                value.len()
            )));
        }
        let sealed = self.seal(name, value)?;
        Ok(store
            .put_secret(term, name, &sealed, self.clock.now())
            .await?)
    }

    fn seal(&self, name: &str, value: &str) -> Result<Vec<u8>, Error> {
        let cipher = self.cipher.as_ref().ok_or_else(no_key)?;
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload {
            msg: value.as_bytes(),
            aad: name.as_bytes(),
        };
        let text = cipher
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| Error::Invalid(format!("the secret `{name}` can't be encrypted")))?;
        Ok([&nonce[..], &text].concat())
    }

    /// The value of a secret; an error that says what to do if the key is not the one that it was encrypted with.
    pub(super) fn open(&self, row: &SecretRow) -> Result<String, Error> {
        let cipher = self.cipher.as_ref().ok_or_else(no_key)?;
        let wrong = || {
            Error::Refused(format!(
                "the secret `{}` can't be decrypted: secret.key is not the one that it was stored with",
                row.name
            ))
        };
        let (nonce, text) = row
            .value
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or_else(wrong)?;
        let payload = Payload {
            msg: text,
            aad: row.name.as_bytes(),
        };
        let value = cipher
            .decrypt(&Nonce::from(*nonce), payload)
            .map_err(|_| wrong())?;
        String::from_utf8(value).map_err(|_| wrong())
    }
}

fn no_key() -> Error {
    Error::Refused("secrets need a key to be encrypted with: set secret.key to 32 bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Time;

    #[test]
    fn a_secret_opens_with_its_key_and_under_its_name_only() {
        let secrets = |key| Secrets::new(key, Clock::new());
        let ours = secrets(Some([7; 32]));
        let row = |name: &str, value: Vec<u8>| SecretRow {
            name: name.to_owned(),
            value,
            created: Time(0),
            updated: Time(0),
        };
        let sealed = ours.seal("KEY", "hunter2 ü").expect("a sealed secret");
        assert!(!String::from_utf8_lossy(&sealed).contains("hunter2"));
        assert_eq!(
            ours.open(&row("KEY", sealed.clone())),
            Ok("hunter2 ü".to_owned())
        );
        assert!(ours.open(&row("OTHER", sealed.clone())).is_err());
        assert!(ours.open(&row("KEY", vec![1, 2])).is_err());
        assert!(
            secrets(Some([8; 32]))
                .open(&row("KEY", sealed.clone()))
                .is_err()
        );
        let error = secrets(None)
            .open(&row("KEY", sealed))
            .expect_err("no key")
            .to_string();
        assert!(error.contains("set secret.key"), "{error}");
    }
}
