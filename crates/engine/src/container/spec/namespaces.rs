//! The namespaces of a specification: own ones, those of the host and those of other containers.

use serde_json::{Value, json};

use super::Facts;
use crate::container::effective::{Effective, NetworkMode};
use crate::container::joins::Joined;
use crate::identity::IdRange;

pub(super) fn namespaces(effective: &Effective, facts: &Facts<'_>) -> Vec<Value> {
    let host = &effective.host;
    let mut list = vec![json!({ "type": "mount" })];
    let path = |of: &Joined, name: &str| of.path(&format!("ns/{name}"));
    match facts.pid_of {
        Some(pid) => list.push(json!({ "type": "pid", "path": path(pid, "pid") })),
        None if host.pid_mode == "host" => {}
        None => list.push(json!({ "type": "pid" })),
    }
    match facts.ipc_of {
        Some(pid) => list.push(json!({ "type": "ipc", "path": path(pid, "ipc") })),
        None if host.ipc_mode == "host" => {}
        None => list.push(json!({ "type": "ipc" })),
    }
    if host.uts_mode != "host" {
        list.push(json!({ "type": "uts" }));
    }
    if host.cgroupns_mode == "private" {
        list.push(json!({ "type": "cgroup" }));
    }
    // The shim is inside the network namespace already; saying so keeps /sys and net sysctls private.
    if facts.makes_network {
        list.push(json!({ "type": "network" }));
    } else if effective.network != NetworkMode::Host {
        list.push(json!({ "type": "network", "path": "/proc/self/ns/net" }));
    }
    match (facts.identity, facts.user_of) {
        (None, _) => {}
        (Some(_), None) => list.push(json!({ "type": "user" })),
        (Some(_), Some(of)) => list.push(json!({ "type": "user", "path": path(of, "user") })),
    }
    list
}

pub(super) fn mappings(ranges: Option<&Vec<IdRange>>) -> Value {
    let one = |range: &IdRange| json!({ "containerID": range.inside, "hostID": range.host, "size": range.count });
    ranges.map_or(Value::Null, |ranges| ranges.iter().map(one).collect())
}
