//! `corten` beside the real `docker` client, both against the same scripted engine: the requests of the commands
//! that are not `create`. Skipped where there is no client 28.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::docker::{docker, words};
use crate::scripted::{Engine, corten, finish};

/// Command lines whose requests are compared. The engine answers each with 404.
const LINES: &[&str] = &[
    "top c",
    "top c -o pid aux",
    "diff c",
    "export c",
    "cp c:/x/y/. .",
    "cp -L c:/x .",
    "cp c:x -",
    "stats --no-stream c",
    "system df -v",
    "commit c",
    "commit -a me -m msg -c CMD=a -c ENV=b --pause=false c repo:tag",
    "update -m 64m c",
    "update --cpus 1.5 --restart always --pids-limit -1 --cpu-shares 3 --memory-swap -1 --blkio-weight 10 c d",
    "update --cpu-rt-period 1 --cpu-rt-runtime 2 --cpuset-cpus 0 --cpuset-mems 1 --cpu-period 3 --cpu-quota 4 c",
    "update --memory-reservation 1m --restart on-failure:3 c",
    "container prune -f",
    "container prune -f --filter until=1h --filter label=a",
    "image prune -f",
    "image prune -af --filter until=24h",
    "volume prune -f",
    "volume prune -af --filter label=x",
    "network prune -f --filter label=x",
    "builder prune -f",
    "builder prune -af --keep-storage 1g --filter until=1h",
    "system prune -af --volumes --filter label=a",
    "network create n",
    "network create -d macvlan --subnet 10.1.0.0/16 --gateway 10.1.0.1 --ip-range 10.1.2.0/24 --aux-address a=10.1.0.9 n",
    "network create -o x=y -o z --label l=m --internal --attachable --ipv6 --ipam-driver d --ipam-opt q=r --scope local n",
    "network create --ipv4=false --config-only n",
    "network create --config-from c --ingress n",
    "network connect n c",
    "network connect --ip 1.2.3.4 --ip6 ::1 --alias a,b --link x:y --link-local-ip 169.254.1.1 --driver-opt k=v --gw-priority 3 n c",
    "network disconnect n c",
    "network disconnect -f n c",
    "network rm n m",
    "network ls -f driver=x -f name=y",
    "network inspect -v n",
    "volume create",
    "volume create -d other -o a=b --label c=d v",
    "volume rm -f v",
    "volume ls -f dangling=true",
    "volume inspect v",
    "rename a b",
    "restart -t 3 -s TERM a",
    "pause a",
    "unpause a",
    "wait a",
    "image inspect --platform linux/arm64 i",
    "history --platform arm i",
    "save --platform linux/amd64 -o /dev/shm/never-written i",
    "load --platform windows",
    "import http://files/x.tar r:t",
    "push a.example/b",
    "push --platform linux/arm64/v8 a.example/b:t",
    "push -a a.example/b",
    "search -f is-official=true --limit 3 x",
    "login -u a -p b r.example",
];

/// A request: its line with a sorted query, its body without what is empty.
type Sent = (String, Value);

#[test]
fn the_same_requests_are_sent() {
    if docker().is_none() {
        println!("skip: no docker client 28 in PATH");
        return;
    }
    let sent: Arc<Mutex<Vec<Sent>>> = Arc::default();
    let kept = Arc::clone(&sent);
    let engine = Engine::start(move |request| {
        let body = serde_json::from_str(&request.body).unwrap_or(Value::Null);
        let seen = (sorted(&request.line), without_empty(body));
        kept.lock().expect("no panic inside").push(seen);
        request.answer("404 Not Found", "{\"message\":\"not here\"}\n");
    });
    let mut differences = Vec::new();
    for line in LINES {
        let sent_by = |mut command: Command, variable: &str| {
            command.args(words(line)).env(variable, engine.address());
            finish(command, "");
            std::mem::take(&mut *sent.lock().expect("no panic inside"))
        };
        let theirs = sent_by(docker().expect("found above"), "DOCKER_HOST");
        let ours = sent_by(corten(&[]), "CORTEN_HOST");
        if ours != theirs || ours.is_empty() {
            differences.push(format!("{line}\n  docker: {theirs:?}\n  corten: {ours:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A request line whose query is in order and has no pairs without a value.
fn sorted(line: &str) -> String {
    let (path, query) = line.split_once('?').unwrap_or((line, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty() && !pair.ends_with('='));
    let pairs: BTreeSet<String> = pairs.map(|pair| pair.replace('+', "%20")).collect();
    format!("{path}?{}", pairs.into_iter().collect::<Vec<_>>().join("&"))
}

/// A body without the members that an engine reads like absent ones.
fn without_empty(body: Value) -> Value {
    match body {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| (name, without_empty(value)));
            Value::Object(members.filter(|(_, value)| !is_empty(value)).collect())
        }
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) => false,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}
