//! Compose, both versions: a project with health, networks, volumes and secrets through its life. What is expected is what
//! the same commands gave with dockerd 28.5.2; the order of things done at once and port numbers are free.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, one, words};
use corten_testkit::wait::until_ok;
use corten_testkit::{Outcome, programs, skip};
use serde_json::Value;

/// Which Compose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// 1.29.2, in Python.
    One,
    /// 2.40.3, in Go.
    Two,
}

/// A project in the case's sandbox.
struct Project<'a> {
    case: &'a Case,
    version: Version,
    directory: PathBuf,
}

impl Version {
    /// Where scripts/setup has put it.
    fn program(self) -> Result<Option<PathBuf>> {
        let path = programs::target_directory()?.join(match self {
            Self::One => "tools/compose1/usr/bin/docker-compose",
            Self::Two => "tools/compose/docker-compose",
        });
        if !path.is_file() {
            skip::skip("compose", &format!("no Compose {self:?}: scripts/setup did not get it"));
            return Ok(None);
        }
        Ok(Some(path))
    }
}

impl<'a> Project<'a> {
    /// The project of these tests, in a directory that the sandbox sees.
    fn new(case: &'a Case, version: Version) -> Result<Self> {
        let directory = case.daemon.sandbox.scratch().join(format!("shop{version:?}"));
        std::fs::create_dir_all(directory.join("www"))?;
        for (name, content) in [
            ("compose.yaml", include_str!("shop.yaml")),
            ("www/index.html", "page\n"),
            ("word.txt", "hush\n"),
        ] {
            std::fs::write(directory.join(name), content)?;
        }
        Ok(Self {
            case,
            version,
            directory,
        })
    }

    fn run(&self, line: &str) -> Result<Outcome> {
        let program = self.version.program()?.context("it was there")?;
        let sandbox = &self.case.daemon.sandbox;
        let mut command = match self.version {
            Version::Two => sandbox.command(&program),
            Version::One => {
                let mut python = sandbox.command("/usr/bin/python3");
                let packages = program
                    .parent()
                    .and_then(Path::parent)
                    .map(|usr| usr.join("lib/python3/dist-packages"));
                python.env("PYTHONPATH", packages.unwrap_or_default()).arg(&program);
                python
            }
        };
        command
            .env("DOCKER_HOST", format!("unix://{}", self.case.daemon.socket()))
            .env("HOME", &self.directory)
            .env("COMPOSE_PROJECT_NAME", "shop")
            .env("WHOM", "you")
            .args(["--ansi", "never", "--file"])
            .arg(self.directory.join("compose.yaml"))
            .args(words(line)?);
        Outcome::of(&mut command)
    }

    fn ok(&self, line: &str) -> Result<String> {
        let told = self
            .run(line)?
            .success()
            .with_context(|| format!("{:?}: {line}", self.version))?;
        Ok(told.text().to_owned())
    }

    /// What a service's container is called.
    fn name(&self, service: &str, number: u32) -> String {
        let joint = if self.version == Version::One { "_" } else { "-" };
        format!("shop{joint}{service}{joint}{number}")
    }

    fn inspect(&self, service: &str) -> Result<Value> {
        self.case.inspect(&self.name(service, 1))
    }

    /// The containers of a service, by numbers of lines.
    fn count(&self, service: &str) -> Result<usize> {
        Ok(self.ok(&format!("ps -q {service}"))?.lines().count())
    }
}

