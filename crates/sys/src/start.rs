//! What stands between `_start` and `main` in a static program, in the place of the C library's own.
//!
//! The C library asks the processor 68 questions (`cpuid`) before `main`, 51 of them about its caches, to choose among
//! versions of `memcpy` and the like. In a virtual machine each question is an exit to the host: 1 to 7 us, so up to
//! half a millisecond of every start, more than all the rest of it. This start asks nothing: the versions for any
//! x86-64 are used.
//!
//! It does what `__libc_start_main` of glibc 2.36 does (csu/libc-start.c), in the same order, but for the questions
//! and for what lets the main thread call `pthread_exit`. It uses names that the C library has for itself alone and the layout of
//! one of its structures, so it is built for exactly that version, on x86-64, in static programs (`build.rs`); any
//! other has its library's own. That the names are there, the linker checks; that the start is complete, every test
//! of this workspace, which all begin here, and those below.

use core::arch::naked_asm;
use core::ffi::{c_char, c_int, c_void};
use core::ptr::null_mut;

type Main = unsafe extern "C" fn(c_int, *mut *mut c_char, *mut *mut c_char) -> c_int;
type Step = unsafe extern "C" fn(c_int, *mut *mut c_char, *mut *mut c_char);
type AtExit = unsafe extern "C" fn(*mut c_void);

// From here on the sizes that the library's own start would have found. Bytes.
const DATA_CACHE: u64 = 32 << 10;
const SHARED_CACHE: u64 = 1 << 20;
/// Copies from this size on go past the caches.
const PAST_CACHES: u64 = SHARED_CACHE * 3 / 4;
/// The smallest that `rep movsb` and `rep stosb` are used for, by versions for newer processors.
const REPEATED: u64 = 2048;

#[unsafe(no_mangle)]
static __x86_data_cache_size: u64 = DATA_CACHE;
#[unsafe(no_mangle)]
static __x86_data_cache_size_half: u64 = DATA_CACHE / 2;
#[unsafe(no_mangle)]
static __x86_shared_cache_size: u64 = SHARED_CACHE;
#[unsafe(no_mangle)]
static __x86_shared_cache_size_half: u64 = SHARED_CACHE / 2;
#[unsafe(no_mangle)]
static __x86_shared_non_temporal_threshold: u64 = PAST_CACHES;
#[unsafe(no_mangle)]
static __x86_rep_movsb_threshold: u64 = REPEATED;
#[unsafe(no_mangle)]
static __x86_rep_movsb_stop_threshold: u64 = PAST_CACHES;
#[unsafe(no_mangle)]
static __x86_rep_stosb_threshold: u64 = REPEATED;
#[unsafe(no_mangle)]
static __x86_string_control: u32 = 0;

/// The same sizes for libraries that are loaded later (name services): they copy this program's answers.
#[repr(C)]
struct Features {
    /// `arch_kind_other`: asked, and nothing special.
    kind: u32,
    before: [u32; 83],
    data_cache: u64,
    shared_cache: u64,
    past_caches: u64,
    rep_movsb: u64,
    rep_movsb_stop: u64,
    rep_stosb: u64,
}

const KIND_OTHER: u32 = 4;

unsafe extern "C" {
    static __environ: *mut *mut c_char;
    static mut _dl_x86_cpu_features: Features;
    static __libc_enable_secure: c_int;
    static __preinit_array_start: [Step; 0];
    static __preinit_array_end: [Step; 0];
    static __init_array_start: [Step; 0];
    static __init_array_end: [Step; 0];
    static __fini_array_start: [unsafe extern "C" fn(); 0];
    static __fini_array_end: [unsafe extern "C" fn(); 0];

    fn __libc_early_init(is_first: bool);
    fn __libc_init_first(count: c_int, arguments: *mut *mut c_char, environment: *mut *mut c_char);
    fn __libc_check_standard_fds();
    fn __cxa_atexit(function: AtExit, argument: *mut c_void, library: *mut c_void) -> c_int;
    fn _dl_debug_initialize(base: usize, space: usize);
    fn _init();
    fn _fini();
}

/// Called by `_start` with the arguments on the stack; never returns. Up to the end of relocation no address may come
/// out of a table, and up to that of the choice among versions (`R_X86_64_IRELATIVE`) no function may be called that has
/// several (`memcpy`): therefore it is no Rust. In programs that move, relocation has made the choice already, and the linker leaves
/// the two names of the table without value.
///
/// # Safety
/// As the C library's: called once, by `_start`, before anything else runs.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn __libc_start_main(
    main: Main,
    count: c_int,
    arguments: *mut *mut c_char,
    init: *const c_void,
    fini: *const c_void,
    loaders: Option<AtExit>,
    stack_end: *mut c_void,
) -> ! {
    naked_asm!(
        ".weak __rela_iplt_start",
        ".weak __rela_iplt_end",
        "mov rax, qword ptr [rsp + 8]",
        "and rsp, -16",
        "mov qword ptr [rip + __libc_stack_end], rax",
        "mov r12, rdi",
        "movsxd r13, esi",
        "mov r14, rdx",
        "mov r15, r9",
        "lea rdi, [r14 + 8 * r13 + 8]",
        "mov qword ptr [rip + __environ], rdi",
        "2: add rdi, 8",
        "cmp qword ptr [rdi - 8], 0",
        "jne 2b",
        "call _dl_aux_init",
        "mov rdi, qword ptr [rip + __environ]",
        "call __tunables_init",
        "call _dl_relocate_static_pie",
        "mov rbx, qword ptr [rip + __rela_iplt_start@GOTPCREL]",
        "mov rbp, qword ptr [rip + __rela_iplt_end@GOTPCREL]",
        "jmp 4f",
        "3: call qword ptr [rbx + 16]",
        "mov rdx, qword ptr [rbx]",
        "mov qword ptr [rdx], rax",
        "add rbx, 24",
        "4: cmp rbx, rbp",
        "jb 3b",
        "call __libc_setup_tls",
        // the thread's block is there: the kernel's random numbers guard the stack, and stored jumps (tcbhead_t)
        "mov rdx, qword ptr [rip + _dl_random]",
        "mov rax, qword ptr [rdx]",
        "xor al, al",
        "mov qword ptr fs:[0x28], rax",
        "mov rax, qword ptr [rdx + 8]",
        "mov qword ptr fs:[0x30], rax",
        "xor ebp, ebp",
        "mov rdi, r12",
        "mov esi, r13d",
        "mov rdx, r14",
        "mov rcx, r15",
        "call {rest}",
        "ud2",
        rest = sym rest,
    )
}

