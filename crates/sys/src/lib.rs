//! The kernel: every `unsafe`, every raw system call, netlink, nftables and conntrack encoding,
//! cgroup files. One noun per module.

pub mod bpf;
pub mod capability;
pub mod clone;
pub mod conntrack;
pub mod descriptors;
pub mod entry;
pub mod execute;
pub mod fault;
pub mod memory;
pub mod mount;
pub mod netlink;
pub mod netns;
pub mod nftables;
pub mod overlay;
pub mod packet;
pub mod port;
pub mod program;
pub mod seccomp;
pub mod signal;
pub mod sigwait;
pub mod sock_diag;
pub mod socket;
pub mod spawn;
#[cfg(own_start)]
mod start;
pub mod sysctl;
pub mod task;
pub mod writeback;
