//! Whether this process may still act for a stream.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The end of the owner's lease, shared by everything that acts under it.
///
/// It is asked before every write of an output and every commit of a source, and not only by a timer: a process that was
/// paused wakes up in the middle of a write. Times are milliseconds of CLOCK_BOOTTIME, which counts on while a machine
/// is suspended.
#[derive(Clone, Debug)]
pub struct Fence(Arc<AtomicU64>);

impl Fence {
    /// A fence that never closes: for streams that nobody else could own.
    pub fn open() -> Fence {
        Fence(Arc::new(AtomicU64::new(u64::MAX)))
    }

    /// A fence that is open until `end_ms`.
    pub fn until(end_ms: u64) -> Fence {
        Fence(Arc::new(AtomicU64::new(end_ms)))
    }

    /// Moves the end of the lease; 0 closes the fence.
    pub fn set(&self, end_ms: u64) {
        self.0.store(end_ms, Ordering::Release);
    }

    /// Whether acting is allowed at this moment.
    pub fn is_open(&self) -> bool {
        let end = self.0.load(Ordering::Acquire);
        end == u64::MAX || boottime_ms() < end
    }
}

/// Milliseconds since the machine started, suspended time included.
pub fn boottime_ms() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec of our own, and the clock exists on every Linux that Rust supports.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut time) };
    assert_eq!(status, 0, "CLOCK_BOOTTIME can be read");
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_closes_at_its_end() {
        let fence = Fence::until(boottime_ms() + 60_000);
        assert!(fence.is_open());
        fence.set(boottime_ms());
        assert!(!fence.is_open());
        assert!(Fence::open().is_open());
    }
}
