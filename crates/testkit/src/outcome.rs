//! What a finished command said: exit code and both streams as text.

use std::io::{Read, Write as _};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// A command that takes longer hangs: it is ended, and the test fails. The longest run for a minute.
const LIMIT: Duration = Duration::from_secs(240);

/// A finished command.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The command line, for messages.
    pub line: String,
    /// Exit code; 128 + n where signal n ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// Runs `command` to its end with an empty standard input.
    pub fn of(command: &mut Command) -> Result<Self> {
        Self::with_input(command, b"")
    }

    /// Runs `command` to its end with `input` on its standard input.
    pub fn with_input(command: &mut Command, input: &[u8]) -> Result<Self> {
        let line = line_of(command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("run {line}"))?;
        let mut pipe = child.stdin.take().context("standard input was asked for")?;
        let input = input.to_vec();
        let writer = std::thread::spawn(move || pipe.write_all(&input));
        let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
        let ended = crate::wait::until(LIMIT, &line, || child.try_wait().transpose());
        if ended.is_err() {
            child.kill().with_context(|| format!("end {line}"))?;
            child.wait()?;
        }
        let (stdout, stderr) = (finish(stdout), finish(stderr));
        let status = ended.with_context(|| format!("--- stdout\n{stdout}\n--- stderr\n{stderr}"))??;
        // A command that ends without reading its input breaks the pipe; its own verdict counts.
        drop(writer.join());
        let code = code_of(status);
        crate::record::ended(command, code);
        Ok(Self {
            line,
            code,
            stdout,
            stderr,
        })
    }

    /// The outcome, if the exit code was zero.
    pub fn success(self) -> Result<Self> {
        self.code_is(0)
    }

    /// The outcome, if the exit code was `code`.
    pub fn code_is(self, code: i32) -> Result<Self> {
        if self.code != code {
            bail!("want exit code {code}, got {self}");
        }
        Ok(self)
    }

    /// Standard output without white space at its ends.
    #[must_use]
    pub fn text(&self) -> &str {
        self.stdout.trim()
    }

    /// The outcome, if standard output without white space at its ends is `want`.
    pub fn says(self, want: &str) -> Result<Self> {
        if self.text() != want {
            bail!("want output {want:?}, got {self}");
        }
        Ok(self)
    }

    /// The outcome, if either stream contains `want`.
    pub fn mentions(self, want: &str) -> Result<Self> {
        if !self.stdout.contains(want) && !self.stderr.contains(want) {
            bail!("want a mention of {want:?}, got {self}");
        }
        Ok(self)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit code {} of `{}`\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.line, self.stdout, self.stderr
        )
    }
}

/// Reads a stream to its end in a thread of its own.
fn collect(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What came before an error is what there is to show.
            drop(stream.read_to_end(&mut bytes));
        }
        bytes
    })
}

fn finish(reader: JoinHandle<Vec<u8>>) -> String {
    let bytes = reader.join().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The exit code as a shell would give it.
#[must_use]
pub fn code_of(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_code_streams_and_signal() {
        let outcome =
            Outcome::with_input(Command::new("sh").args(["-c", "cat; echo oops >&2; exit 3"]), b"in").unwrap();
        assert_eq!(
            (outcome.code, outcome.text(), outcome.stderr.as_str()),
            (3, "in", "oops\n")
        );
        let killed = Outcome::of(Command::new("sh").args(["-c", "kill -9 $$"])).unwrap();
        assert_eq!(killed.code, 137);
        assert!(killed.clone().success().is_err() && killed.code_is(137).is_ok());
    }
}
