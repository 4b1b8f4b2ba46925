//! AES in the modes that mappings name. Errors are worded as Go words them.

use aes::cipher::{
    Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt,
    BlockSizeUser, KeyInit, KeyIvInit, StreamCipher, consts::U16,
};
use aes_gcm::aead::Aead;
use aes_gcm::{AesGcm, aead::consts::U12};

const BLOCK: usize = 16;

/// A key and a starting vector (or nonce) for one of the modes.
pub struct Cipher {
    mode: Mode,
    key: Vec<u8>,
    iv: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Ctr,
    Ofb,
    Cbc,
    Gcm,
}

/// Runs generic code for the cipher that the key's length asks for.
macro_rules! by_key {
    ($cipher:expr, $run:ident, $bytes:expr) => {
        match $cipher.key.len() {
            16 => $run::<aes::Aes128>($cipher, $bytes),
            24 => $run::<aes::Aes192>($cipher, $bytes),
            _ => $run::<aes::Aes256>($cipher, $bytes),
        }
    };
}

impl Cipher {
    /// `what` names the direction in the error about an unknown mode: `encryption` or `decryption`.
    pub fn new(mode: &str, key: &[u8], iv: &[u8], what: &str) -> Result<Cipher, String> {
        if !matches!(key.len(), 16 | 24 | 32) {
            return Err(format!("crypto/aes: invalid key size {}", key.len()));
        }
        let mode = match mode {
            "ctr" => Mode::Ctr,
            "ofb" => Mode::Ofb,
            "cbc" => Mode::Cbc,
            "gcm" => Mode::Gcm,
            other => return Err(format!("unrecognized {what} type: {other}")),
        };
        if mode != Mode::Gcm && iv.len() != BLOCK {
            return Err("the key must match the initialisation vector size".into());
        }
        if mode == Mode::Gcm && iv.len() != 12 {
            return Err("crypto/cipher: incorrect nonce length given to GCM".into());
        }
        Ok(Cipher {
            mode,
            key: key.to_vec(),
            iv: iv.to_vec(),
        })
    }

    pub fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, String> {
        by_key!(self, encrypt, plain)
    }

    pub fn decrypt(&self, cipher: &[u8]) -> Result<Vec<u8>, String> {
        by_key!(self, decrypt, cipher)
    }
}

const CHECKED: &str = "the lengths of key and vector were checked";

fn encrypt<C>(cipher: &Cipher, plain: &[u8]) -> Result<Vec<u8>, String>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    match cipher.mode {
        Mode::Ctr | Mode::Ofb => Ok(stream::<C>(cipher, plain)),
        Mode::Cbc => {
            if !plain.len().is_multiple_of(BLOCK) {
                return Err("plaintext is not a multiple of the block size".into());
            }
            let mut out = plain.to_vec();
            let mut mode =
                cbc::Encryptor::<C>::new_from_slices(&cipher.key, &cipher.iv).expect(CHECKED);
            for block in out.chunks_exact_mut(BLOCK) {
                let block: &mut Array<u8, U16> = block.try_into().expect("chunks are whole blocks");
                mode.encrypt_block(block);
            }
            Ok(out)
        }
        Mode::Gcm => {
            let nonce = Array::<u8, U12>::try_from(&cipher.iv[..]).expect(CHECKED);
            let mode = AesGcm::<C, U12>::new_from_slice(&cipher.key).expect(CHECKED);
            mode.encrypt(&nonce, plain)
                .map_err(|_| "crypto/cipher: message too large for GCM".into())
        }
    }
}

fn decrypt<C>(cipher: &Cipher, bytes: &[u8]) -> Result<Vec<u8>, String>
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    match cipher.mode {
        Mode::Ctr | Mode::Ofb => Ok(stream::<C>(cipher, bytes)),
        Mode::Cbc => {
            if !bytes.len().is_multiple_of(BLOCK) {
                return Err("ciphertext is not a multiple of the block size".into());
            }
            let mut out = bytes.to_vec();
            let mut mode =
                cbc::Decryptor::<C>::new_from_slices(&cipher.key, &cipher.iv).expect(CHECKED);
            for block in out.chunks_exact_mut(BLOCK) {
                let block: &mut Array<u8, U16> = block.try_into().expect("chunks are whole blocks");
                mode.decrypt_block(block);
            }
            Ok(out)
        }
        Mode::Gcm => {
            let nonce = Array::<u8, U12>::try_from(&cipher.iv[..]).expect(CHECKED);
            let mode = AesGcm::<C, U12>::new_from_slice(&cipher.key).expect(CHECKED);
            mode.decrypt(&nonce, bytes)
                .map_err(|_| "gcm decrypting failed: cipher: message authentication failed".into())
        }
    }
}

/// The modes in which both directions are the same.
fn stream<C>(cipher: &Cipher, bytes: &[u8]) -> Vec<u8>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    let mut out = bytes.to_vec();
    match cipher.mode {
        Mode::Ctr => ctr::Ctr128BE::<C>::new_from_slices(&cipher.key, &cipher.iv)
            .expect(CHECKED)
            .apply_keystream(&mut out),
        _ => ofb::Ofb::<C>::new_from_slices(&cipher.key, &cipher.iv)
            .expect(CHECKED)
            .apply_keystream(&mut out),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        let digit = |c: char| c.to_digit(16).expect("a digit") as u8;
        let digits: Vec<u8> = text.chars().map(digit).collect();
        digits.chunks(2).map(|d| d[0] << 4 | d[1]).collect()
    }

    #[test]
    fn all_modes_go_there_and_back() {
        let text = b"a secret of 32 bytes, two blocks";
        for key in [16, 24, 32] {
            for (mode, iv) in [("ctr", 16), ("ofb", 16), ("cbc", 16), ("gcm", 12)] {
                let cipher =
                    Cipher::new(mode, &vec![7; key], &vec![9; iv], "encryption").expect("sound");
                let hidden = cipher.encrypt(text).expect("whole blocks");
                assert_ne!(&hidden[..text.len()], text);
                assert_eq!(
                    cipher.decrypt(&hidden).as_deref(),
                    Ok(&text[..]),
                    "{mode} {key}"
                );
            }
        }
    }

    #[test]
    fn known_answers_and_faults() {
        // The vectors of NIST SP 800-38A.
        let key = unhex("2b7e151628aed2a6abf7158809cf4f3c");
        let iv = unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
        let ctr = Cipher::new("ctr", &key, &iv, "encryption").expect("sound");
        let plain = unhex("6bc1bee22e409f96e93d7e117393172a");
        assert_eq!(
            ctr.encrypt(&plain),
            Ok(unhex("874d6191b620e3261bef6864990db6ce"))
        );
        let cbc = Cipher::new("cbc", &key, &iv, "encryption").expect("sound");
        assert!(cbc.encrypt(b"short").is_err());
        let fails = |mode, key: &[u8], iv: &[u8]| Cipher::new(mode, key, iv, "decryption").err();
        assert_eq!(
            fails("cbc", b"short", b"iv").as_deref(),
            Some("crypto/aes: invalid key size 5")
        );
        assert_eq!(
            fails("x", &key, &iv).as_deref(),
            Some("unrecognized decryption type: x")
        );
        assert!(fails("gcm", &key, &iv).is_some());
    }
}
