//! The route table: which call a method and a path mean. Pure.
//!
//! Names may contain slashes (`/images/{name}/json` is matched greedily), an unknown path and a
//! wrong method are the same (404 `page not found`), and a path is matched after decoding, as in
//! Docker's router.
//!
//! What Docker has no call for is below `/corten/`: docs/volumes.md.

use corten_api::query;
use corten_api::version::{self, ApiVersion, VersionError};
use http::Method;

/// One call of the API, with the names from its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `OPTIONS` on anything.
    Options,
    /// `GET|HEAD /_ping`
    Ping,
    /// `GET /version`
    Version,
    /// `GET /info`
    Info,
    /// `GET /events`
    Events,
    /// `GET /debug/vars`
    DebugVariables,
    /// `GET /debug/pprof/{name}`; the index has an empty name
    DebugProfile(String),
    /// `GET /system/df`
    DiskUsage,
    /// `POST /auth`
    Auth,
    /// `GET /containers/json`
    ContainerList,
    /// `POST /containers/create`
    ContainerCreate,
    /// `GET /containers/{id}/json`
    ContainerInspect(String),
    /// `GET /containers/{id}/logs`
    ContainerLogs(String),
    /// `POST /containers/{id}/start`
    ContainerStart(String),
    /// `POST /containers/{id}/stop`
    ContainerStop(String),
    /// `POST /containers/{id}/restart`
    ContainerRestart(String),
    /// `POST /containers/{id}/kill`
    ContainerKill(String),
    /// `POST /containers/{id}/pause`
    ContainerPause(String),
    /// `POST /containers/{id}/unpause`
    ContainerUnpause(String),
    /// `POST /containers/prune`
    ContainerPrune,
    /// `POST /images/prune`
    ImagePrune,
    /// `POST /volumes/prune`
    VolumePrune,
    /// `POST /build/prune`
    BuildPrune,
    /// `POST /containers/{id}/rename`
    ContainerRename(String),
    /// `POST /containers/{id}/update`
    ContainerUpdate(String),
    /// `GET /containers/{id}/top`
    ContainerTop(String),
    /// `GET /containers/{id}/stats`
    ContainerStats(String),
    /// `POST /containers/{id}/wait`
    ContainerWait(String),
    /// `POST /containers/{id}/resize`
    ContainerResize(String),
    /// `POST /containers/{id}/attach`
    ContainerAttach(String),
    /// `GET /containers/{id}/attach/ws`
    ContainerAttachWebsocket(String),
    /// `DELETE /containers/{id}`
    ContainerRemove(String),
    /// `HEAD /containers/{id}/archive`
    ArchiveStat(String),
    /// `GET /containers/{id}/archive`
    ArchiveRead(String),
    /// `PUT /containers/{id}/archive`
    ArchiveWrite(String),
    /// `GET /containers/{id}/export`
    ContainerExport(String),
    /// `GET /containers/{id}/changes`
    ContainerChanges(String),
    /// `POST /commit`
    Commit,
    /// `POST /containers/{id}/exec`
    ExecCreate(String),
    /// `POST /exec/{id}/start`
    ExecStart(String),
    /// `POST /exec/{id}/resize`
    ExecResize(String),
    /// `GET /exec/{id}/json`
    ExecInspect(String),
    /// `GET /images/json`
    ImageList,
    /// `GET /images/search`
    ImageSearch,
    /// `POST /images/create`
    ImageCreate,
    /// `POST /images/load`
    ImageLoad,
    /// `GET /images/get`
    ImagesGet,
    /// `GET /images/{name}/get`
    ImageGet(String),
    /// `GET /images/{name}/json`
    ImageInspect(String),
    /// `GET /images/{name}/history`
    ImageHistory(String),
    /// `POST /images/{name}/tag`
    ImageTag(String),
    /// `DELETE /images/{name}`
    ImageRemove(String),
    /// `GET /volumes`
    VolumeList,
    /// `POST /volumes/create`
    VolumeCreate,
    /// `PUT /volumes/{name}`
    VolumeUpdate,
    /// `GET /volumes/{name}`
    VolumeInspect(String),
    /// `DELETE /volumes/{name}`
    VolumeRemove(String),
    /// `HEAD /corten/volumes/{name}/archive`
    VolumeStat(String),
    /// `GET /corten/volumes/{name}/archive`
    VolumeRead(String),
    /// `PUT /corten/volumes/{name}/archive`
    VolumeWrite(String),
    /// `GET /corten/volumes/{name}/export`
    VolumeExport(String),
    /// `POST /corten/volumes/{name}/import`
    VolumeImport(String),
    /// `POST /corten/volumes/{name}/clone`
    VolumeClone(String),
    /// `GET /networks`
    NetworkList,
    /// `GET /networks/{id}`
    NetworkInspect(String),
    /// `DELETE /networks/{id}`
    NetworkRemove(String),
    /// `POST /networks/create`
    NetworkCreate,
    /// `POST /networks/prune`
    NetworkPrune,
    /// `POST /networks/{id}/connect`
    NetworkConnect(String),
    /// `POST /networks/{id}/disconnect`
    NetworkDisconnect(String),
    /// `GET /plugins`
    PluginList,
    /// A call on one plugin: there are none.
    Plugin(String),
    /// `POST /swarm/leave`
    SwarmLeave,
    /// A call that only a swarm manager answers.
    Swarm,
    /// `POST /session`
    Session,
    /// A call of Docker's API that is not built yet, by its name there.
    NotBuilt(&'static str),
}

