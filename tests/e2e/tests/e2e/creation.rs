//! What a creation can be asked for beyond the usual: no image, another container's volumes, a cgroup parent,
//! limits for block devices.

use anyhow::{Result, ensure};
use corten_e2e::one;
use serde_json::{Value, json};

#[test]
fn a_container_without_an_image() -> Result<()> {
    one(&["busybox"], |case| {
        let (status, body) = case.api("POST", "/v1.51/containers/create?name=bare", r#"{"Cmd":["true"]}"#)?;
        ensure!(status == 201, "{status} {body}");
        let bare = case.inspect("bare")?;
        ensure!(
            bare["Image"] == "" && bare["Config"]["Image"] == "" && bare["Path"] == "true",
            "{bare}"
        );
        let list: Value = serde_json::from_str(&case.api("GET", "/v1.51/containers/json?all=1", "")?.1)?;
        ensure!(list[0]["Image"] == "" && list[0]["ImageID"] == "", "{list}");
        case.fails("start bare", 1, "executable file not found in $PATH")?;
        case.says("inspect -f '{{.State.ExitCode}}' bare", "127")?;
        case.ok("rm bare")?;
        // A program from the host is all it needs.
        let body = r#"{"Cmd":["/busybox","echo","hello"],"HostConfig":{"Binds":["/bin/busybox:/busybox"]}}"#;
        let (status, text) = case.api("POST", "/v1.51/containers/create?name=bare", body)?;
        ensure!(status == 201, "{status} {text}");
        case.run("start -a bare")?.success()?.says("hello")?;
        case.ok("rm bare")?;
        case.refuses(
            "POST",
            "/v1.51/containers/create",
            r#"{"Image":""}"#,
            400,
            "no command specified",
        )?;
        Ok(())
    })
}

#[test]
fn volumes_of_another_container() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("create --name source -v data:/data -v /anonymous -v /tmp:/host:ro busybox true")?;
        case.ok("run --rm --volumes-from source busybox sh -c 'echo shared > /data/file; echo a > /anonymous/file'")?;
        case.says(
            "run --rm --volumes-from source busybox cat /data/file /anonymous/file",
            "shared\na",
        )?;
        let read_only = "run --rm --volumes-from source:ro busybox touch /data/other";
        case.fails(read_only, 1, "Read-only file system")?;
        case.fails(
            "run --rm --volumes-from source busybox touch /host/x",
            1,
            "Read-only file system",
        )?;
        // One's own comes first, and others' anonymous volumes stay when their guests go.
        case.ok("create --name guest --volumes-from source -v /etc:/data busybox true")?;
        let guest = case.inspect("guest")?;
        let mounts = guest["Mounts"].as_array().cloned().unwrap_or_default();
        let at = |path: &str| {
            mounts
                .iter()
                .find(|mount| mount["Destination"] == path)
                .cloned()
                .unwrap_or_default()
        };
        ensure!(mounts.len() == 3 && at("/data")["Source"] == "/etc", "{mounts:?}");
        ensure!(
            at("/anonymous")["Type"] == "volume" && at("/host")["RW"] == false,
            "{mounts:?}"
        );
        ensure!(guest["HostConfig"]["VolumesFrom"] == json!(["source"]), "{guest}");
        case.ok("rm -v guest")?;
        case.says("run --rm --volumes-from source busybox cat /anonymous/file", "a")?;
        for (from, message) in [
            ("nosuch", "No such container: nosuch"),
            ("source:bogus", "invalid mode: bogus"),
            ("", "volumes-from specification cannot be an empty string"),
        ] {
            let body = format!(r#"{{"Image":"busybox","HostConfig":{{"VolumesFrom":["{from}"]}}}}"#);
            case.refuses("POST", "/v1.51/containers/create", &body, 400, message)?;
        }
        case.ok("rm -v source")?;
        case.ok("volume rm data")?;
        Ok(())
    })
}

#[test]
fn a_cgroup_parent() -> Result<()> {
    one(&["busybox"], |case| {
        // Unique, because the reference engine leaves it behind as we do.
        let parent = format!("corten-e2e-{}", std::process::id());
        for given in [format!("/{parent}/below"), format!("{parent}/below")] {
            let id = case.ok(&format!("run -d --name box --cgroup-parent {given} busybox sleep 1000"))?;
            let pid = case.ok("inspect -f '{{.State.Pid}}' box")?;
            let groups = case.script(&format!("cat /proc/{pid}/cgroup"))?.success()?;
            let wanted = format!("/{parent}/below/{id}");
            ensure!(
                groups
                    .text()
                    .lines()
                    .all(|line| line.ends_with(&wanted) || line.ends_with(":/")),
                "{}",
                groups.text()
            );
            case.says("inspect -f '{{.HostConfig.CgroupParent}}' box", &given)?;
            case.ok("rm -f box")?;
        }
        let script = format!("for g in /sys/fs/cgroup/*/{parent} /sys/fs/cgroup/{parent}; do rmdir $g/below $g; done");
        case.script(&script)?;
        Ok(())
    })
}

#[test]
fn limits_for_block_devices() -> Result<()> {
    one(&["busybox"], |case| {
        let create = |limits: &str| {
            let body = format!(r#"{{"Image":"busybox","Cmd":["sleep","1000"],"HostConfig":{{{limits}}}}}"#);
            case.api("POST", "/v1.51/containers/create?name=box", &body)
        };
        let (status, body) = create(r#""BlkioDeviceReadBps":[{"Path":"/dev/nosuch","Rate":1000}]"#)?;
        ensure!(status == 201, "{status} {body}");
        case.fails("start box", 1, "stat /dev/nosuch: no such file or directory")?;
        case.ok("rm box")?;
        let (status, body) = create(r#""OomKillDisable":true"#)?;
        let warning = "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.";
        ensure!(
            status == 201 && body.contains(warning) == corten_on_v1(case),
            "{status} {body}"
        );
        case.ok("rm box")?;
        if !std::path::Path::new("/dev/loop0").exists() {
            corten_testkit::skip::skip("limits for block devices", "needs /dev/loop0");
            return Ok(());
        }
        let (status, body) = create(
            r#""BlkioDeviceReadBps":[{"Path":"/dev/loop0","Rate":1048576}],"BlkioDeviceWriteIOps":[{"Path":"/dev/loop0","Rate":77}]"#,
        )?;
        ensure!(status == 201, "{status} {body}");
        case.ok("start box")?;
        let id = case.ok("inspect -f '{{.Id}}' box")?;
        let files = format!("/sys/fs/cgroup/blkio/*/{id}/blkio.throttle.*_device /sys/fs/cgroup/*/{id}/io.max");
        let limits = case.script(&format!("cat {files} 2>/dev/null"))?;
        ensure!(
            limits.text().contains("1048576") && limits.text().contains("77"),
            "{}",
            limits.text()
        );
        case.ok("rm -f box")?;
        Ok(())
    })
}

/// Whether the host has cgroup v1, where the killer can be disabled.
fn corten_on_v1(case: &corten_e2e::Case) -> bool {
    case.ok("info -f '{{.CgroupVersion}}'")
        .is_ok_and(|version| version == "1")
}
