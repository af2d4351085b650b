//! What the suites of docker-py and moby have found that no case of ours showed.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, is_reference, on_daemon, one};
use corten_testkit::archive::Entry;
use corten_testkit::wait::until_ok;
use corten_testkit::{Archive, Daemon, DaemonOptions, Outcome, Sandbox, census, skip};
use serde_json::Value;

#[test]
fn the_head_of_a_quiet_load_comes_when_the_image_is_there() -> Result<()> {
    one(&[], |case| {
        let archive = Archive::new("small:latest").layer(&[Entry::file("a", "a")])?.build()?;
        let mut connection = UnixStream::connect(case.daemon.socket_outside())?;
        connection.set_read_timeout(Some(LIMIT))?;
        let length = archive.len();
        write!(
            connection,
            "POST /v1.51/images/load?quiet=1 HTTP/1.1\r\nHost: d\r\nContent-Length: {length}\r\n\r\n"
        )?;
        connection.write_all(&archive)?;
        let mut first = [0; 12];
        connection.read_exact(&mut first)?;
        ensure!(&first == b"HTTP/1.1 200", "{first:?}");
        drop(connection);
        case.inspect("small")?;
        case.ok("rmi small")?;
        Ok(())
    })
}

/// Compose's `images` shows when an image got its name: an archive brings names along.
#[test]
fn what_a_load_names_was_not_tagged() -> Result<()> {
    one(&["busybox"], |case| {
        let tagged = |case: &Case, name: &str| -> Result<bool> {
            let time = case.inspect(name)?["Metadata"]["LastTagTime"].clone();
            Ok(time != "0001-01-01T00:00:00Z")
        };
        ensure!(!tagged(case, "busybox")?, "a load tags");
        case.ok("create --name box busybox true")?;
        case.ok("commit box committed:1")?;
        ensure!(tagged(case, "committed:1")?, "a commit does not tag");
        case.ok("tag busybox tagged:1")?;
        ensure!(tagged(case, "busybox")?, "a tag is none");
        case.ok("rm box")?;
        case.ok("rmi committed:1 tagged:1").map(drop)
    })
}

#[test]
fn values_are_judged_as_docker_judges_them() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name box -w /tmp/./x/../ --annotation a=b busybox top")?;
        for (size, why) in [
            ("-100", "value out of range"),
            ("4294967296", "value out of range"),
            ("x", "invalid syntax"),
        ] {
            let message = format!("invalid resize height \"{size}\": {why}");
            case.refuses(
                "POST",
                &format!("/containers/box/resize?h={size}&w=1"),
                "",
                400,
                &message,
            )?;
        }
        ensure!(
            case.inspect("box")?["Config"]["WorkingDir"] == "/tmp",
            "the directory is not cleaned"
        );
        let annotations = |version: &str| -> Result<Value> {
            let (_, list) = case.api("GET", &format!("/v{version}/containers/json"), "")?;
            let list: Value = serde_json::from_str(&list)?;
            Ok(list[0]["HostConfig"]["Annotations"].clone())
        };
        ensure!(annotations("1.45")?.is_null() && annotations("1.46")?["a"] == "b");
        let body = r#"{"Image":"busybox","HostConfig":{"Annotations":{"":"a"}}}"#;
        let message = "invalid Annotations: the empty string is not permitted as an annotation key";
        case.refuses("POST", "/containers/create", body, 400, message)?;
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn networks_keep_what_was_and_was_not_said() -> Result<()> {
    one(&["busybox"], |case| {
        let body = r#"{"Name":"six","EnableIPv6":true,"IPAM":{"Config":[
            {"Subnet":"2001:389:0::/64","IPRange":"2001:389::0/96","Gateway":"2001:389::1"}]}}"#;
        let (status, text) = case.api("POST", "/networks/create", body)?;
        ensure!(status == 201, "{status} {text}");
        let (_, text) = case.api("GET", "/networks/six", "")?;
        let network: Value = serde_json::from_str(&text)?;
        ensure!(network["IPAM"]["Options"].is_null(), "{network}");
        case.ok("create --name box busybox top")?;
        let body = r#"{"Container":"box","EndpointConfig":{"MacAddress":"02:42:ac:11:00:02"}}"#;
        let (status, text) = case.api("POST", "/networks/six/connect", body)?;
        ensure!(status == 200, "{status} {text}");
        let place = &case.inspect("box")?["NetworkSettings"]["Networks"]["six"];
        ensure!(place["MacAddress"] == "02:42:ac:11:00:02", "{place}");
        case.ok("rm box")?;
        case.ok("network rm six")?;
        Ok(())
    })
}

