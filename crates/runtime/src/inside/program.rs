//! The last steps: identity, working directory, look-up of the program, filter, exec.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use corten_sys::execute::{Strings, execve};
use rustix::fs::{Access, AtFlags, CWD, FileType, accessat, stat};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Gid, Signal, Uid};

use super::{capabilities, descriptors, user};
use crate::failure::{Context, CreateError, FailureKind, reason};
use crate::plan::Process;

/// A program that was found and can be executed.
pub(super) struct Program {
    path: PathBuf,
    home: Option<String>,
}

/// Becomes the user and finds the program. Afterwards only `kept` and preserved descriptors are open.
pub(super) fn prepare(process: &Process, kept: Vec<i32>, preserved: u32) -> Result<Program, CreateError> {
    let home_wanted = !process.env.iter().any(|pair| pair.starts_with("HOME="));
    let identity = user::resolve(&process.user, home_wanted)?;
    descriptors::give_to(identity.uid)?;
    descriptors::close_others(3 + preserved, &kept)?;
    if process.no_new_privileges {
        rustix::thread::set_no_new_privs(true).internal(|| "set no-new-privileges")?;
    }
    capabilities::bound(&process.capabilities)?;
    let entered = enter(&process.cwd);
    become_user(&identity)?;
    // Directories that root may not enter (NFS, FUSE) are tried again as the user.
    if entered.is_err() {
        enter(&process.cwd).invalid(|| format!("chdir to cwd ({:?}) set in config.json failed", process.cwd))?;
    }
    if needs_rights_for_filter(process) {
        capabilities::rehearse(&process.capabilities)?;
    } else {
        capabilities::apply(&process.capabilities)?;
    }
    refuse_outside()?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).internal(|| "become undumpable")?;
    let path = find(process)?;
    Ok(Program {
        path,
        home: home_wanted.then(|| identity.home.filter(|home| !home.is_empty()).unwrap_or("/".into())),
    })
}

impl Program {
    /// Changing the user or capabilities cleared it.
    fn restore_death_signal(&self, detached: bool) -> Result<(), CreateError> {
        if detached {
            return Ok(());
        }
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).internal(|| "set death signal")
    }

    /// Executes; returns only failures that come before that.
    pub(super) fn execute(&self, process: &Process, detached: bool) -> Result<std::convert::Infallible, CreateError> {
        self.restore_death_signal(detached)?;
        let home = self.home.as_ref().map(|home| format!("HOME={home}"));
        let arguments = Strings::new(process.args.iter().map(String::as_bytes)).invalid(|| "arguments")?;
        let environment = process
            .env
            .iter()
            .map(String::as_bytes)
            .chain(home.iter().map(String::as_bytes));
        let environment = Strings::new(environment).invalid(|| "environment")?;
        let path = CString::new(self.path.as_os_str().as_bytes()).expect("it was opened by this name");
        // As late as possible: what happens before need not be allowed by the filter.
        if needs_rights_for_filter(process) {
            capabilities::raise()?;
            load_filter(process)?;
            capabilities::apply(&process.capabilities)?;
            self.restore_death_signal(detached)?;
        } else {
            load_filter(process)?;
        }
        let error = execve(&path, &arguments, &environment);
        // The container has started as far as anybody outside can tell. Docker's users find this line
        // in the container's own output, and this code.
        eprintln!("exec {}: {}", self.path.display(), reason(&error));
        corten_sys::execute::exit_now(EXIT_NOT_EXECUTED)
    }
}

/// Exit code of a container whose program was found but could not be executed (wrong format, missing interpreter).
const EXIT_NOT_EXECUTED: i32 = 255;

/// Without no-new-privileges only CAP_SYS_ADMIN may load a filter, which few programs keep.
fn needs_rights_for_filter(process: &Process) -> bool {
    process.seccomp.is_some() && !process.no_new_privileges
}

fn load_filter(process: &Process) -> Result<(), CreateError> {
    match &process.seccomp {
        Some(filter) => filter.load().internal(|| "error loading seccomp filter"),
        None => Ok(()),
    }
}

fn enter(cwd: &str) -> rustix::io::Result<()> {
    if cwd.is_empty() {
        Ok(())
    } else {
        rustix::process::chdir(cwd)
    }
}

fn become_user(identity: &user::Identity) -> Result<(), CreateError> {
    let groups: Vec<Gid> = identity.groups.iter().map(|&gid| Gid::from_raw(gid)).collect();
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    rustix::thread::set_thread_groups(&groups).invalid(|| "setgroups")?;
    rustix::thread::set_thread_res_gid(gid, gid, gid).invalid(|| format!("setgid {}", identity.gid))?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).invalid(|| format!("setuid {}", identity.uid))
}

/// A working directory that leads through a descriptor or link of `/proc` to the host has no path in the root.
fn refuse_outside() -> Result<(), CreateError> {
    match rustix::process::getcwd(Vec::new()) {
        Ok(path) if path.to_bytes().starts_with(b"/") => Ok(()),
        Ok(_) | Err(Errno::NOENT) => Err(CreateError::invalid(
            "current working directory is outside of container mount namespace root",
        )),
        Err(error) => Err(error).internal(|| "getcwd"),
    }
}

/// Finds the program as the user: a name with a slash is taken as it is, others are looked up in
/// `PATH` of the container's environment. The texts are those that clients derive exit codes from.
fn find(process: &Process) -> Result<PathBuf, CreateError> {
    let name = process.args.first().map(String::as_str).unwrap_or_default();
    if name.is_empty() {
        return Err(CreateError::new(
            FailureKind::CommandNotFound,
            "exec: \"\": executable file not found in $PATH",
        ));
    }
    if name.contains('/') {
        return match executable(Path::new(name)) {
            Ok(()) => Ok(name.into()),
            Err(Errno::NOENT) => Err(CreateError::new(
                FailureKind::CommandNotFound,
                format!("exec: {name:?}: stat {name}: no such file or directory"),
            )),
            Err(error) => Err(CreateError::new(
                FailureKind::CommandNotExecutable,
                format!("exec: {name:?}: {}", reason(&error)),
            )),
        };
    }
    let path = process
        .env
        .iter()
        .rev()
        .find_map(|pair| pair.strip_prefix("PATH="))
        .unwrap_or_default();
    let candidates = path.split(':').filter(|directory| directory.starts_with('/'));
    let found = candidates
        .map(|directory| Path::new(directory).join(name))
        .find(|path| executable(path).is_ok());
    found.ok_or_else(|| {
        CreateError::new(
            FailureKind::CommandNotFound,
            format!("exec: {name:?}: executable file not found in $PATH"),
        )
    })
}

fn executable(path: &Path) -> rustix::io::Result<()> {
    let kind = FileType::from_raw_mode(stat(path)?.st_mode);
    if kind == FileType::Directory {
        return Err(Errno::ISDIR);
    }
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS)
}
