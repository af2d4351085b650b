//! Devices, their rules, kernel parameters and the options of `--security-opt`, with Docker's refusals.

use anyhow::{Result, ensure};
use corten_e2e::{both, one};
use serde_json::json;

#[test]
fn devices_and_their_rules() -> Result<()> {
    both(&["busybox"], |case| {
        for path in ["/dev/fuse", "/dev/net/tun"] {
            if std::path::Path::new(path).exists() {
                let said = case.ok(&format!("run --rm --device {path} busybox sh -c 'stat -c %F {path}'"))?;
                ensure!(said == "character special file", "{path}: {said}");
            }
        }
        if std::path::Path::new("/dev/net/tun").exists() {
            case.says("run --rm --device /dev/net:/dev/all busybox ls /dev/all", "tun")?;
        }
        case.fails(
            "run --rm --device /dev/nothere busybox true",
            127,
            "error gathering device information while adding custom device \"/dev/nothere\": no such file or directory",
        )?;
        let full = "sh -c 'mknod /tmp/full c 1 7 && echo > /tmp/full'";
        let memory = "sh -c 'mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem'";
        case.run(&format!("run --rm busybox {full}"))?
            .mentions("No space left on device")?;
        case.run(&format!("run --rm busybox {memory}"))?
            .mentions("Operation not permitted")?;
        let opened = case.run(&format!("run --rm --device-cgroup-rule 'c 1:1 r' busybox {memory}"))?;
        ensure!(
            !opened.stderr.contains("Operation not permitted"),
            "the rule does nothing: {opened}"
        );
        Ok(())
    })
}

#[test]
fn what_a_start_refuses() -> Result<()> {
    one(&["busybox"], |case| {
        let runc = "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: ";
        let sysctl = |key: &str| json!({ "Sysctls": { key: "1" } });
        let with = |mut config: serde_json::Value, key: &str, value: &str| {
            config[key] = json!(value);
            config
        };
        let table = [
            (
                json!({"DeviceCgroupRules": ["bogus"]}),
                "invalid device cgroup rule format: 'bogus'".to_owned(),
            ),
            (
                with(sysctl("net.ipv4.ip_forward"), "NetworkMode", "host"),
                format!("{runc}sysctl \"net.ipv4.ip_forward\" not allowed in host network namespace"),
            ),
            (
                with(sysctl("kernel.msgmax"), "IpcMode", "host"),
                format!("{runc}sysctl \"kernel.msgmax\" is not allowed in the hosts ipc namespace"),
            ),
            (
                sysctl("kernel.hostname"),
                format!(
                    "{runc}sysctl \"kernel.hostname\" is not allowed as it conflicts with the OCI \"hostname\" field"
                ),
            ),
            (
                sysctl("kernel.panic"),
                format!("{runc}sysctl \"kernel.panic\" is not in a separate kernel namespace"),
            ),
        ];
        for (host, text) in table {
            let body = json!({"Image": "busybox", "Cmd": ["true"], "HostConfig": host}).to_string();
            let (status, made) = case.api("POST", "/v1.51/containers/create", &body)?;
            ensure!(status == 201, "{body}: {made}");
            let made: serde_json::Value = serde_json::from_str(&made)?;
            let id = made["Id"].as_str().unwrap_or_default();
            case.refuses("POST", &format!("/v1.51/containers/{id}/start"), "", 500, &text)?;
            case.ok(&format!("rm {id}"))?;
        }
        case.fails(
            "run --rm --sysctl net.bogus=1 busybox true",
            127,
            "open /proc/sys/net/bogus: no such file or directory",
        )?;
        Ok(())
    })
}

#[test]
fn security_options() -> Result<()> {
    one(&["busybox"], |case| {
        let create = |option: &str| json!({"Image": "busybox", "HostConfig": {"SecurityOpt": [option]}}).to_string();
        let path = "/v1.51/containers/create";
        let table = [
            ("bogus", "invalid --security-opt 1: \"bogus\""),
            ("bogus=1", "invalid --security-opt 2: \"bogus=1\""),
            ("systempaths=bogus", "invalid --security-opt 2: \"systempaths=bogus\""),
            (
                "writable-cgroups=bogus",
                "invalid --security-opt 2: \"writable-cgroups=bogus\"",
            ),
            (
                "no-new-privileges=bogus",
                "invalid --security-opt 2: \"no-new-privileges=bogus\"",
            ),
        ];
        for (option, text) in table {
            case.refuses("POST", path, &create(option), 500, text)?;
        }
        case.refuses(
            "POST",
            path,
            &json!({"Image": "busybox", "HostConfig": {"Sysctls": {"net.ipv4.conf.eth0.forwarding": "1"}}}).to_string(),
            500,
            "interface specific sysctl setting \"net.ipv4.conf.eth0.forwarding\" must be supplied using driver option 'com.docker.network.endpoint.sysctls'",
        )?;
        let access = |options: &str| {
            case.ok(&format!("run --rm {options} busybox sh -c 'grep \" cgroup\" /proc/mounts | grep -v ^tmpfs | head -1 | cut -d \" \" -f 4 | cut -d , -f 1'"))
        };
        ensure!(
            access("")? == "ro" && access("--security-opt writable-cgroups=true")? == "rw",
            "writable"
        );
        ensure!(
            access("--privileged --security-opt writable-cgroups=false")? == "ro",
            "not writable"
        );
        let masked = case.ok(
            "run --rm --security-opt systempaths=unconfined busybox sh -c 'grep -c \"/proc/\" /proc/mounts || true'",
        )?;
        ensure!(masked == "0", "{masked}");
        Ok(())
    })
}
