//! Rows of the areas `run`, `exec-attach-logs`, `images`, `isolation` and `install-info` in which somebody installs packages in a container:
//! what the tests call `packages.test` stands outside, with a resolver that knows its name.

use std::process::Child;

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::sandbox::OUTSIDE4;
use corten_testkit::wait::until_ok;
use corten_testkit::{Outcome, skip};

use crate::rows::{group_on, prompt, sit};

/// The resolver (whose one name has one address; any other does not exist) and the server of packages.
const OUTSIDE: &str = r#"
import functools, http.server, socket, sys, threading
NAME = b"\x08packages\x04test\x00"
def answer(query):
    end = query.index(b"\x00", 12) + 1
    name, kind = query[12:end].lower(), query[end:end + 2]
    found = [b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + socket.inet_aton(sys.argv[1])] if kind == b"\x00\x01" else []
    code, records = (0x80, found) if name == NAME else (0x83, [])
    head = query[:2] + bytes([0x85, code, 0, 1, 0, len(records), 0, 0, 0, 0])
    return head + query[12:end + 4] + b"".join(records)
def resolve():
    questions = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    questions.bind((sys.argv[1], 53))
    while True:
        query, asker = questions.recvfrom(4096)
        questions.sendto(answer(query), asker)
class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass
threading.Thread(target=resolve, daemon=True).start()
handler = functools.partial(Files, directory=sys.argv[2])
http.server.ThreadingHTTPServer((sys.argv[1], 8000), handler).serve_forever()
"#;

fn serve(case: &Case) -> Result<Child> {
    let directory = corten_testkit::programs::target_directory()?.join("test-images/packages");
    let mut server = case.daemon.sandbox.outside("python3");
    Ok(server.args(["-c", OUTSIDE, OUTSIDE4]).arg(directory).spawn()?)
}

/// Runs the row while the source is there.
fn beside_packages(case: &Case, body: impl FnOnce(&Case) -> Result<()>) -> Result<()> {
    let mut server = serve(case)?;
    let reached = until_ok(LIMIT, "the package source", || {
        case.script(&format!("curl -sSf http://{OUTSIDE4}:8000/Packages"))?
            .success()
    });
    let verdict = reached.and_then(|_| body(case));
    server.kill()?;
    server.wait()?;
    verdict
}

#[test]
fn packages_come_from_outside() -> Result<()> {
    if !skip::has_program("python3") {
        skip::skip("packages", "no python3");
        return Ok(());
    }
    group_on(&["--dns", OUTSIDE4], &["debian", "ubuntu"], |rows| {
        rows.row("C-046 C-047 C-048 C-049 C-074 C-075 C-300", |case| {
            beside_packages(case, htop)
        });
        rows.row("C-100 C-101 C-105 C-109", |case| beside_packages(case, nginx));
        rows.row("C-458", |case| beside_packages(case, sources_over_tls));
        rows.row("C-102 C-103 C-113 C-114", |case| beside_packages(case, python));
    })
}

/// A server is installed in a container, and its image has it.
fn nginx(case: &Case) -> Result<()> {
    let mut terminal = sit(case, "run --name web -it debian /bin/bash")?;
    terminal.expect(&prompt(case, "web")?, LIMIT)?;
    terminal.send("apt update && apt install -y nginx; echo \"ended with $?\"\n")?;
    terminal.expect("ended with 0", LIMIT)?;
    diffs(case, "web", &NGINX)?;
    terminal.send("exit\n")?;
    ensure!(terminal.finish(LIMIT)? == 0);
    diffs(case, "web", &NGINX)?;
    let id = case.ok("commit web besrour/nginx")?;
    let mut terminal = sit(case, &format!("run --name again -it {} /bin/bash", &id[7..23]))?;
    terminal.expect(&prompt(case, "again")?, LIMIT)?;
    terminal.send("nginx -v\n")?;
    terminal.expect("nginx version: nginx/", LIMIT)?;
    terminal.send("exit\n")?;
    ensure!(terminal.finish(LIMIT)? == 0);
    let terminal = sit(case, "run -it besrour/nginx nginx -v")?;
    terminal.expect("nginx version: nginx/", LIMIT)?;
    ensure!(terminal.finish(LIMIT)? == 0);
    case.run("run --rm debian nginx -v")?.code_is(127)?;
    remove_ended(case)?;
    case.ok("rmi besrour/nginx").map(drop)
}

/// What an old system needed before it took packages over TLS.
fn sources_over_tls(case: &Case) -> Result<()> {
    let packages = "apt-transport-https ca-certificates curl software-properties-common";
    let line = format!("apt-get -q update && apt-get -q install -y {packages} && dpkg --status {packages}");
    let said = case.run(&format!(
        "run --rm -e DEBIAN_FRONTEND=noninteractive ubuntu sh -c '{line}'"
    ))?;
    let said = said.success()?;
    let installed = said.text().matches("\nStatus: install ok installed\n").count();
    ensure!(installed == 4, "{said}");
    Ok(())
}

