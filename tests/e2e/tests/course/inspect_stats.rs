//! Rows of the area `inspect-stats`.

use anyhow::{Result, ensure};
use corten_e2e::Case;
use serde_json::Value;

use crate::rows::group;

fn json(case: &Case, field: &str) -> Result<Value> {
    Ok(serde_json::from_str(&case.ok(&format!(
        "inspect -f '{{{{json .{field}}}}}' tender_chandrasekhar"
    ))?)?)
}

fn has(value: &Value, keys: &[&str]) -> Result<()> {
    let missing: Vec<&&str> = keys.iter().filter(|key| value.get(**key).is_none()).collect();
    ensure!(missing.is_empty(), "{missing:?} are missing in {value}");
    Ok(())
}

fn start(case: &Case) -> Result<()> {
    case.ok("run -d --name tender_chandrasekhar -p 8080:80 -v /data nginx")
        .map(drop)
}

#[test]
fn inspect() -> Result<()> {
    group(&["nginx"], |rows| {
        rows.row("C-342 C-343 C-344 C-345 C-346", |case| {
            start(case)?;
            ensure!(case.inspect("tender_chandrasekhar")?["Name"] == "/tender_chandrasekhar");
            let unknown = case.run("inspect nobody")?.code_is(1)?.says("[]")?;
            let said = unknown.stderr.to_lowercase();
            ensure!(said.contains("error: no such object: nobody"), "{said}");
            let network = json(case, "NetworkSettings")?;
            has(&network["Networks"]["bridge"], &["IPAddress", "Gateway", "MacAddress"])?;
            ensure!(network["Ports"]["80/tcp"][0]["HostPort"] == "8080", "{network}");
            has(
                &json(case, "HostConfig")?,
                &["Memory", "NanoCpus", "CpuShares", "CgroupParent", "PidsLimit"],
            )?;
            let both = case.ok("inspect -f '{{json .GraphDriver}} {{json .Mounts}}' tender_chandrasekhar")?;
            ensure!(
                both.contains("\"Name\":\"overlay2\"") && both.contains("\"Destination\":\"/data\""),
                "{both}"
            );
            let keys = [
                "Status",
                "Running",
                "Paused",
                "OOMKilled",
                "Pid",
                "ExitCode",
                "StartedAt",
                "FinishedAt",
            ];
            has(&json(case, "State")?, &keys)
        });
        rows.row("C-347 C-348 C-349", |case| {
            start(case)?;
            let inspected = case.inspect("tender_chandrasekhar")?;
            let address = inspected["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
                .as_str()
                .unwrap_or_default();
            let template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
            case.says(&format!("inspect --format='{template}' tender_chandrasekhar"), address)?;
            let template = "orsys vous salut {{.Name}}";
            let line = format!("inspect --format='{template}' tender_chandrasekhar");
            case.says(&line, "orsys vous salut /tender_chandrasekhar")?;
            let template = "{{with .State}} {{$.Name}} mon PiD {{.Pid}} {{end}}";
            let said = case
                .run(&format!("inspect --format='{template}' tender_chandrasekhar"))?
                .success()?;
            let want = format!(" /tender_chandrasekhar mon PiD {} \n", inspected["State"]["Pid"]);
            ensure!(said.stdout == want, "{:?}", said.stdout);
            Ok(())
        });
        rows.row("C-350", |case| {
            let image = case.inspect("nginx")?;
            has(&image, &["Id", "RepoTags", "Config", "RootFS"])?;
            ensure!(
                image["RootFS"]["Layers"]
                    .as_array()
                    .is_some_and(|layers| layers.len() == 2),
                "{image}"
            );
            case.says("image inspect -f '{{.Config.ExposedPorts}}' nginx", "map[80/tcp:{}]")
        });
    })
}

#[test]
fn stats() -> Result<()> {
    group(&["debian"], |rows| {
        rows.row("C-351", |case| {
            case.ok("run -d --name counted --memory 64m debian sleep 600")?;
            let said = case.ok("stats --no-stream counted")?;
            let lines: Vec<&str> = said.lines().collect();
            ensure!(lines.len() == 2, "{said}");
            let header = lines[0]
                .split("  ")
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>();
            let want = [
                "CONTAINER ID",
                "NAME",
                "CPU %",
                "MEM USAGE / LIMIT",
                "MEM %",
                "NET I/O",
                "BLOCK I/O",
                "PIDS",
            ];
            ensure!(header == want, "{said}");
            ensure!(
                lines[1].contains(" counted ") && lines[1].contains(" / 64MiB "),
                "{said}"
            );
            ensure!(lines[1].trim().ends_with(" 1"), "{said}");
            Ok(())
        });
    })
}
