//! Docker's usual specification and what becomes of it.

use oci_spec::runtime::Spec;
use serde_json::{Value, json};

use super::*;
use crate::host::Hierarchy;
use crate::plan::{Layout, MountSource, Namespace, User};

fn hierarchy(mount: &str, controllers: &[&str], unified: bool) -> Hierarchy {
    Hierarchy {
        mount: mount.into(),
        controllers: controllers.iter().map(|&name| name.to_owned()).collect(),
        unified,
        own: "own".into(),
    }
}

fn v1() -> Host {
    Host {
        layout: Layout::V1,
        hierarchies: vec![
            hierarchy("/cg/cpu,cpuacct", &["cpu", "cpuacct"], false),
            hierarchy("/cg/memory", &["memory"], false),
            hierarchy("/cg/devices", &["devices"], false),
            hierarchy("/cg/systemd", &["name=systemd"], false),
            hierarchy("/cg/unified", &[], true),
        ],
        kernel: (6, 1),
        last_capability: 40,
        capabilities: u64::MAX >> 23,
        seccomp: true,
        ..Host::default()
    }
}

fn v2() -> Host {
    Host {
        layout: Layout::V2,
        hierarchies: vec![hierarchy("/cg", &[], true)],
        ..v1()
    }
}

/// Docker's, from the benchmark beside it.
fn spec() -> Value {
    serde_json::from_str(include_str!("../../examples/floor.json")).unwrap()
}

fn compiled_with(spec: Value, host: &Host, options: &Options) -> Result<Plan, String> {
    let spec: Spec = serde_json::from_value(spec).unwrap();
    compile(&spec, Rootfs::Directory("/root".into()), host, options).map_err(|error| error.to_string())
}

fn compiled(spec: Value, host: &Host) -> Result<Plan, String> {
    compiled_with(spec, host, &Options::default())
}

#[test]
fn dockers_specification_on_v1() {
    let plan = compiled(spec(), &v1()).unwrap();
    assert_eq!(plan.namespaces.pid, Namespace::New);
    assert_eq!(plan.namespaces.user, Namespace::Inherit);
    let devices: Vec<_> = plan
        .devices
        .iter()
        .map(|device| device.path.to_str().unwrap())
        .collect();
    assert_eq!(
        devices,
        [
            "/dev/null",
            "/dev/zero",
            "/dev/full",
            "/dev/random",
            "/dev/urandom",
            "/dev/tty"
        ]
    );
    assert_eq!(plan.links.last().unwrap().path, Path::new("/dev/core"));
    // The directory of the control groups, and one bound group per v1 hierarchy, since there is no namespace.
    let groups: Vec<_> = plan
        .mounts
        .iter()
        .filter(|mount| mount.destination.starts_with("/sys/fs/cgroup"))
        .collect();
    assert_eq!(groups.len(), 5);
    assert!(groups[0].readonly_late);
    let bound = MountSource::Bind {
        path: "/cg/memory/corten-floor/one".into(),
        below: None,
        recursive: false,
    };
    assert_eq!(groups[2].source, bound);
    let link = plan
        .links
        .iter()
        .find(|link| link.path == Path::new("/sys/fs/cgroup/cpuacct"))
        .unwrap();
    assert_eq!(link.target, Path::new("cpu,cpuacct"));
    let writes: Vec<_> = plan.cgroup.directories[2]
        .writes
        .iter()
        .map(|write| write.value.as_str())
        .collect();
    assert_eq!(writes[..3], ["a", "c 1:5 rwm", "c 1:3 rwm"]);
    assert!(
        writes.contains(&"c *:* m") && writes.contains(&"c 136:* rwm"),
        "{writes:?}"
    );
    assert!(plan.cgroup.device_program.is_empty());
    assert!(plan.process.seccomp.is_none());
}

#[test]
fn dockers_specification_on_v2() {
    let mut spec = spec();
    spec["linux"]["namespaces"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "type": "cgroup" }));
    let plan = compiled(spec, &v2()).unwrap();
    let group = plan
        .mounts
        .iter()
        .find(|mount| mount.destination == Path::new("/sys/fs/cgroup"))
        .unwrap();
    assert!(matches!(&group.source, MountSource::Filesystem { kind, .. } if kind == "cgroup2"));
    assert_eq!(plan.cgroup.directories.len(), 1);
    assert!(!plan.cgroup.device_program.is_empty());
}

#[test]
fn names_and_networks_are_the_callers_to_give() {
    let options = Options {
        in_network_namespace: true,
        user: Some(NamedUser {
            user: "web".into(),
            groups: Vec::new(),
        }),
        seccomp: Seccomp::DockerDefault,
        ..Options::default()
    };
    let plan = compiled_with(spec(), &v1(), &options).unwrap();
    assert_eq!(plan.namespaces.network, Namespace::Inherit);
    // Its parameters may be set all the same, because the namespace is the container's own.
    assert!(
        plan.sysctls
            .iter()
            .any(|(path, _)| path == "net/ipv4/ip_unprivileged_port_start")
    );
    assert_eq!(
        plan.process.user,
        User::Named {
            user: "web".into(),
            groups: Vec::new()
        }
    );
    assert!(plan.process.seccomp.is_some());
}

