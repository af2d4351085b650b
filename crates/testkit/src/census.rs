//! Everything a container can leave behind, counted: mounts, namespaces, links, addresses, nftables
//! contents, conntrack entries, cgroup directories, processes, run and data directories.
//!
//! Taken before and after a test; what differs is a leak. Numbers that change by themselves (pids,
//! mount ids, packet counters) are left out of the names that are compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::sandbox::Sandbox;
use crate::wait::until_ok;

/// What no API call can see may be removed a little after the call; dead namespaces take their time.
const SETTLE_LIMIT: Duration = Duration::from_secs(20);

/// How deep run and data directories are listed: deep enough for one container's own directories,
/// not into the contents of layers.
const DIRECTORY_DEPTH: usize = 3;

const NAMESPACES: [&str; 6] = ["cgroup", "ipc", "mnt", "net", "pid", "uts"];

/// The count of each thing, named `kind: thing`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census(BTreeMap<String, usize>);

impl Census {
    /// Counts what is inside `sandbox`, and the files below `directories` (paths inside).
    pub fn take(sandbox: &Sandbox, directories: &[&Path]) -> Result<Self> {
        let mut census = Self::default();
        census.mounts(sandbox.first_pid())?;
        census.links(sandbox.first_pid())?;
        census.processes(sandbox.first_pid())?;
        census.firewall(sandbox)?;
        census.connections(sandbox)?;
        // The parent itself is made once and kept, like the bridge.
        let parent = sandbox.cgroup_parent();
        for directory in cgroup_directories(parent)
            .iter()
            .filter(|directory| !directory.ends_with(parent))
        {
            census.add("cgroup", &directory.display().to_string());
        }
        for directory in directories {
            census.files(
                &sandbox.path(&directory.display().to_string()),
                directory,
                DIRECTORY_DEPTH,
            );
        }
        Ok(census)
    }

    /// What `after` has more or less of: one line each.
    #[must_use]
    pub fn differences(&self, after: &Self) -> Vec<String> {
        let names: std::collections::BTreeSet<_> = self.0.keys().chain(after.0.keys()).collect();
        let count = |census: &Self, name| census.0.get(name).copied().unwrap_or(0);
        names
            .into_iter()
            .filter(|name| count(self, *name) != count(after, *name))
            .map(|name| format!("{name}: {} before, {} after", count(self, name), count(after, name)))
            .collect()
    }

    /// Takes a census again and again until it equals this one; fails with what is left over.
    pub fn settle(&self, sandbox: &Sandbox, directories: &[&Path]) -> Result<()> {
        until_ok(SETTLE_LIMIT, "the state before the test", || {
            let differences = self.differences(&Self::take(sandbox, directories)?);
            ensure!(differences.is_empty(), "left behind:\n  {}", differences.join("\n  "));
            Ok(())
        })
    }

    fn add(&mut self, kind: &str, name: &str) {
        *self.0.entry(format!("{kind}: {name}")).or_default() += 1;
    }

    /// Mount point, root and type of each mount of the process's mount namespace.
    fn mounts(&mut self, pid: u32) -> Result<()> {
        for line in fs::read_to_string(format!("/proc/{pid}/mountinfo"))?.lines() {
            let fields: Vec<&str> = line.split(' ').collect();
            let kind = fields
                .iter()
                .position(|field| *field == "-")
                .and_then(|at| fields.get(at + 1));
            if let ([_, _, _, root, point, ..], Some(kind)) = (fields.as_slice(), kind) {
                self.add("mount", &format!("{kind} {root} on {point}"));
            }
        }
        Ok(())
    }

    /// The network namespace's interfaces and IPv6 addresses.
    fn links(&mut self, pid: u32) -> Result<()> {
        for line in fs::read_to_string(format!("/proc/{pid}/net/dev"))?.lines().skip(2) {
            self.add("link", line.split(':').next().unwrap_or(line).trim());
        }
        for line in fs::read_to_string(format!("/proc/{pid}/net/if_inet6"))?.lines() {
            // A bridge has its link-local address only while a port is up.
            if !line.starts_with("fe80") {
                self.add("address", line);
            }
        }
        Ok(())
    }

