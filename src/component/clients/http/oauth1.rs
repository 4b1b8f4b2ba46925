//! OAuth 1.0 signatures (RFC 5849, HMAC-SHA1).

use super::Draft;
use super::auth::Oauth1Config;
use crate::formats::url::percent_encode as encode;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The `Authorization` header for a request.
pub(super) fn sign(config: &Oauth1Config, draft: &Draft, nonce: &str, now: u64) -> String {
    let own = [
        ("oauth_consumer_key", config.consumer_key.clone()),
        ("oauth_nonce", nonce.to_owned()),
        ("oauth_signature_method", "HMAC-SHA1".to_owned()),
        ("oauth_timestamp", now.to_string()),
        ("oauth_token", config.access_token.clone()),
        ("oauth_version", "1.0".to_owned()),
    ];
    let mut parameters: Vec<(String, String)> = own
        .iter()
        .map(|(k, v)| (encode(k), encode(v)))
        .chain(
            draft
                .url
                .query_pairs()
                .map(|(k, v)| (encode(&k), encode(&v))),
        )
        .collect();
    parameters.sort();
    let pairs: Vec<String> = parameters.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let mut url = draft.url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let base = format!(
        "{}&{}&{}",
        draft.method.as_str().to_uppercase(),
        encode(url.as_str()),
        encode(&pairs.join("&"))
    );
    let key = format!(
        "{}&{}",
        encode(&config.consumer_secret.0),
        encode(&config.access_token_secret.0)
    );
    let mut mac =
        Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("a key of any length will do");
    mac.update(base.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let mut header = String::from("OAuth ");
    for (name, value) in own.iter().map(|(k, v)| (*k, v.as_str())) {
        header.push_str(&format!("{name}=\"{}\", ", encode(value)));
    }
    header.push_str(&format!("oauth_signature=\"{}\"", encode(&signature)));
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    /// The example of the documentation of a large service, with its known signature.
    #[test]
    fn a_request_is_signed() {
        let config = Oauth1Config {
            enabled: true,
            consumer_key: "xvz1evFS4wEEPTGEFPHBog".into(),
            consumer_secret: Secret("kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw".into()),
            access_token: "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb".into(),
            access_token_secret: Secret("LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE".into()),
        };
        let url = "https://api.twitter.com/1.1/statuses/update.json?include_entities=true&status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21";
        let draft = Draft {
            method: reqwest::Method::POST,
            url: url.parse().expect("a URL"),
            headers: Default::default(),
            body: Default::default(),
        };
        let nonce = "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg";
        let header = sign(&config, &draft, nonce, 1318622958);
        let wanted = "oauth_signature=\"hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D\"";
        assert!(header.ends_with(wanted), "{header}");
    }
}
