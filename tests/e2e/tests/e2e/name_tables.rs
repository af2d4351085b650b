//! Name tables of networks with thousands of names, and where there is no room for one more.

use anyhow::{Result, ensure};
use corten_e2e::{Case, both, is_reference, one};

fn address(case: &Case, container: &str) -> Result<String> {
    case.ok(&format!(
        "inspect -f '{{{{.NetworkSettings.Networks.shop.IPAddress}}}}' {container}"
    ))
}

/// What `asker` hears of a name.
fn heard(case: &Case, name: &str) -> Result<Vec<String>> {
    let answer = case.ok(&format!("exec asker nslookup -type=a {name}"))?;
    let lines = answer.lines().filter_map(|line| line.strip_prefix("Address: "));
    let mut found: Vec<String> = lines.map(str::to_owned).collect();
    found.sort();
    Ok(found)
}

#[test]
fn thousands_of_names() -> Result<()> {
    const EACH: usize = 2000;
    both(&["busybox"], |case| {
        case.ok("network create shop")?;
        case.ok("run -d --name asker --network shop busybox top")?;
        for container in ["one", "two", "three"] {
            let aliases = (0..EACH).map(|number| format!(r#""{container}-{number}""#));
            let aliases: Vec<String> = aliases.chain([r#""all""#.to_owned()]).collect();
            let body = format!(
                r#"{{"Image":"busybox","Cmd":["top"],"HostConfig":{{"NetworkMode":"shop"}},
                "NetworkingConfig":{{"EndpointsConfig":{{"shop":{{"Aliases":[{}]}}}}}}}}"#,
                aliases.join(",")
            );
            let (status, text) = case.api("POST", &format!("/containers/create?name={container}"), &body)?;
            ensure!(status == 201, "{status} {text}");
            case.ok(&format!("start {container}"))?;
        }
        let mut all = Vec::new();
        for container in ["one", "two", "three"] {
            let own = address(case, container)?;
            for number in [0, EACH / 2, EACH - 1] {
                let found = heard(case, &format!("{container}-{number}"))?;
                ensure!(found == [own.clone()], "{container}-{number}: {found:?}, want {own}");
            }
            all.push(own);
        }
        all.sort();
        ensure!(heard(case, "all")? == all, "not all that share a name are told");
        case.fails("exec asker nslookup -type=a one-9999", 1, "can't find")?;
        case.ok("rm -f two")?;
        case.fails("exec asker nslookup -type=a two-0", 1, "can't find")?;
        ensure!(heard(case, "all")?.len() == 2);
        ensure!(heard(case, "three-1999")? == [address(case, "three")?]);
        case.ok("rm -f one three asker")?;
        case.ok("network rm shop").map(drop)
    })
}

#[test]
fn no_room_for_one_more() -> Result<()> {
    if is_reference()? {
        // It keeps names in its memory.
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.ok("network create shop")?;
        case.ok("run -d --name asker --network shop busybox top")?;
        case.ok("run -d --name box busybox top")?;
        case.ok("create --name late --network shop busybox top")?;
        case.script("mount -o remount,size=8m /run; head -c 16m /dev/zero >/run/full; true")?
            .success()?;
        for line in ["network connect shop box", "start late"] {
            case.fails(line, 1, "No space left on device")?;
        }
        // Those that are there go on, and nothing of the failures stays. (An exec session would need room, too.)
        let inside = |container: &str, command: &str| {
            let pid = case.ok(&format!("inspect -f '{{{{.State.Pid}}}}' {container}"))?;
            case.script(&format!("nsenter --net=/proc/{pid}/ns/net {command}"))
        };
        inside("asker", "busybox nslookup asker 127.0.0.11")?.success()?;
        ensure!(
            inside("asker", "busybox nslookup box 127.0.0.11")?.code != 0,
            "the failed one is known"
        );
        ensure!(
            inside("box", "ip -o link")?.success()?.text().lines().count() == 2,
            "the link is left"
        );
        case.script("rm /run/full; mount -o remount,size=50% /run")?.success()?;
        case.ok("network connect shop box")?;
        case.ok("start late")?;
        for name in ["box", "late"] {
            ensure!(heard(case, name)? == [address(case, name)?], "{name}");
        }
        case.ok("rm -f asker box late")?;
        case.ok("network rm shop").map(drop)
    })
}