    /// Processes of the pid namespace (and those below it), and all namespaces they are in or hold.
    fn processes(&mut self, first_pid: u32) -> Result<()> {
        let mut namespaces = std::collections::BTreeSet::new();
        for pid in processes_of(first_pid) {
            let directory = PathBuf::from(format!("/proc/{pid}"));
            let Some(name) = name_of(&directory) else { continue };
            self.add("process", &name);
            for kind in NAMESPACES {
                namespaces.extend(fs::read_link(directory.join("ns").join(kind)).ok());
            }
            let descriptors = fs::read_dir(directory.join("fd")).into_iter().flatten().flatten();
            let held = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
            namespaces.extend(held.filter(|target| is_namespace(target)));
        }
        for namespace in &namespaces {
            // Their numbers are never the same twice after a leak and a new test: count per kind.
            let kind = namespace.to_string_lossy();
            self.add("namespace", kind.split(':').next().unwrap_or(&kind));
        }
        Ok(())
    }

    fn firewall(&mut self, sandbox: &Sandbox) -> Result<()> {
        let rules = sandbox.script("nft --stateless list ruleset")?.success()?;
        let mut place = Vec::new();
        for line in rules.stdout.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line == "}" {
                place.pop();
                continue;
            }
            // A set with many elements goes over several lines; each element is one thing.
            for part in line.split(", ") {
                self.add("nft", &format!("{} {part}", place.join(" ")));
            }
            if line.ends_with('{') {
                place.push(line.trim_end_matches('{').trim().to_owned());
            }
        }
        Ok(())
    }

    /// Tracked connections to or from a container: those between loopback, the sandbox's own and the
    /// outside's addresses are the test's own and end by their timeout.
    fn connections(&mut self, sandbox: &Sandbox) -> Result<()> {
        let list = sandbox.script("conntrack -L 2>/dev/null; conntrack -f ipv6 -L 2>/dev/null; true")?;
        for line in list.stdout.lines() {
            let ends: Vec<&str> = line
                .split_whitespace()
                .filter(|word| {
                    ["src=", "dst=", "sport=", "dport="]
                        .iter()
                        .any(|prefix| word.starts_with(prefix))
                })
                .collect();
            let foreign = |word: &&str| {
                let address = word.strip_prefix("src=").or_else(|| word.strip_prefix("dst="));
                address.is_some_and(|address| !is_own(address))
            };
            // A bridge of its own accord joins multicast groups.
            let multicast = |word: &&str| word.strip_prefix("dst=").is_some_and(is_multicast);
            if ends.iter().any(foreign) && !ends.iter().any(multicast) {
                self.add(
                    "connection",
                    &format!("{} {}", line.split_whitespace().next().unwrap_or(""), ends.join(" ")),
                );
            }
        }
        Ok(())
    }

    fn files(&mut self, directory: &Path, shown: &Path, depth: usize) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let shown = shown.join(entry.file_name());
            // The second file of the bounded history of events comes when the first is full, and stays.
            if shown.ends_with("events/previous") {
                continue;
            }
            self.add("file", &shown.display().to_string());
            if depth > 1 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.files(&entry.path(), &shown, depth - 1);
            }
        }
    }
}

/// Every directory of the cgroup `parent` and below, in all hierarchies, parents first.
#[must_use]
pub fn cgroup_directories(parent: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    for hierarchy in hierarchies
        .chain([root.to_owned()])
        .filter(|path| path.is_dir() && !path.is_symlink())
    {
        // Under v2 alone, `root` is the hierarchy, and `parent` itself is among its entries.
        let top = hierarchy.join(parent);
        if top.is_dir() && !found.contains(&top) {
            collect_directories(top, &mut found);
        }
    }
    found
}

fn collect_directories(top: PathBuf, found: &mut Vec<PathBuf>) {
    let below: Vec<PathBuf> = fs::read_dir(&top)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.push(top);
    for directory in below {
        collect_directories(directory, found);
    }
}

/// Host pids of all processes in the pid namespace of `first_pid` or in one below it, without itself.
#[must_use]
pub fn processes_of(first_pid: u32) -> Vec<u32> {
    let Ok(namespace) = fs::read_link(format!("/proc/{first_pid}/ns/pid")) else {
        return Vec::new();
    };
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // Entering a namespace from outside makes a process whose parent is a host's: hence both tests.
    pids.filter(|pid| *pid != first_pid && is_nested(*pid) && descends(*pid, first_pid, &namespace))
        .collect()
}

/// Whether the process has a pid in a namespace below the host's: most have not, and need no more looking at.
fn is_nested(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers.is_some_and(|numbers| numbers.split_whitespace().count() > 1)
}

