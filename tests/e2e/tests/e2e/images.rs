//! Images: load, save, import, tag, list, inspect, remove; docker-archive and OCI layout.

use std::io::Write as _;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{both, one};
use corten_testkit::archive::{Entry, layer_tar};
use corten_testkit::{Archive, http, programs};

#[test]
fn load_list_tag_and_remove() -> Result<()> {
    both(&[], |case| {
        let tar = programs::image("busybox")?;
        case.says(&format!("load -i {}", tar.display()), "Loaded image: busybox:latest")?;
        let id = case.ok("images -q --no-trunc busybox")?;
        let table = case.ok("images")?;
        ensure!(
            table.starts_with("REPOSITORY   TAG       IMAGE ID") && table.contains("busybox      latest"),
            "{table}"
        );
        case.ok("tag busybox mine/box:1.0")?;
        case.says("images -q --no-trunc mine/box", &id)?;
        case.fails("tag nosuch a:b", 1, "No such image: nosuch:latest")?;
        case.fails("tag busybox UPPER", 1, "must be lowercase")?;
        let image = case.inspect("mine/box:1.0")?;
        ensure!(
            image["Id"] == id.as_str() && image["Os"] == "linux" && image["Config"]["Cmd"][0] == "sh",
            "{image}"
        );
        case.says("rmi mine/box:1.0", "Untagged: mine/box:1.0")?;
        case.fails("rmi nosuch", 1, "No such image: nosuch")?;
        case.ok("create --name user busybox")?;
        let short = case.ok("ps -aq")?;
        case.fails("rmi busybox", 1, &format!("unable to remove repository reference \"busybox\" (must force) - container {short} is using its referenced image {}", &id[7..19]))?;
        case.ok("rm user")?;
        let said = case.ok("rmi busybox")?;
        ensure!(
            said.contains("Untagged: busybox:latest") && said.contains(&format!("Deleted: {id}")),
            "{said}"
        );
        case.says("images -q", "")?;
        Ok(())
    })
}

#[test]
fn save_gives_back_what_was_loaded() -> Result<()> {
    both(&[], |case| {
        let tar = programs::image("busybox")?;
        case.ok(&format!("load -i {}", tar.display()))?;
        let id = case.ok("images -q --no-trunc")?;
        let saved = case.daemon.sandbox.scratch().join("saved.tar");
        case.ok(&format!("save -o {} busybox", saved.display()))?;
        let names = String::from_utf8(
            std::process::Command::new("tar")
                .arg("-tf")
                .arg(&saved)
                .output()?
                .stdout,
        )?;
        ensure!(
            names.lines().any(|name| name == "manifest.json") && names.lines().any(|name| name == "index.json"),
            "{names}"
        );
        case.fails("save busybox nosuch", 1, "No such image: nosuch")?;
        case.fails("save nosuch:1", 1, "reference does not exist")?;
        case.ok("rmi busybox")?;
        case.says(
            &format!("load -q -i {}", saved.display()),
            "Loaded image: busybox:latest",
        )?;
        case.says("images -q --no-trunc", &id)?;
        case.says("run --rm busybox echo again", "again")?;
        // Also from a pipe, compressed.
        let packed = case.script(&format!("gzip -c {} | base64 -w0 | wc -c", saved.display()))?;
        ensure!(packed.code == 0, "{packed}");
        case.ok("rmi busybox")?;
        let gz = case.daemon.sandbox.scratch().join("saved.tar.gz");
        case.script(&format!("gzip -c {} >{}", saved.display(), gz.display()))?
            .success()?;
        case.ok(&format!("load -i {}", gz.display()))?;
        case.says("images -q --no-trunc", &id)?;
        case.ok("rmi busybox")?;
        Ok(())
    })
}

#[test]
fn an_oci_layout_loads_without_its_docker_manifest() -> Result<()> {
    if corten_e2e::is_reference()? {
        // With its own store the reference engine wants the docker manifest.
        return Ok(());
    }
    one(&[], |case| {
        let tar = programs::image("busybox")?;
        case.ok(&format!("load -i {}", tar.display()))?;
        let id = case.ok("images -q --no-trunc")?;
        let dir = case.daemon.sandbox.scratch().display().to_string();
        case.ok(&format!("save -o {dir}/s.tar busybox"))?;
        case.script(&format!("mkdir {dir}/x && tar -xf {dir}/s.tar -C {dir}/x && rm {dir}/x/manifest.json && tar -cf {dir}/oci.tar -C {dir}/x ."))?.success()?;
        case.ok("rmi busybox")?;
        case.ok(&format!("load -i {dir}/oci.tar"))?;
        case.says("images -q --no-trunc", &id)?;
        case.ok("rmi busybox")?;
        Ok(())
    })
}

