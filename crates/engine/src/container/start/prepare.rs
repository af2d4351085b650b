//! What a start needs that takes no shim: address and ports, files, sources of mounts, the plan; and `run.json`.

use std::borrow::Cow;
use std::os::fd::OwnedFd;

use corten_base::id::hex;
use corten_runtime::plan::Rootfs;
use corten_shim::protocol::{self, NetworkNamespace};
use corten_sys::fault::boundary;

use super::current::{named_as_joined, with_environment};
use crate::cdi::{self, Edits};
use crate::container::effective::Effective;
use crate::container::links::{self, Leased};
use crate::container::namespaces::Shared;
use crate::container::run::{Joined, RunRecord, for_removal};
use crate::container::{Container, block_io, devices, record, shared_memory, sources, spec};
use crate::core::{Core, random_bytes};
use crate::error::{Error, Result};
use crate::logs;
use crate::network::files::{self, Files};
use crate::network::link::{self, Link};
use crate::network::show::mode_name;
/// What the preparation made for the shim.
pub(in crate::container) struct Prepared {
    /// Held until the container is made.
    pub(super) shared: Option<Shared>,
    pub(in crate::container) run: RunRecord,
    pub(super) create: protocol::Create,
    pub(super) sockets: Vec<OwnedFd>,
    pub(super) dns: Option<protocol::Dns>,
}

/// Everything that needs no shim: address and ports, files, sources of mounts, the plan; and `run.json`.
pub(in crate::container) fn prepare(
    core: &Core,
    container: &Container,
    shared: Shared,
    size: Option<(u16, u16)>,
) -> Result<Prepared> {
    boundary("start.network");
    let Leased { joined, sockets } = links::lease(core, container)?;
    let prepared = prepare_leased(core, container, &shared, size, joined.clone(), sockets);
    if prepared.is_err() {
        links::abandon(core, container, &joined);
    }
    Ok(Prepared {
        shared: Some(shared),
        ..prepared?
    })
}

fn prepare_leased(
    core: &Core,
    container: &Container,
    shared: &Shared,
    size: Option<(u16, u16)>,
    joined: Vec<Joined>,
    sockets: Vec<OwnedFd>,
) -> Result<Prepared> {
    let place_log = logs::place::for_shim(core, container)?;
    let links = link::links(core, container)?;
    let environment: Vec<String> = links.iter().flat_map(Link::environment).cloned().collect();
    let requests = &container.effective.host.device_requests;
    let edits = cdi::resolve(requests, core.config.cdi_directories.as_deref())?;
    let effective = &*effective(core, container, &environment, &edits)?;
    let directory = core.run_directory(&container.id);
    let endpoint = mode_name(&container.effective.network)
        .filter(|_| joined.is_empty())
        .map(|_| hex(&random_bytes()));
    let mut run = RunRecord::new(endpoint.unwrap_or_default(), joined);
    run.link_environment = environment;
    boundary("start.files");
    let Files { mounts: files, dns } = files::write(core, container, &run, &links, &directory)?;
    let mounts = sources::of_mounts(core, container)?;
    let layers = sources::layers(core, container)?;
    let swaps = sources::swaps(&effective.config.user, &mounts)?;
    let mut devices = devices::collect(&effective.host)?;
    devices.extend(devices::of_vendors(&edits)?);
    spec::check_device_rules(&effective.host)?;
    let block_io = block_io::limits(&effective.host)?;
    let facts = spec::Facts {
        block_io,
        id: container.id.as_str(),
        mounts: &mounts,
        layers: &layers,
        swaps: &swaps,
        files: &files,
        ipc_of: shared.ipc(),
        shared_memory: shared_memory::hold(core, container)?,
        pid_of: shared.pid(),
        identity: container.record.identity.as_ref(),
        user_of: shared.user(),
        makes_network: shared.network == NetworkNamespace::OfContainer,
        devices: &devices,
        edits: &edits,
    };
    let mut plan =
        spec::plan(effective, &core.config, &core.host, root(core, container)?, &facts).map_err(spec::refusal)?;
    run.cgroup = for_removal(&plan.cgroup);
    core.links.enter(&container.id, &links);
    boundary("start.record");
    let failed = |error| Error::caused("record the run", error);
    run.write(&directory).map_err(failed)?;
    let filter = plan.process.seccomp.take();
    RunRecord::write_plan(&directory, &plan).map_err(failed)?;
    plan.process.seccomp = filter;
    boundary("start.recorded");
    let create = protocol::Create {
        version: protocol::VERSION,
        container: container.id.clone(),
        plan,
        network: shared.network.clone(),
        streams: streams(effective, size),
        log: place_log,
        exit_path: core.container_directory(&container.id).join(record::EXIT),
    };
    Ok(Prepared {
        shared: None,
        run,
        create,
        sockets,
        dns,
    })
}

/// What holds for this run: with the variables of links and of vendors' devices.
fn effective<'a>(
    core: &Core,
    container: &'a Container,
    environment: &[String],
    edits: &Edits,
) -> Result<Cow<'a, Effective>> {
    let mut effective = with_environment(named_as_joined(core, container)?, environment);
    if !edits.env.is_empty() {
        effective.to_mut().config.env.extend(edits.env.iter().cloned());
    }
    Ok(effective)
}

fn streams(effective: &Effective, size: Option<(u16, u16)>) -> protocol::Streams {
    let config = &effective.config;
    protocol::Streams {
        terminal: config.tty,
        size: size.unwrap_or_else(|| console_size(effective.host.console_size)),
        stdin: config.open_stdin,
        stdin_once: config.stdin_once,
    }
}

fn console_size([rows, columns]: [u32; 2]) -> (u16, u16) {
    (u16::try_from(rows).unwrap_or(0), u16::try_from(columns).unwrap_or(0))
}

fn root(core: &Core, container: &Container) -> Result<Rootfs> {
    let snapshot = core
        .images
        .snapshot(&container.id)
        .map_err(|error| Error::caused("open the snapshot", error))?;
    Ok(Rootfs::Overlay {
        lower: snapshot.lower,
        upper: snapshot.upper,
        work: snapshot.work,
        options: Vec::new(),
    })
}
