//! glibc's allocator, told to be small, and code that is no longer needed.

use std::io;

/// Buffers of at least this many bytes are mappings of their own, and vanish when they are freed.
const MAPPED_BYTES: i32 = 32 * 1024;

/// Freed memory beyond this many bytes at the heap's end goes back to the kernel at once.
const KEPT_BYTES: i32 = 16 * 1024;

/// For a process with one thread and little to remember (mallopt(3)). Without it glibc moves its limits up each
/// time a large buffer is freed, and keeps the memory.
pub fn stay_small() {
    // SAFETY: mallopt(3) only changes the allocator's parameters; unknown ones are ignored.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BYTES);
        libc::mallopt(libc::M_TOP_PAD, 0);
    }
}

/// Gives unused pages of the heap back to the kernel (malloc_trim(3)).
pub fn trim() {
    // SAFETY: touches only memory that the allocator holds free.
    unsafe { libc::malloc_trim(0) };
}

/// Freed memory beyond this many bytes at a heap's end goes back to the kernel at once.
const SERVER_KEPT_BYTES: i32 = 256 * 1024;

/// Buffers of at least this many bytes are mappings of their own; smaller ones (pieces of streams) are
/// used again without a page fault.
const SERVER_MAPPED_BYTES: i32 = 512 * 1024;

/// For a server with a few threads that come and go (mallopt(3)): at most `arenas` heaps, where glibc would
/// give each thread one and keep its memory, and limits that do not move.
pub fn share_heaps(arenas: i32) {
    // SAFETY: mallopt(3) only changes the allocator's parameters; unknown ones are ignored.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, arenas);
        libc::mallopt(libc::M_TRIM_THRESHOLD, SERVER_KEPT_BYTES);
        libc::mallopt(libc::M_MMAP_THRESHOLD, SERVER_MAPPED_BYTES);
    }
}

#[cfg(own_start)]
unsafe extern "C" {
    /// What glibc calls at the end of a thread (malloc/arena.c). Its name is for the library alone, and the linker checks
    /// that it is there; used under the same conditions as the names in `start.rs`.
    fn __malloc_arena_thread_freeres();
}

/// From here on this thread gives what it frees back to the heaps at once. glibc keeps up to 400 freed pieces in each
/// thread (its `tcache`), and [`trim`] does not take them: in a thread that lives as long as the process they hold a page
/// each after every burst. Does nothing where the C library is another version.
pub fn forgo_cache() {
    #[cfg(own_start)]
    // SAFETY: empties the thread's cache, after which the allocator goes without (`tcache_shutting_down`), and lets go of
    // its heap, after which the next allocation takes one.
    unsafe {
        __malloc_arena_thread_freeres();
    }
}

/// Forgets which of the program's code was used so far, so that what only the start needed does not stay
/// mapped (madvise(2), `MADV_DONTNEED`); code that is used again is mapped again by a minor fault.
///
/// # Errors
/// `/proc/self/maps` cannot be read, or the kernel refuses; nothing is lost then.
pub fn forget_started_code() -> io::Result<()> {
    for line in std::fs::read_to_string("/proc/self/maps")?.lines() {
        let Some((start, end)) = code(line) else { continue };
        // SAFETY: the mapping is of a file, private and not writable, so that its pages are those of the file:
        // dropping them changes nothing that can be read or executed.
        if unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// The range of a line of `/proc/<pid>/maps` (proc_pid_maps(5)) that is a file's code.
fn code(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (range, mode) = (fields.next()?, fields.next()?);
    let path = fields.nth(3)?;
    let (start, end) = range.split_once('-')?;
    let address = |digits| usize::from_str_radix(digits, 16).ok();
    let range = (address(start)?, address(end)?);
    (mode == "r-xp" && path.starts_with('/') && range.0 < range.1).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_files_is_forgotten() {
        let text = "7f81-7f82 r-xp 00269000 fe:00 10256404                   /usr/bin/cortend";
        assert_eq!(code(text), Some((0x7f81, 0x7f82)));
        for other in [
            "7f81-7f82 rw-p 00269000 fe:00 10256404                   /usr/bin/cortend",
            "7f81-7f82 rwxp 00269000 fe:00 10256404                   /usr/bin/cortend",
            "7f81-7f82 r--p 00269000 fe:00 10256404                   /usr/bin/cortend",
            "7f81-7f82 r-xp 00000000 00:00 0                          [vdso]",
            "7f81-7f82 r-xp 00000000 00:00 0 ",
            "",
        ] {
            assert_eq!(code(other), None, "{other}");
        }
    }

    #[test]
    fn a_thread_without_cache_allocates_and_ends() {
        let work = || {
            forgo_cache();
            forgo_cache();
            let pieces: Vec<Vec<u8>> = (0..10_000).map(|size: u32| vec![1; size as usize % 3000]).collect();
            let total: usize = pieces.iter().map(Vec::len).sum();
            drop(pieces);
            trim();
            total
        };
        let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(work)).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), 13_995_000);
        }
    }

    #[test]
    fn the_program_goes_on_without_its_code_in_memory() {
        forget_started_code().unwrap();
        assert_eq!(code("zz-7f82 r-xp 0 0 0 /x"), None);
    }
}
