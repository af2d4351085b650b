//! What `GET /containers/{id}/json` tells. Reads the published view; never asks the owner.

use std::borrow::Cow;
use std::path::Path;

use corten_api::container::{
    ContainerConfig, ContainerInspect, ContainerState, DriverData, HostConfig, MountPoint, NetworkSettings,
};
use corten_api::{List, Map};

use super::effective::{Effective, NetworkMode};
use super::mounts::MountKind;
use super::phase::{Ended, Phase};
use super::run::Joined;
use super::{Container, View, ports, record, start, status, wiring};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::network::{self, files};

/// Everything about a container; `size` adds its sizes on disk. Blocks.
pub(crate) fn inspect(core: &Core, container: &Container, size: bool) -> Result<ContainerInspect> {
    let view = container.look();
    let record = &container.record;
    let (path, args) = command(container);
    // What was never started has no files yet.
    let fresh = matches!(view.life.phase, Phase::Created(_));
    let file = |name| {
        if fresh || container.effective.config.network_disabled {
            return String::new();
        }
        files::path(core, container, name).display().to_string()
    };
    let effective = match view.life.phase.running() {
        Some(_) => start::named_as_joined(core, container).unwrap_or(Cow::Borrowed(&container.effective)),
        None => Cow::Borrowed(&container.effective),
    };
    let log = &container.effective.host.log_config.kind;
    let log_path = record::log_path(&core.container_directory(&container.id), &container.id);
    let mut execs: Vec<String> = core.execs.of(&container.id);
    execs.sort();
    let sizes = size.then(|| sizes(core, container)).transpose()?;
    Ok(ContainerInspect {
        id: container.id.to_string(),
        created: record.created,
        path,
        args: List::from(args),
        state: ContainerState {
            health: container.health.look(),
            ..state(&view)
        },
        image: record.image_text(),
        resolv_conf_path: file("resolv.conf"),
        hostname_path: file("hostname"),
        hosts_path: file("hosts"),
        log_path: if log != "json-file" || fresh {
            String::new()
        } else {
            log_path.display().to_string()
        },
        name: format!("/{}", container.name()),
        restart_count: i64::from(view.life.restarts),
        driver: "overlay2".to_owned(),
        platform: "linux".to_owned(),
        exec_ids: if execs.is_empty() { List::null() } else { execs.into() },
        host_config: host_config(core, container),
        graph_driver: graph_driver(core, container),
        size_rw: sizes.map(|(own, _)| own),
        size_root_fs: sizes.map(|(_, all)| all),
        mounts: mounts(core, container),
        config: config(container, &effective),
        network_settings: network_settings(core, container, &view),
        ..ContainerInspect::default()
    })
}

fn host_config(core: &Core, container: &Container) -> HostConfig {
    let mut host = container.host_now();
    host.links = network::linked::shown(core, container);
    host
}

/// What holds, with the hardware address that was asked for on the first network (observed: dockerd 28.5).
fn config(container: &Container, effective: &Effective) -> ContainerConfig {
    let mut config = effective.config.clone();
    let first = wiring::at_creation(container).into_iter().next();
    config.mac_address = first.map_or_else(String::new, |first| first.settings.mac_address);
    config
}

/// Program and arguments as they are executed.
pub(crate) fn command(container: &Container) -> (String, Vec<String>) {
    let config = &container.effective.config;
    let mut words = config.entrypoint.iter().chain(config.cmd.iter()).cloned();
    (words.next().unwrap_or_default(), words.collect())
}

/// Bytes of the writable layer, and of it with the image.
pub(crate) fn sizes(core: &Core, container: &Container) -> Result<(i64, i64)> {
    let own = core
        .images
        .snapshot_size(&container.id)
        .map_err(|error| Error::caused("measure the snapshot", error))?;
    let image = core
        .images
        .image(&container.record.image)
        .map_or(0, |image| image.size_bytes);
    let number = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    Ok((number(own), number(own.saturating_add(image))))
}

/// Volumes and binds as lists and inspect show them.
pub(crate) fn mounts(core: &Core, container: &Container) -> List<MountPoint> {
    let points = container.record.mounts.iter().filter_map(|mount| match mount.kind {
        MountKind::Image => mount.point(Path::new(&mount.image)),
        MountKind::Bind | MountKind::Volume | MountKind::Tmpfs => mount.point(&core.volumes.data(&mount.volume)),
    });
    points.collect()
}

