//! Log drivers: what each writes or sends, what `logs` says of it, what is refused; compression; the daemon's death.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{Case, LIMIT, both, is_reference, on_daemon};
use corten_testkit::DaemonOptions;
use corten_testkit::wait::until_ok;

/// Prints on both streams, and ends without a line end.
const TALK: &str = "busybox sh -c 'echo one; sleep 0.2; echo two >&2; sleep 0.2; printf three'";

#[test]
fn every_driver_is_read_by_logs() -> Result<()> {
    both(&["busybox"], |case| {
        let server = listen(case, "/run/syslog-server")?;
        for driver in [
            "json-file",
            "json-file --log-opt mode=non-blocking --log-opt max-buffer-size=1m",
            "local",
            "local --log-opt max-size=1m --log-opt max-file=2 --log-opt compress=false",
            "syslog --log-opt syslog-address=unixgram:///run/syslog-server",
        ] {
            case.ok(&format!("run --name talk --log-driver {driver} {TALK}"))?;
            let said = case.run("logs talk")?.success()?;
            ensure!(
                said.stdout == "one\nthree" && said.stderr == "two\n",
                "{driver}: {said}"
            );
            case.says("logs --tail 1 talk", "three")?;
            ensure!(case.ok("logs -t talk")?.contains("Z three"), "{driver}");
            case.ok("rm talk")?;
        }
        case.ok(&format!(
            "run --name talk --log-driver syslog --log-opt cache-disabled=true \
             --log-opt syslog-address=unixgram:///run/syslog-server {TALK}"
        ))?;
        case.fails("logs talk", 1, "configured logging driver does not support reading")?;
        case.ok("rm talk")?;
        drop(server);
        Ok(())
    })
}

#[test]
fn bytes_that_are_no_text_survive_in_local() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok(r"run --name talk --log-driver local busybox printf '\377\200x\n'")?;
        let said = std::process::Command::output(&mut case.command("logs talk")?)?.stdout;
        ensure!(said == b"\xff\x80x\n", "{said:?}");
        case.ok("rm talk")?;
        Ok(())
    })
}

/// A datagram socket at a path of the daemon's machine.
fn listen(case: &Case, inside: &str) -> Result<UnixDatagram> {
    let path = case.daemon.sandbox.path(inside);
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
    drop(std::fs::remove_file(&path));
    let socket = UnixDatagram::bind(&path).with_context(|| path.display().to_string())?;
    socket.set_read_timeout(Some(LIMIT))?;
    Ok(socket)
}

