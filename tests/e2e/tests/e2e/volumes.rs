//! Mounts: image volumes with copy-up, binds, tmpfs, a read-only root.

use anyhow::{Result, ensure};
use corten_e2e::both;

#[test]
fn image_volumes_are_anonymous_and_copied_up() -> Result<()> {
    both(&["redis"], |case| {
        case.says("run --rm redis ls /data", "made-by-image")?;
        case.ok("create --name vol redis")?;
        let mount = case.inspect("vol")?["Mounts"][0].clone();
        let name = mount["Name"].as_str().unwrap_or_default().to_owned();
        ensure!(
            mount["Type"] == "volume" && mount["Destination"] == "/data" && mount["RW"] == true,
            "{mount}"
        );
        ensure!(name.len() == 64, "{mount}");
        case.ok("start vol")?;
        case.ok("exec vol touch /data/kept")?;
        case.ok("restart -t 0 vol")?;
        case.says(
            "exec vol ls /data/kept /data/made-by-image",
            "/data/kept\n/data/made-by-image",
        )?;
        case.ok("rm -f -v vol")?;
        Ok(())
    })
}

#[test]
fn binds_tmpfs_and_read_only() -> Result<()> {
    both(&["busybox"], |case| {
        let directory = case.daemon.sandbox.scratch().join("bound");
        drop(std::fs::create_dir(&directory));
        std::fs::write(directory.join("file"), "from the host")?;
        let path = directory.display();
        case.says(
            &format!("run --rm -v {path}:/b busybox sh -c 'cat /b/file; echo back >/b/answer'"),
            "from the host",
        )?;
        ensure!(std::fs::read_to_string(directory.join("answer"))? == "back\n");
        case.fails(
            &format!("run --rm -v {path}:/b:ro busybox touch /b/x"),
            1,
            "Read-only file system",
        )?;
        case.fails(
            &format!("run --rm --mount type=bind,src={path},dst=/b,readonly busybox touch /b/x"),
            1,
            "Read-only file system",
        )?;
        case.fails(
            "run --rm --mount type=bind,src=/no/such,dst=/b busybox true",
            125,
            "invalid mount config for type \"bind\": bind source path does not exist: /no/such",
        )?;
        case.says(
            &format!("run --rm -v {path}/file:/single busybox cat /single"),
            "from the host",
        )?;
        case.says(&format!("run --rm -v {path}/made:/b busybox ls /b"), "")?;
        ensure!(directory.join("made").is_dir(), "a missing source of -v is made");
        case.says("run --rm --tmpfs /t:size=1m,mode=1770 busybox sh -c 'stat -c %a /t; df -k /t | tail -1 | tr -s \" \" | cut -d\" \" -f2'", "1770\n1024")?;
        case.fails("run --rm --read-only busybox touch /x", 1, "Read-only file system")?;
        case.ok("run --rm --read-only --tmpfs /tmp busybox touch /tmp/x /dev/shm/y")?;
        case.fails(
            "run --rm -v relative:bad busybox true",
            125,
            "invalid mount path: 'bad' mount path must be absolute",
        )?;
        Ok(())
    })
}

#[test]
fn two_containers_see_one_bound_directory() -> Result<()> {
    both(&["busybox"], |case| {
        let path = case.daemon.sandbox.scratch().join("both");
        drop(std::fs::create_dir(&path));
        let bind = format!("-v {}:/b", path.display());
        case.ok(&format!("run -d --name one {bind} busybox sleep 1000"))?;
        case.ok(&format!("run --rm {bind} busybox sh -c 'echo here >/b/f'"))?;
        case.says("exec one cat /b/f", "here")?;
        case.ok("rm -f one")?;
        Ok(())
    })
}

#[test]
fn a_file_and_a_directory_do_not_mount_on_each_other() -> Result<()> {
    both(&["busybox"], |case| {
        let question = "not a directory: Are you trying to mount a directory onto a file (or vice-versa)?";
        case.fails("run --rm -v /etc/passwd:/bin busybox true", 125, question)?;
        case.fails("run --rm -v /etc:/bin/busybox busybox true", 125, question)
    })
}
