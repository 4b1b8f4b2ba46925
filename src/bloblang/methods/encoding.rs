//! Table: methods that encode, compress, hash and encrypt.

use super::common::{Text, bytes_arg, int, optional_str, str_arg};
use crate::bloblang::spec::{
    CallError, Example, MethodCall, MethodFn, MethodSpec, Param, ParamKind,
};
use crate::formats::{aes::Cipher, compression::Algorithm, digest::Hasher, go_base::Scheme};
use crate::value::Value;
use bytes::Bytes;

const SCHEME: &[Param] = &[Param::new(
    "scheme",
    ParamKind::String,
    "`base64`, `base64url`, `base64rawurl`, `hex`, `ascii85` or `z85`.",
)];
const AES: &[Param] = &[
    Param::new(
        "scheme",
        ParamKind::String,
        "The mode: `ctr`, `gcm`, `cbc` or `ofb`.",
    ),
    Param::new("key", ParamKind::String, "The key: 16, 24 or 32 bytes."),
    Param::new(
        "iv",
        ParamKind::String,
        "The starting vector of 16 bytes, for `gcm` the nonce of 12.",
    ),
];
const ALGORITHM: Param = Param::new(
    "algorithm",
    ParamKind::String,
    "`flate`, `gzip`, `pgzip`, `lz4`, `snappy`, `zlib` or `zstd`.",
);

