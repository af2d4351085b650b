//! Specifications as tables: what is asked for, what the runtime gets.

use corten_api::container::ContainerConfig;

use super::process::DEFAULT_PATH;
use super::*;
use crate::container::capability;
use crate::container::restart::RestartPolicy;

fn effective(change: impl FnOnce(&mut Effective)) -> Effective {
    let mut effective = Effective {
        config: ContainerConfig {
            hostname: "h".into(),
            cmd: vec!["true".to_owned()].into(),
            ..ContainerConfig::default()
        },
        host: HostConfig {
            shm_size: 64,
            cgroupns_mode: "host".into(),
            ..HostConfig::default()
        },
        policy: RestartPolicy::No,
        network: NetworkMode::Bridge,
    };
    change(&mut effective);
    effective
}

fn json_of(effective: &Effective, mounts: &[(MountSpec, String)]) -> Value {
    let host = Host {
        last_capability: 40,
        ..Host::default()
    };
    let facts = Facts {
        id: "abc",
        mounts,
        files: &[],
        ipc_of: None,
        shared_memory: None,
        pid_of: None,
        block_io: serde_json::Value::Null,
        swaps: &BTreeMap::new(),
        identity: None,
        user_of: None,
        makes_network: false,
        layers: &[("/i".to_owned(), vec!["/l/a".into(), "/l/b".into()])].into(),
        devices: &[],
        edits: &Edits::default(),
    };
    let spec = specification(effective, &Config::corten(), &host, &facts).unwrap();
    let json = serde_json::to_value(&spec).unwrap();
    // Put together piece by piece, it is what reading it as a whole gives.
    assert_eq!(serde_json::from_value::<Spec>(json.clone()).unwrap(), spec);
    json
}

#[test]
fn defaults() {
    let spec = json_of(&effective(|_| {}), &[]);
    assert_eq!(spec["process"]["args"], json!(["true"]));
    assert_eq!(
        spec["process"]["env"],
        json!([format!("PATH={DEFAULT_PATH}"), "HOSTNAME=h"])
    );
    assert_eq!(spec["process"]["cwd"], "/");
    assert_eq!(spec["linux"]["cgroupsPath"], "/corten/abc");
    assert_eq!(
        spec["process"]["capabilities"]["bounding"].as_array().unwrap().len(),
        capability::DEFAULT.len()
    );
    let kinds: Vec<_> = spec["linux"]["namespaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["type"].clone())
        .collect();
    assert_eq!(kinds, ["mount", "pid", "ipc", "uts", "network"]);
}

#[test]
fn options_change_it() {
    let spec = json_of(
        &effective(|effective| {
            effective.host.privileged = true;
            effective.host.init = Some(true);
            effective.host.nano_cpus = 1_500_000_000;
            effective.host.pids_limit = Some(7);
            effective.host.pid_mode = "host".into();
            effective.network = NetworkMode::Host;
            effective.config.tty = true;
            effective.config.env = vec!["TERM=vt100".to_owned(), "HOSTNAME".to_owned()].into();
        }),
        &[],
    );
    assert_eq!(spec["linux"]["resources"]["cpu"]["quota"], 150_000);
    assert_eq!(spec["linux"]["resources"]["pids"]["limit"], 7);
    assert_eq!(
        spec["process"]["env"],
        json!([format!("PATH={DEFAULT_PATH}"), "TERM=vt100"])
    );
    assert_eq!(
        spec["process"]["args"],
        json!(["true"]),
        "no init in the host's pid namespace"
    );
    let kinds: Vec<_> = spec["linux"]["namespaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["type"].clone())
        .collect();
    assert_eq!(kinds, ["mount", "ipc", "uts"]);
}

#[test]
fn a_mount_replaces_a_default() {
    let spec = MountSpec {
        destination: "/dev/shm".into(),
        source: "/x".into(),
        readonly: true,
        ..MountSpec::default()
    };
    let spec = json_of(&effective(|_| {}), &[(spec, "/x".to_owned())]);
    let shm: Vec<_> = spec["mounts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|mount| mount["destination"] == "/dev/shm")
        .collect();
    assert_eq!(shm.len(), 1);
    assert_eq!(shm[0]["options"], json!(["rbind", "rprivate", "rro"]));
}

#[test]
fn rules() {
    assert_eq!(resources::cgroup_rule("c 1:* rm").unwrap()["major"], 1);
    assert_eq!(resources::cgroup_rule("nonsense"), None);
}
