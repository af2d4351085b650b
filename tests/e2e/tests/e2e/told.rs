//! What `inspect`, lists and refusals tell, as dockerd 28.5 does: compared field by field for some ninety creations and two
//! hundred requests; here is what was not the same.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, is_reference, on_daemon, one};
use corten_testkit::DaemonOptions;
use corten_testkit::wait::until_ok;
use serde_json::{Value, json};

/// Creates a container and says what it is warned of.
fn create(case: &Case, name: &str, mut body: Value) -> Result<Value> {
    body["Image"] = json!("busybox");
    body["Cmd"] = json!(["top"]);
    let (status, text) = case.api(
        "POST",
        &format!("/v1.51/containers/create?name={name}"),
        &body.to_string(),
    )?;
    ensure!(status == 201, "{name}: {status} {text}");
    let answer: Value = serde_json::from_str(&text)?;
    Ok(answer["Warnings"].clone())
}

/// What a list shows of one container.
fn listed(case: &Case, name: &str) -> Result<Value> {
    let (_, text) = case.api("GET", "/v1.51/containers/json?all=1", "")?;
    let list: Vec<Value> = serde_json::from_str(&text)?;
    let name = json!(format!("/{name}"));
    list.into_iter()
        .find(|row| row["Names"][0] == name)
        .context("it is not in the list")
}

#[test]
fn before_the_first_start() -> Result<()> {
    one(&["busybox"], |case| {
        create(case, "plain", json!({}))?;
        let plain = case.inspect("plain")?;
        let v1 = case.ok("info -f {{.CgroupVersion}}")? == "1";
        let killer = if v1 { json!(false) } else { Value::Null };
        ensure!(plain["HostConfig"]["OomKillDisable"] == killer, "{plain}");
        ensure!(plain["HostConfig"]["Links"].is_null(), "{plain}");
        ensure!(plain["GraphDriver"]["Data"]["ID"].is_string(), "{plain}");
        for host in [
            json!({"Privileged": true}),
            json!({"PidMode": "host"}),
            json!({"IpcMode": "host"}),
        ] {
            create(case, "labels", json!({ "HostConfig": host }))?;
            let labels = case.inspect("labels")?["HostConfig"]["SecurityOpt"].clone();
            ensure!(labels == json!(["label=disable"]), "{host}: {labels}");
            case.ok("rm labels")?;
        }
        create(
            case,
            "mounts",
            json!({"HostConfig": {"Mounts": [{"Type": "volume", "Target": "/long"}]}, "Volumes": {"/short": {}}}),
        )?;
        let mounts = case.inspect("mounts")?["Mounts"].clone();
        let mounts: Vec<Value> = serde_json::from_value(mounts)?;
        let mode = |at: &str| mounts.iter().find(|mount| mount["Destination"] == at);
        ensure!(mode("/long").is_some_and(|mount| mount["Mode"] == "z"), "{mounts:?}");
        ensure!(mode("/short").is_some_and(|mount| mount["Mode"] == ""), "{mounts:?}");
        let name = case.ok("info -f {{.Name}}")?;
        create(case, "hosts", json!({"HostConfig": {"NetworkMode": "host"}}))?;
        case.says("inspect -f {{.Config.Hostname}} hosts", &name)?;
        case.says("run --rm --network host busybox sh -c 'echo $HOSTNAME'", &name)?;
        case.ok("rm -v plain mounts hosts").map(drop)
    })
}

