//! The start sequence: from a record to a running program.
//!
//! ```text
//! run directory ─┬─ shim spawned ───────────────┐
//!                └─ address, ports, files, plan ─┴─ run.json ─ Create ─┬─ root, cgroups, process ─┬─ Network, Attach, Start
//!                                                                     └─ veth, firewall ──────────┘
//! ```
//! Each step's reverse is in the [`Undo`] before the step begins; a failure half way runs them all, last
//! first. What survives the daemon's death half way is found by recovery through `run.json`, which is
//! there before anything that outlives the process.

use std::borrow::Cow;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Duration;

use corten_base::{Timestamp, id::hex};
use corten_net::sandbox::PublishedPort;
use corten_runtime::plan::Rootfs;
use corten_shim::protocol::{self, Failure, FailureKind, NetworkNamespace, NetworkSetup, Reply, Request};
use corten_sys::fault::boundary;
use tokio::sync::mpsc;

use super::early::{self, Early};
use super::effective::{Effective, NetworkMode};
use super::links::{self, Leased};
use super::mounts::MountKind;
use super::namespaces::Shared;
use super::owner::{Ongoing, Owner};
use super::phase::FailedStart;
use super::run::{Joined, RunRecord, for_removal};
use super::{Container, devices, record, sources, spec};
use crate::core::{Core, blocking, random_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Subject;
use crate::network::files::{self, Files};
use crate::network::link::{self, Link};
use crate::network::place::{self, Place};
use crate::shim::{self, News, ShimError, ShimHandle, ShimProcess};

/// A program that executes.
pub(super) struct Started {
    pub(super) pid: u32,
    pub(super) at: Timestamp,
}

/// A start that failed and was undone.
pub(super) struct StartFailure {
    pub(super) error: Error,
    pub(super) outcome: FailedStart,
}

/// How long a start may take: far more than it ever does, and less than a client would wait for a host whose
/// disk hangs.
const START_LIMIT: Duration = Duration::from_secs(120);

/// What has to be undone when a later step fails.
#[derive(Default)]
pub(super) struct Undo {
    pub(super) run_directory: bool,
    pub(super) lease: Vec<Joined>,
    pub(super) shim: Option<(Option<ShimHandle>, ShimProcess)>,
    pub(super) run: Option<Arc<RunRecord>>,
}

/// What the preparation made for the shim.
pub(super) struct Prepared {
    /// Held until the container is made.
    shared: Option<Shared>,
    pub(super) run: RunRecord,
    create: protocol::Create,
    sockets: Vec<OwnedFd>,
    dns: Option<protocol::Dns>,
}

impl Owner {
    pub(super) async fn start(&mut self) -> Result<Started, StartFailure> {
        if let Some(releasing) = self.releasing.take() {
            // A panic there was reported there.
            drop(releasing.await);
        }
        let mut undo = Undo::default();
        let limited = tokio::time::timeout(START_LIMIT, self.try_start(&mut undo)).await;
        match limited.unwrap_or_else(|_late| Err(Error::internal("the container did not start in time"))) {
            Ok(started) => {
                if let Some(run) = self.run.as_ref().map(|run| Arc::clone(&run.record)) {
                    self.publish_networks("connect", &run.endpoints);
                    self.tell_parents(run).await;
                }
                self.publish_mounts("mount");
                Ok(started)
            }
            Err(error) => {
                self.container.clients.end();
                undo.run(&self.core, &self.container).await;
                let code = exit_code(&error);
                let outcome = FailedStart {
                    code,
                    message: error.message.clone(),
                };
                Err(StartFailure { error, outcome })
            }
        }
    }

    async fn try_start(&mut self, undo: &mut Undo) -> Result<Started> {
        let shared = Shared::of(&self.core, &self.container)?;
        let route = self.open_log_route().await?;
        undo.run_directory = true;
        let container = Arc::clone(&self.container);
        blocking(&self.core, move |core| make_run_directory(core, &container)).await?;

        let (late, early) = early::begin(&self.core, &self.container, shared);
        self.releasing = Some(late);
        let early = early
            .await
            .map_err(|_gone| Error::internal("the preparation ended early"))?;
        let Early { spawned, prepared } = early;
        if let Ok(spawned) = &spawned
            && let Ok(pidfd) = spawned.pidfd.try_clone()
        {
            undo.shim = Some((None, ShimProcess::spawned(pidfd)));
        }
        if let Ok(prepared) = &prepared {
            undo.lease.clone_from(&prepared.run.endpoints);
        }
        let (spawned, prepared) = (spawned?, prepared?);
        let failed = |error| Error::caused("connect to the container's keeper", error);
        let (shim, mut news) = shim::open(spawned.control).map_err(failed)?;
        let run = Arc::new(prepared.run);
        undo.run = Some(Arc::clone(&run));
        if let Some((handle, _)) = &mut undo.shim {
            *handle = Some(shim.clone());
        }

        boundary("start.create");
        let _held = prepared.shared;
        let create = shim.request(Request::Create(Box::new(prepared.create)), Vec::new());
        let connect = connect(&self.core, &self.container, &run, &mut news);
        let (created, connected) = tokio::join!(create, connect);
        let pid = match created.map_err(|error| shim_error(&error))? {
            Reply::Created { pid } => pid,
            Reply::Done | Reply::Started { .. } | Reply::State(_) | Reply::Failed(_) => {
                return Err(shim_error(&ShimError::Unexpected));
            }
        };
        connected?;
        boundary("start.created");
        let at = self.let_go(&shim, &run, prepared.dns, prepared.sockets).await?;
        boundary("start.started");
        self.send_log_on(route);
        self.run = Some(Ongoing {
            record: run,
            shim,
            news,
            process: ShimProcess::spawned(spawned.pidfd),
        });
        Ok(Started { pid, at })
    }

    /// Hands network and waiting clients over and lets the program execute: sent in a row, the first failure counts.
    async fn let_go(
        &mut self,
        shim: &ShimHandle,
        run: &Arc<RunRecord>,
        dns: Option<protocol::Dns>,
        mut sockets: Vec<OwnedFd>,
    ) -> Result<Timestamp> {
        let failed = |error| shim_error(&error);
        let mut submitted = Vec::new();
        if !run.endpoints.is_empty() {
            sockets.extend(host_namespace(dns.as_ref())?);
            let request = Request::Network(setup(run, dns));
            submitted.push(shim.submit(request, sockets).await.map_err(failed)?);
        }
        self.container.clients.arrived().await;
        for pending in self.container.clients.begin(shim.clone()) {
            let request = Request::Attach(pending.attach);
            // A client that cannot be joined (it has left) does not keep the container from starting.
            drop(shim.submit(request, vec![pending.connection]).await.map_err(failed)?);
        }
        let start = shim.submit(Request::Start, Vec::new()).await.map_err(failed)?;
        for request in submitted {
            request.done().await.map_err(failed)?;
        }
        if !run.endpoints.is_empty() {
            settle(&self.core, Arc::clone(run)).await;
        }
        match start.reply().await.map_err(failed)? {
            Reply::Started { at } => Ok(at),
            Reply::Done | Reply::Created { .. } | Reply::State(_) | Reply::Failed(_) => {
                Err(shim_error(&ShimError::Unexpected))
            }
        }
    }

    /// Those who link to the container learn its address.
    async fn tell_parents(&self, run: Arc<RunRecord>) {
        if !self.core.links.has_parents(&self.container.id) {
            return;
        }
        let container = Arc::clone(&self.container);
        let told = blocking(&self.core, move |core| {
            link::child_started(core, &container, &run);
            Ok(())
        });
        if let Err(error) = told.await {
            tracing::error!(container = self.container.id.short(), %error, "its new address is not told");
        }
    }

    pub(super) fn publish_networks(&self, action: &str, endpoints: &[Joined]) {
        for joined in endpoints {
            let place = place::of(&self.core, joined);
            let attributes = [
                ("container", self.container.id.to_string()),
                ("name", joined.name.clone()),
                ("type", place.as_ref().map_or("bridge", Place::driver_name).to_owned()),
            ];
            let id = place.as_ref().map_or(joined.network.as_str(), Place::id);
            let subject = Subject::Network(id);
            self.core.events.publish(subject, action, &attributes, Timestamp::now());
        }
    }

    pub(super) fn publish_mounts(&self, action: &str) {
        for mount in self
            .container
            .record
            .mounts
            .iter()
            .filter(|mount| mount.kind == MountKind::Volume)
        {
            let mut attributes = vec![
                ("container", self.container.id.to_string()),
                ("driver", "local".to_owned()),
            ];
            if action == "mount" {
                attributes.extend([
                    ("destination", mount.destination.clone()),
                    ("propagation", String::new()),
                    ("read/write", (!mount.readonly).to_string()),
                ]);
            }
            self.core
                .events
                .publish(Subject::Volume(&mount.volume), action, &attributes, Timestamp::now());
        }
    }
}

impl Undo {
    /// Undoes what was done, last first. Goes on whatever fails, and says what did.
    pub(super) async fn run(self, core: &Arc<Core>, container: &Arc<Container>) {
        if let Some((handle, process)) = self.shim {
            drop(handle);
            process.kill();
            if let Err(error) = process.ended().await {
                tracing::error!(%error, "the shim of a failed start is not reaped");
            }
        }
        let container = Arc::clone(container);
        let undone = blocking(core, move |core| {
            super::stop::let_go_of_mounts(core, &container);
            links::release(core, container.id.as_str(), &self.lease)?;
            if let Some(run) = &self.run {
                super::stop::clear_cgroups(run);
            }
            if self.run_directory {
                drop(fs::remove_dir_all(core.run_directory(&container.id)));
            }
            Ok(())
        });
        if let Err(error) = undone.await {
            tracing::error!(%error, "a failed start is not undone completely");
        }
    }
}

fn make_run_directory(core: &Core, container: &Container) -> Result<()> {
    boundary("start.run-directory");
    let directory = core.run_directory(&container.id);
    let make = || fs::DirBuilder::new().mode(0o700).create(&directory);
    let made = match make() {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            fs::remove_dir_all(&directory).and_then(|()| make())
        }
        made => made,
    };
    made.map_err(|error| Error::caused(format!("make {}", directory.display()), error))?;
    drop(fs::remove_file(
        core.container_directory(&container.id).join(record::EXIT),
    ));
    Ok(())
}