#[test]
fn a_user_without_capabilities_pings_and_listens() -> Result<()> {
    one(&["busybox"], |case| {
        let files = "/proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range";
        case.says(
            &format!("run --rm --cap-drop ALL -u 1000 busybox cat {files}"),
            "0\n0\t2147483647",
        )?;
        let first = files.split_once(' ').map_or(files, |(first, _)| first);
        case.says(
            &format!("run --rm --sysctl net.ipv4.ip_unprivileged_port_start=80 busybox cat {first}"),
            "80",
        )
    })
}

#[test]
fn a_check_that_takes_too_long_is_shown_with_what_it_said() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok(
            "run -d --name box --health-cmd 'echo begun; sleep 60' --health-interval 100ms --health-timeout 200ms \
             --health-retries 1 busybox top",
        )?;
        until_ok(LIMIT, "the check fails", || {
            let inspected = case.inspect("box")?;
            let output = &inspected["State"]["Health"]["Log"][0]["Output"];
            ensure!(output == "Health check exceeded timeout (200ms): begun\n", "{output}");
            Ok(())
        })?;
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn a_stopped_process_namespace_is_an_error_of_the_engine() -> Result<()> {
    one(&["busybox"], |case| {
        let donor = case.ok("create --name donor busybox top")?;
        case.ok("create --name box --pid container:donor busybox top")?;
        case.ok("create --name shares --ipc container:donor busybox top")?;
        let message = |what: &str| format!("failed to join {what} namespace: container {donor} is not running");
        case.refuses("POST", "/containers/box/start", "", 500, &message("PID"))?;
        case.refuses("POST", "/containers/shares/start", "", 409, &message("IPC"))?;
        case.ok("rm box shares donor")?;
        Ok(())
    })
}

#[test]
fn versions_before_1_50_get_the_fields_of_their_time() -> Result<()> {
    one(&[], |case| {
        let info = |version: &str| -> Result<Value> {
            let (_, text) = case.api("GET", &format!("/v{version}/info"), "")?;
            Ok(serde_json::from_str(&text)?)
        };
        let old = info("1.48")?;
        ensure!(old["InitCommit"]["Expected"] == old["InitCommit"]["ID"], "{old}");
        ensure!(old["BridgeNfIptables"] == false);
        ensure!(info("1.49")?["InitCommit"].get("Expected").is_none());
        ensure!(info("1.50")?.get("BridgeNfIptables").is_none());
        Ok(())
    })
}

/// Suites start daemons as `dockerd`, all of them with the bridge's usual name, on one machine.
#[test]
fn a_second_dockerd_takes_the_next_bridge() -> Result<()> {
    if !skip::is_root() || is_reference()? {
        skip::skip(
            "a_second_dockerd_takes_the_next_bridge",
            "needs root, and Corten: the reference engine shares its bridge",
        );
        return Ok(());
    }
    let sandbox = Arc::new(Sandbox::new()?);
    let start = |name: &str| {
        let options = DaemonOptions {
            name: Some(name.into()),
            as_dockerd: true,
            // The last word: both have their groups below one, as those of suites have.
            arguments: vec![format!("--cgroup-parent=/{}", sandbox.cgroup_parent())],
            ..DaemonOptions::default()
        };
        Daemon::start_in(Arc::clone(&sandbox), options)
    };
    let mut daemons = [start("a")?, start("b")?];
    // Neither takes the other's for leftovers when it starts.
    let pid = |daemon: &Daemon| daemon.docker(&["inspect", "-f", "{{.State.Pid}}", "stays"])?.success();
    daemons[0].load_image("busybox")?;
    daemons[0]
        .docker(&["run", "-d", "--name", "stays", "busybox", "top"])?
        .success()?;
    let before = pid(&daemons[0])?.stdout;
    daemons[1].kill()?;
    // A start of the first one's that has made its group and is not in it yet, at the second one's start.
    let parents = census::cgroup_directories(sandbox.cgroup_parent());
    let parent = parents.first().context("no groups")?;
    let unfinished = parent.join("ab".repeat(32));
    std::fs::create_dir(&unfinished)?;
    daemons[1].launch()?;
    ensure!(unfinished.exists(), "it takes an unfinished start for a leftover");
    until_ok(LIMIT, "the end of what is really left over", || {
        ensure!(!unfinished.exists(), "it is still there");
        Ok(())
    })?;
    daemons[0].docker(&["exec", "stays", "true"])?.success()?;
    ensure!(
        pid(&daemons[0])?.stdout == before,
        "another daemon's start has ended the container"
    );
    daemons[0].docker(&["rm", "-f", "stays"])?.success()?;
    let mut bridges = Vec::new();
    for daemon in daemons {
        daemon.load_image("busybox")?;
        let case = Case {
            daemon,
            client: corten_e2e::Client::Docker,
        };
        case.ok("run --rm busybox true")?;
        let format = "network inspect bridge -f '{{index .Options \"com.docker.network.bridge.name\"}}'";
        bridges.push(case.ok(format)?);
    }
    ensure!(bridges == ["docker0", "docker1"], "{bridges:?}");
    Ok(())
}