impl Call {
    /// Whether the call reads the request's body.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        matches!(
            self,
            Self::Auth
                | Self::ContainerCreate
                | Self::ContainerUpdate(_)
                | Self::VolumeCreate
                | Self::ExecCreate(_)
                | Self::ExecStart(_)
                | Self::ImageCreate
                | Self::ImageLoad
                | Self::ArchiveWrite(_)
                | Self::VolumeWrite(_)
                | Self::VolumeImport(_)
                | Self::Commit
                | Self::NetworkCreate
                | Self::NetworkConnect(_)
                | Self::NetworkDisconnect(_)
        )
    }
}

/// What a request line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A call, in the version asked for.
    Call(Call, ApiVersion),
    /// The version asked for is not served.
    Version(VersionError),
    /// The path has empty or dotted segments: the client should ask for this one.
    Redirect(String),
    /// Nothing.
    Missing,
}

/// Finds the call that `method` and the raw `path` (without query) mean.
#[must_use]
pub fn route(method: &Method, path: &str) -> Target {
    let Some(path) = query::unescape(path, false) else {
        return Target::Missing;
    };
    if method == Method::OPTIONS {
        return Target::Call(Call::Options, version::MAX);
    }
    if let Some(clean) = cleaned(&path) {
        return Target::Redirect(clean);
    }
    let mut segments: Vec<&str> = path.split('/').skip(1).collect();
    let requested = segments
        .first()
        .and_then(|first| first.strip_prefix('v'))
        .filter(|text| is_version(text));
    if requested.is_some() {
        segments.remove(0);
    }
    let Some(call) = find(method, &segments) else {
        return Target::Missing;
    };
    match requested.map_or(Ok(version::MAX), ApiVersion::requested) {
        Ok(version) => Target::Call(call, version),
        Err(error) => Target::Version(error),
    }
}

