//! The three files every container gets for its resolver, written into its run directory at each start:
//! `/etc/hosts`, `/etc/hostname`, `/etc/resolv.conf`.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use corten_net::files::{self, hosts, resolv};

use crate::container::Container;
use crate::container::effective::NetworkMode;
use crate::core::Core;
use crate::error::{Error, Result};

/// Name of the file in the run directory, and where it is mounted.
pub(crate) const FILES: [(&str, &str); 3] = [
    ("resolv.conf", "/etc/resolv.conf"),
    ("hostname", "/etc/hostname"),
    ("hosts", "/etc/hosts"),
];

/// What `host-gateway` means in `--add-host`.
const HOST_GATEWAY: &str = "host-gateway";

/// Writes the files; returns source and destination of each mount.
pub(crate) fn write(
    core: &Core,
    container: &Container,
    addresses: &[IpAddr],
    directory: &Path,
) -> Result<Vec<(String, String)>> {
    if let NetworkMode::Container(reference) = &container.effective.network {
        let other = core.containers.find(reference)?;
        return Ok(mounts(&core.run_directory(&other.id)));
    }
    let host = &container.effective.host;
    let extra = extra_hosts(core, &host.extra_hosts)?;
    let config = &container.effective.config;
    let shares_host = container.effective.network == NetworkMode::Host;
    let own_name = if config.hostname.is_empty() {
        host_name()
    } else {
        config.hostname.clone()
    };
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let hosts = if shares_host {
        hosts::render_host_network(&read("/etc/hosts"), &extra)
    } else {
        let domain = &config.domainname;
        hosts::render(&hosts::Hosts {
            addresses,
            hostname: &own_name,
            domain,
            extra: &extra,
        })
    };
    let or = |own: &[String], default: &[String]| if own.is_empty() { default.to_vec() } else { own.to_vec() };
    let (dns, search) = (
        or(&host.dns, &core.config.dns),
        or(&host.dns_search, &core.config.dns_search),
    );
    let options = or(&host.dns_options, &core.config.dns_options);
    let overrides = resolv::Overrides {
        nameservers: &dns,
        search: &search,
        options: &options,
    };
    let resolver = read("/etc/resolv.conf");
    let resolver = if shares_host {
        resolv::render_host_network(&resolver, &overrides)
    } else {
        let six = if addresses.iter().any(IpAddr::is_ipv6) {
            resolv::Ipv6::Enabled
        } else {
            resolv::Ipv6::Disabled
        };
        resolv::render(&resolver, &overrides, six)
    };
    for ((name, _), content) in FILES.iter().zip([resolver, files::hostname(&own_name), hosts]) {
        let path = directory.join(name);
        write_readable(&path, &content).map_err(|error| Error::caused(format!("write {}", path.display()), error))?;
    }
    Ok(mounts(directory))
}

/// Users inside the container read it too, whatever the daemon's mask says.
fn write_readable(path: &Path, content: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

fn mounts(directory: &Path) -> Vec<(String, String)> {
    let path = |name: &str| directory.join(name).display().to_string();
    FILES
        .iter()
        .map(|(name, destination)| (path(name), (*destination).to_owned()))
        .collect()
}

fn extra_hosts(core: &Core, entries: &[String]) -> Result<Vec<(String, IpAddr)>> {
    entries.iter().map(|entry| extra_host(core, entry)).collect()
}

fn extra_host(core: &Core, entry: &str) -> Result<(String, IpAddr)> {
    let bad = || Error::invalid(format!("bad format for add-host: \"{entry}\""));
    let (name, address) = entry.split_once(['=', ':']).ok_or_else(bad)?;
    if address == HOST_GATEWAY {
        let bridge = core
            .bridge
            .as_ref()
            .ok_or_else(|| Error::invalid("unable to derive the IP value for host-gateway"))?;
        return Ok((name.to_owned(), IpAddr::V4(bridge.gateway())));
    }
    let address = address.trim_matches(['[', ']']).parse();
    let address = address.map_err(|_| Error::invalid(format!("invalid IP address in add-host: \"{entry}\"")))?;
    Ok((name.to_owned(), address))
}

/// The host's own name.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Where a container's file is on the host, for `inspect`; the directory goes with the run. One that joins
/// another's network has the other's.
pub(crate) fn path(core: &Core, container: &Container, name: &str) -> PathBuf {
    let other = match &container.effective.network {
        NetworkMode::Container(reference) => core.containers.find(reference).ok(),
        NetworkMode::Bridge | NetworkMode::Host | NetworkMode::None | NetworkMode::Named(_) => None,
    };
    let owner = other.as_ref().map_or(&container.id, |other| &other.id);
    core.run_directory(owner).join(name)
}
