//! The containers that are watched, and the last sample of each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use corten_api::container::ContainerStats;
use corten_client::{CallError, Client};
use tokio::task::JoinHandle;

use super::sample::Sample;
use crate::stream::Patience;

/// Silence after which a container's figures are taken away.
const SILENCE: Duration = Duration::from_secs(2);

/// One line's state.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// As it was named.
    pub(super) container: String,
    /// None before the first sample and after a silence.
    pub(super) sample: Option<Sample>,
    /// Why there will be none.
    pub(super) error: Option<String>,
}

struct Watched {
    line: Arc<Mutex<Line>>,
    watcher: JoinHandle<()>,
}

/// All lines, in the order in which they came. Dropping it ends the watching.
pub(super) struct Board {
    client: Arc<Client>,
    stream: bool,
    watched: Vec<Watched>,
}

impl Board {
    /// Without lines. `stream` samples once a second instead of once.
    pub(super) fn new(client: Arc<Client>, stream: bool) -> Self {
        Self {
            client,
            stream,
            watched: Vec::new(),
        }
    }

    /// Watches one more container, if it is not watched yet.
    pub(super) fn add(&mut self, container: &str) {
        if self.lines().iter().any(|line| line.container == container) {
            return;
        }
        let line = Arc::new(Mutex::new(Line {
            container: container.to_owned(),
            ..Line::default()
        }));
        let (client, shared, stream) = (Arc::clone(&self.client), Arc::clone(&line), self.stream);
        let watcher = tokio::spawn(async move {
            let name = lock(&shared).container.clone();
            if let Err(error) = watch(&client, &name, stream, &shared).await {
                lock(&shared).error = Some(error.to_string());
            }
        });
        self.watched.push(Watched { line, watcher });
    }

    /// Forgets one.
    pub(super) fn remove(&mut self, container: &str) {
        self.watched.retain(|watched| {
            let other = lock(&watched.line).container != container;
            if !other {
                watched.watcher.abort();
            }
            other
        });
    }

    /// Forgets all but these.
    pub(super) fn keep(&mut self, containers: &[&str]) {
        let gone = self
            .lines()
            .into_iter()
            .filter(|line| !containers.contains(&line.container.as_str()));
        for line in gone.collect::<Vec<_>>() {
            self.remove(&line.container);
        }
    }

    /// The lines now.
    pub(super) fn lines(&self) -> Vec<Line> {
        self.watched.iter().map(|watched| lock(&watched.line).clone()).collect()
    }

    /// Waits until every line has something to show, or never will.
    pub(super) async fn filled(&mut self) {
        for watched in &mut self.watched {
            while !watched.watcher.is_finished() && lock(&watched.line).sample.is_none() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        for watched in &self.watched {
            watched.watcher.abort();
        }
    }
}

fn lock(line: &Mutex<Line>) -> std::sync::MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches over restarts of the engine, if it is to watch at all.
async fn watch(client: &Client, name: &str, stream: bool, line: &Mutex<Line>) -> Result<(), CallError> {
    let mut patience = Patience::quiet();
    loop {
        let Err(error) = sample(client, name, stream, line, &mut patience).await else {
            return Ok(());
        };
        // One that was never seen is told at once why.
        if !stream || (lock(line).sample.is_none() && !patience.was_needed()) {
            return Err(error);
        }
        lock(line).sample = None;
        patience.after(error).await?;
    }
}

async fn sample(
    client: &Client,
    name: &str,
    stream: bool,
    line: &Mutex<Line>,
    patience: &mut Patience,
) -> Result<(), CallError> {
    let mut samples = client.container_stats(name, stream).await?;
    loop {
        let next = if stream {
            match tokio::time::timeout(SILENCE, samples.next()).await {
                Ok(next) => next?,
                Err(_) => {
                    lock(line).sample = None;
                    continue;
                }
            }
        } else {
            samples.next().await?
        };
        let Some(text) = next else {
            if stream {
                lock(line).sample = None;
            }
            return Ok(());
        };
        let stats: ContainerStats = serde_json::from_slice(&text).map_err(|source| CallError::Decode {
            path: format!("/containers/{name}/stats"),
            source,
        })?;
        patience.renew();
        lock(line).sample = Some(stats.into());
    }
}
