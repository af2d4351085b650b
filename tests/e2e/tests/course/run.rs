//! Rows of the area `run` that need no terminal and no image but debian and alpine.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT};
use corten_testkit::{http, until};

use crate::rows::group;

fn state(case: &Case, name: &str) -> Result<String> {
    case.ok(&format!(
        "inspect -f '{{{{.State.Status}}}} {{{{.State.ExitCode}}}}' {name}"
    ))
}

/// `action value` of what happened to one container since `since`, in order. Docker says `stop` before or after
/// `die`, as it comes; here `die` comes first.
fn events(case: &Case, name: &str, since: &str, wanted: &str) -> Result<String> {
    let format = format!("{{{{.Action}}}}{{{{with index .Actor.Attributes \"{wanted}\"}}}} {{{{.}}}}{{{{end}}}}");
    let until = case.script("date +%s.%N")?.success()?.text().to_owned();
    let line = format!("events --since {since} --until {until} --filter container={name} --format '{format}'");
    Ok(case.ok(&line)?.replace('\n', ", ").replace("stop, die", "die, stop"))
}

fn now(case: &Case) -> Result<String> {
    Ok(case.script("date +%s.%N")?.success()?.text().to_owned())
}

#[test]
fn a_first_container() -> Result<()> {
    group(&["debian"], |rows| {
        rows.row("C-003", |case| {
            case.says(
                "ps",
                "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES",
            )
        });
        rows.row("C-001 C-002 C-004 C-005", |case| {
            case.run("run debian /bin/echo Salut")?.success()?.says("Salut")?;
            case.run("run debian /bin/echo Coucou")?.success()?.says("Coucou")?;
            let rows = case.ok("ps -a")?;
            // Ages may differ from one moment to the next.
            case.says("ps --all -q", &case.ok("ps -a -q")?)?;
            let lines: Vec<&str> = rows.lines().collect();
            ensure!(lines.len() == 3, "{rows}");
            for (line, command) in lines
                .iter()
                .skip(1)
                .zip(["\"/bin/echo Coucou\"", "\"/bin/echo Salut\""])
            {
                let name = line.split_whitespace().last().unwrap_or_default();
                ensure!(line.contains("   debian    ") && line.contains(command), "{rows}");
                ensure!(line.contains("Exited (0) ") && line.contains(" ago"), "{rows}");
                ensure!(name.split('_').count() == 2, "{rows}");
            }
            Ok(())
        });
        rows.row("C-010", |case| {
            case.ok("run -d --name one debian sleep 600")?;
            case.says("stop -t 0 one", "one")?;
            ensure!(state(case, "one")?.starts_with("exited "), "{}", state(case, "one")?);
            case.fails("stop", 1, "stop' requires at least 1 argument")
        });
        rows.row("C-020 C-021 C-022", |case| {
            case.ok("run --name vibrant_swanson debian /bin/echo Salut")?;
            let before = case.inspect("vibrant_swanson")?;
            let log = before["LogPath"].as_str().context("a log path")?.to_owned();
            case.script(&format!("test -e {log}"))?.success()?;
            case.says("rm vibrant_swanson", "vibrant_swanson")?;
            case.says("ps -aq", "")?;
            case.script(&format!("! test -e {log}"))?.success()?;
            case.ok("run -d --name r1 debian sleep 600")?;
            let refusal = "Error response from daemon: cannot remove container \"r1\": container is running: \
                           stop the container before removing or force remove";
            case.fails("rm r1", 1, refusal)?;
            case.says("inspect -f '{{.State.Running}}' r1", "true")?;
            case.says("stop -t 0 r1", "r1")?;
            case.says("rm r1", "r1")?;
            case.ok("run -d --name r1 debian sleep 600")?;
            case.says("rm -f r1", "r1")
        });
        rows.row("C-041", |case| {
            let id = case.ok("create --name nom debian:latest echo prêt")?;
            ensure!(id.len() == 64, "{id}");
            case.says("ps -a --format '{{.Status}}'", "Created")?;
            case.says("start -a nom", "prêt")
        });
        rows.row("C-043", |case| {
            case.ok("run --name xx debian true")?;
            ensure!(state(case, "xx")? == "exited 0", "{}", state(case, "xx")?);
            case.says("start xx", "xx")?;
            case.says("wait xx", "0")
        });
        rows.row("C-018", |case| {
            case.says("run --name vibrant_swanson debian /bin/echo Salut", "Salut")?;
            case.says("start -i vibrant_swanson", "Salut")?;
            case.says("ps -a --format '{{.Names}}'", "vibrant_swanson")
        });
        rows.row("C-042", |case| {
            let flags = |verb: &str| -> Result<Vec<String>> {
                let page = case.ok(&format!("{verb} --help"))?;
                let words = page.split([' ', ',', '\n']).filter(|word| word.starts_with("--"));
                Ok(words.map(str::to_owned).collect())
            };
            let run = flags("run")?;
            let missing: Vec<String> = flags("create")?.into_iter().filter(|flag| !run.contains(flag)).collect();
            ensure!(missing.is_empty(), "run lacks {missing:?}");
            let options = "-e A=1 -l b=2 -h host -w /tmp -u 1 --memory 64m --cpus 0.5 --init --read-only --cap-drop ALL \
                           --restart on-failure:3 --stop-timeout 3 --dns 192.0.2.1 --add-host a:192.0.2.2 --pids-limit 50";
            case.ok(&format!("create --name created {options} debian true"))?;
            case.ok(&format!("run --name started {options} debian true"))?;
            let (created, started) = (case.inspect("created")?, case.inspect("started")?);
            ensure!(created["HostConfig"] == started["HostConfig"], "{}", started["HostConfig"]);
            ensure!(created["Config"] == started["Config"], "{} {}", created["Config"], started["Config"]);
            Ok(())
        });
    })
}

