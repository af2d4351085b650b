//! Network modes: the default bridge, none, host, another container's; container to container and out.

use anyhow::{Result, ensure};
use corten_e2e::{LIMIT, both};
use corten_testkit::sandbox::{INSIDE4, OUTSIDE4};
use corten_testkit::wait::until_ok;
use serde_json::Value;

#[test]
fn none_host_and_bridge() -> Result<()> {
    both(&["busybox"], |case| {
        case.says(
            "run --rm --network none busybox sh -c 'ls /sys/class/net; cat /proc/net/route | wc -l'",
            "lo\n1",
        )?;
        let host = case.ok("run --rm --network host busybox ip -4 addr show eth0")?;
        ensure!(host.contains(INSIDE4), "{host}");
        case.says("run --rm busybox ls /sys/class/net", "eth0\nlo")?;
        case.ok(&format!("run --rm busybox ping -c 1 -W 5 {OUTSIDE4}"))?;
        case.ok("run -d --name one busybox sleep 1000")?;
        let network = case.inspect("one")?["NetworkSettings"].clone();
        let (address, gateway) = (
            network["IPAddress"].as_str().unwrap_or_default(),
            network["Gateway"].as_str().unwrap_or_default(),
        );
        ensure!(!address.is_empty() && !gateway.is_empty(), "{network}");
        ensure!(network["Networks"]["bridge"]["IPAddress"] == address, "{network}");
        ensure!(network["SandboxKey"] != "" && network["SandboxID"] != "", "{network}");
        case.ok(&format!("run --rm busybox ping -c 1 -W 5 {address}"))?;
        case.ok(&format!("exec one ping -c 1 -W 5 {gateway}"))?;
        case.says(
            "run --rm --network container:one busybox hostname",
            &case.ok("exec one hostname")?,
        )?;
        let shared = case.ok("run --rm --network container:one busybox ip -4 addr show eth0")?;
        ensure!(shared.contains(address), "{shared}");
        case.ok("rm -f one")?;
        Ok(())
    })
}

#[test]
fn an_address_is_free_again_after_its_container() -> Result<()> {
    both(&["busybox"], |case| {
        let address = |name: &str| case.ok(&format!("inspect -f '{{{{.NetworkSettings.IPAddress}}}}' {name}"));
        case.ok("run -d --name one busybox sleep 1000")?;
        case.ok("run -d --name two busybox sleep 1000")?;
        let (one, two) = (address("one")?, address("two")?);
        ensure!(one != two, "both have {one}");
        case.ok("rm -f one two")?;
        case.ok("run -d --name three busybox sleep 1000")?;
        until_ok(LIMIT, "an address that works", || {
            case.ok(&format!("run --rm busybox ping -c 1 -W 5 {}", address("three")?))
        })?;
        case.ok("rm -f three")?;
        Ok(())
    })
}

/// A container that is not there is no reason to look for the image.
#[test]
fn what_is_joined_must_be_there_and_run() -> Result<()> {
    both(&["busybox"], |case| {
        case.fails(
            "run --rm --network container:nosuch busybox true",
            125,
            "joining network namespace of container: No such container: nosuch",
        )?;
        let id = case.ok("create --name still busybox true")?;
        case.fails(
            "run --rm --network container:still busybox true",
            125,
            "cannot join network namespace of a non running container: container still is created",
        )?;
        for (flag, what) in [("ipc", "IPC"), ("pid", "PID")] {
            let missing = case.run(&format!("run --rm --{flag} container:nosuch busybox true"))?;
            missing
                .code_is(125)?
                .mentions("Error response from daemon: No such container: nosuch")?;
            case.fails(
                &format!("run --rm --{flag} container:still busybox true"),
                125,
                &format!("failed to join {what} namespace: container {id} is not running"),
            )?;
        }
        case.ok("rm still").map(drop)
    })
}

#[test]
fn lists_and_inspect_tell_of_each_mode() -> Result<()> {
    both(&["busybox"], |case| {
        let id = case.ok("run -d --name one busybox sleep 1000")?;
        for (name, mode) in [("two", "container:one"), ("three", "host"), ("four", "none")] {
            case.ok(&format!("run -d --name {name} --network {mode} busybox sleep 1000"))?;
        }
        case.ok("create --name made busybox")?;
        case.ok("create --name joined --network container:one busybox")?;
        let shared = format!("container:{id}");
        let table = [
            ("one", "bridge", "bridge", true),
            ("two", shared.as_str(), "", true),
            ("three", "host", "host", true),
            ("four", "none", "none", true),
            ("made", "bridge", "bridge", false),
            ("joined", shared.as_str(), "", false),
        ];
        let (_, listed) = case.api("GET", "/v1.51/containers/json?all=1", "")?;
        let listed: Vec<Value> = serde_json::from_str(&listed)?;
        for (name, mode, network, runs) in table {
            let said = case.inspect(name)?;
            let settings = &said["NetworkSettings"];
            let in_list = |entry: &&Value| entry["Names"][0] == format!("/{name}");
            let entry = listed.iter().find(in_list).unwrap_or(&Value::Null);
            ensure!(said["HostConfig"]["NetworkMode"] == mode, "{name}: {said}");
            ensure!(entry["HostConfig"]["NetworkMode"] == mode, "{name}: {entry}");
            for networks in [&settings["Networks"], &entry["NetworkSettings"]["Networks"]] {
                let keys: Vec<&String> = networks.as_object().into_iter().flat_map(|map| map.keys()).collect();
                ensure!(
                    keys.iter()
                        .eq(&Vec::from_iter((!network.is_empty()).then_some(network))),
                    "{name}: {networks}"
                );
                let endpoint = &networks[network];
                let filled = |key: &str| endpoint[key].as_str().is_some_and(|text| !text.is_empty());
                ensure!(
                    network.is_empty() || (filled("NetworkID") == runs && filled("EndpointID") == runs),
                    "{name}: {endpoint}"
                );
                ensure!(filled("IPAddress") == (name == "one"), "{name}: {endpoint}");
            }
            let filled = |key: &str| settings[key].as_str().is_some_and(|text| !text.is_empty());
            ensure!(
                filled("IPAddress") == (name == "one") && filled("EndpointID") == (name == "one"),
                "{settings}"
            );
            ensure!(filled("SandboxID") == (runs && name != "two"), "{name}: {settings}");
            ensure!(settings["Ports"] == serde_json::json!({}), "{name}: {settings}");
        }
        ensure!(
            case.inspect("two")?["Config"]["Hostname"] == id[..12],
            "the shared host name"
        );
        ensure!(
            case.inspect("two")?["HostsPath"] == case.inspect("one")?["HostsPath"],
            "the shared files"
        );
        ensure!(case.inspect("made")?["HostsPath"] == "", "files of what never ran");
        case.says("exec two sh -c 'echo $HOSTNAME'", &id[..12])?;

        case.ok("stop -t 0 one")?;
        let stopped = "cannot join network namespace of a non running container: container one is exited";
        case.fails("start joined", 1, stopped)?;
        case.ok("create --name lost --network container:nosuch busybox")?;
        let missing = "joining network namespace of container: No such container: nosuch";
        case.fails("start lost", 1, missing)?;
        ensure!(
            case.inspect("lost")?["State"]["ExitCode"] == 128,
            "{}",
            case.inspect("lost")?["State"]
        );
        case.fails("create --pid container:nosuch busybox", 1, "No such container: nosuch")?;
        case.ok("rm -f one two three four made joined lost")?;
        Ok(())
    })
}
