//! A place of its own for one test: fresh mount, network and pid namespaces, with a second network
//! namespace, "outside", joined by a veth, from which published ports can be reached as another
//! machine would reach them.
//!
//! ```text
//!   outside                      inside (where the daemon runs)
//!   eth0 198.51.100.1/24  <---->  eth0 198.51.100.2/24   lo
//!        2001:db8:1::1/64              2001:db8:1::2/64
//! ```
//!
//! Inside, `/run` is an empty tmpfs and `/` is shared as on a systemd host. There is no default
//! route: a request for anything else fails at once instead of waiting for an answer. The first
//! process is a shell that reaps orphans and ends when the pipe to the test closes, which ends
//! every process inside. `/sys/fs/cgroup` is the host's: users of a sandbox choose a cgroup parent
//! of their own ([`Sandbox::cgroup_parent`]).

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::outcome::Outcome;
use crate::wait::until;

/// IPv4 address of the sandbox as seen from outside.
pub const INSIDE4: &str = "198.51.100.2";
/// IPv6 address of the sandbox as seen from outside.
pub const INSIDE6: &str = "2001:db8:1::2";
/// IPv4 address of the outside.
pub const OUTSIDE4: &str = "198.51.100.1";
/// IPv6 address of the outside.
pub const OUTSIDE6: &str = "2001:db8:1::1";

/// Making namespaces waits for those that others tear down.
const SETUP_LIMIT: Duration = Duration::from_secs(30);

const SETUP: &str = r"
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 run /run
mount --make-rshared /
mkdir -p /run/netns /run/lock
ip link set lo up
ip netns add outside
ip link add eth0 type veth peer name eth0 netns outside
ip addr add 198.51.100.2/24 dev eth0
ip addr add 2001:db8:1::2/64 dev eth0 nodad
ip link set eth0 up
ip netns exec outside sh -ec '
  ip link set lo up
  ip addr add 198.51.100.1/24 dev eth0
  ip addr add 2001:db8:1::1/64 dev eth0 nodad
  ip link set eth0 up'
# The shell stays to reap orphans; cat ends with the test, and echoes that all is ready.
cat <&3 &
wait
";

/// The namespaces, alive until dropped.
#[derive(Debug)]
pub struct Sandbox {
    holder: Child,
    first_pid: u32,
    scratch: tempfile::TempDir,
    cgroup_parent: String,
}

impl Sandbox {
    /// Makes the namespaces. Needs root.
    pub fn new() -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let scratch = tempfile::Builder::new()
            .prefix("corten-test-")
            .tempdir()
            .context("make a scratch directory")?;
        let mut holder = Command::new("unshare")
            .args([
                "--mount",
                "--net",
                "--pid",
                "--fork",
                "--mount-proc",
                "--kill-child",
                "--propagation",
                "private",
            ])
            .args(["sh", "-c", &format!("exec 3<&0 </dev/null\n{SETUP}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("run unshare")?;
        holder
            .stdin
            .as_mut()
            .context("input was asked for")?
            .write_all(b"ready\n")?;
        let output = holder.stdout.take().context("output was asked for")?;
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .context("wait for the sandbox")?;
        ensure!(
            line == "ready\n",
            "the sandbox could not be set up (its message is above)"
        );
        let first_pid = until(SETUP_LIMIT, "the sandbox's first process", || only_child(holder.id()))?;
        let cgroup_parent = format!("corten-test-{}-{number}", std::process::id());
        Ok(Self {
            holder,
            first_pid,
            scratch,
            cgroup_parent,
        })
    }

    /// A directory of this sandbox on a real file system, removed with it.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// A cgroup name that no other sandbox uses. Whoever makes it removes it.
    #[must_use]
    pub fn cgroup_parent(&self) -> &str {
        &self.cgroup_parent
    }

    /// The first process's pid as the host sees it: `/proc/<pid>/ns/net` and so on.
    #[must_use]
    pub fn first_pid(&self) -> u32 {
        self.first_pid
    }

    /// A path inside, as seen from the test's own mount namespace.
    #[must_use]
    pub fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.first_pid))
    }

    /// `program` inside. Killing the child that is spawned from it kills the program.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.enter();
        command.args(["--", "setpriv", "--pdeathsig", "KILL"]).arg(program);
        command
    }

    /// `program` inside the mount and pid namespaces, but in the outside network namespace.
    #[must_use]
    pub fn outside(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.enter();
        command.args(["--", "nsenter", "--net=/run/netns/outside"]);
        command.args(["--", "setpriv", "--pdeathsig", "KILL"]).arg(program);
        command
    }

    /// Runs a shell script inside to its end.
    pub fn script(&self, script: &str) -> Result<Outcome> {
        Outcome::of(self.command("sh").args(["-c", script]))
    }

    /// The pid, as the host sees it, of a program that was started with [`Sandbox::command`].
    pub fn program_pid(&self, child: &Child) -> Result<u32> {
        until(SETUP_LIMIT, "the program inside the sandbox", || only_child(child.id()))
    }

    fn enter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first_pid.to_string(), "--mount", "--net", "--pid"]);
        crate::record::mark(&mut command);
        command
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // What is frozen does not die, and nothing that waits for it ends.
        thaw(&self.cgroup_parent);
        drop(self.holder.stdin.take());
        // Only a process stuck in the kernel outlives its pid namespace's first one; the leak
        // census, not this, is where that would be reported.
        drop(self.holder.wait());
        remove_cgroups(&self.cgroup_parent);
    }
}

