//! Kernel settings under `/proc/sys/net`, of the calling thread's network namespace.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};

/// An IP version's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `ipv4`.
    V4,
    /// `ipv6`.
    V6,
}

/// Sets one link's setting. The link's name must be one that the kernel has accepted: it has no slash.
///
/// # Errors
/// Not found if the link is gone or the kernel lacks the family; as write(2) otherwise.
pub fn set_for_link(family: Family, link: &str, key: &str, value: &str) -> io::Result<()> {
    let family = match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    set(&format!("{family}/conf/{link}/{key}"), value)
}

/// Sets `/proc/sys/net/<key>`.
///
/// # Errors
/// Not found if there is no such setting; as write(2) otherwise.
pub fn set(key: &str, value: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(path(key))?
        .write_all(value.as_bytes())
}

/// Reads `/proc/sys/net/<key>` without surrounding white space.
///
/// # Errors
/// Not found if there is no such setting; as read(2) otherwise.
pub fn get(key: &str) -> io::Result<String> {
    Ok(fs::read_to_string(path(key))?.trim().to_owned())
}

fn path(key: &str) -> String {
    format!("/proc/sys/net/{key}")
}
