//! Rows of the area `isolation` that a person sits at.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::LIMIT;
use corten_testkit::Terminal;

use crate::rows::{group, sit};

/// The course's script (F-18): a directory with two programs and their libraries.
const CONFINED: [&str; 4] = [
    "mkdir -p /tmp/toto/bin /tmp/toto/lib64",
    "cp /bin/bash /bin/ls /tmp/toto/bin/",
    "cp /lib64/ld-linux-x86-64.so.2 /tmp/toto/lib64/",
    "ldd /bin/bash /bin/ls | grep -o '/lib/[^ ]*' | sort -u | while read f; do mkdir -p /tmp/toto$(dirname $f); cp $f /tmp/toto$f; done",
];

/// What a command shows on a shell's terminal: the lines between two marks, which the echo of the line is not taken for.
fn shown(terminal: &mut Terminal, line: &str, number: usize) -> Result<String> {
    terminal.send(&format!("echo begin$(({number})); {line}; echo end$(({number}))\n"))?;
    let (begin, end) = (format!("begin{number}\r\n"), format!("end{number}\r\n"));
    terminal.expect(&end, LIMIT)?;
    let screen = terminal.screen();
    let rest = screen.split_once(&begin).context("no beginning")?.1;
    Ok(rest.split_once(&end).context("no end")?.0.to_owned())
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn seen_from_a_terminal() -> Result<()> {
    group(&["alpine", "debian", "ubuntu"], |rows| {
        rows.row("C-296", |case| {
            let host = case.script("hostname")?.success()?.text().to_owned();
            let script = "hostname hello && hostname";
            let terminal = sit(
                case,
                &format!("run -it --cap-add=SYS_ADMIN alpine:3.4 /bin/sh -c '{script}'"),
            )?;
            terminal.expect("hello\r\n", LIMIT)?;
            ensure!(terminal.finish(LIMIT)? == 0);
            case.script("hostname")?.success()?.says(&host).map(drop)
        });
        rows.row("C-299", |case| {
            let mut terminal = sit(case, "run -it alpine:3.4 /bin/sh")?;
            terminal.expect("/ # ", LIMIT)?;
            let list = shown(&mut terminal, "ps ax", 299)?;
            let rows: Vec<Vec<&str>> = list.lines().skip(1).map(words).collect();
            ensure!(rows.len() == 2 && rows[0][0] == "1", "{list}");
            // The small system's shell runs `ps` as a part of itself, and its title says so.
            let other = rows[1].contains(&"ps") || rows[1].contains(&"{ps}");
            ensure!(rows[0].ends_with(&["/bin/sh"]) && other, "{list}");
            terminal.send("exit\n")?;
            ensure!(terminal.finish(LIMIT)? == 0);
            Ok(())
        });
        rows.row("C-319", |case| {
            let mut terminal = sit(case, "run --rm -it debian")?;
            terminal.expect(":/# ", LIMIT)?;
            let list = shown(&mut terminal, "ls /", 319)?;
            let names = words(&list);
            let missing = ["bin", "boot", "dev", "etc", "home", "lib"].map(|name| (name, names.contains(&name)));
            ensure!(missing.iter().all(|(_, there)| *there), "{missing:?} {list}");
            terminal.send("exit\n")?;
            ensure!(terminal.finish(LIMIT)? == 0);
            Ok(())
        });
        rows.row("C-320 C-321 C-322", |case| {
            let mut terminal = sit(case, "run --rm -it ubuntu:16.04 bash")?;
            terminal.expect(":/# ", LIMIT)?;
            for line in CONFINED {
                terminal.send(&format!("{line}\n"))?;
            }
            let list = shown(&mut terminal, "chroot /tmp/toto/ ls /", 320)?;
            ensure!(words(&list) == ["bin", "lib", "lib64"], "{list}");
            terminal.send("chroot /tmp/toto/ bash\n")?;
            terminal.expect("bash-5", LIMIT)?;
            let list = shown(&mut terminal, "ls /; ls /bin", 321)?;
            ensure!(words(&list) == ["bin", "lib", "lib64", "bash", "ls"], "{list}");
            let refused = shown(&mut terminal, "cat /etc/passwd", 322)?;
            ensure!(refused.contains("cat: command not found"), "{refused}");
            terminal.send("exit\n")?;
            terminal.send("exit\n")?;
            // The last command that the shells ran was one that is not there.
            terminal.finish(LIMIT).map(drop)
        });
    })
}