/// The pid of the one child of `parent`, if it exists already.
fn only_child(parent: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// Lets processes that a failed test left frozen go on.
fn thaw(parent: &str) {
    for directory in cgroups_of(parent) {
        for (file, thawed) in [("freezer.state", "THAWED"), ("cgroup.freeze", "0")] {
            let path = directory.join(file);
            if path.exists() {
                drop(std::fs::write(path, thawed));
            }
        }
    }
}

/// Removes what a failed test left of its cgroups. A census before has reported them.
fn remove_cgroups(parent: &str) {
    for directory in cgroups_of(parent).into_iter().rev() {
        drop(std::fs::remove_dir(directory));
    }
}

/// The groups of all daemons of a sandbox: of the one without a name, and of those with one (`<parent>-<name>`).
fn cgroups_of(parent: &str) -> Vec<PathBuf> {
    let named = format!("{parent}-");
    let entries = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    // Each entry is a hierarchy, or under v2 alone a group itself.
    let found = entries.flat_map(|entry| {
        let below = std::fs::read_dir(entry.path()).into_iter().flatten().flatten();
        below.chain([entry])
    });
    let all: std::collections::BTreeSet<String> = found
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(&named))
        .chain([parent.to_owned()])
        .collect();
    all.iter()
        .flat_map(|name| crate::census::cgroup_directories(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_separate_connected_and_gone_afterwards() {
        if !crate::skip::is_root() {
            return crate::skip::skip("sandbox", "needs root");
        }
        let sandbox = Sandbox::new().unwrap();
        let links = sandbox
            .script("ip -o link | wc -l; ls /run; echo $$")
            .unwrap()
            .success()
            .unwrap();
        assert!(links.stdout.starts_with("2\nlock\nnetns\n"), "{links}");
        let ping = format!("ip -6 route get {INSIDE6} && ip route get {INSIDE4} && ping -c1 -W5 {INSIDE4}");
        let reachable = Outcome::of(sandbox.outside("sh").args(["-c", &ping])).unwrap();
        if crate::skip::has_program("ping") {
            reachable.success().unwrap();
        }
        let mut child = sandbox.command("sleep").arg("1000").spawn().unwrap();
        let pid = sandbox.program_pid(&child).unwrap();
        drop(sandbox);
        assert!(!child.wait().unwrap().success());
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn what_is_frozen_ends_with_it() {
        let hierarchy = Path::new("/sys/fs/cgroup/freezer");
        if !crate::skip::is_root() || !hierarchy.join("cgroup.procs").exists() {
            return crate::skip::skip("frozen in a sandbox", "needs root and the freezer of cgroup v1");
        }
        let sandbox = Sandbox::new().unwrap();
        let group = hierarchy.join(format!("{}-named", sandbox.cgroup_parent()));
        std::fs::create_dir(&group).unwrap();
        let mut child = sandbox.command("sleep").arg("1000").spawn().unwrap();
        let pid = sandbox.program_pid(&child).unwrap();
        std::fs::write(group.join("cgroup.procs"), pid.to_string()).unwrap();
        std::fs::write(group.join("freezer.state"), "FROZEN").unwrap();
        drop(sandbox);
        assert!(!child.wait().unwrap().success());
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
        assert!(!group.exists());
    }

    #[test]
    fn killing_the_entering_process_kills_the_program() {
        if !crate::skip::is_root() {
            return crate::skip::skip("sandbox kill", "needs root");
        }
        let sandbox = Sandbox::new().unwrap();
        let mut child = sandbox.command("sleep").arg("1000").spawn().unwrap();
        let pid = sandbox.program_pid(&child).unwrap();
        until(SETUP_LIMIT, "sleep", || {
            std::fs::read_to_string(format!("/proc/{pid}/comm"))
                .ok()
                .filter(|name| name == "sleep\n")
        })
        .unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let gone = || !Path::new(&format!("/proc/{pid}/exe")).exists();
        crate::wait::until_true(SETUP_LIMIT, "the end of sleep", gone).unwrap();
    }
}
