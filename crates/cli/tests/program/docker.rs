//! `corten` beside the real `docker` client, both against the same scripted engine: what they send to
//! make a container, and what they say about wrong command lines. Skipped where there is no client 28.

use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::scripted::{Engine, corten, finish};

/// Arguments of `create`; the recorded bodies of the unit tests say the rest.
const BODIES: &[&str] = &[
    "busybox",
    "-it busybox sh -c true",
    "-p80:80 -p 127.0.0.1::81/udp -p [::1]:90-91:90-91 -p 8000-8005:82 -P --expose 70-72 busybox",
    "-e A=1 -e B=1 -e A=2 -e HOME -e NONE -l a=b -l c busybox",
    "-v /a:/b -v vol:/c:ro -v /anon -v ./rel:/d -v .:/e -v a:/b busybox",
    "--mount type=bind,src=.,dst=/b,ro --mount type=tmpfs,dst=/t,tmpfs-size=1m --tmpfs /x:size=1m busybox",
    "-m 64m --memory-swap -1 --cpus 1.5 -c 512 --pids-limit 10 --ulimit nofile=1:2 --ulimit core=-1 busybox",
    "--device /dev/null:/dev/x:rw --device vendor.com/gpu=0 --gpus 2 --device-read-bps /dev/sda:1mb busybox",
    "--network mynet --ip 1.2.3.4 --network-alias a --link x:y --mac-address 92:d0:c6:0a:29:33 busybox",
    "--network name=n,alias=a,driver-opt=x=y --network other busybox",
    "--network host --add-host a:1.2.3.4 --add-host b=[::1] --dns 8.8.8.8 --dns-search x.org busybox",
    "--restart on-failure:3 --stop-signal TERM --stop-timeout 3 --health-cmd x --health-interval 5s busybox",
    "--privileged --read-only --cap-add NET_ADMIN --cap-drop all --security-opt seccomp=unconfined busybox",
    "--security-opt systempaths=unconfined --init --entrypoint= --log-opt a=b --log-driver local busybox a b",
    "--rm --name foo --platform linux/arm64 -u 1:2 -w /x -h host -a stdin -a STDERR busybox",
];

/// Command lines that never reach an engine, or are refused by one that knows nothing.
const COMPLAINTS: &[&str] = &[
    "run",
    "run --bogus",
    "ps --bogus",
    "run -zit",
    "ps x",
    "rm",
    "stop",
    "run --rm=foo busybox",
    "run -m x busybox",
    "ps -n x",
    "foo",
    "container foo",
    "logs a b",
    "inspect",
    "tag a",
    "stop -t x a",
    "run -e",
    "run --name",
    "exec a",
    "image foo",
    "load foo",
    "save",
    "wait",
    "info --bogus",
    "images -x",
    "version x",
    "port",
    "history",
    "import",
    "rename a",
    "run -p x busybox",
    "create -p x busybox",
    "run NoSuch",
    "create NoSuch",
    "rm nosuch",
    "rm -f nosuch",
    "stop nosuch",
    "logs nosuch",
    "container inspect nosuch",
    "image inspect nosuch",
    "exec nosuch sh",
    "start nosuch",
    "start a b",
    "rmi nosuch",
    "tag busybox X",
    "history nosuch",
    "port nosuch",
    "start -a a b",
    "run --rm --restart=always busybox",
    "import /nosuch",
    "load -i /nosuch",
    "events --since x",
    "run --no-healthcheck --health-cmd x busybox",
    "ps -f foo",
    "run --security-opt x busybox",
    "run --env-file /nope busybox",
    "run --pull=foo busybox",
    "run --pid=x busybox",
    "run -a foo busybox",
    "run --mac-address x busybox",
    "run --memory-swappiness 200 busybox",
    "run -it busybox",
    "run -d -a stdout busybox",
    "run --mount type=bind,x busybox",
    "run --mount x=1 busybox",
    "run --add-host x busybox",
    "run --dns x busybox",
    "run --dns-search ... busybox",
    "run --link a:b:c busybox",
    "run --label =x busybox",
    "run -e =x busybox",
    "run --device-read-bps x busybox",
    "run --cpus x busybox",
    "run --cpus 1.00000000001 busybox",
    "run --gpus x busybox",
    "run --health-interval x busybox",
    "run --health-interval 1 busybox",
    "run --health-retries -1 busybox",
    "run --blkio-weight 99999999 busybox",
    "run --network foo=x busybox",
    "run --restart :x busybox",
    "run --restart on-failure:x busybox",
    "run --sysctl x=1 busybox",
    "run --publish 1-3:1-2 busybox",
    "run -p 1.2.3:80:80 busybox",
    "run --expose x busybox",
    "run --expose 1:2 busybox",
    "run --shm-size x busybox",
    "run --storage-opt x busybox",
    "run --stop-timeout x busybox",
    "run --init=x busybox",
    "run -v /a::/b busybox",
    "run --device a:b:c:d busybox",
    "run --device-cgroup-rule x busybox",
    "run --log-driver none --log-opt a=b busybox",
    "run --label-file /nope busybox",
    "run --userns x busybox",
    "run --ulimit nofile=2:1 busybox",
    "run --ulimit foo=2:1 busybox",
    "top",
    "top nosuch",
    "diff",
    "diff nosuch",
    "commit",
    "commit nosuch",
    "commit a UPPER",
    "commit a b@sha256:788d9dbe8c33f3b0846b158f0e938c67becbfbed76dde79223a2f679e321c4ce",
    "export",
    "export nosuch",
    "export -o /nosuch/x nosuch",
    "export -o / nosuch",
    "update",
    "update nosuch",
    "update -m 64m nosuch",
    "update --restart :x nosuch",
    "update --cpus x nosuch",
    "container prune",
    "container prune x",
    "image prune -a",
    "image prune --filter foo",
    "volume prune",
    "volume prune -a",
    "volume prune -a --filter all=1",
    "network prune",
    "network prune --bogus",
    "system prune",
    "system prune -a --volumes --filter label=x --filter label!=y",
    "system prune --volumes --filter until=1h",
    "system prune -f --filter a=b",
    "network create",
    "network create --gateway 10.1.0.1 n",
    "network create --subnet 10.9.0.0/16 --ip-range 10.9.0.0/240 n",
    "network create --subnet 10.9.0.0/16,10.8.0.0/16 --gateway 10.9.0.1,10.9.0.2 n",
    "network create --subnet 10.9.0.0/16 --aux-address a=1.1.1.1 n",
    "network create --label =x n",
    "network ls x",
    "network ls -f foo",
    "network inspect",
    "network inspect nosuch",
    "network connect n",
    "network connect n c --driver-opt a",
    "network connect n c --gw-priority x",
    "network connect n c --link a:b:c",
    "network disconnect n nosuch",
    "network rm",
    "network rm nosuch",
    "network rm -f nosuch",
    "volume create --name xx yy",
    "volume create --label =x vv",
    "volume ls x",
    "volume inspect",
    "volume inspect nosuch",
    "volume update",
    "volume update nosuch",
    "volume rm",
    "volume rm nosuch other",
    "inspect --type network nosuch",
    "inspect --type volume nosuch",
    "cp a",
    "cp a b",
    "cp a:/x b:/y",
    "cp nosuch:/x .",
    "cp -L nosuch:/x .",
    "cp nosuch:/x /nosuch/y",
    "cp nosuch:/x /dev/null",
    "cp nosuch:/x -",
    "cp /nosuch/x c:/y",
    "cp -L /nosuch c:/y",
    "cp /etc/passwd/ c:/y",
    "cp - nosuch:/x",
    "stats --no-stream nosuch",
    "stats --bogus",
    "-H foo://x ps",
    "-H a -H b ps",
    "-l foo ps",
    "-c nosuch ps",
];

