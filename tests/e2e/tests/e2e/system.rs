//! What the daemon says about itself: ping, version, info, events, negotiation.

use anyhow::{Result, ensure};
use corten_e2e::{both, one};
use corten_testkit::http;
use serde_json::Value;

#[test]
fn ping_has_the_headers_that_clients_read() -> Result<()> {
    one(&[], |case| {
        for path in ["/_ping", "/v1.24/_ping", "/v1.51/_ping"] {
            let answer = http::request(&case.daemon.socket_outside(), "GET", path, "")?;
            ensure!(answer.status == 200 && answer.body == b"OK", "{path}: {}", answer.head);
            let head = answer.head.to_lowercase();
            for line in [
                "api-version: 1.51",
                "docker-experimental: false",
                "ostype: linux",
                "cache-control: no-cache, no-store, must-revalidate",
                "pragma: no-cache",
            ] {
                ensure!(head.contains(line), "{line} is not in {head}");
            }
        }
        let answer = http::request(&case.daemon.socket_outside(), "HEAD", "/_ping", "")?;
        ensure!(answer.status == 200 && answer.body.is_empty(), "{}", answer.head);
        Ok(())
    })
}

#[test]
fn version_and_info() -> Result<()> {
    both(&["busybox"], |case| {
        let version: Value = serde_json::from_str(&case.ok("version --format '{{json .Server}}'")?)?;
        ensure!(
            version["ApiVersion"] == "1.51" && version["MinAPIVersion"] == "1.24",
            "{version}"
        );
        ensure!(
            version["Version"]
                .as_str()
                .is_some_and(|text| text.starts_with("28.5.2")),
            "{version}"
        );
        let info: Value = serde_json::from_str(&case.ok("info --format '{{json .}}'")?)?;
        ensure!(
            info["OSType"] == "linux" && info["Images"] == 1 && info["Containers"] == 0,
            "{info}"
        );
        ensure!(
            info["NCPU"].as_u64().is_some_and(|count| count > 0)
                && info["MemTotal"].as_u64().is_some_and(|size| size > 0),
            "{info}"
        );
        ensure!(info["Warnings"].is_null(), "{}", info["Warnings"]);
        let hub = &info["RegistryConfig"]["IndexConfigs"]["docker.io"];
        ensure!(hub["Official"] == true && hub["Mirrors"].is_array(), "{hub}");
        for line in ["info", "version"] {
            let said = case.run(line)?.success()?;
            ensure!(said.stderr.is_empty(), "{said}");
        }
        let shown = case.ok("info")?;
        for part in [
            "Server Version: 28.5.2",
            "Storage Driver: overlay2",
            "Backing Filesystem: ",
            "Logging Driver: json-file",
            "Cgroup Driver: cgroupfs",
            "Swarm: inactive",
            "Default Runtime: runc",
            "seccomp",
            "Total Memory: ",
            "Docker Root Dir: ",
        ] {
            ensure!(shown.contains(part), "{part} is not in {shown}");
        }
        Ok(())
    })
}

#[test]
fn versions_are_negotiated() -> Result<()> {
    one(&[], |case| {
        case.refuses(
            "GET",
            "/v1.99/info",
            "",
            400,
            "client version 1.99 is too new. Maximum supported API version is 1.51",
        )?;
        let too_old = "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version";
        let (status, text) = case.api("GET", "/v1.23/info", "")?;
        ensure!(status == 400 && text.contains(too_old), "{status} {text}");
        case.refuses("GET", "/nosuch", "", 404, "page not found")?;
        case.refuses("DELETE", "/v1.51/info", "", 404, "page not found")?;
        Ok(())
    })
}

#[test]
fn events_tell_a_containers_life() -> Result<()> {
    both(&["busybox"], |case| {
        let since = case.script("date +%s.%N")?.text().to_owned();
        case.run("run --name told busybox sh -c 'exit 3'")?.code_is(3)?;
        case.ok("rm told")?;
        let until = case.script("date +%s.%N")?.text().to_owned();
        let said = case.ok(&format!(
            "events --since {since} --until {until} --filter container=told --format '{{{{json .}}}}'"
        ))?;
        let events: Vec<Value> = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let actions: Vec<&str> = events.iter().filter_map(|event| event["Action"].as_str()).collect();
        ensure!(actions == ["create", "attach", "start", "die", "destroy"], "{said}");
        ensure!(events[3]["Actor"]["Attributes"]["exitCode"] == "3", "{said}");
        let networks = case.ok(&format!(
            "events --since {since} --until {until} --filter type=network --format '{{{{.Action}}}}'"
        ))?;
        ensure!(networks == "connect\ndisconnect", "{networks}");
        Ok(())
    })
}