fn with(version: Version, body: impl FnOnce(&Project<'_>) -> Result<()>) -> Result<()> {
    if version.program()?.is_none() {
        return Ok(());
    }
    one(&["busybox"], |case| body(&Project::new(case, version)?))
}

/// What both versions do alike: up in order, exec and run, names and addresses, restart and stop, down.
fn life(project: &Project<'_>) -> Result<()> {
    let services = project.ok("config --services")?;
    ensure!(services.contains("base") && services.contains("web"), "{services}");
    project.ok("up -d")?;
    let (base, web) = (project.inspect("base")?, project.inspect("web")?);
    // The one that waits for health starts when it is there.
    let begun = |container: &Value| container["State"]["StartedAt"].as_str().map(str::to_owned);
    ensure!(begun(&base) < begun(&web), "{} {}", base["State"], web["State"]);
    ensure!(base["State"]["Health"]["Status"] == "healthy", "{}", base["State"]);
    let back = &base["NetworkSettings"]["Networks"]["shop_back"];
    ensure!(back["IPAddress"] == "10.123.7.10", "{back}");
    let networks = web["NetworkSettings"]["Networks"].as_object().map(serde_json::Map::len);
    ensure!(networks == Some(2), "{}", web["NetworkSettings"]["Networks"]);
    ensure!(
        web["HostConfig"]["Ulimits"][0]["Hard"] == 2000,
        "{}",
        web["HostConfig"]["Ulimits"]
    );
    ensure!(project.ok("ps")?.contains("(healthy)"));
    ensure!(project.count("")? == 2);

    let script = "echo $GREETING; cat /run/secrets/word; grep far /etc/hosts; ping -c1 -W2 store | head -1; exit 4";
    let told = project.run(&format!("exec -T web sh -c '{script}'"))?.code_is(4)?;
    let wanted = "hello you\nhush\n10.1.2.3\tfar\nPING store (10.123.7.10): 56 data bytes";
    ensure!(told.text() == wanted, "{}", told.text());
    let address = project.ok("port web 80")?;
    ensure!(address.starts_with("127.0.0.1:"), "{address}");
    until_ok(LIMIT, "the page", || {
        project
            .case
            .script(&format!("curl -sS http://{address}/"))?
            .success()?
            .says("page")
            .map(drop)
    })?;
    ensure!(
        project.ok("logs web")?.contains("response:200"),
        "{}",
        project.ok("logs web")?
    );

    let run = project.run("run --rm -T job sh -c 'ping -c1 -W2 base >/dev/null && echo pinged; exit 7'")?;
    ensure!(run.code_is(7)?.text().ends_with("pinged"));
    ensure!(project.ok("run --rm -e A=b -T job sh -c 'echo $A'")?.ends_with('b'));
    project.ok("restart base")?;
    project.ok("stop web")?;
    ensure!(project.inspect("web")?["State"]["Running"] == false);
    project.ok("start web")?;
    ensure!(project.inspect("web")?["State"]["Running"] == true);
    ensure!(project.ok("top base")?.contains("/state/ready"));
    ensure!(project.ok("images")?.contains("busybox"));
    project.ok("pause web")?;
    ensure!(project.inspect("web")?["State"]["Paused"] == true);
    project.ok("unpause web")?;
    project.ok("up -d --scale web=2")?;
    ensure!(project.count("web")? == 2);
    // Nothing is made anew that has not changed; what is asked for anew is.
    let before = project.inspect("base")?["Id"].clone();
    project.ok("up -d --scale web=1")?;
    ensure!(project.count("web")? == 1 && project.inspect("base")?["Id"] == before);
    // Version 1 looks for a field of images that engines of today have not.
    if project.version == Version::Two {
        project.ok("up -d --force-recreate --no-deps base")?;
        ensure!(project.inspect("base")?["Id"] != before);
    }
    // The program says how it ends when it is asked to.
    project.ok("stop base")?;
    ensure!(
        project.inspect("base")?["State"]["ExitCode"] == 3,
        "{}",
        project.inspect("base")?["State"]
    );
    project.ok("rm -f base")?;
    ensure!(project.count("base")? == 0);
    Ok(())
}

/// Down takes all of it, data only where that is said.
fn down(project: &Project<'_>) -> Result<()> {
    project.ok("up -d base")?;
    project.ok("down")?;
    project.case.says("volume ls -q", "shop_data")?;
    project.ok("down -v")?;
    project.case.says("ps -aq", "")?;
    project.case.says("volume ls -q", "")?;
    project.case.says("network ls -q --filter type=custom", "")
}

#[test]
fn version_1() -> Result<()> {
    with(Version::One, |project| {
        life(project)?;
        project.ok("kill -s HUP web")?;
        ensure!(project.ok("ps -a")?.contains("shop_web_1"));
        down(project)
    })
}

#[test]
fn version_2() -> Result<()> {
    with(Version::Two, |project| {
        life(project)?;
        project.ok("up -d --wait")?;
        let rows = project.ok("ps --format json")?;
        let row: Value = serde_json::from_str(rows.lines().find(|row| row.contains("\"base\"")).unwrap_or_default())?;
        ensure!(row["Health"] == "healthy" && row["State"] == "running", "{row}");
        project.ok("scale web=2")?;
        ensure!(project.count("web")? == 2);
        project.ok("scale web=1")?;
        let directory = project.directory.display();
        project.ok(&format!("cp web:/etc/hostname {directory}/got"))?;
        ensure!(std::fs::read_to_string(project.directory.join("got"))?.len() == 13);
        project.ok(&format!("cp {directory}/word.txt web:/tmp/copied"))?;
        ensure!(project.ok("exec -T web cat /tmp/copied")? == "hush");
        ensure!(project.ok("ls")?.contains("running(2)"));
        ensure!(
            project
                .ok("stats --no-stream --format '{{.Name}}'")?
                .contains("shop-web-1")
        );
        ensure!(project.ok("volumes -q")? == "shop_data");
        // The end of the stream is an error to it.
        let events = project.run("events --json --since 1h --until 0s")?.stdout;
        for action in [
            "create",
            "start",
            "die",
            "stop",
            "restart",
            "pause",
            "unpause",
            "destroy",
            "health_status: healthy",
        ] {
            ensure!(
                events.contains(&format!("\"action\":\"{action}\"")),
                "{action} is not in {events}"
            );
        }
        project.ok("kill -s KILL base")?;
        until_ok(LIMIT, "the end", || {
            ensure!(project.inspect("base")?["State"]["ExitCode"] == 137);
            Ok(())
        })?;
        project.ok("rm -sf base")?;
        down(project)
    })
}
