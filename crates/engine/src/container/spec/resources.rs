//! Limits and the rules for devices, of a specification.

use corten_api::container::HostConfig;
use serde_json::{Value, json};

use super::Facts;
use crate::error::{Error, Result};

pub(super) fn resources(host: &HostConfig, facts: &Facts<'_>) -> Value {
    let mut resources = limits(host);
    for (name, value) in [
        ("realtimePeriod", host.cpu_realtime_period),
        ("realtimeRuntime", host.cpu_realtime_runtime),
    ] {
        if value != 0 {
            resources["cpu"][name] = Value::from(value);
        }
    }
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

/// `c 1:3 rwm`, with `*` for any number; `None`: it is none.
pub(super) fn cgroup_rule(rule: &str) -> Option<Value> {
    let words: Vec<&str> = rule.split(' ').collect();
    let [kind @ ("a" | "b" | "c"), numbers, access] = words.as_slice() else {
        return None;
    };
    let (major, minor) = numbers.split_once(':')?;
    let number = |text: &str| match text {
        "*" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse::<i64>().ok().map(Some),
        _ => None,
    };
    let (major, minor) = (number(major)?, number(minor)?);
    let is_access = (1..=3).contains(&access.len()) && access.bytes().all(|byte| b"rwm".contains(&byte));
    is_access.then(|| json!({ "allow": true, "type": kind, "major": major, "minor": minor, "access": access }))
}

/// Refuses rules that are none, which Docker does at the start (observed: dockerd 28.5).
pub(crate) fn check_device_rules(host: &HostConfig) -> Result<()> {
    match host.device_cgroup_rules.iter().find(|rule| cgroup_rule(rule).is_none()) {
        Some(rule) => Err(Error::internal(format!("invalid device cgroup rule format: '{rule}'"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_dockers() {
        for good in ["c 1:3 rwm", "a *:* rwm", "b 8:* r"] {
            assert!(cgroup_rule(good).is_some(), "{good}");
        }
        for bad in [
            "bogus",
            "c 1:7 x",
            "c 1:7 rwmr",
            "d 1:3 r",
            "c 1:3",
            "c 1:3 r r",
            "c -1:3 r",
            "c 1 r",
            "c  1:3 r",
        ] {
            assert!(cgroup_rule(bad).is_none(), "{bad}");
        }
        assert_eq!(cgroup_rule("c 7:* r").unwrap()["minor"], Value::Null);
    }
}
