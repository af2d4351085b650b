//! The filters of `ps` against real containers, and their refusals.

use std::time::Duration;

use anyhow::{Result, ensure};
use corten_e2e::one;
use corten_testkit::wait::until;

fn encoded(filters: &str) -> String {
    let mut text = String::new();
    for byte in filters.bytes() {
        text.push_str(&format!("%{byte:02X}"));
    }
    text
}

#[test]
fn every_filter_chooses() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok(
            "run -d --name web-1 -l tier=front --expose 443 -p 127.0.0.1:8080:80 -v data:/data busybox sleep 1000",
        )?;
        case.ok("run -d --name web-2 --network none busybox sleep 1000")?;
        case.ok("run --name ended -l tier=back busybox sh -c 'exit 3'").err();
        case.ok("create --name fresh busybox true")?;
        case.ok("pause web-2")?;
        let id = case.ok("inspect -f '{{.Id}}' web-1")?;
        for (filters, expected) in [
            (r#"{"name":["web"]}"#, "web-2 web-1"),
            (r#"{"name":["^/web-[0-9]$"]}"#, "web-2 web-1"),
            (r#"{"name":["^w.b-1$"]}"#, "web-1"),
            (r#"{"name":["web-1|ended"]}"#, "ended web-1"),
            (r#"{"name":["["]}"#, ""),
            (r#"{"id":["{ID}"]}"#, "web-1"),
            (r#"{"label":["tier"]}"#, "ended web-1"),
            (r#"{"label":["tier=back"]}"#, "ended"),
            (r#"{"status":["paused"]}"#, "web-2"),
            (r#"{"status":["created","exited"]}"#, "fresh ended"),
            (r#"{"exited":["3"]}"#, "ended"),
            (r#"{"exited":["0"]}"#, ""),
            (r#"{"ancestor":["busybox"]}"#, "fresh ended web-2 web-1"),
            (r#"{"ancestor":["nosuch"]}"#, ""),
            (r#"{"before":["web-2"]}"#, "web-1"),
            (r#"{"since":["web-2"]}"#, "fresh ended"),
            (r#"{"volume":["data"]}"#, "web-1"),
            (r#"{"volume":["/data"]}"#, "web-1"),
            (r#"{"network":["none"]}"#, "web-2"),
            (r#"{"publish":["8080"]}"#, "web-1"),
            (r#"{"publish":["8000-8100/tcp"]}"#, "web-1"),
            (r#"{"expose":["443"]}"#, "web-1"),
            (r#"{"health":["none"]}"#, "fresh ended web-2 web-1"),
            (r#"{"is-task":["false"]}"#, "fresh ended web-2 web-1"),
            (r#"{"is-task":["true"]}"#, ""),
        ] {
            let asked = encoded(&filters.replace("{ID}", &id[..12]));
            let (status, body) = case.api("GET", &format!("/v1.51/containers/json?all=1&filters={asked}"), "")?;
            let list: serde_json::Value = serde_json::from_str(&body)?;
            let names: Vec<&str> = list
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one["Names"][0].as_str()?.strip_prefix('/'))
                .collect();
            ensure!(status == 200 && names.join(" ") == expected, "{filters}: {names:?}");
        }
        case.ok("unpause web-2")?;
        case.ok("rm -f -v web-1 web-2 ended fresh")?;
        case.ok("volume rm data")?;
        Ok(())
    })
}

#[test]
fn a_row_follows_every_change() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("network create side")?;
        case.ok(
            "run -d --name first -p 127.0.0.1:8081:80 --health-cmd 'test -e /tmp/well' --health-interval 100ms \
             --health-retries 1000 busybox sleep 1000",
        )?;
        let row = || case.ok("ps --format '{{.Names}} {{.Image}} {{.State}} {{.Status}} {{.Networks}} {{.Ports}}'");
        let shows = |expected: &str| -> Result<()> {
            // twice: as it is written, and as it is kept
            for _ in 0..2 {
                let text = row()?;
                ensure!(text.contains(expected), "{expected}: {text}");
            }
            Ok(())
        };
        shows("first busybox running Up")?;
        shows("(health: starting) bridge 127.0.0.1:8081->80/tcp")?;
        case.ok("exec first touch /tmp/well")?;
        until(Duration::from_secs(20), "the health in the list", || {
            row().ok().filter(|text| text.contains("(healthy)"))
        })?;
        case.ok("rename first second")?;
        shows("second busybox running")?;
        case.ok("network connect side second")?;
        // Docker's client takes them from a map, so in any order
        let both = row()?;
        ensure!(both.contains("bridge,side") || both.contains("side,bridge"), "{both}");
        case.ok("network disconnect side second")?;
        shows("(healthy) bridge 127")?;
        case.ok("pause second")?;
        shows("second busybox paused")?;
        case.ok("unpause second")?;
        shows("second busybox running")?;
        let id = case.ok("inspect -f '{{.Image}}' second")?;
        let short = id.strip_prefix("sha256:").and_then(|hex| hex.get(..12));
        case.ok("tag busybox kept")?;
        case.ok("rmi busybox")?;
        shows(&format!("second {} running", short.unwrap_or_default()))?;
        case.ok("tag kept busybox")?;
        case.ok("rmi kept")?;
        shows("second busybox running")?;
        case.ok("restart -t 0 second")?;
        shows("second busybox running Up")?;
        case.ok("stop -t 0 second")?;
        ensure!(row()?.is_empty(), "{}", row()?);
        case.ok("rm second")?;
        case.ok("network rm side")?;
        Ok(())
    })
}

#[test]
fn what_is_no_filter() -> Result<()> {
    one(&["busybox"], |case| {
        for (filters, status, message) in [
            (r#"{"bogus":["x"]}"#, 400, "invalid filter 'bogus'"),
            (r#"{"before":["nosuch"]}"#, 404, "No such container: nosuch"),
            (
                r#"{"exited":["x"]}"#,
                400,
                "invalid filter 'exited=x': strconv.Atoi: parsing \"x\": invalid syntax",
            ),
            (
                r#"{"health":["x"]}"#,
                400,
                "invalid filter 'health=x': invalid value for health (x): must be one of none, starting, healthy, unhealthy",
            ),
            (r#"{"is-task":["x"]}"#, 400, "invalid filter 'is-task=[x]'"),
        ] {
            let path = format!("/v1.51/containers/json?filters={}", encoded(filters));
            case.refuses("GET", &path, "", status, message)?;
        }
        Ok(())
    })
}
