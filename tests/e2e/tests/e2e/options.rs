//! What the options of `run` do to the program: environment, user, directory, entrypoint, names, init.

use anyhow::{Result, ensure};
use corten_e2e::{both, one};
use corten_testkit::Archive;
use corten_testkit::archive::Entry;
use serde_json::json;

#[test]
fn environment_user_directory_entrypoint() -> Result<()> {
    both(&["busybox"], |case| {
        let outcome = case.ok("run --rm -e A=1 -e 'B=two words' -h box busybox env")?;
        let mut lines: Vec<&str> = outcome.lines().collect();
        lines.sort_unstable();
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        ensure!(
            lines == ["A=1", "B=two words", "HOME=/root", "HOSTNAME=box", path],
            "{lines:?}"
        );
        case.says(
            "run --rm -u nobody busybox id",
            "uid=65534(nobody) gid=65534(nogroup) groups=8(mail),65534(nogroup)",
        )?;
        case.says(
            "run --rm -u 1234:33 busybox sh -c 'id -u; id -g; echo $HOME'",
            "1234\n33\n/",
        )?;
        case.says("run --rm -u 1234 --group-add mail busybox id -G", "0 8")?;
        case.says("run --rm -w /new/directory busybox pwd", "/new/directory")?;
        case.says("run --rm --entrypoint echo busybox a b", "a b")?;
        case.says("run --rm --entrypoint '' busybox echo c", "c")?;
        let file = case.daemon.sandbox.scratch().join("env");
        std::fs::write(&file, "# comment\nFROM_FILE=yes\n")?;
        case.says(
            &format!("run --rm --env-file {} busybox sh -c 'echo $FROM_FILE'", file.display()),
            "yes",
        )?;
        Ok(())
    })
}

#[test]
fn the_images_configuration_applies() -> Result<()> {
    one(&[], |case| {
        let busybox = std::fs::read("/bin/busybox")?;
        let image = Archive::new("configured:1")
            .layer(&[
                Entry::file("bin/busybox", busybox),
                Entry::symlink("bin/sh", "busybox"),
                Entry::directory("work/"),
            ])?
            .config(json!({
                "Entrypoint": ["/bin/busybox", "echo", "entry"], "Cmd": ["default", "command"], "Env": ["X=image"],
                "WorkingDir": "/work", "User": "12:34", "Labels": {"from": "image"}, "StopSignal": "SIGINT",
            }))
            .build()?;
        case.run_with_input("load", &image)?
            .success()?
            .says("Loaded image: configured:1")?;
        case.daemon.remember()?;
        case.says("run --rm configured:1", "entry default command")?;
        case.says("run --rm configured:1 other", "entry other")?;
        case.says(
            "run --rm --entrypoint /bin/busybox configured:1 sh -c 'echo $X $(/bin/busybox pwd) $(/bin/busybox id -u)'",
            "image /work 12",
        )?;
        case.says(
            "run --rm -e X=mine --entrypoint /bin/busybox configured:1 sh -c 'echo $X'",
            "mine",
        )?;
        case.ok("create --name box -l own=1 configured:1")?;
        let config = case.inspect("box")?["Config"].clone();
        ensure!(config["Labels"] == json!({"from": "image", "own": "1"}), "{config}");
        ensure!(
            config["StopSignal"] == "SIGINT" && config["WorkingDir"] == "/work",
            "{config}"
        );
        case.ok("rm box")?;
        Ok(())
    })
}

#[test]
fn name_files_are_those_of_docker() -> Result<()> {
    both(&["busybox"], |case| {
        let id = case.ok("run -d --name box -h box --domainname example.test --add-host other:10.9.8.7 --dns 10.1.2.3 --dns-search s.test --dns-option ndots:3 busybox sleep 1000")?;
        case.says("exec box hostname", "box")?;
        case.says("exec box cat /etc/hostname", "box")?;
        let address = case.ok("inspect -f '{{.NetworkSettings.IPAddress}}' box")?;
        let hosts = case.ok("exec box cat /etc/hosts")?;
        let want = format!(
            "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n10.9.8.7\tother\n{address}\tbox.example.test box"
        );
        ensure!(hosts == want, "hosts: {hosts}\nwant: {want}");
        let resolv = case.ok("exec box cat /etc/resolv.conf")?;
        for line in ["nameserver 10.1.2.3", "search s.test", "options ndots:3"] {
            ensure!(resolv.lines().any(|have| have == line), "{line} is not in {resolv}");
        }
        case.ok("rm -f box")?;
        case.ok("run -d --name box busybox sleep 1000")?;
        let id2 = case.ok("inspect -f '{{.Id}}' box")?;
        ensure!(id != id2);
        case.says("exec box hostname", &id2[..12])?;
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn init_is_process_one_and_reaps() -> Result<()> {
    both(&["busybox"], |case| {
        let init = case.ok("run --rm --init busybox sh -c 'tr \"\\0\" \" \" </proc/1/cmdline'")?;
        ensure!(init.starts_with("/sbin/docker-init -- sh -c"), "process 1 is {init}");
        case.run("run --rm --init busybox sh -c 'exit 5'")?.code_is(5)?;
        case.ok("run -d --init --name box busybox sleep 1000")?;
        case.ok("stop -t 30 box")?;
        case.says("inspect -f '{{.State.ExitCode}}' box", "143")?;
        case.ok("rm box")?;
        Ok(())
    })
}

#[test]
fn unbuilt_options_are_refused_by_name() -> Result<()> {
    if corten_e2e::is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        let (status, text) = case.api(
            "POST",
            "/v1.51/containers/create",
            r#"{"Image":"busybox","HostConfig":{"Runtime":"kata"}}"#,
        )?;
        ensure!(
            status >= 400 && text.to_lowercase().contains("runtime"),
            "{status} {text}"
        );
        let (status, text) = case.api("POST", "/v1.51/build", "{}")?;
        ensure!(
            (status == 404 || status == 501) && text.contains("message"),
            "{status} {text}"
        );
        Ok(())
    })
}
