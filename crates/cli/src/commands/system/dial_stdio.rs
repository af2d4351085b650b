//! `system dial-stdio`: standard input and output become a connection to the engine. It is what a client
//! on another machine runs here through ssh; nobody types it.
//!
//! The end of input closes the connection half-way; the end of the engine's output ends the command.

use std::io::{self, Read as _, Write as _};

use corten_client::Duplex;

use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb, block_on};

/// Bytes on their way, per direction.
const BUFFER_BYTES: usize = 64 << 10;

pub(super) const VERB: Verb = Verb {
    names: &["dial-stdio"],
    shortcut: None,
    usage: "",
    about: "",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[],
        interspersed: true,
    },
    run: dial_stdio,
};

fn dial_stdio(invocation: &Invocation, _: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    let mut from_engine = block_on(async { Ok(client.dial().await?) })?;
    let to_engine = from_engine.try_clone().map_err(failed)?;
    // It may wait for input for ever; the end of the program is its end.
    std::thread::spawn(move || send(to_engine));
    receive(&mut from_engine).map_err(failed)
}

fn failed(error: io::Error) -> Failure {
    Failure::new(format!("cannot carry the connection to the engine: {error}"))
}

/// What the engine no longer takes it says on the other direction.
fn send(mut to_engine: Duplex) {
    let mut input = io::stdin().lock();
    let sent = copy(|buffer| input.read(buffer), |bytes| to_engine.write_all(bytes));
    if sent.is_err() || to_engine.close_write().is_err() {
        // The engine is gone: its output ends too.
        to_engine.close().unwrap_or_default();
    }
}

fn receive(from_engine: &mut Duplex) -> io::Result<()> {
    let mut output = io::stdout().lock();
    copy(
        |buffer| from_engine.read(buffer),
        |bytes| {
            output.write_all(bytes)?;
            output.flush()
        },
    )
}

fn copy(
    mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => write(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_copied_and_an_interruption_is_none() {
        let mut steps = vec![Ok(0), Ok(2), Err(io::Error::from(io::ErrorKind::Interrupted)), Ok(3)];
        let mut written = Vec::new();
        copy(
            |buffer| {
                let step = steps.pop().expect("it stops at the end");
                buffer.fill(b'x');
                step
            },
            |bytes| {
                written.extend_from_slice(bytes);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(written, b"xxxxx");
    }
}
