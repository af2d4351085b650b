//! Facts about the host that plans depend on, probed once per process.

use std::fs;
use std::path::{Path, PathBuf};

use corten_base::mountinfo::mount_point;
use serde::{Deserialize, Serialize};

use crate::plan::Layout;

/// What this host's kernel and configuration offer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// How control groups are mounted.
    pub layout: Layout,
    /// All mounted hierarchies.
    pub hierarchies: Vec<Hierarchy>,
    /// Its name.
    pub name: String,
    /// Kernel version: major, minor.
    pub kernel: (u32, u32),
    /// Highest capability number that the kernel knows.
    pub last_capability: u32,
    /// Capabilities that the probing process has and so can give, bit n for number n.
    pub capabilities: u64,
    /// System call filters can be loaded.
    pub seccomp: bool,
    /// AppArmor is enabled.
    pub apparmor: bool,
    /// Overlay takes its layers one by one (`lowerdir+`, Linux 6.7).
    pub overlay_append: bool,
}

/// One mounted hierarchy of control groups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchy {
    /// Where.
    pub mount: PathBuf,
    /// Its controllers; for a named v1 hierarchy `name=<name>`.
    pub controllers: Vec<String>,
    /// Of the v2 kind.
    pub unified: bool,
    /// The group of the probing process, relative to the hierarchy's root.
    pub own: PathBuf,
}

/// Why probing failed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// A file of `/proc` could not be read.
    #[error("read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No control groups are mounted.
    #[error("no cgroup hierarchy is mounted")]
    NoCgroups,
}

impl Host {
    /// Looks at the running kernel. Costs a few small files; keep the result.
    pub fn probe() -> Result<Self, ProbeError> {
        let hierarchies = hierarchies(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?);
        if hierarchies.is_empty() {
            return Err(ProbeError::NoCgroups);
        }
        let v1 = hierarchies.iter().any(|hierarchy| !hierarchy.unified);
        let uname = rustix::system::uname();
        Ok(Self {
            layout: if v1 { Layout::V1 } else { Layout::V2 },
            hierarchies,
            name: uname.nodename().to_string_lossy().into_owned(),
            kernel: version(&uname.release().to_string_lossy()),
            last_capability: read("/proc/sys/kernel/cap_last_cap")?.trim().parse().unwrap_or(40),
            capabilities: corten_sys::capability::get()
                .map_err(|source| ProbeError::Read {
                    path: "/proc/self/status".into(),
                    source,
                })?
                .permitted,
            seccomp: corten_sys::seccomp::available(),
            apparmor: fs::read("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.starts_with(b"Y")),
            overlay_append: corten_sys::overlay::takes_layers_one_by_one(),
        })
    }
}

fn read(path: &str) -> Result<String, ProbeError> {
    fs::read_to_string(path).map_err(|source| ProbeError::Read {
        path: path.into(),
        source,
    })
}

fn version(release: &str) -> (u32, u32) {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The mounted hierarchies of `mountinfo` with the groups of `/proc/self/cgroup`.
fn hierarchies(mountinfo: &str, groups: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mountinfo.lines() {
        let Some(hierarchy) = hierarchy(line, groups) else {
            continue;
        };
        // The same hierarchy may be mounted again elsewhere; the first is the one everybody knows.
        let known =
            |other: &Hierarchy| other.unified == hierarchy.unified && other.controllers == hierarchy.controllers;
        if !found.iter().any(known) {
            found.push(hierarchy);
        }
    }
    found
}

/// One line of `mountinfo`: `id parent dev root mount options... - type source super-options`.
fn hierarchy(line: &str, groups: &str) -> Option<Hierarchy> {
    let (left, right) = line.split_once(" - ")?;
    let mount = mount_point(left)?;
    let mut right = right.split(' ');
    let (kind, _source, options) = (right.next()?, right.next()?, right.next()?);
    match kind {
        "cgroup2" => Some(Hierarchy {
            mount,
            controllers: Vec::new(),
            unified: true,
            own: own(groups, "")?,
        }),
        "cgroup" => {
            const NOT_CONTROLLERS: [&str; 8] = [
                "rw",
                "ro",
                "xattr",
                "noprefix",
                "clone_children",
                "none",
                "cpuset_v2_mode",
                "favordynmods",
            ];
            let controllers: Vec<String> = options
                .split(',')
                .filter(|option| !NOT_CONTROLLERS.contains(option) && !option.starts_with("release_agent"))
                .map(str::to_owned)
                .collect();
            let own = own(groups, controllers.first()?)?;
            Some(Hierarchy {
                mount,
                controllers,
                unified: false,
                own,
            })
        }
        _ => None,
    }
}

/// The group in the hierarchy with `controller`, empty for v2; lines are `id:controllers:/path`.
fn own(groups: &str, controller: &str) -> Option<PathBuf> {
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_id, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let found = controllers.split(',').any(|name| name == controller);
        found.then(|| {
            Path::new(path)
                .strip_prefix("/")
                .unwrap_or(Path::new(path))
                .to_path_buf()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTINFO: &str = "\
24 1 0:22 / /sys rw,relatime - sysfs sysfs rw
30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
33 30 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
34 30 0:27 / /elsewhere rw,relatime - cgroup cgroup rw,cpu,cpuacct
";

    #[test]
    fn hybrid_hosts_are_v1_with_one_more_directory() {
        let groups = "2:cpu,cpuacct:/a/b\n1:name=systemd:/s\n0::/u\n";
        let found = hierarchies(MOUNTINFO, groups);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].controllers, ["cpu", "cpuacct"]);
        assert_eq!(found[0].own, Path::new("a/b"));
        assert_eq!(found[1].controllers, ["name=systemd"]);
        assert_eq!((found[2].unified, found[2].own.as_path()), (true, Path::new("u")));
    }

    #[test]
    fn versions_of_odd_releases() {
        assert_eq!(version("6.18.44-fc-v669"), (6, 18));
        assert_eq!(version("5.15-rc1"), (5, 15));
    }
}
