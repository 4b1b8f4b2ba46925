//! The identifiers of the cluster, a type each, so that no two kinds can be mixed up.
//!
//! Names are checked once, where they are made; afterwards a value of the type is a valid one.
//! Texts are shared (`Arc<str>`): a view of ten thousand streams clones its names by counting references.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest stream name or worker id that is accepted, in bytes.
pub const MAX_NAME_LEN: usize = 200;

/// A text that cannot serve as the identifier it was given for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    #[error("{kind} is empty")]
    Empty { kind: &'static str },
    #[error("{kind} of {len} bytes is too long (at most {MAX_NAME_LEN})")]
    TooLong { kind: &'static str, len: usize },
    #[error("{kind} `{text}` contains {found:?}; {allowed}")]
    Char {
        kind: &'static str,
        text: String,
        found: char,
        allowed: &'static str,
    },
    #[error("incarnation `{0}` is not 32 hexadecimal digits")]
    Incarnation(String),
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $allowed:literal, $is_allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
        #[schema(value_type = String)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and makes the identifier of it.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                let kind = $kind;
                if text.is_empty() {
                    return Err(InvalidId::Empty { kind });
                }
                if text.len() > MAX_NAME_LEN {
                    return Err(InvalidId::TooLong { kind, len: text.len() });
                }
                let is_allowed: fn(usize, char) -> bool = $is_allowed;
                match text.char_indices().find(|(at, c)| !is_allowed(*at, *c)) {
                    Some((_, found)) => Err(InvalidId::Char {
                        kind,
                        text: text.to_owned(),
                        found,
                        allowed: $allowed,
                    }),
                    None => Ok(Self(text.into())),
                }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(&text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(&text).map_err(de::Error::custom)
            }
        }
    };
}

text_id!(
    /// A stream's name: its identity everywhere. The name of a deleted stream is free again only when no
    /// assignment of it is left.
    StreamName,
    "stream name",
    "use letters, digits, `_`, `-` and `.`, and start with a letter or digit",
    |at, c| c.is_ascii_alphanumeric() || (at > 0 && matches!(c, '_' | '-' | '.'))
);

text_id!(
    /// A worker's name, stable over its restarts: `-worker-id`, else `HOSTNAME:grpc-port`.
    WorkerId,
    "worker id",
    "use printable ASCII without spaces, quotes and slashes",
    |_, c| c.is_ascii_graphic() && !matches!(c, '/' | '\\' | '"' | '\'' | '`' | '?' | '#' | '%')
);

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            utoipa::ToSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            pub fn get(self) -> $inner {
                self.0
            }

            /// The one after this one.
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id!(
    /// Which instance of a stream with `shards: N`: 0 to N - 1.
    ShardIndex(u32)
);
number_id!(
    /// Which grant of a shard: strictly increasing per shard, durable before the worker hears of it. 0 is "never granted".
    Epoch(u64)
);
number_id!(
    /// Which version of a stream's definition. An edit, a roll back and a restart each make a new one.
    Revision(u64)
);
number_id!(
    /// Which rule of a coordinator: raised durably each time one starts to lead.
    Term(u64)
);

/// Which desired set of a worker; a worker ignores a set that is older than one it has seen. The term comes first, so that a
/// coordinator that starts anew need not remember how far the one before it had counted.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Generation {
    pub term: Term,
    pub number: u64,
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.number)
    }
}

/// One start of a worker process. Ordered by start time: the 128 bits of a version 7 UUID (milliseconds, then random
/// bits), so that of two live processes under one id the one that started later wins, whichever speaks last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String)]
pub struct Incarnation(pub u128);

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl FromStr for Incarnation {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidId::Incarnation(text.to_owned()));
        }
        let bits = u128::from_str_radix(text, 16).expect("32 hexadecimal digits are 128 bits");
        Ok(Self(bits))
    }
}

impl Serialize for Incarnation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Incarnation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// One shard of one stream: what is placed, owned and moved. Written `orders/0`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShardId {
    pub stream: StreamName,
    pub shard: ShardIndex,
}

impl ShardId {
    pub fn new(stream: StreamName, shard: u32) -> Self {
        Self {
            stream,
            shard: ShardIndex(shard),
        }
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stream, self.shard)
    }
}

impl fmt::Debug for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// One grant of a shard to a worker. Unique for ever, since epochs only rise. Written `orders/0@7`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AssignmentId {
    #[serde(flatten)]
    pub shard: ShardId,
    pub epoch: Epoch,
}

impl fmt::Display for AssignmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.shard, self.epoch)
    }
}

impl fmt::Debug for AssignmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_where_they_are_made() {
        for good in ["orders", "a", "0-x_y.z", "Orders2"] {
            assert_eq!(StreamName::new(good).expect("a good name").as_str(), good);
        }
        for (bad, message) in [
            ("", "stream name is empty"),
            ("-x", "stream name `-x` contains '-'"),
            ("a/b", "stream name `a/b` contains '/'"),
            ("a b", "stream name `a b` contains ' '"),
        ] {
            let error = StreamName::new(bad).expect_err("a bad name").to_string();
            assert!(error.starts_with(message), "{error}");
        }
        assert!(StreamName::new(&"x".repeat(MAX_NAME_LEN + 1)).is_err());
        assert!(WorkerId::new("host-1.local:50002").is_ok());
        assert!(WorkerId::new("a/b").is_err());
        assert!(serde_json::from_str::<StreamName>("\"a b\"").is_err());
    }

    #[test]
    fn incarnations_read_back_and_order_by_their_bits() {
        let early = Incarnation(1 << 100);
        let late = Incarnation((1 << 100) + 1);
        assert!(early < late);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert!("12".parse::<Incarnation>().is_err());
    }

    #[test]
    fn a_new_term_outranks_any_number_of_the_old_one() {
        let old = Generation {
            term: Term(1),
            number: 900,
        };
        let new = Generation {
            term: Term(2),
            number: 0,
        };
        assert!(old < new);
    }

    #[test]
    fn an_assignment_is_written_with_its_epoch() {
        let shard = ShardId::new(StreamName::new("orders").expect("a name"), 2);
        let id = AssignmentId {
            shard,
            epoch: Epoch(7),
        };
        assert_eq!(id.to_string(), "orders/2@7");
        let json = serde_json::to_value(&id).expect("an id is JSON");
        assert_eq!(
            json,
            serde_json::json!({"stream": "orders", "shard": 2, "epoch": 7})
        );
    }
}
