//! Limits and the rules for devices, of a specification.

use corten_api::container::HostConfig;
use serde_json::{Value, json};

use super::Facts;

pub(super) fn resources(host: &HostConfig, facts: &Facts<'_>) -> Value {
    let mut resources = limits(host);
    resources["devices"] = Value::from(device_rules(host, facts));
    resources["blockIO"] = facts.block_io.clone();
    resources
}

/// What may change while the container runs.
pub(super) fn limits(host: &HostConfig) -> Value {
    let set = |value: i64| (value != 0).then_some(value);
    let (period, quota) = match host.nano_cpus {
        0 => (set(host.cpu_period), set(host.cpu_quota)),
        nanos => (Some(100_000), Some(nanos / 10_000)),
    };
    let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    let pids = host
        .pids_limit
        .map(|limit| json!({ "limit": if limit <= 0 { -1 } else { limit } }));
    json!({
        "memory": {
            "limit": set(host.memory), "reservation": set(host.memory_reservation), "swap": set(host.memory_swap),
            "swappiness": host.memory_swappiness.filter(|value| *value >= 0),
            "disableOOMKiller": host.oom_kill_disable.filter(|disable| *disable),
        },
        "cpu": {
            "shares": set(host.cpu_shares), "period": period, "quota": quota,
            "cpus": text(&host.cpuset_cpus), "mems": text(&host.cpuset_mems),
        },
        "pids": pids,
        "blockIO": (host.blkio_weight != 0).then(|| json!({ "weight": host.blkio_weight })),
    })
}

/// Character devices every container may use: null, zero, full, random, urandom, tty, console, ptmx.
const PLAIN_DEVICES: &[(i64, i64)] = &[(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)];
/// Terminals of devpts.
const TERMINALS: i64 = 136;

fn device_rules(host: &HostConfig, facts: &Facts<'_>) -> Vec<Value> {
    if host.privileged {
        return vec![json!({ "allow": true, "access": "rwm" })];
    }
    let mut rules = vec![
        json!({ "allow": false, "access": "rwm" }),
        json!({ "allow": true, "type": "c", "access": "m" }),
        json!({ "allow": true, "type": "b", "access": "m" }),
        json!({ "allow": true, "type": "c", "major": TERMINALS, "access": "rwm" }),
    ];
    for (major, minor) in PLAIN_DEVICES {
        rules.push(json!({ "allow": true, "type": "c", "major": major, "minor": minor, "access": "rwm" }));
    }
    for device in facts.devices {
        rules.push(json!({
            "allow": true, "type": device.kind.to_string(), "major": device.major, "minor": device.minor,
            "access": device.access,
        }));
    }
    rules.extend(host.device_cgroup_rules.iter().filter_map(|rule| cgroup_rule(rule)));
    rules
}

/// `c 1:3 rwm`, with `*` for any number.
pub(super) fn cgroup_rule(rule: &str) -> Option<Value> {
    let mut words = rule.split_whitespace();
    let (kind, numbers, access) = (words.next()?, words.next()?, words.next()?);
    let (major, minor) = numbers.split_once(':')?;
    let number = |text: &str| text.parse::<i64>().ok();
    Some(json!({ "allow": true, "type": kind, "major": number(major), "minor": number(minor), "access": access }))
}