#[test]
fn stopping_and_pausing() -> Result<()> {
    group(&["debian"], |rows| {
        rows.row("C-011", |case| {
            let since = now(case)?;
            case.ok("run -d --name tt debian bash -c 'trap \"echo got TERM; exit 0\" TERM; echo set; while :; do sleep 0.1; done'")?;
            until(LIMIT, "the trap", || (case.ok("logs tt").ok()? == "set").then_some(()))?;
            let begin = Instant::now();
            case.says("stop tt", "tt")?;
            ensure!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
            case.says("logs tt", "set\ngot TERM")?;
            ensure!(state(case, "tt")? == "exited 0", "{}", state(case, "tt")?);
            let said = events(case, "tt", &since, "signal")?;
            ensure!(said.contains("kill 15, ") && said.ends_with("die, stop"), "{said}");
            Ok(())
        });
        rows.row("C-012", |case| {
            let since = now(case)?;
            case.ok("run -d --name ii debian sleep 600")?;
            let begin = Instant::now();
            case.says("stop -t 2 ii", "ii")?;
            ensure!(begin.elapsed() >= Duration::from_secs(2), "{:?}", begin.elapsed());
            ensure!(state(case, "ii")? == "exited 137", "{}", state(case, "ii")?);
            let said = events(case, "ii", &since, "signal")?;
            ensure!(said.contains("kill 15, kill 9, die, stop"), "{said}");
            Ok(())
        });
        rows.row("C-013", |case| {
            case.ok("run -d --name kk debian sleep 600")?;
            case.says("kill kk", "kk")?;
            case.run("ps -a")?.success()?.mentions("Exited (137) ").map(drop)
        });
        rows.row("C-014 C-015", |case| {
            case.ok("run -d --name pp debian bash -c 'i=0; while :; do echo $((i++)); sleep 0.05; done'")?;
            let last = |want: &str| case.ok("logs --tail 1 pp").with_context(|| want.to_owned());
            until(LIMIT, "a first number", || {
                last("first").ok().filter(|text| !text.is_empty())
            })?;
            let pid = case.ok("inspect -f '{{.State.Pid}}' pp")?;
            case.says("pause pp", "pp")?;
            case.run("ps")?.success()?.mentions(" (Paused)")?;
            case.says("inspect -f '{{.State.Paused}} {{.State.Status}}' pp", "true paused")?;
            let frozen = last("frozen")?;
            // While another counts to ten, this one stands still.
            case.ok("run -d --name other debian bash -c 'i=0; while :; do echo $((i++)); sleep 0.05; done'")?;
            until(LIMIT, "ten numbers of another", || {
                (case.ok("logs --tail 1 other").ok()?.parse::<u32>().ok()? >= 10).then_some(())
            })?;
            ensure!(last("still")? == frozen, "the counter moved from {frozen}");
            case.says("unpause pp", "pp")?;
            until(LIMIT, "the next number", || {
                last("next").ok().filter(|text| *text != frozen)
            })?;
            case.says(
                "inspect -f '{{.State.Pid}} {{.State.Status}}' pp",
                &format!("{pid} running"),
            )?;
            let all = case.ok("logs pp")?;
            ensure!(
                all.lines().enumerate().all(|(index, line)| line == index.to_string()),
                "{all}"
            );
            case.run("ps")?.success()?.mentions("Up ").map(drop)
        });
        rows.row("C-016 C-017", |case| {
            case.ok("run -d --name tender_chandrasekhar debian bash -c 'echo x >>/kept; cat /kept; exec sleep 600'")?;
            let shown = "inspect -f '{{.Id}} {{.State.StartedAt}} {{.State.Pid}}' tender_chandrasekhar";
            let before = case.ok(shown)?;
            case.says("stop -t 0 tender_chandrasekhar", "tender_chandrasekhar")?;
            case.says("start tender_chandrasekhar", "tender_chandrasekhar")?;
            let after = case.ok(shown)?;
            let (before, after): (Vec<&str>, Vec<&str>) = (before.split(' ').collect(), after.split(' ').collect());
            ensure!(
                before[0] == after[0] && before[1] != after[1] && before[2] != after[2],
                "{before:?} {after:?}"
            );
            until(LIMIT, "both starts' lines", || {
                (case.ok("logs tender_chandrasekhar").ok()? == "x\nx\nx").then_some(())
            })?;
            let since = now(case)?;
            case.says("restart -t 1 tender_chandrasekhar", "tender_chandrasekhar")?;
            let again = case.ok("inspect -f '{{.State.Pid}}' tender_chandrasekhar")?;
            ensure!(again != after[2], "{again}");
            let said = events(case, "tender_chandrasekhar", &since, "none")?;
            ensure!(said == "kill, kill, die, stop, start, restart", "{said}");
            Ok(())
        });
        rows.row("C-034", |case| {
            case.ok("run -d --restart=always --name aa debian sh -c 'sleep 0.2; exit 3'")?;
            until(LIMIT, "a restart", || {
                let count = case.ok("inspect -f '{{.RestartCount}}' aa").ok()?;
                (count.parse::<u32>().ok()? >= 2).then_some(())
            })?;
            let status = case.ok("ps -a --format '{{.Status}}'")?;
            ensure!(
                status.starts_with("Restarting (3)") || status.starts_with("Up "),
                "{status}"
            );
            case.says("stop -t 0 aa", "aa")?;
            ensure!(state(case, "aa")?.starts_with("exited"), "{}", state(case, "aa")?);
            Ok(())
        });
    })
}

