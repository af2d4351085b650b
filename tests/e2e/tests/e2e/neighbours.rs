//! Beside a Docker that runs on the same host: both serve, whoever was first, and neither touches what is the other's.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, Client, LIMIT, is_reference};
use corten_testkit::daemon::signal;
use corten_testkit::sandbox::{INSIDE4, OUTSIDE4};
use corten_testkit::wait::until_ok;
use corten_testkit::{Daemon, DaemonOptions, Outcome, Sandbox, programs, skip};
use rustix::process::Signal;

const SOCKET: &str = "unix:///run/docker.sock";

/// The other engine.
struct Docker {
    sandbox: Arc<Sandbox>,
    programs: PathBuf,
    running: Child,
}

/// Where its programs are: the reference engine's, those that scripts/setup has put there, or this machine's.
fn programs_of_docker() -> Result<Option<PathBuf>> {
    let peers = std::env::var_os("PEERS").map(|peers| PathBuf::from(peers).join("bin"));
    let own = programs::target_directory()?.join("tools/engine");
    let all = peers.into_iter().chain([own, "/usr/sbin".into(), "/usr/bin".into()]);
    Ok(all.into_iter().find(|directory| directory.join("dockerd").is_file()))
}

impl Docker {
    fn start(sandbox: &Arc<Sandbox>, programs: PathBuf) -> Result<Self> {
        let running = Self::launch(sandbox, &programs)?;
        let docker = Self {
            sandbox: Arc::clone(sandbox),
            programs,
            running,
        };
        docker.is_there()?;
        Ok(docker)
    }

    fn launch(sandbox: &Sandbox, programs: &std::path::Path) -> Result<Child> {
        let path = std::env::var("PATH").unwrap_or_default();
        let data = sandbox.scratch().join("docker");
        let mut command = sandbox.command(programs.join("dockerd"));
        command.env("PATH", format!("{}:{path}", programs.display()));
        command.args([
            "--host",
            SOCKET,
            "--pidfile",
            "/run/docker.pid",
            "--exec-root",
            "/run/docker",
        ]);
        command.arg("--data-root").arg(data);
        command.arg("--userland-proxy-path").arg(programs.join("docker-proxy"));
        command.arg(format!("--cgroup-parent=/{}-docker", sandbox.cgroup_parent()));
        let log = std::fs::File::create(sandbox.scratch().join("docker.log"))?;
        command.stdout(log.try_clone()?).stderr(log).stdin(Stdio::null());
        command.spawn().context("start dockerd")
    }

    fn is_there(&self) -> Result<()> {
        until_ok(LIMIT, "dockerd", || self.ok("version").map(drop)).with_context(|| {
            let log = std::fs::read_to_string(self.sandbox.scratch().join("docker.log"));
            log.unwrap_or_default()
        })
    }

    fn ok(&self, line: &str) -> Result<String> {
        let mut command = self.sandbox.command("docker");
        command.args(["--host", SOCKET]).args(corten_e2e::words(line)?);
        Ok(Outcome::of(&mut command)?.success()?.text().to_owned())
    }

    fn stop(&mut self) -> Result<()> {
        signal(self.sandbox.program_pid(&self.running)?, Signal::TERM)?;
        self.running.wait()?;
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.running = Self::launch(&self.sandbox, &self.programs)?;
        self.is_there()
    }

    /// Its rules, without counters.
    fn rules(&self) -> Result<String> {
        let rules = "for table in filter nat raw; do iptables -t $table -S; done";
        Ok(self.sandbox.script(rules)?.success()?.stdout)
    }
}

const SERVER: &str = "busybox httpd -f -p 80 -h /etc";

fn get(case: &Case, port: u16) -> Result<()> {
    let url = format!("http://{INSIDE4}:{port}/hostname");
    let curl = ["--silent", "--show-error", "--fail", "--max-time", "2", &url];
    Outcome::of(case.daemon.sandbox.outside("curl").args(curl))?
        .success()
        .map(drop)
}

/// Everything of both is reached, and reaches.
fn both_serve(case: &Case, docker: &Docker, when: &str) -> Result<()> {
    let fetch = format!("timeout 3 wget -q -O - http://{OUTSIDE4}:8099/hostname");
    until_ok(LIMIT, "all of both", || {
        for port in [8070, 8080, 8081] {
            get(case, port).with_context(|| format!("port {port}"))?;
        }
        docker.ok(&format!("exec theirs {fetch}"))?;
        case.ok(&format!("exec ours {fetch}"))?;
        case.ok(&format!("exec more {fetch}"))?;
        case.ok("exec more nslookup -type=a more.shop").map(drop)
    })
    .with_context(|| when.to_owned())
}

