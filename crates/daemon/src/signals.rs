//! The signals that mean something to the daemon.

use anyhow::{Context as _, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// To end; the signal's name.
    End(&'static str),
    /// To read the configuration again (SIGHUP).
    Reload,
    /// To write down what is going on (SIGUSR1).
    Dump,
}

/// The signals, caught from now on.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
    user: Signal,
}

impl Signals {
    /// Catches them.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn new() -> Result<Self> {
        let on = |kind| signal(kind).context("listen for signals");
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            quit: on(SignalKind::quit())?,
            hangup: on(SignalKind::hangup())?,
            user: on(SignalKind::user_defined1())?,
        })
    }

    /// Waits for the next.
    pub async fn next(&mut self) -> Wanted {
        tokio::select! {
            _ = self.terminate.recv() => Wanted::End("SIGTERM"),
            _ = self.interrupt.recv() => Wanted::End("SIGINT"),
            _ = self.quit.recv() => Wanted::End("SIGQUIT"),
            _ = self.hangup.recv() => Wanted::Reload,
            _ = self.user.recv() => Wanted::Dump,
        }
    }

    /// Waits for one that asks to end; the others ask in vain.
    pub async fn ending(&mut self) -> &'static str {
        loop {
            if let Wanted::End(name) = self.next().await {
                return name;
            }
        }
    }
}
