//! What a daemon needs resident: not the code that only its start ran.
//!
//! Each page of the program that was touched once stays mapped, with its neighbours that the kernel maps along with it: arguments, schemas,
//! TLS set-up, migrations, the first session. In a daemon that idles this is most of its memory, and in a container it counts as its working set.

use std::{ffi::c_void, time::Duration};

/// By then a role is up and has met its peer.
const START: Duration = Duration::from_secs(2);

/// Gives the pages of the program's code and constants back, once, when the start is over. What is used later is mapped again as it is touched,
/// from the page cache.
pub async fn shrink_after_start() {
    tokio::time::sleep(START).await;
    // SAFETY: the callback has the signature that is asked for, and ends before the call does.
    unsafe { libc::dl_iterate_phdr(Some(release_program), std::ptr::null_mut()) };
}

/// Called for each object in memory, the program first; ends the walk after that.
unsafe extern "C" fn release_program(
    object: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    _data: *mut c_void,
) -> libc::c_int {
    // SAFETY: the loader hands out a valid object, whose headers live as long as the program.
    let (base, headers) = unsafe {
        let object = &*object;
        let headers = std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into());
        (object.dlpi_addr as usize, headers)
    };
    // SAFETY: sysconf only reads a number that the system keeps.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    for segment in headers {
        if segment.p_type != libc::PT_LOAD || segment.p_flags & libc::PF_W != 0 {
            continue;
        }
        let first = (base + segment.p_vaddr as usize).next_multiple_of(page);
        let end = (base + segment.p_vaddr as usize + segment.p_memsz as usize) / page * page;
        if first < end {
            // SAFETY: whole pages of a segment that can't be written (the linker refuses relocations in code) hold what the file holds,
            // and a file that is being executed can't be written either: a page that is given back reads the same when it is touched again.
            // A failure changes nothing.
            unsafe { libc::madvise(first as *mut c_void, end - first, libc::MADV_DONTNEED) };
        }
    }
    1
}
