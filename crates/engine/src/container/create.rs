//! Making a container: checks, name, volumes, snapshot, record; the phase is then Created and nothing runs.
//!
//! The directory exists before anything else of the container, and `spec.json` comes last: what a daemon
//! that died half way leaves is a directory without it, which recovery undoes.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use corten_api::List;
use corten_api::container::{ContainerCreateBody, ContainerCreateResponse, HostConfig};
use corten_base::id::hex;
use corten_base::{ContainerId, Digest, Timestamp};
use corten_sys::fault::boundary;

use super::change::Changes;
use super::cpuset::{self, Resource};
use super::effective::{NetworkMode, inherit, policy};
use super::mounts::{self, MountKind};
use super::owner::{Origin, spawn};
use super::phase::Life;
use super::record::{CREATING, Record, VERSION};
use super::validate::{self, Limits};
use super::{meant, name, sources};
use crate::core::{Core, blocking, random_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Subject;
use crate::identity::Mapping;
use crate::image::foreign;
use crate::network::{link, place};
use crate::volume::{self, SetAside, VolumeRecord};

/// What a creation is asked for.
pub(crate) struct CreateRequest {
    pub(crate) name: Option<String>,
    pub(crate) platform: Option<String>,
    pub(crate) body: ContainerCreateBody,
}

/// Makes the container.
pub(crate) async fn create(core: &Arc<Core>, request: CreateRequest) -> Result<ContainerCreateResponse> {
    let (record, warnings) = blocking(core, move |core| make(core, request)).await?;
    let host = record.body.host_config.clone().unwrap_or_default();
    let life = Life::created(policy(&host), host.auto_remove);
    let id = record.id.to_string();
    let container = spawn(
        core,
        Origin {
            record,
            changes: Changes::default(),
            health: None,
            life,
            run: None,
        },
    );
    core.containers.insert(Arc::clone(&container));
    core.events
        .publish(Subject::Container(&container), "create", &[], Timestamp::now());
    Ok(ContainerCreateResponse {
        id,
        warnings: List::from(warnings),
    })
}

fn make(core: &Core, request: CreateRequest) -> Result<(Record, Vec<String>)> {
    let mut body = request.body;
    let platform = meant::platform(request.platform.as_deref())?;
    let host = body.host_config.clone().unwrap_or_default();
    validate::check(&body.config, &host, body.networking_config.as_ref(), limits(core))?;
    if core.config.uses_systemd() && !host.cgroup_parent.is_empty() && !validate::is_slice(&host.cgroup_parent) {
        return Err(Error::invalid(validate::NO_SLICE));
    }
    check_log(core, &host)?;
    check_cpusets(&host.cpuset_cpus, &host.cpuset_mems)?;
    check_endpoints(core, &body)?;
    // What is wrong with the request itself is told before what is not there (observed: dockerd 28.5).
    let image = match body.config.image.as_str() {
        // A container over an empty root.
        "" => {
            validate::check_command(&body.config)?;
            None
        }
        name => Some(meant::image(core, name, platform.as_ref())?),
    };
    let given = request.name.filter(|given| !given.is_empty());
    let given = given.as_deref().map(name::check).transpose()?;
    if let Some(host) = &mut body.host_config {
        resolve_references(core, host)?;
    }
    let image_config = image.as_ref().and_then(|image| image.config.config.clone());
    let image_config = image_config.unwrap_or_default();
    let mut merged = body.config.clone();
    inherit(&mut merged, &image_config);
    validate::check_command(&merged)?;
    super::ports::requests(&merged, &host)?;
    let volumes: Vec<String> = merged.volumes.keys().cloned().collect();
    let inherited = inherited_mounts(core, &host)?;
    let mut mounts = mounts::resolve(&host, &volumes, inherited, &mut || hex(&random_bytes()))?;
    mounts::follow_data_root(&mut mounts, &core.config.data.to_string_lossy())?;
    for mount in mounts.iter_mut().filter(|mount| mount.kind == MountKind::Image) {
        mount.image = meant::mounted(core, &mount.source)?;
    }
    for mount in mounts
        .iter()
        .filter(|mount| mount.kind == MountKind::Bind && !mount.create_source)
    {
        sources::bind_source(mount, None)?;
    }
    let id = ContainerId::from_random(random_bytes());
    let name = reserve_name(core, given, &id)?;
    let mut link_ids = Vec::new();
    let identity = match &mut body.host_config {
        Some(host) => link::resolve(core, host, &name).and_then(|ids| {
            link_ids = ids;
            identity(core, host)
        }),
        None => identity(core, &host),
    };
    let identity = identity.inspect_err(|_refused| core.containers.release(&name, &id))?;
    let mut warnings = warnings(core, &host);
    if let Some(image) = &image {
        warnings.extend(foreign::warning(image.config.platform(), request.platform.as_deref()));
    }
    if mounts::images(&mounts).next().is_some() {
        // Docker's words; what they say is Docker's opinion.
        warnings.push("Image mount is an experimental feature".to_owned());
    }
    let host = body.host_config.get_or_insert_default();
    super::block_io::discard(host, &core.host);
    (host.cpu_percent, host.kernel_memory) = (0, 0);
    super::effective::settle_modes(host, &core.config, &core.host);
    let record = Record {
        version: VERSION,
        id,
        name,
        created: Timestamp::now(),
        image: image.map_or_else(Record::no_image, |image| image.id),
        image_config,
        body,
        mounts,
        identity,
        link_ids,
        networks: None,
    };
    match write(core, &record) {
        Ok(()) => Ok((record, warnings)),
        Err(error) => {
            undo(core, &record);
            core.containers.give_back(record.identity.as_ref());
            core.containers.release(&record.name, &record.id);
            Err(error)
        }
    }
}

/// Who the container's users are: those of the engine, those of the container whose namespaces it joins, a range of
/// its own (`auto`), or the host's.
fn identity(core: &Core, host: &HostConfig) -> Result<Option<Mapping>> {
    let joined = super::joins::joined(core, host);
    let identity = match (host.userns_mode.as_str(), joined) {
        ("host", _) => return Ok(None),
        ("auto", Some(_)) => {
            return Err(Error::invalid(
                "a container that joins the namespaces of another cannot have a user namespace of its own",
            ));
        }
        (_, Some(other)) => other
            .record
            .identity
            .clone()
            .map(|mapping| Mapping { own: false, ..mapping }),
        ("auto", None) => Some(
            core.containers
                .own_identity()
                .ok_or_else(|| Error::internal("all ranges for user namespaces are taken"))?,
        ),
        (_, None) => core.remapped.clone(),
    };
    if identity.is_some()
        && let Err(refusal) = validate::check_identity(host)
    {
        core.containers.give_back(identity.as_ref());
        return Err(refusal);
    }
    Ok(identity)
}

/// Processors that containers can have.
pub(super) fn processors() -> i64 {
    std::thread::available_parallelism().map_or(1, |count| i64::try_from(count.get()).unwrap_or(1))
}

/// What limits are compared with.
pub(super) fn limits(core: &Core) -> Limits {
    let mut hierarchies = core.host.hierarchies.iter();
    Limits {
        processors: processors(),
        real_time: hierarchies
            .any(|hierarchy| !hierarchy.unified && hierarchy.mount.join("cpu.rt_runtime_us").exists()),
    }
}

/// The log driver and its options, with those of the daemon.
fn check_log(core: &Core, host: &HostConfig) -> Result<()> {
    let mut log = host.log_config.clone();
    super::effective::fill_log(&mut log, &core.config);
    let checked = crate::logs::options::check(&log.kind, &log.config);
    checked.map(drop).map_err(|error| Error::invalid(error.to_string()))
}

/// The mounts of the containers that `--volumes-from` names.
fn inherited_mounts(core: &Core, host: &HostConfig) -> Result<Vec<mounts::MountSpec>> {
    let mut inherited: Vec<mounts::MountSpec> = Vec::new();
    for given in &host.volumes_from {
        if given.is_empty() {
            return Err(Error::invalid("volumes-from specification cannot be an empty string"));
        }
        let (reference, mode) = given.split_once(':').unwrap_or((given, ""));
        // Sic: to clients, "not found" as the answer to a creation means the image.
        let other = core
            .containers
            .find(reference)
            .map_err(|error| Error::invalid(error.message))?;
        for mount in mounts::inherit(&other.record.mounts, mode)? {
            inherited.retain(|earlier| earlier.destination != mount.destination);
            inherited.push(mount);
        }
    }
    Ok(inherited)
}

/// Processors and memory nodes must be there.
pub(super) fn check_cpusets(cpus: &str, mems: &str) -> Result<()> {
    let sets = [
        (Resource::Processors, cpus, "/sys/devices/system/cpu/online"),
        (Resource::Nodes, mems, "/sys/devices/system/node/online"),
    ];
    for (what, list, path) in sets.into_iter().filter(|(_, list, _)| !list.is_empty()) {
        // A kernel without memory nodes has no such file.
        let online = fs::read_to_string(path).unwrap_or_default();
        cpuset::check(what, list, &online).map_err(|error| Error::invalid(error.to_string()))?;
    }
    Ok(())
}

/// What is asked of networks that exist. Those that do not are found out at the start, as in Docker: clients
/// take "not found" at the creation for a missing image.
fn check_endpoints(core: &Core, body: &ContainerCreateBody) -> Result<()> {
    for asked in super::wiring::asked_in(body) {
        let mac = &asked.settings.mac_address;
        if !mac.is_empty() && mac.parse::<corten_net::MacAddress>().is_err() {
            let network = &asked.network;
            return Err(Error::invalid(format!(
                "invalid config for network {network}: invalid MAC address {mac}"
            )));
        }
        let Ok(place) = place::find(core, &asked.network) else {
            continue;
        };
        place.check(&asked.settings).map_err(|error| Error {
            message: format!("invalid config for network {}: {}", asked.network, error.message),
            ..error
        })?;
    }
    Ok(())
}

/// Containers whose namespaces are to be joined are known by their ids from now on. Those of processes and
/// of ipc must exist; that of a network is looked for by the start (observed: dockerd 28.5).
fn resolve_references(core: &Core, host: &mut HostConfig) -> Result<()> {
    let resolve = |mode: &mut String| -> Result<()> {
        if let Some(reference) = mode.strip_prefix("container:") {
            *mode = format!("container:{}", core.containers.find(reference)?.id);
        }
        Ok(())
    };
    for mode in [&mut host.ipc_mode, &mut host.pid_mode] {
        // Sic: to clients, "not found" as the answer to a creation means the image.
        resolve(mode).map_err(|error| Error::invalid(error.message))?;
    }
    match resolve(&mut host.network_mode) {
        Err(error) if error.kind != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// How often a generated name may be taken before it is given up.
const NAME_ATTEMPTS: u32 = 64;

fn reserve_name(core: &Core, given: Option<&str>, id: &ContainerId) -> Result<String> {
    if let Some(name) = given {
        core.containers.reserve(name, id)?;
        return Ok(name.to_owned());
    }
    for attempt in 0..NAME_ATTEMPTS {
        let bytes = random_bytes();
        let random = bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let name = name::generated(random, attempt);
        if core.containers.reserve(&name, id).is_ok() {
            return Ok(name);
        }
    }
    core.containers.reserve(id.short(), id)?;
    Ok(id.short().to_owned())
}

fn write(core: &Core, record: &Record) -> Result<()> {
    let directory = core.container_directory(&record.id);
    let failed = |error| Error::caused(format!("create {}", directory.display()), error);
    boundary("create.directory");
    fs::DirBuilder::new().mode(0o700).create(&directory).map_err(failed)?;
    let anonymous: Vec<&str> = record
        .mounts
        .iter()
        .filter(|mount| mount.anonymous && !mount.inherited)
        .map(|mount| mount.volume.as_str())
        .collect();
    if !anonymous.is_empty() {
        let content = serde_json::to_vec(&anonymous).map_err(|error| failed(error.into()))?;
        corten_base::file::write_atomic(&directory.join(CREATING), &content).map_err(failed)?;
    }
    boundary("create.snapshot");
    core.images
        .create_snapshot(&record.id, record.image())
        .map_err(|error| Error::caused("create the snapshot", error))?;
    if let Some(identity) = &record.identity {
        let snapshot = core.images.snapshot(&record.id);
        let snapshot = snapshot.map_err(|error| Error::caused("open the snapshot", error))?;
        identity.give(&snapshot.upper).map_err(failed)?;
        identity
            .give(&snapshot.upper.join(corten_image::snapshot::MARK))
            .map_err(failed)?;
    }
    for (index, mount) in mounts::images(&record.mounts) {
        hold_image(core, &record.id, index, &mount.image)?;
    }
    boundary("create.volumes");
    make_volumes(core, record)?;
    boundary("create.record");
    record.write(&directory).map_err(failed)?;
    boundary("create.recorded");
    if !anonymous.is_empty() {
        fs::remove_file(directory.join(CREATING)).map_err(failed)?;
    }
    Ok(())
}

/// The layers of a mounted image stay while the container does, even if the image is removed.
fn hold_image(core: &Core, id: &ContainerId, index: usize, image: &str) -> Result<()> {
    let failed = |what: String| Error::internal(format!("hold the mounted image {image}: {what}"));
    let snapshot = mounts::image_snapshot(id, index).ok_or_else(|| failed("there are too many".to_owned()))?;
    let image: Digest = image.parse().map_err(|error| failed(format!("{error}")))?;
    core.images
        .create_snapshot(&snapshot, &image)
        .map_err(|error| failed(error.to_string()))?;
    Ok(())
}

fn make_volumes(core: &Core, record: &Record) -> Result<()> {
    let mut view = None;
    for mount in record.mounts.iter().filter(|mount| mount.kind == MountKind::Volume) {
        let new = VolumeRecord {
            version: 1,
            created: Timestamp::now(),
            labels: mount.labels.clone(),
            anonymous: mount.anonymous,
            options: mount.driver_options.clone(),
        };
        let owner = record.identity.as_ref().filter(|identity| !identity.own);
        let created = core.volumes.ensure(&mount.volume, &new, owner, Some(&record.id))?;
        if created {
            let subject = Subject::Volume(&mount.volume);
            core.events
                .publish(subject, "create", &[("driver", "local".to_owned())], Timestamp::now());
        }
        if mount.no_copy {
            continue;
        }
        let data = core.volumes.hold(&mount.volume, &record.id)?;
        let below = match mount.subpath.as_str() {
            "" => None,
            // What cannot be reached is refused by the start.
            subpath => match volume::below(&data, subpath) {
                Ok(below) => Some(below),
                Err(_) => continue,
            },
        };
        let data = below.as_ref().map_or(data, |below| {
            PathBuf::from(format!("/proc/self/fd/{}/.", std::os::fd::AsRawFd::as_raw_fd(below)))
        });
        if !is_empty(&data) {
            continue;
        }
        let Some(image) = record.image() else { continue };
        let failed = |error| Error::caused(format!("copy the image's content into volume {}", mount.volume), error);
        if view.is_none() {
            view = Some(core.images.view_image(image).map_err(failed)?);
        }
        let Some(root) = &view else { continue };
        boundary("create.copy-up");
        let root = std::os::fd::AsFd::as_fd(root);
        // A volume of a container with identities of its own is shown mapped; others keep what the host sees.
        let owners = record.identity.as_ref().filter(|identity| !identity.own);
        let owners = |uid, gid| match owners {
            Some(mapping) => (mapping.uid(uid).unwrap_or(uid), mapping.gid(gid).unwrap_or(gid)),
            None => (uid, gid),
        };
        let fill = |into: &Path| {
            corten_image::snapshot::copy_up(root, Path::new(&mount.destination), into, &owners).map_err(failed)
        };
        if mount.subpath.is_empty() {
            core.volumes.fill(&mount.volume, &record.id, &fill)?;
        } else {
            fill(&data)?;
        }
    }
    core.volumes.let_go(&record.id, &record.mounts);
    Ok(())
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none())
}

/// Takes back what [`write`] made. Anonymous volumes go, named ones stay: they may be somebody's.
fn undo(core: &Core, record: &Record) {
    core.volumes.let_go(&record.id, &record.mounts);
    core.volumes.forget(&record.id, &record.mounts);
    let names = record
        .mounts
        .iter()
        .filter(|mount| mount.anonymous && !mount.inherited)
        .map(|mount| mount.volume.clone())
        .collect();
    undo_parts(core, &record.id, names);
    if let Err(error) = super::remove::let_go_images(core, &record.id, &record.mounts) {
        tracing::error!(%error, "the mounted images of a failed creation are still held");
    }
}

/// As [`undo`], from what a directory says. Goes on whatever fails; recovery tries again.
pub(crate) fn undo_parts(core: &Core, id: &ContainerId, anonymous: Vec<String>) {
    for volume in anonymous {
        match core.volumes.set_aside(&volume) {
            Ok(SetAside::Gone(aside)) => drop(volume::delete(&aside)),
            Ok(SetAside::Missing | SetAside::Used(_)) => {}
            Err(error) => tracing::error!(%error, "a volume of a failed creation is left"),
        }
    }
    if let Err(error) = core.images.remove_snapshot(id) {
        tracing::error!(%error, "the snapshot of a failed creation is left");
    }
    drop(fs::remove_dir_all(core.container_directory(id)));
}

fn warnings(core: &Core, host: &HostConfig) -> Vec<String> {
    let mut warnings = super::block_io::warnings(host, &core.host);
    if host.cpu_percent > 0 {
        warnings.push("linux does not support CPU percent. Percent discarded.".to_owned());
    }
    if host.oom_kill_disable == Some(true) && host.memory == 0 {
        warnings.push(
            "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.".to_owned(),
        );
    }
    if NetworkMode::parse(&host.network_mode) == NetworkMode::Host && !host.port_bindings.is_empty() {
        warnings.push("Published ports are discarded when using host network mode".to_owned());
    }
    warnings
}
