//! Signals to the container's first process, through its shim.

use std::time::Duration;

use corten_shim::protocol::{Request, Target};

use super::Owner;
use crate::container::phase;

/// How long a shim may take to deliver a signal. It does nothing slow; one that is silent for longer is stuck,
/// and must not keep its container from being stopped.
const SIGNAL_LIMIT: Duration = Duration::from_secs(5);

impl Owner {
    pub(super) async fn signal(&mut self, signal: i32) {
        if let Some(run) = &self.run {
            let request = Request::Signal {
                target: Target::Container,
                signal,
            };
            let container = self.container.id.short();
            match tokio::time::timeout(SIGNAL_LIMIT, run.shim.ask(request, Vec::new())).await {
                Ok(Ok(())) => {}
                // It has ended in the meantime; the news of that follow.
                Ok(Err(error)) => tracing::debug!(container, %error, "signal not delivered"),
                // The kernel kills a container with its shim.
                Err(_late) if signal == phase::SIGKILL => {
                    tracing::error!(container, "a shim does not answer and is killed");
                    run.process.kill();
                }
                Err(_late) => tracing::error!(container, signal, "a shim does not answer, signal not delivered"),
            }
        }
        self.publish_event("kill", &[("signal", signal.to_string())]);
    }
}
