//! Framed output onto standard output and standard error.
//!
//! Consecutive frames of one stream are gathered and written together: a log of a million short lines
//! is a million frames, and must not be a million system calls.

use std::io;

use corten_api::frame::{FrameError, Reader, Stream};
use rustix::fd::BorrowedFd;

/// Output could not be passed on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("{0}")]
    Write(#[source] io::Error),
    #[error("{0}")]
    Read(#[source] io::Error),
    #[error("error from daemon in stream: {0}")]
    Engine(String),
}

/// Takes frames apart. Everything pushed is on the outputs when `push` returns, but for a frame
/// that is not complete yet.
#[derive(Debug, Default)]
pub(crate) struct Demultiplexer {
    frames: Reader,
    gathered: Vec<u8>,
}

impl Demultiplexer {
    /// Passes on what `bytes` completes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.push_through(bytes, |payload| Some(payload))
    }

    /// The same with what `select` makes of each frame's content; nothing of a frame that it gives no content.
    pub(crate) fn push_through(
        &mut self,
        bytes: &[u8],
        mut select: impl for<'a> FnMut(&'a [u8]) -> Option<&'a [u8]>,
    ) -> Result<(), StreamError> {
        self.frames.push(bytes);
        let mut to_stderr = false;
        while let Some((stream, payload)) = self.frames.next_frame()? {
            let wants_stderr = match stream {
                Stream::Stdin | Stream::Stdout => false,
                Stream::Stderr => true,
                Stream::System => return Err(StreamError::Engine(String::from_utf8_lossy(payload).trim().to_owned())),
            };
            if wants_stderr != to_stderr {
                write_gathered(&mut self.gathered, to_stderr)?;
                to_stderr = wants_stderr;
            }
            self.gathered.extend_from_slice(select(payload).unwrap_or_default());
        }
        write_gathered(&mut self.gathered, to_stderr)
    }
}

fn write_gathered(gathered: &mut Vec<u8>, to_stderr: bool) -> Result<(), StreamError> {
    let output = if to_stderr {
        rustix::stdio::stderr()
    } else {
        rustix::stdio::stdout()
    };
    write_all(output, gathered).map_err(StreamError::Write)?;
    gathered.clear();
    Ok(())
}

/// Writes raw output.
pub(crate) fn write_stdout(bytes: &[u8]) -> Result<(), StreamError> {
    write_all(rustix::stdio::stdout(), bytes).map_err(StreamError::Write)
}

fn write_all(output: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(output, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => wait_writable(output)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Another program may have left our output non-blocking.
fn wait_writable(output: BorrowedFd<'_>) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    match poll(&mut [PollFd::new(&output, PollFlags::OUT)], None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
