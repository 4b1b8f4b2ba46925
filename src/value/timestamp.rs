//! A point in time with the zone it is shown in.

use chrono::{DateTime, FixedOffset};

/// An instant, to the nanosecond, with the zone it prints in.
#[derive(Clone, Debug, PartialEq)]
pub struct Timestamp(pub DateTime<FixedOffset>);