fn state(view: &View) -> ContainerState {
    let phase = &view.life.phase;
    let mut state = ContainerState {
        status: status::state(phase).to_owned(),
        ..ContainerState::default()
    };
    let ended = |state: &mut ContainerState, ended: &Ended| {
        state.exit_code = i64::from(ended.code);
        state.started_at = ended.started_at;
        state.finished_at = ended.finished_at;
        state.oom_killed = ended.out_of_memory;
        state.error.clone_from(&ended.error);
    };
    match phase {
        Phase::Created(failure) => {
            if let Some(failure) = failure {
                state.exit_code = i64::from(failure.code);
                state.error.clone_from(&failure.message);
            }
        }
        Phase::Running(running) | Phase::Paused(running) => {
            state.running = true;
            state.paused = matches!(phase, Phase::Paused(_));
            state.pid = i64::from(running.pid);
            state.started_at = running.started_at;
            state.finished_at = running.last_finished_at;
            state.oom_killed = running.out_of_memory;
        }
        Phase::Restarting(last) => {
            ended(&mut state, last);
            state.running = true;
            state.restarting = true;
        }
        Phase::Exited(last) => ended(&mut state, last),
        Phase::Removing(last) | Phase::Dead(last) => {
            state.dead = matches!(phase, Phase::Dead(_));
            if let Some(last) = last {
                ended(&mut state, last);
            }
        }
    }
    state
}

fn graph_driver(core: &Core, container: &Container) -> DriverData {
    let mut data = Map::null();
    if let Ok(snapshot) = core.images.snapshot(&container.id) {
        let lower: Vec<String> = snapshot.lower.iter().map(|layer| layer.display().to_string()).collect();
        data.insert("ID".to_owned(), container.id.to_string());
        data.insert("LowerDir".to_owned(), lower.join(":"));
        data.insert("UpperDir".to_owned(), snapshot.upper.display().to_string());
        data.insert("WorkDir".to_owned(), snapshot.work.display().to_string());
        data.insert(
            "MergedDir".to_owned(),
            snapshot.upper.with_file_name("merged").display().to_string(),
        );
    }
    DriverData {
        data,
        name: "overlay2".to_owned(),
    }
}

fn network_settings(core: &Core, container: &Container, view: &View) -> NetworkSettings {
    let run = view.run.as_deref();
    let mut settings = NetworkSettings {
        networks: network::endpoints::shown(core, container, view),
        ports: Map::empty(),
        ..NetworkSettings::default()
    };
    let Some(running) = view.life.phase.running() else {
        // What was asked for on the default network shows until the first start (observed: dockerd 28.5).
        if let Some(endpoint) = settings.networks.get("bridge") {
            settings.mac_address.clone_from(&endpoint.mac_address);
        }
        return settings;
    };
    let has_own = !matches!(container.effective.network, NetworkMode::Container(_));
    if has_own && !container.effective.config.network_disabled {
        settings.sandbox_id = corten_base::Digest::of(container.id.as_str().as_bytes()).hex();
        settings.sandbox_key = format!("/proc/{}/ns/net", running.pid);
    }
    let Some(run) = run else { return settings };
    // internal networks expose nothing (observed: dockerd 28.5)
    if run.endpoints.iter().any(Joined::is_way_out) {
        settings.ports = ports::shown(&container.effective.config, &run.published());
    }
    if let Some(joined) = run.endpoints.iter().find(|joined| joined.is_default(core)) {
        let sandbox = &joined.sandbox;
        settings.endpoint_id.clone_from(&joined.endpoint);
        settings.gateway = sandbox.gateway4.map(|gateway| gateway.to_string()).unwrap_or_default();
        settings.ip_address = sandbox.address4.map(|address| address.to_string()).unwrap_or_default();
        settings.ip_prefix_len = i64::from(sandbox.prefix4);
        settings.mac_address = sandbox.mac.to_string();
        if let Some((address, prefix, gateway)) = sandbox.address6 {
            settings.global_ipv6_address = address.to_string();
            settings.global_ipv6_prefix_len = i64::from(prefix);
            settings.ipv6_gateway = gateway.map(|gateway| gateway.to_string()).unwrap_or_default();
        }
    }
    settings
}
