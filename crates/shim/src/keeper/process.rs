//! A process of the container and the keeper's ends of its streams.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Instant;

use corten_base::Timestamp;
use corten_runtime::create::Stdio;
use rustix::event::epoll::EventFlags;
use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;
use serde::{Deserialize, Serialize};

use super::poll::{Number, Poll, Token, Watch};
use crate::log::Stream;
use crate::protocol::{Streams, Target};

/// More than a pipe holds (`fs.pipe-max-size` is 1 MiB), in bytes.
pub(super) const LAST_OUTPUT_BYTES: usize = 2 * 1024 * 1024;

/// One process, the first of the container or an exec session's.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Process {
    pub(super) target: Target,
    pub(super) pid: u32,
    #[serde(with = "crate::carried::descriptor")]
    pub(super) pidfd: OwnedFd,
    pub(super) streams: Streams,
    /// The controlling end of its terminal, for its size.
    #[serde(with = "crate::carried::optional_descriptor")]
    pub(super) console: Option<OwnedFd>,
    pub(super) input: Option<Input>,
    pub(super) stdout: Option<Output>,
    pub(super) stderr: Option<Output>,
    /// A client has not taken enough, so output is not read.
    pub(super) blocked: bool,
    /// How it ended: exit code and time.
    pub(super) ended: Option<(i32, Timestamp)>,
    /// Output that somebody else still holds open is not waited for any longer.
    #[serde(with = "crate::carried::deadline")]
    pub(super) give_up: Option<Instant>,
    /// Where an exec session's exit is recorded.
    pub(super) exit_path: PathBuf,
}

/// The keeper's end of a standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Input {
    #[serde(with = "crate::carried::descriptor")]
    pub(super) descriptor: OwnedFd,
    #[serde(with = "crate::keeper::poll::watch")]
    pub(super) watch: Watch,
    /// What the process has not taken yet.
    pub(super) pending: Vec<u8>,
    /// Close when everything is taken.
    pub(super) closing: bool,
}

/// The keeper's end of an output.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Output {
    #[serde(with = "crate::carried::descriptor")]
    pub(super) descriptor: OwnedFd,
    #[serde(with = "crate::keeper::poll::watch")]
    pub(super) watch: Watch,
}

/// The keeper's ends of streams before the process exists.
#[derive(Debug, Default)]
pub(super) struct Ends {
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

/// Makes both ends of a process's streams; those of a terminal are made by the runtime.
pub(super) fn open_streams(streams: &Streams) -> io::Result<(Stdio, Ends)> {
    if streams.terminal {
        let (rows, columns) = streams.size;
        return Ok((Stdio::Terminal { rows, columns }, Ends::default()));
    }
    let mut ends = Ends::default();
    let stdin = if streams.stdin {
        let (theirs, ours) = pipe()?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        ends.stdin = Some(ours);
        theirs
    } else {
        rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?
    };
    let (out, stdout) = pipe()?;
    let (err, stderr) = pipe()?;
    for ours in [&out, &err] {
        rustix::io::ioctl_fionbio(ours, true)?;
    }
    (ends.stdout, ends.stderr) = (Some(out), Some(err));
    Ok((Stdio::Files { stdin, stdout, stderr }, ends))
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?)
}

/// What the runtime has made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) target: Target,
    pub(super) pid: u32,
    pub(super) pidfd: OwnedFd,
    /// The controlling end of its terminal.
    pub(super) console: Option<OwnedFd>,
}

impl Process {
    /// Joins a process to the keeper's ends: those of the pipes, or copies of its console.
    pub(super) fn new(made: Made, mut ends: Ends, streams: Streams) -> io::Result<Self> {
        if let Some(console) = &made.console {
            rustix::io::ioctl_fionbio(console, true)?;
            ends.stdout = Some(console.try_clone()?);
            ends.stdin = if streams.stdin {
                Some(console.try_clone()?)
            } else {
                None
            };
        }
        let input = |descriptor| Input {
            descriptor,
            watch: None,
            pending: Vec::new(),
            closing: false,
        };
        let output = |descriptor| Output {
            descriptor,
            watch: None,
        };
        Ok(Self {
            target: made.target,
            pid: made.pid,
            pidfd: made.pidfd,
            streams,
            console: made.console,
            input: ends.stdin.map(input),
            stdout: ends.stdout.map(output),
            stderr: ends.stderr.map(output),
            blocked: false,
            ended: None,
            give_up: None,
            exit_path: PathBuf::new(),
        })
    }

    pub(super) fn output(&mut self, stream: Stream) -> &mut Option<Output> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Reads output from now on, or stops while it is blocked.
    pub(super) fn watch_outputs(&mut self, poll: &Poll, number: Number) {
        let wanted = if self.blocked { None } else { Some(EventFlags::IN) };
        for stream in [Stream::Stdout, Stream::Stderr] {
            if let Some(output) = self.output(stream) {
                poll.set(
                    &mut output.watch,
                    output.descriptor.as_fd(),
                    Token::Output(number, stream),
                    wanted,
                );
            }
        }
    }

    pub(super) fn close_output(&mut self, poll: &Poll, number: Number, stream: Stream) {
        if let Some(mut output) = self.output(stream).take() {
            poll.set(
                &mut output.watch,
                output.descriptor.as_fd(),
                Token::Output(number, stream),
                None,
            );
        }
    }

    pub(super) fn close_input(&mut self, poll: &Poll, number: Number) {
        if let Some(mut input) = self.input.take() {
            poll.set(&mut input.watch, input.descriptor.as_fd(), Token::Input(number), None);
        }
    }

    /// How far a client may be behind while output is read. The last output of an ended process does not wait for
    /// clients, so that its end is told; unless somebody else goes on writing.
    pub(super) fn allowed_backlog_bytes(&self) -> usize {
        if self.ended.is_some() { LAST_OUTPUT_BYTES } else { 0 }
    }

    /// When its output is given up, if some can still come.
    pub(super) fn overdue_at(&self) -> Option<Instant> {
        self.give_up.filter(|_| !self.is_drained())
    }

    /// All output has been read.
    pub(super) fn is_drained(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// Input from clients must wait.
    pub(super) fn is_input_full(&self) -> bool {
        self.input.as_ref().is_some_and(|input| !input.pending.is_empty())
    }
}
