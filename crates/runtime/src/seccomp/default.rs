//! Docker's default profile: what every container may call, what takes a capability, and what takes care.
//!
//! The list is that of Docker 28.5 (observed: the specification that dockerd hands to its runtime). System
//! calls that a kernel is too new for get ENOSYS, all others that are not listed EPERM.

use super::profile::{Action, Comparison, Condition, Profile, Rule};
use super::{Architecture, Context};

/// When a group of system calls is allowed.
#[derive(Debug, Clone, Copy)]
enum When {
    /// The process has the capability with this number.
    Capability(u32),
    /// The kernel is this or newer.
    Kernel(u32, u32),
    /// One of these is the host's own architecture.
    Native(&'static [Architecture]),
}

const SYS_ADMIN: u32 = 21;

/// The profile for a process.
pub(super) fn profile(context: &Context, native: Architecture) -> Profile {
    let mut rules: Vec<Rule> = ALWAYS.iter().map(|name| allow(name)).collect();
    for (when, names) in GROUPS {
        let holds = match when {
            When::Capability(number) => context.has(*number),
            When::Kernel(major, minor) => context.kernel >= (*major, *minor),
            When::Native(architectures) => architectures.contains(&native),
        };
        if holds {
            rules.extend(names.iter().map(|name| allow(name)));
        }
    }
    rules.push(Rule {
        conditions: vec![first(Comparison::NotEqual, AF_VSOCK)],
        ..allow("socket")
    });
    for persona in PERSONALITIES {
        rules.push(Rule {
            conditions: vec![first(Comparison::Equal, *persona)],
            ..allow("personality")
        });
    }
    if !context.has(SYS_ADMIN) {
        let none = Comparison::MaskedEqual { mask: NAMESPACE_FLAGS };
        rules.push(Rule {
            conditions: vec![first(none, 0)],
            ..allow("clone")
        });
        // Its flags are in memory, out of a filter's sight; callers fall back to clone.
        rules.push(Rule {
            action: Action::Errno(ENOSYS),
            ..allow("clone3")
        });
    }
    Profile {
        default: Action::Errno(EPERM),
        architectures: native.with_compatible(),
        rules,
        flags: 0,
    }
}

const EPERM: u16 = 1;
const ENOSYS: u16 = 38;

/// Virtual machine sockets are not namespaced.
const AF_VSOCK: u64 = 40;

/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
const NAMESPACE_FLAGS: u64 = 0x7e02_0000;

/// Linux, 32 bit Linux, both with UNAME26, and the query.
const PERSONALITIES: &[u64] = &[0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

fn allow(name: &str) -> Rule {
    Rule {
        name: name.to_owned(),
        action: Action::Allow,
        conditions: Vec::new(),
    }
}

fn first(comparison: Comparison, value: u64) -> Condition {
    Condition {
        argument: 0,
        comparison,
        value,
    }
}

const GROUPS: &[(When, &[&str])] = &[
    (When::Kernel(4, 8), &["process_vm_readv", "process_vm_writev", "ptrace"]),
    (
        When::Native(&[Architecture::Aarch64, Architecture::Arm]),
        &[
            "arm_fadvise64_64",
            "arm_sync_file_range",
            "sync_file_range2",
            "breakpoint",
            "cacheflush",
            "set_tls",
        ],
    ),
    (
        When::Native(&[Architecture::X86_64, Architecture::X32]),
        &["arch_prctl"],
    ),
    (
        When::Native(&[Architecture::X86_64, Architecture::X32, Architecture::X86]),
        &["modify_ldt"],
    ),
    // CAP_DAC_READ_SEARCH
    (When::Capability(2), &["open_by_handle_at"]),
    (
        When::Capability(SYS_ADMIN),
        &[
            "bpf",
            "clone",
            "clone3",
            "fanotify_init",
            "fsconfig",
            "fsmount",
            "fsopen",
            "fspick",
            "lookup_dcookie",
            "lsm_get_self_attr",
            "lsm_list_modules",
            "lsm_set_self_attr",
            "mount",
            "mount_setattr",
            "move_mount",
            "open_tree",
            "perf_event_open",
            "quotactl",
            "quotactl_fd",
            "setdomainname",
            "sethostname",
            "setns",
            "syslog",
            "umount",
            "umount2",
            "unshare",
        ],
    ),
    // CAP_SYS_BOOT
    (When::Capability(22), &["reboot"]),
    // CAP_SYS_CHROOT
    (When::Capability(18), &["chroot"]),
    // CAP_SYS_MODULE
    (When::Capability(16), &["delete_module", "init_module", "finit_module"]),
    // CAP_SYS_PACCT
    (When::Capability(20), &["acct"]),
    // CAP_SYS_PTRACE
    (
        When::Capability(19),
        &[
            "kcmp",
            "pidfd_getfd",
            "process_madvise",
            "process_vm_readv",
            "process_vm_writev",
            "ptrace",
        ],
    ),
    // CAP_SYS_RAWIO
    (When::Capability(17), &["iopl", "ioperm"]),
    // CAP_SYS_TIME
    (
        When::Capability(25),
        &["settimeofday", "stime", "clock_settime", "clock_settime64"],
    ),
    // CAP_SYS_TTY_CONFIG
    (When::Capability(26), &["vhangup"]),
    // CAP_SYS_NICE
    (
        When::Capability(23),
        &["get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"],
    ),
    // CAP_SYSLOG
    (When::Capability(34), &["syslog"]),
    // CAP_BPF
    (When::Capability(39), &["bpf"]),
    // CAP_PERFMON
    (When::Capability(38), &["perf_event_open"]),
];

#[rustfmt::skip]
const ALWAYS: &[&str] = &[
    "_llseek", "_newselect", "accept", "accept4", "access", "adjtimex", "alarm", "bind", "brk", "cachestat",
    "capget", "capset", "chdir", "chmod", "chown", "chown32", "clock_adjtime", "clock_adjtime64",
    "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
    "clock_nanosleep_time64", "close", "close_range", "connect", "copy_file_range", "creat", "dup", "dup2",
    "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2",
    "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "execve", "execveat", "exit", "exit_group",
    "faccessat", "faccessat2", "fadvise64", "fadvise64_64", "fallocate", "fanotify_mark", "fchdir", "fchmod",
    "fchmodat", "fchmodat2", "fchown", "fchown32", "fchownat", "fcntl", "fcntl64", "fdatasync", "fgetxattr",
    "flistxattr", "flock", "fork", "fremovexattr", "fsetxattr", "fstat", "fstat64", "fstatat64", "fstatfs",
    "fstatfs64", "fsync", "ftruncate", "ftruncate64", "futex", "futex_requeue", "futex_time64", "futex_wait",
    "futex_waitv", "futex_wake", "futimesat", "get_robust_list", "get_thread_area", "getcpu", "getcwd",
    "getdents", "getdents64", "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32",
    "getgroups", "getgroups32", "getitimer", "getpeername", "getpgid", "getpgrp", "getpid", "getppid",
    "getpriority", "getrandom", "getresgid", "getresgid32", "getresuid", "getresuid32", "getrlimit",
    "getrusage", "getsid", "getsockname", "getsockopt", "gettid", "gettimeofday", "getuid", "getuid32",
    "getxattr", "getxattrat", "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch",
    "io_cancel", "io_destroy", "io_getevents", "io_pgetevents", "io_pgetevents_time64", "io_setup",
    "io_submit", "ioctl", "ioprio_get", "ioprio_set", "ipc", "kill", "landlock_add_rule",
    "landlock_create_ruleset", "landlock_restrict_self", "lchown", "lchown32", "lgetxattr", "link", "linkat",
    "listen", "listmount", "listxattr", "listxattrat", "llistxattr", "lremovexattr", "lseek", "lsetxattr",
    "lstat", "lstat64", "madvise", "map_shadow_stack", "membarrier", "memfd_create", "memfd_secret", "mincore",
    "mkdir", "mkdirat", "mknod", "mknodat", "mlock", "mlock2", "mlockall", "mmap", "mmap2", "mprotect",
    "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedreceive_time64", "mq_timedsend",
    "mq_timedsend_time64", "mq_unlink", "mremap", "mseal", "msgctl", "msgget", "msgrcv", "msgsnd", "msync",
    "munlock", "munlockall", "munmap", "name_to_handle_at", "nanosleep", "newfstatat", "open", "openat",
    "openat2", "pause", "pidfd_open", "pidfd_send_signal", "pipe", "pipe2", "pkey_alloc", "pkey_free",
    "pkey_mprotect", "poll", "ppoll", "ppoll_time64", "prctl", "pread64", "preadv", "preadv2", "prlimit64",
    "process_mrelease", "pselect6", "pselect6_time64", "pwrite64", "pwritev", "pwritev2", "read", "readahead",
    "readlink", "readlinkat", "readv", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg",
    "remap_file_pages", "removexattr", "removexattrat", "rename", "renameat", "renameat2", "restart_syscall",
    "riscv_hwprobe", "rmdir", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo",
    "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_tgsigqueueinfo",
    "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam",
    "sched_getscheduler", "sched_rr_get_interval", "sched_rr_get_interval_time64", "sched_setaffinity",
    "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp", "select", "semctl",
    "semget", "semop", "semtimedop", "semtimedop_time64", "send", "sendfile", "sendfile64", "sendmmsg",
    "sendmsg", "sendto", "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsgid32",
    "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32", "setitimer", "setpgid",
    "setpriority", "setregid", "setregid32", "setresgid", "setresgid32", "setresuid", "setresuid32",
    "setreuid", "setreuid32", "setrlimit", "setsid", "setsockopt", "setuid", "setuid32", "setxattr",
    "setxattrat", "shmat", "shmctl", "shmdt", "shmget", "shutdown", "sigaltstack", "signalfd", "signalfd4",
    "sigprocmask", "sigreturn", "socketcall", "socketpair", "splice", "stat", "stat64", "statfs", "statfs64",
    "statmount", "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "sysinfo", "tee",
    "tgkill", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_gettime64",
    "timer_settime", "timer_settime64", "timerfd_create", "timerfd_gettime", "timerfd_gettime64",
    "timerfd_settime", "timerfd_settime64", "times", "tkill", "truncate", "truncate64", "ugetrlimit", "umask",
    "uname", "unlink", "unlinkat", "uretprobe", "utime", "utimensat", "utimensat_time64", "utimes", "vfork",
    "vmsplice", "wait4", "waitid", "waitpid", "write", "writev",
];
