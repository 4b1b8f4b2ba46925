//! Who runs what: pure functions over a view of the cluster. No clock, no I/O, no randomness: `now` and seeds are arguments.
//!
//! How a shell uses it. The coordinator owns one [`View`], loaded from the store when it starts to lead, and one
//! loop around it:
//!
//! 1. An event arrives (a worker registers, a heartbeat, a session that breaks, an edit by the API). It goes into the view by
//!    one method of [`session`] or by a write of the stream; what the method returns as changed goes to the store.
//! 2. [`plan()`] says what should change: a list of [`Decision`]s. For each in order: write it to the store in one transaction,
//!    then [`View::apply`] it. A write whose outcome is unknown ends the round: load the view anew and plan again.
//! 3. [`View::duties`] is what each worker should run, complete; send it when it changed and with every answer to a heartbeat.
//! 4. Sleep until the next event or [`next_deadline`].
//!
//! Everything here is deterministic: the same arguments give the same result, in the same order.

/// An enum whose variants have a text each, the same in the store, in the API and in the protocol.
macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            utoipa::ToSchema,
        )]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::cluster::UnknownText;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    $crate::cluster::UnknownText {
                        text: text.to_owned(),
                        known: Self::ALL.iter().map(|value| value.as_str()).collect::<Vec<_>>().join(", "),
                    }
                })
            }
        }
    };
}

pub mod apply;
pub mod assignment;
mod board;
pub mod capacity;
pub mod decision;
pub mod explain;
pub mod foresee;
pub mod history;
pub mod invariants;
pub mod lease;
pub mod placement;
pub mod plan;
pub mod policy;
pub mod scale;
pub mod session;
pub mod sim;
pub mod stream;
pub mod time;
pub mod view;
pub mod worker;

pub use assignment::{Assignment, AssignmentState, FailureKind, Shard, Standing};
pub use decision::{Action, Decision};
pub use plan::{next_deadline, plan};
pub use policy::Policy;
pub use session::{Heard, Heartbeat, Hello, Registration, Report};
pub use stream::{Desired, OnPartition, ShardRange, Shards, Stream};
pub use time::Time;
pub use view::{Duty, Goal, View};
pub use worker::{Drain, DrainCause, Presence, Worker, WorkerState};

/// A text that is none of an enum's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown value `{text}` (known: {known})")]
pub struct UnknownText {
    pub text: String,
    pub known: String,
}
