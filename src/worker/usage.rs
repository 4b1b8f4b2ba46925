//! What this process uses of its machine.

use crate::{
    cluster::{Time, worker::Load},
    engine::boottime_ms,
};

/// Compares each reading with the one before.
#[derive(Debug)]
pub(super) struct Usage {
    read: Time,
    cpu_us: u64,
}

impl Usage {
    pub(super) fn new() -> Self {
        Self {
            read: Time(boottime_ms()),
            cpu_us: cpu_us(),
        }
    }

    /// The load since the last call.
    pub(super) fn load(&mut self, now: Time) -> Load {
        let cpu_us = cpu_us();
        let took_us = now.since(self.read).max(1) * 1_000;
        let cpu = cpu_us.saturating_sub(self.cpu_us) as f64 / took_us as f64;
        *self = Self { read: now, cpu_us };
        Load {
            cpu,
            memory_bytes: resident_bytes(),
            backlog: 0,
        }
    }
}

fn cpu_us() -> u64 {
    // SAFETY: a struct of numbers may be zero, and the pointer is to one of our own.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let us = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
    us(usage.ru_utime) + us(usage.ru_stime)
}

/// 0 where `/proc` can't be read.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    // SAFETY: it has no memory to get wrong.
    let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages.unwrap_or(0) * u64::try_from(page_bytes).unwrap_or(0)
}