pub(super) static TABLE: &[MethodSpec] = &[
    MethodSpec::new(
        "compress",
        "Compresses text or bytes.",
        &[
            ALGORITHM,
            Param::new(
                "level",
                ParamKind::Int,
                "How hard to try, from 0 to 9 where the algorithm has levels; -1 for its default.",
            )
            .default("-1"),
        ],
        &[Example::new(
            "There and back.",
            r#"root = this.text.compress("zlib").decompress("zlib").string()"#,
            &[(r#"{"text":"abc"}"#, "abc")],
        )],
        MethodCall::Prepared(|args| {
            let algorithm = algorithm(&args[0])?;
            if algorithm == Algorithm::Bzip2 {
                return Err("compression type not recognised: bzip2".into());
            }
            let level = int(&args[1]).unwrap_or(-1);
            Ok(Box::new(move |receiver| {
                Ok(Value::Bytes(
                    algorithm.compress(level, &bytes(receiver)?)?.into(),
                ))
            }))
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "decode",
        "The bytes that a text encodes.",
        SCHEME,
        &[Example::new(
            "From hexadecimal digits.",
            r#"root = this.hex.decode("hex").string()"#,
            &[(r#"{"hex":"6869"}"#, "hi")],
        )],
        MethodCall::Prepared(|args| {
            let scheme = scheme(&args[0])?;
            Ok(Box::new(move |receiver| {
                Ok(Value::Bytes(
                    scheme.decode(Text::of(receiver)?.as_bytes())?.into(),
                ))
            }))
        }),
    ),
    MethodSpec::new(
        "decompress",
        "Decompresses bytes; `bzip2` is understood too.",
        &[ALGORITHM],
        &[Example::new(
            "From an archive.",
            r#"root = this.data.decode("base64").decompress("zlib").string()"#,
            &[(r#"{"data":"eJxLTEoGAAJNASc="}"#, "abc")],
        )],
        MethodCall::Prepared(|args| {
            let algorithm = algorithm(&args[0])?;
            Ok(Box::new(move |receiver| {
                Ok(Value::Bytes(
                    algorithm.decompress(&bytes(receiver)?)?.into(),
                ))
            }))
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "decrypt_aes",
        "Decrypts what `encrypt_aes` made.",
        AES,
        &[Example::new(
            "In counter mode.",
            r#"let key = "2b7e151628aed2a6abf7158809cf4f3c".decode("hex")
let iv = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff".decode("hex")
root = this.hidden.decode("hex").decrypt_aes("ctr", $key, $iv).string()"#,
            &[(r#"{"hidden":"84e9b31ff7400bdf80be7254"}"#, "hello world!")],
        )],
        MethodCall::Prepared(|args| {
            let cipher = cipher(args, "decryption")?;
            Ok(Box::new(move |receiver| {
                Ok(Value::Bytes(
                    cipher.decrypt(Text::of(receiver)?.as_bytes())?.into(),
                ))
            }))
        }),
    ),
    MethodSpec::new(
        "encode",
        "Text or bytes as plain text.",
        SCHEME,
        &[Example::new(
            "As hexadecimal digits.",
            r#"root = this.text.encode("hex")"#,
            &[(r#"{"text":"hi"}"#, "6869")],
        )],
        MethodCall::Prepared(|args| {
            let scheme = scheme(&args[0])?;
            Ok(Box::new(move |receiver| {
                Ok(scheme.encode(Text::of(receiver)?.as_bytes())?.into())
            }))
        }),
    ),
    MethodSpec::new(
        "encrypt_aes",
        "Encrypts text or bytes with AES.",
        AES,
        &[Example::new(
            "In counter mode.",
            r#"let key = "2b7e151628aed2a6abf7158809cf4f3c".decode("hex")
let iv = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff".decode("hex")
root = this.text.encrypt_aes("ctr", $key, $iv).encode("hex")"#,
            &[(r#"{"text":"hello world!"}"#, "84e9b31ff7400bdf80be7254")],
        )],
        MethodCall::Prepared(|args| {
            let cipher = cipher(args, "encryption")?;
            Ok(Box::new(move |receiver| {
                let hidden = cipher.encrypt(Text::of(receiver)?.as_bytes())?;
                Ok(Value::text(hidden))
            }))
        }),
    ),
    MethodSpec::new(
        "hash",
        "The digest of text or bytes. `xxhash64` and `fnv32` give the number in decimal digits.",
        &[
            Param::new(
                "algorithm",
                ParamKind::String,
                "`md5`, `sha1`, `sha256`, `sha512`, `hmac_sha1`, `hmac_sha256`, `hmac_sha512`, `xxhash64`, `crc32` or `fnv32`.",
            ),
            Param::new(
                "key",
                ParamKind::String,
                "The key, for those that begin with `hmac`.",
            )
            .optional(),
            Param::new(
                "polynomial",
                ParamKind::String,
                "Of `crc32`: `IEEE`, `Castagnoli` or `Koopman`.",
            )
            .default(r#""IEEE""#),
        ],
        &[Example::new(
            "Two digests.",
            r#"root.md5 = this.text.hash("md5").encode("hex")
root.crc = this.text.hash(algorithm: "crc32", polynomial: "Castagnoli").encode("hex")"#,
            &[(
                r#"{"text":"hello world"}"#,
                r#"{"crc":"c99465aa","md5":"5eb63bbbe01eeed093cb22bb8f5acdc3"}"#,
            )],
        )],
        MethodCall::Prepared(hash),
    ),
];

/// The receiver as bytes, where timestamps have their text.
fn bytes(value: Value) -> Result<Bytes, CallError> {
    match value {
        Value::String(text) => Ok(text.into_bytes()),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => Ok(bytes),
        Value::Timestamp(time) => Ok(Bytes::from(time.to_string())),
        other => Err(CallError::wanted("bytes", other)),
    }
}

fn algorithm(name: &Value) -> Result<Algorithm, CallError> {
    let name = str_arg(name);
    Algorithm::from_name(&name)
        .ok_or_else(|| format!("compression type not recognised: {name}").into())
}

fn scheme(name: &Value) -> Result<Scheme, CallError> {
    let name = str_arg(name);
    Scheme::from_name(&name).ok_or_else(|| format!("unrecognized encoding type: {name}").into())
}

fn cipher(args: &[Value], what: &str) -> Result<Cipher, CallError> {
    Ok(Cipher::new(
        &str_arg(&args[0]),
        &bytes_arg(&args[1]),
        &bytes_arg(&args[2]),
        what,
    )?)
}

fn hash(args: &[Value]) -> Result<MethodFn, CallError> {
    let key = optional_str(&args[1])
        .is_some()
        .then(|| bytes_arg(&args[1]));
    let hasher = Hasher::new(&str_arg(&args[0]), key.as_deref(), &str_arg(&args[2]))?;
    Ok(Box::new(move |receiver| {
        Ok(Value::Bytes(
            hasher.hash(Text::of(receiver)?.as_bytes())?.into(),
        ))
    }))
}