/// Everything that needs no shim: address and ports, files, sources of mounts, the plan; and `run.json`.
pub(super) fn prepare(
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
    let place_log = crate::logs::place::for_shim(core, container)?;
    let links = link::links(core, container)?;
    let environment: Vec<String> = links.iter().flat_map(Link::environment).cloned().collect();
    let edits = crate::cdi::resolve(
        &container.effective.host.device_requests,
        core.config.cdi_directories.as_deref(),
    )?;
    let mut effective = with_environment(named_as_joined(core, container)?, &environment);
    if !edits.env.is_empty() {
        effective.to_mut().config.env.extend(edits.env.iter().cloned());
    }
    let effective = &effective;
    let directory = core.run_directory(&container.id);
    let endpoint = crate::network::show::mode_name(&container.effective.network)
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
    let block_io = super::block_io::limits(&effective.host)?;
    let facts = spec::Facts {
        block_io,
        id: container.id.as_str(),
        mounts: &mounts,
        layers: &layers,
        swaps: &swaps,
        files: &files,
        ipc_of: shared.ipc(),
        shared_memory: super::shared_memory::hold(core, container)?,
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
    let config = &effective.config;
    let streams = protocol::Streams {
        terminal: config.tty,
        size: size.unwrap_or_else(|| console_size(effective.host.console_size)),
        stdin: config.open_stdin,
        stdin_once: config.stdin_once,
    };
    let create = protocol::Create {
        version: protocol::VERSION,
        container: container.id.clone(),
        plan,
        network: shared.network.clone(),
        streams,
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

/// What holds, with the variables that links give; the container's own come over them.
pub(crate) fn with_environment<'a>(effective: Cow<'a, Effective>, environment: &[String]) -> Cow<'a, Effective> {
    if environment.is_empty() {
        return effective;
    }
    let mut effective = effective.into_owned();
    let own = std::mem::take(&mut effective.config.env);
    effective.config.env = environment.iter().chain(own.iter()).cloned().collect();
    Cow::Owned(effective)
}

/// What holds, with the names of the container whose network it joins.
pub(crate) fn named_as_joined<'a>(core: &Core, container: &'a Container) -> Result<Cow<'a, Effective>> {
    let NetworkMode::Container(reference) = &container.effective.network else {
        return Ok(limited_now(container));
    };
    let other = core.containers.find(reference)?;
    let mut effective = limited_now(container).into_owned();
    effective.config.hostname.clone_from(&other.effective.config.hostname);
    effective
        .config
        .domainname
        .clone_from(&other.effective.config.domainname);
    Ok(Cow::Owned(effective))
}

