//! What older API versions expect: create bodies adapted on the way in, documents on the way out.
//! Source: Engine API version history; observed: dockerd 28.5.

mod hardware_address;

use corten_api::container::{ContainerConfig, ContainerCreateBody, HostConfig};
use corten_api::image::{ImageInspect, ImageSummary};
use corten_api::system::SystemInfo;
use corten_api::version::ApiVersion;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::Failure;

const ENDPOINT_SYSCTLS: &str = "com.docker.network.endpoint.sysctls";

/// Applies the defaults of the version that the client speaks, and Docker's normalisation; what the client is to be told.
pub(super) fn adapt_create(body: &mut ContainerCreateBody, version: ApiVersion) -> Result<Vec<String>, Failure> {
    if body.config.working_dir.starts_with('/') {
        body.config.working_dir = clean(&body.config.working_dir);
    }
    let host = body.host_config.get_or_insert_default();
    if host.pids_limit.is_some_and(|limit| limit <= 0) {
        host.pids_limit = None;
    }
    if host.memory_swappiness == Some(-1) {
        host.memory_swappiness = None;
    }
    if host.network_mode.is_empty() {
        host.network_mode = "default".to_owned();
    }
    if version < ApiVersion::new(1, 40) && host.ipc_mode.is_empty() {
        host.ipc_mode = "shareable".to_owned();
    }
    if version < ApiVersion::new(1, 41) && host.cgroupns_mode.is_empty() {
        host.cgroupns_mode = "host".to_owned();
    }
    if version < ApiVersion::new(1, 44) {
        refuse_many_networks(body)?;
    }
    let warnings = hardware_address::adapt(body, version)?;
    if version < ApiVersion::new(1, 48) {
        move_sysctls(body)?;
    }
    adapt_mounts(body.host_config.get_or_insert_default(), version)?;
    Ok(warnings.into_iter().map(str::to_owned).collect())
}

/// Settings of `eth0` belong to the endpoint since 1.48; before, they were among the container's.
fn move_sysctls(body: &mut ContainerCreateBody) -> Result<(), Failure> {
    let host = body.host_config.get_or_insert_default();
    if host.network_mode == "host" || host.network_mode.starts_with("container:") {
        return Ok(());
    }
    let (mut moved, mut kept) = (Vec::new(), std::collections::BTreeMap::new());
    for (key, value) in std::mem::take(&mut host.sysctls).into_entries() {
        let parts: Vec<&str> = key.splitn(5, '.').collect();
        match parts.as_slice() {
            ["net", family, what, "eth0", name] => moved.push(format!("net.{family}.{what}.IFNAME.{name}={value}")),
            ["net", _, _, other, _] if other.starts_with("eth") => {
                return Err(Failure::invalid(format!(
                    "unable to determine network endpoint for sysctl {key}, use driver option '{ENDPOINT_SYSCTLS}' to set \
                     per-interface sysctls"
                )));
            }
            _ => drop(kept.insert(key, value)),
        }
    }
    host.sysctls = kept.into();
    if moved.is_empty() {
        return Ok(());
    }
    let network = match host.network_mode.as_str() {
        "" | "default" => "bridge".to_owned(),
        named => named.to_owned(),
    };
    let endpoints = &mut body.networking_config.get_or_insert_default().endpoints_config;
    let mut endpoints_by_name = std::mem::take(endpoints).into_entries();
    let endpoint = endpoints_by_name.entry(network).or_default().get_or_insert_default();
    let mut options = std::mem::take(&mut endpoint.driver_opts).into_entries();
    // what the endpoint has already is said last, and so holds
    moved.extend(options.remove(ENDPOINT_SYSCTLS));
    options.insert(ENDPOINT_SYSCTLS.to_owned(), moved.join(","));
    endpoint.driver_opts = options.into();
    *endpoints = endpoints_by_name.into();
    Ok(())
}