#[test]
fn of_networks() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("network create --subnet 10.99.0.0/24 n1")?;
        let endpoint = json!({"Aliases": ["x"], "IPAMConfig": {"IPv4Address": "10.99.0.7"}, "DriverOpts": {"a": "b"}});
        let asked =
            json!({"HostConfig": {"NetworkMode": "n1"}, "NetworkingConfig": {"EndpointsConfig": {"n1": endpoint}}});
        create(case, "box", asked)?;
        let place =
            |case: &Case| -> Result<Value> { Ok(case.inspect("box")?["NetworkSettings"]["Networks"]["n1"].clone()) };
        ensure!(place(case)?["DNSNames"].is_null(), "{}", place(case)?);
        case.ok("start box")?;
        ensure!(place(case)?["DNSNames"][1] == "x", "{}", place(case)?);
        let less = listed(case, "box")?["NetworkSettings"]["Networks"]["n1"].clone();
        for field in ["Aliases", "DriverOpts", "DNSNames", "Links"] {
            ensure!(less[field].is_null(), "{field}: {less}");
        }
        ensure!(less["IPAddress"] == "10.99.0.7", "{less}");
        case.ok("rm -f box")?;

        let warnings = create(case, "mac", json!({"MacAddress": "02:42:ac:11:00:99"}))?;
        ensure!(
            warnings[0]
                == "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.",
            "{warnings}"
        );
        let settings = case.inspect("mac")?["NetworkSettings"].clone();
        ensure!(settings["MacAddress"] == "02:42:ac:11:00:99", "{settings}");
        create(case, "off", json!({"NetworkDisabled": true}))?;
        case.ok("start off")?;
        let off = case.inspect("off")?;
        let settings = &off["NetworkSettings"];
        ensure!(
            settings["Networks"] == json!({}) && settings["SandboxKey"] == "",
            "{settings}"
        );
        ensure!(off["HostnamePath"] == "", "{off}");
        create(case, "host", json!({"HostConfig": {"NetworkMode": "host"}}))?;
        case.ok("start host")?;
        case.ok("stop -t 0 host")?;
        let id = &case.inspect("host")?["NetworkSettings"]["Networks"]["host"]["NetworkID"];
        ensure!(id.as_str().is_some_and(|id| id.len() == 64), "{id}");
        case.ok("rm -f mac off host")?;
        case.ok("network rm n1").map(drop)
    })
}

/// Fields for Windows are taken and do nothing.
#[test]
fn of_what_linux_has_not() -> Result<()> {
    one(&["busybox"], |case| {
        let told = create(case, "box", json!({"HostConfig": {"CpuPercent": 3, "CpuCount": 2}}))?;
        ensure!(
            told == json!(["linux does not support CPU percent. Percent discarded."]),
            "{told}"
        );
        ensure!(case.inspect("box")?["HostConfig"]["CpuPercent"] == 0);
        case.ok("rm box").map(drop)
    })
}

