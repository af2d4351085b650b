//! Many: two hundred side by side, one name a thousand times, and nothing grows.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, is_reference, one};
use corten_testkit::http;

#[test]
fn two_hundred_eight_at_a_time() -> Result<()> {
    let count = if is_reference()? { 16 } else { 200 };
    one(&["busybox"], |case| {
        let each = |line: &str| {
            format!(
                "export DOCKER_HOST=unix://{}; seq {count} | xargs -P 8 -I N {line}",
                case.daemon.socket()
            )
        };
        case.script(&each("docker run -d --name many-N busybox sleep 1000 >/dev/null"))?
            .success()?;
        ensure!(case.ok("ps -q")?.lines().count() == count, "not all run");
        let descriptors = descriptors(case)?;
        case.script(&format!(
            "export DOCKER_HOST=unix://{}; docker ps -q | xargs docker rm -f >/dev/null",
            case.daemon.socket()
        ))?
        .success()?;
        case.says("ps -aq", "")?;
        let left = self::descriptors(case)?;
        ensure!(
            left <= descriptors,
            "{left} descriptors with none, {descriptors} with {count} containers"
        );
        Ok(())
    })
}

#[test]
fn one_name_a_thousand_times() -> Result<()> {
    let count = if is_reference()? { 10 } else { 1000 };
    one(&["busybox"], |case| {
        let socket = case.daemon.socket_outside();
        let body = r#"{"Image":"busybox","Cmd":["true"],"Volumes":{"/data":{}},"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8080"}]}},"ExposedPorts":{"80/tcp":{}}}"#;
        let steps = [
            ("POST", "/v1.51/containers/create?name=same", body, 201),
            ("POST", "/v1.51/containers/same/start", "", 204),
            ("POST", "/v1.51/containers/same/wait", "", 200),
            ("DELETE", "/v1.51/containers/same?v=1", "", 204),
        ];
        let mut after_first = 0;
        for round in 1..=count {
            for (method, path, body, status) in steps {
                let answer =
                    http::request(&socket, method, path, body).with_context(|| format!("round {round}: {path}"))?;
                ensure!(
                    answer.status == status,
                    "round {round}: {method} {path}: {} {}",
                    answer.status,
                    answer.text()
                );
            }
            if round == 10 {
                after_first = descriptors(case)?;
            }
        }
        ensure!(
            descriptors(case)? <= after_first + 4,
            "{} descriptors after {after_first}",
            descriptors(case)?
        );
        Ok(())
    })
}

/// How many descriptors the daemon has open.
fn descriptors(case: &Case) -> Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{}/fd", case.daemon.pid()?))?.count())
}
