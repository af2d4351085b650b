//! What containers use: the documents, the stream, and what `docker stats` makes of them.

use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, is_reference, one};
use corten_testkit::http;
use corten_testkit::wait::until_ok;
use serde_json::Value;

fn sample(case: &Case, name: &str, query: &str) -> Result<Value> {
    let (status, body) = case.api("GET", &format!("/v1.51/containers/{name}/stats?{query}"), "")?;
    ensure!(status == 200, "{status} {body}");
    serde_json::from_str(&body).context("a sample")
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

#[test]
fn a_sample_tells_what_is_used() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name busy -m 64m --pids-limit 50 busybox sh -c 'while :; do :; done'")?;
        case.ok("run -d --name hosts --network host busybox sleep 1000")?;
        case.ok("create --name idle busybox true")?;
        let stats = sample(case, "busy", "stream=false")?;
        let (now, before) = (&stats["cpu_stats"], &stats["precpu_stats"]);
        let used = number(&now["cpu_usage"]["total_usage"]) - number(&before["cpu_usage"]["total_usage"]);
        let passed = number(&now["system_cpu_usage"]) - number(&before["system_cpu_usage"]);
        // It spins for a second; how much of one it gets is up to a loaded machine.
        ensure!(used > 20_000_000 && passed >= used / 2, "{used} of {passed} in {stats}");
        ensure!(number(&now["online_cpus"]) > 0, "{stats}");
        ensure!(stats["name"] == "/busy" && stats["read"] != stats["preread"], "{stats}");
        ensure!(
            !stats["preread"].as_str().unwrap_or("0001").starts_with("0001"),
            "{stats}"
        );
        ensure!(
            stats["pids_stats"]["current"] == 1 && stats["pids_stats"]["limit"] == 50,
            "{stats}"
        );
        let memory = &stats["memory_stats"];
        ensure!(memory["limit"] == 64 << 20 && number(&memory["usage"]) > 0, "{memory}");
        ensure!(
            memory["stats"].as_object().is_some_and(|map| map.len() > 10),
            "{memory}"
        );
        ensure!(stats["networks"]["eth0"]["rx_bytes"].is_u64(), "{stats}");
        let single = sample(case, "busy", "stream=false&one-shot=true")?;
        ensure!(
            single["preread"] == "0001-01-01T00:00:00Z" && single["precpu_stats"]["system_cpu_usage"].is_null(),
            "{single}"
        );
        let hosts = sample(case, "hosts", "stream=0&one-shot=1")?;
        ensure!(
            hosts["networks"].is_null() && number(&hosts["memory_stats"]["limit"]) > 64 << 20,
            "{hosts}"
        );
        let idle = sample(case, "idle", "stream=false")?;
        ensure!(
            idle["read"] == "0001-01-01T00:00:00Z" && idle["memory_stats"] == serde_json::json!({}),
            "{idle}"
        );
        case.refuses(
            "GET",
            "/v1.51/containers/nosuch/stats?stream=0",
            "",
            404,
            "No such container: nosuch",
        )?;
        let both = "/v1.51/containers/busy/stats?stream=1&one-shot=1";
        case.refuses("GET", both, "", 400, "cannot have stream=true and one-shot=true")?;
        let table = case.ok("stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}} {{.CPUPerc}}' busy")?;
        ensure!(
            table.starts_with("busy 1 ") && table.contains("/ 64MiB") && !table.ends_with(" 0.00%"),
            "{table}"
        );
        case.ok("rm -f busy hosts idle")?;
        Ok(())
    })
}

#[test]
fn traffic_is_counted() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name box busybox sleep 1000")?;
        let sent = |case: &Case| -> Result<u64> {
            let stats = sample(case, "box", "stream=false&one-shot=true")?;
            Ok(number(&stats["networks"]["eth0"]["tx_packets"]))
        };
        let before = sent(case)?;
        let gateway = case.ok("inspect -f '{{.NetworkSettings.Gateway}}' box")?;
        case.ok(&format!("exec box ping -c 5 -i 0.01 {gateway}"))?;
        let after = sent(case)?;
        ensure!(after >= before + 5, "{before} packets before, {after} after five pings");
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn a_stream_ends_with_its_container() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name box busybox sleep 1000")?;
        let socket = case.daemon.socket_outside();
        let stream = http::send(&socket, "GET", "/v1.51/containers/box/stats", "", "")?;
        stream.set_read_timeout(Some(LIMIT))?;
        let mut lines = BufReader::new(stream).lines();
        let mut next = || -> Result<Option<Value>> {
            for line in lines.by_ref() {
                let line = line?;
                // The chunk that ends an answer; the connection stays.
                if line == "0" {
                    return Ok(None);
                }
                if line.starts_with('{') {
                    return Ok(Some(serde_json::from_str(&line)?));
                }
            }
            Ok(None)
        };
        let first = next()?.context("a first sample")?;
        let second = next()?.context("a second sample")?;
        ensure!(first["preread"] == "0001-01-01T00:00:00Z", "{first}");
        ensure!(
            second["preread"] == first["read"] && second["read"] != first["read"],
            "{second}"
        );
        case.ok("rm -f box")?;
        until_ok(LIMIT, "the stream's end", || {
            ensure!(next()?.is_none(), "it goes on");
            Ok(())
        })
    })
}

/// Issue 5: `stats --no-stream` of 200 containers under 100 ms of CPU. Measured by hand with release builds;
/// here only that the daemon does not do many times that much in an unoptimised build.
#[test]
fn samples_are_cheap() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        const MANY: u32 = 20;
        for number in 0..MANY {
            case.ok(&format!("run -d --name box{number} busybox sleep 1000"))?;
        }
        let before = processor_time(case)?;
        let table = case.ok("stats --no-stream --format '{{.Name}}'")?;
        let used = processor_time(case)? - before;
        ensure!(table.lines().count() == MANY as usize, "{table}");
        eprintln!("stats of {MANY} containers: {used:?} of processor time in the daemon");
        ensure!(used < Duration::from_millis(500), "{used:?}");
        let names: Vec<String> = (0..MANY).map(|number| format!("box{number}")).collect();
        case.ok(&format!("rm -f {}", names.join(" ")))?;
        Ok(())
    })
}

/// The daemon's user and kernel time so far.
fn processor_time(case: &Case) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", case.daemon.pid()?))?;
    let (_, fields) = stat.rsplit_once(')').context("a stat line")?;
    let ticks: u64 = fields
        .split_ascii_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|text| text.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_millis(ticks * 10))
}
