//! The files that a container's resolver reads, as pure text: `/etc/hosts`, `/etc/hostname`,
//! `/etc/resolv.conf`. The caller writes them, always in place, since they are bind-mounted.

pub mod hosts;
pub mod resolv;

/// The content of `/etc/hostname`.
#[must_use]
pub fn hostname(name: &str) -> String {
    format!("{name}\n")
}
