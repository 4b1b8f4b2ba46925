//! Digest authentication (RFC 7616), the password being hashed with what the server asks.

use super::Draft;
use super::auth::BasicConfig;
use anyhow::{Context as _, bail};
use md5::{Digest, Md5};
use sha2::Sha256;
use std::{collections::HashMap, fmt::Write};

/// The `Authorization` header that answers a challenge.
pub(super) fn answer(challenge: &str, user: &BasicConfig, draft: &Draft) -> anyhow::Result<String> {
    let client_nonce = uuid::Uuid::new_v4().simple().to_string();
    let path = match draft.url.query() {
        Some(query) => format!("{}?{query}", draft.url.path()),
        None => draft.url.path().to_owned(),
    };
    answer_with(challenge, user, draft.method.as_str(), &path, &client_nonce)
}

fn answer_with(
    challenge: &str,
    user: &BasicConfig,
    method: &str,
    path: &str,
    client_nonce: &str,
) -> anyhow::Result<String> {
    let asked = parameters(challenge).context("digest_auth: the server asks for something else")?;
    let get = |name: &str| asked.get(name).map(String::as_str);
    let realm = get("realm").unwrap_or_default();
    let nonce = get("nonce").context("digest_auth: the server gave no nonce")?;
    let algorithm = get("algorithm").unwrap_or("MD5");
    let hash = |text: String| match algorithm.to_ascii_uppercase().as_str() {
        "MD5" | "MD5-SESS" => Ok(hex(&Md5::digest(text))),
        "SHA-256" | "SHA-256-SESS" => Ok(hex(&Sha256::digest(text))),
        _ => bail!("digest_auth: the server asks for {algorithm}, which isn't supported"),
    };
    let (name, password) = (&user.username, &user.password.0);
    let mut who = hash(format!("{name}:{realm}:{password}"))?;
    if algorithm.to_ascii_lowercase().ends_with("-sess") {
        who = hash(format!("{who}:{nonce}:{client_nonce}"))?;
    }
    let what = hash(format!("{method}:{path}"))?;
    let qop = get("qop").map(|qop| qop.split(',').any(|q| q.trim() == "auth"));
    let response = match qop {
        Some(true) => hash(format!("{who}:{nonce}:00000001:{client_nonce}:auth:{what}"))?,
        Some(false) => {
            bail!("digest_auth: the server wants the body hashed, which isn't supported")
        }
        None => hash(format!("{who}:{nonce}:{what}"))?,
    };
    let mut header = format!(
        "Digest username=\"{name}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{path}\", algorithm={algorithm}, response=\"{response}\""
    );
    if qop.is_some() {
        let _ = write!(header, ", qop=auth, nc=00000001, cnonce=\"{client_nonce}\"");
    }
    if let Some(opaque) = get("opaque") {
        let _ = write!(header, ", opaque=\"{opaque}\"");
    }
    Ok(header)
}

/// The parameters of a challenge: `Digest realm="x", qop="auth,auth-int"`.
fn parameters(challenge: &str) -> Option<HashMap<String, String>> {
    let (scheme, mut rest) = challenge.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("digest") {
        return None;
    }
    let mut all = HashMap::new();
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        let Some((name, value)) = rest.split_once('=') else {
            return Some(all);
        };
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_once(',').unwrap_or((value, "")),
        };
        all.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        rest = after;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    /// The examples of RFC 7616, section 3.9.1.
    #[test]
    fn challenges_are_answered() {
        let user = BasicConfig {
            enabled: true,
            username: "Mufasa".into(),
            password: Secret("Circle of Life".into()),
        };
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let table = [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            (
                "SHA-256",
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ];
        for (algorithm, response) in table {
            let challenge = format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let header = answer_with(&challenge, &user, "GET", "/dir/index.html", cnonce);
            assert!(header.expect("answered").contains(response), "{algorithm}");
        }
    }
}
