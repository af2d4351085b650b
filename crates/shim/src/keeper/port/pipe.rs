//! Pipes that bytes pass through between two sockets without being copied (splice(2)).

use std::io;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, SpliceFlags};
use serde::{Deserialize, Serialize};

/// How much one pipe takes, in bytes. A quarter of what the kernel lets an unprivileged process have.
const PIPE_BYTES: usize = 256 * 1024;

/// The kernel's size of a pipe that was not changed, in bytes.
const DEFAULT_BYTES: usize = 64 * 1024;

/// How many empty pipes are kept for the next connection that moves bytes.
const SPARE_PIPES: usize = 2;

/// A pipe and how much is in it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pipe {
    #[serde(with = "crate::carried::descriptor")]
    reader: OwnedFd,
    #[serde(with = "crate::carried::descriptor")]
    writer: OwnedFd,
    filled: usize,
    capacity: usize,
}

/// Empty pipes.
#[derive(Debug, Default)]
pub(super) struct SparePipes(Vec<Pipe>);

impl SparePipes {
    pub(super) fn take(&mut self) -> io::Result<Pipe> {
        if let Some(pipe) = self.0.pop() {
            return Ok(pipe);
        }
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // Beyond the user's limit the pipe keeps its size, which is enough.
        let capacity = rustix::pipe::fcntl_setpipe_size(&writer, PIPE_BYTES).unwrap_or(DEFAULT_BYTES);
        Ok(Pipe {
            reader,
            writer,
            filled: 0,
            capacity,
        })
    }

    /// Takes back a pipe; one that still holds bytes is destroyed with them.
    pub(super) fn put(&mut self, pipe: Pipe) {
        if pipe.is_empty() && self.0.len() < SPARE_PIPES {
            self.0.push(pipe);
        }
    }
}

impl Pipe {
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Moves bytes from a socket into the pipe; zero: the socket's sender has finished.
    pub(super) fn fill(&mut self, from: &OwnedFd) -> io::Result<usize> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        let count = rustix::pipe::splice(from, None, &self.writer, None, self.capacity, flags)?;
        self.filled += count;
        Ok(count)
    }

    /// Moves what the pipe holds into a socket, as far as it takes it.
    pub(super) fn empty(&mut self, to: &OwnedFd) -> io::Result<()> {
        while self.filled > 0 {
            let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
            let count = rustix::pipe::splice(&self.reader, None, to, None, self.filled, flags)?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.filled -= count;
        }
        Ok(())
    }
}
