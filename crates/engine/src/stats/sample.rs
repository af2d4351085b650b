//! One sample of one container.

use std::path::Path;
use std::sync::Arc;

use corten_api::container::{ContainerStats, CpuStats};
use corten_base::Timestamp;

use super::{group, network};
use crate::container::Container;
use crate::container::effective::NetworkMode;
use crate::core::Core;

/// Everything that is to be told now; zero for a container that does not run.
pub(super) fn sample(core: &Core, container: &Arc<Container>) -> ContainerStats {
    let view = container.look();
    let named = ContainerStats {
        name: format!("/{}", container.name()),
        id: container.id.to_string(),
        ..ContainerStats::default()
    };
    let (Some(running), Some(run)) = (view.life.phase.running(), &view.run) else {
        return named;
    };
    let usage = group::usage(&run.cgroup);
    let mut memory = usage.memory;
    memory.limit = match memory.limit {
        0 => core.stats.memory_bytes(),
        limit => limit.min(core.stats.memory_bytes()),
    };
    ContainerStats {
        read: Timestamp::now(),
        pids_stats: usage.pids,
        blkio_stats: usage.block_io,
        cpu_stats: CpuStats {
            cpu_usage: usage.processor,
            throttling_data: usage.throttling,
            ..core.stats.now()
        },
        memory_stats: memory,
        networks: match container.effective.network {
            NetworkMode::Host => corten_api::Map::default(),
            NetworkMode::Bridge | NetworkMode::None | NetworkMode::Container(_) | NetworkMode::Named(_) => {
                network::interfaces(Path::new(&format!("/proc/{}/net/dev", running.pid)))
            }
        },
        ..named
    }
}

/// The processor time alone: what the first of two samples is for.
pub(super) fn processor_time(core: &Core, container: &Container) -> CpuStats {
    let view = container.look();
    let Some(run) = &view.run else {
        return CpuStats::default();
    };
    let (cpu_usage, throttling_data) = group::processor(&run.cgroup);
    CpuStats {
        cpu_usage,
        throttling_data,
        ..core.stats.now()
    }
}