fn is_version(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

fn find(method: &Method, segments: &[&str]) -> Option<Call> {
    match *method {
        Method::GET => get(segments),
        Method::HEAD => head(segments),
        Method::POST => post(segments),
        Method::DELETE => delete(segments),
        Method::PUT => put(segments),
        _ => None,
    }
}

fn head(segments: &[&str]) -> Option<Call> {
    match segments {
        ["_ping"] => Some(Call::Ping),
        ["containers", of @ .., "archive"] => Some(Call::ArchiveStat(of.join("/"))),
        ["corten", "volumes", of @ .., "archive"] => Some(Call::VolumeStat(of.join("/"))),
        _ => None,
    }
}

fn get(segments: &[&str]) -> Option<Call> {
    let name = |parts: &[&str]| parts.join("/");
    Some(match segments {
        ["_ping"] => Call::Ping,
        ["version"] => Call::Version,
        ["info"] => Call::Info,
        ["events"] => Call::Events,
        ["debug", "vars"] => Call::DebugVariables,
        ["debug", "pprof", name @ ..] if !name.is_empty() => Call::DebugProfile(name.join("/")),
        ["system", "df"] => Call::DiskUsage,
        ["containers", "json"] => Call::ContainerList,
        ["containers", of @ .., "json"] => Call::ContainerInspect(name(of)),
        ["containers", of @ .., "logs"] => Call::ContainerLogs(name(of)),
        ["containers", of @ .., "top"] => Call::ContainerTop(name(of)),
        ["containers", of @ .., "changes"] => Call::ContainerChanges(name(of)),
        ["containers", of @ .., "export"] => Call::ContainerExport(name(of)),
        ["containers", of @ .., "stats"] => Call::ContainerStats(name(of)),
        ["containers", of @ .., "attach", "ws"] => Call::ContainerAttachWebsocket(name(of)),
        ["containers", of @ .., "archive"] => Call::ArchiveRead(name(of)),
        ["exec", of @ .., "json"] => Call::ExecInspect(name(of)),
        ["images", "json"] => Call::ImageList,
        ["images", "get"] => Call::ImagesGet,
        ["images", "search"] => Call::ImageSearch,
        ["images", of @ .., "json"] => Call::ImageInspect(name(of)),
        ["images", of @ .., "get"] => Call::ImageGet(name(of)),
        ["images", of @ .., "history"] => Call::ImageHistory(name(of)),
        ["distribution", _, .., "json"] => Call::NotBuilt("DistributionInspect"),
        ["volumes"] => Call::VolumeList,
        ["volumes", of @ ..] => Call::VolumeInspect(name(of)),
        ["corten", "volumes", of @ .., "archive"] => Call::VolumeRead(name(of)),
        ["corten", "volumes", of @ .., "export"] => Call::VolumeExport(name(of)),
        ["networks"] | ["networks", ""] => Call::NetworkList,
        ["networks", of @ ..] => Call::NetworkInspect(name(of)),
        ["plugins"] => Call::PluginList,
        ["plugins", "privileges"] => Call::NotBuilt("GetPluginPrivileges"),
        ["plugins", of @ .., "json"] => Call::Plugin(name(of)),
        ["swarm" | "nodes" | "services" | "tasks" | "secrets" | "configs"]
        | ["swarm", "unlockkey"]
        | ["nodes" | "services" | "tasks" | "secrets" | "configs", _, ..] => Call::Swarm,
        _ => return None,
    })
}

fn post(segments: &[&str]) -> Option<Call> {
    let name = |parts: &[&str]| parts.join("/");
    Some(match segments {
        ["auth"] => Call::Auth,
        ["build"] => Call::NotBuilt("ImageBuild"),
        ["build", "prune"] => Call::BuildPrune,
        ["build", "cancel"] => Call::NotBuilt("BuildCancel"),
        ["commit"] => Call::Commit,
        ["session"] => Call::Session,
        ["grpc"] => Call::NotBuilt("BuildKit"),
        ["containers", "create"] => Call::ContainerCreate,
        ["containers", "prune"] => Call::ContainerPrune,
        ["containers", of @ .., "start"] => Call::ContainerStart(name(of)),
        ["containers", of @ .., "stop"] => Call::ContainerStop(name(of)),
        ["containers", of @ .., "restart"] => Call::ContainerRestart(name(of)),
        ["containers", of @ .., "kill"] => Call::ContainerKill(name(of)),
        ["containers", of @ .., "wait"] => Call::ContainerWait(name(of)),
        ["containers", of @ .., "resize"] => Call::ContainerResize(name(of)),
        ["containers", of @ .., "attach"] => Call::ContainerAttach(name(of)),
        ["containers", of @ .., "exec"] => Call::ExecCreate(name(of)),
        ["containers", of @ .., "update"] => Call::ContainerUpdate(name(of)),
        ["containers", of @ .., "rename"] => Call::ContainerRename(name(of)),
        ["containers", of @ .., "pause"] => Call::ContainerPause(name(of)),
        ["containers", of @ .., "unpause"] => Call::ContainerUnpause(name(of)),
        ["exec", of @ .., "start"] => Call::ExecStart(name(of)),
        ["exec", of @ .., "resize"] => Call::ExecResize(name(of)),
        ["images", "create"] => Call::ImageCreate,
        ["images", "load"] => Call::ImageLoad,
        ["images", "prune"] => Call::ImagePrune,
        ["images", of @ .., "tag"] => Call::ImageTag(name(of)),
        ["images", _, .., "push"] => Call::NotBuilt("ImagePush"),
        ["volumes", "create"] => Call::VolumeCreate,
        ["volumes", "prune"] => Call::VolumePrune,
        ["corten", "volumes", of @ .., "import"] => Call::VolumeImport(name(of)),
        ["corten", "volumes", of @ .., "clone"] => Call::VolumeClone(name(of)),
        ["networks", "create"] => Call::NetworkCreate,
        ["networks", "prune"] => Call::NetworkPrune,
        ["networks", of @ .., "connect"] => Call::NetworkConnect(name(of)),
        ["networks", of @ .., "disconnect"] => Call::NetworkDisconnect(name(of)),
        ["plugins", "pull"] => Call::NotBuilt("PluginPull"),
        ["plugins", "create"] => Call::NotBuilt("PluginCreate"),
        ["plugins", of @ .., "enable" | "disable" | "upgrade" | "push" | "set"] => Call::Plugin(name(of)),
        ["swarm", "init"] => Call::NotBuilt("SwarmInit"),
        ["swarm", "join"] => Call::NotBuilt("SwarmJoin"),
        ["swarm", "leave"] => Call::SwarmLeave,
        ["swarm", "update" | "unlock"]
        | ["services" | "secrets" | "configs", "create"]
        | ["nodes" | "services" | "secrets" | "configs", _, .., "update"] => Call::Swarm,
        _ => return None,
    })
}

fn delete(segments: &[&str]) -> Option<Call> {
    let name = |parts: &[&str]| parts.join("/");
    Some(match segments {
        ["containers", of @ ..] if !of.is_empty() => Call::ContainerRemove(name(of)),
        ["images", of @ ..] if !of.is_empty() => Call::ImageRemove(name(of)),
        ["volumes", of @ ..] if !of.is_empty() => Call::VolumeRemove(name(of)),
        ["networks", of @ ..] if !of.is_empty() => Call::NetworkRemove(name(of)),
        ["plugins", of @ ..] if !of.is_empty() => Call::Plugin(name(of)),
        ["nodes" | "services" | "secrets" | "configs", _, ..] => Call::Swarm,
        _ => return None,
    })
}

fn put(segments: &[&str]) -> Option<Call> {
    match segments {
        ["containers", of @ .., "archive"] => Some(Call::ArchiveWrite(of.join("/"))),
        ["corten", "volumes", of @ .., "archive"] => Some(Call::VolumeWrite(of.join("/"))),
        ["volumes", _, ..] => Some(Call::VolumeUpdate),
        _ => None,
    }
}

/// The path without empty, `.` and `..` segments, if it has any; a slash at the end stays.
fn cleaned(path: &str) -> Option<String> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let last = inner.split('/').count() - 1;
    let is_odd = |(at, part): (usize, &str)| matches!(part, "." | "..") || (part.is_empty() && at != last);
    if path.starts_with('/') && !inner.split('/').enumerate().any(is_odd) {
        return None;
    }
    let mut kept: Vec<&str> = Vec::new();
    for part in inner.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(part),
        }
    }
    let slash = if path.ends_with('/') && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    Some(format!("/{}{slash}", kept.join("/")))
}

#[cfg(test)]
mod tests;
