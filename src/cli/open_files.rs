//! How many files a daemon may have open: each worker's session is one at its coordinator, each connection of a stream one at its worker.

/// Takes all that the system allows: what a process begins with, 1,024 more often than not, is there for programs of another time.
pub fn allow_all() {
    // SAFETY: the pointers are to a struct of our own, and a limit that can't be raised stays as it is.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}
