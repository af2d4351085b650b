//! The end of a run: what is released when the exit is known, and what a shim that died leaves behind.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use corten_base::{ContainerId, Timestamp};
use corten_runtime::cgroup;
use corten_shim::protocol::{Exit, Request};
use corten_sys::fault::boundary;

use super::Container;
use super::links;
use super::owner::Owner;
use super::record;
use super::run::RunRecord;
use crate::core::{Core, blocking};
use crate::error::Error;
use crate::network::files;

/// The code of a container whose shim was killed: it was killed with it.
const KILLED: i32 = 137;

/// How long a shim may take to say that it lets go: it removes control groups first.
pub(crate) const RELEASE_LIMIT: Duration = Duration::from_secs(5);

impl Owner {
    /// Releases everything an API call can see: link, firewall, connections, address.
    pub(super) async fn tear_down(&mut self) {
        self.count_exit();
        self.end_log();
        self.container.clients.end();
        crate::exec::container_ended(&self.core, &self.container);
        let Some(run) = self.run.as_ref().map(|run| Arc::clone(&run.record)) else {
            return;
        };
        self.let_go_of_volumes().await;
        let connected = !run.endpoints.is_empty();
        let (id, ending) = (self.container.id.clone(), Arc::clone(&run));
        if connected && let Err(error) = blocking(&self.core, move |core| release_network(core, &id, &ending)).await {
            tracing::error!(container = self.container.id.short(), %error, "the network is not released");
        }
        self.core.links.leave(&self.container.id);
        self.publish_networks("disconnect", &run.endpoints);
        self.publish_mounts("unmount");
    }

    /// Of its volumes and its shared memory on the host.
    async fn let_go_of_volumes(&self) {
        let container = Arc::clone(&self.container);
        let mut mounts = container.record.mounts.iter();
        if container.effective.host.ipc_mode != "shareable" && mounts.all(|mount| mount.volume.is_empty()) {
            return;
        }
        let done = blocking(&self.core, move |core| {
            let_go_of_mounts(core, &container);
            Ok(())
        });
        if let Err(error) = done.await {
            tracing::error!(container = self.container.id.short(), %error, "the volumes are not let go");
        }
    }

    /// Lets the shim go and clears the run away. The next start waits for it, nobody else does.
    pub(super) fn release(&mut self) {
        let Some(run) = self.run.take() else { return };
        let core = Arc::clone(&self.core);
        let container = Arc::clone(&self.container);
        self.releasing = Some(tokio::spawn(async move {
            // A shim that is gone needs no release, and one that is stuck is killed below.
            let released = run.shim.ask(Request::Release, Vec::new());
            drop(tokio::time::timeout(RELEASE_LIMIT, released).await);
            drop(run.shim);
            drop(run.news);
            if let Err(error) = run.process.ended().await {
                tracing::error!(container = container.id.short(), %error, "a shim is not reaped");
            }
            let cleared = blocking(&core, move |core| {
                boundary("release.cgroups");
                clear_cgroups(&run.record);
                files::keep(core, &container.record, &container.effective, &run.record);
                boundary("release.run-directory");
                fs::remove_dir_all(core.run_directory(&container.id))
                    .map_err(|error| Error::caused("remove the run directory", error))
            });
            if let Err(error) = cleared.await {
                tracing::error!(%error, "a run is not cleared away");
            }
        }));
    }

    /// How the container ended, after its shim died: by `exit.json`, else it was killed.
    pub(super) async fn exit_after_shim(&mut self) -> Exit {
        let directory = self.core.container_directory(&self.container.id);
        let run_directory = self.core.run_directory(&self.container.id);
        let run = self.run.as_ref().map(|run| Arc::clone(&run.record));
        let exit = blocking(&self.core, move |_core| {
            if let Some(run) = &run {
                clear_cgroups(run);
            }
            record::read_exit(&directory, &run_directory).map_err(|error| Error::caused("read exit.json", error))
        });
        match exit.await {
            Ok(Some(exit)) => exit,
            Ok(None) => killed(),
            Err(error) => {
                tracing::error!(container = self.container.id.short(), %error, "the exit record is not readable");
                killed()
            }
        }
    }
}

/// What is mounted on the host for a container is needed no more: volumes with options, shared memory.
pub(super) fn let_go_of_mounts(core: &Core, container: &Container) {
    core.volumes.let_go(&container.id, &container.record.mounts);
    super::shared_memory::let_go(core, &container.id);
}

/// The exit of a container that was killed with its shim.
pub(crate) fn killed() -> Exit {
    Exit {
        code: KILLED,
        at: Timestamp::now(),
        out_of_memory: false,
    }
}

pub(crate) fn release_network(core: &Core, id: &ContainerId, run: &RunRecord) -> crate::error::Result<()> {
    if !run.endpoints.is_empty() {
        boundary("exit.network");
        links::release(core, id.as_str(), &run.endpoints)?;
        boundary("exit.network-released");
    }
    Ok(())
}

/// Kills whatever is left in the groups and removes them; fine if there are none.
pub(crate) fn clear_cgroups(run: &RunRecord) {
    let exist = run
        .cgroup
        .directories
        .iter()
        .any(|directory| directory.absolute().exists());
    if !exist {
        return;
    }
    if let Err(error) = cgroup::kill_all(&run.cgroup) {
        tracing::error!(%error, "processes of a container that ended are not killed");
    }
    if let Err(error) = cgroup::remove(&run.cgroup) {
        tracing::error!(%error, "control groups are not removed");
    }
}
