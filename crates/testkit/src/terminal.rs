//! A terminal to sit at: the controlling end of a pty whose other end is a command's three streams.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::wait::until_ok;

/// A command that runs on a terminal.
#[derive(Debug)]
pub struct Terminal {
    control: File,
    child: Child,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Starts `command` on a terminal of `rows` times `columns` character cells, in a session of its own.
    pub fn spawn(command: &Command, size: (u16, u16)) -> Result<Self> {
        let control = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).context("open a pty")?;
        grantpt(&control)?;
        unlockpt(&control)?;
        let name = ptsname(&control, Vec::new())?;
        let open = || -> Result<OwnedFd> {
            let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
            Ok(rustix::fs::open(&name, flags, rustix::fs::Mode::empty())?)
        };
        let far = open()?;
        set_size(&far, size)?;
        // setsid --ctty gives the command a controlling terminal, so that keys become signals.
        let child = Command::new("setsid")
            .args(["--ctty", "--wait"])
            .arg(command.get_program())
            .args(command.get_args())
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .stdin(Stdio::from(open()?))
            .stdout(Stdio::from(open()?))
            .stderr(Stdio::from(far))
            .spawn()
            .context("start the command on the terminal")?;
        let control = File::from(control);
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, sink) = (control.try_clone()?, Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The read fails with EIO when the last writer has gone.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                sink.lock()
                    .expect("no holder of the screen panics")
                    .extend_from_slice(&buffer[..count]);
            }
        });
        Ok(Self { control, child, screen })
    }

    /// Types these bytes.
    pub fn send(&mut self, keys: &str) -> Result<()> {
        self.control.write_all(keys.as_bytes()).context("type")
    }

    /// Everything shown so far.
    #[must_use]
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().expect("no holder of the screen panics")).into_owned()
    }

    /// Waits until the screen shows `text`.
    pub fn expect(&self, text: &str, limit: Duration) -> Result<()> {
        until_ok(limit, &format!("{text:?} on the terminal"), || {
            let screen = self.screen();
            anyhow::ensure!(screen.contains(text), "the screen shows {screen:?}");
            Ok(())
        })
    }

    /// Changes the terminal's size: rows, columns. The command gets SIGWINCH.
    pub fn resize(&self, size: (u16, u16)) -> Result<()> {
        set_size(&self.control, size)
    }

    /// Waits for the command's end and tells its exit code.
    pub fn finish(mut self, limit: Duration) -> Result<i32> {
        let status = until_ok(limit, "the end of the command", || {
            self.child
                .try_wait()?
                .with_context(|| format!("the screen shows {:?}", self.screen()))
        })?;
        Ok(crate::outcome::code_of(status))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Already ended is the good case.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn set_size(terminal: &impl std::os::fd::AsFd, (rows, columns): (u16, u16)) -> Result<()> {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).context("set the terminal's size")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    #[test]
    fn shows_takes_keys_and_resizes() {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "trap 'stty size' WINCH; stty size; read a; echo got $a; read b; exit 7",
        ]);
        let mut terminal = Terminal::spawn(&command, (33, 77)).unwrap();
        terminal.expect("33 77", LIMIT).unwrap();
        terminal.send("hello\n").unwrap();
        terminal.expect("got hello", LIMIT).unwrap();
        terminal.resize((10, 20)).unwrap();
        terminal.send("x\n").unwrap();
        terminal.expect("10 20", LIMIT).unwrap();
        assert_eq!(terminal.finish(LIMIT).unwrap(), 7);
    }
}
