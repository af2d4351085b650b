//! A container's control groups: made before its first process, entered, read, frozen, killed, removed.
//!
//! On disk: one directory per hierarchy, `<mount>/<path>`, as the plan names them. They outlive the
//! container's processes; whoever executed the plan removes them.

mod attach;
mod device;
mod kill;
mod make;
mod read;
mod remove;
mod update;
mod watch;

pub use kill::{freeze, is_frozen, kill_all, thaw};
pub use read::{has_memory_group, kills_in, oom_kills, processes};
pub use remove::remove;
pub use update::{UpdateError, update};
pub use watch::watch_memory;

pub(crate) use attach::{Groups, open};
pub(crate) use make::make;

use crate::plan::{Cgroup, CgroupDirectory};

/// Why a group could not be read, changed or removed.
#[derive(Debug, thiserror::Error)]
#[error("{act} {path}")]
pub struct CgroupError {
    /// What was tried: `write`, `read`, `make`, `remove`.
    pub act: &'static str,
    /// The file or directory.
    pub path: std::path::PathBuf,
    /// Why not.
    #[source]
    pub source: std::io::Error,
}

impl CgroupError {
    fn on(act: &'static str, path: impl Into<std::path::PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self { act, path, source }
    }
}

/// The directory that has this controller; on v2 there is only one.
#[must_use]
pub fn with_controller<'plan>(cgroup: &'plan Cgroup, controller: &str) -> Option<&'plan CgroupDirectory> {
    match cgroup.layout {
        crate::plan::Layout::V1 => cgroup
            .directories
            .iter()
            .find(|directory| directory.controllers.iter().any(|name| name == controller)),
        crate::plan::Layout::V2 => cgroup.directories.iter().find(|directory| directory.unified),
    }
}