#[test]
fn options() -> Result<()> {
    group(&["debian", "alpine"], |rows| {
        rows.row("C-024", |case| {
            case.run("run alpine /bin/ash")?.success()?.says("").map(drop)
        });
        rows.row("C-025", |case| {
            let outcome = case.run("-D run --rm alpine echo -n --rm")?.success()?;
            ensure!(outcome.stdout == "--rm", "{:?}", outcome.text());
            Ok(())
        });
        rows.row("C-026", |case| case.says("run --rm debian bash -c 'echo foo'", "foo"));
        rows.row("C-027", |case| {
            let id = case.ok("run -d debian sleep 60")?;
            ensure!(id.len() == 64, "{id}");
            case.run("ps")?.success()?.mentions("Up ").map(drop)
        });
        rows.row("C-028", |case| {
            let outcome = case.run_with_input("run -i --rm debian cat", b"bonjour\n")?.success()?;
            ensure!(outcome.stdout == "bonjour\n", "{:?}", outcome.text());
            Ok(())
        });
        rows.row("C-029", |case| {
            let outcome = case.run("run -t --rm debian tty")?.success()?;
            ensure!(outcome.stdout == "/dev/pts/0\r\n", "{:?}", outcome.text());
            case.run("run --rm debian tty")?.code_is(1)?.says("not a tty").map(drop)
        });
        rows.row("C-030", |case| {
            let host = case.daemon.sandbox.scratch().join("host");
            let host = host.display();
            case.ok(&format!("run --rm -v {host}:/container debian touch /container/f"))?;
            case.script(&format!("test -f {host}/f && rm -r {host}"))?
                .success()
                .map(drop)
        });
        rows.row("C-033", |case| {
            let line = "run --rm -e VARIABLE=valeur --env B=2 debian printenv VARIABLE B";
            case.says(line, "valeur\n2")
        });
        rows.row("C-035", |case| {
            let id = case.ok("run -d --name=mon-conteneur debian sleep 60")?;
            let conflict =
                format!("Conflict. The container name \"/mon-conteneur\" is already in use by container \"{id}\".");
            case.fails("run -d --name=mon-conteneur debian sleep 60", 125, &conflict)
        });
        rows.row("C-023", |case| {
            case.fails("run -rm-it alpine", 125, "unknown shorthand flag: 'r' in -rm-it")
        });
        rows.row("C-044", |case| {
            let wrong = "invalid reference format: repository name (library/NomImage) must be lowercase";
            case.fails("run -d --name NomNouveau NomImage:Tag sleep 60", 125, wrong)
        });
        rows.row("C-465", |case| {
            let mut client = case.command("run --name stays debian sleep 600")?.spawn()?;
            let running = || {
                case.ok("ps --format '{{.Names}}'")
                    .ok()
                    .filter(|names| names == "stays")
            };
            until(LIMIT, "the container", running)?;
            client.kill()?;
            client.wait()?;
            case.says("ps --format '{{.Names}}'", "stays")
        });
        rows.row("C-466", |case| {
            let answer = http::request(&case.daemon.socket_outside(), "GET", "/_ping", "")?;
            ensure!(answer.text() == "OK", "{}", answer.text());
            let (status, version) = case.api("GET", "/version", "")?;
            ensure!(
                status == 200 && version.contains("\"ApiVersion\":\"1.51\""),
                "{version}"
            );
            case.ok("run -d --name listed debian sleep 60")?;
            let (status, list) = case.api("GET", "/containers/json", "")?;
            ensure!(status == 200 && list.contains("\"/listed\""), "{list}");
            Ok(())
        });
    })
}
