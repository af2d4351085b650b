//! The end of all containers with their engine: in which order, how fast, and for how long at most.
//!
//! Last started first, and nobody before those that need it (that share its namespaces or volumes, or are
//! linked to it). One that does not end soon does not keep the next from being told: the patience for each is
//! its part of half the time there is. What a container's end means afterwards is [`Stopping::WithEngine`]'s.

use std::sync::Arc;
use std::time::Duration;

use corten_base::Timestamp;
use tokio::task::JoinSet;

use super::actions;
use super::phase::Stopping;
use super::{Container, effective::Effective};
use crate::core::Core;
use crate::error::ErrorKind;
use crate::request::StopOptions;

/// The longest that a container keeps the next one from being told.
const PATIENCE: Duration = Duration::from_secs(2);

/// Time beyond a container's own stop timeout for what follows its end (observed: dockerd 28.5).
const GRACE: Duration = Duration::from_secs(5);

/// What the order is decided by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Since when it runs.
    pub started_at: Timestamp,
    /// Positions of those it needs.
    pub needs: Vec<usize>,
}

/// Positions in the order of their end (pure).
#[must_use]
pub fn order(containers: &[Ending]) -> Vec<usize> {
    let mut by_start: Vec<usize> = (0..containers.len()).collect();
    by_start.sort_by_key(|position| std::cmp::Reverse(containers.get(*position).map(|one| one.started_at)));
    let mut ordered = Vec::with_capacity(containers.len());
    let mut seen = vec![false; containers.len()];
    for position in &by_start {
        visit(*position, containers, &by_start, &mut seen, &mut ordered);
    }
    ordered
}

/// Adds those that need `position`, then itself. What needs each other in a circle keeps the order of its start.
fn visit(position: usize, containers: &[Ending], by_start: &[usize], seen: &mut [bool], ordered: &mut Vec<usize>) {
    match seen.get_mut(position) {
        Some(visited) if !*visited => *visited = true,
        Some(_) | None => return,
    }
    for other in by_start {
        if containers.get(*other).is_some_and(|one| one.needs.contains(&position)) {
            visit(*other, containers, by_start, seen, ordered);
        }
    }
    ordered.push(position);
}

/// How long each may take before the next one is told (pure). `limit`: for all of them; `None`: any time.
#[must_use]
pub fn patience(count: usize, limit: Option<Duration>) -> Duration {
    let share = limit.and_then(|limit| (limit / 2).checked_div(u32::try_from(count).unwrap_or(u32::MAX)));
    share.map_or(PATIENCE, |share| share.min(PATIENCE))
}

/// How long all together may take: the engine's setting, or longer where a container's own timeout is; `None`:
/// for ever, which a negative one means (pure; observed: dockerd 28.5).
#[must_use]
pub fn limit(setting: Duration, own_seconds: impl IntoIterator<Item = i64>) -> Option<Duration> {
    let mut limit = setting;
    for own in own_seconds {
        let own = Duration::from_secs(u64::try_from(own).ok()?);
        limit = limit.max(own.saturating_add(GRACE));
    }
    Some(limit)
}

/// The limit for the containers that run now.
pub(crate) fn limit_now(core: &Core, setting: Duration) -> Option<Duration> {
    let own = running(core).into_iter().map(|container| {
        let timeout = container.effective.config.stop_timeout;
        timeout.unwrap_or(core.config.stop_timeout_seconds)
    });
    limit(setting, own)
}

/// Ends all that run, and waits for them within the limit.
pub(crate) async fn end_all(core: &Arc<Core>, setting: Duration) {
    let limit = limit_now(core, setting);
    let ended = tell_all(core, running(core), limit);
    match limit {
        Some(limit) => {
            if tokio::time::timeout(limit, ended).await.is_err() {
                tracing::error!("containers have not ended after {limit:?}: the engine ends before them");
            }
        }
        None => ended.await,
    }
}

fn running(core: &Core) -> Vec<Arc<Container>> {
    let runs = |container: &Arc<Container>| container.look().life.phase.running().is_some();
    core.containers.all().into_iter().filter(runs).collect()
}