/// An absolute path without empty parts, `.` and `..`, as Go's `filepath.Clean` leaves it.
fn clean(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The list of containers as versions before 1.46 show it: without annotations.
pub(super) fn container_list(list: Vec<u8>, version: ApiVersion) -> Vec<u8> {
    if version >= ApiVersion::new(1, 46) {
        return list;
    }
    let Ok(Value::Array(mut rows)) = serde_json::from_slice(&list) else {
        return list;
    };
    for row in &mut rows {
        if let Some(host) = row.get_mut("HostConfig").and_then(Value::as_object_mut) {
            host.remove("Annotations");
        }
    }
    Value::Array(rows).to_string().into_bytes()
}

/// What the engine says of itself as versions before 1.50 show it.
pub(super) fn info(info: &SystemInfo, version: ApiVersion) -> Value {
    let mut fields = object(info);
    if version < ApiVersion::new(1, 50) {
        for name in ["BridgeNfIptables", "BridgeNfIp6tables"] {
            fields.insert(name.to_owned(), Value::Bool(false));
        }
        fields.remove("DiscoveredDevices");
    }
    if version < ApiVersion::new(1, 49) {
        fields.remove("FirewallBackend");
        for name in ["ContainerdCommit", "RuncCommit", "InitCommit"] {
            if let Some(commit) = fields.get_mut(name).and_then(Value::as_object_mut) {
                let id = commit.get("ID").cloned().unwrap_or_default();
                commit.insert("Expected".to_owned(), id);
            }
        }
    }
    Value::Object(fields)
}

fn refuse_many_networks(body: &ContainerCreateBody) -> Result<(), Failure> {
    let networks = body.networking_config.as_ref().map(|config| &config.endpoints_config);
    match networks {
        Some(networks) if networks.len() > 1 => {
            let mut names: Vec<&str> = networks.keys().map(String::as_str).collect();
            names.sort_unstable();
            Err(Failure::invalid(format!(
                "Container cannot be created with multiple network endpoints: {}",
                names.join(", ")
            )))
        }
        Some(_) | None => Ok(()),
    }
}

fn adapt_mounts(host: &mut HostConfig, version: ApiVersion) -> Result<(), Failure> {
    if version >= ApiVersion::new(1, 44) || host.mounts.is_empty() {
        return Ok(());
    }
    for mount in host.mounts.iter_mut().filter(|mount| mount.kind == "bind") {
        if let Some(options) = mount.bind_options.as_mut().filter(|_| version < ApiVersion::new(1, 40)) {
            options.non_recursive = false;
        }
        if mount
            .bind_options
            .as_ref()
            .is_some_and(|options| options.read_only_non_recursive)
        {
            return Err(Failure::invalid(
                "BindOptions.ReadOnlyNonRecursive needs API v1.44 or newer",
            ));
        }
        if mount
            .bind_options
            .as_ref()
            .is_some_and(|options| options.read_only_force_recursive)
        {
            return Err(Failure::invalid(
                "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer",
            ));
        }
        if mount.read_only {
            mount.bind_options.get_or_insert_default().read_only_non_recursive = true;
        }
    }
    Ok(())
}

/// An image of a list as versions before 1.51 show it.
pub(super) fn image_summary(summary: &ImageSummary, version: ApiVersion) -> Value {
    let mut fields = object(summary);
    fields.insert("Containers".to_owned(), Value::from(-1));
    if version < ApiVersion::new(1, 44) {
        add_virtual_size(&mut fields);
    }
    if version < ApiVersion::new(1, 43) {
        unnamed_as_none(&mut fields);
    }
    Value::Object(fields)
}

/// An inspected image as versions before 1.45 show it.
pub(super) fn image_inspect(inspect: &ImageInspect, version: ApiVersion) -> Value {
    let mut fields = object(inspect);
    if version < ApiVersion::new(1, 44) {
        add_virtual_size(&mut fields);
    }
    let empty = object(&ContainerConfig::default());
    fields.insert("ContainerConfig".to_owned(), Value::Object(empty));
    Value::Object(fields)
}

fn object<T: Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn add_virtual_size(fields: &mut Map<String, Value>) {
    if let Some(size) = fields.get("Size").filter(|size| size.as_i64() != Some(0)).cloned() {
        fields.insert("VirtualSize".to_owned(), size);
    }
}

/// Images without any name had one of their own; other missing digests were null.
fn unnamed_as_none(fields: &mut Map<String, Value>) {
    let is_empty = |fields: &Map<String, Value>, key: &str| fields[key].as_array().is_none_or(Vec::is_empty);
    if !is_empty(fields, "RepoDigests") {
        return;
    }
    if is_empty(fields, "RepoTags") {
        fields.insert("RepoTags".to_owned(), Value::from(vec!["<none>:<none>"]));
        fields.insert("RepoDigests".to_owned(), Value::from(vec!["<none>@<none>"]));
    } else {
        fields.insert("RepoDigests".to_owned(), Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use corten_api::container::Mount;

    #[test]
    fn old_clients_get_old_defaults() {
        let mut body = ContainerCreateBody::default();
        adapt_create(&mut body, ApiVersion::new(1, 39)).unwrap();
        let host = body.host_config.unwrap();
        assert_eq!(
            (host.ipc_mode.as_str(), host.cgroupns_mode.as_str()),
            ("shareable", "host")
        );
        let mut body = ContainerCreateBody::default();
        body.host_config.get_or_insert_default().pids_limit = Some(0);
        adapt_create(&mut body, ApiVersion::new(1, 51)).unwrap();
        let host = body.host_config.unwrap();
        assert_eq!(
            (host.ipc_mode.as_str(), host.network_mode.as_str(), host.pids_limit),
            ("", "default", None)
        );
    }

    #[test]
    fn read_only_binds_were_not_recursive() {
        let mut body = ContainerCreateBody::default();
        let mount = Mount {
            kind: "bind".to_owned(),
            read_only: true,
            ..Mount::default()
        };
        body.host_config.get_or_insert_default().mounts.push(mount);
        adapt_create(&mut body, ApiVersion::new(1, 43)).unwrap();
        let options = body.host_config.as_ref().unwrap().mounts[0]
            .bind_options
            .clone()
            .unwrap();
        assert!(options.read_only_non_recursive);
        assert!(adapt_create(&mut body, ApiVersion::new(1, 43)).is_err());
    }

    #[test]
    fn removed_fields_come_back() {
        let summary = ImageSummary {
            size: 7,
            ..ImageSummary::default()
        };
        let old = image_summary(&summary, ApiVersion::new(1, 42));
        assert_eq!(
            (&old["Containers"], &old["RepoDigests"][0]),
            (&Value::from(-1), &Value::from("<none>@<none>"))
        );
        assert_eq!(
            (&old["VirtualSize"], &old["RepoTags"][0]),
            (&Value::from(7), &Value::from("<none>:<none>"))
        );
        assert!(
            image_summary(&summary, ApiVersion::new(1, 51))
                .get("VirtualSize")
                .is_none()
        );
    }
}
