//! The three files every container gets for its resolver, written into its run directory at each start:
//! `/etc/hosts`, `/etc/hostname`, `/etc/resolv.conf`. At the end of the run they are kept in the container's directory,
//! without the addresses that it has no more, for who reads them while it does not run.

use std::fs;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use corten_base::ContainerId;
use corten_net::files::{self, hosts, resolv};
use corten_shim::protocol::Dns;
use corten_sys::fault::boundary;

use super::dns;
use super::link::Link;
use crate::container::Container;
use crate::container::effective::{Effective, NetworkMode};
use crate::container::record::Record;
use crate::container::run::RunRecord;
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

/// What was written.
pub(crate) struct Files {
    /// Source and destination of each mount.
    pub(crate) mounts: Vec<(String, String)>,
    /// What the embedded name server is told, if the container has one.
    pub(crate) dns: Option<Dns>,
}

/// Writes the files of a start.
pub(crate) fn write(
    core: &Core,
    container: &Container,
    run: &RunRecord,
    links: &[Link],
    directory: &Path,
) -> Result<Files> {
    if let NetworkMode::Container(reference) = &container.effective.network {
        let other = core.containers.find(reference)?;
        let mounts = mounts(&core.run_directory(&other.id));
        return Ok(Files { mounts, dns: None });
    }
    let addresses = &run.addresses();
    let host = &container.effective.host;
    if let Some(wrong) = host.dns.iter().find(|server| !is_server(server)) {
        return Err(Error::internal(format!(
            "bad nameserver address {wrong}: ParseAddr(\"{wrong}\"): unable to parse IP"
        )));
    }
    let mut extra = extra_hosts(core, &host.extra_hosts)?;
    extra.extend(links.iter().map(Link::host));
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
            has_ipv6: has_ipv6(&host.sysctls),
        })
    };
    let (resolver, dns) = resolver(core, container, run);
    for ((name, _), content) in FILES.iter().zip([resolver, files::hostname(&own_name), hosts]) {
        let path = directory.join(name);
        let written = write_readable(&path, content).and_then(|()| match &container.record.identity {
            Some(identity) => identity.give(&path),
            None => Ok(()),
        });
        written.map_err(|error| Error::caused(format!("write {}", path.display()), error))?;
    }
    Ok(Files {
        mounts: mounts(directory),
        dns,
    })
}

/// Bytes of a file that are kept: a container may have written anything.
const KEPT_BYTES: u64 = 1 << 20;

/// Keeps the files of a run that has ended, which is cleared away next. Not those of another container's network, and
/// not for a container that goes too.
pub(crate) fn keep(core: &Core, record: &Record, effective: &Effective, run: &RunRecord) {
    let joins = matches!(effective.network, NetworkMode::Container(_));
    if joins || effective.host.auto_remove {
        return;
    }
    boundary("release.files");
    let config = &effective.config;
    let gone = hosts::own_lines(&run.addresses(), &config.hostname, &config.domainname);
    for (name, _) in FILES {
        match keep_one(core, record, name, &gone) {
            Ok(()) => {}
            // Removed meanwhile, or it never came to writing them.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(container = record.id.short(), name, %error, "a file is not kept"),
        }
    }
}

fn keep_one(core: &Core, record: &Record, name: &str, gone: &[String]) -> io::Result<()> {
    let mut text = Vec::new();
    let of_run = fs::File::open(core.run_directory(&record.id).join(name))?;
    of_run.take(KEPT_BYTES).read_to_end(&mut text)?;
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    let is_gone = |line: &[u8]| gone.iter().any(|gone| line.trim_ascii_end() == gone.as_bytes());
    let kept: Vec<u8> = lines.filter(|line| !is_gone(line)).flatten().copied().collect();
    let path = core.container_directory(&record.id).join(name);
    write_readable(&path, &kept)?;
    record.identity.as_ref().map_or(Ok(()), |identity| identity.give(&path))
}

/// Where the files of the last run are, and where they are mounted; those that there are. A container that joins
/// another's network has the other's.
pub(crate) fn of_last_run(core: &Core, container: &Container) -> Vec<(PathBuf, &'static str)> {
    let owner = owner(core, container);
    let places = [core.run_directory(&owner), core.container_directory(&owner)];
    let found = |(name, destination): (&str, &'static str)| {
        let mut paths = places.iter().map(|directory| directory.join(name));
        paths.find(|path| path.is_file()).map(|path| (path, destination))
    };
    FILES.into_iter().filter_map(found).collect()
}

/// Whether `lo` of a container with these settings has `::1`.
fn has_ipv6(sysctls: &corten_api::Map<String>) -> bool {
    let is_off = |key: &str| sysctls.get(key).is_some_and(|value| value.trim() == "1");
    let off = is_off("net.ipv6.conf.all.disable_ipv6") || is_off("net.ipv6.conf.lo.disable_ipv6");
    !off && Path::new("/proc/sys/net/ipv6").exists()
}