#[test]
fn groups_are_absolute_relative_or_refused() {
    let place = |path: Value, id: &str| {
        let mut spec = spec();
        spec["linux"]["cgroupsPath"] = path;
        let options = Options {
            id: id.into(),
            ..Options::default()
        };
        compiled_with(spec, &v1(), &options).map(|plan| plan.cgroup.directories[1].path.to_str().unwrap().to_owned())
    };
    assert_eq!(place(json!("/a/b"), "").unwrap(), "a/b");
    assert_eq!(place(json!("a/b"), "").unwrap(), "own/a/b");
    assert_eq!(place(json!(null), "id").unwrap(), "own/id");
    for bad in [json!("/"), json!("/a/../../b"), json!(null)] {
        assert!(place(bad.clone(), "").is_err(), "{bad}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let cases = [
        ("/linux/sysctl", json!({ "vm.swappiness": "1" }), "vm.swappiness"),
        ("/linux/sysctl", json!({ "kernel.hostname": "x" }), "kernel.hostname"),
        ("/linux/mountLabel", json!("label"), "linux.mountLabel"),
        ("/process/args", json!([]), "args"),
        ("/process/args", json!(["a\0b"]), "zero byte"),
        ("/process/cwd", json!("relative"), "relative"),
        ("/process/apparmorProfile", json!("docker-default"), "apparmor"),
        ("/linux/resources", json!({ "pids": { "limit": 5 } }), "pids"),
        (
            "/linux/resources",
            json!({ "memory": { "swappiness": 101 } }),
            "swappiness",
        ),
        ("/linux/rootfsPropagation", json!("odd"), "rootfsPropagation=odd"),
        (
            "/linux/namespaces",
            json!([{ "type": "mount" }, { "type": "mount" }]),
            "duplicated namespace",
        ),
        (
            "/linux/namespaces",
            json!([{ "type": "mount" }, { "type": "pid", "path": "x" }]),
            "not absolute",
        ),
        (
            "/linux/namespaces",
            json!([{ "type": "mount" }]),
            "without a private UTS namespace",
        ),
        ("/mounts", json!([{ "destination": "/", "type": "tmpfs" }]), "root"),
    ];
    for (pointer, value, words) in cases {
        let mut spec = spec();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        spec.pointer_mut(parent).unwrap()[key] = value;
        let error = compiled(spec, &v1()).unwrap_err();
        assert!(error.contains(words), "{pointer}: {error}");
    }
}

#[test]
fn capabilities_that_the_host_lacks_are_left_out() {
    let host = Host {
        capabilities: 0b11,
        ..v1()
    };
    let plan = compiled(spec(), &host).unwrap();
    assert_eq!(plan.process.capabilities.bounding, 0b11);
    assert_eq!(plan.process.capabilities.inheritable, 0);
}

#[test]
fn a_scope_has_the_limits_and_its_group_is_in_its_slice() {
    let mut spec = spec();
    spec["linux"]["cgroupsPath"] = json!("a-b.slice:docker:x");
    spec["linux"]["resources"]["memory"] = json!({ "limit": 4096 });
    let options = Options {
        systemd: true,
        ..Options::default()
    };
    for host in [v1(), v2()] {
        let cgroup = compiled_with(spec.clone(), &host, &options).unwrap().cgroup;
        let scope = cgroup.scope.unwrap();
        assert_eq!(
            (scope.unit.as_str(), scope.slice.as_str()),
            ("docker-x.scope", "a-b.slice")
        );
        let place = std::path::Path::new("a.slice/a-b.slice/docker-x.scope");
        assert!(cgroup.directories.iter().all(|directory| directory.path == place));
        let has = |name: &str| scope.properties.iter().any(|property| property.name == name);
        assert!(has("MemoryAccounting") && (has("MemoryMax") || has("MemoryLimit")));
        // The v2 program is ours; v1's files would be opened by systemd.
        assert_eq!(has("DevicePolicy"), host.layout == Layout::V1);
    }
    spec["linux"]["cgroupsPath"] = json!("/not/systemd");
    assert!(
        compiled_with(spec, &v2(), &options)
            .unwrap_err()
            .contains("slice:prefix:name")
    );
}

/// Other runtimes take properties of units from annotations, which users of an engine may set.
#[test]
fn annotations_reach_no_scope() {
    let mut spec = spec();
    spec["linux"]["cgroupsPath"] = json!("system.slice:docker:x");
    let options = Options {
        systemd: true,
        ..Options::default()
    };
    let plain = compiled_with(spec.clone(), &v2(), &options).unwrap().cgroup.scope;
    spec["annotations"] = json!({ "org.systemd.property.ExecStopPost": "[('/bin/sh', ['sh'], false)]" });
    let annotated = compiled_with(spec, &v2(), &options).unwrap().cgroup.scope;
    assert!(plain.is_some() && plain == annotated);
}
