//! The signal that ends accept loops and connections.

use tokio::sync::watch;

/// Where the end is announced.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Where it is waited for; each task has its own.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// A signal that was not given yet.
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Gives the signal.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Waits for the signal; the loss of its sender is one too.
    pub async fn requested(&mut self) {
        drop(self.0.wait_for(|stop| *stop).await);
    }
}
