//! Table: functions that make identifiers and random values.

use crate::bloblang::spec::{
    CallError, FunctionCall, FunctionFn, FunctionSpec, Param, ParamKind, Status,
};
use crate::value::Value;
use parking_lot::Mutex;
use rand::{Rng, RngExt};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When KSUIDs begin to count, in seconds since 1970.
const KSUID_EPOCH: u64 = 1_400_000_000;
/// When snowflakes begin to count, in milliseconds since 1970.
const SNOWFLAKE_EPOCH: u64 = 1_288_834_974_657;
/// How long a random text may be.
const MAX_LENGTH: i64 = 1 << 20;

const NANOID_ALPHABET: &str = "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

pub(super) static TABLE: &[FunctionSpec] = &[
    function(
        "uuid_v4",
        "A random UUID.",
        &[],
        FunctionCall::Plain(|_| Ok(uuid::Uuid::new_v4().to_string().into())),
    ),
    function(
        "uuid_v7",
        "A UUID that sorts by time.",
        &[Param::new(
            "time",
            ParamKind::Timestamp,
            "The time in it; now if left out.",
        )
        .optional()],
        FunctionCall::Plain(uuid_v7),
    ),
    function(
        "ulid",
        "A ULID: 128 bits that sort by time.",
        &[
            Param::new("encoding", ParamKind::String, "`crockford` or `hex`.")
                .default(r#""crockford""#),
            Param::new(
                "random_source",
                ParamKind::String,
                "`secure_random` or `fast_random`; both are secure here.",
            )
            .default(r#""secure_random""#),
        ],
        FunctionCall::Prepared(ulid),
    )
    .status(Status::Experimental),
    function(
        "ksuid",
        "A KSUID: 160 bits that sort by time.",
        &[],
        FunctionCall::Plain(|_| Ok(ksuid().into())),
    ),
    function(
        "nanoid",
        "A short random identifier.",
        &[
            Param::new(
                "length",
                ParamKind::Int,
                "How many characters; 21 if left out.",
            )
            .optional(),
            Param::new(
                "alphabet",
                ParamKind::String,
                "The characters to choose from.",
            )
            .optional(),
        ],
        FunctionCall::Prepared(nanoid),
    ),
    function(
        "snowflake_id",
        "A snowflake: a number of 63 bits that rises with time and differs between nodes.",
        &[Param::new(
            "node_id",
            ParamKind::Int,
            "Which node this is, from 0 to 1023.",
        )
        .default("1")],
        FunctionCall::Prepared(snowflake),
    ),
    function(
        "bytes",
        "So many bytes, all of them zero.",
        &[Param::new("length", ParamKind::Int, "How many.")],
        FunctionCall::Plain(|args| {
            let length = int(&args[0])?;
            if !(0..=MAX_LENGTH).contains(&length) {
                return Err(format!("length must be from 0 to {MAX_LENGTH}, got {length}").into());
            }
            Ok(Value::Bytes(vec![0; length as usize].into()))
        }),
    ),
];

const fn function(
    name: &'static str,
    about: &'static str,
    params: &'static [Param],
    call: FunctionCall,
) -> FunctionSpec {
    FunctionSpec {
        name,
        status: Status::Stable,
        about,
        params,
        examples: &[],
        impure: false,
        call,
    }
}

impl FunctionSpec {
    const fn status(mut self, status: Status) -> FunctionSpec {
        self.status = status;
        self
    }
}

fn int(argument: &Value) -> Result<i64, CallError> {
    match argument {
        Value::Int(n) => Ok(*n),
        Value::Uint(n) => Ok(i64::try_from(*n).unwrap_or(i64::MAX)),
        Value::Float(n) => Ok(*n as i64),
        Value::Number(n) => Ok(n.as_i64().unwrap_or_else(|| n.as_f64() as i64)),
        other => Err(CallError::wanted("number", other.clone())),
    }
}

fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

fn uuid_v7(args: &[Value]) -> Result<Value, CallError> {
    let id = match &args[0] {
        Value::Null => uuid::Uuid::now_v7(),
        time => {
            let time = crate::bloblang::methods::timestamp(time)?;
            let seconds =
                u64::try_from(time.seconds()).map_err(|_| "times before 1970 do not fit a UUID")?;
            uuid::Uuid::new_v7(uuid::Timestamp::from_unix(
                uuid::NoContext,
                seconds,
                time.nanos(),
            ))
        }
    };
    Ok(id.to_string().into())
}

fn ulid(args: &[Value]) -> Result<FunctionFn, CallError> {
    let source = args[1].as_str().unwrap_or_default();
    if !matches!(source, "secure_random" | "fast_random") {
        return Err(format!("invalid randomness source: {source}").into());
    }
    let hex = match args[0].as_str().unwrap_or_default() {
        "crockford" => false,
        "hex" => true,
        other => return Err(format!("invalid ulid encoding: {other}").into()),
    };
    Ok(Box::new(move || {
        let random =
            u128::from(rand::rng().next_u64()) << 16 | u128::from(rand::rng().next_u32() & 0xffff);
        let id = ulid::Ulid::from_parts(since_1970().as_millis() as u64, random);
        Ok(match hex {
            true => format!("{:032x}", id.0).into(),
            false => id.to_string().into(),
        })
    }))
}

fn ksuid() -> String {
    let mut bytes = [0u8; 20];
    let seconds = since_1970().as_secs().saturating_sub(KSUID_EPOCH) as u32;
    bytes[..4].copy_from_slice(&seconds.to_be_bytes());
    rand::rng().fill_bytes(&mut bytes[4..]);
    base62(&bytes)
}

/// 20 bytes as 27 digits of base 62.
fn base62(bytes: &[u8; 20]) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut number = *bytes;
    let mut out = [b'0'; 27];
    for digit in out.iter_mut().rev() {
        let mut remainder = 0u32;
        for byte in &mut number {
            let part = remainder << 8 | u32::from(*byte);
            *byte = (part / 62) as u8;
            remainder = part % 62;
        }
        *digit = DIGITS[remainder as usize];
    }
    out.iter().map(|b| char::from(*b)).collect()
}

fn nanoid(args: &[Value]) -> Result<FunctionFn, CallError> {
    let length = match &args[0] {
        Value::Null => 21,
        length => int(length)?,
    };
    if !(1..=MAX_LENGTH).contains(&length) {
        return Err(format!("nanoid length must be from 1 to {MAX_LENGTH}, got {length}").into());
    }
    if !args[1].type_name().eq("null") && matches!(args[0], Value::Null) {
        return Err("field length must be specified when an alphabet is specified".into());
    }
    let alphabet: Vec<char> = args[1]
        .as_str()
        .unwrap_or(NANOID_ALPHABET)
        .chars()
        .collect();
    if alphabet.is_empty() || alphabet.len() > 255 {
        return Err("nanoid alphabet must have from 1 to 255 characters".into());
    }
    Ok(Box::new(move || {
        let mut chance = rand::rng();
        let pick = |_| alphabet[chance.random_range(0..alphabet.len())];
        Ok((0..length).map(pick).collect::<String>().into())
    }))
}

/// 41 bits of milliseconds, 10 of the node, 12 that count within a millisecond.
fn snowflake(args: &[Value]) -> Result<FunctionFn, CallError> {
    let node = int(&args[0])?;
    if !(0..1024).contains(&node) {
        return Err("Node number must be between 0 and 1023".into());
    }
    let last = Mutex::new((0u64, 0u64));
    Ok(Box::new(move || {
        let now = (since_1970().as_millis() as u64).saturating_sub(SNOWFLAKE_EPOCH);
        let mut last = last.lock();
        // The clock may stand still or go back: then the count goes on, into the next millisecond if it must.
        let (mut time, mut count) = if now > last.0 {
            (now, 0)
        } else {
            (last.0, last.1 + 1)
        };
        if count == 4096 {
            (time, count) = (time + 1, 0);
        }
        *last = (time, count);
        Ok(((time << 22 | (node as u64) << 12 | count) as i64)
            .to_string()
            .into())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snowflakes_rise() {
        let next = snowflake(&[Value::Int(1)]).expect("a generator");
        let number = || {
            next()
                .expect("an id")
                .as_str()
                .and_then(|t| t.parse::<i64>().ok())
                .expect("a number")
        };
        let ids: Vec<i64> = (0..10_000).map(|_| number()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(snowflake(&[Value::Int(1024)]).is_err());
    }

    #[test]
    fn ids_have_their_form() {
        assert_eq!(ksuid().len(), 27);
        assert_eq!(base62(&[0xff; 20]), "aWgEPTl1tmebfsQzFP4bxwgy80V");
        let id = nanoid(&[Value::Int(5), "ab".into()])
            .and_then(|f| f())
            .expect("an id");
        assert!(
            id.as_str()
                .is_some_and(|t| t.len() == 5 && t.chars().all(|c| "ab".contains(c)))
        );
        let ulid = ulid(&["hex".into(), "secure_random".into()])
            .and_then(|f| f())
            .expect("an id");
        assert_eq!(ulid.as_str().map(str::len), Some(32));
    }
}
