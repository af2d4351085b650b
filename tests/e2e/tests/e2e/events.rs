//! Events: what each verb tells, with which attributes, and a history that outlives the daemon.

use anyhow::{Result, ensure};
use corten_e2e::{Case, is_reference, one};
use serde_json::Value;

/// All events of the past that match.
fn past(case: &Case, filters: &str) -> Result<Vec<Value>> {
    let now = case.script("date +%s.%N")?.success()?.text().to_owned();
    let filters = filters
        .replace('{', "%7B")
        .replace('}', "%7D")
        .replace('"', "%22")
        .replace(' ', "%20");
    let path = format!("/v1.51/events?since=1&until={now}&filters={filters}");
    let (status, body) = case.api("GET", &path, "")?;
    ensure!(status == 200, "{status} {body}");
    body.lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}

fn actions(events: &[Value]) -> String {
    let actions: Vec<&str> = events.iter().filter_map(|event| event["Action"].as_str()).collect();
    actions.join(" ")
}

#[test]
fn every_verb_is_told() -> Result<()> {
    one(&["busybox"], |case| {
        let id = case.ok("run -d --name box -l color=red busybox sleep 1000")?;
        case.ok("pause box")?;
        case.ok("unpause box")?;
        case.ok("rename box other")?;
        case.ok("update --cpu-shares 512 other")?;
        case.ok("top other")?;
        case.ok("exec other true")?;
        case.ok("kill -s USR1 other")?;
        case.ok("stop -t 0 other")?;
        case.ok("rm other")?;
        let events = past(case, r#"{"type":["container"]}"#)?;
        let told = actions(&events);
        for action in [
            "create",
            "start",
            "pause",
            "unpause",
            "rename",
            "update",
            "top",
            "exec_create: true",
            "exec_start: true",
            "exec_die",
            "kill",
            "die",
            "stop",
            "destroy",
        ] {
            ensure!(told.contains(action), "no {action} in {told}");
        }
        let of = |action: &str| {
            events
                .iter()
                .find(|event| event["Action"] == action)
                .cloned()
                .unwrap_or_default()
        };
        for event in &events {
            let actor = &event["Actor"];
            ensure!(
                actor["ID"] == id && event["id"] == id && event["from"] == "busybox",
                "{event}"
            );
            ensure!(
                actor["Attributes"]["color"] == "red" && actor["Attributes"]["image"] == "busybox",
                "{event}"
            );
            ensure!(
                event["scope"] == "local" && event["status"] == event["Action"],
                "{event}"
            );
        }
        let attributes = |action: &str| of(action)["Actor"]["Attributes"].clone();
        ensure!(
            attributes("pause")["name"] == "box" && attributes("update")["name"] == "other",
            "{events:?}"
        );
        ensure!(
            attributes("rename")["oldName"] == "/box" && attributes("rename")["name"] == "other",
            "{events:?}"
        );
        ensure!(
            attributes("kill")["signal"] == "10" && attributes("die")["exitCode"] == "137",
            "{events:?}"
        );
        ensure!(
            attributes("exec_die")["exitCode"] == "0" && attributes("exec_die")["execID"].is_string(),
            "{events:?}"
        );
        let networks = past(case, r#"{"type":["network"]}"#)?;
        ensure!(actions(&networks) == "connect disconnect", "{networks:?}");
        for (filters, count) in [
            (r#"{"event":["pause","unpause"]}"#, 2),
            (r#"{"event":["exec_create"]}"#, 1),
            (r#"{"container":["other"],"event":["stop"]}"#, 1),
            (r#"{"label":["color=red"],"event":["create"]}"#, 1),
            (r#"{"label":["color=blue"]}"#, 0),
            (r#"{"image":["busybox"],"type":["container"],"event":["destroy"]}"#, 1),
            (r#"{"scope":["swarm"]}"#, 0),
        ] {
            let found = past(case, filters)?;
            ensure!(found.len() == count, "{filters}: {found:?}");
        }
        Ok(())
    })
}

#[test]
fn the_history_outlives_the_daemon() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.ok("create --name box0 busybox true")?;
        // More than the reference engine keeps.
        for number in 0..300 {
            let path = format!("/v1.51/containers/box{number}/rename?name=box{}", number + 1);
            let (status, body) = case.api("POST", &path, "")?;
            ensure!(status == 204, "{status} {body}");
        }
        let check = |case: &Case, count: usize| -> Result<()> {
            let events = past(case, r#"{"event":["create","rename"],"type":["container"]}"#)?;
            ensure!(events.len() == count, "{} events", events.len());
            ensure!(events[0]["Action"] == "create", "{}", events[0]);
            for (number, event) in events[1..].iter().enumerate() {
                let name = format!("box{}", number + 1);
                ensure!(
                    event["Actor"]["Attributes"]["name"] == name.as_str(),
                    "{number}: {event}"
                );
            }
            Ok(())
        };
        check(case, 301)?;
        case.daemon.kill()?;
        case.daemon.launch()?;
        check(case, 301)?;
        case.ok("rename box300 box301")?;
        check(case, 302)?;
        case.ok("rm box301")?;
        Ok(())
    })
}

/// Events of images have their labels while they are there; saved and loaded ones go by their ids.
#[test]
fn images_are_told_with_their_labels() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("create --name box -l color=red busybox true")?;
        case.ok("commit box made:1")?;
        let id = case.ok("inspect -f {{.Id}} made:1")?;
        let archive = case.daemon.sandbox.scratch().join("made.tar");
        case.ok(&format!("save -o {} made:1", archive.display()))?;
        case.ok("rmi made:1")?;
        case.ok(&format!("load -i {}", archive.display()))?;
        case.ok("tag made:1 made:2")?;
        case.ok("rmi made:1 made:2")?;
        case.ok("rm box")?;
        let events = past(case, r#"{"type":["image"]}"#)?;
        for (action, name, color) in [
            ("create", id.as_str(), Some("red")),
            ("tag", "made:1", Some("red")),
            ("save", &id, Some("red")),
            ("untag", &id, Some("red")),
            ("delete", &id, None),
            ("load", &id, Some("red")),
            ("tag", "made:2", Some("red")),
        ] {
            let told = events.iter().any(|event| {
                let attributes = &event["Actor"]["Attributes"];
                event["id"] == id
                    && event["Action"] == action
                    && attributes["name"] == name
                    && attributes["color"].as_str() == color
            });
            ensure!(told, "no {action} of {name} with {color:?} in {events:?}");
        }
        Ok(())
    })
}
