//! Links: the names that they give, removing them, and linked containers that are renamed or start again elsewhere.

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT, both, on_daemon};
use corten_testkit::DaemonOptions;
use corten_testkit::wait::until_ok;

fn names_of(case: &Case, container: &str) -> Result<Vec<String>> {
    let filter = format!("%7B%22name%22%3A%5B%22{container}%22%5D%7D");
    let (_, list) = case.api("GET", &format!("/containers/json?filters={filter}"), "")?;
    let list: serde_json::Value = serde_json::from_str(&list)?;
    Ok(serde_json::from_value(list[0]["Names"].clone())?)
}

#[test]
fn a_link_is_a_name_and_can_be_removed() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name db busybox top")?;
        case.ok("run -d --name web --link db:store --link db:other busybox top")?;
        ensure!(
            names_of(case, "db")? == ["/db", "/web/other", "/web/store"],
            "{:?}",
            names_of(case, "db")?
        );
        case.says("ps --filter name=db --format '{{.Names}}'", "db")?;
        case.says("inspect -f '{{.Name}}' web/store", "/db")?;
        case.says(
            "exec web/store hostname",
            &case.ok("inspect -f '{{.Config.Hostname}}' db")?,
        )?;
        case.ok("exec web ping -c 1 -W 3 store")?;
        case.ok("rename db base")?;
        case.says(
            "inspect -f '{{.HostConfig.Links}}' web",
            "[/base:/web/store /base:/web/other]",
        )?;

        case.fails(
            "rm --link web",
            1,
            "Conflict, cannot remove the default link name of the container",
        )?;
        case.fails("rm --link nope/x", 1, "No such container: nope/x")?;
        case.fails("rm --link web/x", 1, "No such container: web/x")?;
        case.says("rm --link web/store", "web/store")?;
        case.says("inspect -f '{{.HostConfig.Links}}' web", "[/base:/web/other]")?;
        ensure!(names_of(case, "base")? == ["/base", "/web/other"]);
        let hosts = case.ok("exec web cat /etc/hosts")?;
        ensure!(!hosts.contains("store") && hosts.contains("other"), "{hosts}");
        case.fails("rm --link web/store", 1, "No such container: web/store")?;
        case.ok("exec web ping -c 1 -W 3 other")?;
        // The names hold after a restart of the linking container too.
        case.ok("restart -t 0 web")?;
        let hosts = case.ok("exec web cat /etc/hosts")?;
        ensure!(!hosts.contains("store") && hosts.contains("other"), "{hosts}");
        case.ok("rm -f web base")?;
        Ok(())
    })
}

#[test]
fn a_linked_container_is_found_at_its_next_address() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name db busybox top")?;
        case.ok("run -d --name web --link db:store --link db busybox top")?;
        let address = |case: &Case| case.ok("inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' db");
        let before = address(case)?;
        case.ok("stop -t 0 db")?;
        case.ok("run -d --name squatter busybox top")?;
        case.ok("start db")?;
        let after = address(case)?;
        ensure!(before != after, "it has its address again");
        let hosts = case.ok("exec web cat /etc/hosts")?;
        let lines = hosts
            .lines()
            .filter(|line| line.starts_with(&format!("{after}\t")))
            .count();
        ensure!(lines == 2 && !hosts.contains(&format!("{before}\t")), "{hosts}");
        case.ok("exec web ping -c 1 -W 3 store")?;
        case.ok("rm -f web db squatter")?;
        Ok(())
    })
}

#[test]
fn links_of_a_users_network_are_the_name_servers() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("network create net")?;
        case.ok("run -d --name db --network net busybox top")?;
        case.ok("run -d --name web busybox top")?;
        case.ok("network connect --link db:store net web")?;
        case.ok("exec web ping -c 1 -W 3 store")?;
        case.ok("run -d --name other --network net --link db:kept busybox top")?;
        case.ok("exec other ping -c 1 -W 3 kept")?;
        case.ok("restart -t 0 db")?;
        case.ok("exec web ping -c 1 -W 3 store")?;
        case.ok("exec other ping -c 1 -W 3 kept")?;
        let unlinked = case.run("exec db ping -c 1 -W 1 store")?;
        ensure!(unlinked.code != 0, "an alias is the linking container's alone");
        case.ok("rm -f web db other")?;
        case.ok("network rm net")?;
        Ok(())
    })
}

#[test]
fn a_link_opens_a_network_whose_containers_are_kept_apart() -> Result<()> {
    let options = DaemonOptions {
        arguments: vec!["--icc=false".to_owned()],
        ..DaemonOptions::default()
    };
    on_daemon(options, &["busybox"], |case| {
        let server = "--expose 80 busybox sh -c 'httpd -h /etc; httpd -p 81 -h /etc; exec top'";
        case.ok(&format!("run -d --name db {server}"))?;
        case.ok("run -d --name web --link db:store --link db:other busybox top")?;
        case.ok("run -d --name third busybox top")?;
        let address = |case: &Case| case.ok("inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' db");
        let reaches = |case: &Case, from: &str, to: &str| -> Result<bool> {
            let ask = format!("printf \"GET /hostname HTTP/1.0\\r\\n\\r\\n\" | nc -w 2 {to}");
            let got = case.run(&format!("exec {from} sh -c '{ask}'"))?;
            Ok(got.stdout.contains("200 OK"))
        };
        let serves = |case: &Case, name: &str| {
            until_ok(LIMIT, "the server", || {
                ensure!(reaches(case, "web", name)?, "{name} is not reached");
                Ok(())
            })
        };
        serves(case, "store 80")?;
        ensure!(!reaches(case, "web", "store 81")?, "it exposes port 80 only");
        ensure!(!reaches(case, "third", &format!("{} 80", address(case)?))?);

        // The other end starts again elsewhere, and one of two names goes.
        case.ok("stop -t 0 db")?;
        case.ok("run -d --name squatter busybox top")?;
        case.ok("start db")?;
        serves(case, "store 80")?;
        case.ok("rm --link web/store")?;
        ensure!(reaches(case, "web", "other 80")?, "by its other name");
        if !corten_e2e::is_reference()? {
            case.daemon.kill()?;
            case.daemon.launch()?;
            ensure!(reaches(case, "web", "other 80")?, "with another daemon");
        }
        case.ok("rm --link web/other")?;
        ensure!(
            !reaches(case, "web", &format!("{} 80", address(case)?))?,
            "no link is left"
        );
        case.ok("rm -f web db third squatter")?;
        Ok(())
    })
}
