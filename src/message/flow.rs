//! The identity of a message on its way through a stream, for mappings that ask for it (`flow_id`).
//!
//! It is a number of 32 bits in each message, which costs nothing until a mapping that asks is compiled. What mappings see is a UUID of
//! that number and of random bits of this process.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::Mutex;
use uuid::{Builder, Uuid};

/// Whether messages are numbered when they come in.
static WANTED: AtomicBool = AtomicBool::new(false);
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The random bits of the numbers' lower and upper half. When numbers come around, a half gets new ones, so that an id comes again only
/// if its message lives while two thousand million others are made.
static RANDOM: Mutex<Option<[u128; 2]>> = Mutex::new(None);

const HALF: u32 = 1 << 31;

/// A message's number; clones have the same. 0 is none yet.
#[derive(Debug, Default)]
pub(super) struct Flow(AtomicU32);

impl Clone for Flow {
    fn clone(&self) -> Flow {
        Flow(AtomicU32::new(self.0.load(Ordering::Relaxed)))
    }
}

/// Numbers messages from now on when they come in, so that all copies of one have the same number.
pub(crate) fn want() {
    WANTED.store(true, Ordering::Relaxed);
}

impl Flow {
    /// Has a number from now on, if any is wanted.
    #[inline]
    pub(super) fn begin(&self) {
        if WANTED.load(Ordering::Relaxed) {
            self.number();
        }
    }

    /// The number; made now if there was none.
    fn number(&self) -> u32 {
        match self.0.load(Ordering::Relaxed) {
            0 => {
                let number = next();
                let made = self
                    .0
                    .compare_exchange(0, number, Ordering::Relaxed, Ordering::Relaxed);
                made.map_or_else(|other| other, |_| number)
            }
            number => number,
        }
    }

    /// The id that mappings see.
    pub(super) fn id(&self) -> Uuid {
        let number = self.number();
        let random = RANDOM.lock().get_or_insert_with(|| [fresh(), fresh()])[half(number)];
        let bits = random & !u128::from(u32::MAX) | u128::from(number);
        Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }
}

fn next() -> u32 {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    if number == 0 || number == HALF {
        let mut random = RANDOM.lock();
        random.get_or_insert_with(|| [fresh(), fresh()])[half(number)] = fresh();
    }
    match number {
        0 => next(),
        number => number,
    }
}

fn half(number: u32) -> usize {
    usize::from(number >= HALF)
}

fn fresh() -> u128 {
    Uuid::new_v4().as_u128()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_an_id_and_others_have_their_own() {
        let flow = Flow::default();
        let id = flow.id();
        assert_eq!(flow.id(), id);
        assert_eq!(flow.clone().id(), id);
        let other = Flow::default();
        want();
        other.begin();
        let copy = other.clone();
        assert_eq!(copy.id(), other.id());
        assert_ne!(copy.id(), id);
    }
}
