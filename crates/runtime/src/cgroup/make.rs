//! Making the directories and writing the limits.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::attach::{self, Groups};
use super::device;
use crate::failure::{Context, CreateError};
use crate::plan::{Cgroup, CgroupDirectory, CgroupWrite, Scope};
use crate::scope::{self, Held};

/// Makes all directories with their limits and opens them for the processes to enter.
/// On failure those that were made are removed again.
pub(crate) fn make(cgroup: &Cgroup) -> Result<Groups, CreateError> {
    let held = match &cgroup.scope {
        Some(scope) => Some(start(scope)?),
        None => None,
    };
    let made = cgroup.directories.iter().try_for_each(make_one).and_then(|()| {
        device::attach(cgroup)?;
        attach::open_all(cgroup, held)
    });
    if made.is_err() {
        // The first failure is the one to report.
        super::remove(cgroup).unwrap_or_default();
    }
    made
}

/// systemd makes what is below; what it leaves out (v1 hierarchies that it does not use) is made like any other.
fn start(scope: &Scope) -> Result<Held, CreateError> {
    scope::start(scope).internal(|| format!("unable to apply cgroup configuration: scope {}", scope.unit))
}

fn make_one(directory: &CgroupDirectory) -> Result<(), CreateError> {
    let path = directory.absolute();
    make_directory(directory, &path)?;
    if directory.unified {
        enable_controllers(directory)?;
    }
    directory.writes.iter().try_for_each(|write| apply(&path, write))
}

fn make_directory(directory: &CgroupDirectory, path: &Path) -> Result<(), CreateError> {
    match fs::create_dir(path) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make_with_parent(directory, path)?;
        }
        Err(error) => Err(error).internal(|| format!("make cgroup {}", path.display()))?,
    }
    fill_cpuset(directory, path)
}

/// The directory above may be another daemon's too, which removes it where it is empty: at its end, and so at any moment.
fn make_with_parent(directory: &CgroupDirectory, path: &Path) -> Result<(), CreateError> {
    const ATTEMPTS: usize = 5;
    let mut made = Ok(());
    for _ in 0..ATTEMPTS {
        if let Some(parent) = path.parent().filter(|parent| *parent != directory.mount) {
            make_directory(directory, parent)?;
            inherit_cpusets(directory, parent)?;
        }
        made = fs::create_dir(path);
        match &made {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Ok(()) | Err(_) => break,
        }
    }
    made.internal(|| format!("make cgroup {}", path.display()))
}

fn is_cpuset(directory: &CgroupDirectory) -> bool {
    !directory.unified && directory.controllers.iter().any(|name| name == "cpuset")
}

/// Groups made below `parent` start with its processors and memory nodes; else a v1 cpuset is empty and
/// nothing can enter it.
fn inherit_cpusets(directory: &CgroupDirectory, parent: &Path) -> Result<(), CreateError> {
    if is_cpuset(directory) {
        write_file(&parent.join("cgroup.clone_children"), "1").internal(|| "write cgroup.clone_children")?;
    }
    Ok(())
}

fn fill_cpuset(directory: &CgroupDirectory, path: &Path) -> Result<(), CreateError> {
    if is_cpuset(directory) {
        fill_from_above(&directory.mount, path)?;
    }
    Ok(())
}

/// Gives an empty v1 cpuset what the group above has. That one may have been made by another process this
/// moment and be empty too, so it is filled first; the hierarchy's root never is.
fn fill_from_above(mount: &Path, path: &Path) -> Result<(), CreateError> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let own = path.join(file);
        let value = fs::read_to_string(&own).internal(|| format!("read {}", own.display()))?;
        if !value.trim().is_empty() {
            continue;
        }
        let above = path.parent().unwrap_or(path);
        if above != mount && above.starts_with(mount) {
            fill_from_above(mount, above)?;
        }
        let above = above.join(file);
        let value = fs::read_to_string(&above).internal(|| format!("read {}", above.display()))?;
        write_file(&own, value.trim()).internal(|| format!("write {}", own.display()))?;
    }
    Ok(())
}

/// Controllers reach a v2 group only if every group above it passes them on.
fn enable_controllers(directory: &CgroupDirectory) -> Result<(), CreateError> {
    if directory.controllers.is_empty() {
        return Ok(());
    }
    let own = directory.absolute().join("cgroup.controllers");
    let there = fs::read_to_string(&own).internal(|| format!("read {}", own.display()))?;
    let missing = |name: &&String| !there.split_whitespace().any(|word| word == *name);
    if !directory.controllers.iter().any(|name| missing(&name)) {
        return Ok(());
    }
    let mut at = directory.mount.clone();
    for component in directory.path.components() {
        let file = at.join("cgroup.subtree_control");
        for name in &directory.controllers {
            // One that the kernel or the group above lacks shows when its file is written.
            write_file(&file, &format!("+{name}")).unwrap_or_default();
        }
        at.push(component);
    }
    Ok(())
}

fn apply(path: &Path, write: &CgroupWrite) -> Result<(), CreateError> {
    let file = path.join(&write.file);
    match write_file(&file, &write.value) {
        Err(error) if write.optional && is_lacking(&error) => Ok(()),
        written => written.invalid(|| format!("failed to write {:?} to {:?}", write.value, file)),
    }
}

/// Whether the kernel lacks the file, or the device's scheduler what it is for (`io.bfq.weight` without BFQ on it).
pub(super) fn is_lacking(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unsupported)
}

/// One write(2), no creation: these files are commands to the kernel.
pub(super) fn write_file(path: &Path, value: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_scheduler_does_not_do_is_lacking() {
        for (number, lacking) in [(95, true), (2, true), (22, false), (13, false)] {
            assert_eq!(is_lacking(&io::Error::from_raw_os_error(number)), lacking, "{number}");
        }
    }

    #[test]
    fn an_empty_cpuset_above_is_filled_first() {
        let mount = tempfile::tempdir().unwrap();
        let child = mount.path().join("parent/child");
        fs::create_dir_all(&child).unwrap();
        for (directory, value) in [(mount.path(), "0-1\n"), (child.parent().unwrap(), "\n"), (&child, "\n")] {
            for file in ["cpuset.cpus", "cpuset.mems"] {
                fs::write(directory.join(file), value).unwrap();
            }
        }
        fill_from_above(mount.path(), &child).unwrap();
        for directory in [child.parent().unwrap(), &child] {
            assert!(
                fs::read_to_string(directory.join("cpuset.cpus"))
                    .unwrap()
                    .starts_with("0-1")
            );
        }
    }
}