fn ours(case: &Case) -> Result<()> {
    case.ok(&format!("run -d --name ours -p 8080:80 {SERVER}"))?;
    case.ok("network create shop")?;
    case.ok(&format!("run -d --name more --network shop -p 8081:80 {SERVER}"))
        .map(drop)
}

fn live_side_by_side(case: &mut Case, docker: &mut Docker) -> Result<()> {
    both_serve(case, docker, "both at work")?;
    let subnets = "network inspect -f '{{(index .IPAM.Config 0).Subnet}}'";
    let mut all = vec![
        docker.ok(&format!("{subnets} bridge"))?,
        docker.ok(&format!("{subnets} store"))?,
    ];
    all.extend([
        case.ok(&format!("{subnets} bridge"))?,
        case.ok(&format!("{subnets} shop"))?,
    ]);
    all.sort();
    all.dedup();
    ensure!(all.len() == 4, "subnets: {all:?}");
    let taken = case.run("run --rm -p 8070:80 busybox true")?.code_is(125)?;
    taken.mentions("held by docker-proxy")?;

    let theirs = docker.rules()?;
    case.ok("restart -t 0 ours more")?;
    both_serve(case, docker, "after restarts of our containers")?;
    case.daemon.kill()?;
    get(case, 8080).context("while our daemon is dead")?;
    case.daemon.launch()?;
    both_serve(case, docker, "after our daemon was killed")?;
    case.ok("network create gone")?;
    case.ok("run --rm --network gone -p 8082:80 busybox true")?;
    case.ok("network rm gone")?;
    ensure!(
        docker.rules()? == theirs,
        "its rules:\n{theirs}\n---\n{}",
        docker.rules()?
    );

    docker.restart()?;
    get(case, 8080).context("after a restart of dockerd")?;
    docker.ok("start theirs")?;
    both_serve(case, docker, "after a restart of dockerd")
}

#[test]
fn a_docker_that_runs() -> Result<()> {
    const NAME: &str = "a_docker_that_runs";
    let Some(programs) = programs_of_docker()?.filter(|_| skip::is_root()) else {
        skip::skip(NAME, "needs root and dockerd: scripts/setup");
        return Ok(());
    };
    if is_reference()? {
        return Ok(());
    }
    for is_first in [true, false] {
        let sandbox = Arc::new(Sandbox::new()?);
        let mut server = sandbox.outside("busybox");
        let mut server = server.args(["httpd", "-f", "-p", "8099", "-h", "/etc"]).spawn()?;
        let early = is_first
            .then(|| Docker::start(&sandbox, programs.clone()))
            .transpose()?;
        let mut daemon = Daemon::start_in(Arc::clone(&sandbox), DaemonOptions::default())?;
        daemon.load_image("busybox")?;
        daemon.remember()?;
        let client = Client::Docker;
        let mut case = Case { daemon, client };
        ours(&case)?;
        let mut docker = match early {
            Some(docker) => docker,
            None => Docker::start(&sandbox, programs.clone())?,
        };
        let image = programs::image("busybox")?;
        docker.ok(&format!("load -q -i {}", image.display()))?;
        docker.ok("network create store")?;
        docker.ok(&format!("run -d --name theirs --network store -p 8070:80 {SERVER}"))?;
        if is_first {
            // Turning forwarding on, it has closed the chain to all others; as our log advises:
            until_ok(LIMIT, "the word about it", || {
                ensure!(
                    case.daemon
                        .log_tail()
                        .contains("beside Docker use the chain DOCKER-USER")
                );
                Ok(())
            })?;
            let open = "for link in corten0 br-+; do iptables -I DOCKER-USER -i $link -j ACCEPT; \
                        iptables -I DOCKER-USER -o $link -j ACCEPT; done";
            case.script(open)?.success()?;
        }
        live_side_by_side(&mut case, &mut docker).with_context(|| {
            let order = if is_first { "Docker first" } else { "Corten first" };
            format!("{order}: {}", case.daemon.log_tail())
        })?;
        docker.ok("rm -f theirs")?;
        docker.ok("network rm store")?;
        docker.stop()?;
        get(&case, 8080).context("without dockerd")?;
        case.ok("rm -f ours more")?;
        case.ok("network rm shop")?;
        server.kill()?;
        server.wait()?;
    }
    Ok(())
}
