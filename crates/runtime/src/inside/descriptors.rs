//! Standard streams, and closing everything else.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, fstat};
use rustix::process::ioctl_tiocsctty;

use super::terminal::{self, Terminal};
use crate::create::Stdio;
use crate::failure::{Context, CreateError};
use crate::plan::Process;

/// What becomes descriptors 0, 1 and 2.
pub(super) struct Streams {
    pub(super) terminal: Option<Terminal>,
    files: Option<[OwnedFd; 3]>,
}

impl Streams {
    /// Opens the terminal if there is to be one.
    pub(super) fn of(stdio: Stdio, root: BorrowedFd<'_>) -> Result<Self, CreateError> {
        Ok(match stdio {
            Stdio::Files { stdin, stdout, stderr } => Self {
                terminal: None,
                files: Some([above_streams(stdin)?, above_streams(stdout)?, above_streams(stderr)?]),
            },
            Stdio::Terminal { rows, columns } => Self {
                terminal: Some(terminal::open(root, rows, columns)?),
                files: None,
            },
            Stdio::Inherit => Self {
                terminal: None,
                files: None,
            },
        })
    }

    /// Puts them in place; gives the terminal's controlling end.
    pub(super) fn install(self, process: &Process) -> Result<Option<OwnedFd>, CreateError> {
        let Self { terminal, files } = self;
        if let Some([stdin, stdout, stderr]) = &files {
            put(stdin, stdout, stderr)?;
        }
        let Some(Terminal {
            controlling,
            process: end,
        }) = terminal
        else {
            return Ok(None);
        };
        if !process.terminal {
            return Err(CreateError::internal("a terminal for a process that has none"));
        }
        ioctl_tiocsctty(&end).internal(|| "make the terminal controlling")?;
        put(&end, &end, &end)?;
        Ok(Some(controlling))
    }
}

fn put(stdin: &OwnedFd, stdout: &OwnedFd, stderr: &OwnedFd) -> Result<(), CreateError> {
    let step = || "install standard streams";
    rustix::stdio::dup2_stdin(stdin).internal(step)?;
    rustix::stdio::dup2_stdout(stdout).internal(step)?;
    rustix::stdio::dup2_stderr(stderr).internal(step)
}

/// A descriptor that is itself 0, 1 or 2 would be overwritten while the streams are installed.
fn above_streams(descriptor: OwnedFd) -> Result<OwnedFd, CreateError> {
    if descriptor.as_raw_fd() > 2 {
        return Ok(descriptor);
    }
    rustix::io::fcntl_dupfd_cloexec(&descriptor, 3).internal(|| "move a stream's descriptor")
}

/// Gives pipes and terminals among the standard streams to the user, so that it can open them again
/// by name (`/dev/stdout`). Files and devices of the host keep their owner.
pub(super) fn give_to(uid: u32) -> Result<(), CreateError> {
    for stream in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        let Ok(stat) = fstat(stream) else { continue };
        let kind = FileType::from_raw_mode(stat.st_mode);
        let terminal = kind == FileType::CharacterDevice && rustix::termios::isatty(stream);
        if stat.st_uid == uid || !(terminal || kind == FileType::Fifo) {
            continue;
        }
        // Not possible on every filesystem and in every user namespace, and not needed to run.
        rustix::fs::fchown(stream, Some(rustix::fs::Uid::from_raw(uid)), None).unwrap_or_default();
    }
    Ok(())
}

/// Closes every descriptor from `first` on except `kept`, which is sorted.
///
/// The caller has dropped all values that own such descriptors.
pub(super) fn close_others(first: u32, kept: &[i32]) -> Result<(), CreateError> {
    let mut from = first;
    for &number in kept {
        let number = number as u32;
        if number >= from {
            if number > from {
                corten_sys::execute::close_all(from, number - 1).internal(|| "close descriptors")?;
            }
            from = number + 1;
        }
    }
    corten_sys::execute::close_all(from, u32::MAX).internal(|| "close descriptors")
}
