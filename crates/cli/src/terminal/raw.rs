//! Raw mode of standard input's terminal.
//!
//! The settings found first are kept for the whole program and put back by whoever comes first: the
//! end of a session, the end of `main`, or a panic.

use std::io;
use std::sync::{Mutex, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

static SAVED: Mutex<Option<Termios>> = Mutex::new(None);

/// Passes every key on as it is. Does nothing if standard input is no terminal.
pub(crate) fn make_raw() -> io::Result<()> {
    let input = rustix::stdio::stdin();
    let Ok(settings) = tcgetattr(input) else { return Ok(()) };
    let mut raw = settings.clone();
    raw.make_raw();
    SAVED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert(settings);
    tcsetattr(input, OptionalActions::Now, &raw)?;
    Ok(())
}

/// Reads one line without showing it.
pub(crate) fn read_unseen() -> io::Result<String> {
    let input = rustix::stdio::stdin();
    if let Ok(settings) = tcgetattr(input) {
        let mut unseen = settings.clone();
        unseen.local_modes.remove(rustix::termios::LocalModes::ECHO);
        SAVED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(settings);
        tcsetattr(input, OptionalActions::Flush, &unseen)?;
    }
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line);
    restore();
    read.map(|_| line)
}

/// Puts the terminal back as it was. Does nothing if it was not changed.
pub(crate) fn restore() {
    let saved = SAVED.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(settings) = saved
        && let Err(error) = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &settings)
    {
        eprintln!("cannot restore the terminal: {error}");
    }
}

/// Restores the terminal before a panic's message is printed.
pub(crate) fn restore_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        restore();
        report(panic);
    }));
}
