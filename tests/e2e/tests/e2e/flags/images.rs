//! Images: platforms, forms and filters.

use anyhow::{Result, ensure};
use corten_e2e::{Case, both, one};
use serde_json::json;

use super::inspect_has;

fn platform() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "linux/amd64",
        "aarch64" => "linux/arm64",
        other => other,
    }
}

#[test]
fn the_platform_of_an_image() -> Result<()> {
    both(&["busybox"], |case| {
        let (own, other) = (platform(), "linux/s390x");
        case.says(
            &format!("image inspect --platform {own} -f '{{{{.Os}}}}' busybox"),
            "linux",
        )?;
        case.ok(&format!("image history -q --platform {own} busybox"))?;
        for line in ["image inspect", "image history"] {
            case.fails(
                &format!("{line} --platform {other} busybox"),
                1,
                "does not match the specified platform",
            )?;
        }
        archives_and_removals(case, own, other)?;
        let tree = case.daemon.sandbox.scratch().join("tree.tar");
        case.ok("create --name box busybox")?;
        case.ok(&format!("export -o {} box", tree.display()))?;
        case.ok("rm box")?;
        case.ok(&format!("image import --platform {own} {} imported:1", tree.display()))?;
        case.says(
            "image inspect -f '{{.Architecture}}' imported:1",
            own.trim_start_matches("linux/"),
        )?;
        for form in ["image list", "images", "image ls"] {
            case.says(
                &format!("{form} --format '{{{{.Repository}}}}:{{{{.Tag}}}}' imported"),
                "imported:1",
            )?;
        }
        case.ok("tag imported:1 imported:2")?;
        case.ok("image remove --no-prune imported:1")?;
        case.ok("rmi imported:2")?;
        Ok(())
    })
}

/// What is for another platform is not saved, not loaded, and not removed.
fn archives_and_removals(case: &Case, own: &str, other: &str) -> Result<()> {
    let archive = case.daemon.sandbox.scratch().join("saved.tar");
    let archive = archive.display();
    let none = format!("no suitable export target found for platform {other}");
    case.fails(&format!("image save --platform {other} -o {archive} busybox"), 1, &none)?;
    case.ok(&format!("image save --platform {own} -o {archive} busybox"))?;
    let (id, given) = (
        case.ok("images -q --no-trunc busybox")?,
        "does not match the specified platform",
    );
    case.fails(&format!("image rm --platform {other} busybox"), 1, given)?;
    let both = format!("image rm --platform {own} --platform {other} busybox");
    case.fails(&both, 1, "multiple platforms are not supported")?;
    case.says("images -q --no-trunc busybox", &id)?;
    case.ok("tag busybox kept")?;
    case.ok(&format!("image rm --platform {own} busybox"))?;
    case.says(&format!("image load -q --platform {other} -i {archive}"), "")?;
    case.says("images -q busybox", "")?;
    let loaded = "Loaded image: busybox:latest";
    case.says(&format!("image load -q --platform {own} -i {archive}"), loaded)?;
    case.says("images -q --no-trunc busybox", &id)?;
    case.ok("rmi kept").map(drop)
}

#[test]
fn images_are_pruned_by_filter() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("create --name box busybox")?;
        for (name, label) in [("kept", "class=kept"), ("lost", "class=lost")] {
            case.ok(&format!("commit -c 'LABEL {label}' box {name}:1"))?;
        }
        case.ok("rm box")?;
        let said = case.ok("image prune -a -f --filter label=class=lost")?;
        ensure!(said.contains("untagged: lost:1") && !said.contains("kept:1"), "{said}");
        case.ok("image rm kept:1")?;
        Ok(())
    })
}

#[test]
fn a_commit_with_a_configuration_of_its_own() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("create --name box -e A=container busybox")?;
        let body = json!({
            "Hostname": "other", "Domainname": "example.org", "User": "1234", "AttachStdin": true, "AttachStdout": true,
            "AttachStderr": true, "ExposedPorts": {"81/tcp": {}}, "Tty": true, "OpenStdin": true, "StdinOnce": true,
            "Env": ["A=body"], "Cmd": ["own"], "Healthcheck": {"Test": ["CMD", "true"]}, "Volumes": {"/data": {}},
            "WorkingDir": "/work", "Entrypoint": ["/entry"], "OnBuild": ["RUN x"], "Labels": {"a": "b"},
            "StopSignal": "INT", "Shell": ["/bin/ash"],
        });
        let (status, said) = case.api("POST", "/commit?container=box&repo=own&tag=1", &body.to_string())?;
        ensure!(status == 201, "{said}");
        inspect_has(
            case,
            "own:1",
            &[
                ("/Config/User", json!("1234")),
                ("/Config/ExposedPorts", json!({"81/tcp": {}})),
                ("/Config/Env/0", json!("A=body")),
                ("/Config/Cmd", json!(["own"])),
                ("/Config/Healthcheck/Test", json!(["CMD", "true"])),
                ("/Config/Volumes", json!({"/data": {}})),
                ("/Config/WorkingDir", json!("/work")),
                ("/Config/Entrypoint", json!(["/entry"])),
                ("/Config/OnBuild", json!(["RUN x"])),
                ("/Config/Labels/a", json!("b")),
                ("/Config/StopSignal", json!("INT")),
                ("/Config/Shell", json!(["/bin/ash"])),
            ],
        )?;
        case.ok("rm box")?;
        case.ok("rmi own:1")?;
        Ok(())
    })
}