/// What holds, with the limits of today.
fn limited_now(container: &Container) -> Cow<'_, Effective> {
    if container.changes().limits.is_none() {
        return Cow::Borrowed(&container.effective);
    }
    let mut effective = container.effective.clone();
    effective.host = container.host_now();
    Cow::Owned(effective)
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

/// Waits for the shim's namespace and puts the link into it.
async fn connect(
    core: &Arc<Core>,
    container: &Arc<Container>,
    run: &Arc<RunRecord>,
    news: &mut mpsc::Receiver<News>,
) -> Result<()> {
    if run.endpoints.is_empty() {
        return Ok(());
    }
    let pid = loop {
        match news.recv().await {
            Some(News::Event(protocol::Event::NamespaceReady { pid })) => break pid,
            Some(News::Event(_)) => {}
            Some(News::Gone) | None => return Err(shim_error(&ShimError::Gone)),
        }
    };
    let (run, container) = (Arc::clone(run), Arc::clone(container));
    blocking(core, move |core| {
        boundary("start.link");
        let namespace = fs::File::open(format!("/proc/{pid}/ns/net"))
            .map_err(|error| Error::caused("open the container's network namespace", error))?;
        let connected = links::connect(core, container.id.as_str(), &run.endpoints, namespace.as_fd());
        boundary("start.linked");
        connected.and_then(|()| crate::network::opened::start(core, &container, &run.endpoints))
    })
    .await
}

