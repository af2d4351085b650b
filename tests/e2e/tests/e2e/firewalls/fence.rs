//! The firewalls: how each is started in a sandbox, opened for containers as the daemon's log or docs/networks.md say,
//! reloaded and stopped. Their files are seen by their own processes alone.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::Mutex;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::LIMIT;
use corten_testkit::daemon::signal;
use corten_testkit::wait::until_ok;
use corten_testkit::{Outcome, Sandbox, programs, skip};
use rustix::process::Signal;

/// A firewall that runs.
pub(crate) trait Fence {
    /// What the daemon's log says of it.
    fn told(&self) -> &str;
    /// Whether it keeps from containers what comes to published ports until it is told otherwise. What they send all do.
    fn closes_ports(&self) -> bool {
        true
    }
    /// Lets containers' packets pass.
    fn open(&self) -> Result<()>;
    /// Has it write its rules again.
    fn reload(&self) -> Result<()>;
    /// Its rules, without counters.
    fn rules(&self) -> Result<String>;
    /// Ends it.
    fn stop(&self) -> Result<()>;
}

/// None where it is not there.
pub(crate) type Started = Result<Option<Box<dyn Fence>>>;

/// `script`, run where Debian's packages seem to be installed; what they write to `/etc` stays in the sandbox's `/run`.
fn installed(sandbox: &Sandbox, packages: &Path, script: &str) -> Command {
    const MOUNTED: &str = r#"set -e
mkdir -p /run/firewall/etc /run/firewall/work
mount -t overlay -o "lowerdir=$1/usr:/usr" overlay /usr
mount -t overlay -o "lowerdir=$1/etc:/etc,upperdir=/run/firewall/etc,workdir=/run/firewall/work" overlay /etc
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
eval "$2""#;
    let mut command = sandbox.command("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", MOUNTED, "sh"]);
    command.arg(packages).arg(script);
    command
}

/// Debian's packages, where scripts/setup has put them.
fn packages() -> Result<Option<PathBuf>> {
    let packages = programs::target_directory()?.join("tools/firewalls");
    Ok(packages.join("usr/sbin/ufw").is_file().then_some(packages))
}

/// ufw, which works through iptables.
pub(crate) struct Ufw {
    sandbox: Arc<Sandbox>,
    packages: PathBuf,
}

impl Ufw {
    pub(crate) fn start(sandbox: &Arc<Sandbox>) -> Started {
        let Some(packages) = packages()? else { return Ok(None) };
        let ufw = Self {
            sandbox: Arc::clone(sandbox),
            packages,
        };
        // What the package does when it is installed, without the questions.
        ufw.run(
            "cp /usr/share/ufw/ufw.conf /usr/share/ufw/*.init /usr/share/ufw/iptables/*.rules /etc/ufw/; \
             ufw --force enable",
        )?;
        Ok(Some(Box::new(ufw)))
    }

    fn run(&self, script: &str) -> Result<Outcome> {
        Outcome::of(&mut installed(&self.sandbox, &self.packages, script))?.success()
    }
}

impl Fence for Ufw {
    fn told(&self) -> &str {
        "chain ip filter FORWARD"
    }

    fn open(&self) -> Result<()> {
        self.run("for link in corten0 br-+; do ufw route allow in on $link; ufw route allow out on $link; done")
            .map(drop)
    }

    fn reload(&self) -> Result<()> {
        self.run("ufw reload").map(drop)
    }

    fn rules(&self) -> Result<String> {
        Ok(self.sandbox.script("iptables -S; ip6tables -S")?.success()?.stdout)
    }

    fn stop(&self) -> Result<()> {
        self.run("ufw disable")?;
        // It leaves its chains, empty.
        let empty = "for family in ip ip6; do nft delete table $family filter; done";
        self.sandbox.script(empty)?.success().map(drop)
    }
}

/// firewalld with the bus that it talks over.
pub(crate) struct FirewallD {
    sandbox: Arc<Sandbox>,
    running: Mutex<Child>,
    pid: u32,
}