/// docker-py reads heads through a buffer that it throws away: what comes with the head is lost to it.
#[test]
fn a_session_writes_nothing_before_its_head_is_read() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name box busybox sleep 1000")?;
        let (_, created) = case.api(
            "POST",
            "/containers/box/exec",
            r#"{"Cmd":["echo","hi"],"AttachStdout":true}"#,
        )?;
        let created: Value = serde_json::from_str(&created)?;
        let id = created["Id"].as_str().unwrap_or_default();
        let mut connection = UnixStream::connect(case.daemon.socket_outside())?;
        connection.set_read_timeout(Some(LIMIT))?;
        let body = "{}";
        write!(
            connection,
            "POST /v1.51/exec/{id}/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut seen = [0; 4096];
        let waited = Instant::now();
        let mut length = 0;
        while length == 0 || waited.elapsed() < Duration::from_millis(60) {
            (length, _) = rustix::net::recv(&connection, &mut seen, rustix::net::RecvFlags::PEEK)?;
        }
        let early = String::from_utf8_lossy(&seen[..length]).into_owned();
        ensure!(
            early.starts_with("HTTP/1.1 101") && early.ends_with("\r\n\r\n"),
            "{early}"
        );
        let mut said = Vec::new();
        connection.read_to_end(&mut said)?;
        ensure!(
            said.ends_with(b"\x01\0\0\0\0\0\0\x03hi\n"),
            "{}",
            String::from_utf8_lossy(&said)
        );
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn a_builders_client_gets_its_session() -> Result<()> {
    one(&[], |case| {
        let ask = |upgrade: &str| -> Result<UnixStream> {
            let mut connection = UnixStream::connect(case.daemon.socket_outside())?;
            connection.set_read_timeout(Some(LIMIT))?;
            write!(
                connection,
                "POST /v1.51/session HTTP/1.1\r\nHost: d\r\nConnection: close\r\n{upgrade}\r\n"
            )?;
            Ok(connection)
        };
        for (upgrade, message) in [
            ("", "no upgrade proto in request"),
            ("Upgrade: foo\r\n", "protocol foo not supported"),
        ] {
            let mut said = String::new();
            ask(upgrade)?.read_to_string(&mut said)?;
            ensure!(said.starts_with("HTTP/1.1 400 ") && said.contains(message), "{said}");
        }
        let mut connection = ask("Upgrade: h2c\r\n")?;
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        let mut expected = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n".to_vec();
        expected.extend(preface);
        connection.write_all(b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x06\0\0\0\0\0pingpong")?;
        expected.extend(b"\0\0\0\x04\x01\0\0\0\0\0\0\x08\x06\x01\0\0\0\0pingpong");
        let mut said = vec![0; expected.len()];
        connection.read_exact(&mut said)?;
        if !is_reference()? {
            ensure!(said == expected, "{}", String::from_utf8_lossy(&said));
        }
        // The caller leaves.
        connection.shutdown(std::net::Shutdown::Write)?;
        connection.read_to_end(&mut said)?;
        Ok(())
    })
}

#[test]
fn the_builder_that_clients_should_use_is_announced() -> Result<()> {
    for (feature, builder) in [("cdi", "2"), ("buildkit=false", "1")] {
        let options = DaemonOptions {
            arguments: vec!["--feature".into(), feature.into()],
            ..DaemonOptions::default()
        };
        on_daemon(options, &[], |case| {
            let socket = case.daemon.socket_outside().display().to_string();
            let head = Outcome::of(Command::new("curl").args(["-sI", "--unix-socket", &socket, "http://d/_ping"]))?;
            let head = head.success()?.stdout;
            ensure!(
                head.contains(&format!("Builder-Version: {builder}\r")),
                "{feature}: {head}"
            );
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn what_the_daemon_decided_for_a_container_stays() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        let mode = |case: &Case, name: &str| -> Result<String> {
            case.ok(&format!("inspect -f {{{{.HostConfig.IpcMode}}}} {name}"))
        };
        case.ok("create --name old busybox")?;
        ensure!(mode(case, "old")? == "private");
        case.daemon.kill()?;
        let usual = case
            .daemon
            .exchange_arguments(vec!["--default-ipc-mode=shareable".into()]);
        case.daemon.launch()?;
        case.ok("create --name new busybox")?;
        ensure!(mode(case, "old")? == "private" && mode(case, "new")? == "shareable");
        case.ok("rm old new")?;
        case.daemon.kill()?;
        case.daemon.exchange_arguments(usual);
        case.daemon.launch()?;
        Ok(())
    })
}

#[test]
fn privileged_containers_keep_a_profile_and_see_the_hosts_groups() -> Result<()> {
    one(&["busybox"], |case| {
        let profile = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["chown","fchownat"],"action":"SCMP_ACT_ERRNO"}]}"#;
        let host = case.daemon.sandbox.scratch().join("profile.json");
        std::fs::write(&host, profile)?;
        let option = format!("--security-opt seccomp={}", host.display());
        case.fails(
            &format!("run --rm --privileged {option} busybox chown 42 /bin/true"),
            1,
            "Operation not permitted",
        )?;
        case.ok("run --rm --privileged busybox chown 42 /bin/true")?;
        case.ok("create --name box --privileged busybox")?;
        let version = case.ok("info -f {{.CgroupVersion}}")?;
        let want = if version == "1" { "host" } else { "private" };
        case.says("inspect -f {{.HostConfig.CgroupnsMode}} box", want)?;
        case.ok("rm box")?;
        if version == "1" {
            let made = |option: &str| case.run(&format!("run --rm {option} busybox mkdir /sys/fs/cgroup/pids/own"));
            made("")?.code_is(1)?;
            made("--security-opt writable-cgroups=false")?.code_is(1)?;
            made("--security-opt writable-cgroups=true")?.code_is(0)?;
        }
        let body = r#"{"Image":"busybox","HostConfig":{"SecurityOpt":["writable-cgroups"]}}"#;
        let (status, text) = case.api("POST", "/containers/create?name=writes", body)?;
        ensure!(status == 201, "{status} {text}");
        case.ok("rm writes")?;
        case.fails(
            "create --security-opt writeable-cgroups=1 busybox",
            1,
            "invalid --security-opt 2: \"writeable-cgroups=1\"",
        )
    })
}

