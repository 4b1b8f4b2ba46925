//! Checksums and digests by the names that configs and mappings use.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Digest;

/// An algorithm with what it needs besides the bytes.
pub enum Hasher {
    Md5,
    Sha1,
    Sha256,
    Sha512,
    HmacSha1(Hmac<sha1::Sha1>),
    HmacSha256(Hmac<sha2::Sha256>),
    HmacSha384(Hmac<sha2::Sha384>),
    HmacSha512(Hmac<sha2::Sha512>),
    /// Gives the number in decimal digits.
    XxHash64,
    /// Gives the number in decimal digits.
    Fnv32,
    /// With the table for its polynomial.
    Crc32(Box<[u32; 256]>),
    Crc32Ieee,
    /// A polynomial that isn't known; an error once there is something to hash.
    Crc32Unknown(String),
}

impl Hasher {
    /// The algorithm of this name; those that need a key fail without one.
    pub fn new(name: &str, key: Option<&[u8]>, polynomial: &str) -> Result<Hasher, String> {
        let key = || match key {
            Some(key) if !key.is_empty() => Ok(key),
            _ => Err(format!("hash algorithm {name} requires a key argument")),
        };
        const ANY_LENGTH: &str = "a key may have any length";
        Ok(match name {
            "md5" => Hasher::Md5,
            "sha1" => Hasher::Sha1,
            "sha256" => Hasher::Sha256,
            "sha512" => Hasher::Sha512,
            "hmac_sha1" | "hmac-sha1" => {
                Hasher::HmacSha1(Hmac::new_from_slice(key()?).expect(ANY_LENGTH))
            }
            "hmac_sha256" | "hmac-sha256" => {
                Hasher::HmacSha256(Hmac::new_from_slice(key()?).expect(ANY_LENGTH))
            }
            "hmac_sha384" => Hasher::HmacSha384(Hmac::new_from_slice(key()?).expect(ANY_LENGTH)),
            "hmac_sha512" | "hmac-sha512" => {
                Hasher::HmacSha512(Hmac::new_from_slice(key()?).expect(ANY_LENGTH))
            }
            "xxhash64" => Hasher::XxHash64,
            "fnv32" => Hasher::Fnv32,
            "crc32" => match polynomial {
                "IEEE" => Hasher::Crc32Ieee,
                "Castagnoli" => Hasher::Crc32(Box::new(crc_table(0x82f6_3b78))),
                "Koopman" => Hasher::Crc32(Box::new(crc_table(0xeb31_d82e))),
                other => Hasher::Crc32Unknown(other.to_owned()),
            },
            other => return Err(format!("unrecognized hash type: {other}")),
        })
    }

    pub fn hash(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        Ok(match self {
            Hasher::Md5 => md5::Md5::digest(bytes).to_vec(),
            Hasher::Sha1 => sha1::Sha1::digest(bytes).to_vec(),
            Hasher::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            Hasher::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
            Hasher::HmacSha1(mac) => mac
                .clone()
                .chain_update(bytes)
                .finalize()
                .into_bytes()
                .to_vec(),
            Hasher::HmacSha256(mac) => mac
                .clone()
                .chain_update(bytes)
                .finalize()
                .into_bytes()
                .to_vec(),
            Hasher::HmacSha384(mac) => mac
                .clone()
                .chain_update(bytes)
                .finalize()
                .into_bytes()
                .to_vec(),
            Hasher::HmacSha512(mac) => mac
                .clone()
                .chain_update(bytes)
                .finalize()
                .into_bytes()
                .to_vec(),
            Hasher::XxHash64 => xxhash_rust::xxh64::xxh64(bytes, 0).to_string().into_bytes(),
            Hasher::Fnv32 => fnv32(bytes).to_string().into_bytes(),
            Hasher::Crc32Ieee => crc32fast::hash(bytes).to_be_bytes().to_vec(),
            Hasher::Crc32(table) => crc32(table, bytes).to_be_bytes().to_vec(),
            Hasher::Crc32Unknown(polynomial) => {
                return Err(format!("unsupported crc32 hash key {polynomial:?}"));
            }
        })
    }
}

fn fnv32(bytes: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| hash.wrapping_mul(0x0100_0193) ^ u32::from(*byte);
    bytes.iter().fold(0x811c_9dc5, step)
}

/// The table for a polynomial with its bits reversed.
fn crc_table(polynomial: u32) -> [u32; 256] {
    std::array::from_fn(|i| {
        (0..8).fold(i as u32, |crc, _| match crc & 1 {
            1 => crc >> 1 ^ polynomial,
            _ => crc >> 1,
        })
    })
}

fn crc32(table: &[u32; 256], bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| table[usize::from(crc as u8 ^ byte)] ^ crc >> 8;
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_algorithms() {
        let hex = |name: &str, key: Option<&[u8]>, polynomial: &str| -> String {
            let hasher = Hasher::new(name, key, polynomial).expect("an algorithm");
            let bytes = hasher.hash(b"hello world").expect("a digest");
            bytes.iter().map(|b| format!("{b:02x}")).collect()
        };
        assert_eq!(hex("md5", None, ""), "5eb63bbbe01eeed093cb22bb8f5acdc3");
        assert_eq!(
            hex("sha1", None, ""),
            "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"
        );
        assert_eq!(
            hex("hmac_sha1", Some(b"static-key"), ""),
            "d87e5f068fa08fe90bb95bc7c8344cb809179d76"
        );
        assert_eq!(hex("crc32", None, "IEEE"), "0d4a1185");
        assert_eq!(hex("crc32", None, "Castagnoli"), "c99465aa");
        assert_eq!(hex("crc32", None, "Koopman"), "df373d3c");
        let fnv = Hasher::new("fnv32", None, "").expect("an algorithm");
        assert_eq!(fnv.hash(b"a").as_deref(), Ok(&b"84696446"[..]));
        assert!(Hasher::new("hmac_sha256", None, "").is_err());
        assert!(Hasher::new("nope", None, "").is_err());
    }
}
