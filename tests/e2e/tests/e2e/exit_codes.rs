//! What `run` says and returns: the program's own exit code, 125 to 127, both streams, standard input.

use anyhow::Result;
use corten_e2e::both;

#[test]
fn run_returns_the_programs_code() -> Result<()> {
    both(&["busybox"], |case| {
        case.says("run --rm busybox echo hello", "hello")?;
        case.run("run --rm busybox sh -c 'exit 7'")?.code_is(7)?;
        let outcome = case.run("run --rm busybox sh -c 'echo out; echo err >&2'")?.success()?;
        anyhow::ensure!(outcome.stdout == "out\n" && outcome.stderr == "err\n", "{outcome}");
        case.run_with_input("run -i --rm busybox cat", b"from standard input")?
            .success()?
            .says("from standard input")?;
        case.run_with_input("run -i --rm busybox wc -c", &vec![b'x'; 1_000_000])?
            .success()?
            .says("1000000")?;
        Ok(())
    })
}

#[test]
fn run_says_why_a_program_cannot_start() -> Result<()> {
    both(&["busybox"], |case| {
        case.fails(
            "run --rm busybox nosuchcommand",
            127,
            "exec: \"nosuchcommand\": executable file not found in $PATH",
        )?;
        case.fails(
            "run --rm busybox /no/such",
            127,
            "exec: \"/no/such\": stat /no/such: no such file or directory",
        )?;
        case.fails(
            "run --rm busybox /etc/passwd",
            126,
            "exec: \"/etc/passwd\": permission denied",
        )?;
        let directory = case.run("run --rm busybox /etc")?.mentions("exec: \"/etc\": ")?;
        // The client chooses the code by the text, and Debian's 20.10 does not know this one.
        anyhow::ensure!(directory.code == 126 || directory.code == 125, "{directory}");
        case.fails(
            "run --rm -w /etc/passwd busybox true",
            125,
            "Cannot mkdir: /etc/passwd is not a directory",
        )?;
        case.fails(
            "run --pull never --rm no-such-image true",
            125,
            "No such image: no-such-image:latest",
        )?;
        case.fails(
            "run --rm -u nosuchuser busybox true",
            125,
            "unable to find user nosuchuser: no matching entries in passwd file",
        )?;
        case.fails("run --no-such-flag busybox", 125, "unknown flag: --no-such-flag")?;
        Ok(())
    })
}

#[test]
fn a_signal_gives_128_and_its_number() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name sig busybox sleep 1000")?;
        case.ok("kill sig")?;
        case.says("wait sig", "137")?;
        case.ok("rm sig")?;
        case.ok("run -d --name sig busybox sh -c 'trap \"exit 3\" TERM; while :; do sleep 0.1; done'")?;
        case.ok("stop sig")?;
        case.says("wait sig", "3")?;
        case.ok("rm sig")?;
        Ok(())
    })
}
