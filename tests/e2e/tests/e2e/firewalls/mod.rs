//! Beside the firewalls that people have: ufw and firewalld as Debian has them, and iptables with a policy that drops.
//! Each is started before the daemon and after it, reloaded, stopped, and the daemon restarted; all the time a published
//! port answers and what containers send leaves, once the firewall allows it in its own words.

mod fence;

use std::process::Child;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, Client, LIMIT, is_reference};
use corten_testkit::sandbox::{INSIDE4, OUTSIDE4};
use corten_testkit::wait::until_ok;
use corten_testkit::{Daemon, DaemonOptions, Outcome, Sandbox, skip};

use fence::{Fence, FirewallD, Iptables, Started, Ufw};

/// What runs all the time: a server on the default bridge, a client on a network of its own, a server outside.
struct Scene {
    case: Case,
    outside: Child,
}

impl Scene {
    fn new(case: Case) -> Result<Self> {
        let mut server = case.daemon.sandbox.outside("busybox");
        let outside = server.args(["httpd", "-f", "-p", "8099", "-h", "/etc"]).spawn()?;
        let scene = Self { case, outside };
        let case = &scene.case;
        case.ok("run -d --name web -p 8080:80 busybox httpd -f -p 80 -h /etc")?;
        case.ok("network create shop")?;
        case.ok("run -d --name till --network shop -p 8081:80 busybox httpd -f -p 80 -h /etc")?;
        case.ok("run -d --name guest --network shop busybox top")?;
        Ok(scene)
    }

    /// From outside to the published ports.
    fn comes_in(&self) -> Result<()> {
        for port in [8080, 8081] {
            let url = format!("http://{INSIDE4}:{port}/hostname");
            let curl = ["--silent", "--show-error", "--fail", "--max-time", "2", &url];
            Outcome::of(self.case.daemon.sandbox.outside("curl").args(curl))?.success()?;
        }
        Ok(())
    }

    /// From containers to the outside, and between them by name.
    fn goes_out(&self) -> Result<()> {
        for name in ["web", "guest"] {
            self.case.ok(&format!(
                "exec {name} timeout 3 wget -q -O - http://{OUTSIDE4}:8099/hostname"
            ))?;
        }
        self.case
            .ok("exec guest timeout 3 wget -q -O - http://till/hostname")
            .map(drop)
    }

    /// Everything passes, now or in a moment.
    fn passes(&self, when: &str) -> Result<()> {
        until_ok(LIMIT, "what comes in", || self.comes_in()).with_context(|| when.to_owned())?;
        until_ok(LIMIT, "what goes out", || self.goes_out()).with_context(|| when.to_owned())
    }

    /// The log tells of it.
    fn is_told(&self, text: &str) -> Result<()> {
        until_ok(LIMIT, "the word about it", || {
            let log = self.case.daemon.log_tail();
            ensure!(
                log.contains("another firewall keeps packets from containers") && log.contains(text),
                "{log}"
            );
            Ok(())
        })
    }

    /// All that can happen to the two while containers run.
    fn through_all(&mut self, fence: &dyn Fence) -> Result<()> {
        self.passes("with the firewall")?;
        fence.reload()?;
        self.passes("after a reload of the firewall")?;
        let before = fence.rules()?;
        self.case.daemon.stop()?;
        self.case.daemon.launch()?;
        until_ok(LIMIT, "containers", || self.case.ok("start web till guest").map(drop))?;
        self.passes("after a restart of the daemon")?;
        self.case.daemon.kill()?;
        fence.reload()?;
        self.case.daemon.launch()?;
        self.passes("after a reload while there was no daemon")?;
        self.case.ok("restart -t 0 web till")?;
        self.passes("after restarts of containers")?;
        let after = fence.rules()?;
        ensure!(before == after, "its rules are changed:\n{before}\n---\n{after}");
        Ok(())
    }

    /// With a census, where it began without the firewall.
    fn ends(mut self, is_counted: bool) -> Result<()> {
        self.case.ok("rm -f web till guest")?;
        self.case.ok("network rm shop")?;
        self.outside.kill()?;
        self.outside.wait()?;
        if is_counted {
            self.case.daemon.leaves_nothing()?;
        }
        Ok(())
    }
}

/// Both orders: the firewall there first, or the daemon.
fn in_both_orders(name: &str, start: fn(&Arc<Sandbox>) -> Started) -> Result<()> {
    if !skip::is_root() || is_reference()? {
        skip::skip(name, "needs root, and Corten: Docker puts rules into others' chains");
        return Ok(());
    }
    for is_first in [true, false] {
        let sandbox = Arc::new(Sandbox::new()?);
        let launched = || -> Result<Scene> {
            let mut daemon = Daemon::start_in(Arc::clone(&sandbox), DaemonOptions::default())?;
            daemon.load_image("busybox")?;
            daemon.remember()?;
            let client = Client::Docker;
            Scene::new(Case { daemon, client })
        };
        let earlier = if is_first { start(&sandbox)? } else { None };
        let mut scene = launched()?;
        if !is_first {
            scene.passes("alone")?;
        }
        let fence = match earlier {
            Some(fence) => fence,
            None => match start(&sandbox)? {
                Some(fence) => fence,
                None => {
                    skip::skip(name, "the firewall is not there: scripts/setup");
                    return scene.ends(true);
                }
            },
        };
        let verdict = met(&mut scene, fence.as_ref());
        let order = if is_first { "firewall first" } else { "daemon first" };
        verdict.with_context(|| format!("{order}; {}", scene.case.daemon.log_tail()))?;
        fence.stop()?;
        scene.passes("without the firewall again")?;
        scene.ends(!is_first)?;
    }
    Ok(())
}

fn met(scene: &mut Scene, fence: &dyn Fence) -> Result<()> {
    scene.is_told(fence.told())?;
    ensure!(scene.goes_out().is_err(), "it drops nothing that goes out");
    ensure!(
        scene.comes_in().is_err() == fence.closes_ports(),
        "ports: {:?}",
        scene.comes_in()
    );
    fence.open()?;
    scene.through_all(fence)
}

#[test]
fn ufw() -> Result<()> {
    in_both_orders("ufw", Ufw::start)
}

#[test]
fn firewalld() -> Result<()> {
    in_both_orders("firewalld", FirewallD::start)
}

#[test]
fn iptables_with_a_policy() -> Result<()> {
    in_both_orders("iptables", Iptables::start)
}
