//! `stats`: what a container uses, one sample a second. Reads the control groups, the host's `/proc/stat` and
//! the interfaces as a process of the container sees them; keeps nothing between requests but the host's
//! processor time, which all samples of one moment share.

mod group;
mod network;
mod read;
mod sample;
mod system;

pub(crate) use system::SystemClock;

use std::sync::Arc;
use std::time::Duration;

use corten_api::container::{ContainerStats, CpuStats};
use corten_base::Timestamp;
use tokio::time::Instant;

use crate::container::Container;
use crate::core::{Core, blocking};
use crate::error::Result;
use crate::request::StatsOptions;

/// Between two samples (observed: dockerd 28.5).
const INTERVAL: Duration = Duration::from_secs(1);

/// The samples that a client asked for.
pub struct StatsStream {
    core: Arc<Core>,
    container: Arc<Container>,
    options: StatsOptions,
    /// The sample before: when it was taken, and its processor time.
    last: Option<(Timestamp, CpuStats)>,
    due: Instant,
    over: bool,
}

/// Prepares the samples of a container.
pub(crate) fn open(core: &Arc<Core>, container: Arc<Container>, options: StatsOptions) -> StatsStream {
    StatsStream {
        core: Arc::clone(core),
        container,
        options,
        last: None,
        due: Instant::now(),
        over: false,
    }
}

impl StatsStream {
    /// The next sample; `None`: there is no other, because the container is gone or only one was wanted.
    pub async fn next(&mut self) -> Result<Option<ContainerStats>> {
        if self.over {
            return Ok(None);
        }
        if !self.options.stream {
            self.over = true;
            let runs = self.container.look().life.phase.running().is_some();
            // A second sample tells the processor time between two.
            if runs && !self.options.one_shot {
                let (container, core) = (Arc::clone(&self.container), &self.core);
                let cpu = blocking(core, move |core| Ok(sample::processor_time(core, &container))).await?;
                self.last = Some((Timestamp::now(), cpu));
                tokio::time::sleep(INTERVAL).await;
            }
            return self.take().await.map(Some);
        }
        if self.wait().await {
            return Ok(None);
        }
        self.take().await.map(Some)
    }

    async fn take(&mut self) -> Result<ContainerStats> {
        let container = Arc::clone(&self.container);
        let mut stats = blocking(&self.core, move |core| Ok(sample::sample(core, &container))).await?;
        let (preread, precpu) = self.last.take().unwrap_or_default();
        let runs = !stats.read.is_zero();
        self.last = Some((stats.read, stats.cpu_stats.clone()));
        if runs || self.options.stream {
            (stats.preread, stats.precpu_stats) = (preread, precpu);
        }
        Ok(stats)
    }

    /// Waits for the next sample's time; whether the container is gone by then.
    async fn wait(&mut self) -> bool {
        let mut view = self.container.view.clone();
        let gone = view.wait_for(|view| view.removed);
        let due = self.due;
        self.due = due + INTERVAL;
        tokio::select! {
            biased;
            _gone = gone => true,
            () = tokio::time::sleep_until(due) => false,
        }
    }
}
