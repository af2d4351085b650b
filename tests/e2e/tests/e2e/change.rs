//! What changes of a container after its creation: its name, its limits, its restart policy.

use anyhow::{Result, ensure};
use corten_e2e::{Case, is_reference, one};
use serde_json::json;

#[test]
fn a_container_gets_another_name() -> Result<()> {
    one(&["busybox"], |case| {
        let id = case.ok("run -d --name first busybox sleep 1000")?;
        let other = case.ok("create --name taken busybox true")?;
        case.ok("rename first second")?;
        case.says("inspect -f '{{.Name}} {{.Id}}' second", &format!("/second {id}"))?;
        case.fails("inspect first", 1, "No such")?;
        case.says("ps --format '{{.Names}}'", "second")?;
        // The old name is free again, also for a container of its own.
        let third = case.ok("create --name first busybox true")?;
        case.says("inspect -f '{{.Id}}' first", &third)?;
        for (of, name, status, message) in [
            ("second", "", 400, "Neither old nor new names may be empty"),
            ("nosuch", "x1", 404, "No such container: nosuch"),
            (
                "second",
                "second",
                400,
                "Renaming a container with the same name as its current name",
            ),
            (
                "second",
                "%2Fsecond",
                400,
                "Renaming a container with the same name as its current name",
            ),
            (
                "second",
                "-x",
                400,
                "Error when allocating new name: Invalid container name (/-x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
            ),
            (
                "second",
                "taken",
                409,
                "Error when allocating new name: Conflict. The container name \"/taken\" is already in use by container \"{ID}\". You have to remove (or rename) that container to be able to reuse that name.",
            ),
        ] {
            let path = format!("/v1.51/containers/{of}/rename?name={name}");
            case.refuses("POST", &path, "", status, &message.replace("{ID}", &other))?;
        }
        let (status, _) = case.api("POST", "/v1.51/containers/second/rename?name=%2Fthird", "")?;
        ensure!(status == 204, "{status}");
        let until = case.script("date +%s.%N")?.success()?.text().to_owned();
        let renames = format!("events --since 1h --until {until} --filter event=rename --format '{{{{json .}}}}'");
        let events = case.ok(&renames)?;
        ensure!(events.contains(r#""oldName":"/second""#), "{events}");
        if !is_reference()? {
            case.daemon.kill()?;
            case.daemon.launch()?;
        }
        case.says("inspect -f '{{.Name}}' third", "/third")?;
        ensure!(case.ok(&renames)? == events, "the history is another after a kill");
        case.ok("rm -f third first taken")?;
        Ok(())
    })
}

/// A limit as the kernel has it, by its files on v1 and v2.
fn limit(case: &Case, v1: &str, v2: &str) -> Result<String> {
    let id = case.ok("inspect -f '{{.Id}}' box")?;
    let script = format!("cat /sys/fs/cgroup/{v1}/*/{id}/{v1}.{v2} 2>/dev/null || cat /sys/fs/cgroup/*/{id}/{v2}");
    Ok(case.script(&script)?.success()?.text().to_owned())
}

fn update(case: &Case, body: &str) -> Result<()> {
    let (status, text) = case.api("POST", "/v1.51/containers/box/update", body)?;
    ensure!(
        status == 200 && text == r#"{"Warnings":null}"#,
        "{body}: {status} {text}"
    );
    Ok(())
}

#[test]
fn limits_change_while_it_runs_and_last() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name box -m 64m busybox sleep 1000")?;
        let host = |case: &Case| -> Result<serde_json::Value> { Ok(case.inspect("box")?["HostConfig"].clone()) };
        update(case, "{}")?;
        update(case, r#"{"PidsLimit":77}"#)?;
        ensure!(
            limit(case, "pids", "max")? == "77" || limit(case, "pids", "pids.max")? == "77",
            "pids.max"
        );
        // Up needs the limit with swap first, down the limit alone.
        for megabytes in [128_i64, 16, 256] {
            let bytes = megabytes << 20;
            update(case, &format!(r#"{{"Memory":{bytes},"MemorySwap":{}}}"#, 2 * bytes))?;
            let shown = limit(case, "memory", "limit_in_bytes").or_else(|_| limit(case, "memory", "memory.max"))?;
            ensure!(shown == bytes.to_string(), "{megabytes} MiB: {shown}");
        }
        update(case, r#"{"CpuShares":512,"CpuQuota":50000,"CpuPeriod":100000}"#)?;
        update(case, r#"{"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3}}"#)?;
        let holds = |case: &Case| -> Result<()> {
            let host = host(case)?;
            ensure!(
                host["Memory"] == 256 << 20 && host["CpuShares"] == 512 && host["CpuQuota"] == 50000,
                "{host}"
            );
            ensure!(
                host["PidsLimit"] == 77
                    && host["RestartPolicy"] == json!({"Name": "on-failure", "MaximumRetryCount": 3}),
                "{host}"
            );
            Ok(())
        };
        holds(case)?;
        if !is_reference()? {
            case.daemon.kill()?;
            case.daemon.launch()?;
            holds(case)?;
        }
        case.ok("restart -t 0 box")?;
        holds(case)?;
        let shown = limit(case, "memory", "limit_in_bytes").or_else(|_| limit(case, "memory", "memory.max"))?;
        ensure!(shown == (256 << 20).to_string(), "after a restart: {shown}");
        update(case, r#"{"PidsLimit":0}"#)?;
        ensure!(host(case)?["PidsLimit"] == 0, "{}", host(case)?);
        case.says("update --cpu-shares 100 box", "box")?;
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn what_cannot_be_updated() -> Result<()> {
    one(&["busybox"], |case| {
        let id = case.ok("run -d --name box busybox sleep 1000")?;
        let nano = case.ok("create --name nano --cpus 0.5 busybox true")?;
        let short = case.ok("create --name short --rm busybox true")?;
        let memory =
            "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time";
        let conflict = |id: &str, text: &str| format!("Cannot update container {id}: {text}");
        for (of, body, status, message) in [
            ("nosuch", "{}", 404, "No such container: nosuch".to_owned()),
            ("nosuch", r#"{"Memory":1048576}"#, 400, "Minimum memory limit allowed is 6MB".to_owned()),
            ("box", r#"{"Memory":67108864}"#, 409, conflict(&id, memory)),
            (
                "box",
                r#"{"Memory":8388608,"MemorySwap":4194304}"#,
                400,
                "Minimum memoryswap limit should be larger than memory limit, see usage".to_owned(),
            ),
            (
                "nano",
                r#"{"CpuQuota":50000}"#,
                409,
                conflict(&nano, "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set"),
            ),
            (
                "short",
                r#"{"RestartPolicy":{"Name":"always"}}"#,
                409,
                conflict(
                    &short,
                    "Restart policy cannot be updated because AutoRemove is enabled for the container",
                ),
            ),
            (
                "box",
                r#"{"RestartPolicy":{"Name":"bogus"}}"#,
                400,
                "invalid restart policy: unknown policy 'bogus'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'".to_owned(),
            ),
            (
                "box",
                r#"{"RestartPolicy":{"Name":"always","MaximumRetryCount":3}}"#,
                400,
                "invalid restart policy: maximum retry count can only be used with 'on-failure'".to_owned(),
            ),
            (
                "box",
                r#"{"CpuQuota":10}"#,
                400,
                "CPU cfs quota can not be less than 1ms (i.e. 1000)".to_owned(),
            ),
            (
                "box",
                "x",
                400,
                "invalid JSON: invalid character 'x' looking for beginning of value".to_owned(),
            ),
        ] {
            case.refuses("POST", &format!("/v1.51/containers/{of}/update"), body, status, &message)?;
        }
        let host = &case.inspect("box")?["HostConfig"];
        ensure!(host["Memory"] == 0 && host["RestartPolicy"]["Name"] == "no", "{host}");
        case.ok("rm -f box nano short")?;
        Ok(())
    })
}