#[test]
fn refusals() -> Result<()> {
    one(&["busybox"], |case| {
        let id = case.ok("run -d --name box busybox top")?;
        case.ok("network create n1")?;
        let not_connected = format!("container {id} is not connected to network n1");
        let create = "/v1.51/containers/create";
        let table: [(&str, &str, &str, u16, &str); 30] = [
            (
                "POST",
                create,
                r#"{"Image":"none","HostConfig":{"Memory":1}}"#,
                400,
                "Minimum memory limit allowed is 6MB",
            ),
            (
                "POST",
                "/v1.51/containers/create?name=!x",
                r#"{"Image":"none"}"#,
                404,
                "No such image: none:latest",
            ),
            (
                "POST",
                "/v1.51/containers/create?platform=a/b/c/d",
                r#"{"Image":"busybox"}"#,
                400,
                "\"a/b/c/d\": cannot parse platform specifier: invalid argument",
            ),
            (
                "POST",
                "/v1.51/containers/create?platform=linux/s390x",
                r#"{"Image":"busybox"}"#,
                404,
                "image with reference busybox was found but its platform (linux/amd64) does not match the specified platform (linux/s390x)",
            ),
            (
                "POST",
                create,
                "[]",
                400,
                "invalid JSON: json: cannot unmarshal array into Go value of type container.CreateRequest",
            ),
            (
                "POST",
                create,
                r#"{"Image":"busybox","HostConfig":{"IOMaximumIOps":4}}"#,
                400,
                "invalid option: QoS maximum IOPs configuration is not supported on linux",
            ),
            (
                "POST",
                create,
                r#"{"Image":"busybox","HostConfig":{"SecurityOpt":["x"]}}"#,
                500,
                "invalid --security-opt 1: \"x\"",
            ),
            (
                "POST",
                create,
                r#"{"Image":"busybox","HostConfig":{"StorageOpt":{"x":"y"}}}"#,
                500,
                "Unknown option x",
            ),
            (
                "POST",
                create,
                r#"{"Image":"busybox","HostConfig":{"Links":["a:b:c"]}}"#,
                500,
                "bad format for links: a:b:c",
            ),
            (
                "POST",
                create,
                r#"{"Image":"busybox","HostConfig":{"Links":[""]}}"#,
                500,
                "empty string specified for links",
            ),
            (
                "POST",
                create,
                r#"{"Image":"busybox","MacAddress":"x"}"#,
                400,
                "invalid config for network bridge: invalid MAC address x",
            ),
            (
                "POST",
                create,
                r#"{"Image":"busybox","NetworkingConfig":{"EndpointsConfig":{"n1":null}}}"#,
                400,
                "invalid config for network n1: EndpointsConfig is nil",
            ),
            (
                "POST",
                create,
                r#"{"Image":"busybox","NetworkingConfig":{"EndpointsConfig":{"bridge":{"Aliases":["x"]}}}}"#,
                400,
                "invalid config for network bridge: invalid endpoint settings:\nnetwork-scoped alias is supported only for containers in user defined networks",
            ),
            (
                "DELETE",
                "/v1.51/containers/box?link=1",
                "",
                500,
                "Conflict, cannot remove the default link name of the container",
            ),
            (
                "POST",
                "/v1.51/containers/box/exec",
                r#"{"Cmd":["true"],"DetachKeys":"foo-"}"#,
                500,
                "Invalid escape keys (foo-) provided",
            ),
            (
                "POST",
                "/v1.51/containers/box/attach?stream=1&detachKeys=foo-",
                "",
                400,
                "Invalid detach keys (foo-) provided",
            ),
            (
                "POST",
                "/v1.51/containers/none/update",
                "",
                404,
                "No such container: none",
            ),
            (
                "GET",
                "/v1.51/containers/json?filters=%7B%22expose%22:[%2299999%22]%7D",
                "",
                500,
                "error while looking up for expose 99999: strconv.ParseUint: parsing \"99999\": value out of range",
            ),
            (
                "GET",
                "/v1.51/images/json?filters=%7B%22until%22:[%22x%22]%7D",
                "",
                500,
                "failed to parse value as time or duration: \"x\"",
            ),
            (
                "GET",
                "/v1.51/volumes?filters=x",
                "",
                400,
                "error reading volume filters: invalid filter",
            ),
            ("POST", "/v1.51/build/prune?filters=x", "", 400, "invalid filter"),
            (
                "GET",
                "/v1.51/networks?filters=%7B%22type%22:[%22a%22]%7D",
                "",
                500,
                "invalid filter: 'type'='a'",
            ),
            (
                "POST",
                "/v1.51/networks/create",
                r#"{"Name":"host"}"#,
                403,
                "operation is not permitted on predefined host network ",
            ),
            (
                "POST",
                "/v1.51/networks/n1/disconnect",
                r#"{"Container":"box"}"#,
                500,
                &not_connected,
            ),
            (
                "POST",
                "/v1.51/networks/host/connect",
                r#"{"Container":"box"}"#,
                400,
                "cannot connect container to host network - container must be created in host network mode",
            ),
            (
                "POST",
                "/v1.51/networks/none/connect",
                r#"{"Container":"box"}"#,
                400,
                "container cannot be connected to multiple networks with one of the networks in private (none) mode",
            ),
            (
                "POST",
                "/v1.51/networks/n1/connect",
                "{}",
                400,
                "invalid name or ID supplied: \"\"",
            ),
            (
                "POST",
                "/v1.51/networks/nope/connect",
                r#"{"Container":"none"}"#,
                404,
                "No such container: none",
            ),
            (
                "POST",
                "/v1.51/networks/nope/connect",
                r#"{"Container":"box"}"#,
                404,
                "network nope not found",
            ),
            (
                "POST",
                "/v1.51/networks/n1/disconnect",
                "{}",
                400,
                "invalid name or ID supplied: \"\"",
            ),
        ];
        for (method, path, body, status, message) in table {
            case.refuses(method, path, body, status, message)?;
        }
        case.ok("rm -f box")?;
        case.ok("network rm n1").map(drop)
    })
}