/// A bus on which everybody may do everything.
const BUS: &str = r#"<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen>
<pidfile>/run/bus.pid</pidfile><auth>EXTERNAL</auth><policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
<allow user="*"/></policy></busconfig>"#;

impl FirewallD {
    pub(crate) fn start(sandbox: &Arc<Sandbox>) -> Started {
        let Some(packages) = packages()?.filter(|_| skip::has_program("dbus-daemon")) else {
            return Ok(None);
        };
        let bus = sandbox.path("/run/bus.conf");
        std::fs::write(bus, BUS).context("write the bus's configuration")?;
        let start = "mkdir -p /run/dbus; dbus-daemon --config-file=/run/bus.conf --nofork & \
                     until [ -S /run/dbus/system_bus_socket ]; do sleep 0.02; done; \
                     exec firewalld --nofork --nopid";
        let running = installed(sandbox, &packages, start).spawn()?;
        let firewalld = Self {
            sandbox: Arc::clone(sandbox),
            pid: sandbox.program_pid(&running)?,
            running: Mutex::new(running),
        };
        until_ok(LIMIT, "firewalld", || firewalld.run("firewall-cmd --state").map(drop))?;
        Ok(Some(Box::new(firewalld)))
    }

    /// Where it sees its files.
    fn run(&self, script: &str) -> Result<Outcome> {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.to_string(), "--mount", "--net", "--pid"]);
        Outcome::of(command.args(["--", "sh", "-ec", script]))?.success()
    }
}

impl Fence for FirewallD {
    fn told(&self) -> &str {
        "firewalld"
    }

    /// It lets pass whatever has a rewritten destination.
    fn closes_ports(&self) -> bool {
        false
    }

    fn open(&self) -> Result<()> {
        self.run(
            "for link in corten0 br-+; do firewall-cmd --permanent --zone=trusted --add-interface=$link; done; \
             firewall-cmd --reload",
        )
        .map(drop)
    }

    fn reload(&self) -> Result<()> {
        self.run("firewall-cmd --reload && firewall-cmd --complete-reload")
            .map(drop)
    }

    fn rules(&self) -> Result<String> {
        Ok(self
            .sandbox
            .script("nft --stateless list table inet firewalld")?
            .success()?
            .stdout)
    }

    fn stop(&self) -> Result<()> {
        let mut running = self.running.lock().ok().context("nobody else has it")?;
        signal(self.pid, Signal::TERM)?;
        running.wait()?;
        self.sandbox.script("kill $(cat /run/bus.pid)")?.success()?;
        let left = self.sandbox.script("nft list table inet firewalld 2>/dev/null; true")?;
        ensure!(left.text().is_empty(), "firewalld has left its table");
        Ok(())
    }
}

/// Rules by hand: everything that is forwarded is dropped.
pub(crate) struct Iptables {
    sandbox: Arc<Sandbox>,
}

impl Iptables {
    pub(crate) fn start(sandbox: &Arc<Sandbox>) -> Started {
        if !skip::has_program("iptables") {
            return Ok(None);
        }
        sandbox.script("iptables -P FORWARD DROP")?.success()?;
        let sandbox = Arc::clone(sandbox);
        Ok(Some(Box::new(Self { sandbox })))
    }
}

impl Fence for Iptables {
    fn told(&self) -> &str {
        "chain ip filter FORWARD"
    }

    fn open(&self) -> Result<()> {
        let rules = "for link in corten0 br-+; do iptables -I FORWARD -i $link -j ACCEPT; iptables -I FORWARD -o $link -j ACCEPT; done";
        self.sandbox.script(rules)?.success().map(drop)
    }

    /// As services do that load their rules from a file: all others' are flushed.
    fn reload(&self) -> Result<()> {
        let load = "iptables-save >/run/rules && nft flush ruleset && iptables-restore /run/rules";
        self.sandbox.script(load)?.success().map(drop)
    }

    fn rules(&self) -> Result<String> {
        Ok(self.sandbox.script("iptables -S")?.success()?.stdout)
    }

    fn stop(&self) -> Result<()> {
        self.sandbox.script("nft delete table ip filter")?.success().map(drop)
    }
}