fn receive(socket: &UnixDatagram) -> Result<String> {
    let mut buffer = vec![0; 1 << 18];
    let length = socket.recv(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

#[test]
fn syslog_gets_each_line() -> Result<()> {
    both(&["busybox"], |case| {
        let server = listen(case, "/run/syslog-server")?;
        let options = "--log-driver syslog --log-opt syslog-address=unixgram:///run/syslog-server \
                       --log-opt syslog-facility=local3 --log-opt tag=my-{{.Name}}";
        case.ok(&format!("run --rm --name talk {options} {TALK}"))?;
        for (priority, text) in [(158, "one"), (155, "two"), (158, "three")] {
            let message = receive(&server)?;
            let fits = message.starts_with(&format!("<{priority}>"))
                && message.contains(" my-talk[")
                && message.ends_with(&format!("]: {text}\n"));
            ensure!(fits, "{message:?} for {text}");
        }
        let rfc = "--log-opt syslog-format=rfc5424micro";
        case.ok(&format!("run --rm --name talk {options} {rfc} {TALK}"))?;
        let message = receive(&server)?;
        ensure!(
            message.starts_with("<158>1 20") && message.ends_with(" my-talk - one\n"),
            "{message:?}"
        );
        Ok(())
    })
}

#[test]
fn journald_gets_each_line_with_its_fields() -> Result<()> {
    both(&["busybox"], |case| {
        let journal = listen(case, "/run/systemd/journal/socket")?;
        case.ok(&format!(
            "run --rm --name talk --log-driver journald -l some.label=yes --log-opt labels=some.label {TALK}"
        ))?;
        for (priority, text) in [(6, "one"), (3, "two"), (6, "three")] {
            let entry = receive(&journal)?;
            let id = entry.lines().find_map(|line| line.strip_prefix("CONTAINER_ID="));
            let id = id.unwrap_or_default().to_owned();
            for field in [
                format!("PRIORITY={priority}"),
                format!("MESSAGE={text}"),
                "CONTAINER_NAME=talk".to_owned(),
                "IMAGE_NAME=busybox".to_owned(),
                "SOME_LABEL=yes".to_owned(),
                format!("CONTAINER_TAG={id}"),
                format!("SYSLOG_IDENTIFIER={id}"),
            ] {
                ensure!(entry.lines().any(|line| line == field), "{field} is not in {entry}");
            }
            let partial = entry.contains("CONTAINER_PARTIAL_MESSAGE=true");
            ensure!(id.len() == 12 && partial == (text == "three"), "{entry}");
        }
        drop(journal);
        std::fs::remove_file(case.daemon.sandbox.path("/run/systemd/journal/socket"))?;
        case.fails(
            "run --rm --log-driver journald busybox",
            125,
            "failed to create task for container: failed to initialize logging driver: journald is not enabled on this host",
        )
    })
}

/// Each text was asked of dockerd 28.5.2 (here the case asks it again where it is the engine).
#[test]
fn wrong_options_are_refused_in_dockers_words() -> Result<()> {
    both(&["busybox"], |case| {
        let initialize = "failed to create task for container: failed to initialize logging driver: ";
        for (options, start, text) in [
            (
                "--log-driver bogus",
                false,
                "error looking up logging plugin bogus: plugin \"bogus\" not found",
            ),
            (
                "--log-opt bogus=1",
                false,
                "unknown log opt 'bogus' for json-file log driver",
            ),
            (
                "--log-driver local --log-opt tag=x",
                false,
                "unknown log opt 'tag' for log driver local",
            ),
            ("--log-opt mode=x", false, "logger: logging mode not supported: x"),
            ("--log-opt max-size=10q", true, "invalid suffix: 'q'"),
            (
                "--log-opt labels-regex=(",
                true,
                "error parsing regexp: missing closing ): `(`",
            ),
            (
                "--log-opt tag={{.No}}",
                true,
                "can't evaluate field No in type *logger.Info",
            ),
            (
                "--log-driver syslog --log-opt syslog-address=tcp://127.0.0.1:1",
                true,
                "dial tcp 127.0.0.1:1: connect: connection refused",
            ),
            ("--log-driver syslog", true, "Unix syslog delivery error"),
            (
                "--log-driver syslog --log-opt syslog-format=x",
                false,
                "Invalid syslog format",
            ),
        ] {
            let prefix = if start { initialize } else { "" };
            // Templates fail with more words before.
            let outcome = case
                .run(&format!("run --rm --name bad {options} busybox true"))?
                .code_is(125)?;
            outcome.mentions(prefix)?.mentions(text)?;
        }
        ensure!(case.ok("ps -aq")?.is_empty(), "a refused container stays");
        let plugins = case.ok("info -f '{{json .Plugins.Log}}'")?;
        for name in ["journald", "json-file", "local", "syslog"] {
            ensure!(plugins.contains(&format!("\"{name}\"")), "{plugins}");
        }
        Ok(())
    })
}

#[test]
fn attributes_are_recorded_and_shown() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok(
            "run --name talk -l b=2 -l com.x=3 -e A=1 -e AB=2 --log-opt labels=b,zz --log-opt labels-regex=^com \
             --log-opt env-regex=^A --log-opt tag={{.Name}}/x busybox echo a",
        )?;
        case.says("logs --details talk", "A=1,AB=2,b=2,com.x=3,tag=talk%2Fx a")?;
        let path = case.inspect("talk")?["LogPath"].as_str().unwrap_or_default().to_owned();
        let record = case.script(&format!("cat {path}"))?.success()?;
        let attributes = r#""attrs":{"A":"1","AB":"2","b":"2","com.x":"3","tag":"talk/x"}"#;
        ensure!(record.stdout.contains(attributes), "{record}");
        case.ok("rm talk")?;
        Ok(())
    })
}