/// What follows once the program can call whatever it contains.
///
/// # Safety
/// Called once, by the above.
unsafe extern "C" fn rest(main: Main, count: c_int, arguments: *mut *mut c_char, loaders: Option<AtExit>) -> ! {
    // SAFETY: the order is the library's; no other thread exists.
    unsafe {
        describe_processor();
        if let Some(function) = loaders {
            __cxa_atexit(function, null_mut(), null_mut());
        }
        __libc_early_init(true);
        __libc_init_first(count, arguments, __environ);
        __cxa_atexit(finish, null_mut(), null_mut());
        if __libc_enable_secure != 0 {
            __libc_check_standard_fds();
        }
        let preinit = (&raw const __preinit_array_start, &raw const __preinit_array_end);
        each(preinit.0.cast(), preinit.1.cast(), count, arguments);
        _init();
        let init = (&raw const __init_array_start, &raw const __init_array_end);
        each(init.0.cast(), init.1.cast(), count, arguments);
        _dl_debug_initialize(0, 0);
        libc::exit(main(count, arguments, __environ))
    }
}

/// Leaves the answers that nobody asked for.
unsafe fn describe_processor() {
    let features = &raw mut _dl_x86_cpu_features;
    // SAFETY: the structure is the library's, laid out as above in 2.36; nobody reads it yet.
    unsafe {
        (*features).kind = KIND_OTHER;
        (*features).data_cache = DATA_CACHE;
        (*features).shared_cache = SHARED_CACHE;
        (*features).past_caches = PAST_CACHES;
        (*features).rep_movsb = REPEATED;
        (*features).rep_movsb_stop = PAST_CACHES;
        (*features).rep_stosb = REPEATED;
    }
}

/// Calls what stands between two addresses.
unsafe fn each(mut step: *const Step, end: *const Step, count: c_int, arguments: *mut *mut c_char) {
    // SAFETY: the linker made the table of constructors, whose type this is.
    unsafe {
        while step < end {
            (*step)(count, arguments, __environ);
            step = step.offset(1);
        }
    }
}

/// Destructors, the last first.
unsafe extern "C" fn finish(_: *mut c_void) {
    let first: *const unsafe extern "C" fn() = (&raw const __fini_array_start).cast();
    let mut step: *const unsafe extern "C" fn() = (&raw const __fini_array_end).cast();
    // SAFETY: as in `each`; called once, by `exit`.
    unsafe {
        while step > first {
            step = step.offset(-1);
            (*step)();
        }
        _fini();
    }
}

#[cfg(test)]
mod tests {
    use core::arch::asm;
    use std::net::ToSocketAddrs as _;

    /// What guards the stack of this thread.
    fn guard() -> u64 {
        let guard;
        // SAFETY: reads the thread's block, which every thread has.
        unsafe { asm!("mov {0}, qword ptr fs:[0x28]", out(reg) guard, options(nostack, readonly)) };
        guard
    }

    #[test]
    fn the_stack_is_guarded_in_every_thread() {
        assert_ne!(guard(), 0);
        assert_eq!(guard() & 0xff, 0, "a string ends before it");
        assert_eq!(std::thread::spawn(guard).join().unwrap(), guard());
    }

    #[test]
    fn copies_of_every_size_are_whole() {
        for length in [1, 63, 129, 2047, 2049, 1 << 16, (1 << 20) - 1, (1 << 20) + 1, 5 << 20] {
            let source: Vec<u8> = (0..length)
                .map(|at: u32| at.wrapping_mul(31).to_le_bytes()[0])
                .collect();
            assert!(source.clone() == source, "{length}");
            let mut moved = source.clone();
            moved.copy_within(0..source.len() - 1, 1);
            assert!(moved[1..] == source[..source.len() - 1], "{length}");
        }
    }

    /// Name services are libraries that a static program loads; they take this program's description of the processor.
    #[test]
    fn names_are_found() {
        let found = ("localhost", 80).to_socket_addrs().unwrap();
        assert!(found.into_iter().any(|address| address.ip().is_loopback()));
        // SAFETY: the name ends with a zero; the answer is the library's and only compared with null.
        assert!(!unsafe { libc::getpwnam(c"root".as_ptr()) }.is_null());
    }

    #[test]
    fn the_program_has_its_arguments_and_variables() {
        assert!(std::env::args().next().is_some_and(|name| name.contains("corten_sys")));
        assert!(std::env::vars_os().next().is_some());
        // SAFETY: asks for a number.
        assert_ne!(unsafe { libc::getauxval(libc::AT_RANDOM) }, 0);
    }
}
