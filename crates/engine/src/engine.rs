//! The engine as its callers see it: one cheap handle, one method per verb of the API. Each method
//! is a line; the work is in the folder of its noun.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use corten_api::Filters;
use corten_api::container::{
    ContainerCreateBody, ContainerCreateResponse, ContainerInspect, ContainerPruneReport, ContainerTop,
    EndpointSettings, UpdateBody,
};
use corten_api::container::{FilesystemChange, PathStat};
use corten_api::exec::{ExecConfig, ExecInspect};
use corten_api::image::{ImageDeleteItem, ImageHistoryItem, ImageInspect, ImagePruneReport, ImageSummary};
use corten_api::network::{Network, NetworkCreateBody, NetworkCreateResponse, NetworkPruneReport};
use corten_api::system::{DiskUsage, SystemInfo};
use corten_api::volume::{Volume, VolumeCreateBody, VolumeList, VolumePruneReport};
use corten_base::{Platform, Timestamp};

use crate::container::attach::{self, AttachTicket};
use crate::container::create::{self, CreateRequest};
use crate::container::phase::Stopping;
use crate::container::wait::WaitTicket;
use crate::container::{actions, ending, inspect, list};
use crate::core::{Core, blocking, transferring};
use crate::error::{Error, Result};
use crate::event::EventStream;
use crate::exec::{self, ExecTicket};
use crate::image::{self, LoadProgress, SaveTicket};
use crate::logs::{self, LogStream};
use crate::request::{
    AttachOptions, CommitOptions, ExecStartOptions, ExtractOptions, ImageListOptions, ImageRemoveOptions,
    ImportImageOptions, ListOptions, LogOptions, RemoveOptions, StatsOptions, StopOptions, TerminalSize, WaitCondition,
};
use crate::stats::{self, StatsStream};
use crate::usage::{self, UsageOptions};

use crate::files::{ArchiveTicket, ExportTicket, FilesOf};
use crate::{Config, changes, commit, files, network, prune, volume};

/// One host's containers, images, volumes and networks. Clones share everything.
#[derive(Clone)]
pub struct Engine {
    pub(crate) core: Arc<Core>,
}

