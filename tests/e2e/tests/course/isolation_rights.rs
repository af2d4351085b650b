//! Rows of the area `isolation`: what root of a container may do, and what users of the machine may not.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::Case;

use crate::rows::{group, page, squeezed, words_of};

/// A set of capabilities of /proc/self/status, from a line that prints it.
fn set(case: &Case, line: &str) -> Result<u64> {
    let said = case.ok(line)?;
    let digits = said.rsplit('\t').next().unwrap_or_default();
    u64::from_str_radix(digits, 16).with_context(|| format!("{line}: {said}"))
}

const SYS_MODULE: u64 = 1 << 16;
const SYS_TIME: u64 = 1 << 25;

#[test]
fn root_of_a_container() -> Result<()> {
    group(&["alpine", "debian", "nginx"], |rows| {
        rows.row("C-307", |case| {
            let map = case.ok("run --rm debian cat /proc/self/uid_map")?;
            ensure!(squeezed(&map) == "0 0 4294967295", "{map}");
            Ok(())
        });
        rows.row("C-311", |case| {
            case.says(
                "run --rm debian sh -c 'setpriv --reuid 1000 --clear-groups id -u'",
                "1000",
            )?;
            case.ok("run -d --name web nginx")?;
            let address = case.ok("inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' web")?;
            ensure!(page(case, &format!("http://{address}:80/"))?.contains("Welcome to nginx!"));
            Ok(())
        });
        rows.row("C-312", modules);
        rows.row("C-313", |case| {
            case.fails(
                "run --rm --cap-drop=CHOWN debian chown 1 /tmp",
                1,
                "Operation not permitted",
            )?;
            let usual = set(case, "run --rm debian grep CapEff /proc/self/status")?;
            let more = set(case, "run --rm --cap-add=SYS_TIME debian grep CapEff /proc/self/status")?;
            ensure!(more == usual | SYS_TIME && more != usual, "{usual:x} {more:x}");
            Ok(())
        });
        rows.row("C-314", |case| {
            let script = "sh -c 'echo s>/f; chown 1 /f; chmod 0 /f; cat /f'";
            case.says(&format!("run --rm debian {script}"), "s")?;
            let dropped = "--cap-drop=DAC_OVERRIDE --cap-drop=DAC_READ_SEARCH";
            case.fails(&format!("run --rm {dropped} debian {script}"), 1, "Permission denied")
        });
        rows.row("C-315", |case| {
            case.says("run --rm debian id", "uid=0(root) gid=0(root) groups=0(root)")
        });
        rows.row("C-316", |case| {
            // The program lies where everybody may run it.
            let command = case.command("ps")?;
            let line = words_of(&command);
            let (variables, program) = line
                .rsplit_once(' ')
                .and_then(|(rest, _)| rest.rsplit_once(' '))
                .context(line.clone())?;
            let user = "setpriv --reuid 65534 --regid 65534 --clear-groups";
            case.script(&format!("mkdir -p /run/bin && cp $(command -v {program}) /run/bin/"))?
                .success()?;
            let said = case.script(&format!("{variables} {user} /run/bin/$(basename {program}) ps"));
            case.script("rm -r /run/bin")?.success()?;
            said?
                .code_is(1)?
                .mentions("permission denied while trying to connect to ")
                .map(drop)
        });
    })
}

/// A module that the host has not loaded stays out, whatever a container says of it.
fn modules(case: &Case) -> Result<()> {
    let modules = case.daemon.sandbox.scratch().join("modules").display().to_string();
    let tree = format!(
        "tree={modules}/$(uname -r); mkdir -p $tree; echo dummy.ko: >$tree/modules.dep; head -c 4096 /dev/zero >$tree/dummy.ko"
    );
    case.script(&tree)?.success()?;
    case.fails(
        &format!("run --rm -v {modules}:/lib/modules:ro alpine modprobe dummy"),
        1,
        "Operation not permitted",
    )?;
    case.script("! grep -q '^dummy ' /proc/modules")?.success()?;
    let bounds = set(case, "run --rm alpine grep CapBnd /proc/self/status")?;
    ensure!(bounds & SYS_MODULE == 0, "{bounds:x}");
    case.script(&format!("rm -r {modules}"))?.success().map(drop)
}
