//! The mounts of a specification (pure): Docker's usual ones, the engine's files, the user's.

use corten_api::container::HostConfig;
use corten_runtime::compile::{BELOW, LAYER, LAYERS, OF_PROCESS};
use serde_json::{Value, json};

use super::{Facts, INIT_PATH};
use crate::Config;
use crate::container::effective::Effective;
use crate::container::mounts::{MountKind, MountSpec};
use crate::container::shared_memory::DESTINATION;

fn mount(destination: &str, kind: &str, options: &[&str]) -> Value {
    json!({ "destination": destination, "type": kind, "source": kind, "options": options })
}

fn bind(source: &str, destination: &str, options: &[&str]) -> Value {
    json!({ "destination": destination, "type": "bind", "source": source, "options": options })
}

pub(super) fn mounts(effective: &Effective, settings: &Config, facts: &Facts<'_>) -> Vec<Value> {
    let host = &effective.host;
    let access = if host.privileged { "rw" } else { "ro" };
    let groups = match writable_groups(host) {
        Some(true) => "rw",
        Some(false) => "ro",
        None => access,
    };
    let mut list = vec![
        mount("/proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount(
            "/dev/pts",
            "devpts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        mount("/sys", "sysfs", &["nosuid", "noexec", "nodev", access]),
        mount("/sys/fs/cgroup", "cgroup", &[groups, "nosuid", "noexec", "nodev"]),
    ];
    list.extend(ipc_mounts(host, facts));
    let replaced = |destination: &str| facts.mounts.iter().any(|(other, _)| other.destination == destination);
    list.retain(|entry| !entry["destination"].as_str().is_some_and(replaced));
    for (source, destination) in facts.files.iter().filter(|(_, destination)| !replaced(destination)) {
        let access = if host.readonly_rootfs { "ro" } else { "rw" };
        list.push(bind(source, destination, &["rbind", "rprivate", access]));
    }
    list.extend(
        facts
            .mounts
            .iter()
            .map(|(spec, source)| user_mount(spec, source, facts)),
    );
    list.extend(facts.edits.mounts.iter().map(of_vendor));
    if host.init == Some(true) {
        list.push(bind(&settings.init.display().to_string(), INIT_PATH, &["bind", "ro"]));
    }
    list
}

/// `--security-opt writable-cgroups`, checked before.
fn writable_groups(host: &HostConfig) -> Option<bool> {
    let mut options = host.security_opt.iter().rev();
    options.find_map(|option| match option.strip_prefix("writable-cgroups")? {
        "" => Some(true),
        value => value.strip_prefix('=')?.parse().ok(),
    })
}

fn ipc_mounts(host: &HostConfig, facts: &Facts<'_>) -> Vec<Value> {
    const PLAIN: [&str; 3] = ["nosuid", "noexec", "nodev"];
    let queue = mount("/dev/mqueue", "mqueue", &PLAIN);
    match (host.ipc_mode.as_str(), facts.ipc_of) {
        (_, Some(of)) => {
            let below = format!("{BELOW}dev/shm");
            let options = ["rprivate", &below];
            let shared = json!({
                "destination": DESTINATION, "type": OF_PROCESS, "source": of.path(""), "options": options,
            });
            vec![queue, shared]
        }
        // Queues belong to the namespace: the host need not have mounted them.
        ("host", None) => vec![queue, bind(DESTINATION, DESTINATION, &["rbind", "rprivate"])],
        ("none", None) => vec![queue],
        _ => vec![queue, shared_memory(host, facts)],
    }
}

/// Its own, or the one that the host sees too; named as Docker names it: `df` shows the name.
fn shared_memory(host: &HostConfig, facts: &Facts<'_>) -> Value {
    let size = format!("size={}", host.shm_size);
    if let Some(place) = &facts.shared_memory {
        let options = ["bind", "rprivate", "nosuid", "noexec", "nodev"];
        return bind(&place.display().to_string(), DESTINATION, &options);
    }
    let options = ["nosuid", "noexec", "nodev", "mode=1777", &size];
    json!({ "destination": DESTINATION, "type": "tmpfs", "source": "shm", "options": options })
}

fn of_vendor(entry: &crate::cdi::Mount) -> Value {
    let options: Vec<&str> = entry.options.iter().map(String::as_str).collect();
    if entry.kind.is_empty() {
        return bind(&entry.host_path, &entry.container_path, &options);
    }
    json!({
        "destination": entry.container_path, "type": entry.kind, "source": entry.host_path, "options": options,
    })
}

fn user_mount(spec: &MountSpec, source: &str, facts: &Facts<'_>) -> Value {
    match spec.kind {
        MountKind::Image => {
            let layers = facts.layers.get(&spec.destination).into_iter().flatten();
            let mut options: Vec<String> = layers.map(|layer| format!("{LAYER}{}", layer.display())).collect();
            options.push("ro".to_owned());
            if !spec.subpath.is_empty() {
                options.push(format!("{BELOW}{}", spec.subpath));
            }
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            mount(&spec.destination, LAYERS, &options)
        }
        MountKind::Tmpfs => {
            let options: Vec<&str> = spec.options.iter().map(String::as_str).collect();
            mount(&spec.destination, "tmpfs", &options)
        }
        MountKind::Bind | MountKind::Volume => {
            let propagation = if spec.propagation.is_empty() {
                "rprivate"
            } else {
                &spec.propagation
            };
            let access = match (spec.readonly, spec.readonly_alone) {
                (true, true) => "ro",
                (true, false) => "rro",
                (false, _) => "rw",
            };
            let recursion = if spec.non_recursive { "bind" } else { "rbind" };
            let below = format!("{BELOW}{}", spec.subpath.trim_start_matches('/'));
            let mut options = vec![recursion, propagation, access];
            if !spec.subpath.is_empty() {
                options.push(&below);
            }
            let own = facts.identity.is_some_and(|identity| identity.own);
            if spec.mapped && facts.identity.is_some() || own && spec.kind == MountKind::Volume {
                options.push("idmap");
            }
            let mut entry = bind(source, &spec.destination, &options);
            if spec.mapped && facts.identity.is_none() {
                map_to_user(&mut entry, spec, facts);
            }
            entry
        }
    }
}

/// The owner of the source and the container's user are one: each is shown as, and written as, the other.
fn map_to_user(entry: &mut Value, spec: &MountSpec, facts: &Facts<'_>) {
    let Some(swap) = facts.swaps.get(&spec.destination) else {
        return;
    };
    if let Some(entry) = entry.as_object_mut() {
        entry.insert("uidMappings".to_owned(), swapped(swap.uids));
        entry.insert("gidMappings".to_owned(), swapped(swap.gids));
    }
}

/// All ids, two of them exchanged.
fn swapped((one, other): (u32, u32)) -> Value {
    let (low, high) = (one.min(other), one.max(other));
    let range = |disk: u32, shown: u32, size: u32| json!({ "containerID": disk, "hostID": shown, "size": size });
    let ranges = if low == high {
        vec![range(0, 0, u32::MAX)]
    } else {
        vec![
            range(0, 0, low),
            range(low, high, 1),
            range(low + 1, low + 1, high - low - 1),
            range(high, low, 1),
            range(high + 1, high + 1, u32::MAX - high - 1),
        ]
    };
    ranges.into_iter().filter(|range| range["size"] != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_writable_groups_counts() {
        let said = |options: &[&str]| {
            let host = HostConfig {
                security_opt: options.iter().map(|&option| option.to_owned()).collect(),
                ..HostConfig::default()
            };
            writable_groups(&host)
        };
        assert_eq!(said(&[]), None);
        assert_eq!(said(&["writable-cgroups"]), Some(true));
        assert_eq!(said(&["writable-cgroups=true", "seccomp=unconfined"]), Some(true));
        assert_eq!(said(&["writable-cgroups", "writable-cgroups=false"]), Some(false));
    }

    #[test]
    fn two_ids_are_exchanged_and_the_others_stay() {
        let ranges = |pair| -> Vec<(u64, u64, u64)> {
            let value = swapped(pair);
            let number = |range: &Value, key: &str| range[key].as_u64().unwrap();
            let all = value.as_array().unwrap().iter();
            all.map(|range| {
                (
                    number(range, "containerID"),
                    number(range, "hostID"),
                    number(range, "size"),
                )
            })
            .collect()
        };
        let last = u64::from(u32::MAX);
        assert_eq!(ranges((7, 7)), [(0, 0, last)]);
        let want = [(0, 1000, 1), (1, 1, 999), (1000, 0, 1), (1001, 1001, last - 1001)];
        assert_eq!(ranges((1000, 0)), want);
        assert_eq!(ranges((0, 1000)), want);
        assert_eq!(ranges((0, 1)), [(0, 1, 1), (1, 0, 1), (2, 2, last - 2)]);
    }
}
