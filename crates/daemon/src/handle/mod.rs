//! From calls to the engine and back: one file per noun. Decodes, calls, encodes; decides nothing.

mod attach;
mod commit;
mod compat;
mod containers;
mod debug;
mod events;
mod exec;
mod files;
mod images;
mod logs;
mod networks;
mod platform;
mod prune;
mod pull;
mod registry;
mod session;
mod stats;
mod system;
mod transfer;
mod volumes;

use std::sync::Arc;
use std::time::Instant;

use corten_base::Timestamp;
use corten_engine::Engine;
use corten_engine::files::FilesOf;
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;

use crate::http::{Answer, Body, Failure, Handler, Query, Request, Wire, answer, drain};
use crate::metrics::Actions;
use crate::reload::Current;
use crate::route::{Call, Target, route};

/// The API of one engine.
#[derive(Clone)]
pub struct Api {
    engine: Engine,
    current: Arc<Current>,
    actions: Arc<Actions>,
    started: Timestamp,
}

/// What Docker says to swarm calls outside a swarm.
const NO_SWARM: &str = "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" \
                        to connect this node to swarm and try again.";

impl Api {
    /// The API of `engine`, in a daemon with these settings.
    #[must_use]
    pub fn new(engine: Engine, current: Arc<Current>) -> Self {
        Self {
            engine,
            current,
            actions: Arc::default(),
            started: Timestamp::now(),
        }
    }

    /// What it serves.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How long its calls took.
    #[must_use]
    pub fn actions(&self) -> &Arc<Actions> {
        &self.actions
    }

    /// Writes what is going on to a file of the run directory (SIGUSR1).
    pub async fn write_report(&self) {
        debug::write_report(self).await;
    }

    fn builder(&self) -> answer::Builder {
        match self.current.live().feature("buildkit") {
            Some(false) => answer::Builder::Classic,
            Some(true) | None => answer::Builder::BuildKit,
        }
    }

