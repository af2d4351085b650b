//! The same programs on Debian's own 6.1 kernel, in emulated machines: one with cgroup v2 alone and nothing
//! else, which takes the verdict of `tests/vm/checks`, and one that boots systemd, in which the Debian packages
//! are installed, upgraded under running containers, rebooted and removed (`tests/vm/systemd/checks`). Owns
//! `target/vm/console.log` and `target/vm/systemd.log`.

use std::path::Path;
use std::process::Command;

use corten_testkit::{programs, skip};

#[test]
fn debian_kernel_with_cgroup_v2_alone() {
    boot("vm", "scripts/vm", "vm/kernel/vmlinuz");
}

#[test]
fn packages_on_a_host_with_systemd() {
    boot("vm-systemd", "scripts/vm-systemd", "vm/payload.disk");
}

/// Boots the machine of `script` and takes its verdict; `made` is what its build leaves in the target directory.
fn boot(test: &str, script: &str, made: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if !programs::target_directory()
        .expect("cargo has a target directory")
        .join(made)
        .is_file()
    {
        let why = format!("{script} build has made no machine (no x86_64, or not root)");
        return skip::skip(test, &why);
    }
    let run = Command::new(script)
        .arg("run")
        .current_dir(root)
        .output()
        .expect("the script starts");
    let console = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{console}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
    println!(
        "{}",
        console
            .lines()
            .rfind(|line| line.starts_with("vm: "))
            .unwrap_or_default()
    );
}
