//! glibc's allocator, told to be small.

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