/// Has the bridges take the configured links into service now; without it the kernel does so a moment later,
/// and a packet until then is lost, which no start fails for.
pub(super) async fn settle(core: &Arc<Core>, run: Arc<RunRecord>) {
    let settled = blocking(core, move |core| links::settle(core, &run.endpoints));
    if let Err(error) = settled.await {
        tracing::debug!(%error, "the container's link was not waited for");
    }
}

/// The descriptor that goes with name servers that are asked from the host.
pub(super) fn host_namespace(dns: Option<&protocol::Dns>) -> Result<Option<OwnedFd>> {
    let is_needed = dns.is_some_and(|dns| dns.servers.iter().any(|server| server.from_host));
    is_needed
        .then(corten_sys::netns::current)
        .transpose()
        .map_err(|error| Error::caused("open the host's network namespace", error))
}

pub(super) fn setup(run: &RunRecord, dns: Option<protocol::Dns>) -> NetworkSetup {
    NetworkSetup {
        interfaces: links::interfaces(&run.endpoints),
        gone: Vec::new(),
        ports: run.ports().iter().map(port_socket).collect(),
        dns,
    }
}

fn port_socket(port: &PublishedPort) -> protocol::PortSocket {
    let protocol = match port.protocol {
        corten_net::Protocol::Tcp => protocol::Protocol::Tcp,
        corten_net::Protocol::Udp => protocol::Protocol::Udp,
    };
    protocol::PortSocket {
        protocol,
        splice_to: port.way.splice_to(),
    }
}

/// Docker's words around a failure of the runtime; clients look for them.
const CREATE_FAILED: &str = "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ";

fn shim_error(error: &ShimError) -> Error {
    let ShimError::Failed(Failure { kind, message }) = error else {
        return Error::internal(format!("{CREATE_FAILED}{error}"));
    };
    if message.starts_with("unable to find") {
        return Error::invalid(message.clone());
    }
    match kind {
        FailureKind::CommandNotFound | FailureKind::CommandNotExecutable | FailureKind::InvalidRequest => {
            Error::invalid(format!("{CREATE_FAILED}{message}"))
        }
        FailureKind::NotRunning | FailureKind::Internal => Error::internal(format!("{CREATE_FAILED}{message}")),
    }
}

/// The exit code that a failed start leaves, from Docker's phrases.
fn exit_code(error: &Error) -> i32 {
    let says = |phrase: &str| error.message.contains(phrase);
    let command = error.kind == ErrorKind::InvalidParameter && says("exec: ");
    if command && (says("executable file not found") || says("no such file or directory")) {
        127
    } else if command || says("permission denied") {
        126
    } else {
        128
    }
}