/// Without live-restore, which is dockerd's default, nothing runs on when a daemon begins.
#[test]
fn a_dockerd_that_died_finds_no_container_running() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    let options = DaemonOptions {
        as_dockerd: true,
        ..DaemonOptions::default()
    };
    on_daemon(options, &["busybox"], |case| {
        case.ok("run -d --name plain --stop-timeout 0 busybox top")?;
        case.ok("run -d --name always --restart always --stop-timeout 0 busybox top")?;
        case.daemon.kill()?;
        case.daemon.launch()?;
        ensure!(case.inspect("plain")?["State"]["Running"] == false);
        ensure!(case.inspect("plain")?["NetworkSettings"]["SandboxKey"] == "");
        until_ok(LIMIT, "the one that always runs", || {
            ensure!(case.inspect("always")?["State"]["Running"] == true);
            Ok(())
        })?;
        case.ok("rm -f plain always")?;
        Ok(())
    })
}

#[test]
fn the_hosts_gateway_can_be_named() -> Result<()> {
    let options = DaemonOptions {
        arguments: ["--host-gateway-ip=6.7.8.9", "--host-gateway-ip=fd00::9"]
            .map(str::to_owned)
            .into(),
        ..DaemonOptions::default()
    };
    on_daemon(options, &["busybox"], |case| {
        let hosts = case.ok("run --rm --add-host me:host-gateway busybox cat /etc/hosts")?;
        ensure!(
            hosts.contains("6.7.8.9\tme") && hosts.contains("fd00::9\tme"),
            "{hosts}"
        );
        Ok(())
    })
}
