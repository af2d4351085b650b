//! Writing to standard output, where a closed pipe is an end and not a panic.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;

use corten_client::Stream;

use crate::failure::Failure;
use crate::format::TemplateError;
use crate::option::pair::reason;

/// Room in a pipe that an archive goes through; what every user may have.
const PIPE_BYTES: usize = 1 << 20;

/// Prints `text` as it is.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(unwritten)
}

/// The failure of a command whose answer cannot be written; whoever reads no further knows that.
fn unwritten(error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return error.into();
    }
    Failure::new(format!("write /dev/stdout: {}", reason(&error)))
}

/// Prints a page that nobody asked for, where it is no answer.
pub(crate) fn advise(text: &str) -> Result<(), Failure> {
    let mut out = io::stderr().lock();
    Ok(out.write_all(text.as_bytes())?)
}

/// Prints `text` and a line end.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    print(&format!("{text}\n"))
}

/// Prints what a template gave; a line end if it failed, as Docker does.
pub(crate) fn filled(text: Result<String, TemplateError>) -> Result<(), Failure> {
    line(text.as_deref().unwrap_or_default())?;
    text.map(drop).map_err(Failure::from)
}

/// Writes an answer to standard output as it arrives: an archive, which no search for line ends is to hold up.
pub(crate) async fn archive(mut answer: Stream) -> Result<(), Failure> {
    let mut out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    widen(&out);
    while let Some(piece) = answer.next().await? {
        out.write_all(&piece).map_err(unwritten)?;
    }
    Ok(())
}

/// Gives a pipe room for a few pieces: with less, writer and reader wake each other for each. Without effect on what is no
/// pipe, and where the user's pipes may have no more (fs.pipe-user-pages-soft).
fn widen(out: &File) {
    if rustix::pipe::fcntl_getpipe_size(out).is_ok_and(|bytes| bytes < PIPE_BYTES) {
        rustix::pipe::fcntl_setpipe_size(out, PIPE_BYTES).ok();
    }
}

/// Writes an answer to `out` as it arrives.
pub(crate) async fn stream(mut stream: Stream, out: &mut dyn Write) -> Result<(), Failure> {
    while let Some(piece) = stream.next().await? {
        out.write_all(&piece)?;
    }
    out.flush()?;
    Ok(())
}
