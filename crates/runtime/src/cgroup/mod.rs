//! A container's control groups after creation: signals to all, freezing, accounting, removal.

use crate::plan::Cgroup;

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

/// Kills every process of the groups: `cgroup.kill` on v2, freeze, kill and thaw on v1.
pub fn kill_all(_cgroup: &Cgroup) -> Result<(), CgroupError> {
    unimplemented!()
}

/// Stops every process until [`thaw`].
pub fn freeze(_cgroup: &Cgroup) -> Result<(), CgroupError> {
    unimplemented!()
}

/// Lets frozen processes go on.
pub fn thaw(_cgroup: &Cgroup) -> Result<(), CgroupError> {
    unimplemented!()
}

/// Pids of all processes in the groups and in groups below them, as the caller sees them.
pub fn processes(_cgroup: &Cgroup) -> Result<Vec<u32>, CgroupError> {
    unimplemented!()
}

/// How many processes the kernel has killed for want of memory. Zero without a memory controller.
pub fn oom_kills(_cgroup: &Cgroup) -> Result<u64, CgroupError> {
    unimplemented!()
}

/// Removes all directories with those below them. Tries until the last dying process has left, at
/// most two seconds. Missing directories are no error.
pub fn remove(_cgroup: &Cgroup) -> Result<(), CgroupError> {
    unimplemented!()
}