/// The client in PATH, if its texts are those that are followed.
pub(crate) fn docker() -> Option<Command> {
    let output = Command::new("docker").arg("--version").output().ok()?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    if !version.starts_with("Docker version 28.") || version.contains("corten") {
        return None;
    }
    let mut command = Command::new("docker");
    let path = std::env::var_os("PATH").unwrap_or_default();
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("TZ", "UTC")
        .env("PATH", path);
    Some(command)
}

pub(crate) fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(' ').filter(|word| !word.is_empty())
}

#[test]
fn the_same_bodies_are_sent() {
    if docker().is_none() {
        println!("skip: no docker client 28 in PATH");
        return;
    }
    let sent: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = Arc::clone(&sent);
    let engine = Engine::start(move |request| {
        let body = serde_json::from_str(&request.body).expect("a JSON body");
        kept.lock().expect("no panic inside").push(body);
        request.answer("201 Created", "{\"Id\":\"abc\",\"Warnings\":[]}");
    });
    for line in BODIES {
        for (mut command, variable) in [
            (docker().expect("found above"), "DOCKER_HOST"),
            (corten(&[]), "CORTEN_HOST"),
        ] {
            command.arg("create").args(words(line)).env(variable, engine.address());
            assert!(finish(command, "").status.success(), "{line}");
        }
        let mut sent = sent.lock().expect("no panic inside");
        let (ours, theirs) = (sent.pop().expect("two requests"), sent.pop().expect("two requests"));
        let (ours, theirs) = (ordered(ours), ordered(theirs));
        assert_eq!(ours, theirs, "{line}");
    }
}

/// Docker sends variables and volumes in the order of a hash table.
fn ordered(mut body: Value) -> Value {
    for list in ["/Env", "/HostConfig/Binds"] {
        if let Some(items) = body.pointer_mut(list).and_then(Value::as_array_mut) {
            items.sort_by_key(Value::to_string);
        }
    }
    body
}

#[test]
fn the_same_is_said() {
    if docker().is_none() {
        println!("skip: no docker client 28 in PATH");
        return;
    }
    let engine = Engine::start(|request| {
        let name = request
            .line
            .split('?')
            .next()
            .and_then(|path| path.split('/').nth(2))
            .unwrap_or_default()
            .to_owned();
        request.answer(
            "404 Not Found",
            &format!("{{\"message\":\"No such container: {name}\"}}\n"),
        );
    });
    let directory = tempfile::tempdir().expect("a temporary directory");
    let disguise = directory.path().join("docker");
    symlink(env!("CARGO_BIN_EXE_corten"), &disguise).expect("a link");
    let mut differences = Vec::new();
    for line in COMPLAINTS {
        let mut theirs = docker().expect("found above");
        theirs.args(words(line)).env("DOCKER_HOST", engine.address());
        let mut ours = Command::new(&disguise);
        ours.args(words(line))
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("DOCKER_HOST", engine.address());
        let told = |command| {
            let output = finish(command, "");
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            let error: Vec<&str> = error.lines().filter(|line| !line.starts_with("hint: ")).collect();
            format!(
                "{:?} {} {}",
                output.status.code(),
                String::from_utf8_lossy(&output.stdout),
                error.join("\n")
            )
        };
        let (ours, theirs) = (told(ours), told(theirs));
        if ours != theirs {
            differences.push(format!("{line}\n  docker: {theirs}\n  corten: {ours}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