/// The engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A directory cannot be made or read.
    #[error("cannot prepare {path}")]
    Directory {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another engine has the data directory.
    #[error(transparent)]
    Held(#[from] crate::hold::HoldError),
    /// The run directory is another engine's.
    #[error(transparent)]
    Claim(#[from] crate::claim::ClaimError),
    /// The host's kernel cannot be asked.
    #[error("cannot probe the host")]
    Host(#[from] corten_runtime::host::ProbeError),
    /// The image store cannot be opened.
    #[error(transparent)]
    Images(#[from] corten_image::store::OpenError),
    /// The default network cannot be set up.
    #[error("cannot set up the default network")]
    Network(#[from] corten_net::sandbox::OpenError),
    /// The log driver of containers that do not say, or its options. Text observed: dockerd 28.5.
    #[error("failed to set log opts: {0}")]
    Log(String),
    /// `--userns-remap` cannot be done.
    #[error("{0}")]
    Remap(String),
    /// systemd is to make control groups, and is not there.
    #[error(
        "systemd not running on this host, cannot use systemd cgroups manager: start the daemon with \
         --exec-opt native.cgroupdriver=cgroupfs, or without the option"
    )]
    NoSystemd,
    /// The parent of systemd's scopes is none. Text of Docker.
    #[error("{}", crate::container::validate::NO_SLICE)]
    NoSlice,
    /// What was found cannot be made consistent.
    #[error("recovery failed")]
    Recovery(#[source] Error),
}

impl Engine {
    /// Opens the state under the configured directories and recovers: adopts containers that run, records
    /// exits that nobody saw, finishes or undoes what was half done, applies restart policies.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        crate::open::open(config).await.map(|core| Self { core })
    }

    /// How long [`Self::end_containers`] may take with the containers that run now; `None`: for ever.
    #[must_use]
    pub fn ending_limit(&self, setting: Duration) -> Option<Duration> {
        ending::limit_now(&self.core, setting)
    }

    /// Ends all containers because the host goes down, or because they do not outlive the engine: last
    /// started first, within `setting` or longer where a container's own timeout is. The next engine starts
    /// them again as their policies say.
    pub async fn end_containers(&self, setting: Duration) {
        self.core.closing.store(true, Ordering::Relaxed);
        ending::end_all(&self.core, setting).await;
    }

    /// Whether containers go on when the engine ends.
    #[must_use]
    pub fn containers_outlive(&self) -> bool {
        self.core.changing().live_restore
    }

    /// Ends the engine. Containers go on.
    pub async fn shutdown(&self) {
        self.core.closing.store(true, Ordering::Relaxed);
        crate::recovery::remove_cgroup_parent(&self.core).await;
    }

    /// What `GET /info` tells.
    pub async fn info(&self) -> Result<SystemInfo> {
        blocking(&self.core, |core| Ok(crate::info::info(core))).await
    }

    /// The events from `since` (as far as the history goes back) to `until`, then what happens.
    pub fn events(&self, filters: Filters, since: Option<Timestamp>, until: Option<Timestamp>) -> Result<EventStream> {
        Ok(self.core.events.subscribe(filters, since, until))
    }

    /// Makes a container.
    pub async fn create_container(
        &self,
        name: Option<String>,
        platform: Option<String>,
        body: ContainerCreateBody,
    ) -> Result<ContainerCreateResponse> {
        create::create(&self.core, CreateRequest { name, platform, body }).await
    }

    /// Starts it; `NotModified` if it runs.
    pub async fn start_container(&self, reference: &str) -> Result<()> {
        actions::start(&self.core, reference).await
    }

    /// Stops it and waits for its end; `NotModified` if it does not run.
    pub async fn stop_container(&self, reference: &str, options: StopOptions) -> Result<()> {
        actions::stop(&self.core, reference, options, Stopping::Stay).await
    }

    /// Stops it if it runs, and starts it.
    pub async fn restart_container(&self, reference: &str, options: StopOptions) -> Result<()> {
        actions::stop(&self.core, reference, options, Stopping::StartAgain).await
    }

    /// Sends a signal, by name or number; `None`: SIGKILL, and waits for the end then.
    pub async fn kill_container(&self, reference: &str, signal: Option<String>) -> Result<()> {
        actions::kill(&self.core, reference, signal.as_deref()).await
    }

    /// Removes the containers that do not run and match.
    pub async fn prune_containers(&self, filters: Filters) -> Result<ContainerPruneReport> {
        prune::containers(&self.core, filters).await
    }

    /// Removes the images without a name that match, or with `dangling=false` all that nothing uses.
    pub async fn prune_images(&self, filters: Filters) -> Result<ImagePruneReport> {
        blocking(&self.core, move |core| prune::images(core, filters)).await
    }

    /// Removes the volumes that no container mounts and that match; named ones with the filter `all` alone.
    pub async fn prune_volumes(&self, filters: Filters) -> Result<VolumePruneReport> {
        blocking(&self.core, move |core| prune::volumes(core, filters)).await
    }

    /// What lies on the disk.
    pub async fn disk_usage(&self, options: UsageOptions) -> Result<DiskUsage> {
        blocking(&self.core, move |core| usage::usage(core, options)).await
    }

    /// Gives it another name.
    pub async fn rename_container(&self, reference: &str, name: &str) -> Result<()> {
        actions::rename(&self.core, reference, name).await
    }

    /// Gives it other limits or another restart policy, at once if it runs; returns warnings.
    pub async fn update_container(&self, reference: &str, update: UpdateBody) -> Result<Vec<String>> {
        actions::update(&self.core, reference, update).await
    }

    /// Freezes its processes.
    pub async fn pause_container(&self, reference: &str) -> Result<()> {
        actions::pause(&self.core, reference).await
    }

    /// Lets its frozen processes go on.
    pub async fn unpause_container(&self, reference: &str) -> Result<()> {
        actions::unpause(&self.core, reference).await
    }

    /// Its processes, as `ps` with these arguments shows them; empty: `-ef`.
    pub async fn top_container(&self, reference: &str, arguments: &str) -> Result<ContainerTop> {
        let (container, arguments) = (self.core.containers.find(reference)?, arguments.to_owned());
        blocking(&self.core, move |core| crate::top::top(core, &container, &arguments)).await
    }

    /// Samples of what it uses.
    pub fn stats(&self, reference: &str, options: StatsOptions) -> Result<StatsStream> {
        Ok(stats::open(&self.core, self.core.containers.find(reference)?, options))
    }

    /// Removes it.
    pub async fn remove_container(&self, reference: &str, options: RemoveOptions) -> Result<()> {
        actions::remove(&self.core, reference, options).await
    }

    /// Everything about it; `size` adds its sizes on disk.
    pub async fn inspect_container(&self, reference: &str, size: bool) -> Result<ContainerInspect> {
        let container = self.core.containers.find(reference)?;
        if size {
            return blocking(&self.core, move |core| inspect::inspect(core, &container, true)).await;
        }
        // as in `list_containers`
        inspect::inspect(&self.core, &container, false)
    }

    /// The containers that match, newest first, as the document that clients get: a list of
    /// `ContainerSummary`.
    pub async fn list_containers(&self, options: ListOptions) -> Result<Vec<u8>> {
        if options.size {
            return blocking(&self.core, move |core| list::document(core, &options)).await;
        }
        // what is in memory is not worth a change of threads
        list::document(&self.core, &options)
    }

    /// Begins to wait: what happens from now on counts. The answer comes from [`WaitTicket::finished`].
    pub fn wait_container(&self, reference: &str, condition: WaitCondition) -> Result<WaitTicket> {
        Ok(WaitTicket::new(&*self.core.awaited(reference)?, condition))
    }

    /// Sets the size of its terminal.
    pub async fn resize_container(&self, reference: &str, size: TerminalSize) -> Result<()> {
        actions::resize(&self.core, reference, size).await
    }

    /// Its log, ready for the wire.
    pub async fn logs(&self, reference: &str, options: LogOptions) -> Result<LogStream> {
        let container = self.core.containers.find(reference)?;
        logs::open(&self.core, &container, options).await
    }

    /// Checks that a client can be joined to it; then [`AttachTicket::connect`] with its connection.
    pub fn prepare_attach(&self, reference: &str, options: AttachOptions) -> Result<AttachTicket> {
        attach::prepare(&self.core, reference, options)
    }

    /// Makes an exec session; returns its id.
    pub async fn create_exec(&self, reference: &str, config: ExecConfig) -> Result<String> {
        exec::create(&self.core, reference, config).await
    }

    /// Checks that the session can start; then [`ExecTicket::connect`] or [`ExecTicket::detached`].
    pub fn prepare_exec_start(&self, exec: &str, options: ExecStartOptions) -> Result<ExecTicket> {
        exec::prepare(&self.core, exec, options)
    }

    /// Everything about an exec session.
    pub fn inspect_exec(&self, exec: &str) -> Result<ExecInspect> {
        exec::inspect(&self.core, exec)
    }

    /// Sets the size of its terminal.
    pub async fn resize_exec(&self, exec: &str, size: TerminalSize) -> Result<()> {
        exec::resize(&self.core, exec, size).await
    }

    /// The images that match, newest first.
    pub async fn list_images(&self, options: ImageListOptions) -> Result<Vec<ImageSummary>> {
        blocking(&self.core, move |core| image::list::list(core, &options)).await
    }

    /// Everything about an image.
    pub async fn inspect_image(&self, name: &str) -> Result<ImageInspect> {
        let name = name.to_owned();
        blocking(&self.core, move |core| image::show::inspect(core, &name)).await
    }

    /// Its steps, newest first.
    pub async fn image_history(&self, name: &str) -> Result<Vec<ImageHistoryItem>> {
        let name = name.to_owned();
        blocking(&self.core, move |core| image::show::history(core, &name)).await
    }

    /// Gives it one more name. `tag` empty: `latest`.
    pub async fn tag_image(&self, name: &str, repository: &str, tag: &str) -> Result<()> {
        let (name, repository, tag) = (name.to_owned(), repository.to_owned(), tag.to_owned());
        blocking(&self.core, move |core| image::tag(core, &name, &repository, &tag)).await
    }

    /// Takes a name away, and the image with its last one.
    pub async fn remove_image(&self, name: &str, options: ImageRemoveOptions) -> Result<Vec<ImageDeleteItem>> {
        let name = name.to_owned();
        blocking(&self.core, move |core| image::remove(core, &name, options)).await
    }

    /// Loads the archive that `reader` gives (read on a thread of its own) and tells `progress` of each step. With a
    /// platform, what is for others is left out.
    pub async fn load_images<R, P>(&self, platform: Option<Platform>, mut reader: R, mut progress: P) -> Result<()>
    where
        R: Read + Send + 'static,
        P: FnMut(LoadProgress) + Send + 'static,
    {
        transferring(&self.core, move |core| {
            image::load(core, platform.as_ref(), &mut reader, &mut progress)
        })
        .await
    }

    /// Finds the images that the names mean; then [`SaveTicket::write`] writes their archive.
    /// With a platform, images for others are an error.
    pub async fn prepare_save(&self, names: Vec<String>, platform: Option<Platform>) -> Result<SaveTicket> {
        image::save::prepare(&self.core, names, platform).await
    }

    /// Makes an image of the tar that `reader` gives; returns its id, `sha256:...`.
    pub async fn import_image<R>(&self, mut reader: R, options: ImportImageOptions) -> Result<String>
    where
        R: Read + Send + 'static,
    {
        transferring(&self.core, move |core| image::import(core, &mut reader, &options)).await
    }

    /// For a pull that cannot reach a registry: makes the embedded image if `name` means `hello-world:latest`.
    /// Returns whether it does.
    pub async fn provide_embedded_image(&self, name: &str) -> Result<bool> {
        image::provide_embedded(&self.core, name).await
    }

    /// The volumes that match, by name.
    pub async fn list_volumes(&self, filters: Filters) -> Result<VolumeList> {
        blocking(&self.core, move |core| volume::list(core, &filters)).await
    }

    /// Everything about a volume.
    pub async fn inspect_volume(&self, name: &str) -> Result<Volume> {
        let name = name.to_owned();
        blocking(&self.core, move |core| volume::inspect(core, &name)).await
    }

    /// Makes a volume, or tells of the one of that name.
    pub async fn create_volume(&self, body: VolumeCreateBody) -> Result<Volume> {
        blocking(&self.core, move |core| volume::create(core, body)).await
    }

    /// Removes a volume that no container uses; `force`: none of that name is no error.
    pub async fn remove_volume(&self, name: &str, force: bool) -> Result<()> {
        let name = name.to_owned();
        blocking(&self.core, move |core| volume::remove(core, &name, force)).await
    }

    /// Makes a volume of what is in another one.
    pub async fn clone_volume(&self, source: &str, name: &str, labels: BTreeMap<String, String>) -> Result<Volume> {
        let (shared, source, name) = (Arc::clone(&self.core), source.to_owned(), name.to_owned());
        transferring(&self.core, move |_core| volume::clone(&shared, &source, &name, labels)).await
    }

    /// Makes a volume of the archive that `reader` gives.
    pub async fn import_volume<R>(&self, name: &str, mut reader: R, labels: BTreeMap<String, String>) -> Result<Volume>
    where
        R: BufRead + Send + 'static,
    {
        let name = name.to_owned();
        transferring(&self.core, move |core| {
            let made = volume::import(core, &name, &mut reader, labels);
            if made.is_err() {
                files::write::take_in(&mut reader);
            }
            made
        })
        .await
    }

    /// What is at a path in a container or volume.
    pub async fn stat_path(&self, of: FilesOf<'_>, path: &str) -> Result<PathStat> {
        files::stat::stat(&self.core, of, path).await
    }

    /// Finds a path in a container or volume; then [`ArchiveTicket::write`] writes its archive.
    pub async fn prepare_archive(&self, of: FilesOf<'_>, path: &str) -> Result<ArchiveTicket> {
        files::read::prepare(&self.core, of, path).await
    }

    /// Unpacks the archive that `reader` gives into a directory of a container or volume.
    pub async fn write_archive<R>(&self, of: FilesOf<'_>, reader: R, options: ExtractOptions) -> Result<()>
    where
        R: BufRead + Send + 'static,
    {
        files::write::write(&self.core, of, reader, options).await
    }

    /// Opens the root of a container or volume; then [`ExportTicket::write`] writes its archive.
    pub async fn prepare_export(&self, of: FilesOf<'_>) -> Result<ExportTicket> {
        files::export::prepare(&self.core, of).await
    }

    /// What a container changed of its image's files.
    pub async fn container_changes(&self, reference: &str) -> Result<Vec<FilesystemChange>> {
        let container = self.core.containers.find(reference)?;
        blocking(&self.core, move |core| changes::changes(core, &container)).await
    }

    /// Makes an image of a container; returns its id, `sha256:...`.
    pub async fn commit_container(&self, options: CommitOptions) -> Result<String> {
        commit::commit(&self.core, options).await
    }

    /// Makes a network.
    pub async fn create_network(&self, body: NetworkCreateBody) -> Result<NetworkCreateResponse> {
        blocking(&self.core, move |core| network::create::create(core, &body)).await
    }

    /// Removes a network that no running container is on.
    pub async fn remove_network(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        blocking(&self.core, move |core| network::remove::remove(core, &name)).await
    }

    /// Removes the networks that nobody is on and that match.
    pub async fn prune_networks(&self, filters: Filters) -> Result<NetworkPruneReport> {
        blocking(&self.core, move |core| network::remove::prune(core, &filters)).await
    }

    /// Puts a container on one more network.
    pub async fn connect_network(&self, name: &str, container: &str, settings: EndpointSettings) -> Result<()> {
        actions::connect_network(&self.core, name, container, settings).await
    }

    /// Takes a container off a network; `force` even where the container is gone.
    pub async fn disconnect_network(&self, name: &str, container: &str, force: bool) -> Result<()> {
        actions::disconnect_network(&self.core, name, container, force).await
    }

    /// The networks that match.
    pub fn list_networks(&self, filters: Filters) -> Result<Vec<Network>> {
        network::list(&self.core, &filters)
    }

    /// Everything about a network.
    pub fn inspect_network(&self, name: &str) -> Result<Network> {
        network::inspect(&self.core, name)
    }
}
