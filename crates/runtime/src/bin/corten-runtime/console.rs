//! Terminals and waiting in the foreground.

use std::io::{IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use corten_runtime::create::Stdio;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketType, connect, sendmsg,
    socket,
};
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// A terminal of the size of the caller's.
pub(crate) fn terminal_of_caller() -> Stdio {
    match tcgetwinsize(rustix::stdio::stdin()) {
        Ok(size) => Stdio::Terminal {
            rows: size.ws_row,
            columns: size.ws_col,
        },
        Err(_) => Stdio::Terminal { rows: 0, columns: 0 },
    }
}

/// Hands a terminal to the engine that listens on `--console-socket`.
pub(crate) fn send(path: &Path, console: BorrowedFd<'_>) -> Result<()> {
    let step = || format!("console socket {}", path.display());
    let stream = socket(AddressFamily::UNIX, SocketType::STREAM, None).with_context(step)?;
    connect(&stream, &SocketAddrUnix::new(path).with_context(step)?).with_context(step)?;
    let descriptors = [console];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(
        &stream,
        &[IoSlice::new(b"/dev/ptmx")],
        &mut ancillary,
        SendFlags::empty(),
    )
    .with_context(step)?;
    Ok(())
}

/// Waits for the end of a child, copying between its terminal and the caller's streams meanwhile.
/// Gives the exit code, 128 + n for signal n.
pub(crate) fn wait(pid: u32, console: Option<OwnedFd>) -> Result<u8> {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| anyhow!("pid {pid} out of range"))?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).context("open the process")?;
    if let Some(console) = console {
        let _raw = Raw::enter();
        copy(&console, &pidfd)?;
    }
    let status = waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED).context("wait for the process")?;
    let status = status.ok_or_else(|| anyhow!("the process has not ended"))?;
    let code = status
        .exit_status()
        .or(status.terminating_signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}

fn copy(console: &OwnedFd, pidfd: &OwnedFd) -> Result<()> {
    let stdin = rustix::stdio::stdin();
    let mut reading = true;
    let mut buffer = [0; 8192];
    loop {
        let mut polled = vec![PollFd::new(console, PollFlags::IN), PollFd::new(pidfd, PollFlags::IN)];
        if reading {
            polled.push(PollFd::new(&stdin, PollFlags::IN));
        }
        match poll(&mut polled, None) {
            Err(rustix::io::Errno::INTR) => continue,
            result => result.context("poll")?,
        };
        let ready = |index: usize| polled.get(index).is_some_and(|one| !one.revents().is_empty());
        let (output, ended, input) = (ready(0), ready(1), ready(2));
        if input {
            let length = rustix::io::read(stdin, &mut buffer).unwrap_or(0);
            reading = length > 0;
            rustix::io::write(console, &buffer[..length]).context("write to the terminal")?;
        }
        if output {
            // The last process closing its end shows as an input/output error.
            let length = rustix::io::read(console, &mut buffer).unwrap_or(0);
            std::io::stdout().write_all(&buffer[..length]).context("write output")?;
            std::io::stdout().flush().context("write output")?;
            if length == 0 && ended {
                return Ok(());
            }
        } else if ended {
            return Ok(());
        }
    }
}

/// The caller's terminal in raw mode, until dropped.
struct Raw(Option<Termios>);

impl Raw {
    fn enter() -> Self {
        let before = tcgetattr(rustix::stdio::stdin()).ok();
        if let Some(before) = &before {
            let mut raw = before.clone();
            raw.make_raw();
            tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw).unwrap_or_default();
        }
        Self(before)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, before).unwrap_or_default();
        }
    }
}