#[test]
fn import_with_changes() -> Result<()> {
    both(&["busybox"], |case| {
        let tar = layer_tar(&[
            Entry::file("bin/busybox", std::fs::read("/bin/busybox")?),
            Entry::directory("tmp/"),
        ])?;
        let line = "import --change 'CMD [\"/bin/busybox\", \"echo\", \"imported\"]' --change 'ENV A=1' --change 'WORKDIR /tmp' -m hello - own:image";
        let id = case.run_with_input(line, &tar)?.success()?.text().to_owned();
        ensure!(id.starts_with("sha256:"), "{id}");
        case.says("run --rm own:image", "imported")?;
        let image = case.inspect("own:image")?;
        ensure!(
            image["Config"]["Env"].to_string().contains("A=1") && image["Config"]["WorkingDir"] == "/tmp",
            "{image}"
        );
        case.ok("rmi own:image")?;
        let outcome = case.run_with_input("import --change 'NOSUCH x' - own:image", &tar)?;
        ensure!(
            outcome.code == 1 && outcome.stderr.contains("NOSUCH is not a valid change command"),
            "{outcome}"
        );
        Ok(())
    })
}

#[test]
fn layers_hide_and_replace_what_is_below() -> Result<()> {
    one(&[], |case| {
        let busybox = std::fs::read("/bin/busybox")?;
        let image = Archive::new("layered:1")
            .layer(&[
                Entry::file("bin/sh", busybox),
                Entry::directory("kept/"),
                Entry {
                    path: "open/".into(),
                    kind: corten_testkit::archive::Kind::Directory,
                    mode: 0o1777,
                },
                Entry::file("kept/a", "a"),
                Entry::hardlink("kept/b", "kept/a"),
                Entry::file("gone", "x"),
                Entry::directory("opaque/"),
                Entry::file("opaque/below", "x"),
            ])?
            // The second layer only implies `open/`: its mode comes from below.
            .layer(&[
                Entry::file("open/new", "n"),
                Entry::file(".wh.gone", ""),
                Entry::directory("opaque/"),
                Entry::file("opaque/.wh..wh..opq", ""),
                Entry::file("opaque/above", "y"),
            ])?
            .build()?;
        case.run_with_input("load", &image)?.success()?;
        case.daemon.remember()?;
        let listed = case.run("run --rm --entrypoint /bin/sh layered:1 -c 'stat -c %a /open; ls /gone; ls /opaque'")?;
        let said = format!("{}{}", listed.stdout, listed.stderr).replace('\n', " ");
        ensure!(
            (said.contains("1777") || corten_e2e::is_reference()?)
                && said.contains("above")
                && !said.contains("below")
                && said.contains("gone: No such file"),
            "{said}"
        );
        Ok(())
    })
}

#[test]
fn several_images_in_one_archive() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("tag busybox second:2")?;
        let path = case.daemon.sandbox.scratch().join("two.tar");
        case.ok(&format!("save -o {} busybox second:2", path.display()))?;
        case.ok("rmi second:2")?;
        let said = case.ok(&format!("load -i {}", path.display()))?;
        ensure!(said.contains("busybox:latest") && said.contains("second:2"), "{said}");
        case.ok("rmi second:2")?;
        Ok(())
    })
}

#[test]
fn hello_world_is_built_in() -> Result<()> {
    if corten_e2e::is_reference()? {
        return Ok(());
    }
    both(&[], |case| {
        let said = case.ok("run --rm hello-world")?;
        ensure!(said.to_lowercase().contains("hello"), "{said}");
        let id = case.ok("images -q hello-world")?;
        case.ok("rmi hello-world").with_context(|| id)?;
        Ok(())
    })
}

/// Archives whose senders stand still take nothing from anybody else.
#[test]
fn loads_that_stand_still_hold_nobody_up() -> Result<()> {
    one(&["busybox"], |case| {
        let socket = case.daemon.socket_outside();
        let stalled: Result<Vec<_>> = (0..80)
            .map(|_| {
                let mut stream = http::connect(&socket)?;
                stream.write_all(
                    b"POST /v1.51/images/load HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
                )?;
                Ok(stream)
            })
            .collect();
        let stalled = stalled?;
        case.says("run --rm busybox echo alive", "alive")?;
        drop(stalled);
        Ok(())
    })
}

#[test]
fn an_image_without_a_command_needs_one() -> Result<()> {
    both(&[], |case| {
        let tar = layer_tar(&[Entry::file("bin/busybox", std::fs::read("/bin/busybox")?)])?;
        case.run_with_input("import - bare:1", &tar)?.success()?;
        case.fails("create bare:1", 1, "no command specified")?;
        case.fails("run bare:1", 125, "no command specified")?;
        case.fails("create --entrypoint '' bare:1", 1, "no command specified")?;
        case.says("run --rm bare:1 /bin/busybox echo given", "given")?;
        case.says("run --rm --entrypoint /bin/busybox bare:1 echo given", "given")?;
        case.ok("create --name odd bare:1 ''")?;
        let created = case.inspect("odd")?;
        ensure!(
            created["Path"] == "" && created["Args"] == serde_json::json!([]),
            "{created}"
        );
        case.ok("rm odd")?;
        case.ok("rmi bare:1")?;
        Ok(())
    })
}
