//! Signals to everything, and freezing.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::make::write_file;
use super::{CgroupError, read, with_controller};
use crate::plan::{Cgroup, Layout};

/// How long freezing may take: a process in an uninterruptible sleep delays it.
const FREEZE_LIMIT: Duration = Duration::from_secs(2);

/// How often killing is repeated against processes that multiply.
const KILL_ROUNDS: usize = 100;

/// Kills every process of the groups: `cgroup.kill` on v2, freeze, kill and thaw on v1.
pub fn kill_all(cgroup: &Cgroup) -> Result<(), CgroupError> {
    if let Some(directory) = cgroup.directories.iter().find(|directory| directory.unified) {
        let file = directory.absolute().join("cgroup.kill");
        match write_file(&file, "1") {
            // Beside v1 controllers: what is frozen there dies only when it is thawed.
            Ok(()) => {
                return match cgroup.layout {
                    Layout::V1 => thaw(cgroup),
                    Layout::V2 => Ok(()),
                };
            }
            // The group is gone with its last process.
            Err(error) if !directory.absolute().exists() => return drop_gone(error),
            // Before Linux 5.14.
            Err(_) => {}
        }
    }
    // What freezing cannot stop is killed in rounds; without a freezer that is all there is.
    let frozen = freeze(cgroup);
    let killed = kill_each(cgroup);
    let thawed = frozen.and_then(|()| thaw(cgroup));
    killed.and(thawed)
}

fn drop_gone(_error: std::io::Error) -> Result<(), CgroupError> {
    Ok(())
}

fn kill_each(cgroup: &Cgroup) -> Result<(), CgroupError> {
    let mut known = Vec::new();
    for _ in 0..KILL_ROUNDS {
        let mut pids = read::processes(cgroup)?;
        pids.retain(|pid| !known.contains(pid));
        if pids.is_empty() {
            return Ok(());
        }
        for &pid in &pids {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // It may have ended since.
                kill_process(pid, Signal::KILL).unwrap_or_default();
            }
        }
        known.append(&mut pids);
    }
    Ok(())
}

/// Stops every process until [`thaw`].
pub fn freeze(cgroup: &Cgroup) -> Result<(), CgroupError> {
    set_state(cgroup, State { v1: "FROZEN", v2: "1" })
}

/// Lets frozen processes go on.
pub fn thaw(cgroup: &Cgroup) -> Result<(), CgroupError> {
    set_state(cgroup, State { v1: "THAWED", v2: "0" })
}

/// Whether the group is frozen.
pub fn is_frozen(cgroup: &Cgroup) -> Result<bool, CgroupError> {
    let Some(directory) = with_controller(cgroup, "freezer") else {
        return Ok(false);
    };
    let value = match cgroup.layout {
        Layout::V1 => "FROZEN",
        Layout::V2 => "1",
    };
    Ok(reached(cgroup.layout, &directory.absolute(), value))
}

struct State {
    v1: &'static str,
    v2: &'static str,
}

fn set_state(cgroup: &Cgroup, state: State) -> Result<(), CgroupError> {
    let Some(directory) = with_controller(cgroup, "freezer") else {
        return Ok(());
    };
    let path = directory.absolute();
    let (file, value) = match cgroup.layout {
        Layout::V1 => (path.join("freezer.state"), state.v1),
        Layout::V2 => (path.join("cgroup.freeze"), state.v2),
    };
    let deadline = Instant::now() + FREEZE_LIMIT;
    loop {
        match write_file(&file, value) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            written => written.map_err(CgroupError::on("write", &file))?,
        }
        if reached(cgroup.layout, &path, value) || Instant::now() >= deadline {
            return Ok(());
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn reached(layout: Layout, path: &Path, value: &str) -> bool {
    let (file, wanted) = match layout {
        Layout::V1 => ("freezer.state", value.to_owned()),
        Layout::V2 => ("cgroup.events", format!("frozen {value}")),
    };
    fs::read_to_string(path.join(file)).is_ok_and(|text| text.lines().any(|line| line == wanted))
}
