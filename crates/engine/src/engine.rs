//! The engine as its callers see it: one cheap handle, one method per verb of the API. Each method
//! is a line; the work is in the folder of its noun.

use std::io::{Read, Write};
use std::sync::Arc;

use corten_api::Filters;
use corten_api::container::{ContainerCreateBody, ContainerCreateResponse, ContainerInspect, ContainerSummary};
use corten_api::exec::{ExecConfig, ExecInspect};
use corten_api::image::{ImageDeleteItem, ImageHistoryItem, ImageInspect, ImageSummary};
use corten_api::network::Network;
use corten_api::system::SystemInfo;
use corten_api::volume::{Volume, VolumeList};
use corten_base::Timestamp;

use crate::Config;
use crate::container::attach::AttachTicket;
use crate::container::wait::WaitTicket;
use crate::error::Result;
use crate::event::EventStream;
use crate::exec::ExecTicket;
use crate::image::LoadProgress;
use crate::logs::LogStream;
use crate::request::{
    AttachOptions, ExecStartOptions, ImageListOptions, ImageRemoveOptions, ImportImageOptions, ListOptions, LogOptions,
    RemoveOptions, StartOptions, StopOptions, TerminalSize, WaitCondition,
};

/// One host's containers, images, volumes and networks. Clones share everything.
#[derive(Clone)]
pub struct Engine {
    #[expect(dead_code, reason = "used when the bodies land")]
    inner: Arc<Config>,
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
    /// The host's kernel cannot be asked.
    #[error("cannot probe the host")]
    Host(#[from] corten_runtime::host::ProbeError),
    /// The image store cannot be opened.
    #[error(transparent)]
    Images(#[from] corten_image::store::OpenError),
    /// The default network cannot be set up.
    #[error("cannot set up the default network")]
    Network(#[from] corten_net::sandbox::OpenError),
}

impl Engine {
    /// Opens the state under the configured directories and recovers: adopts containers that run, records
    /// exits that nobody saw, finishes or undoes what was half done, applies restart policies.
    pub async fn open(_config: Config) -> Result<Self, OpenError> {
        unimplemented!()
    }

    /// Ends the engine: with `live_restore` containers go on, else they are stopped, all at once.
    pub async fn shutdown(&self) {
        unimplemented!()
    }

    /// What `GET /info` tells.
    pub async fn info(&self) -> Result<SystemInfo> {
        unimplemented!()
    }

    /// The events from `since` (out of the last 256) to `until`, then what happens.
    pub fn events(
        &self,
        _filters: Filters,
        _since: Option<Timestamp>,
        _until: Option<Timestamp>,
    ) -> Result<EventStream> {
        unimplemented!()
    }

    /// Makes a container.
    pub async fn create_container(
        &self,
        _name: Option<String>,
        _platform: Option<String>,
        _body: ContainerCreateBody,
    ) -> Result<ContainerCreateResponse> {
        unimplemented!()
    }

    /// Starts it; `NotModified` if it runs.
    pub async fn start_container(&self, _reference: &str, _options: StartOptions) -> Result<()> {
        unimplemented!()
    }

    /// Stops it and waits for its end; `NotModified` if it does not run.
    pub async fn stop_container(&self, _reference: &str, _options: StopOptions) -> Result<()> {
        unimplemented!()
    }

    /// Stops it if it runs, and starts it.
    pub async fn restart_container(&self, _reference: &str, _options: StopOptions) -> Result<()> {
        unimplemented!()
    }

    /// Sends a signal, by name or number; `None`: SIGKILL, and waits for the end then.
    pub async fn kill_container(&self, _reference: &str, _signal: Option<String>) -> Result<()> {
        unimplemented!()
    }

    /// Removes it.
    pub async fn remove_container(&self, _reference: &str, _options: RemoveOptions) -> Result<()> {
        unimplemented!()
    }

    /// Everything about it; `size` adds its sizes on disk.
    pub async fn inspect_container(&self, _reference: &str, _size: bool) -> Result<ContainerInspect> {
        unimplemented!()
    }

    /// The containers that match, newest first.
    pub async fn list_containers(&self, _options: ListOptions) -> Result<Vec<ContainerSummary>> {
        unimplemented!()
    }

    /// Begins to wait: what happens from now on counts. The answer comes from [`WaitTicket::finished`].
    pub fn wait_container(&self, _reference: &str, _condition: WaitCondition) -> Result<WaitTicket> {
        unimplemented!()
    }

    /// Sets the size of its terminal.
    pub async fn resize_container(&self, _reference: &str, _size: TerminalSize) -> Result<()> {
        unimplemented!()
    }

    /// Its log, ready for the wire.
    pub async fn logs(&self, _reference: &str, _options: LogOptions) -> Result<LogStream> {
        unimplemented!()
    }

    /// Checks that a client can be joined to it; then [`AttachTicket::connect`] with its connection.
    pub fn prepare_attach(&self, _reference: &str, _options: AttachOptions) -> Result<AttachTicket> {
        unimplemented!()
    }

    /// Makes an exec session; returns its id.
    pub async fn create_exec(&self, _reference: &str, _config: ExecConfig) -> Result<String> {
        unimplemented!()
    }

    /// Checks that the session can start; then [`ExecTicket::connect`] or [`ExecTicket::detached`].
    pub fn prepare_exec_start(&self, _exec: &str, _options: ExecStartOptions) -> Result<ExecTicket> {
        unimplemented!()
    }

    /// Everything about an exec session.
    pub fn inspect_exec(&self, _exec: &str) -> Result<ExecInspect> {
        unimplemented!()
    }

    /// Sets the size of its terminal.
    pub async fn resize_exec(&self, _exec: &str, _size: TerminalSize) -> Result<()> {
        unimplemented!()
    }

    /// The images that match, newest first.
    pub async fn list_images(&self, _options: ImageListOptions) -> Result<Vec<ImageSummary>> {
        unimplemented!()
    }

    /// Everything about an image.
    pub async fn inspect_image(&self, _name: &str) -> Result<ImageInspect> {
        unimplemented!()
    }

    /// Its steps, newest first.
    pub async fn image_history(&self, _name: &str) -> Result<Vec<ImageHistoryItem>> {
        unimplemented!()
    }

    /// Gives it one more name. `tag` empty: `latest`.
    pub async fn tag_image(&self, _name: &str, _repository: &str, _tag: &str) -> Result<()> {
        unimplemented!()
    }

    /// Takes a name away, and the image with its last one.
    pub async fn remove_image(&self, _name: &str, _options: ImageRemoveOptions) -> Result<Vec<ImageDeleteItem>> {
        unimplemented!()
    }

    /// Loads the archive that `reader` gives (read on a blocking thread) and tells `progress` of each step.
    pub async fn load_images<R, P>(&self, _reader: R, _progress: P) -> Result<()>
    where
        R: Read + Send + 'static,
        P: FnMut(LoadProgress) + Send + 'static,
    {
        unimplemented!()
    }

    /// Checks that all the names exist; then [`Self::save_images`] can write.
    pub async fn check_images(&self, _names: Vec<String>) -> Result<()> {
        unimplemented!()
    }

    /// Writes an archive of the images to `writer`, on a blocking thread.
    pub async fn save_images<W>(&self, _names: Vec<String>, _writer: W) -> Result<()>
    where
        W: Write + Send + 'static,
    {
        unimplemented!()
    }

    /// Makes an image of the tar that `reader` gives; returns its id, `sha256:...`.
    pub async fn import_image<R>(&self, _reader: R, _options: ImportImageOptions) -> Result<String>
    where
        R: Read + Send + 'static,
    {
        unimplemented!()
    }

    /// For a pull that cannot reach a registry: makes the embedded image if `name` means `hello-world:latest`.
    /// Returns whether it does.
    pub async fn provide_embedded_image(&self, _name: &str) -> Result<bool> {
        unimplemented!()
    }

    /// The volumes that match, by name.
    pub async fn list_volumes(&self, _filters: Filters) -> Result<VolumeList> {
        unimplemented!()
    }

    /// Everything about a volume.
    pub async fn inspect_volume(&self, _name: &str) -> Result<Volume> {
        unimplemented!()
    }

    /// Removes a volume that no container uses; `force`: none of that name is no error.
    pub async fn remove_volume(&self, _name: &str, _force: bool) -> Result<()> {
        unimplemented!()
    }

    /// The networks that match.
    pub fn list_networks(&self, _filters: Filters) -> Result<Vec<Network>> {
        unimplemented!()
    }

    /// Everything about a network.
    pub fn inspect_network(&self, _name: &str) -> Result<Network> {
        unimplemented!()
    }
}
