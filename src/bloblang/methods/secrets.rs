//! Comparing secrets with their hashes.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

/// The most memory, in KiB, and passes that a hash may ask for: it comes from data at times.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_PASSES: u32 = 64;

/// Whether `secret` has this Argon2 hash, as in `$argon2id$v=19$m=4096,t=3,p=1$SALT$KEY`.
pub(super) fn argon2(secret: &str, hash: &str) -> Result<bool, String> {
    let invalid = |why: &str| match why {
        "" => "invalid argon2 hash".to_owned(),
        why => format!("invalid argon2 hash: {why}"),
    };
    if secret.is_empty() {
        return Ok(false);
    }
    let parts: Vec<&str> = hash.split('$').collect();
    let [_, algorithm, version, settings, salt, key] = parts[..] else {
        return Err(invalid(""));
    };
    let algorithm = match algorithm {
        "argon2i" => Algorithm::Argon2i,
        "argon2id" => Algorithm::Argon2id,
        _ => return Err(invalid("unrecognised argon2 format")),
    };
    if !version.starts_with("v=") {
        return Err(invalid("failed to parse version"));
    }
    let mut numbers = settings
        .split(',')
        .zip(["m=", "t=", "p="])
        .map(|(part, name)| part.strip_prefix(name)?.parse::<u32>().ok());
    let (Some(Some(memory)), Some(Some(passes)), Some(Some(lanes)), 3) = (
        numbers.next(),
        numbers.next(),
        numbers.next(),
        settings.split(',').count(),
    ) else {
        return Err(invalid("failed to parse parameters"));
    };
    if memory > MAX_MEMORY_KIB || passes > MAX_PASSES {
        return Err(invalid(&format!(
            "it asks for more than {MAX_MEMORY_KIB} KiB of memory or {MAX_PASSES} passes"
        )));
    }
    let decode = |text: &str, what: &str| {
        STANDARD_NO_PAD
            .decode(text)
            .map_err(|_| invalid(&format!("failed to parse base64 {what}")))
    };
    let (salt, key) = (decode(salt, "salt")?, decode(key, "key")?);
    let params =
        Params::new(memory, passes, lanes, Some(key.len())).map_err(|e| invalid(&e.to_string()))?;
    let mut computed = vec![0; key.len()];
    Argon2::new(algorithm, Version::V0x13, params)
        .hash_password_into(secret.as_bytes(), &salt, &mut computed)
        .map_err(|e| invalid(&e.to_string()))?;
    Ok(same(&computed, &key))
}

/// Whether `secret` has this bcrypt hash.
pub(super) fn bcrypt(secret: &str, hash: &str) -> Result<bool, String> {
    if hash.len() < 59 {
        return Err("crypto/bcrypt: hashedSecret too short to be a bcrypted password".into());
    }
    bcrypt::verify(secret, hash).map_err(|e| format!("crypto/bcrypt: {e}"))
}

/// Compares in a time that doesn't tell where the two differ.
pub(super) fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .fold(0, |differs, (l, r)| differs | (l ^ r))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_hashes_are_errors() {
        let fails = |hash: &str| argon2("x", hash).expect_err("malformed");
        assert_eq!(fails("x"), "invalid argon2 hash");
        assert_eq!(
            fails("$argon2d$v=19$m=1,t=1,p=1$a$b"),
            "invalid argon2 hash: unrecognised argon2 format"
        );
        assert_eq!(
            fails("$argon2i$v=19$m=1,t=1$a$b"),
            "invalid argon2 hash: failed to parse parameters"
        );
        assert!(fails("$argon2i$v=19$m=4294967295,t=1,p=1$a$b").contains("more than"));
        assert!(bcrypt("x", "short").is_err());
    }
}
