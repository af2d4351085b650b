//! Resource limits and other attributes of the process that need no identity.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::Write;

use corten_sys::task;

use crate::failure::{Context, CreateError};
use crate::plan::Process;

/// What must happen while the caller still has all rights and the host's `/proc`.
pub(super) fn set_before_root(process: &Process) -> Result<(), CreateError> {
    if let Some(priority) = process.io_priority {
        task::set_io_priority(priority.class, priority.level).invalid(|| "set io priority")?;
    }
    Ok(())
}

/// The file that takes the AppArmor profile of the next exec.
pub(super) fn open_apparmor(process: &Process) -> Result<Option<(File, String)>, CreateError> {
    if process.apparmor_profile.is_empty() {
        return Ok(None);
    }
    let open = |path| OpenOptions::new().write(true).open(path);
    let file = open("/proc/self/attr/apparmor/exec").or_else(|_| open("/proc/self/attr/exec"));
    let file = file.invalid(|| format!("apply apparmor profile {}", process.apparmor_profile))?;
    Ok(Some((file, format!("exec {}", process.apparmor_profile))))
}

/// Resource limits of the process `pid`, zero for the caller. In a user namespace they can only be raised by the creator.
/// Where none is asked for, the creator's own for descriptors, as it was before the creator raised it.
pub(crate) fn set_resources(process: &Process, pid: u32) -> Result<(), CreateError> {
    let descriptors = rustix::process::Resource::Nofile as u32;
    if !process.rlimits.iter().any(|limit| limit.resource == descriptors) {
        let pid = rustix::process::Pid::from_raw(pid.cast_signed());
        corten_sys::descriptors::lower(pid).invalid(|| "error setting rlimit type RLIMIT_NOFILE")?;
    }
    for limit in &process.rlimits {
        task::set_resource_limit(pid, limit.resource, limit.soft, limit.hard)
            .invalid(|| format!("error setting rlimit type {}", limit.resource))?;
    }
    Ok(())
}

/// Keyring, personality, mask, profile.
pub(super) fn set(process: &Process, apparmor: Option<(File, String)>) -> Result<(), CreateError> {
    if !process.keep_keyring {
        // Kernels without keyrings, exhausted quotas and outer filters must not keep a container from starting.
        let name = CString::new("_ses").expect("it has no zero byte");
        task::new_session_keyring(&name).unwrap_or_default();
    }
    if let Some(persona) = process.personality {
        task::set_personality(persona).invalid(|| "set personality")?;
    }
    if let Some((mut file, label)) = apparmor {
        file.write_all(label.as_bytes())
            .invalid(|| format!("apply apparmor profile {label}"))?;
    }
    let mask = process.umask.unwrap_or(0o022);
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask));
    Ok(())
}
