//! Table: JSON Web Tokens.

use super::common::{shown, str_arg, string};
use super::objects::object;
use crate::bloblang::spec::{
    CallError, Example, MethodCall, MethodFn, MethodSpec, Param, ParamKind,
};
use crate::bloblang::text::escaped_json;
use crate::formats::jwt::{Algorithm, Signing, Verifying};
use crate::value::{Object, Str, Value};
use bytes::Bytes;
use std::time::{SystemTime, UNIX_EPOCH};

const SIGN: &[Param] = &[
    Param::new(
        "signing_secret",
        ParamKind::String,
        "The shared secret, or the private key in PEM.",
    ),
    Param::new(
        "headers",
        ParamKind::Object,
        "Further fields of the token's header, such as `kid`.",
    )
    .optional(),
];
const PARSE: &[Param] = &[Param::new(
    "signing_secret",
    ParamKind::String,
    "The shared secret, or the public key in PEM.",
)];

macro_rules! sign {
    ($name:literal, $algorithm:ident, $examples:expr) => {
        MethodSpec::new(
            $name,
            concat!(
                "A token of the claims in an object, signed with ",
                stringify!($algorithm),
                "."
            ),
            SIGN,
            $examples,
            MethodCall::Prepared(|args| signer(Algorithm::$algorithm, args)),
        )
        .sourceless()
    };
}

macro_rules! parse {
    ($name:literal, $algorithm:ident, $examples:expr) => {
        MethodSpec::new(
            $name,
            concat!(
                "The claims of a token that is signed with ",
                stringify!($algorithm),
                "; an error if the signature doesn't hold or the token is out of date."
            ),
            PARSE,
            $examples,
            MethodCall::Prepared(|args| parser(Algorithm::$algorithm, args)),
        )
        .sourceless()
    };
}

pub(super) static TABLE: &[MethodSpec] = &[
    parse!("parse_jwt_es256", Es256, &[]),
    parse!("parse_jwt_es384", Es384, &[]),
    parse!("parse_jwt_es512", Es512, &[]),
    parse!(
        "parse_jwt_hs256",
        Hs256,
        &[Example::new(
            "There and back.",
            r#"root = this.sign_jwt_hs256("s3cret").parse_jwt_hs256("s3cret")"#,
            &[(r#"{"sub":"me"}"#, r#"{"sub":"me"}"#)],
        )]
    ),
    parse!(
        "parse_jwt_hs384",
        Hs384,
        &[Example::new(
            "There and back.",
            r#"root = this.sign_jwt_hs384("s3cret").parse_jwt_hs384("s3cret")"#,
            &[(r#"{"sub":"me"}"#, r#"{"sub":"me"}"#)],
        )]
    ),
    parse!(
        "parse_jwt_hs512",
        Hs512,
        &[Example::new(
            "There and back.",
            r#"root = this.sign_jwt_hs512("s3cret").parse_jwt_hs512("s3cret")"#,
            &[(r#"{"sub":"me"}"#, r#"{"sub":"me"}"#)],
        )]
    ),
    parse!("parse_jwt_rs256", Rs256, &[]),
    parse!("parse_jwt_rs384", Rs384, &[]),
    parse!("parse_jwt_rs512", Rs512, &[]),
    sign!("sign_jwt_es256", Es256, &[]),
    sign!("sign_jwt_es384", Es384, &[]),
    sign!("sign_jwt_es512", Es512, &[]),
    sign!(
        "sign_jwt_hs256",
        Hs256,
        &[Example::new(
            "With a shared secret.",
            r#"root.token = this.claims.sign_jwt_hs256("dont-tell-anyone")"#,
            &[(
                r#"{"claims":{"sub":"user123"}}"#,
                r#"{"token":"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1c2VyMTIzIn0.hUl-nngPMY_3h9vveWJUPsCcO5PeL6k9hWLnMYeFbFQ"}"#,
            )],
        )]
    ),
    sign!("sign_jwt_hs384", Hs384, &[]),
    sign!("sign_jwt_hs512", Hs512, &[]),
    sign!("sign_jwt_rs256", Rs256, &[]),
    sign!("sign_jwt_rs384", Rs384, &[]),
    sign!("sign_jwt_rs512", Rs512, &[]),
];

fn signer(algorithm: Algorithm, args: &[Value]) -> Result<MethodFn, CallError> {
    let signing = Signing::new(algorithm, &str_arg(&args[0]))
        .map_err(|e| format!("failed to decode signing_secret: {e}"))?;
    let mut header = Object::new();
    header.insert("alg", algorithm.name().into());
    header.insert("typ", "JWT".into());
    if let Value::Object(more) = &args[1] {
        for (key, value) in more.iter() {
            header.insert(key, value);
        }
    }
    let header = escaped_json(&*shown(&Value::Object(header))?);
    Ok(Box::new(move |receiver| {
        let claims = escaped_json(&*shown(&Value::Object(object(receiver)?))?);
        let token = signing.sign(&header, &claims);
        Ok(token
            .map_err(|e| format!("failed to sign token: {e}"))?
            .into())
    }))
}

fn parser(algorithm: Algorithm, args: &[Value]) -> Result<MethodFn, CallError> {
    let verifying = Verifying::new(algorithm, &str_arg(&args[0]))?;
    Ok(Box::new(move |receiver| {
        let token = string(receiver)?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |d| d.as_secs_f64());
        let claims = verifying
            .read(&token, now)
            .map_err(|e| format!("failed to parse JWT string: {e}"))?;
        let claims = crate::value::parse(&Bytes::from(claims))
            .map_err(|e| format!("failed to parse JWT string: token is malformed: {e}"))?;
        Ok(floats(claims))
    }))
}

/// Claims have their numbers as floats.
fn floats(value: Value) -> Value {
    match value {
        Value::Number(n) => Value::Float(n.as_f64()),
        Value::Array(items) => Value::Array(items.iter().map(floats).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(k, v)| (Str::clone(&k), floats(v)))
                .collect(),
        ),
        other => other,
    }
}