#[test]
fn rotated_files_are_compressed_and_read() -> Result<()> {
    both(&["busybox"], |case| {
        let count = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo line $i; done; cat";
        for options in [
            "--log-opt max-size=100k --log-opt max-file=100 --log-opt compress=true",
            "--log-driver local --log-opt max-size=50k --log-opt max-file=100",
        ] {
            case.ok(&format!("run -di --name talk {options} busybox sh -c '{count}'"))?;
            let id = case.inspect("talk")?["Id"].as_str().unwrap_or_default().to_owned();
            let directory = case.daemon.data_directory().join("containers").join(id);
            let names = format!("find {} -name '*.log*'", directory.display());
            until_ok(LIMIT, "all rotated files are compressed", || {
                let said = case.ok("logs --tail 1 talk")?;
                ensure!(said == "line 20000", "{said}");
                let names = case.script(&names)?.success()?;
                let plain = names.text().lines().filter(|name| !name.ends_with(".gz"));
                ensure!(plain.count() == 1 && names.text().lines().count() > 3, "{names}");
                Ok(())
            })?;
            let want: String = (1..=20000).map(|number| format!("line {number}\n")).collect();
            let said = case.run("logs talk")?.success()?;
            ensure!(said.stdout == want, "{options}: {} bytes", said.stdout.len());
            let tail = case.ok("logs --tail 15000 talk")?;
            ensure!(
                tail.starts_with("line 5001\n") && tail.ends_with("line 20000"),
                "{options}"
            );
            case.ok("rm -f talk")?;
        }
        Ok(())
    })
}

/// The shim writes on, and what was not sent is sent when the daemon is back: nothing is lost, and what is repeated is
/// what was on its way at the kill.
#[test]
fn the_daemon_dies_and_no_line_is_lost() -> Result<()> {
    if is_reference()? {
        corten_testkit::skip::skip("the_daemon_dies_and_no_line_is_lost", "the reference engine loses them");
        return Ok(());
    }
    on_daemon(DaemonOptions::default(), &["busybox"], |case| {
        let server = listen(case, "/run/syslog-server")?;
        let count = "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i; sleep 0.01; done";
        case.ok(&format!(
            "run -d --name talk --log-driver syslog --log-opt syslog-address=unixgram:///run/syslog-server \
             busybox sh -c '{count}'"
        ))?;
        let mut seen = vec![number(&receive(&server)?)?];
        case.daemon.kill()?;
        case.daemon.launch()?;
        while seen.last() != Some(&300) {
            seen.push(number(&receive(&server)?)?);
        }
        let repeated = seen.windows(2).filter(|pair| pair[1] <= pair[0]).count();
        ensure!(repeated <= 1, "more than one step back: {seen:?}");
        seen.sort_unstable();
        seen.dedup();
        ensure!(seen == (1..=300).collect::<Vec<u32>>(), "{} numbers", seen.len());
        case.ok("wait talk")?;
        case.ok("rm talk")?;
        Ok(())
    })
}

fn number(message: &str) -> Result<u32> {
    let text = message.trim_end().rsplit(' ').next().unwrap_or_default();
    text.parse().with_context(|| message.to_owned())
}

