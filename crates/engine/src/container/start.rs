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

mod current;
mod failure;
mod prepare;
mod wire;

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Duration;

use corten_base::Timestamp;
use corten_shim::protocol::{self, Reply, Request};
use corten_sys::fault::boundary;

pub(crate) use current::{named_as_joined, with_environment};
pub(super) use prepare::{Prepared, prepare};
pub(super) use wire::{host_namespace, settle, setup};

use self::failure::{exit_code, shim_error};
use super::early::{self, Early};
use super::links;
use super::namespaces::Shared;
use super::owner::{Ongoing, Owner};
use super::phase::FailedStart;
use super::run::{Joined, RunRecord};
use super::{Container, record};
use crate::core::{Core, blocking};
use crate::error::{Error, Result};
use crate::network::link;
use crate::shim::{self, ShimError, ShimHandle, ShimProcess};

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
        let connected = wire::connect(&self.core, &self.container, &run, &mut news);
        let (created, connected) = tokio::join!(create, connected);
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
