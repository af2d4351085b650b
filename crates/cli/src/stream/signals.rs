//! Signals that are passed on to a container, and the terminal's size.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use corten_client::Client;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::failure::Failure;
use crate::terminal;

/// Signals whose default would end or stop this program, with the names the engine knows. Numbers as on Linux.
const PASSED_ON: [(i32, &str); 8] = [
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (10, "USR1"),
    (12, "USR2"),
    (15, "TERM"),
    (18, "CONT"),
    (20, "TSTP"),
];

/// Requests to end after which this program ends, as Docker's does.
const ENDS_THAT_COUNT: u32 = 3;

/// Which object a terminal's size belongs to.
#[derive(Debug, Clone)]
pub(crate) enum Sized {
    /// A container.
    Container(String),
    /// An exec session.
    Exec(String),
}

/// What runs beside a session; dropping it ends it, and with it the passing on.
#[derive(Debug, Default)]
pub(crate) struct Beside(JoinSet<()>);

impl Beside {
    /// Passes signals on to `container` from now on.
    pub(crate) fn proxy_signals(&mut self, client: &Arc<Client>, container: &str) -> Result<(), Failure> {
        let ends = Arc::new(AtomicU32::new(0));
        corten_sys::signal::leave_interrupts_to_listeners()?;
        for (number, name) in PASSED_ON {
            let mut signals = signal(SignalKind::from_raw(number))?;
            let (client, container, ends) = (Arc::clone(client), container.to_owned(), Arc::clone(&ends));
            self.0.spawn(async move {
                while signals.recv().await.is_some() {
                    if matches!(name, "INT" | "TERM") && ends.fetch_add(1, Ordering::Relaxed) + 1 == ENDS_THAT_COUNT {
                        give_up();
                    }
                    // A container that has just ended cannot be told; its end is seen by who waits for it.
                    client.kill_container(&container, name).await.ok();
                }
            });
        }
        Ok(())
    }

    /// Tells the size of our terminal now and whenever it changes.
    pub(crate) fn follow_size(&mut self, client: &Arc<Client>, target: Sized) -> Result<(), Failure> {
        let mut changes = signal(SignalKind::window_change())?;
        let client = Arc::clone(client);
        self.0.spawn(async move {
            loop {
                if let Some((height, width)) = terminal::size() {
                    resize(&client, &target, height, width).await;
                }
                if changes.recv().await.is_none() {
                    return;
                }
            }
        });
        Ok(())
    }
}

/// Who asks so often for the end wants to leave, whatever the container makes of it.
fn give_up() -> ! {
    terminal::restore();
    eprintln!();
    crate::speech::tell("got 3 SIGTERM/SIGINTs, forcefully exiting");
    std::process::exit(1)
}

/// A process that has ended meanwhile has no terminal left, which is not worth a word.
pub(crate) async fn resize(client: &Client, target: &Sized, height: u16, width: u16) {
    match target {
        Sized::Container(name) => client.resize_container(name, height, width).await.ok(),
        Sized::Exec(id) => client.resize_exec(id, height, width).await.ok(),
    };
}