#[test]
fn the_daemon_s_own_driver_and_options_hold_for_those_who_do_not_say() -> Result<()> {
    let arguments = [
        "--log-driver",
        "local",
        "--log-opt",
        "max-size=1m",
        "--log-opt",
        "max-file=2",
    ];
    let options = DaemonOptions {
        arguments: arguments.map(str::to_owned).to_vec(),
        ..DaemonOptions::default()
    };
    on_daemon(options, &["busybox"], |case| {
        case.says("info -f {{.LoggingDriver}}", "local")?;
        let config = "inspect -f '{{json .HostConfig.LogConfig}}' talk";
        for (flags, want) in [
            ("", r#"{"Type":"local","Config":{"max-file":"2","max-size":"1m"}}"#),
            (
                "--log-opt max-size=2m",
                r#"{"Type":"local","Config":{"max-file":"2","max-size":"2m"}}"#,
            ),
            ("--log-driver json-file", r#"{"Type":"json-file","Config":{}}"#),
            ("--log-driver none", r#"{"Type":"none","Config":{}}"#),
        ] {
            case.ok(&format!("run --name talk {flags} busybox echo hi"))?;
            case.says(config, want)?;
            if !flags.contains("none") {
                case.says("logs talk", "hi")?;
            }
            case.ok("rm talk")?;
        }
        Ok(())
    })
}

#[test]
fn wrong_options_of_the_daemon_keep_it_from_starting() -> Result<()> {
    if is_reference()? {
        corten_testkit::skip::skip(
            "wrong_options_of_the_daemon_keep_it_from_starting",
            "is about our daemon",
        );
        return Ok(());
    }
    on_daemon(DaemonOptions::default(), &[], |case| {
        let program = corten_testkit::programs::find("cortend")?;
        for (flags, text) in [
            (
                "--log-opt bogus=1",
                "failed to set log opts: unknown log opt 'bogus' for json-file log driver",
            ),
            (
                "--log-driver local --log-opt labels=a",
                "unknown log opt 'labels' for log driver local",
            ),
            ("--log-opt mode=x", "logger: logging mode not supported: x"),
        ] {
            let line = format!(
                "{} --host unix:///run/second.sock --data-root /run/second --exec-root /run/second-x --pidfile /run/second.pid --bridge none {flags}",
                program.display()
            );
            let outcome = case.script(&line)?;
            ensure!(outcome.code == 1, "{outcome}");
            outcome.mentions(text)?;
        }
        Ok(())
    })
}

/// Killed before and after each step of a compression: the log reads the same, and the next daemon compresses the rest.
#[test]
fn a_kill_at_any_step_of_compression_costs_nothing() -> Result<()> {
    if is_reference()? {
        corten_testkit::skip::skip(
            "a_kill_at_any_step_of_compression_costs_nothing",
            "kills Corten at its own steps",
        );
        return Ok(());
    }
    on_daemon(DaemonOptions::default(), &["busybox"], |case| {
        let mut kills = 0;
        for number in 1..40 {
            case.script("rm -rf /run/trigger && mkdir /run/trigger")?.success()?;
            let count = "until [ -e /t/go ]; do sleep 0.02; done; i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo line $i; done; cat";
            case.ok(&format!(
                "run -di --name talk -v /run/trigger:/t --log-opt max-size=50k --log-opt max-file=9 \
                 --log-opt compress=true busybox sh -c '{count}'"
            ))?;
            let id = case.inspect("talk")?["Id"].as_str().unwrap_or_default().to_owned();
            let directory = case.daemon.data_directory().join("containers").join(id);
            let fault = case.daemon.fault_file();
            std::fs::write(&fault, number.to_string())?;
            // The daemon has no part in this but to compress.
            case.script("touch /run/trigger/go")?.success()?;
            let settled = |case: &mut Case| -> Result<bool> {
                let killed = case.daemon.has_ended()?;
                let names = case.script(&format!("ls {}", directory.display()))?.success()?;
                let rotated = names.text().lines().filter(|name| name.contains("-json.log."));
                let (packed, plain): (Vec<&str>, Vec<&str>) = rotated.partition(|name| name.ends_with(".gz"));
                // How many files there are is open: a rotation waits while a compressed one is put in place.
                Ok(killed || (plain.is_empty() && !packed.is_empty() && case.ok("logs --tail 1 talk")? == "line 2000"))
            };
            until_ok(LIMIT, "a kill or the end of the compression", || {
                ensure!(settled(case)?, "neither");
                Ok(())
            })?;
            drop(std::fs::remove_file(&fault));
            let killed = case.daemon.has_ended()?;
            if killed {
                kills += 1;
                case.daemon.launch()?;
            }
            let want: String = (1..=2000).map(|line| format!("line {line}\n")).collect();
            until_ok(LIMIT, "the whole log", || {
                let said = case.run("logs talk")?.success()?;
                ensure!(said.stdout == want, "kill {number}: {} bytes", said.stdout.len());
                Ok(())
            })?;
            until_ok(LIMIT, "what the dead daemon left is compressed", || {
                ensure!(settled(case)?, "plain files stay");
                Ok(())
            })?;
            let said = case.run("logs talk")?.success()?;
            ensure!(said.stdout == want, "after kill {number}: {} bytes", said.stdout.len());
            case.ok("rm -f talk")?;
            if !killed {
                ensure!(kills >= 3, "only {kills} steps");
                return Ok(());
            }
        }
        anyhow::bail!("a run without a kill never came")
    })
}
