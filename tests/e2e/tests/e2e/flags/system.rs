//! The engine as a whole: sizes, pruning, the raw connection, global options, plugins.

use anyhow::{Result, ensure};
use corten_e2e::{both, one};

#[test]
fn sizes_pruning_and_the_raw_connection() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("create --name box busybox")?;
        let sizes = case.ok("system df --format '{{.Type}} {{.TotalCount}}'")?;
        ensure!(sizes.contains("Containers 1"), "{sizes}");
        let sizes = case.ok("system df -v")?;
        ensure!(sizes.contains("box"), "{sizes}");
        let answer = case.run_with_input(
            "system dial-stdio",
            b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )?;
        ensure!(answer.stdout.ends_with("\r\n\r\nOK"), "{answer}");
        let said = case.ok("system prune -f --filter label=nothing")?;
        ensure!(said.contains("Total reclaimed space: 0B"), "{said}");
        case.ok("-D -l error ps -q")?;
        case.ok("builder prune -f")?;
        let said = case.ok("system prune -f")?;
        ensure!(said.contains("Deleted Containers:"), "{said}");
        Ok(())
    })
}

#[test]
fn nothing_to_list_and_to_cancel() -> Result<()> {
    one(&[], |case| {
        for (method, path, want) in [
            ("GET", "/plugins", (200, "[]")),
            (
                "POST",
                "/swarm/leave",
                (503, "{\"message\":\"This node is not part of a swarm\"}"),
            ),
        ] {
            let (status, said) = case.api(method, path, "")?;
            ensure!((status, said.as_str()) == want, "{method} {path}: {status} {said}");
        }
        let (status, said) = case.api("POST", "/build/prune", "")?;
        ensure!(
            status == 200 && said.contains("\"SpaceReclaimed\":0"),
            "{status} {said}"
        );
        Ok(())
    })
}
