//! Mounts in all their forms: what is refused and when, in Docker's words; images as mounts; read-only below.

use anyhow::{Result, ensure};
use corten_e2e::{both, one};
use serde_json::json;

#[test]
fn refusals_are_dockers() -> Result<()> {
    both(&["busybox"], |case| {
        let table = [
            ("--tmpfs t", "invalid mount path: 't' mount path must be absolute"),
            ("-v /a:/b:ro,rw", "invalid mode: ro,rw"),
            ("-v /a:/b:bogus", "invalid mode: bogus"),
            ("-v a:b:c:d", "invalid volume specification: 'a:b:c:d'"),
            (
                "-v /a:b",
                "invalid volume specification: '/a:b': invalid mount config for type \"bind\": invalid mount path: 'b' mount path must be absolute",
            ),
            (
                "-v v1:/b:rshared",
                "invalid mount config for type \"volume\": field BindOptions must not be specified",
            ),
            (
                "--mount type=image,dst=/i",
                "invalid mount config for type \"image\": field Source must not be empty",
            ),
            (
                "--mount type=image,src=busybox,dst=/i,image-subpath=../etc",
                "subpath must be a relative path within the volume",
            ),
        ];
        for (options, text) in table {
            let refused = case.run(&format!("create {options} busybox true"))?;
            refused.code_is(1)?.mentions(text)?;
        }
        let container = case.ok("create --tmpfs /t:bogus busybox true")?;
        case.fails(&format!("start {container}"), 1, "invalid tmpfs option \"bogus\"")?;
        case.ok(&format!("rm {container}"))?;
        Ok(())
    })
}

#[test]
fn conflicts_of_read_only_are_found_by_the_start() -> Result<()> {
    one(&["busybox"], |case| {
        let table = [
            (
                false,
                "ReadOnlyNonRecursive",
                "!ReadOnly && BindOptions.ReadOnlyNonRecursive",
            ),
            (
                false,
                "ReadOnlyForceRecursive",
                "!ReadOnly && BindOptions.ReadOnlyForceRecursive",
            ),
        ];
        for (readonly, option, text) in table {
            let mount = json!({"Type": "bind", "Source": "/tmp", "Target": "/b", "ReadOnly": readonly, "BindOptions": {option: true}});
            let body = json!({"Image": "busybox", "Cmd": ["true"], "HostConfig": {"Mounts": [mount]}});
            let (status, made) = case.api("POST", "/v1.51/containers/create", &body.to_string())?;
            ensure!(status == 201, "{made}");
            let id: serde_json::Value = serde_json::from_str(&made)?;
            let id = id["Id"].as_str().unwrap_or_default();
            let text = format!("mount options conflict: {text}");
            case.refuses("POST", &format!("/v1.51/containers/{id}/start"), "", 500, &text)?;
            case.ok(&format!("rm {id}"))?;
        }
        Ok(())
    })
}

#[test]
fn read_only_reaches_below_unless_told_otherwise() -> Result<()> {
    both(&["busybox"], |case| {
        case.script("mkdir -p /tmp/rro/sub; mountpoint -q /tmp/rro/sub || mount -t tmpfs x /tmp/rro/sub")?
            .success()?;
        let writes = |options: &str| {
            let mount = format!("--mount type=bind,src=/tmp/rro,dst=/b{options}");
            case.ok(&format!(
                "run --rm {mount} busybox sh -c 'touch /b/sub/x 2>/dev/null && echo yes || echo no'"
            ))
        };
        let table = [
            ("", "yes"),
            (",readonly", "no"),
            (",readonly,bind-recursive=writable", "yes"),
            (",readonly,bind-recursive=readonly,bind-propagation=rprivate", "no"),
        ];
        for (options, want) in table {
            let said = writes(options)?;
            ensure!(said == want, "{options}: {said}");
        }
        case.says(
            "run --rm --mount type=bind,src=/tmp/rro,dst=/b,bind-recursive=disabled busybox sh -c 'ls -A /b/sub | wc -l'",
            "0",
        )?;
        case.script("umount /tmp/rro/sub; rm -r /tmp/rro")?.success()?;
        Ok(())
    })
}

#[test]
fn images_are_mounted() -> Result<()> {
    both(&["busybox", "alpine"], |case| {
        let whole = case.ok("run --rm --mount type=image,src=busybox,dst=/i alpine sh -c 'ls /i/bin/busybox; touch /i/x 2>&1; grep \" /i \" /proc/mounts'")?;
        ensure!(
            whole.contains("/i/bin/busybox\n")
                && whole.contains("Read-only file system")
                && whole.contains("overlay /i overlay ro"),
            "{whole}"
        );
        case.says(
            "run --rm --mount type=image,src=busybox,dst=/i,image-subpath=bin alpine ls /i/busybox",
            "/i/busybox",
        )?;
        case.fails(
            "run --rm --mount type=image,src=busybox,dst=/i,image-subpath=nothere alpine true",
            127,
            "no such file or directory",
        )?;
        let id = case.ok("image inspect -f '{{.Id}}' busybox")?;
        case.ok("create --name user --mount type=image,src=busybox,dst=/i alpine cat /i/etc/hostname")?;
        let shown = case.inspect("user")?;
        let point = &shown["Mounts"][0];
        ensure!(
            point["Type"] == "image"
                && point["Name"] == "busybox"
                && point["RW"] == false
                && point["Propagation"] == "rprivate",
            "{point}"
        );
        case.fails("rmi busybox", 1, "is using its referenced image")?;
        let short = id
            .trim_start_matches("sha256:")
            .get(..12)
            .unwrap_or_default()
            .to_owned();
        case.fails("rmi busybox", 1, &short)?;
        // The layers stay while somebody mounts them.
        case.ok("save -o /tmp/busybox-again.tar busybox")?;
        case.ok("rmi -f busybox")?;
        case.ok("start user")?;
        case.ok("rm -f user")?;
        case.ok("load -q -i /tmp/busybox-again.tar")?;
        std::fs::remove_file("/tmp/busybox-again.tar")?;
        Ok(())
    })
}
