//! Files of containers: cp, export, diff, commit.

use anyhow::{Result, ensure};
use corten_e2e::{Case, both, one};

#[test]
fn files_go_in_and_out_of_running_and_stopped() -> Result<()> {
    both(&["busybox"], |case| {
        let here = case.daemon.sandbox.scratch().join("copies");
        drop(std::fs::remove_dir_all(&here));
        std::fs::create_dir_all(here.join("tree/sub"))?;
        std::fs::write(here.join("tree/sub/file"), "from the host")?;
        std::os::unix::fs::symlink("sub/file", here.join("tree/link"))?;
        let path = here.display();
        case.ok("run -d --name files -v kept:/v busybox sleep 1000")?;
        for state in ["running", "stopped"] {
            case.ok(&format!("cp {path}/tree files:/in-{state}"))?;
            case.ok(&format!("cp {path}/tree/sub/file files:/v/{state}"))?;
            case.ok(&format!("cp files:/in-{state}/. {path}/out-{state}"))?;
            case.ok(&format!("cp -L files:/in-{state}/link {path}/followed-{state}"))?;
            case.ok(&format!("cp files:/v/{state} {path}/volume-{state}"))?;
            for copy in [
                format!("out-{state}/sub/file"),
                format!("followed-{state}"),
                format!("volume-{state}"),
            ] {
                ensure!(std::fs::read_to_string(here.join(&copy))? == "from the host", "{copy}");
            }
            ensure!(here.join(format!("out-{state}/link")).is_symlink());
            case.fails(
                &format!("cp files:/nope {path}"),
                1,
                "Could not find the file /nope in container files",
            )?;
            case.ok("stop -t 0 files")?;
        }
        case.ok("start files")?;
        case.says(
            "exec files cat /in-running/link /in-stopped/sub/file /v/stopped",
            &"from the host".repeat(3),
        )?;
        case.ok("rm -f files")?;
        case.ok("volume rm kept")?;
        Ok(())
    })
}

#[test]
fn links_do_not_lead_out() -> Result<()> {
    one(&["busybox"], |case| {
        let here = case.daemon.sandbox.scratch().join("escapes");
        std::fs::create_dir_all(&here)?;
        let secret = here.join("secret");
        std::fs::write(&secret, "of the host")?;
        let path = here.display();
        case.ok(&format!(
            "run -d --name hostile busybox sh -c 'ln -s {path} /absolute; ln -s ../../../../../../..{path} /up; sleep 1000'"
        ))?;
        case.ok("exec hostile sh -c 'until [ -L /up ]; do :; done'")?;
        for link in ["/absolute", "/up", "/proc/1/root", "/proc/self/root"] {
            let fetched = case.run(&format!("cp hostile:{link}/secret -"))?;
            ensure!(fetched.code != 0, "{link}: {fetched:?}");
            let sent = case.run(&format!("cp /etc/hostname hostile:{link}/secret"))?;
            ensure!(sent.code != 0, "{link}: {sent:?}");
        }
        ensure!(std::fs::read_to_string(&secret)? == "of the host");
        // A directory that becomes a link all the time.
        case.ok(&format!(
            "exec -d hostile sh -c 'mkdir /real; while :; do mv /real /swap; ln -s {path} /real; rm /real; mv /swap /real; done'"
        ))?;
        for _ in 0..20 {
            drop(case.run("cp /etc/hostname hostile:/real/secret")?);
        }
        ensure!(std::fs::read_to_string(&secret)? == "of the host");
        case.ok("rm -f hostile")?;
        Ok(())
    })
}

#[test]
fn read_only_places_are_refused() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name sealed --read-only -v data:/v -v data:/w:ro busybox sleep 1000")?;
        for state in ["running", "stopped"] {
            case.fails(
                "cp /etc/hostname sealed:/etc/x",
                1,
                "container rootfs is marked read-only",
            )?;
            case.fails("cp /etc/hostname sealed:/w/x", 1, "mounted volume is marked read-only")?;
            case.ok(&format!("cp /etc/hostname sealed:/v/{state}"))?;
            case.ok("stop -t 0 sealed")?;
        }
        case.ok("rm -f sealed")?;
        case.ok("volume rm data")?;
        Ok(())
    })
}

/// Rows C-122, C-132 and C-222 of the course.
#[test]
fn what_changed_becomes_an_image() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run --name work -v /d busybox sh -c 'echo hi >/f; rm /bin/vi; echo no >/d/inside; mkdir /e; echo yes >/e/in'")?;
        let changes = case.ok("diff work")?;
        for line in ["A /f", "C /bin", "D /bin/vi", "A /e", "A /e/in"] {
            ensure!(changes.lines().any(|other| other == line), "{line} in {changes}");
        }
        ensure!(
            !changes.contains("inside") && !changes.contains("/etc") && !changes.contains("/dev"),
            "{changes}"
        );
        let id = case.ok("commit -a me -m why -c 'CMD [\"cat\",\"/f\"]' work hearc/hello")?;
        ensure!(id.trim().starts_with("sha256:") && id.trim().len() == 71, "{id}");
        case.says("run --rm hearc/hello", "hi")?;
        case.says(
            "run --rm hearc/hello sh -c 'ls /d; cat /e/in; ls /bin/vi || echo gone'",
            "yes\ngone",
        )?;
        case.fails("commit work Upper", 1, "must be lowercase")?;
        case.ok("rm -v work")?;
        case.ok("rmi hearc/hello")?;
        Ok(())
    })
}

#[test]
fn a_commit_leaves_the_container_running() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name busy busybox sleep 1000")?;
        case.ok("commit busy once")?;
        case.ok("exec busy true")?;
        exported(case)?;
        case.ok("rm -f busy")?;
        case.ok("rmi once")?;
        Ok(())
    })
}

fn exported(case: &mut Case) -> Result<()> {
    let file = case.daemon.sandbox.scratch().join("export.tar");
    case.ok("exec busy sh -c 'echo whole >/whole'")?;
    case.ok(&format!("export -o {} busy", file.display()))?;
    case.ok(&format!("import {} flat", file.display()))?;
    case.says("run --rm flat cat /whole", "whole")?;
    case.ok("rmi flat")?;
    Ok(())
}