    async fn call(&self, call: Call, request: Request, method: &Method) -> Answer {
        match call {
            Call::Options => Ok(answer::status(StatusCode::OK)),
            Call::Ping => Ok(answer::ping(method == Method::GET, self.builder())),
            Call::Version => Ok(system::version()),
            Call::Info => system::info(self, request.version).await,
            Call::Events => events::events(self, &request),
            Call::DebugVariables => debug::variables(self).await,
            Call::DebugProfile(name) => debug::profile(self, &name).await,
            Call::DiskUsage => prune::disk_usage(self, &request).await,
            Call::Auth => registry::check(self, request).await,
            Call::ContainerList => containers::list(self, &request).await,
            Call::ContainerCreate => containers::create(self, request).await,
            Call::ContainerInspect(id) => containers::inspect(self, &id, &request).await,
            Call::ContainerLogs(id) => logs::logs(self, &id, &request).await,
            Call::ContainerStart(id) => containers::start(self, &id, &request).await,
            Call::ContainerStop(id) => containers::stop(self, &id, &request).await,
            Call::ContainerRestart(id) => containers::restart(self, &id, &request).await,
            Call::ContainerKill(id) => containers::kill(self, &id, &request).await,
            Call::ContainerPause(id) => containers::pause(self, &id).await,
            Call::ContainerUnpause(id) => containers::unpause(self, &id).await,
            Call::ContainerTop(id) => containers::top(self, &id, &request).await,
            Call::ContainerStats(id) => stats::stats(self, &id, &request).await,
            Call::ContainerRename(id) => containers::rename(self, &id, &request).await,
            Call::ContainerUpdate(id) => containers::update(self, &id, request).await,
            Call::ContainerPrune => prune::containers(self, &request).await,
            Call::ImagePrune => prune::images(self, &request).await,
            Call::VolumePrune => prune::volumes(self, &request).await,
            Call::BuildPrune => prune::build(&request),
            Call::ContainerWait(id) => containers::wait(self, &id, &request),
            Call::ContainerResize(id) => containers::resize(self, &id, &request).await,
            Call::ContainerAttach(id) => attach::attach(self, &id, request).await,
            Call::ContainerAttachWebsocket(id) => attach::attach_websocket(self, &id, request).await,
            Call::ContainerRemove(id) => containers::remove(self, &id, &request).await,
            Call::ArchiveStat(id) => files::stat(self, FilesOf::Container(&id), &request).await,
            Call::ArchiveRead(id) => files::read(self, FilesOf::Container(&id), request).await,
            Call::ArchiveWrite(id) => files::write(self, FilesOf::Container(&id), request).await,
            Call::ContainerExport(id) => files::export(self, FilesOf::Container(&id), request).await,
            Call::ContainerChanges(id) => commit::changes(self, &id).await,
            Call::Commit => commit::commit(self, request).await,
            Call::ExecCreate(id) => exec::create(self, &id, request).await,
            Call::ExecStart(id) => exec::start(self, &id, request).await,
            Call::ExecResize(id) => exec::resize(self, &id, &request).await,
            Call::ExecInspect(id) => exec::inspect(self, &id),
            Call::ImageList => images::list(self, &request).await,
            Call::ImageSearch => registry::search(self, &request).await,
            Call::ImageCreate => pull::create(self, request).await,
            Call::ImageLoad => transfer::load(self, request).await,
            Call::ImagesGet => transfer::save(self, request.query.all("names"), &request).await,
            Call::ImageGet(name) => transfer::save(self, vec![name], &request).await,
            Call::ImageInspect(name) => images::inspect(self, &name, &request).await,
            Call::ImageHistory(name) => images::history(self, &name, &request).await,
            Call::ImageTag(name) => images::tag(self, &name, &request).await,
            Call::ImageRemove(name) => images::remove(self, &name, &request).await,
            Call::VolumeList => volumes::list(self, &request).await,
            Call::VolumeCreate => volumes::create(self, request).await,
            Call::VolumeUpdate => volumes::update(),
            Call::VolumeInspect(name) => volumes::inspect(self, &name).await,
            Call::VolumeRemove(name) => volumes::remove(self, &name, &request).await,
            Call::VolumeStat(name) => files::stat(self, FilesOf::Volume(&name), &request).await,
            Call::VolumeRead(name) => files::read(self, FilesOf::Volume(&name), request).await,
            Call::VolumeWrite(name) => files::write(self, FilesOf::Volume(&name), request).await,
            Call::VolumeExport(name) => files::export(self, FilesOf::Volume(&name), request).await,
            Call::VolumeImport(name) => volumes::import(self, &name, request).await,
            Call::VolumeClone(name) => volumes::clone(self, &name, &request).await,
            Call::NetworkList => networks::list(self, &request),
            Call::NetworkInspect(name) => networks::inspect(self, &name),
            Call::NetworkRemove(name) => networks::remove(self, &name).await,
            Call::NetworkCreate => networks::create(self, request).await,
            Call::NetworkPrune => networks::prune(self, &request).await,
            Call::NetworkConnect(name) => networks::connect(self, &name, request).await,
            Call::NetworkDisconnect(name) => networks::disconnect(self, &name, request).await,
            Call::Plugin(name) => Err(Failure::not_found(format!("plugin {name:?} not found"))),
            Call::SwarmLeave => Err(Failure::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "This node is not part of a swarm",
            )),
            Call::PluginList => Ok(answer::json::<[(); 0]>(&[])),
            Call::Swarm => Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, NO_SWARM)),
            Call::Session => session::hold(request).await,
            Call::NotBuilt(name) => Err(Failure::not_built(name)),
        }
    }
}

impl Handler for Api {
    async fn handle(&self, request: http::Request<Incoming>, wire: Wire) -> Response<Body> {
        let (head, mut body) = request.into_parts();
        let target = route(&head.method, head.uri.path());
        if !matches!(&target, Target::Call(call, _) if call.reads_body()) {
            drain(&mut body).await;
        }
        let (call, version) = match target {
            Target::Call(call, version) => (call, version),
            Target::Version(error) => return answer::version_failure(&error),
            Target::Redirect(path) => return answer::redirect(&path, head.uri.query()),
            Target::Missing => return answer::failure(&Failure::not_found("page not found")),
        };
        tracing::debug!(method = %head.method, uri = %head.uri, "request");
        let query = Query::of(&head.method, &head.uri);
        let request = Request {
            version,
            protocol: head.version,
            query,
            headers: head.headers,
            body,
            wire,
        };
        let record = request.query.record().clone();
        let began = Instant::now();
        let answer = self.call(call, request, &head.method).await;
        let status = answer.as_ref().map_or_else(|failure| failure.status, Response::status);
        record.answered(&head.method, &head.uri, status);
        match answer {
            Ok(response) => {
                self.actions.done(&head.method, head.uri.path(), began.elapsed());
                response
            }
            Err(failure) => {
                if failure.status == StatusCode::INTERNAL_SERVER_ERROR {
                    tracing::error!(method = %head.method, path = head.uri.path(), "{}", failure.message);
                }
                answer::failure(&failure)
            }
        }
    }
}
