//! Device rules of a v2 group: an eBPF program attached to its directory.

use std::fs::File;
use std::os::fd::AsFd;

use crate::failure::{Context, CreateError};
use crate::plan::Cgroup;

/// Loads and attaches the plan's program, if it has one.
pub(super) fn attach(cgroup: &Cgroup) -> Result<(), CreateError> {
    if cgroup.device_program.is_empty() {
        return Ok(());
    }
    let Some(directory) = cgroup.directories.iter().find(|directory| directory.unified) else {
        return Ok(());
    };
    let path = directory.absolute();
    let group = File::open(&path).internal(|| format!("open cgroup {}", path.display()))?;
    let program = corten_sys::bpf::load_device_program(&cgroup.device_program).internal(|| "load device program")?;
    corten_sys::bpf::attach_to_cgroup(program.as_fd(), group.as_fd()).internal(|| "attach device program")
}