/// What the embedded name server is told now, if the container has one.
pub(crate) fn dns(core: &Core, container: &Container, run: &RunRecord) -> Option<Dns> {
    resolver(core, container, run).1
}

/// Mends the files of a running container whose addresses have changed, in place: they are mounted. What the
/// container itself wrote is left. `embedded`: it has the embedded name server now.
pub(crate) fn update(
    core: &Core,
    container: &Container,
    run: &RunRecord,
    come: &[IpAddr],
    gone: &[IpAddr],
    embedded: bool,
) -> Result<()> {
    let directory = core.run_directory(&container.id);
    let config = &container.effective.config;
    let lines = |addresses: &[IpAddr]| hosts::own_lines(addresses, &config.hostname, &config.domainname);
    let (come, gone) = (lines(come), lines(gone));
    let failed = |error| Error::caused("write the container's /etc/hosts", error);
    let path = directory.join("hosts");
    let before = fs::read_to_string(&path).map_err(failed)?;
    let kept = before.lines().filter(|line| !gone.iter().any(|gone| gone == line));
    let mut text = String::new();
    for line in kept.chain(come.iter().map(String::as_str)) {
        text.push_str(line);
        text.push('\n');
    }
    fs::write(&path, text).map_err(failed)?;
    let path = directory.join("resolv.conf");
    let failed = |error| Error::caused("write the container's /etc/resolv.conf", error);
    let before = fs::read_to_string(&path).map_err(failed)?;
    if embedded && before.contains(GENERATED) && !before.contains("(internal resolver)") {
        fs::write(&path, resolver(core, container, run).0).map_err(failed)?;
    }
    Ok(())
}

/// What a file that nobody else has written says.
const GENERATED: &str = "# Generated by Docker Engine.";

/// The content of `resolv.conf`, and what the embedded name server is told.
/// An address, one of a link with its zone too.
fn is_server(text: &str) -> bool {
    match text.split_once('%') {
        Some((address, zone)) => address.parse::<std::net::Ipv6Addr>().is_ok() && !zone.is_empty(),
        None => text.parse::<IpAddr>().is_ok(),
    }
}

fn resolver(core: &Core, container: &Container, run: &RunRecord) -> (String, Option<Dns>) {
    let host = &container.effective.host;
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
    let file = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    if container.effective.network == NetworkMode::Host {
        return (resolv::render_host_network(&file, &overrides), None);
    }
    if dns::is_needed(core, &run.endpoints) {
        let (text, servers) = resolv::render_embedded(&file, &overrides);
        return (text, dns::plan(core, container, &run.endpoints, &servers));
    }
    let six = if run.addresses().iter().any(IpAddr::is_ipv6) {
        resolv::Ipv6::Enabled
    } else {
        resolv::Ipv6::Disabled
    };
    (resolv::render(&file, &overrides, six), None)
}

/// Users inside the container read it too, whatever the daemon's mask says.
fn write_readable(path: &Path, content: impl AsRef<[u8]>) -> std::io::Result<()> {
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
    let mut hosts = Vec::new();
    for entry in entries {
        hosts.extend(extra_host(core, entry)?);
    }
    Ok(hosts)
}

fn extra_host(core: &Core, entry: &str) -> Result<Vec<(String, IpAddr)>> {
    let bad = || Error::invalid(format!("bad format for add-host: \"{entry}\""));
    let (name, address) = entry.split_once(['=', ':']).ok_or_else(bad)?;
    let named = |address: IpAddr| (name.to_owned(), address);
    if address == HOST_GATEWAY && !core.config.host_gateways.is_empty() {
        return Ok(core.config.host_gateways.iter().copied().map(named).collect());
    }
    if address == HOST_GATEWAY {
        let bridge = core.bridge.iter();
        let gateways: Vec<_> = bridge.flat_map(|bridge| bridge.own_addresses()).map(named).collect();
        if gateways.is_empty() {
            return Err(Error::invalid("unable to derive the IP value for host-gateway"));
        }
        return Ok(gateways);
    }
    let address = address.trim_matches(['[', ']']).parse();
    let address = address.map_err(|_| Error::invalid(format!("invalid IP address in add-host: \"{entry}\"")))?;
    Ok(vec![named(address)])
}

/// The host's own name.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Where a container's file is on the host, for `inspect`; the directory goes with the run. One that joins
/// another's network has the other's.
pub(crate) fn path(core: &Core, container: &Container, name: &str) -> PathBuf {
    core.run_directory(&owner(core, container)).join(name)
}

/// The container whose files it has: its own, unless it joins another's network.
fn owner(core: &Core, container: &Container) -> ContainerId {
    let other = match &container.effective.network {
        NetworkMode::Container(reference) => core.containers.find(reference).ok(),
        NetworkMode::Bridge | NetworkMode::Host | NetworkMode::None | NetworkMode::Named(_) => None,
    };
    other.map_or_else(|| container.id.clone(), |other| other.id.clone())
}