/// What a start is refused for.
#[test]
fn refused_starts() -> Result<()> {
    one(&["busybox"], |case| {
        for (body, message) in [
            (
                json!({"User": "nope"}),
                "unable to find user nope: no matching entries in passwd file",
            ),
            (json!({"User": "-1"}), "uids and gids must be in range 0-2147483647"),
            (
                json!({"HostConfig": {"GroupAdd": ["nope"]}}),
                "unable to find group nope: no matching entries in group file",
            ),
            (
                json!({"HostConfig": {"Dns": ["1.1.1.1", "x"]}}),
                "bad nameserver address x: ParseAddr(\"x\"): unable to parse IP",
            ),
            (
                json!({"HostConfig": {"NetworkMode": "container:none"}}),
                "joining network namespace of container: No such container: none",
            ),
        ] {
            create(case, "box", body)?;
            case.refuses("POST", "/v1.51/containers/box/start", "", 500, message)?;
            case.ok("rm box")?;
        }
        Ok(())
    })
}

/// A creation leaves what a first run finds: mount points, the engine's files, the working directory.
#[test]
fn the_files_of_a_container_that_never_ran() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("create --name box -w /var/made busybox true")?;
        case.says("diff box", "C /var\nA /var/made")?;
        let archive = case.daemon.sandbox.scratch().join("box.tar");
        case.ok(&format!("export -o {} box", archive.display()))?;
        let names = std::process::Command::new("tar").arg("-tf").arg(&archive).output()?;
        let names = String::from_utf8(names.stdout)?;
        for name in [
            ".dockerenv",
            "dev/",
            "dev/console",
            "dev/pts/",
            "dev/shm/",
            "etc/hostname",
            "etc/hosts",
            "etc/mtab",
            "etc/resolv.conf",
            "proc/",
            "sys/",
            "var/made/",
        ] {
            ensure!(names.lines().any(|line| line == name), "{name} is not in {names}");
        }
        let (_, text) = case.api("GET", "/v1.51/containers/box/json?size=1", "")?;
        let size: Value = serde_json::from_str(&text)?;
        ensure!(size.get("SizeRw").is_none_or(|size| *size == 0), "{}", size["SizeRw"]);
        case.ok("rm box")?;
        case.says("run --rm busybox readlink /etc/mtab", "/proc/mounts")?;
        case.ok("run --name box -v /etc:/etc:ro busybox true")?;
        case.says("diff box", "")?;
        case.ok("rm box").map(drop)
    })
}

/// A signal that comes before a program has its handlers is heard when it has them; Docker kills it after ten seconds.
#[test]
fn a_stop_is_heard_by_a_program_that_has_only_just_begun() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    on_daemon(DaemonOptions::default(), &["busybox"], |case| {
        let script = "usleep 100000; trap 'exit 9' TERM; while :; do usleep 10000; done";
        case.ok(&format!("run -d --name box busybox sh -c \"{script}\""))?;
        let begun = Instant::now();
        case.ok("stop -t 30 box")?;
        ensure!(begun.elapsed() < Duration::from_secs(25), "it was killed");
        case.says("inspect -f {{.State.ExitCode}} box", "9")?;
        // Deaf for good: its time is over in the end.
        case.ok("restart -t 0 box")?;
        case.ok("kill -s TERM box")?;
        until_ok(LIMIT, "the end by another signal", || {
            ensure!(case.inspect("box")?["State"]["ExitCode"] == 9);
            Ok(())
        })?;
        case.ok("rm box")?;
        case.ok("run -d --name deaf busybox sleep 1000")?;
        case.ok("stop -t 1 deaf")?;
        case.says("inspect -f {{.State.ExitCode}} deaf", "137")?;
        case.ok("rm deaf").map(drop)
    })
}
