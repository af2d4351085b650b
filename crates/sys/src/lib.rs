//! The kernel: every `unsafe`, every raw system call, netlink, nftables and conntrack encoding,
//! cgroup files. One noun per module.

pub mod conntrack;
pub mod fault;
pub mod memory;
pub mod netlink;
pub mod netns;
pub mod nftables;
pub mod port;
pub mod signal;
pub mod socket;
pub mod spawn;
pub mod sysctl;
pub mod bpf;
pub mod capability;
pub mod clone;
pub mod execute;
pub mod mount;
pub mod seccomp;
pub mod task;
