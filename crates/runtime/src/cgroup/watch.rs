//! Being told by the kernel when a group's processes are killed for want of memory.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};

use super::{CgroupError, with_controller};
use crate::plan::{Cgroup, Layout};

/// A descriptor that epoll(7) reports when memory has run out in the groups; `None` where the kernel has no such
/// thing. To be watched edge-triggered.
///
/// With v1 an eventfd of cgroup.event_control (cgroup-v1/memory.rst, section 10), ready to be read; also when the
/// group is removed. With v2 `memory.events`, exceptional (EPOLLPRI) each time that one of its counters has changed;
/// it has to be read before it is so again.
///
/// # Errors
/// The kernel refuses for a reason of its own.
pub fn watch_memory(cgroup: &Cgroup) -> Result<Option<OwnedFd>, CgroupError> {
    let Some(directory) = with_controller(cgroup, "memory") else {
        return Ok(None);
    };
    let directory = directory.absolute();
    let (file, opened) = match cgroup.layout {
        Layout::V1 => ("cgroup.event_control", register(&directory)),
        Layout::V2 => (
            "memory.events",
            File::open(directory.join("memory.events")).map(OwnedFd::from),
        ),
    };
    match opened {
        Ok(descriptor) => Ok(Some(descriptor)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CgroupError::on("watch", directory.join(file))(error)),
    }
}

fn register(directory: &std::path::Path) -> io::Result<OwnedFd> {
    let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let control = File::open(directory.join("memory.oom_control"))?;
    let line = format!("{} {}", event.as_raw_fd(), control.as_raw_fd());
    fs::write(directory.join("cgroup.event_control"), line)?;
    Ok(event)
}