async fn tell_all(core: &Arc<Core>, containers: Vec<Arc<Container>>, limit: Option<Duration>) {
    let patience = patience(containers.len(), limit);
    let mut stops = JoinSet::new();
    for position in order(&endings(core, &containers)) {
        let Some(container) = containers.get(position) else {
            continue;
        };
        let (core, id) = (Arc::clone(core), container.id.to_string());
        stops.spawn(async move {
            let stopped = actions::stop(&core, &id, StopOptions::default(), Stopping::WithEngine).await;
            match stopped {
                Err(error) if !matches!(error.kind, ErrorKind::NotModified | ErrorKind::NotFound) => {
                    tracing::error!(%error, "a container is not stopped");
                }
                Ok(()) | Err(_) => {}
            }
        });
        let mut view = container.view.clone();
        let over = view.wait_for(|view| view.life.phase.running().is_none());
        // Slow, or gone altogether: the next one is told.
        drop(tokio::time::timeout(patience, over).await);
    }
    while stops.join_next().await.is_some() {}
}

fn endings(core: &Core, containers: &[Arc<Container>]) -> Vec<Ending> {
    let position = |reference: &str| {
        let needed = core.containers.find(reference).ok()?;
        containers.iter().position(|container| container.id == needed.id)
    };
    let ending = |container: &Arc<Container>| Ending {
        started_at: container
            .look()
            .life
            .phase
            .running()
            .map_or(Timestamp::ZERO, |running| running.started_at),
        needs: needed(&container.effective).into_iter().filter_map(position).collect(),
    };
    containers.iter().map(ending).collect()
}

/// References to the containers that one needs (pure).
fn needed(effective: &Effective) -> Vec<&str> {
    let host = &effective.host;
    let modes = [&host.network_mode, &host.ipc_mode, &host.pid_mode];
    let joined = modes.into_iter().filter_map(|mode| mode.strip_prefix("container:"));
    // `name:ro` and `name:alias`
    let lists = host.volumes_from.iter().chain(host.links.iter());
    let named = lists.map(|text| text.split_once(':').map_or(text.as_str(), |(name, _)| name));
    joined.chain(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(started: i64, needs: &[usize]) -> Ending {
        Ending {
            started_at: Timestamp::from_unix(started, 0),
            needs: needs.to_vec(),
        }
    }

    #[test]
    fn last_started_first_and_nobody_before_those_that_need_it() {
        let table = [
            (vec![], vec![]),
            (vec![one(1, &[]), one(3, &[]), one(2, &[])], vec![1, 2, 0]),
            // a database that was restarted after its client
            (vec![one(9, &[]), one(1, &[0])], vec![1, 0]),
            (vec![one(9, &[]), one(1, &[0]), one(5, &[1])], vec![2, 1, 0]),
            // a circle, and one that needs itself
            (vec![one(1, &[1]), one(2, &[0])], vec![0, 1]),
            (vec![one(1, &[0]), one(2, &[])], vec![1, 0]),
            // a position that is not there
            (vec![one(1, &[7])], vec![0]),
        ];
        for (containers, expected) in table {
            assert_eq!(order(&containers), expected, "{containers:?}");
        }
    }

    #[test]
    fn patience_is_a_part_of_half_the_time() {
        let seconds = Duration::from_secs;
        assert_eq!(patience(1, Some(seconds(15))), PATIENCE);
        assert_eq!(patience(100, Some(seconds(20))), Duration::from_millis(100));
        assert_eq!(patience(100, None), PATIENCE);
        assert_eq!(patience(0, Some(seconds(1))), PATIENCE);
    }

    #[test]
    fn the_limit_reaches_over_every_containers_own() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let setting = Duration::from_secs(15);
        assert_eq!(limit(setting, []), seconds(15));
        assert_eq!(limit(setting, [10, 3]), seconds(15));
        assert_eq!(limit(setting, [10, 30]), seconds(35));
        assert_eq!(limit(setting, [-1]), None);
    }
}
