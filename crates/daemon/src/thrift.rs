//! Memory given back when things calm down: a daemon that was busy for a minute must not stay large
//! for a month.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

/// How long after the end of a connection memory is given back: many end together.
const CALM: Duration = Duration::from_secs(5);

/// How long nobody may have come before code is given back too, which the next one has mapped again: some sixty
/// faults.
const QUIET: Duration = Duration::from_secs(20);

/// Told of each connection that ends.
#[derive(Debug, Clone, Default)]
pub struct Thrift(Arc<Notify>);

impl Thrift {
    /// A connection has ended, and with it what its requests needed.
    pub fn connection_ended(&self) {
        self.0.notify_one();
    }

    /// Gives memory back for ever, some time after each burst of connections. Sleeps between.
    pub async fn run(self) {
        forget_code();
        loop {
            self.0.notified().await;
            loop {
                tokio::time::sleep(CALM).await;
                // The next burst is told of by the next connection that ends.
                trim().await;
                if tokio::time::timeout(QUIET, self.0.notified()).await.is_err() {
                    break;
                }
            }
            // The threads of the burst have ended meanwhile, and with them what they held.
            trim().await;
            forget_code();
        }
    }
}

async fn trim() {
    drop(tokio::task::spawn_blocking(corten_sys::memory::trim).await);
}

fn forget_code() {
    if let Err(error) = corten_sys::memory::forget_started_code() {
        tracing::debug!("code that is not needed stays mapped: {error}");
    }
}