/// What an installation of nginx changes, among other things.
const NGINX: [&str; 4] = [
    "A /etc/nginx",
    "C /etc/default",
    "A /etc/default/nginx",
    "C /var/lib/dpkg/status",
];

/// A program of many packages is installed on a network of its own, whose resolver is the engine.
fn python(case: &Case) -> Result<()> {
    case.ok("network create own")?;
    case.ok("run --rm --network own ubuntu apt-get update")?;
    let mut terminal = sit(case, "run --name py -it ubuntu")?;
    terminal.expect(&prompt(case, "py")?, LIMIT)?;
    terminal.send("apt-get update && apt-get install python3\n")?;
    terminal.expect("Do you want to continue? [Y/n]", LIMIT)?;
    terminal.send("n\n")?;
    terminal.expect("Abort.", LIMIT)?;
    terminal.send("apt-get install -y python3; echo \"ended with $?\"\n")?;
    terminal.expect("ended with 0", LIMIT)?;
    terminal.send("exit\n")?;
    ensure!(terminal.finish(LIMIT)? == 0);
    diffs(case, "py", &["C /var", "C /var/log/apt"])?;
    let said = case.ok("diff py")?;
    ensure!(said.lines().any(|line| line.starts_with("A /etc/python3")), "{said}");
    case.ok("commit py ubuntu_python_new")?;
    case.ok("commit py ubuntu_python_2")?;
    let id = case.ok("images -q ubuntu_python_new")?;
    let mut terminal = sit(case, &format!("run --name p2 -it {id}"))?;
    terminal.expect(&prompt(case, "p2")?, LIMIT)?;
    terminal.send("python3\n")?;
    terminal.expect(">>> ", LIMIT)?;
    terminal.send("print(6 * 7)\n")?;
    terminal.expect("\n42\r\n", LIMIT)?;
    terminal.send("exit()\nexit\n")?;
    ensure!(terminal.finish(LIMIT)? == 0);
    let mut terminal = sit(case, "run --name p3 -it ubuntu_python_2")?;
    terminal.expect(&prompt(case, "p3")?, LIMIT)?;
    terminal.send("python3 -c 'print(6 * 7)'\n")?;
    terminal.expect("42\r\n", LIMIT)?;
    terminal.send("exit\n")?;
    ensure!(terminal.finish(LIMIT)? == 0);
    remove_ended(case)?;
    case.ok("network rm own")?;
    case.ok("rmi ubuntu_python_new ubuntu_python_2").map(drop)
}

fn diffs(case: &Case, name: &str, lines: &[&str]) -> Result<()> {
    let said = case.ok(&format!("diff {name}"))?;
    for want in lines {
        ensure!(said.lines().any(|line| line == *want), "no {want} in {said}");
    }
    Ok(())
}

fn remove_ended(case: &Case) -> Result<()> {
    case.ok("container prune -f").map(drop)
}

/// A screen program from a package, and what the host sees of it.
fn htop(case: &Case) -> Result<()> {
    let mut terminal = sit(case, "run --name monubuntu -it ubuntu:latest bash")?;
    terminal.expect(&prompt(case, "monubuntu")?, LIMIT)?;
    terminal.send("apt update && apt install -y htop && htop\n")?;
    terminal.expect("F10", LIMIT)?;
    let mut ps = case.command("exec monubuntu ps aux")?;
    let list = Outcome::of(&mut ps)?.success()?;
    let row = list
        .text()
        .lines()
        .filter(|line| line.contains("htop"))
        .collect::<Vec<_>>();
    ensure!(
        row.len() == 1 && row[0].starts_with("root ") && row[0].contains("pts/0 "),
        "{row:?}"
    );
    // The host sees the same process under a pid of its own.
    let inside = row[0].split_whitespace().nth(1).unwrap_or_default();
    let found = case.script("grep NSpid /proc/$(pgrep -x htop)/status")?.success()?;
    let pids: Vec<&str> = found.text().split_whitespace().skip(1).collect();
    ensure!(pids.len() == 2 && pids[0] != inside && pids[1] == inside, "{found}");
    let line = case.script("ps aux | grep htop")?.success()?;
    ensure!(
        line.text()
            .lines()
            .any(|line| line.split_whitespace().nth(1) == Some(pids[0])),
        "{line}"
    );
    case.ok("exec monubuntu true")?;
    terminal.send("q")?;
    terminal.send("exit\n")?;
    ensure!(terminal.finish(LIMIT)? == 0);
    let list = case.ok("ps -a")?;
    let row = list
        .lines()
        .find(|line| line.ends_with("monubuntu"))
        .unwrap_or_default();
    ensure!(
        row.contains("ubuntu:latest   \"bash\"") && row.contains("Exited (0) "),
        "{list}"
    );
    case.says("rm monubuntu", "monubuntu")
}