/// Whether `pid` has `first_pid` among its ancestors, or shares its pid namespace (entered from outside).
fn descends(pid: u32, first_pid: u32, namespace: &Path) -> bool {
    let mut at = pid;
    while at > 1 {
        if at == first_pid || fs::read_link(format!("/proc/{at}/ns/pid")).is_ok_and(|own| own == namespace) {
            return true;
        }
        match parent_of(at) {
            Some(parent) => at = parent,
            None => return false,
        }
    }
    false
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))?
        .trim()
        .parse()
        .ok()
}

/// A process's arguments, or `[name] zombie`; `None` for the sandbox's own and when it has just gone.
fn name_of(directory: &Path) -> Option<String> {
    let arguments = fs::read(directory.join("cmdline")).ok()?;
    let line = String::from_utf8_lossy(&arguments)
        .trim_end_matches('\0')
        .replace('\0', " ");
    if !line.is_empty() {
        return Some(line);
    }
    let stat = fs::read_to_string(directory.join("stat")).ok()?;
    let (name, rest) = stat.rsplit_once(')')?;
    let name = name.split_once('(')?.1;
    rest.trim_start().starts_with('Z').then(|| format!("[{name}] zombie"))
}

fn is_namespace(target: &Path) -> bool {
    let text = target.to_string_lossy();
    NAMESPACES
        .iter()
        .any(|kind| text.strip_prefix(kind).is_some_and(|rest| rest.starts_with(":[")))
}

fn is_own(address: &str) -> bool {
    use crate::sandbox::{INSIDE4, INSIDE6, OUTSIDE4, OUTSIDE6};
    address.starts_with("127.") || address == "::1" || [INSIDE4, INSIDE6, OUTSIDE4, OUTSIDE6].contains(&address)
}

fn is_multicast(address: &str) -> bool {
    address.starts_with("ff") || address.starts_with("224.") || address.starts_with("239.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_each_kind_of_leftover() {
        if !crate::skip::is_root() {
            return crate::skip::skip("census", "needs root");
        }
        let sandbox = Sandbox::new().unwrap();
        let directory = sandbox.scratch().join("data");
        fs::create_dir(&directory).unwrap();
        let before = Census::take(&sandbox, &[&directory]).unwrap();
        assert_eq!(
            before.differences(&Census::take(&sandbox, &[&directory]).unwrap(),),
            Vec::<String>::new()
        );
        let parent = sandbox.cgroup_parent();
        let leave = format!(
            "mkdir /run/m && mount -t tmpfs m /run/m && ip link add d0 type bridge && nft add table inet left \
             && touch {}/f && exec unshare --net sleep 1000",
            directory.display()
        );
        let mut child = sandbox.command("sh").args(["-c", &leave]).spawn().unwrap();
        let hierarchy = fs::read_dir("/sys/fs/cgroup")
            .unwrap()
            .flatten()
            .find(|entry| entry.path().join("cgroup.procs").exists());
        let group = hierarchy.map(|entry| entry.path().join(parent));
        if let Some(group) = &group {
            fs::create_dir_all(group.join("left")).unwrap();
        }
        let mut wanted = vec![
            "mount: tmpfs",
            "link: d0",
            "nft:  table inet left {",
            "process: sleep 1000",
            "namespace: net",
        ];
        if group.is_some() {
            wanted.push("cgroup: ");
        }
        until_ok(SETTLE_LIMIT, "all leftovers", || {
            let found = before.differences(&Census::take(&sandbox, &[&directory])?);
            let missing = wanted
                .iter()
                .find(|want| !found.iter().any(|line| line.starts_with(**want)));
            ensure!(missing.is_none(), "{missing:?} is not in {found:#?}");
            Ok(())
        })
        .unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn counts_files_to_its_depth() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("a/b/c/d")).unwrap();
        let mut census = Census::default();
        census.files(directory.path(), Path::new("/x"), DIRECTORY_DEPTH);
        assert_eq!(
            census.0.keys().collect::<Vec<_>>(),
            ["file: /x/a", "file: /x/a/b", "file: /x/a/b/c"]
        );
    }

    #[test]
    fn knows_the_tests_own_connections() {
        assert!(is_own("127.0.0.1") && is_own("::1") && is_own(crate::sandbox::OUTSIDE4));
        assert!(!is_own("172.17.0.2"));
    }
}
