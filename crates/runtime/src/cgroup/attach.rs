//! Putting processes into the groups.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use crate::failure::{Context, CreateError};
use crate::plan::{Cgroup, CgroupDirectory};
use crate::scope::Held;

/// Open groups, ready to be entered.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// `tasks` of each v1 directory.
    entries: Vec<(PathBuf, File)>,
    /// The v2 directory; a process is born in it.
    unified: Option<File>,
    /// What keeps a scope alive until somebody has entered it.
    _held: Option<Held>,
}

impl Groups {
    /// Where a process is to be born (`CLONE_INTO_CGROUP`).
    pub(crate) fn unified(&self) -> Option<BorrowedFd<'_>> {
        self.unified.as_ref().map(AsFd::as_fd)
    }

    /// Moves the calling process, which has one thread, into all v1 groups.
    ///
    /// A thread that moves itself by `tasks` takes no lock against forks and exits; moving another process by
    /// `cgroup.procs` does, and waits for an RCU grace period first, which takes milliseconds on a loaded host.
    pub(crate) fn enter(&self) -> Result<(), CreateError> {
        for (path, file) in &self.entries {
            let mut file = file;
            file.write_all(b"0")
                .internal(|| format!("enter cgroup {}", path.display()))?;
        }
        Ok(())
    }
}

pub(super) fn open_all(cgroup: &Cgroup, held: Option<Held>) -> Result<Groups, CreateError> {
    let mut groups = Groups {
        _held: held,
        ..Groups::default()
    };
    for directory in &cgroup.directories {
        let path = directory.absolute();
        if directory.unified {
            groups.unified = Some(File::open(&path).internal(|| format!("open cgroup {}", path.display()))?);
        } else {
            groups.entries.push(open_entry(path)?);
        }
    }
    Ok(groups)
}

fn open_entry(path: PathBuf) -> Result<(PathBuf, File), CreateError> {
    let tasks = path.join("tasks");
    let file = OpenOptions::new()
        .write(true)
        .open(&tasks)
        .internal(|| format!("open {}", tasks.display()))?;
    Ok((path, file))
}

/// The groups of a running container. Where its first process has moved into a group below its v2
/// one (an init system does), that one is taken: the kernel allows no process beside groups that
/// pass controllers on.
pub(crate) fn open(cgroup: &Cgroup, init_pid: u32) -> Result<Groups, CreateError> {
    let mut groups = open_all(cgroup, None)?;
    let unified = cgroup.directories.iter().find(|one| one.unified);
    if let Some(below) = unified.and_then(|directory| moved_below(directory, init_pid)) {
        groups.unified = Some(File::open(&below).internal(|| format!("open cgroup {}", below.display()))?);
    }
    Ok(groups)
}

fn moved_below(directory: &CgroupDirectory, init_pid: u32) -> Option<PathBuf> {
    let control = std::fs::read_to_string(directory.absolute().join("cgroup.subtree_control")).ok()?;
    if control.trim().is_empty() {
        return None;
    }
    let own = std::fs::read_to_string(format!("/proc/{init_pid}/cgroup")).ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(directory.mount.join(path))
}
