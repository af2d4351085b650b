//! The processes of a container in the formats of `ps`.

use anyhow::{Result, ensure};
use corten_e2e::one;
use serde_json::Value;

const TITLES: &[(&str, &str)] = &[
    ("", "UID PID PPID C STIME TTY TIME CMD"),
    ("aux", "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND"),
    ("faux", "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND"),
    ("axl", "F UID PID PPID PRI NI VSZ RSS WCHAN STAT TTY TIME COMMAND"),
    ("axj", "PPID PID PGID SID TTY TPGID STAT UID TIME COMMAND"),
    ("ax", "PID TTY STAT TIME COMMAND"),
    ("-el", "F S UID PID PPID C PRI NI ADDR SZ WCHAN TTY TIME CMD"),
    ("-efl", "F S UID PID PPID C PRI NI ADDR SZ WCHAN STIME TTY TIME CMD"),
    ("-ely", "S UID PID PPID C PRI NI RSS SZ WCHAN TTY TIME CMD"),
    ("-eF", "UID PID PPID C SZ RSS PSR STIME TTY TIME CMD"),
    ("-ej", "PID PGID SID TTY TIME CMD"),
    ("-eo pid,comm", "PID COMMAND"),
    (
        "-eo user,pid,ppid,stat,nlwp,pcpu,pmem,vsz,rss,args",
        "USER PID PPID STAT NLWP %CPU %MEM VSZ RSS COMMAND",
    ),
    ("-eo pid,user=WHO", "PID WHO"),
];

#[test]
fn formats_of_ps() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name box busybox sh -c 'sleep 1000 & exec sleep 2000'")?;
        let pid = case.ok("inspect -f '{{.State.Pid}}' box")?;
        for (arguments, titles) in TITLES {
            let query = arguments.replace(' ', "%20");
            let (status, body) = case.api("GET", &format!("/v1.51/containers/box/top?ps_args={query}"), "")?;
            let top: Value = serde_json::from_str(&body)?;
            let text = |list: &Value| {
                let words = list.as_array().cloned().unwrap_or_default();
                let words: Vec<String> = words
                    .iter()
                    .filter_map(|word| Some(word.as_str()?.to_owned()))
                    .collect();
                words.join(" ")
            };
            ensure!(status == 200 && text(&top["Titles"]) == *titles, "{arguments}: {body}");
            let rows = top["Processes"].as_array().cloned().unwrap_or_default();
            ensure!(rows.len() == 2, "{arguments}: {body}");
            ensure!(
                rows.iter().any(|row| text(row).split(' ').any(|word| word == pid)),
                "{arguments}: no {pid} in {body}"
            );
            for row in &rows {
                let cells = row.as_array().map_or(0, Vec::len);
                ensure!(cells == titles.split(' ').count(), "{arguments}: {row}");
            }
        }
        let shown = case.ok("top box -eo pid,stat,args")?;
        ensure!(shown.contains("sleep 1000") && shown.contains("Ss"), "{shown}");
        // The processes of exec sessions are the container's too.
        case.ok("exec -d box sleep 3000")?;
        let shown = case.ok("top box")?;
        ensure!(shown.lines().count() == 4 && shown.contains("sleep 3000"), "{shown}");
        case.ok("pause box")?;
        ensure!(
            case.ok("top box")?.lines().count() == 4,
            "a paused container has its processes"
        );
        case.ok("rm -f box")?;
        Ok(())
    })
}

#[test]
fn what_ps_does_not_know() -> Result<()> {
    one(&["busybox"], |case| {
        let idle = case.ok("create --name idle busybox true")?;
        case.ok("run -d --name box busybox sleep 1000")?;
        for (of, arguments, status, message) in [
            ("nosuch", "", 404, "No such container: nosuch"),
            ("idle", "", 409, "container {ID} is not running"),
            ("box", "-bogus", 500, "ps: error: unsupported SysV option"),
            (
                "box",
                "-o%20nosuch",
                500,
                "ps: error: unknown user-defined format specifier \"nosuch\"",
            ),
            ("box", "-o%20comm", 500, "Couldn't find PID field in ps output"),
            ("box", "-eo%20pid%3Dfoo", 500, "Couldn't find PID field in ps output"),
            ("box", "-eo%20user%3DPID", 500, "specifying \"user=PID\" is not allowed"),
        ] {
            let path = format!("/v1.51/containers/{of}/top?ps_args={arguments}");
            case.refuses("GET", &path, "", status, &message.replace("{ID}", &idle))?;
        }
        case.ok("rm -f box idle")?;
        Ok(())
    })
}
