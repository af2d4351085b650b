//! `diff`: what a container changed, as dockerd tells it, in containers that never ran, run and have ended.

use anyhow::{Result, ensure};
use corten_e2e::{Case, both};

/// The lines of `diff` in the order of their paths: Docker's own order is none.
fn diff(case: &Case, container: &str) -> Result<Vec<String>> {
    let said = case.ok(&format!("diff {container}"))?;
    let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
    lines.sort_by(|a, b| a[2..].cmp(&b[2..]));
    Ok(lines)
}

#[test]
fn kinds_of_changes() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("create --name idle -p 80 -v /fresh busybox true")?;
        ensure!(diff(case, "idle")?.is_empty(), "{:?}", diff(case, "idle")?);
        case.refuses(
            "GET",
            "/v1.51/containers/none/changes",
            "",
            404,
            "No such container: none",
        )?;
        case.says("diff idle", "")?;
        let (status, body) = case.api("GET", "/v1.51/containers/idle/changes", "")?;
        ensure!(status == 200 && body.trim() == "null", "{status} {body}");
        case.ok(
            "run --name box busybox sh -c 'echo x >/etc/new; mkdir -p /d/e; touch /d/e/f /plain; rm /bin/vi; chmod 700 /home; \
             rm -r /var/spool; echo x >> /etc/passwd; ln -s a /link; rm -r /root; mkdir /root; touch /root/in; echo h >> /etc/hosts'",
        )?;
        let wanted = [
            "C /bin",
            "D /bin/vi",
            "A /d",
            "A /d/e",
            "A /d/e/f",
            "C /etc",
            "A /etc/new",
            "C /etc/passwd",
            "C /home",
            "A /link",
            "A /plain",
            "A /root/in",
            "C /var",
            "D /var/spool",
        ];
        let found = diff(case, "box")?;
        let found: Vec<&str> = found
            .iter()
            .map(String::as_str)
            .filter(|line| *line != "C /root")
            .collect();
        ensure!(found == wanted, "{found:?}");
        case.ok("rm -v idle box").map(drop)
    })
}

/// What the runtime puts into every container is no change; what somebody puts in the same places is.
#[test]
fn what_the_engine_itself_makes() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name box -v /vol -v /tmp:/bound:ro --tmpfs /mem -h name busybox sh -c 'touch /vol/in /mem/in; sleep 1000'")?;
        // Mount points of the container's own are made in its layer.
        ensure!(
            diff(case, "box")? == ["A /bound", "A /mem", "A /vol"],
            "{:?}",
            diff(case, "box")?
        );
        case.ok("exec box touch /seen")?;
        ensure!(
            diff(case, "box")? == ["A /bound", "A /mem", "A /seen", "A /vol"],
            "{:?}",
            diff(case, "box")?
        );
        case.ok("pause box")?;
        ensure!(diff(case, "box")?.len() == 4, "{:?}", diff(case, "box")?);
        case.ok("unpause box")?;
        case.ok("rm -f -v box")?;
        Ok(())
    })
}

#[test]
fn deep_and_odd_names() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok(
            "run --name box busybox sh -c 'n=0; while [ $n -lt 300 ]; do mkdir d; cd d; n=$((n+1)); done; touch end; \
             touch \"/a b\" \"/c\\d\"'",
        )?;
        let found = diff(case, "box")?;
        ensure!(found.len() == 303, "{}", found.len());
        ensure!(
            found.iter().any(|line| line == "A /a b") && found.iter().any(|line| line == "A /c\\d"),
            "{found:?}"
        );
        ensure!(found.iter().any(|line| line.ends_with("/d/end")), "the deepest");
        case.ok("rm box")?;
        Ok(())
    })
}
