//! Rights that a process must not have: capabilities, groups, descriptors, keys, programs of the host.

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{both, one};

/// No inheritable capabilities, in any kind of process: set-user-id programs with file capabilities would gain by them.
#[test]
fn nothing_is_inheritable() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name long --cap-add NET_ADMIN busybox sleep 1000")?;
        let show = "grep -E ^Cap(Inh|Amb) /proc/self/status";
        let none = "CapInh:\t0000000000000000\nCapAmb:\t0000000000000000";
        for line in [
            format!("run --rm busybox {show}"),
            format!("run --rm -u 5 --cap-add NET_ADMIN busybox {show}"),
            format!("run --rm --privileged busybox {show}"),
            format!("exec long {show}"),
            format!("exec -u 5 long {show}"),
            format!("exec --privileged long {show}"),
        ] {
            case.says(&line.replace("^Cap(Inh|Amb)", "'^Cap(Inh|Amb)'"), none)?;
        }
        case.ok("rm -f long")?;
        Ok(())
    })
}

/// The primary group is among the groups: a file that denies a group cannot be read by leaving it.
#[test]
fn a_users_groups_are_those_of_the_image() -> Result<()> {
    both(&["busybox"], |case| {
        let groups = |options: &str| {
            case.ok(&format!(
                "run --rm {options} busybox sh -c 'grep ^Groups: /proc/self/status | tr -d \"\\n\"'"
            ))
        };
        let has = |text: &str, group: &str| text.split_whitespace().any(|word| word == group);
        ensure!(
            has(&groups("-u 1000:33")?, "33"),
            "the primary group: {}",
            groups("-u 1000:33")?
        );
        ensure!(has(&groups("-u nobody")?, "8"), "/etc/group: {}", groups("-u nobody")?);
        ensure!(
            has(&groups("-u 5:6 --group-add 7")?, "7"),
            "added: {}",
            groups("-u 5:6 --group-add 7")?
        );
        case.fails(
            "run --rm --group-add bogus busybox true",
            125,
            "unable to find group bogus: no matching entries in group file",
        )?;
        Ok(())
    })
}

/// A number that no user can have, given or in the image's own files, does not become another user: root.
#[test]
fn numbers_of_users_do_not_wrap() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name box busybox sleep 1000")?;
        let range = "uids and gids must be in range 0-2147483647";
        for user in ["4294967295", "4294967296", "2147483648", "-1", "0:4294967296"] {
            case.run(&format!("run --rm --user={user} busybox id -u"))?
                .code_is(125)?
                .mentions(range)?;
            case.run(&format!("exec --user={user} box id -u"))?
                .code_is(126)?
                .mentions(range)?;
        }
        case.ok("exec box sh -c 'echo evil:x:4294967295:4294967295::/:/bin/sh >>/etc/passwd; echo far:x:4294967295:evil >>/etc/group'")?;
        for user in ["evil", "5:far"] {
            case.run(&format!("exec --user={user} box id -u"))?
                .code_is(126)?
                .mentions(range)?;
        }
        case.ok("rm -f box").map(drop)
    })
}

/// An image's list of users is no way to the host's memory: it is read as far as an honest one goes.
#[test]
fn endless_lists_of_users_are_not_read() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run --name box busybox sh -c 'head -c 300000000 /dev/zero | tr \"\\0\" x >>/etc/group; cp /etc/group /etc/passwd'")?;
        case.ok("commit box endless")?;
        case.ok("rm box")?;
        // Read whole, this would not fit.
        case.ok("run -d --name box --memory 96m --memory-swap 96m endless sleep 1000")?;
        // Looked up by the engine, and by the runtime in the container.
        case.fails("exec --user nobody box id -u", 1, "unable to find user nobody")?;
        case.run("exec --user 5:nobody box id -u")?.code_is(126)?;
        case.says("inspect -f '{{.State.Running}} {{.State.OOMKilled}}' box", "true false")?;
        case.ok("rm -f box")?;
        case.ok("rmi endless").map(drop)
    })
}

/// No descriptor of the engine is left in a process, by which a working directory could lead to the host.
#[test]
fn no_descriptor_leads_to_the_host() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name long busybox sleep 1000")?;
        for line in ["run --rm busybox", "exec long", "run --rm -i busybox", "exec -i long"] {
            let open = case.ok(&format!("{line} sh -c 'echo /proc/self/fd/*'"))?;
            // The shell has its streams, and one for the directory it lists.
            let numbers: Vec<u32> = open
                .split('/')
                .filter_map(|part| part.split(' ').next()?.parse().ok())
                .collect();
            ensure!(numbers.iter().all(|number| *number <= 3), "{line}: {open}");
        }
        for number in 3..24 {
            for line in [
                format!("run --rm -w /proc/self/fd/{number} busybox ls ../../../.."),
                format!("exec -w /proc/self/fd/{number} long ls ../../../.."),
            ] {
                let said = case.run(&line)?;
                ensure!(said.code != 0, "{line} works: {said}");
            }
        }
        case.ok("rm -f long")?;
        Ok(())
    })
}

/// A container whose programs are the engine's own (`/proc/self/exe`, as entrypoint and as interpreter), with another
/// process that writes to whatever program it sees running.
#[test]
fn the_engines_programs_cannot_be_overwritten() -> Result<()> {
    one(&["busybox"], |case| {
        let shim = corten_testkit::programs::find("corten-shim")?;
        let sum = || -> Result<Vec<u8>> { std::fs::read(&shim).with_context(|| shim.display().to_string()) };
        let before = sum()?;
        case.ok("run -d --name attacker busybox sh -c 'printf \"#!/proc/self/exe\\n\" > /evil; chmod 755 /evil; while :; do for e in /proc/[0-9]*/exe; do echo pwned >> $e; done; done 2>/dev/null'")?;
        for _ in 0..10 {
            for program in ["/evil", "/proc/self/exe", "/bin/true"] {
                case.run(&format!("exec attacker {program}"))?;
            }
        }
        case.run("run --rm --entrypoint /proc/self/exe busybox")?;
        case.ok("rm -f attacker")?;
        ensure!(sum()? == before, "the shim was overwritten");
        Ok(())
    })
}

/// A session keyring of its own, and none of the host's keys in sight.
#[test]
fn keys_of_the_host_are_out_of_reach() -> Result<()> {
    both(&["busybox"], |case| {
        case.says("run --rm busybox sh -c 'cat /proc/keys | wc -c'", "0")?;
        let keys = case.run("run --rm --security-opt systempaths=unconfined busybox cat /proc/keys")?;
        if keys.code == 0 && !keys.text().is_empty() {
            ensure!(keys.text().contains("_ses"), "not a keyring of its own: {keys}");
        }
        Ok(())
    })
}
